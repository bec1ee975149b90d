"""The control API beyond loopback: only with tokens, and only for those who have one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from tests.support import site

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(90)]

CONFIG_ERROR = 2


def configuration(url: str, port: int, *tokens: dict[str, Any]) -> dict[str, Any]:
    """An API on all interfaces."""
    api = {"host": "0.0.0.0", "port": port, **({"tokens": list(tokens)} if tokens else {})}
    return {
        "gateway": {"api": api},
        "connectors": [site.connector(url, 1)],
        "sinks": [site.file_sink()],
    }


def new_token(name: str, *scopes: str) -> tuple[str, dict[str, Any]]:
    """A token and its entry in the configuration, as `tieline token` prints them."""
    asked = [part for scope in scopes for part in ("--scope", scope)]
    made = subprocess.run(
        [sys.executable, "-m", "gateway", "token", name, *asked],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    (entry,) = yaml.safe_load(made.stderr)
    return made.stdout.strip(), entry


async def test_beyond_loopback_the_api_does_not_start_without_tokens(
    tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    """The configuration is refused with the key that is missing, before anything is connected."""
    async with site.gateway(tmp_path, http, {}) as gateway:
        gateway.configuration = configuration("http://127.0.0.1:9", gateway.port)
        gateway.start()
        assert await gateway.ended() == CONFIG_ERROR
        assert "gateway.api.tokens" in gateway.log
        assert not gateway.lines.read()


async def test_beyond_loopback_every_request_needs_a_token_that_allows_it(
    tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    """401 without, 401 with a wrong one, 200 with the right one, 403 beyond its scopes; probes are free."""
    reader, reader_entry = new_token("grafana", "read")
    sender, sender_entry = new_token("crm", "read", "command:agent")
    login = {"verb": "agent.login", "connector": "gws", "target": {"agent": "agent0001"}}

    def bearer(token: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {token}"}

    async with (
        site.platform(tmp_path, http, agents=1, events_per_second=0, ack=True) as platform,
        site.gateway(tmp_path, http, {}) as gateway,
    ):
        gateway.configuration = configuration(
            platform.url, gateway.port, reader_entry, sender_entry
        )
        gateway.start()
        await gateway.wait_ready()

        async def status(path: str, headers: dict[str, str]) -> int:
            async with http.get(gateway.url + path, headers=headers) as reply:
                return reply.status

        async def send(headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
            url = f"{gateway.url}/v1/commands?wait=15"
            async with http.post(url, json=login, headers=headers) as reply:
                return reply.status, await reply.json(content_type=None)

        assert await status("/healthz", {}) == 200
        for path in ("/v1/feeds", "/v1/connectors", "/v1/commands", "/metrics"):
            assert await status(path, {}) == 401
            assert await status(path, bearer(reader[:-1])) == 401
            assert await status(path, bearer(reader)) == 200
        assert (await send({}))[0] == 401
        assert (await send(bearer(reader)))[0] == 403
        code, answer = await send(bearer(sender))
        assert (code, answer["status"], answer["requester"]) == (200, "done", "crm")
        assert reader not in gateway.log
        assert sender not in gateway.log
