"""Faults that a simulator commits on purpose: what, when, how long, on whom.

A fault with `for_seconds` applies while its time lasts; without it, to the next `times` occasions. The kinds in
`INSTANT` act once at their time, on every agent they name. Chance comes from the simulator's seeded generator.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import StrEnum
from random import Random
from typing import Annotated, Literal

import msgspec


class FaultKind(StrEnum):
    """What goes wrong."""

    SESSION_UNKNOWN = "session_unknown"
    """The Bayeux session is forgotten: the next message on it gets 402."""
    SESSION_EXPIRY = "session_expiry"
    """The HTTP session is gone, and the Bayeux session with it: 403, log in again."""
    STALL = "stall"
    """Long polls are held and answered empty although messages are published. Takes no chance; without
    `for_seconds` it lasts until the faults are cleared."""
    SLOW = "slow"
    """Every reply comes late by `delay_ms`."""
    SERVER_ERROR = "server_error"
    """A 5xx answer, often HTML from something in between."""
    DROP = "drop"
    """The socket is closed without a reply."""
    DUPLICATE = "duplicate"
    """Messages are sent twice in one reply."""
    REORDER = "reorder"
    """Messages of one reply are shuffled; a reply waits until there are at least two."""
    GARBAGE = "garbage"
    """The feed answers with something that is not what it should be."""
    TOKEN_EXPIRY = "token_expiry"  # noqa: S105 - the name of a fault
    """Access tokens are dead before their time; refresh tokens and sessions live on."""
    SERVICE_UNAVAILABLE = "service_unavailable"
    """A service of the platform is down: it says so on the feed, and refuses what it is asked to do."""
    SERVER_RESTART = "server_restart"
    """The server comes back as a new process: nothing is left of connections and undelivered messages."""
    RING_OVERFLOW = "ring_overflow"
    """So much is published at once that undelivered messages lose their place."""
    SILENCE = "silence"
    """Open streams carry nothing, not even keep-alives. Takes no chance, like `stall`."""
    TRANSPORT_DISABLED = "transport_disabled"
    """The administrator allows a transport no longer. Takes no chance, like `stall`."""
    UPGRADE_REFUSED = "upgrade_refused"
    """Something in between lets no WebSocket through, although the server offers them. Takes no chance, like
    `stall`."""
    UNAUTHORIZED = "unauthorized"
    """A good access token is refused."""
    RATE_LIMITED = "rate_limited"
    """Too many requests: 429, and how many whole seconds to wait."""
    FORBIDDEN = "forbidden"
    """Whoever asks has no permission for any agent or queue. Takes no chance, like `stall`."""


INSTANT = frozenset(
    {
        FaultKind.SESSION_UNKNOWN,
        FaultKind.SESSION_EXPIRY,
        FaultKind.TOKEN_EXPIRY,
        FaultKind.SERVER_RESTART,
        FaultKind.RING_OVERFLOW,
    }
)
FEED_AND_HTTP = frozenset(
    {
        FaultKind.SESSION_UNKNOWN,
        FaultKind.SESSION_EXPIRY,
        FaultKind.STALL,
        FaultKind.SLOW,
        FaultKind.SERVER_ERROR,
        FaultKind.DROP,
        FaultKind.DUPLICATE,
        FaultKind.REORDER,
        FaultKind.GARBAGE,
    }
)
"""What every platform with a Bayeux feed can suffer."""

Seconds = Annotated[float, msgspec.Meta(ge=0)]


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One fault. `at_seconds` counts from the start of the simulator (from now, when activated on demand)."""

    kind: FaultKind
    at_seconds: Seconds = 0
    for_seconds: Seconds = 0
    times: Annotated[int, msgspec.Meta(ge=1)] | None = None
    """At most so many occasions. Without it: once if `for_seconds` is 0, else without limit."""
    probability: Annotated[float, msgspec.Meta(gt=0, le=1)] = 1.0
    agent: str | None = None
    """The username it concerns; everybody when absent."""
    target: Literal["any", "feed", "rest"] = "any"
    """Which requests `slow`, `server_error` and `drop` concern."""
    delay_ms: Annotated[float, msgspec.Meta(ge=0)] = 500
    """For `slow`; for `rate_limited`, how long to wait, at least a second."""
    status: Annotated[int, msgspec.Meta(ge=400, le=599)] | None = None
    """For `server_error`; a mixture of 500, 502, 503 and 504 when absent."""
    after_processing: bool = False
    """For `drop` and `server_error`: the request is carried out, only the reply is withheld."""
    form: Literal["text", "shape", "mixed"] | None = None
    """For `garbage`: not JSON, JSON of another shape, broken messages between good ones; any when absent."""
    discard: bool = False
    """For `stall`: what is published meanwhile is lost instead of late."""
    service: str | None = None
    """For `service_unavailable`: which one; for `transport_disabled`: which transport; for `unauthorized`: which
    request, by the last part of its path; all when absent."""


class _Scheduled:
    """A fault with its window on the monotonic clock and the occasions left."""

    __slots__ = ("begins", "ends", "fault", "left")

    def __init__(self, fault: Fault, begins: float) -> None:
        self.fault = fault
        self.begins = begins
        self.ends = begins + fault.for_seconds if fault.for_seconds else float("inf")
        self.left: float = float("inf")
        if fault.times is not None:
            self.left = fault.times
        elif not fault.for_seconds:
            self.left = 1

    def concerns(self, kind: FaultKind, agent: str, now: float) -> bool:
        fault = self.fault
        return (
            fault.kind is kind
            and self.begins <= now < self.ends
            and self.left > 0
            and fault.agent in {None, agent}
        )


