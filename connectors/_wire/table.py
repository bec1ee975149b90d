"""Short ways to write the lines of a capability table. Pure."""

from __future__ import annotations

from gateway.commands import Argument


def string(name: str, meaning: str, *choices: str, required: bool = False) -> Argument:
    """A text, or one of some words."""
    return Argument(name=name, kind="string", required=required, choices=choices, meaning=meaning)


def array(name: str, meaning: str, *, required: bool = False) -> Argument:
    """A list of texts."""
    return Argument(name=name, kind="array", required=required, meaning=meaning)


def boolean(name: str, meaning: str, *, required: bool = False) -> Argument:
    """A truth value."""
    return Argument(name=name, kind="boolean", required=required, meaning=meaning)


def mapping(name: str, meaning: str, *, required: bool = False) -> Argument:
    """Values by key."""
    return Argument(name=name, kind="object", required=required, meaning=meaning)


def proof(name: str) -> str:
    """The full name of an event type."""
    return f"tieline.{name}.v1"


def proofs(*names: str) -> tuple[str, ...]:
    """The full names of event types."""
    return tuple(map(proof, names))
