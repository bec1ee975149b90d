"""A journal without room: nothing is acknowledged to the platform, nothing is lost, and it recovers by itself."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest

from tests.support import oracle, site
from tests.support.processes import eventually
from tests.support.receiver import SECRET, FlakyReceiver, Mode

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

AGENTS = 5
MAX_BYTES = 1 << 20


async def test_a_full_journal_stops_acknowledging_and_recovers_when_the_receiver_is_back(
    tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    """A dead webhook holds its position until the bound is reached; SIGKILL meanwhile changes nothing."""
    async with (
        FlakyReceiver() as receiver,
        site.platform(
            tmp_path, http, agents=AGENTS, events_per_second=300, ack=True, max_interval_ms=60_000
        ) as platform,
        site.gateway(
            tmp_path,
            http,
            {
                "gateway": {"journal": {"max_bytes": MAX_BYTES, "min_free_bytes": 0}},
                "connectors": [site.connector(platform.url, AGENTS)],
                "sinks": [
                    site.file_sink(),
                    site.webhook_sink(receiver.url, SECRET, mode="batched"),
                ],
            },
        ) as gateway,
    ):
        gateway.start()
        await gateway.wait_fed()
        await receiver.turn(Mode.UNAVAILABLE)

        async def full() -> bool:
            status, body = await gateway.readiness()
            return status == 503 and "journal_full" in body["reasons"]

        await eventually(full, "the journal to be full", timeout_seconds=60.0)

        async def full_again() -> bool:
            try:
                return await full()
            except aiohttp.ClientError:
                return False

        async def held() -> bool:
            return {feed["state"] for feed in await gateway.feeds()} == {"journal_full"}

        await eventually(held, "every feed to wait for room")
        stored = gateway.lines.count()
        acknowledged = (await platform.stats())["fates"]["acknowledged"]
        published = (await platform.stats())["published"]

        async def more_published() -> bool:
            return int((await platform.stats())["published"]) > published + 600

        await eventually(more_published, "more messages at the platform")
        assert (await platform.stats())["fates"]["acknowledged"] <= acknowledged + 50
        assert gateway.lines.count() <= stored + 50
        gateway.kill()
        gateway.start()
        await eventually(full_again, "full after the restart", timeout_seconds=30.0)
        await platform.stop_lives()
        await receiver.turn(Mode.WORKING)
        await gateway.wait_connected(timeout_seconds=90.0)
        told = await platform.arrived(gateway.lines.read)
        await gateway.wait_settled("hook", timeout_seconds=90.0)
        assert [one.id for one in told if not one.resumable] == []
        events = gateway.lines.read()
        assert oracle.doubled(events) == []
        assert oracle.overtaken(events, told) == []
        assert {event.id for event in receiver.taken} == {event.id for event in events}
        assert (await gateway.readiness())[0] == 200
        assert {feed["gaps"] for feed in await gateway.feeds()} == {0}