class FaultPlan:
    """The faults that are to come or active."""

    def __init__(self, rng: Random, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._rng = rng
        self._monotonic = monotonic
        self._scheduled: list[_Scheduled] = []

    def add(self, fault: Fault) -> float:
        """Plan a fault that is not instant, `at_seconds` from now, and return when it ends (infinity: when used up)."""
        now = self._monotonic()
        self._scheduled = [one for one in self._scheduled if one.ends > now and one.left > 0]
        scheduled = _Scheduled(fault, now + fault.at_seconds)
        self._scheduled.append(scheduled)
        return scheduled.ends

    def clear(self) -> None:
        """Forget every fault."""
        self._scheduled.clear()

    def active(self) -> list[Fault]:
        """The faults in force now."""
        now = self._monotonic()
        return [
            one.fault for one in self._scheduled if one.begins <= now < one.ends and one.left > 0
        ]

    def peek(self, kind: FaultKind, agent: str) -> Fault | None:
        """The fault of that kind in force for the agent; no chance is taken and no occasion used up."""
        if not self._scheduled:
            return None
        now = self._monotonic()
        for one in self._scheduled:
            if one.concerns(kind, agent, now):
                return one.fault
        return None

    def strike(
        self, kind: FaultKind, agent: str, *, target: Literal["feed", "rest"] = "feed"
    ) -> Fault | None:
        """The fault to commit on this occasion, if chance wants it; uses up one of its occasions."""
        if not self._scheduled:
            return None
        now = self._monotonic()
        for one in self._scheduled:
            if not one.concerns(kind, agent, now) or one.fault.target not in {"any", target}:
                continue
            if self._rng.random() < one.fault.probability:
                one.left -= 1
                return one.fault
        return None


NOT_JSON = (
    b"<html><body><h1>Please sign in</h1></body></html>",
    b'[{"channel":"/meta/connect","successful":tr',
    b"\xff\xfe\x00\x01 not text at all",
    b"",
)
WRONG_SHAPE = (
    b"null",
    b"17",
    b'"text"',
    b"{}",
    b'{"status":"ok"}',
    b"[[]]",
    b'[1,"two",null]',
    b"[]",
)
BROKEN_MESSAGES = (
    b"null",
    b"42",
    b'"text"',
    b"[]",
    b"{}",
    b'{"data":{"text":"no channel"}}',
    b'{"channel":7,"data":{}}',
    b'{"channel":"/meta/unheard-of","successful":"perhaps"}',
)


class FeedFaults:
    """The faults that concern a feed's content, in the form the Bayeux server asks for them.

    `broken` are the platform's own malformed messages; those every Bayeux feed can have are added.
    """

    def __init__(self, plan: FaultPlan, rng: Random, broken: tuple[bytes, ...] = ()) -> None:
        self._plan = plan
        self._rng = rng
        self._broken = BROKEN_MESSAGES + broken

    def stalled(self, owner: str) -> bool:
        """Whether nothing may be delivered now."""
        return self._plan.peek(FaultKind.STALL, owner) is not None

    def discards(self, owner: str) -> bool:
        """Whether what is published now is lost."""
        fault = self._plan.peek(FaultKind.STALL, owner)
        return fault is not None and fault.discard

    def wanted(self, owner: str) -> int:
        """How many messages a reply must hold before it is worth sending."""
        return 2 if self._plan.peek(FaultKind.REORDER, owner) else 1

    def body(self, owner: str) -> bytes | None:
        """What to answer instead of a proper reply; the queue is left alone then."""
        fault = self._plan.peek(FaultKind.GARBAGE, owner)
        if fault is None or fault.form == "mixed":
            return None
        if fault.form is None and self._rng.random() < 1 / 3:
            return None
        if self._plan.strike(FaultKind.GARBAGE, owner) is None:
            return None
        forms = {"text": NOT_JSON, "shape": WRONG_SHAPE}
        return self._rng.choice(forms[fault.form] if fault.form else NOT_JSON + WRONG_SHAPE)

    def frames(self, owner: str, frames: list[bytes]) -> list[bytes]:
        """The encoded messages as they are to go out."""
        plan, rng = self._plan, self._rng
        if not plan.active():
            return frames
        if len(frames) > 1 and plan.strike(FaultKind.REORDER, owner):
            shuffled = rng.sample(frames, len(frames))
            frames = shuffled if shuffled != frames else frames[1:] + frames[:1]
        if plan.strike(FaultKind.DUPLICATE, owner):
            frames = [copy for frame in frames for copy in (frame, frame)]
        fault = plan.peek(FaultKind.GARBAGE, owner)
        if fault and fault.form in {None, "mixed"} and plan.strike(FaultKind.GARBAGE, owner):
            frames = [each for frame in frames for each in (rng.choice(self._broken), frame)] + [
                rng.choice(self._broken)
            ]
        return frames


class StreamFaults(FeedFaults):
    """The same for a feed of open streams."""

    def silent(self, owner: str) -> bool:
        """Whether not even keep-alives go out."""
        return self._plan.peek(FaultKind.SILENCE, owner) is not None

    def cuts(self, owner: str) -> bool:
        """Whether the socket goes instead of the frame."""
        return self._plan.strike(FaultKind.DROP, owner) is not None
