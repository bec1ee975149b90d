"""Does with one feed what the supervisor does, with a journal in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from gateway.commands import Command, Outcome, Target, Verb
from gateway.contracts import CommandTarget, Connector, Delivery, Gap, Snapshotter
from gateway.errors import ConnectionFailed
from gateway.events import Event, StoredEvent, encode
from gateway.evidence import judge

WAIT_SECONDS = 30.0
PAUSE_SECONDS = 0.2


class Heard:
    """What was heard of one feed, and commands to its platform.

    Attributes:
        resume: the state of the last delivery, for another consumer to go on from.
        agent: whom commands are for unless they say otherwise.
    """

    def __init__(
        self,
        connector: Connector,
        resume: bytes | None = None,
        *,
        feed: int = 0,
        agent: str | None = None,
    ) -> None:
        self.connector = connector
        self.feed = connector.feeds[feed]
        self.agent = agent
        self.events: list[Event] = []
        self.gaps: list[Gap] = []
        self.resume = resume
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def until(self, condition: Callable[[], Any], what: str) -> Any:
        """Wait for something that the deliveries bring about."""
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                while not (found := condition()):
                    self._changed.clear()
                    if self._task is not None and self._task.done():
                        raise AssertionError(f"reading ended before: {what}") from _error(
                            self._task
                        )
                    try:
                        await asyncio.wait_for(self._changed.wait(), PAUSE_SECONDS)
                    except TimeoutError:
                        continue
                return found
        except TimeoutError:
            raise AssertionError(
                f"never came: {what}; have {self.verbs()[-200:]}{self._trouble()}"
            ) from None

    async def event(self, verb: str, **fields: Any) -> Event:
        """Wait for an event of that type whose data has these fields."""

        def find() -> Event | None:
            for event in self.events:
                if event.type == f"tieline.{verb}.v1" and all(
                    getattr(event.data, name) == value for name, value in fields.items()
                ):
                    return event
            return None

        found = await self.until(find, f"{verb} {fields}")
        assert isinstance(found, Event)
        return found

    def verbs(self) -> list[str]:
        """Types of all events so far, without prefix and version."""
        return [event.type.removeprefix("tieline.").removesuffix(".v1") for event in self.events]

    def references(self) -> set[str]:
        """The references of the vendor messages that the events came from."""
        return {reference for event in self.events if (reference := reference_of(event))}

    async def execute(
        self,
        verb: Verb,
        *,
        agent: str | None = None,
        call: str | None = None,
        interaction: str | None = None,
        **arguments: Any,
    ) -> Outcome:
        """Send a command."""
        now = datetime.now(UTC)
        assert isinstance(self.connector, CommandTarget)
        return await self.connector.execute(
            Command(
                id=f"{verb.value}-{len(self.events)}",
                verb=verb,
                connector=self.connector.name,
                target=Target(agent=agent or self.agent, call=call, interaction=interaction),
                requester="test",
                created=now,
                deadline=now + timedelta(seconds=10),
                arguments=arguments,
            )
        )

    async def verdict(self, outcome: Outcome, *, since: int = 0) -> Outcome:
        """Follow an accepted command to the event that decides it, as the command router does."""
        expectation = outcome.expectation
        assert expectation is not None, outcome

        def decide() -> Outcome | None:
            for position, event in enumerate(self.events[since:], since + 1):
                stored = StoredEvent(
                    position=position,
                    sequence=position,
                    type=event.type,
                    source=event.source,
                    body=encode(event),
                )
                if (found := judge(expectation, stored)) is not None:
                    return found
            return None

        found = await self.until(decide, f"a verdict by {sorted(expectation.confirmed_by)}")
        assert isinstance(found, Outcome)
        return found

    async def done(self, verb: Verb, **given: Any) -> Outcome:
        """Send a command and follow it; events that came before it do not count."""
        since = len(self.events)
        outcome = await self.execute(verb, **given)
        return await self.verdict(outcome, since=since)

    def _trouble(self) -> str:
        return ""


class FeedConsumer(Heard):
    """Stores what is delivered, has gaps reconciled, connects again after an error.

    Use it as an async context manager: entering connects, leaving stops as a process that is killed.

    Attributes:
        links: of every connection whether the earlier session went on.
        errors: what ended connections, or kept them from being made.
    """

    def __init__(self, connector: Connector, resume: bytes | None = None, *, feed: int = 0) -> None:
        super().__init__(connector, resume, feed=feed)
        self.errors: list[ConnectionFailed] = []
        self.links: list[bool] = []

    def _trouble(self) -> str:
        return f", {self.errors}"

    async def __aenter__(self) -> Self:
        """Connect, then read in a task."""
        self.links.append((await self.feed.connect(self.resume)).resumed)
        self._task = asyncio.create_task(self._run(), name="consumer")
        return self

    async def __aexit__(self, *_error: object) -> None:
        """Nothing is drained."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        await self.feed.close()

    async def stop(self) -> None:
        """A planned stop: drain, and keep what that gives."""
        assert self._task is not None
        self._task.cancel()
        await asyncio.wait({self._task})
        self._task = None
        last = await self.feed.drain()
        if last is not None:
            await self._store(last)

    async def _run(self) -> None:
        while True:
            try:
                await self._store(await self.feed.receive())
            except ConnectionFailed as error:
                self.errors.append(error)
                await self._again()

    async def _store(self, delivery: Delivery) -> None:
        events = list(delivery.events)
        if delivery.gap is not None and isinstance(self.connector, Snapshotter):
            events += await self.connector.snapshot(self.feed)
        self.events += events
        if delivery.resume is not None:
            self.resume = delivery.resume
        if delivery.gap is not None:
            self.gaps.append(delivery.gap)
        await self.feed.commit(delivery)
        self._changed.set()

    async def _again(self) -> None:
        while True:
            await self.feed.close()
            try:
                self.links.append((await self.feed.connect(self.resume)).resumed)
            except ConnectionFailed as error:
                self.errors.append(error)
                await asyncio.sleep(PAUSE_SECONDS)
            else:
                return


