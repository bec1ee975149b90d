"""Commands over HTTP, all the way to the platform and back as the event that proves them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.support import site
from tests.support.oracle import SeenEvent
from tests.support.processes import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(90)]

ANNA = {"agent": "agent0001"}
NUMBER = {"destination": "5550100"}


@pytest.fixture
async def platform(tmp_path: Path, http: aiohttp.ClientSession) -> AsyncIterator[site.Platform]:
    """A platform where nothing happens but by command."""
    async with site.platform(
        tmp_path, http, agents=2, events_per_second=0, ack=True, dial_answer_seconds=0.1
    ) as platform:
        yield platform


@pytest.fixture
async def gateway(
    tmp_path: Path, http: aiohttp.ClientSession, platform: site.Platform
) -> AsyncIterator[site.GatewayProcess]:
    """A gateway whose feeds are connected."""
    configuration = {"connectors": [site.connector(platform.url, 2)], "sinks": [site.file_sink()]}
    async with site.gateway(tmp_path, http, configuration) as gateway:
        gateway.start()
        await gateway.wait_connected()
        yield gateway


async def event_of(gateway: site.GatewayProcess, name: str) -> SeenEvent:
    """The event of this id, once it is in the file."""

    def found() -> SeenEvent | None:
        return next((event for event in gateway.lines.read() if event.id == name), None)

    event: SeenEvent = await eventually(found, f"event {name} in the file")
    return event


async def done(
    gateway: site.GatewayProcess, proof: str, verb: str, target: dict[str, str], **arguments: Any
) -> SeenEvent:
    """Send a command, insist that it is done, and return its proof: an event of the type `proof`, in the file."""
    answer = await gateway.command(verb, target, arguments)
    assert answer.get("status") == "done", answer
    evidence = await event_of(gateway, answer["evidence"])
    assert evidence.type == f"tieline.{proof}.v1"

    def told() -> bool:
        subject = f"command/{answer['id']}"
        return any(event.subject == subject for event in gateway.lines.of_type("command.done"))

    await eventually(told, f"the verdict about {verb} in the file")
    return evidence


async def call_connected(gateway: site.GatewayProcess, call: str) -> None:
    """Wait until the dialled party has answered."""

    def connected() -> bool:
        subject = f"call/{call}"
        return any(event.subject == subject for event in gateway.lines.of_type("call.connected"))

    await eventually(connected, "the call to be answered")


async def test_every_verb_is_done_and_proven_by_an_event(gateway: site.GatewayProcess) -> None:
    """A day of an agent by command: login, ready, a call with its recording, not ready, logout, login."""
    await done(gateway, "agent.session.started", "agent.login", ANNA)
    await done(gateway, "agent.state.changed", "agent.set_state", ANNA, state="ready")
    initiated = await done(gateway, "call.initiated", "call.dial", ANNA, **NUMBER)
    call = initiated.subject.removeprefix("call/")
    await call_connected(gateway, call)
    leg = ANNA | {"call": call}
    await done(gateway, "call.held", "call.hold", leg)
    await done(gateway, "call.retrieved", "call.retrieve", leg)
    await done(gateway, "recording.started", "recording.start", leg)
    await done(gateway, "recording.paused", "recording.pause", leg)
    await done(gateway, "recording.resumed", "recording.resume", leg)
    await done(gateway, "recording.stopped", "recording.stop", leg)
    await done(gateway, "call.ended", "call.hang_up", leg)
    await done(gateway, "agent.state.changed", "agent.set_state", ANNA, state="not_ready")
    await done(gateway, "agent.session.ended", "agent.logout", ANNA)
    # Logging out ends the HTTP session too, so the feed connects anew.
    await gateway.wait_connected()
    await done(gateway, "agent.session.started", "agent.login", ANNA)


async def test_a_key_that_comes_again_is_the_same_command(
    gateway: site.GatewayProcess, platform: site.Platform
) -> None:
    """Repeated with its idempotency key, a dial dials once, before and after a restart of the gateway."""
    await done(gateway, "agent.session.started", "agent.login", ANNA)
    first = await gateway.command("call.dial", ANNA, NUMBER, key="dial-once")
    again = await gateway.command("call.dial", ANNA, NUMBER, key="dial-once")
    assert first["status"] == again["status"] == "done"
    assert first["id"] == again["id"]
    gateway.kill()
    gateway.start()
    await gateway.wait_connected()
    later = await gateway.command("call.dial", ANNA, NUMBER, key="dial-once")
    assert (later["id"], later["status"]) == (first["id"], "done")
    other = await gateway.command("call.dial", ANNA, {"destination": "5550199"}, key="dial-once")
    assert other["type"] == "urn:tieline:problem:idempotency-key-reused"
    assert (await platform.stats())["calls"] == 1


async def test_what_the_platform_does_not_know_is_refused(gateway: site.GatewayProcess) -> None:
    """An unknown call and an unknown agent are certain refusals, told in the stream too."""
    await done(gateway, "agent.session.started", "agent.login", ANNA)
    answer = await gateway.command("call.hold", ANNA | {"call": "no-such-call"})
    assert (answer["status"], answer["reason"]) == ("refused", "not_found")
    answer = await gateway.command("call.hold", {"agent": "nobody", "call": "1"})
    assert (answer["status"], answer["reason"]) == ("refused", "not_found")
    await eventually(
        lambda: len(gateway.lines.of_type("command.refused")) == 2, "both refusals in the file"
    )
