"""What agents and customers of the simulated platform do by themselves."""

from __future__ import annotations

import time
from collections import Counter

import msgspec

from connectors.nice_incontact._simulated.sessions import Position, read_id, write_id
from connectors.nice_incontact.simulator import Simulator, SimulatorSettings
from tests.support.nice_desk import Data, desk
from tests.support.waiting import until

BUSY = SimulatorSettings(
    agents=6, events_per_second=400, logouts=False, command_grace_seconds=0, dial_answer_seconds=0
)


def lived(settings: SimulatorSettings, steps: int) -> tuple[list[object], Counter[str]]:
    """What a simulator looks like after so many steps, and which things happened on the way."""
    simulator = Simulator(settings)
    world, lives = simulator.world, simulator.lives
    for agent in world.workers:
        world.log_in(agent)
    happened: Counter[str] = Counter()
    for _ in range(steps):
        agent = world.rng.choice(world.workers)
        lives.step(agent, time.monotonic())
        simulator.agenda.run_due(time.monotonic())
        happened[f"state {agent.state}"] += 1
        happened["out"] += not agent.logged_in
        happened["next"] += agent.next_state is not None
        for contact in agent.contacts.values():
            happened[f"{contact.media.name} {contact.status}"] += 1
            happened["recorded"] += contact.logging
            happened[f"type {contact.call_type}"] += 1
            happened["handed over"] += contact.master_id != contact.id
    state: list[object] = [(one.id, one.state, list(one.contacts)) for one in world.workers]
    return state, happened


def test_one_seed_lives_the_same_lives() -> None:
    assert lived(BUSY, 2000)[0] == lived(BUSY, 2000)[0]
    assert lived(BUSY, 2000)[0] != lived(msgspec.structs.replace(BUSY, seed=2), 2000)[0]


def test_all_that_can_happen_does() -> None:
    _, happened = lived(BUSY, 8000)
    for name in (
        *("state Available", "state Unavailable", "state InboundContact", "state OutboundContact"),
        *("VOICE Incoming", "VOICE Active", "VOICE Holding", "VOICE Masking", "VOICE Joined"),
        *("VOICE Dialing", "VOICE Disconnected", "CHAT Active", "WORKITEM Active"),
        *("VOICEMAIL Active", "recorded", "handed over", "next"),
        *("type PersonalQueue", "type Consult"),
    ):
        assert happened[name], name


def test_agents_log_out_only_when_the_site_lets_them() -> None:
    assert not lived(BUSY, 3000)[1]["out"]
    assert lived(msgspec.structs.replace(BUSY, logouts=True), 3000)[1]["out"]


def test_only_the_media_of_the_site_come_in() -> None:
    _, happened = lived(msgspec.structs.replace(BUSY, media=("chat",)), 2000)
    assert happened["CHAT Active"]
    assert not [name for name in happened if name.startswith(("VOICE", "WORKITEM"))]


async def test_who_joined_all_sessions_misses_nothing() -> None:
    """Every event that the oracle has, once, in the order of their numbers."""
    async with Simulator(BUSY) as running, desk(running.url) as gateway:
        sessions = [await gateway.join(agent) for agent in range(1001, 1007)]
        for session in sessions:
            await session.poll()
        await until(lambda: len(running.ledger) > 600)
        running.lives.stopped = True
        got: list[Data] = []
        for session in sessions:
            while events := await session.news():
                got += events
        numbers = [int(event["ReferenceId"].removeprefix("sim-")) for event in got]
        owed = {one.number for one in running.ledger.since(0, 1_000_000) if one.resumable}
        assert len(owed) > 500
        assert owed <= set(numbers)
        assert len(numbers) == len(set(numbers))


async def test_lives_wait_for_somebody_who_listens() -> None:
    async with Simulator(BUSY) as running, desk(running.url) as gateway:
        assert running.lives.alive == 0
        session = await gateway.join(1001)
        await session.poll()
        assert running.lives.alive == 1


def test_a_session_id_is_opaque_and_has_no_digits() -> None:
    """The vendor's client replaces "60" anywhere in an address by "1"."""
    position = Position(60, 660, 6060)
    text = write_id(position)
    assert text.isalpha()
    assert read_id(text) == position
    assert read_id("60") is None
