"""A connector against the simulator over real sockets, and a consumer that does what the supervisor does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import aiohttp

from connectors.genesys_engage_cloud import PLATFORM
from connectors.genesys_engage_cloud.connector import GenesysEngageCloud
from connectors.genesys_engage_cloud.feed import ApiFeed
from connectors.genesys_engage_cloud.feed_workspace import WorkspaceFeed
from connectors.genesys_engage_cloud.simulator import Simulator, SimulatorSettings
from gateway.clock import SystemClock
from gateway.commands import Command, Outcome, Target, Verb
from gateway.contracts import AttachmentStore, ConnectorContext, Delivery, Gap
from gateway.events import Event, StoredEvent, encode
from gateway.evidence import judge

API_KEY = "sim-key"
CLIENT_SECRET = "sim-secret"
PASSWORD = "secret"
WAIT_SECONDS = 15.0


@asynccontextmanager
async def simulated(**settings: Any) -> AsyncIterator[Simulator]:
    """A simulator in which only what the test asks for happens, and whose sessions outlive a busy machine."""
    defaults = {"agents": 2, "events_per_second": 0, "timeout_ms": 2_000, "max_interval_ms": 30_000}
    async with Simulator(SimulatorSettings(**{**defaults, **settings})) as simulator:
        yield simulator


def account(number: int = 0, **fields: Any) -> dict[str, Any]:
    """One account of the simulator."""
    name = f"agent{number + 1:04d}"
    return {"username": f"acme\\{name}", "agent": name, "password": PASSWORD, **fields}


@asynccontextmanager
async def connected_to(
    url: str, *, agents: int = 1, uploads: AttachmentStore | None = None, **settings: Any
) -> AsyncIterator[GenesysEngageCloud]:
    """A connector with the simulator's first accounts."""
    model = PLATFORM.settings.model_validate(
        {
            "base_url": url,
            "api_key": API_KEY,
            "client": {"id": "sim-client", "secret": CLIENT_SECRET},
            "accounts": [account(number) for number in range(agents)],
            **settings,
        }
    )
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), cookie_jar=aiohttp.DummyCookieJar()
    ) as http:
        context = ConnectorContext(
            name="cloud", http=http, clock=SystemClock(), attachments=uploads
        )
        connector = PLATFORM.build(model, context)
        assert isinstance(connector, GenesysEngageCloud)
        try:
            yield connector
        finally:
            for feed in connector.feeds:
                await feed.close()
            await connector.close()


class Consumer:
    """Reads one feed: stores what is delivered in memory, then acknowledges it."""

    def __init__(self, connector: GenesysEngageCloud, *, number: int = 0) -> None:
        feed = connector.feeds[number]
        assert isinstance(feed, ApiFeed)
        self.connector = connector
        self.feed = feed
        self.events: list[Event] = []
        self.gaps: list[Gap] = []
        self.resume: bytes | None = None
        self.error: BaseException | None = None
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Connect, read the first delivery, and go on reading in a task."""
        await self.feed.connect(self.resume)
        await self.read()
        self._task = asyncio.create_task(self._run(), name="consumer")
        return self

    async def __aexit__(self, *_error: object) -> None:
        """Stop as a process that is killed: nothing is drained."""
        await self.stop()

    @property
    def reading(self) -> asyncio.Task[None]:
        """The task that reads on."""
        assert self._task is not None
        return self._task

    async def stop(self) -> None:
        """End reading without draining."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        await self.feed.close()

    async def read(self) -> None:
        """One delivery: stored, then committed; after a gap the platform's state is read, as the supervisor does."""
        delivery = await self.feed.receive()
        reconciled = await self.connector.snapshot(self.feed) if delivery.gap is not None else ()
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
        self.resume = delivery.resume
        if delivery.gap is not None:
            self.gaps.append(delivery.gap)
        self._changed.set()

    async def _run(self) -> None:
        try:
            await self.read_on()
        except Exception as error:
            self.error = error
            self._changed.set()
            raise

    async def until(self, condition: Callable[[], Any], what: str) -> Any:
        """Wait for something that the deliveries bring about."""
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                while not (found := condition()):
                    if self.error is not None:
                        raise AssertionError(f"the feed ended before: {what}") from self.error
                    self._changed.clear()
                    await self._changed.wait()
                return found
        except TimeoutError:
            raise AssertionError(f"never came: {what}; have {self.verbs()}") from None

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
        natives = (getattr(event.data, "native", None) for event in self.events)
        return {native.reference for native in natives if native is not None and native.reference}

    async def execute(
        self,
        verb: Verb,
        *,
        call: str | None = None,
        interaction: str | None = None,
        **arguments: Any,
    ) -> Outcome:
        """A command to this agent."""
        assert isinstance(self.feed, WorkspaceFeed)
        now = datetime.now(UTC)
        command = Command(
            id=f"{verb.value}-{len(self.events)}",
            verb=verb,
            connector="cloud",
            target=Target(agent=self.feed.account.name, call=call, interaction=interaction),
            requester="test",
            created=now,
            deadline=now + timedelta(seconds=10),
            arguments=arguments,
        )
        return await self.connector.execute(command)

    async def verdict(self, outcome: Outcome, *, since: int = 0) -> Outcome:
        """Follow an accepted command to the event that decides it, as the command router does."""
        expectation = outcome.expectation
        assert expectation is not None, outcome

        def decide() -> Outcome | None:
            for position, event in enumerate(self.events[since:]):
                stored = StoredEvent(
                    position=position + 1,
                    sequence=position + 1,
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
        """Issue a command and follow it; events that came before it do not count."""
        since = len(self.events)
        outcome = await self.execute(verb, **given)
        return await self.verdict(outcome, since=since)


def published(simulator: Simulator, owner: str = "agent0001") -> set[str]:
    """References of what the platform published for somebody and has not itself lost."""
    entries = simulator.ledger.since(0, 1_000_000)
    return {entry.id for entry in entries if entry.agent == owner and entry.resumable}
