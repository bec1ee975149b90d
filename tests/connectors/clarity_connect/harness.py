"""A connector against the simulator over real sockets, and a consumer that does what the supervisor does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import aiohttp

from connectors.clarity_connect import PLATFORM
from connectors.clarity_connect.connector import ClarityConnect
from connectors.clarity_connect.feed import ClarityFeed
from connectors.clarity_connect.settings import ClarityConnectSettings
from connectors.clarity_connect.simulator import Simulator, SimulatorSettings
from gateway.clock import SystemClock
from gateway.commands import Command, Outcome, Target, Verb
from gateway.contracts import ConnectorContext, Gap
from gateway.errors import ConnectionFailed
from gateway.events import Event, StoredEvent, encode
from gateway.evidence import judge

WAIT_SECONDS = 20.0
CLIENT_ID = "0224c392-3845-4ac0-b1a0-d63706181ba7"


@asynccontextmanager
async def simulated(**settings: Any) -> AsyncIterator[Simulator]:
    """A simulator; by default one where nothing happens by itself."""
    simulator = Simulator(SimulatorSettings(**{"events_per_second": 0, **settings}))
    await simulator.start()
    try:
        yield simulator
    finally:
        await simulator.stop()


@asynccontextmanager
async def connected_to(url: str, **settings: Any) -> AsyncIterator[ClarityConnect]:
    """A connector with the supervisor's account."""
    model = ClarityConnectSettings.model_validate(
        {
            "base_url": url,
            "username": "CONTOSO\\gateway",
            "password": "secret",
            "client_id": CLIENT_ID,
            **settings,
        }
    )
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), cookie_jar=aiohttp.DummyCookieJar()
    ) as http:
        connector = PLATFORM.build(
            model, ConnectorContext(name="cc", http=http, clock=SystemClock())
        )
        assert isinstance(connector, ClarityConnect)
        try:
            yield connector
        finally:
            for feed in connector.feeds:
                await feed.close()
            await connector.close()


class Consumer:
    """Reads the feed: stores what is delivered in memory, reconciles gaps, connects again after an error."""

    def __init__(self, connector: ClarityConnect, resume: bytes | None = None) -> None:
        feed = connector.feeds[0]
        assert isinstance(feed, ClarityFeed)
        self.connector = connector
        self.feed = feed
        self.events: list[Event] = []
        self.gaps: list[Gap] = []
        self.errors: list[ConnectionFailed] = []
        self.resume = resume
        self.links: list[bool] = []
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Connect, then read in a task."""
        self.links.append((await self.feed.connect(self.resume)).resumed)
        self._task = asyncio.create_task(self._run(), name="consumer")
        return self

    async def __aexit__(self, *_error: object) -> None:
        """Stop as a process that is killed: nothing is drained."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        await self.feed.close()

    async def _run(self) -> None:
        while True:
            try:
                delivery = await self.feed.receive()
                self.events += delivery.events
                self.resume = delivery.resume
                await self.feed.commit(delivery)
                if delivery.gap is not None:
                    self.gaps.append(delivery.gap)
                    self.events += await self.connector.snapshot(self.feed)
                self._changed.set()
            except ConnectionFailed as error:
                self.errors.append(error)
                await self._again()

    async def _again(self) -> None:
        while True:
            try:
                self.links.append((await self.feed.connect(self.resume)).resumed)
            except ConnectionFailed as error:
                self.errors.append(error)
                await asyncio.sleep(0.2)
            else:
                return

    async def until(self, condition: Callable[[], Any], what: str) -> Any:
        """Wait for something that the deliveries bring about."""
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                while not (found := condition()):
                    self._changed.clear()
                    if self._task is not None and self._task.done():
                        self._task.result()
                    try:
                        await asyncio.wait_for(self._changed.wait(), 0.2)
                    except TimeoutError:
                        continue
                return found
        except TimeoutError:
            raise AssertionError(
                f"never came: {what}; have {self.verbs()}, {self.errors}"
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
        natives = (getattr(event.data, "native", None) for event in self.events)
        return {native.reference for native in natives if native is not None and native.reference}

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
        return await self.connector.execute(
            Command(
                id=f"{verb.value}-{len(self.events)}",
                verb=verb,
                connector="cc",
                target=Target(agent=agent, call=call, interaction=interaction),
                requester="test",
                created=now,
                deadline=now + timedelta(seconds=10),
                arguments=arguments,
            )
        )

    async def verdict(self, outcome: Outcome, *, since: int) -> Outcome:
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


async def emit(simulator: Simulator, action: str, **fields: Any) -> Any:
    """Let one thing happen on the platform now."""
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{simulator.url}/sim/emit", json={"action": action, **fields}) as answer,
    ):
        assert answer.status == 200, await answer.text()
        return await answer.json()


def published(simulator: Simulator) -> set[str]:
    """References of what the platform published and has not itself lost."""
    return {entry.id for entry in simulator.ledger.since(0, 1_000_000) if entry.resumable}
