"""A Kafka broker that is killed and stays away: nothing lost, nothing doubled, nobody else disturbed."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.support import oracle, site
from tests.support.kafka import KafkaBroker
from tests.support.processes import eventually

OUTAGE_SECONDS = float(os.environ.get("TIELINE_TEST_OUTAGE_SECONDS", "30"))
EVENTS_PER_SECOND = 100.0
AGENTS = 10
MAX_LAG = 200
STOP_SECONDS = 20.0

pytestmark = [pytest.mark.e2e, pytest.mark.kafka, pytest.mark.timeout(180 + 2 * OUTAGE_SECONDS)]


def configuration(url: str, broker: KafkaBroker, topic: str) -> dict[str, Any]:
    """Ten agents, a file and a topic."""
    return {
        "connectors": [site.connector(url, AGENTS)],
        "sinks": [site.file_sink(), site.kafka_sink(broker.bootstrap_servers, topic)],
    }


async def flowing(gateway: site.GatewayProcess, events: int) -> None:
    """Wait until so many events are in Kafka."""

    async def enough() -> bool:
        return await gateway.settled("lake") > events

    await eventually(enough, f"{events} events in Kafka", timeout_seconds=60.0)


async def test_a_killed_broker_loses_and_doubles_nothing_and_delays_only_itself(
    tmp_path: Path, http: aiohttp.ClientSession, topic: str
) -> None:
    """SIGKILL of the broker under load, an outage, the same data again; a file sink goes on meanwhile."""
    async with (
        KafkaBroker(tmp_path / "broker") as broker,
        site.platform(
            tmp_path, http, agents=AGENTS, events_per_second=EVENTS_PER_SECOND, ack=True
        ) as platform,
        site.gateway(tmp_path, http, configuration(platform.url, broker, topic)) as gateway,
    ):
        gateway.start()
        await gateway.wait_fed()
        await flowing(gateway, 300)
        await broker.kill()
        ends = time.monotonic() + OUTAGE_SECONDS
        in_file = gateway.lines.count()
        while time.monotonic() < ends:
            await asyncio.sleep(1.0)  # the outage is meant to last; each second is looked at
            now = gateway.lines.count()
            assert now > in_file, "the file sink stood still during the outage"
            assert await gateway.lag("log") < MAX_LAG
            assert (await gateway.readiness())[0] == 200
            in_file = now
        behind = await gateway.lag("lake")
        assert behind > OUTAGE_SECONDS * EVENTS_PER_SECOND / 3
        await broker.start()

        async def recovering() -> bool:
            return await gateway.lag("lake") < behind / 2

        # While the load goes on: the backlog is worked off beside it.
        await eventually(recovering, "the backlog to shrink", timeout_seconds=90.0)
        await platform.stop_lives()
        published = await platform.arrived(gateway.lines.read)
        await gateway.wait_settled("lake")
        in_topic = await oracle.read_topic(broker, topic)
        assert [one.id for one in published if not one.resumable] == []
        assert oracle.owed(published) <= oracle.references(in_topic)
        assert oracle.doubled(in_topic) == []
        assert oracle.out_of_order(in_topic) == []
        assert oracle.overtaken(gateway.lines.read(), published) == []
        assert {event.id for event in in_topic} == {event.id for event in gateway.lines.read()}
        assert {feed["state"] for feed in await gateway.feeds()} == {"connected"}
        assert {feed["gaps"] for feed in await gateway.feeds()} == {0}


async def test_a_planned_stop_does_not_wait_for_a_broker_that_is_gone(
    tmp_path: Path, http: aiohttp.ClientSession, topic: str
) -> None:
    """SIGTERM with a batch on its way to a dead broker: code 0, before the deadline, nothing missing after."""
    async with (
        KafkaBroker(tmp_path / "broker") as broker,
        site.platform(
            tmp_path,
            http,
            agents=AGENTS,
            events_per_second=EVENTS_PER_SECOND,
            ack=True,
            max_interval_ms=120_000,
        ) as platform,
        site.gateway(tmp_path, http, configuration(platform.url, broker, topic)) as gateway,
    ):
        gateway.start()
        await gateway.wait_fed()
        await flowing(gateway, 100)
        await broker.kill()
        began = time.monotonic()
        assert await gateway.terminate() == 0, gateway.log
        assert time.monotonic() - began < STOP_SECONDS
        await broker.start()
        gateway.start()
        await gateway.wait_connected()
        await platform.stop_lives()
        published = await platform.arrived(gateway.lines.read)
        await gateway.wait_settled("lake")
        in_topic = await oracle.read_topic(broker, topic)
        assert oracle.owed(published) <= oracle.references(in_topic)
        assert oracle.doubled(in_topic) == []
        assert oracle.out_of_order(in_topic) == []
