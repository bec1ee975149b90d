"""Each fault does what it says, and the oracle stays right."""

from __future__ import annotations

import asyncio
import json

import aiohttp
import msgspec
import pytest

from connectors.genesys_web_services.simulator import (
    Fault,
    FaultKind,
    Simulator,
)
from tests.support.gws_desk import QUIET, Desk
from tests.support.raw_bayeux import eventually
from tests.support.waiting import until


async def test_session_unknown_wakes_the_held_poll_with_402(agent: Desk) -> None:
    poll = asyncio.create_task(agent.bayeux.connect())
    await eventually(lambda: agent.simulator.bayeux.held == 1)
    await agent.sim("POST", "faults", {"kind": "session_unknown", "agent": "agent0001"})
    *_, reply = await poll
    assert reply["error"].startswith("402:")
    assert reply["advice"]["reconnect"] == "handshake"


async def test_session_expiry_demands_a_new_login(agent: Desk) -> None:
    await agent.sim("POST", "faults", {"kind": "session_expiry"})
    agent.bayeux.headers.clear()

    def gone() -> bool:
        return not agent.simulator.bayeux.sessions

    await eventually(gone)
    assert (await agent.rest("GET", "/me"))["statusCode"] == 20


async def test_a_stall_holds_everything_back_and_then_delivers_it(agent: Desk) -> None:
    poll = asyncio.create_task(agent.bayeux.connect())
    await eventually(lambda: agent.simulator.bayeux.held == 1)
    await agent.sim("POST", "faults", {"kind": "stall", "for_seconds": 60})
    emission = {"agent": "agent0001", "action": "message", "data": {"n": 1}}
    [published] = (await agent.sim("POST", "emit", emission))["published"]
    assert not poll.done()
    await agent.sim("DELETE", "faults")
    replies = await poll
    assert [one["data"]["referenceId"] for one in replies[:-1]] == [published]


async def test_a_stall_that_ends_by_itself_wakes_the_held_poll(agent: Desk) -> None:
    poll = asyncio.create_task(agent.bayeux.connect())
    await eventually(lambda: agent.simulator.bayeux.held == 1)
    agent.simulator.commit(Fault(FaultKind.STALL, for_seconds=0.05))
    agent.simulator.world.publish(
        agent.simulator.world.agents["agent0001"], "/v2/me/calls", {"n": 1}
    )
    replies = await poll
    assert replies[0]["data"]["n"] == 1


async def test_a_stall_that_discards_makes_the_platform_lose(agent: Desk) -> None:
    await agent.sim("POST", "faults", {"kind": "stall", "for_seconds": 60, "discard": True})
    emission = {"agent": "agent0001", "action": "message", "data": {}}
    await agent.sim("POST", "emit", emission)
    [entry] = agent.simulator.ledger.since(len(agent.simulator.ledger) - 1, 1)
    assert entry.as_record()["lost_because"] == "stalled"
    await agent.sim("DELETE", "faults")


async def test_a_dropped_command_may_have_been_carried_out(agent: Desk) -> None:
    await agent.sim("POST", "faults", {"kind": "drop", "target": "rest", "after_processing": True})
    with pytest.raises(aiohttp.ClientError):
        await agent.operate("/me/channels/voice", "Ready")
    data = await agent.event(lambda data: "devices" in data)
    assert data["devices"][0]["userState"]["state"] == "Ready"


async def test_a_drop_before_processing_leaves_everything_as_it_was(agent: Desk) -> None:
    await agent.sim("POST", "faults", {"kind": "drop", "target": "rest"})
    before = len(agent.simulator.ledger)
    with pytest.raises(aiohttp.ClientError):
        await agent.operate("/me/channels/voice", "Ready")
    assert (await agent.rest("GET", "/me?subresources=*"))["user"]["devices"][0]["userState"][
        "state"
    ] == "NotReady"
    assert len(agent.simulator.ledger) == before


@pytest.mark.parametrize("status", [500, 503])
async def test_a_server_error_is_no_bayeux_reply(agent: Desk, status: int) -> None:
    await agent.sim("POST", "faults", {"kind": "server_error", "status": status})
    answer = await agent.bayeux.request("POST", agent.bayeux.url, json=[{}])
    assert answer[0] == status
    assert answer[2]["Content-Type"].startswith("text/html" if status == 503 else "app")


async def test_events_in_a_withheld_reply_are_lost_by_the_platform(agent: Desk) -> None:
    fault = {"kind": "server_error", "target": "feed", "after_processing": True}
    [number] = (await agent.sim("POST", "emit", {"agent": "agent0001", "data": {}}))["published"]
    await agent.sim("POST", "faults", fault)
    body = [agent.bayeux.message("/meta/connect", connectionType="long-polling")]
    status, _, _ = await agent.bayeux.request("POST", agent.bayeux.url, json=body)
    assert status >= 500
    published = (await agent.sim("GET", "published"))["published"][-1]
    assert (published["id"], published["lost_because"]) == (number, "dead_poll")


async def test_garbage_instead_of_a_reply_loses_nothing(agent: Desk) -> None:
    await agent.sim("POST", "faults", {"kind": "garbage", "form": "text"})
    await agent.sim("POST", "emit", {"agent": "agent0001", "data": {"n": 1}})
    body = [agent.bayeux.message("/meta/connect", connectionType="long-polling")]
    _, content, _ = await agent.bayeux.request("POST", agent.bayeux.url, json=body)
    with pytest.raises((json.JSONDecodeError, UnicodeDecodeError)):
        json.loads(content)
    assert (await agent.event(lambda data: "n" in data))["n"] == 1


async def test_a_duplicate_carries_the_same_reference(agent: Desk) -> None:
    await agent.sim("POST", "faults", {"kind": "duplicate"})
    await agent.sim("POST", "emit", {"agent": "agent0001", "data": {"n": 1}})
    first, second = [await agent.event(lambda data: "n" in data) for _ in range(2)]
    assert first == second


async def test_slow_delays_a_reply(agent: Desk) -> None:
    loop = asyncio.get_running_loop()
    await agent.sim("POST", "faults", {"kind": "slow", "delay_ms": 150})
    start = loop.time()
    await agent.rest("GET", "/me")
    assert loop.time() - start >= 0.15


class Struck(Simulator):
    """A simulator that notes what strikes it."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__(msgspec.structs.replace(QUIET, faults=faults))
        self.struck: list[Fault] = []

    def strike(self, fault: Fault) -> None:
        """Note it."""
        self.struck.append(fault)


async def test_a_scripted_fault_comes_by_itself() -> None:
    fault = Fault(FaultKind.SESSION_UNKNOWN, at_seconds=0.05)
    async with Struck(fault) as simulator:
        await until(lambda: simulator.struck)

    assert simulator.struck == [fault]


async def test_a_wrong_fault_is_refused_with_a_reason(agent: Desk) -> None:
    reply = await agent.sim("POST", "faults", {"kind": "earthquake"})
    assert "earthquake" in reply["error"]
