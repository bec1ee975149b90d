"""The platform's lists, as the directory shows them."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.genesys_engage_cloud import listings
from gateway.contracts import DirectoryEntry, DirectoryKind
from gateway.errors import NotReady
from tests.connectors.genesys_engage_cloud.harness import (
    Consumer,
    account,
    connected_to,
    simulated,
)


@pytest.mark.parametrize(
    ("kind", "ids"),
    [
        (DirectoryKind.AGENTS, ["kristi", "agent0002"]),
        (DirectoryKind.GROUPS, ["Support"]),
        (DirectoryKind.QUEUES, ["9001_Switch", "9002_Switch"]),
        (DirectoryKind.SKILLS, ["Billing"]),
        (DirectoryKind.STATES, ["lunch", "training"]),
    ],
)
async def test_each_list_is_asked_of_the_platform(kind: DirectoryKind, ids: list[str]) -> None:
    """Agents have the names that events use: the account's, where it has one."""
    async with (
        simulated(ack=True) as simulator,
        connected_to(simulator.url, accounts=[account(agent="kristi")]) as connector,
        Consumer(connector),
    ):
        listing = await connector.read_directory(kind)

    assert kind in connector.directory_kinds
    assert [entry.id for entry in listing.entries] == ids
    assert listing.left_out == 0


async def test_without_a_connected_agent_there_is_nobody_to_ask() -> None:
    async with simulated() as simulator, connected_to(simulator.url) as connector:
        with pytest.raises(NotReady, match="no agent"):
            await connector.read_directory(DirectoryKind.AGENTS)


def test_what_a_bound_cut_off_is_counted() -> None:
    targets = [{"name": f"s{number}", "type": "skill"} for number in range(3)]

    entries, left_out = listings.listed(
        DirectoryKind.SKILLS, {"targets": targets, "totalMatches": 7}, {}
    )

    assert (len(entries), left_out) == (3, 4)


@pytest.mark.parametrize(
    "data",
    [None, [], {}, {"targets": None}, {"targets": [None, {}, {"name": 7}, {"name": ""}]}],
)
def test_garbage_is_an_empty_list(data: Any) -> None:
    found = listings.listed(DirectoryKind.SKILLS, data, {})[0]

    assert [entry for entry in found if entry.id != "7"] == []


def test_an_agent_without_a_user_name_is_left_out() -> None:
    data = {"targets": [{"name": "Kate"}, {"name": "Ann", "userName": "ann", "number": "5003"}]}

    assert listings.listed(DirectoryKind.AGENTS, data, {})[0] == [
        DirectoryEntry(id="ann", name="Ann", details={"userName": "ann", "number": "5003"})
    ]
