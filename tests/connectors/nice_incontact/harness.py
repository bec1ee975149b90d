"""A connector against the simulator over real sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from connectors.nice_incontact import PLATFORM
from connectors.nice_incontact.connector import NiceIncontact
from connectors.nice_incontact.settings import NiceIncontactSettings
from connectors.nice_incontact.simulator import Simulator, SimulatorSettings
from gateway.clock import Clock, SystemClock
from gateway.contracts import ConnectorContext

SOURCE = "/tieline/nice/nice_incontact"
AGENT = "1001"


@asynccontextmanager
async def simulated(**settings: Any) -> AsyncIterator[Simulator]:
    """A simulator; by default one where nothing happens by itself, and quickly."""
    chosen = {"events_per_second": 0, "dial_answer_seconds": 0.02, **settings}
    simulator = Simulator(SimulatorSettings(**chosen))
    await simulator.start()
    try:
        yield simulator
    finally:
        await simulator.stop()


def sign_in(url: str, **fields: Any) -> dict[str, Any]:
    """The password grant of the simulated token service."""
    return {
        "method": "password",
        "url": f"{url}/InContactAuthorizationServer/Token",
        "application": "Tieline@Example",
        "business_unit": "4711",
        "username": "agent0001@example.com",
        "password": "secret",
        **fields,
    }


@asynccontextmanager
async def connected_to(
    url: str, *, clock: Clock | None = None, **settings: Any
) -> AsyncIterator[NiceIncontact]:
    """A connector; by default one agent, whose own user signs in."""
    model = NiceIncontactSettings.model_validate(
        {
            "sign_in": sign_in(url),
            "agents": [{"agent_id": AGENT}],
            "sessions": {"join_interval_seconds": 1, "poll_timeout_seconds": 10},
            **settings,
        }
    )
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), cookie_jar=aiohttp.DummyCookieJar()
    ) as http:
        context = ConnectorContext(name="nice", http=http, clock=clock or SystemClock())
        connector = PLATFORM.build(model, context)
        assert isinstance(connector, NiceIncontact)
        try:
            yield connector
        finally:
            for feed in connector.feeds:
                await feed.close()
            await connector.close()


async def emit(simulator: Simulator, action: str, **fields: Any) -> dict[str, Any]:
    """Let one thing happen at the simulated platform."""
    body = {"action": action, **({} if action == "incoming" else {"agent": int(AGENT)}), **fields}
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{simulator.url}/sim/emit", json=body) as answer,
    ):
        found: dict[str, Any] = await answer.json()
        assert answer.status == 200, found
        return found
