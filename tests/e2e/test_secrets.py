"""No credential appears anywhere: platforms with right and wrong ones, a failing receiver, then everything is read."""

from __future__ import annotations

import json
import secrets
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from gateway.api.tokens import hash_of, new_token
from tests.proofs import running
from tests.support import site
from tests.support.holding_proxy import HoldingProxy
from tests.support.processes import eventually
from tests.support.provider import AUDIENCE, ISSUER, Provider

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

CREDENTIALS = frozenset({"password", "secret", "api_key", "access_key_secret"})
NO_SOCKETS = {"clarity_connect": {"transports": ["longPolling"]}}
"""What keeps a platform from WebSockets, which the proxy does not read."""
TOO_COMMON = 8
"""Shorter ones, such as the word `secret`, are in texts for good reasons."""
ADMIN = new_token()
WEBHOOK_SECRET = "whsec_" + "c2VjcmV0IG9mIHRoZSB3ZWJob29rLCBsb25n"
JOURNAL_KEY = b64encode(secrets.token_bytes(32)).decode()
PLACES = (
    "/healthz", "/readyz", "/metrics", "/openapi.json", "/docs", "/v1/feeds", "/v1/connectors",
    "/v1/commands", "/v1/agents", "/v1/calls", "/v1/interactions", "/v1/queues", "/v1/directory",
    "/v1/sinks", "/v1/dead-letters", "/v1/events?after=start&follow=false", "/nope",
)  # fmt: skip


def values(block: Any, name: str = "") -> Iterator[str]:
    """The credentials in a block."""
    if isinstance(block, dict):
        for key, value in block.items():
            yield from values(value, key)
    elif isinstance(block, list):
        for value in block:
            yield from values(value, name)
    elif name in CREDENTIALS:
        yield block


def with_wrong(block: Any, canaries: set[str], name: str = "") -> Any:
    """The block with credentials that nobody accepts, and that stand in no other text."""
    if isinstance(block, dict):
        return {key: with_wrong(value, canaries, key) for key, value in block.items()}
    if isinstance(block, list):
        return [with_wrong(value, canaries, name) for value in block]
    if name not in CREDENTIALS:
        return block
    canary = f"canary-{secrets.token_hex(12)}"
    canaries.add(canary)
    return canary


class Centres:
    """Simulators of all platforms, and connectors to them: one with right credentials each, one with wrong ones."""

    def __init__(self) -> None:
        self.blocks: list[dict[str, Any]] = []
        self.canaries: set[str] = set()
        self.proxies: list[HoldingProxy] = []

    @property
    def secrets(self) -> set[str]:
        """All that must appear nowhere."""
        return self.canaries.union(*(proxy.secrets for proxy in self.proxies))


@asynccontextmanager
async def centres() -> AsyncIterator[Centres]:
    """Every platform that there is."""
    made = Centres()
    async with AsyncExitStack() as stack:
        for name in running.NAMES:
            part = running.platform(name)
            simulator = await stack.enter_async_context(part.open())
            block = part.block(simulator) | NO_SOCKETS.get(name, {})
            proxy = await stack.enter_async_context(HoldingProxy(simulator.url))
            made.proxies.append(proxy)
            block = json.loads(json.dumps(block).replace(simulator.url, proxy.url))
            made.canaries |= {value for value in values(block) if len(value) > TOO_COMMON}
            made.blocks += [
                {"name": f"right-{name.replace('_', '-')}", "platform": name, **block},
                {
                    "name": f"wrong-{name.replace('_', '-')}",
                    "platform": name,
                    **with_wrong(block, made.canaries),
                },
            ]
        yield made


@asynccontextmanager
async def refusing_receiver() -> AsyncIterator[tuple[str, list[str]]]:
    """A receiver that refuses everything for good, and what it was sent."""
    got: list[str] = []

    async def refuse(request: web.Request) -> web.Response:
        got.append(await request.text())
        return web.Response(status=400, text=f"what is {request.headers['webhook-signature']}?")

    application = web.Application()
    application.add_routes([web.post("/hook", refuse)])
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    try:
        yield f"http://{host}:{port}/hook", got
    finally:
        await runner.cleanup()


