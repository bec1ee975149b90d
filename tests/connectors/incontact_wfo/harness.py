"""A connector against the simulated recorder over real sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp

from connectors.incontact_wfo import PLATFORM
from connectors.incontact_wfo.connector import IncontactWfo
from connectors.incontact_wfo.settings import IncontactWfoSettings
from connectors.incontact_wfo.simulator import Simulator, SimulatorSettings
from gateway.clock import SystemClock
from gateway.commands import Command, Outcome, Target, Verb
from gateway.contracts import ConnectorContext
from tests.support.attachments import Uploads
from tests.support.consumer import FeedConsumer


@asynccontextmanager
async def simulated(**settings: Any) -> AsyncIterator[Simulator]:
    """A recorder; by default one where nothing happens by itself."""
    async with Simulator(SimulatorSettings(**{"events_per_second": 0, **settings})) as simulator:
        yield simulator


@asynccontextmanager
async def connected_to(url: str, **settings: Any) -> AsyncIterator[IncontactWfo]:
    """A connector that polls fast; whether its feed is connected is the test's."""
    model = IncontactWfoSettings.model_validate(
        {"base_url": url, "interval_seconds": 0.2, **settings}
    )
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        context = ConnectorContext(
            name="wfo", http=http, clock=SystemClock(), attachments=Uploads()
        )
        connector = PLATFORM.build(model, context)
        assert isinstance(connector, IncontactWfo)
        try:
            yield connector
        finally:
            for feed in connector.feeds:
                await feed.close()
            await connector.close()


async def emit(simulator: Simulator, action: str, agent: int = 1, **fields: Any) -> list[str]:
    """Let one thing happen on the site now; the references of what it changes."""
    body = {"action": action, "agent": agent, **fields}
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{simulator.url}/sim/emit", json=body) as answer,
    ):
        assert answer.status == 200, await answer.text()
        told: list[str] = (await answer.json())["published"]
        return told


def command(
    verb: Verb,
    *,
    agent: str | None = None,
    device: str | None = None,
    call: str | None = None,
    interaction: str | None = None,
    **arguments: Any,
) -> Command:
    """A command."""
    now = datetime(2026, 3, 1, tzinfo=UTC)
    return Command(
        id=f"cmd-{verb.value}",
        verb=verb,
        connector="wfo",
        target=Target(agent=agent, device=device, call=call, interaction=interaction),
        requester="test",
        created=now,
        deadline=now + timedelta(seconds=10),
        arguments=arguments,
    )


async def decided(consumer: FeedConsumer, wanted: Command) -> Outcome:
    """Send a command and follow it to its verdict."""
    since = len(consumer.events)
    assert isinstance(consumer.connector, IncontactWfo)
    outcome = await consumer.connector.execute(wanted)
    if outcome.expectation is None:
        return outcome
    return await consumer.verdict(outcome, since=since)
