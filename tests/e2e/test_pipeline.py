"""The whole way with whole processes: platform, gateway, sinks; and what survives a kill of the gateway."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.support import oracle, site
from tests.support.kafka import KafkaBroker
from tests.support.processes import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

KILLS = 20
EVENTS_PER_SECOND = 200.0
AGENTS = 10


def configuration(url: str, *sinks: dict[str, Any], agents: int = AGENTS) -> dict[str, Any]:
    """One connector and these sinks."""
    return {"connectors": [site.connector(url, agents)], "sinks": list(sinks)}


async def test_events_flow_and_a_stop_is_clean(tmp_path: Path, http: aiohttp.ClientSession) -> None:
    """Everything published is in the file once, the API tells the truth, SIGTERM ends with code 0."""
    async with (
        site.platform(
            tmp_path, http, agents=AGENTS, events_per_second=EVENTS_PER_SECOND, ack=True
        ) as platform,
        site.gateway(tmp_path, http, configuration(platform.url, site.file_sink())) as gateway,
    ):
        gateway.start()
        await gateway.wait_fed()
        await eventually(lambda: gateway.lines.count() > 300, "300 events in the file")
        await platform.stop_lives()
        published = await platform.arrived(gateway.lines.read)
        feeds = await gateway.feeds()
        assert {feed["state"] for feed in feeds} == {"connected"}
        assert len(feeds) == AGENTS
        assert await gateway.terminate() == 0, gateway.log
        events = gateway.lines.read()
        assert oracle.doubled(events) == []
        assert oracle.overtaken(events, published) == []
        sequences = [event.sequence for event in events]
        assert sequences == sorted(set(sequences))


@pytest.mark.kafka
async def test_nothing_is_lost_or_doubled_by_kill_9_at_random_moments(
    tmp_path: Path, http: aiohttp.ClientSession, kafka: KafkaBroker, topic: str
) -> None:
    """The oracle of the platform against file and topic, over many kills of the gateway under load.

    Every second kill comes in the middle of a start, the others while events flow. The window of
    the sessions is long, so that everything published lies inside it, however slow the machine is.
    """
    rng = random.Random(20)
    async with (
        site.platform(
            tmp_path,
            http,
            agents=AGENTS,
            events_per_second=EVENTS_PER_SECOND,
            ack=True,
            max_interval_ms=120_000,
        ) as platform,
        site.gateway(
            tmp_path,
            http,
            configuration(
                platform.url, site.file_sink(), site.kafka_sink(kafka.bootstrap_servers, topic)
            ),
        ) as gateway,
    ):
        gateway.start()
        await gateway.wait_fed()
        await eventually(lambda: gateway.lines.count() > AGENTS, "the first events")
        for kill in range(KILLS):
            if kill % 2:
                await asyncio.sleep(rng.uniform(0.2, 2.5))  # the moment that is put to the test
            else:
                wanted = gateway.lines.count() + rng.randrange(1, 400)
                await eventually(
                    lambda wanted=wanted: gateway.lines.count() >= wanted,
                    "events after a restart",
                    timeout_seconds=60.0,
                )
            gateway.kill()
            gateway.start()
        await gateway.wait_ready()
        await platform.stop_lives()
        published = await platform.arrived(gateway.lines.read)
        await gateway.wait_settled("lake")
        assert [one.id for one in published if not one.resumable] == []
        assert len(published) > KILLS * 100
        in_file = gateway.lines.read()
        assert oracle.doubled(in_file) == []
        assert oracle.out_of_order(in_file) == []
        assert oracle.overtaken(in_file, published) == []
        in_topic = await oracle.read_topic(kafka, topic)
        assert oracle.doubled(in_topic) == []
        assert oracle.owed(published) <= oracle.references(in_topic)
        assert oracle.out_of_order(in_topic) == []
        assert {event.id for event in in_topic} == {event.id for event in in_file}
