"""What agents and customers of the simulated server do by themselves."""

from __future__ import annotations

import time
from collections import Counter

import msgspec
import pytest

from connectors.clarity_connect.simulator import Simulator, SimulatorSettings
from tests.support.clarity_desk import desk
from tests.support.raw_bayeux import eventually
from tests.support.raw_signalr import TRANSPORTS

BEGINNING = 200
"""Steps until everybody has logged in."""
BUSY = SimulatorSettings(agents=6, events_per_second=400, logouts=False, alert_threshold=1)


def lived(settings: SimulatorSettings, steps: int) -> tuple[list[object], Counter[str]]:
    """What a simulator looks like after so many steps, and which things happened on the way."""
    simulator = Simulator(settings)
    world, lives = simulator.world, simulator.lives
    happened: Counter[str] = Counter()
    for step in range(steps):
        agent = world.rng.choice(world.workers)
        lives.step(agent, time.monotonic())
        if step > BEGINNING:
            happened[f"status {agent.status_id}"] += 1
        for session in agent.sessions.values():
            happened[f"{session.modality.key} {session.status}"] += 1
            happened["held"] += session.held_at is not None
            happened["recorded"] += session.recorded_at is not None
            happened["listened"] += session.joined(7) + session.joined(8)
            happened["transferred"] += any(one.type_id == 5 for one in session.participants)
    state: list[object] = [(one.id, one.status_id, list(one.sessions)) for one in world.workers]
    state += [(one.id, one.status, one.customer) for one in world.sessions.values()]
    return state, happened


def test_one_seed_lives_the_same_lives() -> None:
    assert lived(BUSY, 2000)[0] == lived(BUSY, 2000)[0]
    assert lived(BUSY, 2000)[0] != lived(msgspec.structs.replace(BUSY, seed=2), 2000)[0]


def test_everything_that_is_documented_happens() -> None:
    _, happened = lived(BUSY, 6000)
    for status in (1, 2, 3, 5, 8, 9, 14, 15, 16, 20):
        assert happened[f"status {status}"], status
    for modality in ("audio", "instantMessage", "message"):
        for state in ("NotifyingAgent", "Active", "AfterCall"):
            assert happened[f"{modality} {state}"], (modality, state)
    for name in ("held", "recorded", "listened", "transferred"):
        assert happened[name], name


def test_agents_log_out_only_when_the_site_lets_them() -> None:
    assert not lived(BUSY, 3000)[1]["status 6"]
    assert lived(msgspec.structs.replace(BUSY, logouts=True), 3000)[1]["status 6"]


def test_only_the_media_of_the_site_come_in() -> None:
    _, happened = lived(msgspec.structs.replace(BUSY, media=("message",)), 2000)
    assert happened["message Active"]
    assert not [name for name in happened if name.startswith(("audio", "instantMessage"))]


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_subscriber_to_everything_misses_nothing(transport: str) -> None:
    """Every message that the oracle has, once; those of one topic in the order of their numbers."""
    async with (
        Simulator(BUSY) as running,
        desk(running) as supervisor,
        supervisor.feed(transport) as feed,
    ):
        await feed.subscribe("agents?teamIds=1,2&includeBreakdowns=true&includeStatusHistory=true")
        await feed.subscribe("queues?queueIds=1,2,3,4")
        await feed.subscribe("agents/groupBy?teamIds=1,2")
        await feed.subscribe("queues/aggregateBy")
        await feed.subscribe("alerts")
        numbers: dict[bool, list[int]] = {True: [], False: []}

        def take(frame: dict[str, list[dict[str, object]]]) -> None:
            for call in frame.get("M", ()):
                content = call["A"][1]  # type: ignore[index] - an invocation's arguments
                number = int(content["referenceId"].removeprefix("sim-"))
                numbers[call["M"] == "onAlerts"].append(number)

        while len(numbers[False]) < 800:
            take(await feed.stream.frame())
        running.lives.stopped = True
        while len(numbers[True]) + len(numbers[False]) < len(running.ledger):
            take(await feed.stream.frame())
        assert numbers[True] == sorted(numbers[True])
        assert numbers[False] == sorted(numbers[False])
        everything = numbers[True] + numbers[False]
        assert sorted(everything) == list(range(1, len(running.ledger) + 1))
        assert numbers[True]


async def test_lives_wait_for_a_subscription_or_begin_at_once() -> None:
    async with Simulator(BUSY) as waiting:
        assert waiting.lives.alive == 0
    at_once = msgspec.structs.replace(BUSY, lives_begin="at_once")
    async with Simulator(at_once) as running:
        await eventually(lambda: running.lives.alive == 6)


async def test_a_command_is_left_alone_for_a_while() -> None:
    async with Simulator(BUSY) as running, desk(running) as supervisor:
        await supervisor.post("v2/agentstatus/update/101", {"agentStatusId": 17})
        agent = running.world.agents[101]
        for _ in range(200):
            running.lives.step(agent, time.monotonic())
        assert agent.status_id == 17
