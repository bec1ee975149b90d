"""What operators and readers do over the API, over kills and restarts of a whole gateway."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.support import site
from tests.support.event_stream import open_stream
from tests.support.processes import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

AGENTS = 3


@pytest.fixture
async def gateway(
    tmp_path: Path, http: aiohttp.ClientSession
) -> AsyncIterator[site.GatewayProcess]:
    """A gateway beside a lively platform."""
    async with site.platform(tmp_path, http, agents=AGENTS, events_per_second=20) as platform:
        configuration = {
            "connectors": [site.connector(platform.url, AGENTS)],
            "sinks": [site.file_sink()],
        }
        async with site.gateway(tmp_path, http, configuration) as gateway:
            gateway.start()
            await gateway.wait_connected()
            yield gateway


async def asked(gateway: site.GatewayProcess, method: str, path: str, body: Any = None) -> Any:
    """The answer of the API."""
    async with gateway.http.request(method, f"{gateway.url}{path}", json=body) as reply:
        assert reply.status == 200, await reply.text()
        return await reply.json()


async def test_a_reader_of_the_stream_misses_nothing_over_a_kill(
    gateway: site.GatewayProcess,
) -> None:
    """It connects again with the last id that it got: what it has then are the journal's events, each once."""
    seen: list[str] = []
    async with aiohttp.ClientSession(base_url=gateway.url) as client:
        async with open_stream(client, "?after=start") as stream:
            seen += [event["id"] for event in await stream.events(30)]
        gateway.kill()
        gateway.start()
        await gateway.wait_connected()
        async with open_stream(client, Last_Event_ID=stream.last_id) as again:
            seen += [event["id"] for event in await again.events(30)]
        async with open_stream(client, "?after=start&follow=false") as whole:
            stored = [block.data["id"] for block in await whole.rest() if not block.event]
    assert seen == stored[: len(seen)]
    assert len(set(seen)) == len(seen)


async def test_the_picture_and_the_stream_fit_together(gateway: site.GatewayProcess) -> None:
    """The stream behind the picture's position begins with the event after it."""

    async def seen() -> Any:
        picture = await asked(gateway, "GET", "/v1/agents")
        return picture if len(picture["items"]) == AGENTS else None

    picture = await eventually(seen, "all agents in the picture")
    async with (
        aiohttp.ClientSession(base_url=gateway.url) as client,
        open_stream(client, f"?after={picture['position']}") as stream,
    ):
        first = await stream.told()
    assert int(first.id.rpartition("-")[2]) == picture["position"] + 1


async def test_a_paused_connector_and_a_paused_sink_stay_so_over_a_restart(
    gateway: site.GatewayProcess,
) -> None:
    """Nothing is read and nothing delivered until somebody resumes them; then nothing is missing in the file."""
    await asked(gateway, "POST", "/v1/sinks/log/pause")
    await asked(gateway, "POST", "/v1/connectors/gws/pause")

    async def paused() -> bool:
        (connector,) = (await asked(gateway, "GET", "/v1/connectors"))["items"]
        return bool(connector["feeds"] == {"paused": AGENTS})

    await eventually(paused, "all feeds to let go")
    gateway.kill()
    gateway.start()
    await gateway.wait_ready()
    await eventually(paused, "the feeds to be paused again")
    (sink,) = (await asked(gateway, "GET", "/v1/sinks"))["items"]
    assert sink["state"] == "paused"
    async with gateway.http.get(f"{gateway.url}/readyz") as reply:
        assert reply.status == 200, "a pause is no failure"
    await asked(gateway, "POST", "/v1/connectors/gws/resume")
    await gateway.wait_connected()
    await asked(gateway, "POST", "/v1/sinks/log/resume")
    async with (
        aiohttp.ClientSession(base_url=gateway.url) as client,
        open_stream(client, "?after=start&follow=false") as whole,
    ):
        stored = {block.data["id"] for block in await whole.rest() if not block.event}

    def delivered() -> bool:
        return stored <= {event.id for event in gateway.lines.read()}

    await eventually(delivered, "everything in the file", timeout_seconds=30.0)
