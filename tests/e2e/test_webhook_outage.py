"""A webhook receiver that fails in three ways for a minute, then works: late is all that its events are."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import aiohttp
import pytest

from tests.support import oracle, site
from tests.support.kafka import KafkaBroker
from tests.support.processes import eventually
from tests.support.receiver import SECRET, FlakyReceiver, Mode

OUTAGE_SECONDS = float(os.environ.get("TIELINE_TEST_WEBHOOK_OUTAGE_SECONDS", "60"))
EVENTS_PER_SECOND = 40.0
AGENTS = 5
MAX_LAG = 200

pytestmark = [pytest.mark.e2e, pytest.mark.kafka, pytest.mark.timeout(240 + OUTAGE_SECONDS)]


async def test_a_receiver_that_fails_for_a_minute_gets_everything_and_disturbs_nobody(
    tmp_path: Path, http: aiohttp.ClientSession, kafka: KafkaBroker, topic: str
) -> None:
    """503, then connection refused, then no answer; meanwhile file and Kafka go on as if nothing were."""
    async with (
        FlakyReceiver() as receiver,
        site.platform(
            tmp_path, http, agents=AGENTS, events_per_second=EVENTS_PER_SECOND, ack=True
        ) as platform,
        site.gateway(
            tmp_path,
            http,
            {
                "connectors": [site.connector(platform.url, AGENTS)],
                "sinks": [
                    site.file_sink(),
                    site.kafka_sink(kafka.bootstrap_servers, topic),
                    site.webhook_sink(receiver.url, SECRET, timeout_seconds=3),
                ],
            },
        ) as gateway,
    ):
        gateway.start()
        await gateway.wait_fed()
        for sink in ("log", "lake", "hook"):

            async def flowing(sink: str = sink) -> bool:
                return await gateway.settled(sink) > 50

            await eventually(flowing, f"the first events at {sink}", timeout_seconds=30.0)
        before = len(receiver.taken)
        settled = {sink: await gateway.settled(sink) for sink in ("log", "lake")}
        for mode in (Mode.UNAVAILABLE, Mode.REFUSING, Mode.HANGING):
            await receiver.turn(mode)
            before = max(before, len(receiver.taken))
            had_retries = await gateway.total("tieline_sink_retries_total", sink="hook")
            ends = time.monotonic() + OUTAGE_SECONDS / 3
            met = False
            # At least as long as it takes until an attempt has met this failure.
            while time.monotonic() < ends or not met:
                await asyncio.sleep(2.0)  # the outage is meant to last; it is looked at meanwhile
                for sink, had in settled.items():
                    settled[sink] = await gateway.settled(sink)
                    assert settled[sink] > had, f"{sink} stood still while the receiver {mode}"
                    assert await gateway.lag(sink) < MAX_LAG
                retries = await gateway.total("tieline_sink_retries_total", sink="hook")
                met = retries > had_retries and (mode is Mode.REFUSING or mode in receiver.attempts)
        assert len(receiver.taken) == before
        assert await gateway.lag("hook") > OUTAGE_SECONDS * EVENTS_PER_SECOND / 3
        await receiver.turn(Mode.WORKING)
        # The dispatcher's pause between attempts is half a minute by now.
        await eventually(
            lambda: len(receiver.taken) > before, "the first event after", timeout_seconds=60.0
        )
        await platform.stop_lives()
        published = await platform.arrived(gateway.lines.read)
        await gateway.wait_settled("lake")
        await gateway.wait_settled("hook", timeout_seconds=90.0)
        in_file = {event.id for event in gateway.lines.read()}
        assert oracle.owed(published) <= oracle.references(receiver.taken)
        assert {event.id for event in receiver.taken} == in_file
        assert oracle.doubled(receiver.taken) == []
        assert oracle.out_of_order(receiver.taken) == []
        assert receiver.forged == 0
        assert receiver.attempts[Mode.UNAVAILABLE]
        assert receiver.attempts[Mode.HANGING]
        in_topic = await oracle.read_topic(kafka, topic)
        assert {event.id for event in in_topic} == in_file
        assert oracle.doubled(in_topic) == []
