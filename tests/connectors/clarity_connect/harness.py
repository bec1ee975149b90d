"""A connector against the simulator over real sockets, and a consumer that does what the supervisor does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from connectors.clarity_connect import PLATFORM
from connectors.clarity_connect.connector import ClarityConnect
from connectors.clarity_connect.feed import ClarityFeed
from connectors.clarity_connect.settings import ClarityConnectSettings
from connectors.clarity_connect.simulator import Simulator, SimulatorSettings
from gateway.clock import Clock, SystemClock
from gateway.contracts import ConnectorContext
from tests.support.consumer import FeedConsumer

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
async def connected_to(
    url: str, *, clock: Clock | None = None, **settings: Any
) -> AsyncIterator[ClarityConnect]:
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
            model, ConnectorContext(name="cc", http=http, clock=clock or SystemClock())
        )
        assert isinstance(connector, ClarityConnect)
        try:
            yield connector
        finally:
            for feed in connector.feeds:
                await feed.close()
            await connector.close()


class Consumer(FeedConsumer):
    """A consumer of the connector's only feed."""

    connector: ClarityConnect
    feed: ClarityFeed

    def __init__(self, connector: ClarityConnect, resume: bytes | None = None) -> None:
        super().__init__(connector, resume)


async def emit(simulator: Simulator, action: str, **fields: Any) -> Any:
    """Let one thing happen on the platform now."""
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=False)) as http,
        http.post(f"{simulator.url}/sim/emit", json={"action": action, **fields}) as answer,
    ):
        assert answer.status == 200, await answer.text()
        return await answer.json()


def published(simulator: Simulator) -> set[str]:
    """References of what the platform published and has not itself lost."""
    return {entry.id for entry in simulator.ledger.since(0, 1_000_000) if entry.resumable}
