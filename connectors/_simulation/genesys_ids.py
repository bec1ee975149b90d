"""Ids in the forms that Genesys' servers give them, from a simulator's own generator, so that a seed repeats a run."""

from __future__ import annotations

from random import Random

_BASE32 = "0123456789ABCDEFGHIJKLMNOPQRSTUV"


def uuid(rng: Random) -> str:
    """A random UUID from the simulator's own generator."""
    digits = f"{rng.getrandbits(128):032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def call_uuid(rng: Random) -> str:
    """A call UUID in T-Server's alphabet."""
    return "".join(rng.choices(_BASE32, k=32))


def interaction_id(rng: Random) -> str:
    """An id in Interaction Server's form."""
    return "0000" + "".join(rng.choices(_BASE32, k=12))


def connection_id(rng: Random) -> str:
    """A connection id."""
    return f"{rng.getrandbits(64):016x}"
