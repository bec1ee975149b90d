"""One feed from its connection to its stop: the only reconnect loop there is.

Connect, then receive, append, commit, until the link is lost; then back off and connect again.
The order is the guarantee: an event is acknowledged to the platform only when the journal has it. Every interruption
leaves a trace in the journal: feed.connected, feed.disconnected, and a pair of gap events when something may be
missing.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime

from gateway import feed_events
from gateway.backoff import Backoff, BackoffPolicy
from gateway.clock import Clock
from gateway.contracts import (
    Appended,
    Connector,
    Delivery,
    Feed,
    Gap,
    Journal,
    Link,
    PartialSnapshotter,
    Snapshotter,
)
from gateway.errors import (
    AuthRejected,
    ConfigError,
    JournalFull,
    NotConnected,
    Reason,
    ResumeUnreadable,
    Retryable,
    TielineError,
)
from gateway.events import Event
from gateway.lifecycle import Interruptible, StopSignal
from gateway.liveness import FeedWatch, LivenessPolicy, Step
from gateway.pausing import PauseSwitch
from gateway.start_gate import StartGate
from gateway.states import FeedState
from gateway.telemetry import Telemetry
from gateway.tracing import FeedTrace
from gateway.transitions import ILLEGAL_TRANSITION, flagged

_MOST_SUBJECTS = 20
"""When more than these surprised since the last comparison, all of the feed is compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SupervisorPolicy:
    """Times of the supervisor.

    Attributes:
        backoff: between attempts after ordinary failures.
        auth_backoff: between attempts after refused credentials, long, lest an account be locked.
        connect_seconds: limit of one attempt to connect.
        drain_seconds: limit of a feed's last fetch at a planned stop.
        close_seconds: limit of closing a feed.
        starts_per_second: how many attempts to connect begin each second, over all feeds.
        starts_at_once: how many may be under way at the same time.
        liveness: when a feed counts as quiet.
    """

    backoff: BackoffPolicy = field(default_factory=BackoffPolicy)
    auth_backoff: BackoffPolicy = field(
        default_factory=lambda: BackoffPolicy(base_seconds=15.0, cap_seconds=300.0)
    )
    connect_seconds: float = 30.0
    drain_seconds: float = 5.0
    close_seconds: float = 5.0
    starts_per_second: float = 100.0
    starts_at_once: int = 50
    liveness: LivenessPolicy = field(default_factory=LivenessPolicy)


