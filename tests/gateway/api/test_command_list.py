"""Commands that are listed page by page, and taken back."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from gateway.api.tokens import hash_of, new_token
from gateway.commands import Outcome, Status
from tests.gateway.api.conftest import Serve
from tests.support.fake_runtime import FakeRuntime

DIAL = {"verb": "call.dial", "connector": "gws-main", "arguments": {"destination": "1"}}
READY = {"verb": "agent.set_state", "connector": "gws-main", "arguments": {"state": "ready"}}


async def send(client: aiohttp.ClientSession, body: dict[str, Any], agent: str) -> str:
    """Submit a command; its id."""
    async with client.post("/v1/commands", json=body | {"target": {"agent": agent}}) as response:
        assert response.status == 202
        document: dict[str, str] = await response.json()
        return document["id"]


async def listed(client: aiohttp.ClientSession, query: str = "") -> tuple[list[str], str | None]:
    """The ids of one page, and the cursor of the next."""
    async with client.get(f"/v1/commands{query}") as response:
        assert response.status == 200
        page = await response.json()
        return [item["id"] for item in page["items"]], page["next"]


async def test_pages_follow_one_another_while_new_commands_come(serve: Serve) -> None:
    """Nothing is listed twice and nothing is left out; what is new does not shift the pages."""
    client = await serve()
    ids = [await send(client, DIAL, "anna") for _ in range(5)]
    first, cursor = await listed(client, "?limit=2")
    await send(client, DIAL, "anna")
    second, cursor = await listed(client, f"?limit=2&cursor={quoted(cursor)}")
    third, end = await listed(client, f"?limit=2&cursor={quoted(cursor)}")
    assert first + second + third == ids[::-1]
    assert end is None


def quoted(cursor: str | None) -> str:
    """A cursor as part of a query."""
    assert cursor is not None
    return cursor.replace("+", "%2B").replace("|", "%7C")


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("", [2, 1, 0]),
        ("?agent=ben", [1]),
        ("?verb=call.dial", [2, 0]),
        ("?verb=call.dial&verb=agent.set_state", [2, 1, 0]),
        ("?status=done", [0]),
        ("?status=accepted&verb=call.dial", [2]),
        ("?connector=other", []),
        ("?requester=local", [2, 1, 0]),
        ("?requester=crm", []),
    ],
)
async def test_commands_are_chosen_by_what_they_are(
    serve: Serve, runtime: FakeRuntime, query: str, numbers: list[int]
) -> None:
    """All that is asked for must be true; a repeated parameter means one of them."""
    client = await serve()
    ids = [
        await send(client, DIAL, "anna"),
        await send(client, READY, "ben"),
        await send(client, DIAL, "anna"),
    ]
    runtime.settle(ids[0], Outcome(status=Status.DONE))
    assert await listed(client, query) == ([ids[number] for number in numbers], None)


@pytest.mark.parametrize(
    "query",
    ["status=asleep", "verb=call.explode", "cursor=x", "cursor=2026-01-01T00:00:00|x", "limit=0",
     "limit=1001", "limit=null"],
)  # fmt: skip
async def test_a_wrong_choice_is_a_problem(serve: Serve, query: str) -> None:
    """400, and the parameter is named."""
    async with (await serve()).get(f"/v1/commands?{query}") as response:
        problem = await response.json(content_type=None)
    assert (response.status, problem["type"]) == (400, "urn:tieline:problem:invalid-query")
    assert query.partition("=")[0] in problem["detail"]


async def test_a_command_is_taken_back_and_the_act_is_told(
    serve: Serve, runtime: FakeRuntime
) -> None:
    """Who did it, from where, and that it was done."""
    client = await serve()
    command = await send(client, DIAL, "anna")
    async with client.delete(f"/v1/commands/{command}") as response:
        document = await response.json()
    assert (response.status, document["status"], document["reason"]) == (
        200, "refused", "cancelled",
    )  # fmt: skip
    [act] = runtime.acts
    assert (act.act, act.object) == ("command.cancel", f"command/{command}")
    assert (act.requester, act.origin, act.outcome) == ("local", "127.0.0.1", "done")


async def test_a_command_with_a_verdict_is_not_taken_back(
    serve: Serve, runtime: FakeRuntime
) -> None:
    """409, and the attempt is told too."""
    client = await serve()
    command = await send(client, DIAL, "anna")
    runtime.settle(command, Outcome(status=Status.DONE))
    async with client.delete(f"/v1/commands/{command}") as response:
        problem = await response.json(content_type=None)
    assert (response.status, problem["type"]) == (409, "urn:tieline:problem:already-sent")
    assert [(act.outcome, act.reason) for act in runtime.acts] == [("refused", "already-sent")]


async def test_who_may_not_read_sees_and_cancels_only_its_own(serve: Serve) -> None:
    """A token for commands alone follows what it has sent, and nothing else."""
    crm, other, reader = new_token(), new_token(), new_token()
    client = await serve(
        tokens=[
            {"name": "crm", "hash": hash_of(crm), "scopes": ["command:call"]},
            {"name": "other", "hash": hash_of(other), "scopes": ["command:call"]},
            {"name": "reader", "hash": hash_of(reader), "scopes": ["read"]},
        ]
    )

    def bearer(token: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {token}"}

    body = DIAL | {"target": {"agent": "anna"}}
    async with client.post("/v1/commands", json=body, headers=bearer(crm)) as response:
        location = response.headers["Location"]
    for token, get, delete in ((other, 404, 404), (reader, 200, 403), (crm, 200, 200)):
        async with client.get(location, headers=bearer(token)) as response:
            assert response.status == get
        async with client.delete(location, headers=bearer(token)) as response:
            assert response.status == delete
