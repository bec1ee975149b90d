"""The dictionaries: what is kept of them, what they explain, and the feed that tells when they change."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.genesys_web_services.connector import GenesysWebServices
from connectors.genesys_web_services.dictionaries import entries
from connectors.genesys_web_services.directory import Directory, DirectoryFeed
from connectors.genesys_web_services.mapping import Mapper
from connectors.genesys_web_services.mapping.message import Origin
from connectors.genesys_web_services.settings_site import DICTIONARIES
from connectors.genesys_web_services.simulator import Simulator, SimulatorSettings
from gateway.commands import Command, Target, Verb
from gateway.contracts import Delivery, DirectoryKind, Guarantee
from gateway.errors import NotReady
from tests.connectors.genesys_web_services import samples
from tests.connectors.genesys_web_services.builders import RECEIVED
from tests.connectors.genesys_web_services.harness import Consumer, connected_to


def simulated(**settings: Any) -> Simulator:
    defaults = {"agents": 2, "events_per_second": 0, "supervisors": 1}
    return Simulator(SimulatorSettings(**{**defaults, **settings}))


@asynccontextmanager
async def reading(
    simulator: Simulator, **directory: Any
) -> AsyncIterator[tuple[GenesysWebServices, DirectoryFeed]]:
    """A connector with a directory, and its feed."""
    async with connected_to(simulator.url, directory=directory) as connector:
        feed = connector.feeds[-1]
        assert isinstance(feed, DirectoryFeed)
        yield connector, feed


def told(delivery: Delivery) -> list[tuple[str, list[str]]]:
    return [
        (event.data.directory, event.data.changed)  # type: ignore[attr-defined]  # a directory event has it
        for event in delivery.events
    ]


def known_states() -> Directory:
    directory = Directory()
    reply = samples.load_reply("agent_states")
    reply["settings"].append(
        {
            "operationName": "OutToLunch",
            "displayName": "Not Ready - Lunch!",
            "id": "77",
            "state": "NotReady",
            "reason": "Lunch",
        }
    )
    found = entries("agent_states", reply, personal=False)
    directory.replace("agent_states", found, read_at=RECEIVED)
    return directory


def set_state(reason: str | None) -> Command:
    now = datetime.now(UTC)
    arguments = {"state": "not_ready"} | ({"reason": reason} if reason else {})
    return Command(
        id="c1",
        verb=Verb.AGENT_SET_STATE,
        connector="gws",
        target=Target(agent="agent0001"),
        requester="test",
        created=now,
        deadline=now,
        arguments=arguments,
    )


def test_the_vendors_agent_states_are_read() -> None:
    found = entries("agent_states", samples.load_reply("agent_states"), personal=False)

    assert {key: one.name for key, one in found.items()} == {
        "AfterCallWork": "AfterCallWork",
        "AuxWork": "AuxWork",
        "NotReady": "Not Ready",
        "Offline": "Offline",
        "Ready": "Ready",
    }
    assert found["AfterCallWork"].details["workMode"] == "AfterCallWork"


@pytest.mark.parametrize(
    ("dictionary", "reply", "expected"),
    [
        ("skills", "skills", ["Might", "Magic"]),
        ("devices", "devices", None),
        ("contacts", "contacts", None),
        ("workbins", "workbins", ["FacebookWorkbinInProgress", "TwitterWorkbinDraft"]),
        ("settings", "settings", ["Agent States", "Dispositions"]),
        ("dispositions", "dispositions", ["Department!", "Help Level"]),
    ],
)
def test_the_vendors_other_samples_are_read(
    dictionary: str, reply: str, expected: list[str] | None
) -> None:
    found = entries(dictionary, samples.load_reply(reply), personal=False)

    assert found
    if expected is not None:
        assert [one.name for one in found.values()][: len(expected)] == expected


def test_of_people_only_ids_and_user_names_are_kept_unless_their_names_may_be() -> None:
    person = {"id": "u1", "userName": "kristi", "firstName": "Kristi", "lastName": "Sippola"}

    without = entries("users", {"users": [person]}, personal=False)
    with_them = entries("users", {"users": [person]}, personal=True)

    assert "Sippola" not in repr(without)
    assert with_them["u1"].details == {"firstName": "Kristi", "lastName": "Sippola"}


@pytest.mark.parametrize("reply", [{}, {"queues": None}, {"queues": ["x", {"name": "no id"}]}])
def test_an_answer_of_another_shape_has_no_entries(reply: dict[str, Any]) -> None:
    assert entries("queues", reply, personal=True) == {}


@pytest.mark.parametrize("reason", ["Not Ready - Lunch!", "lunch", "OutToLunch"])
def test_a_command_may_name_a_state_as_people_see_it(reason: str) -> None:
    assert known_states().resolved(set_state(reason)).arguments["reason"] == "OutToLunch"


@pytest.mark.parametrize("reason", [None, "Unheard"])
def test_a_name_that_is_not_known_is_left_to_the_platform(reason: str | None) -> None:
    command = set_state(reason)

    assert known_states().resolved(command) is command


@pytest.mark.parametrize("user_state", [{"reason": "Lunch"}, {"id": "77"}, {"reasonCode": "LUNCH"}])
def test_a_state_that_a_message_names_by_code_has_its_label(user_state: dict[str, str]) -> None:
    origin = Origin(feed="f", source="s", agent="a", label_of=known_states().label_of)
    message = {
        "messageType": "DeviceStateChangeMessage",
        "devices": [{"id": "d", "userState": {"state": "NotReady", **user_state}}],
    }

    events = Mapper(origin).map(
        "/v2/me/devices", message, session="c", ordinal=1, received=RECEIVED
    )

    assert events[0].data.reason_label == "Not Ready - Lunch!"  # type: ignore[attr-defined]  # a state event has it


def test_the_label_in_the_message_counts_before_the_directorys() -> None:
    origin = Origin(feed="f", source="s", agent="a", label_of=known_states().label_of)
    state = {"state": "NotReady", "reason": "Lunch", "displayName": "Pause"}
    message = {
        "messageType": "DeviceStateChangeMessage",
        "devices": [{"id": "d", "userState": state}],
    }

    events = Mapper(origin).map(
        "/v2/me/devices", message, session="c", ordinal=1, received=RECEIVED
    )

    assert events[0].data.reason_label == "Pause"  # type: ignore[attr-defined]  # a state event has it


async def test_every_dictionary_is_read_and_the_first_reading_is_no_change() -> None:
    async with simulated() as simulator, reading(simulator) as (connector, feed):
        await feed.connect(None)
        delivery = await feed.receive()
        found, shown = connector._directory.dictionaries, feed.diagnostics()

    assert delivery.events == ()
    assert feed.guarantee is Guarantee.POLLED
    assert set(shown["unavailable"]) == {"dispositions"}
    assert {name for name, listed in found.items() if listed} == {*DICTIONARIES} - {"dispositions"}
    assert [one.name for one in found["skills"]] == ["Billing", "Sales"]


async def test_a_change_is_told_with_the_ids_that_changed_and_a_restart_repeats_nothing() -> None:
    async with simulated() as simulator:
        async with reading(simulator) as (_, feed):
            await feed.connect(None)
            first = await feed.receive()
        simulator.dictionaries.queues["9001"]["name"] = "Support"
        simulator.dictionaries.queues["9003"] = {"id": "9003", "name": "New", "channel": "voice"}
        del simulator.dictionaries.skills["Sales"]
        async with reading(simulator) as (_, feed):
            await feed.connect(first.resume)
            second = await feed.receive()
            await feed.connect(first.resume)
            again = await feed.receive()
            await feed.connect(second.resume)
            third = await feed.receive()

    assert sorted(told(second)) == [
        ("contacts", ["queue-9001", "queue-9003"][1:]),
        ("queues", ["9001", "9003"]),
        ("skills", ["Sales"]),
    ]
    assert [event.id for event in again.events] == [event.id for event in second.events]
    assert third.events == ()


async def test_a_change_back_and_forth_is_told_each_time_under_another_id() -> None:
    ids = []
    async with simulated() as simulator, reading(simulator, dictionaries=["queues"]) as (_, feed):
        resume = None
        for name in ("A", "B", "A", "B"):
            simulator.dictionaries.queues["9001"]["name"] = name
            await feed.connect(resume)
            delivery = await feed.receive()
            resume = delivery.resume
            ids += [event.id for event in delivery.events]

    assert len(ids) == len(set(ids)) == 3


async def test_what_an_account_may_not_read_is_told_in_the_diagnostics_and_costs_nothing_else() -> (
    None
):
    async with simulated(supervisors=0) as simulator, reading(simulator) as (connector, feed):
        await feed.connect(None)
        await feed.receive()
        shown = feed.diagnostics()

        assert set(shown["unavailable"]) == {"queues", "skills", "devices", "dispositions"}
        assert shown["entries"]["users"] == 2
        assert connector.diagnostics()["site"]["gws/site:directory"] == shown


async def test_a_long_dictionary_is_cut_and_says_so() -> None:
    async with simulated(agents=5) as simulator, reading(simulator, max_entries=3) as (_, feed):
        await feed.connect(None)
        await feed.receive()
        shown = feed.diagnostics()

    assert (shown["entries"]["users"], shown["left_out"]["users"]) == (3, 2)


async def test_a_state_is_set_by_the_name_that_people_see() -> None:
    async with simulated() as simulator, reading(simulator) as (connector, feed):
        await feed.connect(None)
        await feed.receive()
        async with Consumer(connector) as consumer:
            await consumer.verdict(await consumer.execute(Verb.AGENT_LOGIN))
            outcome = await consumer.execute(
                Verb.AGENT_SET_STATE, state="not_ready", reason="Out to Lunch"
            )
            await consumer.verdict(outcome)
            await consumer.event("agent.state.changed", reason="Lunch")


async def test_a_resume_state_that_cannot_be_read_is_a_beginning() -> None:
    async with simulated() as simulator, reading(simulator) as (_, feed):
        link = await feed.connect(b"\xff")

        assert not link.resumed
        assert (await feed.receive()).events == ()


async def test_the_directory_has_what_was_read_under_the_names_that_events_use() -> None:
    async with (
        simulated() as simulator,
        reading(simulator, dictionaries=["users", "skills", "devices"]) as (connector, feed),
    ):
        with pytest.raises(NotReady, match="skills"):
            await connector.read_directory(DirectoryKind.SKILLS)
        await feed.connect(None)
        await feed.receive()
        agents = await connector.read_directory(DirectoryKind.AGENTS)
        skills = await connector.read_directory(DirectoryKind.SKILLS)

    assert connector.directory_kinds == {DirectoryKind.AGENTS, DirectoryKind.SKILLS}
    known = {name for account in connector.feeds[:-1] if (name := account.account.name)}  # type: ignore[attr-defined]  # agents' feeds have it
    assert known <= {entry.id for entry in agents.entries}
    assert [entry.name for entry in skills.entries] == ["Billing", "Sales"]
    assert skills.left_out == 0
