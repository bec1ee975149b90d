"""`/v1/directory` over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from yarl import URL

from gateway.contracts import DirectoryEntry, DirectoryKind, DirectoryListing
from gateway.directory import Directory
from gateway.errors import NotReady
from tests.gateway.api.conftest import Serve
from tests.support.clock import LeapingClock
from tests.support.fake_runtime import NOW, FakeRuntime


class Platform:
    """A connector with the given lists; None for one that cannot be read."""

    platform = "test"
    feeds = ()

    def __init__(self, name: str, lists: Mapping[str, list[str] | None]) -> None:
        self.name = name
        self._lists = {DirectoryKind(kind): found for kind, found in lists.items()}

    @property
    def directory_kinds(self) -> frozenset[DirectoryKind]:
        """Those that were given."""
        return frozenset(self._lists)

    async def read_directory(self, kind: DirectoryKind) -> DirectoryListing:
        """As it was given."""
        found = self._lists[kind]
        if found is None:
            raise NotReady("nothing was read yet", hint="wait for the first reading")
        entries = [
            DirectoryEntry(id=name, name=name.title(), details={"length": len(name)})
            for name in found
        ]
        return DirectoryListing(entries=entries, read_at=NOW, left_out=1)

    async def close(self) -> None:
        """Nothing to release."""


@pytest.fixture(autouse=True)
def directory(runtime: FakeRuntime) -> None:
    runtime.directory = Directory(
        [
            Platform("west", {"agents": ["ben", "anna"], "skills": ["french"]}),
            Platform("east", {"agents": ["cleo"], "queues": None}),
        ],
        clock=LeapingClock(),
    )


async def read(serve: Serve, query: str = "") -> Any:
    async with (await serve()).get(f"/v1/directory{query}") as response:
        assert response.status == 200, await response.text()
        return await response.json()


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("", ["cleo", "anna", "ben", "french"]),
        ("?kind=agents", ["cleo", "anna", "ben"]),
        ("?kind=agents&kind=skills&connector=west", ["anna", "ben", "french"]),
        ("?id=ben&id=cleo&id=nobody", ["cleo", "ben"]),
        ("?kind=workbins", []),
    ],
)
async def test_lists_can_be_chosen(serve: Serve, query: str, ids: list[str]) -> None:
    """By kind, connector and id; in the order of connectors, kinds and ids."""
    assert [item["id"] for item in (await read(serve, query))["items"]] == ids


async def test_an_entry_has_the_platforms_own_facts(serve: Serve) -> None:
    """Beside what every platform has."""
    (item,) = (await read(serve, "?id=anna"))["items"]
    assert item == {
        "connector": "west",
        "kind": "agents",
        "id": "anna",
        "name": "Anna",
        "details": {"length": 4},
    }


async def test_each_list_says_what_it_is_worth(serve: Serve) -> None:
    """When it was read, how much was left out, or why it could not be read: then it spoils nothing else."""
    found = await read(serve, "?connector=east")
    agents, queues = found["sources"]
    assert (agents["kind"], agents["entries"], agents["left_out"]) == ("agents", 1, 1)
    assert agents["read_at"] == "2026-01-02T03:04:05Z"
    assert queues["error"] == {
        "reason": "server_error",
        "message": "nothing was read yet",
        "hint": "wait for the first reading",
    }
    assert [item["id"] for item in found["items"]] == ["cleo"]


async def test_pages_go_from_list_to_list(serve: Serve) -> None:
    """Every entry once."""
    found: list[str] = []
    cursor = None
    while True:
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = await read(serve, str(URL("").with_query(query)))
        found += [item["id"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert found == ["cleo", "anna", "ben", "french"]
