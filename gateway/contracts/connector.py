"""The contracts of connectors and their feeds.

A connector yields feeds and may execute commands; a feed is the unit of supervision and of resume. Neither retries,
backs off, counts, or logs a lost connection: the supervisor does that once for all.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

from gateway.commands import Command, Expectation, Outcome
from gateway.events import Event


class Guarantee(StrEnum):
    """What a feed can promise about an interruption."""

    RESUMABLE = "resumable"
    SNAPSHOT = "snapshot"
    POLLED = "polled"
    BEST_EFFORT = "best_effort"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A connection that a feed made: the platform session's public name, and whether the earlier session went on."""

    session: str
    resumed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Events may have been lost.

    Attributes:
        key: names this interruption; the same interruption seen again after a crash has the same key.
        reason: bounded word: session_lost, unclean_stop, buffer_full, expired …
        since: when the feed was last known to be whole, if known.
        unrecovered: how many were lost, None when nobody can know.
    """

    key: str
    reason: str
    since: datetime | None = None
    unrecovered: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What a feed hands over: events in order, and the resume state that covers exactly them and all before.

    Without a state (`resume` is None) the one that is stored stays: whoever goes on from it reads these events once
    more, under the same ids, and the journal keeps one of each. So a feed whose state is large may give it now and
    then; it gives it with every gap and at the end of `drain`.
    """

    events: tuple[Event, ...]
    resume: bytes | None
    gap: Gap | None = None
    receipt: Any = None
    """The feed's own handle for `commit`; nobody else looks at it."""


class Feed(Protocol):
    """One subscription of one connector: a CometD session of one agent, a SignalR connection, a poll loop.

    All methods are called by one task of the supervisor, one at a time, `close` excepted, which may come at any moment.
    """

    @property
    def name(self) -> str:
        """Unique within the gateway and stable over restarts; `<connector>/<what>`. Never a secret."""
        ...

    @property
    def guarantee(self) -> Guarantee:
        """What this feed promises about interruptions; `connect` may change it, by what the platform speaks."""
        ...

    async def connect(self, resume: bytes | None) -> Link:
        """Establish, authenticate and subscribe, going on from `resume` if there is one and the platform allows it.

        Called before the first `receive` and after every error. The caller sets the time limit. If the earlier
        session is gone, a new one is made and the next delivery carries the `Gap`. Cancellation leaves nothing open.
        Raises NotReady (wait, perhaps as long as the platform asked), AuthRejected, NotConnected, ConfigError (the feed
        is given up until the configuration changes), ProtocolViolation.
        """
        ...

    async def receive(self) -> Delivery:
        """Wait for the next delivery.

        Cancel-safe: what was not returned is returned by the next call. Raises NotConnected, AuthRejected, NotReady or
        ProtocolViolation when the link is lost, after which only `connect` or `close` follow. May return no events
        with a new resume state or a gap.
        """
        ...

    async def commit(self, delivery: Delivery) -> None:
        """Acknowledge to the platform: called once for each delivery, in order, when it is durable.

        Never acknowledge anything before. A no-op where the platform has no acknowledgement. Does not wait for the
        network.
        """
        ...

    async def drain(self) -> Delivery | None:
        """Fetch what the platform already holds for us, without ending the session: the last call before a stop.

        `receive` is not called again. What is returned is appended and committed like any delivery; its resume
        state says that the stop was clean. None if there is nothing to say. The caller sets the time limit; if
        cancelled, the stop counts as unclean.
        """
        ...

    async def close(self) -> None:
        """Release everything. Idempotent, also after a failed or cancelled `connect`.

        The platform's session is left alive, so that the next process can resume it.
        """
        ...


class Connector(Protocol):
    """One configured platform instance."""

    @property
    def name(self) -> str:
        """The name from the configuration."""
        ...

    @property
    def platform(self) -> str:
        """The platform's name, which is its folder's."""
        ...

    @property
    def feeds(self) -> Sequence[Feed]:
        """All feeds of this instance. No I/O; the same objects at every call."""
        ...

    async def close(self) -> None:
        """Release what the feeds share. Called after all feeds are closed. Idempotent."""
        ...


@runtime_checkable
class CommandTarget(Protocol):
    """Optional: a connector that executes commands."""

    async def execute(self, command: Command) -> Outcome:
        """Send one command and say what the platform answered.

        Called after the command was checked against the capability table; concurrently with the feeds and with commands
        to other agents, in order for one agent. The caller enforces the deadline by cancellation, after which the
        command may or may not have been sent. Returns `accepted` with an expectation, `done` when the reply is the
        proof, `refused`, `partial`; raises CommandRefused (certain), CommandUncertain (sent, answer lost), NotReady or
        NotConnected (not sent). Never retries anything that may have been carried out.
        """
        ...


@runtime_checkable
class Foreseeing(Protocol):
    """Optional: a connector that knows before it sends a command which event will decide it."""

    def foresee(self, command: Command) -> Expectation | None:
        """What would decide the command as things are now; None if nothing but the platform's reply would.

        It is written down before the command is sent, and counts if the reply never comes: the link is lost, or the
        process dies. No I/O. May raise CommandRefused, which `execute` would raise too.
        """
        ...


@runtime_checkable
class Snapshotter(Protocol):
    """Optional: a connector that can read the platform's current state."""

    async def snapshot(self, feed: Feed) -> Sequence[Event]:
        """The events that lead from what the feed last told to what the platform says now.

        Called by the supervisor after a gap or a surprise, between two `receive`s of that feed, which hears nothing
        meanwhile. The caller sets no time limit: each request has its own. If cancelled, what was read is lost and
        `Feed.drain` or `Feed.close` follows. The events are marked `reconciled`. Raises like `Feed.connect`.
        """
        ...


@runtime_checkable
class PartialSnapshotter(Snapshotter, Protocol):
    """Optional: a snapshotter with feeds of a whole site, which can also read single agents, calls and interactions."""

    async def snapshot_of(self, feed: Feed, subjects: Collection[str]) -> Sequence[Event]:
        """Like `snapshot`, of some subjects of events only (`agent/5`, `call/70`), because one of them surprised.

        May read more if that is no more work. What cannot be read by itself is left out.
        """
        ...


@runtime_checkable
class Prober(Protocol):
    """Optional: a one-off check for `check-config --probe`."""

    async def probe(self) -> str:
        """Connect, look, disconnect; say in one line what was found. Raises like `Feed.connect`.

        Called once, of a connector whose feeds are never connected; the caller sets the time limit, and closes it.
        """
        ...


@runtime_checkable
class Diagnosable(Protocol):
    """Optional: facts for the control API."""

    def diagnostics(self) -> Mapping[str, Any]:
        """Redacted facts as JSON values. Called by the API at any moment, also before a feed is connected. No I/O."""
        ...
