"""Tokens that expire, that are limited to connectors or agents, and that send too much."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.api.tokens import hash_of, new_token
from gateway.commands import Verb
from tests.gateway.api.conftest import Serve
from tests.support.fake_runtime import FakeRuntime

TOKEN = new_token()
BEARER = {"Authorization": f"Bearer {TOKEN}"}
EVERYTHING = ["read", *sorted({f"command:{verb.family}" for verb in Verb})]


def token(**more: Any) -> dict[str, Any]:
    """The entry of the one token."""
    return {"name": "crm", "hash": hash_of(TOKEN), "scopes": EVERYTHING} | more


def dial(agent: str = "anna", connector: str = "gws-main") -> dict[str, Any]:
    """A command."""
    return {
        "verb": "call.dial",
        "connector": connector,
        "target": {"agent": agent},
        "arguments": {"destination": "1"},
    }


async def test_an_expired_token_is_refused_as_such(serve: Serve) -> None:
    """401, and it says that it was a good one; until then it is one."""
    past, future = (datetime.now(UTC) + timedelta(hours=hours) for hours in (-1, 1))
    client = await serve(tokens=[token(expires=past)])
    async with client.get("/v1/feeds", headers=BEARER) as response:
        problem = await response.json(content_type=None)
    assert (response.status, problem["detail"]) == (401, "the token has expired")
    assert 'error="invalid_token"' in response.headers["WWW-Authenticate"]
    client = await serve(tokens=[token(expires=future)])
    async with client.get("/v1/feeds", headers=BEARER) as response:
        assert response.status == 200


@pytest.mark.parametrize(
    ("limits", "status"),
    [
        ({"connectors": ["gws-main"]}, 202),
        ({"connectors": ["other"]}, 403),
        ({"agents": ["anna", "ben"]}, 202),
        ({"agents": ["ben"]}, 403),
        ({"connectors": ["gws-main"], "agents": ["ben"]}, 403),
    ],
)
async def test_a_limited_token_commands_only_what_it_is_limited_to(
    serve: Serve, runtime: FakeRuntime, limits: dict[str, Any], status: int
) -> None:
    """403 for all else, before anything is written down, and told in the audit."""
    client = await serve(tokens=[token(**limits)])
    async with client.post("/v1/commands", json=dial(), headers=BEARER) as response:
        assert response.status == status
    assert bool(runtime.records) is (status == 202)
    if status == 403:
        [act] = runtime.acts
        assert (act.act, act.outcome, act.reason) == ("command.send", "refused", "forbidden")
        assert act.details["verb"] == "call.dial"


async def test_a_token_limited_to_agents_commands_nothing_without_an_agent(serve: Serve) -> None:
    """What names no agent may concern any."""
    client = await serve(tokens=[token(agents=["anna"])])
    body = dial() | {"target": {}}
    async with client.post("/v1/commands", json=body, headers=BEARER) as response:
        assert response.status == 403


async def test_a_limited_token_sees_only_what_it_is_limited_to(serve: Serve) -> None:
    """Connectors, feeds and commands of others are not in its lists; one by one they are 403."""
    client = await serve(
        tokens=[token(connectors=["other"]), token(name="all", hash=hash_of(TOKEN[::-1]))]
    )
    everything = {"Authorization": f"Bearer {TOKEN[::-1]}"}
    async with client.post("/v1/commands", json=dial(), headers=everything) as response:
        location = response.headers["Location"]
    for path in ("/v1/feeds", "/v1/connectors", "/v1/commands"):
        async with client.get(path, headers=BEARER) as response:
            assert (await response.json())["items"] == []
        async with client.get(path, headers=everything) as response:
            assert (await response.json())["items"] != []
    async with client.get(location, headers=BEARER) as response:
        assert response.status == 403


async def test_what_cannot_be_limited_is_refused_to_a_limited_token(serve: Serve) -> None:
    """Metrics tell of all connectors at once."""
    client = await serve(host="0.0.0.0", tokens=[token(connectors=["gws-main"])])
    async with client.get("/metrics", headers=BEARER) as response:
        problem = await response.json(content_type=None)
    assert response.status == 403
    assert "limited to some connectors" in problem["detail"]


async def test_one_caller_s_flood_is_refused_and_another_s_commands_pass(
    serve: Serve, runtime: FakeRuntime
) -> None:
    """429 with the time to wait; reading goes on, and the flood is no flood of audit events."""
    client = await serve(
        acts_per_second=0.01,
        acts_at_once=2,
        tokens=[token(), token(name="other", hash=hash_of(TOKEN[::-1]))],
    )
    other = {"Authorization": f"Bearer {TOKEN[::-1]}"}
    for status in (202, 202, 429):
        async with client.post("/v1/commands", json=dial(), headers=BEARER) as response:
            assert response.status == status
            document = await response.json(content_type=None)
    assert 90 <= int(response.headers["Retry-After"]) <= 100
    assert document["type"] == "urn:tieline:problem:rate-limited"
    async with client.get("/v1/commands", headers=BEARER) as response:
        assert response.status == 200
    async with client.post("/v1/commands", json=dial(), headers=other) as response:
        assert response.status == 202
    assert runtime.acts == []
