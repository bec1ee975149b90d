"""The live picture over HTTP: filters, pages, single things, the position it is true for."""

from __future__ import annotations

import hashlib
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
from yarl import URL

from gateway.events import StoredEvent
from gateway.events.interactions import Workbin
from tests.gateway.api.conftest import Serve
from tests.support.events import (
    agent_state,
    alert,
    call,
    group_metrics,
    interaction,
    queue_metrics,
)
from tests.support.fake_runtime import FakeRuntime

EVENTS: list[StoredEvent] = [
    agent_state(1, "anna", "ready", media={"voice": "ready", "chat": "not_ready"}),
    agent_state(2, "ben", "busy", reason="call"),
    agent_state(3, "cleo", "ready", connector="other"),
    call(4, "connected", "c1", "ben", state="connected", direction="inbound", queue="sales"),
    call(5, "queued", "c2", queue="service"),
    interaction(6, "accepted", "i1", agent="anna", queue="help"),
    interaction(7, "parked", "i2", media="email", workbin=Workbin(id="drafts")),
    queue_metrics(8, "sales", {"waiting": 3.0}),
    group_metrics(9, "skill", "sales", {"agents": 5.0}),
    agent_state(10, "dir/a b%ü", "not_ready"),
    alert(11, "raised", "a1", rule="long wait", severity="high"),
    alert(12, "raised", "a2", rule="no agents", severity="low"),
    alert(13, "cleared", "a2"),
]


@pytest.fixture(autouse=True)
def picture(runtime: FakeRuntime) -> None:
    for event in EVENTS:
        runtime.picture.apply(event)


async def read(client: aiohttp.ClientSession, path: str) -> Any:
    async with client.get(path) as response:
        assert response.status == 200, await response.text()
        return await response.json()


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("agents", ["anna", "ben", "dir/a b%ü", "cleo"]),
        ("agents?connector=gws&state=ready&state=busy", ["anna", "ben"]),
        ("agents?medium=chat", ["anna"]),
        ("agents?connector=nowhere", []),
        ("calls", ["c1", "c2"]),
        ("calls?state=queued", ["c2"]),
        ("calls?direction=inbound&agent=ben&queue=sales", ["c1"]),
        ("calls?agent=anna", []),
        ("interactions?medium=email", ["i2"]),
        ("interactions?workbin=drafts&state=parked", ["i2"]),
        ("interactions?agent=anna&queue=help", ["i1"]),
        ("alerts", ["a1"]),
        ("alerts?rule=long+wait&severity=high", ["a1"]),
        ("alerts?severity=low", []),
        ("queues", ["sales"]),
        ("queues?kind=skill&kind=queue", ["sales", "sales"]),
    ],
)
async def test_the_picture_can_be_chosen_from(serve: Serve, query: str, ids: list[str]) -> None:
    """All filters must hold; of one filter given several times, one value."""
    found = await read(await serve(), f"/v1/{query}")
    name = query.partition("?")[0].removesuffix("s")
    assert [item[name] for item in found["items"]] == ids
    assert found["next"] is None


async def test_the_picture_says_which_position_it_is_true_for(serve: Serve) -> None:
    """From there an event stream goes on without a hole."""
    client = await serve()
    assert (await read(client, "/v1/calls"))["position"] == 13
    assert (await read(client, "/v1/agents/gws/anna"))["position"] == 13


async def test_pages_follow_each_other(serve: Serve) -> None:
    """By the cursor of the page before, with the same filters."""
    client = await serve()
    first = await read(client, "/v1/agents?limit=3")
    assert [item["agent"] for item in first["items"]] == ["anna", "ben", "dir/a b%ü"]
    url = URL("/v1/agents").with_query(limit=3, cursor=first["next"])
    second = await read(client, str(url))
    assert [item["agent"] for item in second["items"]] == ["cleo"]
    assert second["next"] is None


@pytest.mark.parametrize("cursor", ["nonsense", "", "bm9wZQ", "WyJhIl0", "%00", "W10", "ü"])
async def test_a_cursor_that_is_none_is_refused(serve: Serve, cursor: str) -> None:
    """With the field's name."""
    async with (await serve()).get("/v1/agents", params={"cursor": cursor}) as response:
        assert response.status == 400
        assert (await response.json(content_type=None))["detail"].startswith("cursor: ")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("agents?state=sleepy", "state"),
        ("calls?direction=up", "direction"),
        ("queues?kind=shoe", "kind"),
        ("agents?limit=0", "limit"),
        ("calls?colour=red", "colour"),
    ],
)
async def test_a_wrong_filter_is_named(serve: Serve, query: str, field: str) -> None:
    """And the answer is a problem document."""
    async with (await serve()).get(f"/v1/{query}") as response:
        problem = await response.json(content_type=None)
    assert (response.status, problem["type"]) == (400, "urn:tieline:problem:invalid-query")
    assert problem["detail"].startswith(field)


async def test_one_thing_is_found_by_connector_and_id(serve: Serve) -> None:
    """Whatever characters the platform puts into ids; queues and groups by their kind."""
    client = await serve()
    found = await read(client, "/v1/calls/gws/c1")
    assert found["item"]["agents"] == ["ben"]
    odd = URL(f"/v1/agents/gws/{quote('dir/a b%ü', safe='')}", encoded=True)
    async with client.get(odd) as response:
        assert (await response.json())["item"]["agent"] == "dir/a b%ü"
    assert (await read(client, "/v1/queues/gws/sales"))["item"]["values"] == {"waiting": 3.0}
    skill = await read(client, "/v1/queues/gws/sales?kind=skill")
    assert skill["item"]["values"] == {"agents": 5.0}


@pytest.mark.parametrize(
    "path", ["agents/gws/nobody", "agents/other/anna", "queues/gws/sales?kind=team"]
)
async def test_what_is_not_in_the_picture_is_not_found(serve: Serve, path: str) -> None:
    """An id of another connector is another thing."""
    async with (await serve()).get(f"/v1/{path}") as response:
        assert response.status == 404


def limited(name: str, **limits: list[str]) -> tuple[dict[str, Any], dict[str, str]]:
    """A token's settings, and the header that carries it."""
    token = name * 40
    settings = {
        "name": name,
        "hash": f"sha256:{hashlib.sha256(token.encode()).hexdigest()}",
        "scopes": ["read"],
        **limits,
    }
    return settings, {"Authorization": f"Bearer {token}"}


async def test_a_limited_token_sees_only_its_own(serve: Serve) -> None:
    """What is beyond a limit is left out of lists, and is not found one by one."""
    other, as_other = limited("o", connectors=["other"])
    ben, as_ben = limited("b", agents=["ben"])
    client = await serve(tokens=[other, ben])
    async with client.get("/v1/agents", headers=as_other) as response:
        assert [item["agent"] for item in (await response.json())["items"]] == ["cleo"]
    async with client.get("/v1/agents/gws/anna", headers=as_other) as response:
        assert response.status == 404
    async with client.get("/v1/calls", headers=as_ben) as response:
        assert [item["call"] for item in (await response.json())["items"]] == ["c1"]
    async with client.get("/v1/queues", headers=as_ben) as response:
        assert response.status == 403
