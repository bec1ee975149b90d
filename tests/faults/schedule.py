"""What goes wrong when: drawn from a seed, so that a run can be had again. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random
from typing import Any


class Kind(StrEnum):
    """What goes wrong."""

    KILL = "kill"
    """SIGKILL of the gateway, and a start after `seconds`."""
    RESTART = "restart"
    """A planned stop of the gateway, and a start at once."""
    FREEZE = "freeze"
    """SIGSTOP of the gateway for `seconds`."""
    FREEZE_PLATFORM = "freeze_platform"
    """SIGSTOP of a platform for `seconds`."""
    CUT = "cut"
    """All connections to a platform are reset and new ones refused for `seconds`."""
    HALF_OPEN = "half_open"
    """The connections to a platform that are open carry nothing any more, without anybody being told; new ones work."""
    SLOW = "slow"
    """Everything between the gateway and a platform comes late for `seconds`."""
    RECEIVER = "receiver"
    """The webhook's receiver is unavailable, refuses connections or hangs for `seconds`."""
    FULL_DISK = "full_disk"
    """No file of the gateway may grow for `seconds`."""
    CLOCK = "clock"
    """The gateway's wall clock jumps, and back after `seconds`."""
    PLATFORM = "platform"
    """The platform forgets sessions or tokens, fails, lies: a fault of its simulator."""
    BROKER = "broker"
    """SIGKILL of the Kafka broker, and a start after `seconds`."""


_COMMON = ("server_error", "drop", "garbage")
_SESSIONS = ("session_unknown", "session_expiry")
LYING: Mapping[str, Sequence[str]] = {
    "clarity_connect": ("session_unknown", "token_expiry", *_COMMON, "duplicate", "silence"),
    "genesys_engage_cloud": (*_SESSIONS, "token_expiry", *_COMMON, "duplicate"),
    "genesys_web_services": (*_SESSIONS, *_COMMON, "duplicate"),
    "incontact_wfo": ("slow", *_COMMON),
    "nice_incontact": ("session_unknown", "token_expiry", *_COMMON),
}
"""Which faults of its own each platform commits here."""
INSTANT = frozenset({"session_unknown", "session_expiry", "token_expiry"})
RECEIVER_MODES = ("UNAVAILABLE", "REFUSING", "HANGING")
JUMPS_SECONDS = (-7200.0, -90.0, 90.0, 86_400.0)
WEIGHTS = {
    Kind.KILL: 3,
    Kind.RESTART: 1,
    Kind.FREEZE: 1,
    Kind.FREEZE_PLATFORM: 2,
    Kind.CUT: 3,
    Kind.HALF_OPEN: 2,
    Kind.SLOW: 1,
    Kind.RECEIVER: 2,
    Kind.FULL_DISK: 1,
    Kind.CLOCK: 1,
    Kind.PLATFORM: 6,
    Kind.BROKER: 1,
}


@dataclass(frozen=True, kw_only=True)
class Step:
    """One thing that goes wrong, so many seconds after the beginning of a round."""

    at: float
    kind: Kind
    seconds: float
    platform: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)


def draw(
    rng: Random, *, platforms: Sequence[str], steps: int, seconds: float, broker: bool = False
) -> list[Step]:
    """A round of so many faults within a time, each kind that there is a chance for."""
    kinds = [kind for kind in Kind if kind is not Kind.BROKER or broker]
    chosen = rng.choices(kinds, weights=[WEIGHTS[kind] for kind in kinds], k=steps)
    times = sorted(round(rng.uniform(0.0, seconds), 2) for _ in chosen)
    return [_step(rng, at, kind, platforms) for at, kind in zip(times, chosen, strict=True)]


def _step(rng: Random, at: float, kind: Kind, platforms: Sequence[str]) -> Step:
    platform = rng.choice(platforms)
    seconds = round(rng.uniform(0.5, 6.0), 2)
    detail: dict[str, Any] = {}
    if kind is Kind.RECEIVER:
        detail["mode"] = rng.choice(RECEIVER_MODES)
    elif kind is Kind.CLOCK:
        detail["jump_seconds"] = rng.choice(JUMPS_SECONDS)
    elif kind is Kind.SLOW:
        detail["delay_seconds"] = round(rng.uniform(0.05, 0.4), 2)
    elif kind is Kind.PLATFORM:
        fault = detail["kind"] = rng.choice(LYING[platform])
        if fault not in INSTANT:
            detail |= {"for_seconds": seconds, "probability": round(rng.uniform(0.3, 1.0), 2)}
    return Step(at=at, kind=kind, seconds=seconds, platform=platform, detail=detail)