def bearer(token: str) -> dict[str, str]:
    """The header."""
    return {"Authorization": f"Bearer {token}"}


async def use(gateway: site.GatewayProcess, tokens: Mapping[str, str]) -> None:
    """Commands and readings with tokens of every kind."""
    body = {
        "verb": "agent.set_state",
        "target": {"agent": "nobody"},
        "arguments": {"state": "ready"},
    }
    for token in tokens.values():
        for connector in ("right-genesys-web-services", "wrong-genesys-engage-cloud", "none"):
            async with gateway.http.post(
                f"{gateway.url}/v1/commands?wait=5",
                json=body | {"connector": connector},
                headers=bearer(token),
            ) as reply:
                await reply.read()


async def everything(gateway: site.GatewayProcess) -> dict[str, str]:
    """All that the API shows, and what it says to those who may see nothing."""
    found = {}
    for place in PLACES:
        for token in (ADMIN, "wrong-token"):
            async with gateway.http.get(gateway.url + place, headers=bearer(token)) as reply:
                found[f"{place} {reply.status}"] = await reply.text()
    return found


def files(folder: Path) -> dict[str, str]:
    """What is on the gateway's disk, the journal among it, byte for byte."""
    return {
        f"file {path.relative_to(folder)}": path.read_bytes().decode("latin-1")
        for path in folder.rglob("*")
        if path.is_file()
    }


async def test_no_credential_is_in_any_log_response_metric_event_dead_letter_or_file(
    tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    """Those of the configuration, those that the platforms hand out, and those that callers send."""
    async with centres() as every, refusing_receiver() as (hook, delivered), Provider() as provider:
        tokens = {
            "own": ADMIN,
            "wrong": new_token(),
            "signed": provider.token(scope="admin"),
            "expired": provider.token(scope="admin", exp=1),
        }
        api = {
            "tokens": [{"name": "ops", "hash": hash_of(ADMIN), "scopes": ["admin"]}],
            "mask": [],
            "oidc": {"issuer": ISSUER, "audience": AUDIENCE, "jwks_url": provider.url},
        }
        configuration = {
            "connectors": every.blocks,
            "sinks": [site.file_sink(mask=[]), site.webhook_sink(hook, WEBHOOK_SECRET, mask=[])],
        }
        async with site.gateway(tmp_path, http, configuration) as gateway:
            gateway.configuration = configuration | {
                "gateway": {
                    "api": {"port": gateway.port, **api},
                    "log": {"level": "debug"},
                    "journal": {"encryption_keys": [JOURNAL_KEY]},
                }
            }
            gateway.start()
            await eventually(
                lambda: len(gateway.lines.of_type("feed.connected")) >= len(running.NAMES),
                "a feed of each platform",
                timeout_seconds=60,
            )
            await use(gateway, tokens)

            async def rejected() -> bool:
                async with http.get(f"{gateway.url}/v1/feeds", headers=bearer(ADMIN)) as reply:
                    return "auth_rejected" in await reply.text()

            await eventually(rejected, "credentials that are refused", timeout_seconds=30)

            async def dead() -> bool:
                url = f"{gateway.url}/v1/dead-letters"
                async with http.get(url, headers=bearer(ADMIN)) as reply:
                    return bool((await reply.json())["items"])

            await eventually(dead, "dead letters")
            texts = await everything(gateway)
            await gateway.terminate()
        texts |= files(tmp_path / "data")
        texts["log"] = (tmp_path / "gateway-1.log").read_text(encoding="utf-8")
        texts["delivered"] = "\n".join(delivered)
        hidden = every.secrets | {*tokens.values(), WEBHOOK_SECRET, JOURNAL_KEY, hash_of(ADMIN)}
    assert "auth_rejected" in texts["/v1/feeds 200"], "wrong credentials were tried"
    assert {"file events.jsonl", "file journal.sqlite"} <= texts.keys()
    silent = [proxy for proxy in every.proxies if not proxy.secrets]
    assert len(silent) <= 1, "only the recorder of WFO asks for no credentials"
    leaks = {
        (where, secret) for where, text in texts.items() for secret in hidden if secret in text
    }
    assert leaks == set()
