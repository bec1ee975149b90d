"""The events that a sink holds back by their partition keys, and when each is offered again. Pure.

A receiver that fails at one event may take all others. So that event and those behind it with the same key are held,
and everything else goes on. Two times are kept apart: how long the first event of a key is retried, counted from its
own first attempt; and how long an event may wait for those before it, counted from when it was held. Both, and the room
for all that is held, are bounded; what exceeds a bound becomes a dead letter. Only a failed attempt can show that a
time is over: an outage of the whole receiver buries nothing.

`now` is monotonic seconds; wall-clock times are for the record on disk.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gateway.backoff import Backoff, BackoffPolicy
from gateway.contracts import (
    Burial,
    Held,
    HeldChanges,
    HeldEvent,
    HoldLimits,
    KeyTrouble,
    Setback,
)
from gateway.errors import Reason
from gateway.events import StoredEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldKey:
    """A key that is held back, for those who look at it; `attempts` is 0 while nothing is known against it."""

    key: str
    events: int
    attempts: int
    since: datetime
    next_try: datetime
    reason: Reason | None
    message: str


@dataclass(slots=True, kw_only=True)
class Change:
    """What has to be made durable after something happened to held events."""

    burials: list[Burial] = field(default_factory=list)
    held: list[HeldEvent] = field(default_factory=list)
    released: list[int] = field(default_factory=list)
    troubles: list[KeyTrouble] = field(default_factory=list)
    recovered: list[str] = field(default_factory=list)

    def held_changes(self) -> HeldChanges:
        """The part that is not burials."""
        gone = set(self.released)
        return HeldChanges(
            held=[one for one in self.held if one.event.position not in gone],
            released=self.released,
            troubles=self.troubles,
            recovered=self.recovered,
        )


@dataclass(slots=True)
class _Key:
    backoff: Backoff
    waiting: deque[tuple[HeldEvent, float]] = field(default_factory=deque)
    positions: set[int] = field(default_factory=set)
    trouble: Setback | None = None
    failing_since: float = 0.0
    next_try: float = 0.0
    busy: bool = False


class Holding:
    """All keys that one sink holds back."""

    def __init__(self, limits: HoldLimits, uniform: Callable[[float, float], float]) -> None:
        self._limits = limits
        self._uniform = uniform
        self._keys: dict[str, _Key] = {}
        self.events = 0
        self.size_bytes = 0

    def __bool__(self) -> bool:
        return bool(self._keys)

    def __contains__(self, key: str) -> bool:
        return key in self._keys

    def restore(self, kept: Held, now: float, wall: datetime) -> None:
        """Begin with what an earlier process held. A clock that was set back lengthens no wait."""
        for one in kept.events:
            self._add(one, now - _age(one.since, wall))
        for trouble in kept.troubles:
            key = self._keys.get(trouble.key)
            if key is None:
                continue
            key.backoff.failures = trouble.attempts
            key.trouble = Setback(reason=trouble.reason, message=trouble.message)
            key.failing_since = now - _age(trouble.failing_since, wall)
            wait = (trouble.next_try - wall).total_seconds()
            key.next_try = now + min(max(0.0, wait), self._limits.retry_seconds)

    def keys(self, now: float, wall: datetime) -> list[HeldKey]:
        """All held keys, the longest held first."""
        return sorted(
            (
                HeldKey(
                    key=name,
                    events=len(key.waiting),
                    attempts=key.backoff.failures,
                    since=key.waiting[0][0].since,
                    next_try=wall + timedelta(seconds=max(0.0, key.next_try - now)),
                    reason=key.trouble.reason if key.trouble else None,
                    message=key.trouble.message if key.trouble else "",
                )
                for name, key in self._keys.items()
            ),
            key=lambda one: one.since,
        )

    def hold(
        self, events: Iterable[tuple[StoredEvent, Setback | None]], now: float, wall: datetime
    ) -> Change:
        """Hold events, each with what the receiver failed by if it was offered; the oldest give way if need be."""
        change = Change()
        for event, setback in events:
            one = HeldEvent(event=event, key=event.envelope.partitionkey, since=wall)
            if self._add(one, now):
                change.held.append(one)
            if setback is not None and self._is_first(one):
                self._fail(one.key, setback, now, wall, change)
        self._make_room(change, now)
        return change

    def _is_first(self, one: HeldEvent) -> bool:
        key = self._keys[one.key]
        return not key.busy and key.waiting[0][0] is one

    def again(self, events: Iterable[HeldEvent], now: float) -> None:
        """Take up events that are held on disk already: dead letters to be replayed."""
        for one in events:
            self._add(one, now)

    def _add(self, one: HeldEvent, since: float) -> bool:
        key = self._keys.get(one.key)
        if key is None:
            policy = BackoffPolicy(
                base_seconds=self._limits.base_seconds, cap_seconds=self._limits.cap_seconds
            )
            key = self._keys[one.key] = _Key(Backoff(policy, self._uniform))
        position = one.event.position
        if position in key.positions:
            return False
        key.positions.add(position)
        key.waiting.append((one, since))
        if len(key.waiting) > 1 and key.waiting[-2][0].event.position > position:
            first = [key.waiting.popleft()] if key.busy else []
            key.waiting = deque(
                [*first, *sorted(key.waiting, key=lambda pair: pair[0].event.position)]
            )
        self.events += 1
        self.size_bytes += len(one.event.body)
        return True

    def take_due(self, now: float, most: int) -> list[HeldEvent]:
        """The first events of keys whose time has come; each is to be settled by one of the methods below."""
        due = [key for key in self._keys.values() if not key.busy and key.next_try <= now]
        due.sort(key=lambda key: key.next_try)
        for key in due[:most]:
            key.busy = True
        return [key.waiting[0][0] for key in due[:most]]

    def seconds_to_next(self, now: float) -> float | None:
        """How long until something is due; None when nothing will be."""
        times = [key.next_try for key in self._keys.values() if not key.busy]
        return max(0.0, min(times) - now) if times else None

    def delivered(self, one: HeldEvent, now: float) -> Change:
        """The receiver took it; the next of its key may go."""
        change = Change()
        self._release(one.key, change, now)
        return change

    def refused(self, one: HeldEvent, reason: Reason, message: str, now: float) -> Change:
        """The receiver will never take it."""
        change = Change(burials=[Burial(event=one.event, reason=reason, message=message)])
        self._release(one.key, change, now)
        return change

    def failed(self, one: HeldEvent, setback: Setback, now: float, wall: datetime) -> Change:
        """The receiver failed at it again."""
        change = Change()
        self._keys[one.key].busy = False
        self._fail(one.key, setback, now, wall, change)
        return change

    def postponed(self, one: HeldEvent, seconds: float, now: float) -> None:
        """The receiver takes nothing at all: that is held against no key."""
        key = self._keys[one.key]
        key.busy = False
        key.next_try = now + seconds

    def _fail(
        self, name: str, setback: Setback, now: float, wall: datetime, change: Change
    ) -> None:
        key = self._keys[name]
        if key.trouble is None:
            key.failing_since = now
        wait = key.backoff.failed(at_least_seconds=setback.retry_after_seconds)
        key.trouble, key.next_try = setback, now + wait
        retried = now - key.failing_since
        if retried > self._limits.retry_seconds:
            attempts = key.backoff.failures
            message = f"{setback.message}; offered {attempts} times in {retried:.0f} s"
            change.burials.append(
                Burial(event=key.waiting[0][0].event, reason=setback.reason, message=message)
            )
            self._release(name, change, now)
            self._bury_late(name, now, change)
            return
        change.troubles.append(
            KeyTrouble(
                key=name,
                attempts=key.backoff.failures,
                failing_since=wall - timedelta(seconds=retried),
                next_try=wall + timedelta(seconds=wait),
                reason=setback.reason,
                message=setback.message,
            )
        )

    def _bury_late(self, name: str, now: float, change: Change) -> None:
        """Bury what has waited too long for events before it, now that one of those has failed for good."""
        while (key := self._keys.get(name)) is not None:
            one, since = key.waiting[0]
            if now - since <= self._limits.order_seconds:
                return
            message = f"waited {now - since:.0f} s for events before it with the same key"
            change.burials.append(Burial(event=one.event, reason=Reason.DEADLINE, message=message))
            self._release(name, change, now)

    def _make_room(self, change: Change, now: float) -> None:
        limits = self._limits
        while self.events > limits.most_events or self.size_bytes > limits.most_bytes:
            # Keys stand in the order in which they began to be held.
            name = next((name for name, key in self._keys.items() if not key.busy), None)
            if name is None:
                return
            key = self._keys[name]
            why = key.trouble.message if key.trouble else "events before it are held"
            reason = key.trouble.reason if key.trouble else Reason.DEADLINE
            message = f"no room to hold more than {self._limits.most_events} events: {why}"
            change.burials.append(
                Burial(event=key.waiting[0][0].event, reason=reason, message=message)
            )
            self._release(name, change, now)

    def _release(self, name: str, change: Change, now: float) -> None:
        key = self._keys[name]
        one, _ = key.waiting.popleft()
        key.positions.discard(one.event.position)
        self.events -= 1
        self.size_bytes -= len(one.event.body)
        change.released.append(one.event.position)
        if key.trouble is not None:
            change.troubles = [known for known in change.troubles if known.key != name]
            change.recovered.append(name)
        key.backoff.succeeded()
        key.trouble, key.busy, key.next_try = None, False, now
        if not key.waiting:
            del self._keys[name]


def _age(since: datetime, wall: datetime) -> float:
    return max(0.0, (wall - since).total_seconds())
