"""What agents of the simulated Engage Cloud do by themselves, and the oracle that remembers it."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import msgspec
import pytest

from connectors._simulation.ledger import Ledger
from connectors.genesys_engage_cloud.simulator import (
    Fault,
    FaultKind,
    Simulator,
    SimulatorSettings,
)
from tests.support.engage_desk import QUIET, Desk, workspace

LIVELY = msgspec.structs.replace(QUIET, events_per_second=800.0)
STEPS = 6000
EVERY_STATE = {
    "Dialing",
    "Ringing",
    "Established",
    "Held",
    "Released",
    "Invited",
    "Processing",
    "Composing",
    "Completed",
    "Canceled",
    "Sent",
    "InWorkbin",
}


class Tape:
    """Every message a simulator publishes, decoded."""

    def __init__(self, simulator: Simulator) -> None:
        self.messages: list[dict[str, Any]] = []
        real = simulator.world.send

        def send(feed: Any, owner: str, topic: str, data: Any, **more: Any) -> int:
            number = real(feed, owner, topic, data, **more)
            self.messages.append(msgspec.json.decode(msgspec.json.encode(data)))
            return number

        simulator.world.send = send  # type: ignore[method-assign] - the test listens in


def lived(settings: SimulatorSettings = QUIET) -> list[dict[str, Any]]:
    """What is published in some thousand steps of every agent."""
    simulator = Simulator(settings)
    tape = Tape(simulator)
    agents = list(simulator.world.agents.values())
    for step in range(STEPS):
        simulator.lives.step(agents[step % len(agents)], 1e9)
    return tape.messages


def test_a_life_has_everything_in_it() -> None:
    messages = lived()
    kinds = Counter(one["messageType"] for one in messages)
    assert kinds.keys() == {
        "DnStateChanged",
        "CallStateChanged",
        "ChannelStateChanged",
        "InteractionStateChanged",
        "MessageLogUpdated",
        "EventUserEvent",
    }
    objects = [one.get("call") or one.get("interaction") or {} for one in messages]
    assert {one.get("state") for one in objects} >= EVERY_STATE
    assert {one.get("recordingState") for one in objects} >= {"Recording", "Paused", "Stopped"}
    assert {one.get("mediatype") for one in objects} >= {"chat", "email", "workitem"}
    notifications = {one.get("notificationType") for one in messages}
    assert notifications >= {"StateChange", "StatusChange", "AttachedDataChanged", "NewMessages"}
    assert {"interactionId", "id"} <= {key for one in messages for key in one}


def test_one_seed_is_one_life() -> None:
    def shape(messages: list[dict[str, Any]]) -> list[object]:
        return [(one["messageType"], one.get("call", {}).get("id")) for one in messages]

    assert shape(lived()) == shape(lived())


def test_what_is_not_wanted_does_not_come_in() -> None:
    settings = msgspec.structs.replace(QUIET, media=("voice",), logouts=False)
    kinds = {one["messageType"] for one in lived(settings)}
    assert "InteractionStateChanged" not in kinds
    assert "LoggedOut" not in {one["dn"]["agentState"] for one in lived(settings) if "dn" in one}


@pytest.mark.parametrize("settings", [LIVELY, msgspec.structs.replace(LIVELY, ack=True)])
async def test_a_subscriber_hears_everything_in_order(simulator: Simulator) -> None:
    async with workspace(simulator, activate=False) as agent:
        heard = [one["data"]["referenceId"] for one in agent.unread]
        async with asyncio.timeout(20):
            while len(heard) < 500:
                replies = await agent.bayeux.connect()
                heard += [one["data"]["referenceId"] for one in replies if "data" in one]
    assert heard == [f"sim-{number + 1}" for number in range(len(heard))]


async def test_the_oracle_tells_what_was_published(agent: Desk) -> None:
    await agent.accepted("voice/ready")
    await agent.data("DnStateChanged")
    oracle = await agent.bayeux.json("GET", f"{agent.simulator.url}/sim/published?since=2")
    kinds = [one["message_type"] for one in oracle["published"]]
    assert kinds == ["DnStateChanged", "ChannelStateChanged", "DnStateChanged"]
    assert {one["agent"] for one in oracle["published"]} == {"agent0001"}
    assert oracle["total"] == len(agent.simulator.ledger) == 5
    stats = await agent.bayeux.json("GET", f"{agent.simulator.url}/sim/stats")
    assert (stats["published"], stats["agents_by_state"]["Ready"]) == (5, 1)


@pytest.mark.parametrize("settings", [msgspec.structs.replace(QUIET, command_grace_seconds=0)])
async def test_the_pace_is_set_while_it_runs(agent: Desk) -> None:
    url = f"{agent.simulator.url}/sim"
    await agent.bayeux.json("POST", f"{url}/rate", {"events_per_second": 500})
    await agent.data("CallStateChanged")
    stopped = await agent.bayeux.json("POST", f"{url}/stop_lives")
    assert stopped["published"] == len(agent.simulator.ledger)
    assert agent.simulator.lives.stopped


async def test_faults_are_committed_and_pardoned_over_http(agent: Desk) -> None:
    url = f"{agent.simulator.url}/sim/faults"
    fault = {"kind": "slow", "for_seconds": 60, "delay_ms": 1}
    assert await agent.bayeux.json("POST", url, fault) == {"committed": True}
    cleared = (await agent.bayeux.json("DELETE", url))["cleared"]
    assert [one["kind"] for one in cleared] == ["slow"]
    assert "error" in await agent.bayeux.json("POST", url, {"kind": "earthquake"})


@pytest.mark.parametrize(
    "fault",
    [
        Fault(FaultKind.DUPLICATE, for_seconds=60),
        Fault(FaultKind.REORDER, for_seconds=60),
        Fault(FaultKind.GARBAGE, for_seconds=60, form="mixed"),
    ],
    ids=lambda fault: str(fault.kind),
)
async def test_a_disturbed_feed_still_holds_every_message(agent: Desk, fault: Fault) -> None:
    agent.simulator.commit(fault)
    emission = {"agent": "agent0001", "data": {"messageType": "Test"}, "count": 20}
    url = f"{agent.simulator.url}/sim/emit"
    wanted = set((await agent.bayeux.json("POST", url, emission))["published"])
    heard: set[str] = set()
    async with asyncio.timeout(10):
        while not wanted <= heard:
            for one in await agent.bayeux.connect():
                if isinstance(one, dict) and isinstance(data := one.get("data"), dict):
                    heard.add(str(data.get("referenceId")))


def test_a_scenario_is_plain_data() -> None:
    scenario = {"agents": 2, "faults": [{"kind": "token_expiry", "at_seconds": 3}]}
    settings = msgspec.convert(scenario, SimulatorSettings)
    assert settings.faults[0].kind is FaultKind.TOKEN_EXPIRY


@pytest.mark.parametrize("wrong", [{"agents": 0}, {"agent": 1}, {"statistics_form": "square"}])
def test_a_wrong_setting_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(wrong, SimulatorSettings)


def test_the_oracle_is_bounded() -> None:
    settings = msgspec.structs.replace(QUIET, published_limit=10)
    simulator = Simulator(settings)
    agent = simulator.world.agents["agent0001"]
    for _ in range(100):
        simulator.world.publish_dn(agent)
    assert isinstance(simulator.ledger, Ledger)
    assert simulator.ledger.forgotten >= 80
