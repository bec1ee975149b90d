"""A program of others reads the event stream as browsers do: the EventSource of Node.js, by undici."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.api.server import ApiServer
from gateway.api.settings import ApiSettings
from gateway.events.calls import Call
from tests.support.events import new_event
from tests.support.fake_runtime import FakeRuntime
from tests.support.peers import PEERS
from tests.support.processes import LineProcess, free_port

pytestmark = [pytest.mark.peers, pytest.mark.timeout(90)]

WAIT_SECONDS = 30.0


async def append(runtime: FakeRuntime, *numbers: int) -> None:
    events = [new_event(number, "call.held", Call(call=str(number))) for number in numbers]
    await runtime.journal.append("feed", events, None)


async def messages(reader: LineProcess, number: int) -> list[str]:
    """The calls of the next messages; what else is said is passed over."""
    found: list[str] = []
    while len(found) < number:
        told: Any = await reader.read(timeout_seconds=WAIT_SECONDS)
        if told["event"] == "message":
            found.append(told["data"]["data"]["call"])
    return found


async def test_it_gets_every_event_once_over_a_restart_of_the_api(runtime: FakeRuntime) -> None:
    """It hears why the stream ends, waits as it was asked to, and goes on behind its last id."""
    settings = ApiSettings(port=free_port())
    command = ["node", str(PEERS / "event_source.mjs")]
    await append(runtime, 1, 2)
    server = ApiServer(runtime, settings)
    url = await server.start()
    async with LineProcess([*command, f"{url}/v1/events?after=start"]) as reader:
        assert await reader.read(timeout_seconds=WAIT_SECONDS) == {"event": "open"}
        assert await messages(reader, 2) == ["1", "2"]
        await append(runtime, 3)
        assert await messages(reader, 1) == ["3"]
        await server.close()
        server = ApiServer(runtime, settings)
        await server.start()
        closed = await reader.read(timeout_seconds=WAIT_SECONDS)
        assert (closed["event"], closed["data"]["reason"]) == ("closed", "stopping")
        await append(runtime, 4, 5)
        assert await messages(reader, 2) == ["4", "5"]
    await server.close()