class FeedRunner:
    """Runs one feed, and knows all that may be said about it."""

    def __init__(
        self,
        connector: Connector,
        feed: Feed,
        *,
        journal: Journal,
        telemetry: Telemetry,
        clock: Clock,
        policy: SupervisorPolicy,
        gate: StartGate,
        stop: StopSignal,
        rhythm_seconds: float | None = None,
        pause: PauseSwitch | None = None,
    ) -> None:
        self.connector = connector
        self.feed = feed
        self._pause = pause or PauseSwitch()
        self._pause.listen(self.interrupt)
        self.watch = FeedWatch(policy.liveness, rhythm_seconds=rhythm_seconds)
        self._journal = journal
        self._telemetry = telemetry
        self._clock = clock
        self._policy = policy
        self._gate = gate
        self._stop = stop
        self._waiting = Interruptible()
        self._due: Step | None = None
        self._resume: bytes | None = None
        self._unresumed: Gap | None = None
        self._surprising: set[str] = set()
        self._facts = feed_events.FeedFacts(
            feed=feed.name,
            connector=connector.name,
            platform=connector.platform,
            guarantee=feed.guarantee,
        )
        self.state: FeedState | None = None
        self.state_since: datetime = clock.now()
        self.last_event_at: datetime | None = None
        self.last_error: TielineError | None = None
        self.session: str | None = None
        self.events = 0
        self.gaps = 0
        self._set_state(FeedState.PENDING)

    async def run(self) -> None:
        """Keep the feed connected until the stop signal, then drain it; cancellation ends it at once."""
        backoff = Backoff(self._policy.backoff, random.uniform)
        auth_backoff = Backoff(self._policy.auth_backoff, random.uniform)
        try:
            await self._take_up()
            while not self._stop.requested:
                if self._pause.paused:
                    await self._stay_paused()
                    continue
                error = await self._session(backoff, auth_backoff)
                if error is None:
                    continue
                self.last_error = error
                if isinstance(error, ConfigError):
                    self._set_state(FeedState.FAILED)
                    self._telemetry.feed_given_up(self.connector.name, self.feed.name, error)
                    break
                await self._back_off(error, backoff, auth_backoff)
        finally:
            await self._close()
            if self.state is not FeedState.FAILED:
                self._set_state(FeedState.STOPPED)

    async def _take_up(self) -> None:
        """Go on where the last process, or the connector before this one, has stopped."""
        try:
            self._resume = await self._journal.resume(self.feed.name)
        except ResumeUnreadable as error:
            # What happened since then is out of reach, which is told as soon as there is a session again.
            self.last_error = error
            begun = self._clock.now()
            self._unresumed = Gap(key=f"unresumed {begun.isoformat()}", reason="resume_unreadable")

    def leave(self) -> None:
        """Be no longer counted, nor told of pauses: the feed has stopped and its connector is being removed."""
        self._pause.forget(self.interrupt)
        if self.state is not None:
            self._telemetry.feed_left(self.connector.name, self.state)

    def interrupt(self) -> None:
        """End the waiting that the feed is in, if it is in one: it has to stop, or to pause."""
        self._waiting.interrupt()

    async def _stay_paused(self) -> None:
        """Let the connection go and wait; the platform's session is left alive as at a stop."""
        self.watch.disconnected()
        await self._close()
        self._set_state(FeedState.PAUSED)
        self.session = None
        async with self._waiting:
            await self._pause.wait_resumed()

    def look(self) -> None:
        """See whether the feed fell quiet or owes a comparison; called every few seconds."""
        if self.state is FeedState.CONNECTED and self._due is None:
            self._due = self.watch.check(self._clock.monotonic(), self._clock.now())
            if self._due is not None:
                self._waiting.interrupt()

    async def _session(self, backoff: Backoff, auth_backoff: Backoff) -> TielineError | None:
        """One connection from its making to its end; returns what ended it, None for a stop or a pause."""
        connected = False
        try:
            if not await self._connect(backoff.failures + auth_backoff.failures):
                return None
            connected = True
            backoff.succeeded()
            auth_backoff.succeeded()
            await self._receive_until_stopped()
            await self._drain("stopped" if self._stop.requested else "paused")
        except TielineError as error:
            return await self._ended(error, connected=connected)
        except Exception as error:  # noqa: BLE001 - a defect in one feed must not take the others down
            self._telemetry.feed_crashed(self.connector.name, self.feed.name, error)
            return await self._ended(
                NotConnected(f"defect: {type(error).__name__}", reason=Reason.OTHER),
                connected=connected,
                told=True,
            )
        return None

    async def _connect(self, failures: int) -> bool:
        link: Link | None = None
        async with self._waiting, self._gate.turn():
            self._set_state(FeedState.CONNECTING)
            try:
                async with asyncio.timeout(self._policy.connect_seconds):
                    link = await self.feed.connect(self._resume)
            except TimeoutError as error:
                raise NotConnected(
                    f"no connection within {self._policy.connect_seconds:g} s",
                    reason=Reason.TIMEOUT,
                ) from error
        if link is None:
            return False
        self.session = link.session
        # Which one it is may depend on what the server speaks.
        self._facts = replace(self._facts, guarantee=self.feed.guarantee)
        self.last_error = None
        self._due = None
        self._surprising.clear()
        self.watch.connected(self._clock.monotonic())
        self._set_state(FeedState.CONNECTED)
        self._telemetry.feed_connected(
            self.connector.name, self.feed.name, resumed=link.resumed, after_failures=failures
        )
        await self._append([self._facts.connected(link, self._clock.now())], None)
        if self._unresumed is not None:
            await self._append(await self._account_for(self._unresumed, ()), None)
            self._unresumed = None
        return True

    async def _receive_until_stopped(self) -> None:
        while not (self._stop.requested or self._pause.paused):
            delivery: Delivery | None = None
            async with self._waiting:
                delivery = await self.feed.receive()
            if delivery is not None:
                await self._store(delivery)
            await self._do_what_is_due()

    async def _do_what_is_due(self) -> None:
        step, self._due = self._due, None
        if step is Step.RESYNC:
            await self._resync(self.watch.resync_reason)
        elif step is Step.RECONNECT and self.watch.quiet_since is not None:
            await self._tell_quiet(self.watch.quiet_since)

    async def _tell_quiet(self, since: datetime) -> None:
        """Say that the feed is quiet, and end its connection: a new one is the test whether the old one was alive."""
        now = self._clock.now()
        rhythm = self.watch.rhythm_seconds or 0.0
        self._telemetry.feed_quiet(self.connector.name, self.feed.name, since, rhythm)
        await self._append([self._facts.quiet(self.session, since, rhythm, now)], None)
        raise NotConnected(
            f"nothing came for longer than {rhythm:g} s",
            reason=Reason.QUIET,
            hint="if that is usual, set rhythm_seconds of the connector",
        )

    async def _resync(self, reason: str) -> None:
        """Compare with the platform's state; what differs is a gap that nobody had noticed.

        A reading that only repeats states and figures shows that nothing is missing.
        """
        if not isinstance(self.connector, Snapshotter):
            return
        noticed = self._clock.now()
        found = await self._compared(self.connector, reason)
        if not feed_events.recovered(found):
            found = ()
        self._telemetry.feed_resynced(self.connector.name, self.feed.name, reason, len(found))
        if not found:
            return
        gap = Gap(
            key=f"{reason} {noticed.isoformat()}", reason=reason, since=self.watch.received_at
        )
        events = self._with_account(gap, noticed, (), found)
        await self._append([self._facts.gap_opened(gap, noticed), *events], None)

    async def _compared(self, connector: Snapshotter, reason: str) -> Sequence[Event]:
        """Read as little as the platform allows: only what surprised, unless that is a lot."""
        subjects = frozenset(self._surprising)
        self._surprising.clear()
        few = 0 < len(subjects) <= _MOST_SUBJECTS
        if few and reason == ILLEGAL_TRANSITION and isinstance(connector, PartialSnapshotter):
            return await connector.snapshot_of(self.feed, subjects)
        return await connector.snapshot(self.feed)

    async def _drain(self, why: str) -> None:
        self._set_state(FeedState.DRAINING)
        with suppress(TimeoutError):
            async with asyncio.timeout(self._policy.drain_seconds):
                delivery = await self.feed.drain()
            if delivery is not None:
                await self._store(delivery)
        told = self._facts.disconnected(why, self.session, self._clock.now())
        await self._append([told], None)

    async def _ended(
        self, error: TielineError, *, connected: bool, told: bool = False
    ) -> TielineError:
        self.watch.disconnected()
        await self._close()
        if connected:
            if not told:
                self._telemetry.feed_lost(self.connector.name, self.feed.name, error)
            event = self._facts.disconnected(error.reason.value, self.session, self._clock.now())
            await self._append([event], None)
            self.session = None
        return error

    async def _close(self) -> None:
        try:
            async with asyncio.timeout(self._policy.close_seconds):
                await self.feed.close()
        except Exception as error:  # noqa: BLE001 - a feed that cannot close must not keep the others from going on
            self._telemetry.cleanup_failed(f"feed {self.feed.name}", error)

    async def _back_off(self, error: TielineError, backoff: Backoff, auth_backoff: Backoff) -> None:
        refused = isinstance(error, AuthRejected)
        counter = auth_backoff if refused else backoff
        asked = error.retry_after_seconds if isinstance(error, Retryable) else None
        wait = counter.failed(at_least_seconds=asked)
        self._telemetry.feed_connect_failed(
            self.connector.name,
            self.feed.name,
            error,
            first=counter.failures == 1,
            wait_seconds=wait,
        )
        self._set_state(FeedState.AUTH_REJECTED if refused else FeedState.BACKING_OFF)
        async with self._waiting:
            if not self._pause.paused:
                await self._clock.sleep(wait)

    async def _store(self, delivery: Delivery) -> None:
        """Append what a feed gave, with the account of a gap if there is one, then acknowledge it."""
        events: Sequence[Event] = delivery.events
        if delivery.events:
            self.watch.delivered(self._clock.monotonic(), self._clock.now())
            events = flagged(delivery.events)
            self._note_surprises(events)
        if delivery.gap is not None:
            events = await self._account_for(delivery.gap, events)
        tracing = self._telemetry.tracing
        trace = None
        if tracing is not None:
            trace = tracing.received(self.connector.name, self.connector.platform, events)
        if trace is None:
            await self._keep(delivery, events)
        else:
            with trace:
                await self._keep(delivery, trace.events, trace)

    def _note_surprises(self, events: Sequence[Event]) -> None:
        surprising = [event.subject for event in events if isinstance(event.anomaly, str)]
        if surprising:
            self.watch.surprised(self._clock.monotonic())
            if len(self._surprising) <= _MOST_SUBJECTS:
                self._surprising.update(surprising[: _MOST_SUBJECTS + 1])

    async def _keep(
        self, delivery: Delivery, events: Sequence[Event], trace: FeedTrace | None = None
    ) -> None:
        done = await self._append(events, delivery.resume)
        if trace is not None:
            trace.journalled(done)
        self._count(events, stored=done.stored, duplicates=done.duplicates)
        await self.feed.commit(delivery)

    async def _account_for(self, gap: Gap, events: Sequence[Event]) -> Sequence[Event]:
        noticed = self._clock.now()
        opened = self._facts.gap_opened(gap, noticed)
        reconciled: Sequence[Event] = ()
        if isinstance(self.connector, Snapshotter):
            # The gap is on record before the platform is asked, which may fail or take long.
            await self._append([opened], None)
            reconciled = await self.connector.snapshot(self.feed)
        return [opened, *self._with_account(gap, noticed, events, reconciled)]

    def _with_account(
        self, gap: Gap, noticed: datetime, events: Sequence[Event], reconciled: Sequence[Event]
    ) -> Sequence[Event]:
        """Count a gap, and close it behind what brought it to light and what was recovered."""
        self.gaps += 1
        self._telemetry.feed_gap(self.connector.name, self.feed.name, reason=gap.reason)
        recovered = feed_events.recovered(reconciled, events)
        closed = self._facts.gap_closed(gap, noticed, recovered=recovered, now=self._clock.now())
        return [*events, *reconciled, closed]

    async def _append(self, events: Sequence[Event], resume: bytes | None) -> Appended:
        """Append, however long the journal has no room; only a stop in a hurry ends the waiting."""
        before = self.state or FeedState.CONNECTED
        while True:
            try:
                done = await self._journal.append(self.feed.name, events, resume)
                break
            except JournalFull:
                if self.state is not FeedState.JOURNAL_FULL:
                    self._set_state(FeedState.JOURNAL_FULL)
                    self._telemetry.journal_full(self.feed.name)
                await self._journal.wait_for_room()
        if self.state is FeedState.JOURNAL_FULL:
            self._set_state(before)
            self._telemetry.journal_has_room(self.feed.name)
        if resume is not None:
            self._resume = resume
        return done

    def _count(self, events: Sequence[Event], *, stored: int, duplicates: int) -> None:
        if not events:
            return
        self.last_event_at = self._clock.now()
        self.events += stored
        self._telemetry.feed_delivered(
            self.connector.name,
            stored=stored,
            duplicates=duplicates,
            at_seconds=self.last_event_at.timestamp(),
        )
        self._telemetry.surprising(
            self.connector.name,
            not_understood=[event.type for event in events].count(feed_events.VENDOR_MESSAGE),
            anomalies=sum([isinstance(event.anomaly, str) for event in events]),
        )

    def _set_state(self, state: FeedState) -> None:
        if state is self.state:
            return
        self._telemetry.feed_state(self.connector.name, self.feed.name, self.state, state)
        self.state = state
        self.state_since = self._clock.now()
