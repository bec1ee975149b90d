"""Pausing and resuming a connector over HTTP."""

from __future__ import annotations

import hashlib

import pytest

from tests.gateway.api.conftest import Serve
from tests.support.fake_runtime import FakeRuntime


async def test_a_connector_is_paused_and_resumed(serve: Serve, runtime: FakeRuntime) -> None:
    """The answer is the connector as it is then; both acts are audited with who and what."""
    client = await serve()
    async with client.post("/v1/connectors/gws-main/pause") as response:
        shown = await response.json()
    assert (response.status, shown["state"]) == (200, "paused")
    assert shown["paused_since"] == "2026-01-02T03:04:05Z"
    async with client.post("/v1/connectors/gws-main/resume") as response:
        assert (await response.json())["paused_since"] is None
    async with client.get("/v1/connectors/gws-main") as response:
        assert (await response.json())["state"] == "degraded"
    assert [(act.act, act.object, act.outcome) for act in runtime.acts] == [
        ("connector.pause", "connector/gws-main", "done"),
        ("connector.resume", "connector/gws-main", "done"),
    ]


@pytest.mark.parametrize("path", ["pause", "resume"])
async def test_a_connector_that_does_not_exist_is_not_found(serve: Serve, path: str) -> None:
    """The problem says which there are."""
    async with (await serve()).post(f"/v1/connectors/nobody/{path}") as response:
        problem = await response.json(content_type=None)
    assert response.status == 404
    assert problem["detail"] == "name: there is no connector 'nobody'; there are: gws-main"


async def test_pausing_needs_the_scope_admin(serve: Serve, runtime: FakeRuntime) -> None:
    """A refusal is audited as well, and nothing happens; a limit to other connectors is one too."""
    tokens = [
        {"name": "reader", "scopes": ["read"]},
        {"name": "elsewhere", "scopes": ["admin"], "connectors": ["other"]},
    ]
    for token in tokens:
        secret = str(token["name"]) * 10
        token["hash"] = f"sha256:{hashlib.sha256(secret.encode()).hexdigest()}"
    client = await serve(tokens=tokens)
    for name in ("reader", "elsewhere"):
        headers = {"Authorization": f"Bearer {name * 10}"}
        async with client.post("/v1/connectors/gws-main/pause", headers=headers) as response:
            assert response.status == 403
    assert runtime.paused_since is None
    assert [(act.requester, act.outcome, act.reason) for act in runtime.acts] == [
        ("reader", "refused", "forbidden"),
        ("elsewhere", "refused", "forbidden"),
    ]
