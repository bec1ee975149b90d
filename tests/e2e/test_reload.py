"""A changed configuration taken over under load, by SIGHUP and over the API."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from tests.support import oracle, site
from tests.support.oracle import Lines
from tests.support.processes import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

AGENTS = 4
OLD_TOKEN, NEW_TOKEN = "a-token-that-is-rotated-away-soon", "a-token-that-comes-into-its-place"


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """A client that has the older token."""
    headers = {"Authorization": f"Bearer {OLD_TOKEN}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        yield session


def configuration(url: str, token: str, copy: str, *, both: bool) -> dict[str, Any]:
    """Two connectors, or one, with half of the agents each; two files, the second of which is changed."""
    accounts = site.accounts(AGENTS)
    kept = site.connector(url, 0) | {"accounts": accounts[: AGENTS // 2]}
    other = kept | {"name": "other", "accounts": accounts[AGENTS // 2 :]}
    return {
        "gateway": {"api": {"tokens": [{"name": "t", "token": token, "scopes": ["admin"]}]}},
        "connectors": [kept, other] if both else [kept],
        "sinks": [site.file_sink(), {"name": "copy", "kind": "file", "path": copy}],
    }


def rewrite(gateway: site.GatewayProcess, changed: dict[str, Any]) -> None:
    """Change the file that the running gateway was started with."""
    path = gateway.directory / "tieline.yaml"
    whole = yaml.safe_load(path.read_text())
    whole["gateway"]["api"]["tokens"] = changed["gateway"]["api"]["tokens"]
    whole["gateway"].pop("log", None)
    path.write_text(yaml.safe_dump(changed | {"gateway": whole["gateway"]}))


async def test_what_changed_is_swapped_and_the_rest_keeps_its_sessions(
    tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    """A connector goes and returns, a sink changes, a token is rotated: nothing is lost, doubled or begun anew.

    The log was silent before, and is not afterwards.
    """
    async with (
        site.platform(
            tmp_path, http, agents=AGENTS, events_per_second=50, ack=True, max_interval_ms=60_000
        ) as platform,
        site.gateway(tmp_path, http, {}) as gateway,
    ):
        first = configuration(platform.url, OLD_TOKEN, "copy-1.jsonl", both=True)
        first["gateway"]["api"]["port"] = gateway.port
        first["gateway"]["log"] = {"level": "error"}
        gateway.configuration = first
        gateway.start()
        await gateway.wait_fed()
        assert '"info"' not in gateway.log
        second = Lines(tmp_path / "data" / "copy-2.jsonl")

        rewrite(gateway, configuration(platform.url, NEW_TOKEN, "copy-2.jsonl", both=False))
        os.kill(gateway.pid, signal.SIGHUP)
        await eventually(second.read, "events in the changed sink's file")

        async def rotated() -> bool:
            async with http.get(f"{gateway.url}/v1/feeds") as reply:
                return reply.status == 401

        await eventually(rotated, "the older token is no longer known")
        http.headers["Authorization"] = f"Bearer {NEW_TOKEN}"
        assert {feed["connector"] for feed in await gateway.feeds()} == {"gws"}

        rewrite(gateway, configuration(platform.url, NEW_TOKEN, "copy-2.jsonl", both=True))
        async with http.post(f"{gateway.url}/v1/reload") as reply:
            report = await reply.json()
            assert reply.status == 200, report
        assert report["connectors"] == {"added": ["other"], "removed": [], "changed": []}
        assert report["sinks"] == {"added": [], "removed": [], "changed": []}
        assert "configuration reloaded" in gateway.log
        await gateway.wait_connected()
        more = gateway.lines.count() + 100
        await eventually(lambda: gateway.lines.count() > more, "events after the reloads")

        await platform.stop_lives()
        published = await platform.arrived(gateway.lines.read)
        await gateway.wait_settled("log")
        await gateway.wait_settled("copy")
        events = gateway.lines.read()
        assert [one.id for one in published if not one.resumable] == []
        assert oracle.doubled(events) == []
        assert oracle.overtaken(events, published) == []
        assert (await platform.stats())["handshakes"] == AGENTS
        copied = Lines(tmp_path / "data" / "copy-1.jsonl").read() + second.read()
        assert [event.id for event in copied] == [event.id for event in events]


async def test_a_bad_file_is_refused_with_its_errors_and_changes_nothing(
    tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    """Over the API the answer is a problem document; what ran goes on."""
    async with (
        site.platform(tmp_path, http, agents=AGENTS) as platform,
        site.gateway(tmp_path, http, {}) as gateway,
    ):
        good = configuration(platform.url, OLD_TOKEN, "copy.jsonl", both=True)
        good["gateway"]["api"]["port"] = gateway.port
        gateway.configuration = good
        gateway.start()
        await gateway.wait_connected()
        bad = configuration(platform.url, OLD_TOKEN, "copy.jsonl", both=False)
        bad["sinks"][0]["kind"] = "fil"
        rewrite(gateway, bad)
        async with http.post(f"{gateway.url}/v1/reload") as reply:
            problem = await reply.json(content_type=None)
            assert reply.status == 409, problem
        assert problem["type"] == "urn:tieline:problem:invalid-configuration"
        assert "sinks[0].kind" in problem["detail"]
        assert "did you mean file?" in problem["detail"]
        assert len(await gateway.feeds()) == AGENTS
