"""Supervision of feeds: the only reconnect loop there is.

For each feed one task: connect, then receive, append, commit, until the link is lost; then back off and connect again.
The order is the guarantee: an event is acknowledged to the platform only when the journal has it. Every interruption
leaves a trace in the journal: feed.connected, feed.disconnected, and a pair of gap events when something may be
missing.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime

from gateway import feed_events
from gateway.backoff import Backoff, BackoffPolicy
from gateway.clock import Clock
from gateway.contracts import Connector, Delivery, Feed, Gap, Journal, Link, Snapshotter
from gateway.errors import (
    AuthRejected,
    ConfigError,
    JournalFull,
    NotConnected,
    Reason,
    Retryable,
    TielineError,
)
from gateway.events import Event
from gateway.lifecycle import Interruptible, StopSignal
from gateway.states import FeedState
from gateway.telemetry import Telemetry


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


class StartGate:
    """Paces attempts to connect, so that a thousand feeds that lost one server do not storm it."""

    def __init__(self, policy: SupervisorPolicy, clock: Clock) -> None:
        self._interval = 1.0 / policy.starts_per_second
        self._slots = asyncio.Semaphore(policy.starts_at_once)
        self._clock = clock
        self._next = 0.0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a turn; the body is one attempt."""
        async with self._slots:
            now = self._clock.monotonic()
            at = max(now, self._next)
            self._next = at + self._interval
            if at > now:
                await self._clock.sleep(at - now)
            yield


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
    ) -> None:
        self.connector = connector
        self.feed = feed
        self._journal = journal
        self._telemetry = telemetry
        self._clock = clock
        self._policy = policy
        self._gate = gate
        self._stop = stop
        self._waiting = Interruptible()
        self._resume: bytes | None = None
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
            self._resume = await self._journal.resume(self.feed.name)
            while not self._stop.requested:
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

    def interrupt(self) -> None:
        """End the waiting that the feed is in, if it is in one: called when the stop signal is given."""
        self._waiting.interrupt()

    async def _session(self, backoff: Backoff, auth_backoff: Backoff) -> TielineError | None:
        """One connection from its making to its end; returns what ended it, None for the stop signal."""
        connected = False
        try:
            if not await self._connect(backoff.failures + auth_backoff.failures):
                return None
            connected = True
            backoff.succeeded()
            auth_backoff.succeeded()
            await self._receive_until_stopped()
            await self._drain()
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
        self.last_error = None
        self._set_state(FeedState.CONNECTED)
        self._telemetry.feed_connected(
            self.connector.name, self.feed.name, resumed=link.resumed, after_failures=failures
        )
        await self._append([self._facts.connected(link, self._clock.now())], None)
        return True

    async def _receive_until_stopped(self) -> None:
        while not self._stop.requested:
            delivery: Delivery | None = None
            async with self._waiting:
                delivery = await self.feed.receive()
            if delivery is not None:
                await self._store(delivery)

    async def _drain(self) -> None:
        self._set_state(FeedState.DRAINING)
        with suppress(TimeoutError):
            async with asyncio.timeout(self._policy.drain_seconds):
                delivery = await self.feed.drain()
            if delivery is not None:
                await self._store(delivery)
        reason = self._facts.disconnected("stopped", self.session, self._clock.now())
        await self._append([reason], None)

    async def _ended(
        self, error: TielineError, *, connected: bool, told: bool = False
    ) -> TielineError:
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
            await self._clock.sleep(wait)

    async def _store(self, delivery: Delivery) -> None:
        """Append what a feed gave, with the account of a gap if there is one, then acknowledge it."""
        events: Sequence[Event] = delivery.events
        if delivery.gap is not None:
            events = await self._account_for(delivery.gap, delivery.events)
        await self._append(events, delivery.resume)
        await self.feed.commit(delivery)

    async def _account_for(self, gap: Gap, events: Sequence[Event]) -> Sequence[Event]:
        self.gaps += 1
        self._telemetry.feed_gap(self.connector.name, self.feed.name, reason=gap.reason)
        noticed = self._clock.now()
        opened = self._facts.gap_opened(gap, noticed)
        reconciled: Sequence[Event] = ()
        if isinstance(self.connector, Snapshotter):
            # The gap is on record before the platform is asked, which may fail or take long.
            await self._append([opened], None)
            reconciled = await self.connector.snapshot(self.feed)
        closed = self._facts.gap_closed(
            gap, noticed, recovered=len(reconciled), now=self._clock.now()
        )
        return [opened, *events, *reconciled, closed]

    async def _append(self, events: Sequence[Event], resume: bytes | None) -> None:
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
            self._count(events, stored=done.stored, duplicates=done.duplicates)

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
            not_understood=sum(event.type == feed_events.VENDOR_MESSAGE for event in events),
            anomalies=sum(isinstance(event.anomaly, str) for event in events),
        )

    def _set_state(self, state: FeedState) -> None:
        if state is self.state:
            return
        self._telemetry.feed_state(self.connector.name, self.feed.name, self.state, state)
        self.state = state
        self.state_since = self._clock.now()


class Supervisor:
    """All feeds of all connectors."""

    def __init__(
        self,
        connectors: Iterable[Connector],
        *,
        journal: Journal,
        telemetry: Telemetry,
        clock: Clock,
        policy: SupervisorPolicy,
        stop: StopSignal,
    ) -> None:
        self._stop = stop
        gate = StartGate(policy, clock)
        self.runners = [
            FeedRunner(
                connector,
                feed,
                journal=journal,
                telemetry=telemetry,
                clock=clock,
                policy=policy,
                gate=gate,
                stop=stop,
            )
            for connector in connectors
            for feed in connector.feeds
        ]

    async def run(self) -> None:
        """Run every feed until the stop signal and its drain."""
        async with asyncio.TaskGroup() as tasks:
            for runner in self.runners:
                tasks.create_task(runner.run(), name=f"feed {runner.feed.name}")
            await self._stop.wait()
            for runner in self.runners:
                runner.interrupt()

    def states(self) -> Counter[FeedState]:
        """How many feeds are in which state."""
        return Counter(runner.state for runner in self.runners if runner.state is not None)
