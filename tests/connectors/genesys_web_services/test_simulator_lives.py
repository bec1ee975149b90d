"""What happens by itself on the simulated server, and the oracle's view of it."""

from __future__ import annotations

import asyncio
from collections import Counter
from random import Random

import msgspec
import pytest

from connectors.genesys_web_services._simulated.lives import Lives
from connectors.genesys_web_services.simulator import (
    Simulator,
    SimulatorSettings,
)
from tests.support.gws_desk import LIVELY, Desk, desk, dialled
from tests.support.raw_bayeux import eventually


@pytest.mark.parametrize("settings", [LIVELY])
async def test_everything_published_arrives_once_and_in_order(simulator: Simulator) -> None:
    async with desk(simulator) as alive:
        events = [await alive.event() for _ in range(600)]
        await alive.sim("POST", "stop_lives")
        total = (await alive.sim("GET", "stats"))["published"]
        events += [await alive.event() for _ in range(total - len(events))]
        published = (await alive.sim("GET", "published"))["published"]
    assert [data["referenceId"] for data in events] == [one["id"] for one in published]
    assert {one["agent"] for one in published} == {"agent0001"}
    assert all(one["resumable"] for one in published)
    kinds = Counter(one["message_type"] for one in published)
    assert set(kinds) == {
        "CallStateChangeMessage",
        "DeviceStateChangeMessage",
        "InteractionStateMessage",
        "",
    }


@pytest.mark.parametrize("settings", [LIVELY])
async def test_no_call_makes_an_illegal_step(simulator: Simulator) -> None:
    legal = {
        (None, "Ringing"),
        (None, "Dialing"),
        ("Ringing", "Established"),
        ("Ringing", "Released"),
        ("Dialing", "Dialing"),
        ("Dialing", "Established"),
        ("Dialing", "Released"),
        ("Established", "Established"),
        ("Established", "Held"),
        ("Established", "Released"),
        ("Held", "Held"),
        ("Held", "Established"),
        ("Held", "Released"),
    }
    states: dict[str, str | None] = {}
    async with desk(simulator) as alive:
        for _ in range(800):
            data = await alive.event()
            if "call" in data:
                call = data["call"]
                step = (states.get(call["id"]), call["state"])
                assert step in legal
                states[call["id"]] = call["state"]
    assert Counter(states.values())["Released"] > 10


async def test_two_simulators_with_one_seed_live_the_same_lives() -> None:
    def lives() -> list[tuple[str, str]]:
        simulator = Simulator(LIVELY)
        agent = simulator.world.agents["agent0001"]
        for _ in range(300):
            simulator.lives.step(agent, 1e9)
        return [(one.topic, one.message_type) for one in simulator.ledger.since(0, 500)]

    assert lives() == lives()


@pytest.mark.parametrize("settings", [msgspec.structs.replace(LIVELY, lives_begin="at_once")])
async def test_what_nobody_subscribed_to_is_lost_by_the_platform(simulator: Simulator) -> None:
    await eventually(lambda: len(simulator.ledger) > 20)
    assert simulator.ledger.counts()["lost"] == len(simulator.ledger)


async def test_a_commanded_call_is_left_alone(agent: Desk) -> None:
    call = await dialled(agent)
    lives, living = agent.simulator.lives, agent.simulator.world.agents["agent0001"]
    for _ in range(200):
        lives.step(living, 1e9)
    assert living.calls[call["id"]].state == "Established"


@pytest.mark.parametrize(
    ("tick_seconds", "rate"), [(0.01, 300), (0.01, 5000), (0.04, 90), (0.25, 3)]
)
def test_the_rate_is_kept_over_all_agents(tick_seconds: float, rate: float) -> None:
    simulator = Simulator(SimulatorSettings(agents=5, events_per_second=rate))
    now = 0.0
    lives = Lives(simulator.world, simulator.telephony, simulator.media, monotonic=lambda: now)
    for agent in simulator.world.agents.values():
        lives.begin(agent)
    while now < 20:
        now += tick_seconds
        lives.tick()
    assert len(simulator.ledger) == pytest.approx(20 * rate, rel=0.02, abs=2)


def test_a_process_that_fell_behind_catches_up_in_small_steps() -> None:
    simulator = Simulator(SimulatorSettings(agents=5, events_per_second=1000))
    now = 0.0
    lives = Lives(simulator.world, simulator.telephony, simulator.media, monotonic=lambda: now)
    lives.begin(simulator.world.agents["agent0001"])
    now = 30.0
    lives.tick()
    assert 0 < len(simulator.ledger) < 60
    for _ in range(100):
        lives.tick()
    assert len(simulator.ledger) == pytest.approx(1000, rel=0.02)


@pytest.mark.parametrize("logouts", [True, False])
def test_agents_log_out_only_where_the_scenario_lets_them(logouts: bool) -> None:  # noqa: FBT001 - the parameter of the test
    simulator = Simulator(msgspec.structs.replace(LIVELY, logouts=logouts))
    agent = simulator.world.agents["agent0001"]
    states = []
    for _ in range(3000):
        simulator.lives.step(agent, 1e9)
        states.append(agent.voice.state)
    assert ("LoggedOut" in states[1:]) is logouts


@pytest.mark.parametrize("settings", [msgspec.structs.replace(LIVELY, ack=True)])
async def test_a_client_that_breaks_off_and_acknowledges_misses_nothing(
    simulator: Simulator,
) -> None:
    rng, received, acknowledged = Random(7), dict[str, None](), 0
    async with desk(simulator, ext={"ack": True}) as alive:
        while not simulator.lives.stopped or len(received) < len(simulator.ledger):
            simulator.lives.stopped = len(received) >= 400
            poll = asyncio.create_task(alive.bayeux.connect(timeout_ms=200, ack=acknowledged))
            if rng.randrange(3) == 0 and not simulator.lives.stopped:
                await eventually(lambda: simulator.bayeux.held == 1 or poll.done())  # noqa: B023 - awaited in the loop
                poll.cancel()
                await asyncio.wait([poll])
                continue
            *events, reply = await poll
            acknowledged = reply["ext"]["ack"]
            received |= dict.fromkeys(one["data"]["referenceId"] for one in events)
    assert list(received) == [one.id for one in simulator.ledger.since(0, 10_000)]
    assert simulator.ledger.counts()["lost"] == 0