class SteadyConsumer(Heard):
    """Stores what is delivered until the feed ends with an error, and leaves it at that.

    As a context manager, entering connects and reads the first delivery. Leaving stops as a process that is killed.
    """

    async def __aenter__(self) -> Self:
        """Connect, read the first delivery, and go on reading in a task."""
        await self.feed.connect(self.resume)
        await self.read()
        self._task = asyncio.create_task(self.read_on(), name="consumer")
        return self

    async def __aexit__(self, *_error: object) -> None:
        """Nothing is drained."""
        await self.stop()

    @property
    def reading(self) -> asyncio.Task[None]:
        """The task that reads on."""
        assert self._task is not None
        return self._task

    async def stop(self) -> None:
        """End reading without draining."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})
        await self.feed.close()

    async def read(self) -> None:
        """One delivery: stored, then committed; after a gap the platform's state is read, as the supervisor does."""
        delivery = await self.feed.receive()
        reconciled: Sequence[Event] = ()
        if delivery.gap is not None and isinstance(self.connector, Snapshotter):
            reconciled = await self.connector.snapshot(self.feed)
        self.store(delivery)
        self.events += reconciled
        self._changed.set()
        await self.feed.commit(delivery)

    async def read_on(self) -> None:
        """Deliveries until the feed ends with its error."""
        while True:
            await self.read()

    def store(self, delivery: Delivery) -> None:
        """What the journal does with a delivery."""
        self.events += delivery.events
        if delivery.resume is not None:
            self.resume = delivery.resume
        if delivery.gap is not None:
            self.gaps.append(delivery.gap)
        self._changed.set()


def _error(task: asyncio.Task[None]) -> BaseException | None:
    return None if task.cancelled() else task.exception()


def reference_of(event: Event) -> str | None:
    """The vendor message that an event came from, if it names one."""
    native = getattr(event.data, "native", None)
    return native.reference if native is not None else None
