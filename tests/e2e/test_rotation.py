"""Secrets that change in their files while events flow: a platform's password, a webhook's secret, a token, a key."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.support import oracle, site
from tests.support.processes import eventually
from tests.support.receiver import SECRET, FlakyReceiver

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

AGENTS = 4
OLD_TOKEN, NEW_TOKEN = "a-token-that-is-rotated-away-soon", "a-token-that-comes-into-its-place"
NEW_SECRET = "whsec_" + base64.b64encode(b"the secret after the first one").decode()
OLD_KEY, NEW_KEY = (base64.b64encode(bytes([number]) * 32).decode() for number in (1, 2))
CHANGES = "tieline_secret_file_changes_total"


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """A client that has the older token."""
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {OLD_TOKEN}"}) as session:
        yield session


def write(folder: Path, secrets: Mapping[str, str]) -> None:
    """Give files another content, each at once and all of them together, as a mounted secret changes."""
    for name, content in secrets.items():
        (folder / f"{name}.new").write_text(content)
    for name in secrets:
        (folder / f"{name}.new").replace(folder / name)


def configuration(url: str, hook: str) -> dict[str, Any]:
    """Two connectors, only one of which has passwords in a file; everything else secret is in files too."""
    accounts = [account | {"password": {"file": "password"}} for account in site.accounts(AGENTS)]
    rotated = site.connector(url, 0) | {"accounts": accounts[: AGENTS // 2]}
    other = rotated | {"name": "other", "accounts": site.accounts(AGENTS)[AGENTS // 2 :]}
    token = {"name": "t", "token": {"file": "token"}, "scopes": ["admin"]}
    webhook = site.webhook_sink(hook, "") | {"secret": {"file": "secret"}}
    return {
        "gateway": {
            "api": {"tokens": [token]},
            "journal": {"encryption_keys": [{"file": "key"}]},
            "secret_check_seconds": 0.2,
        },
        "connectors": [rotated, other],
        "sinks": [site.file_sink(), webhook | {"previous_secrets": [{"file": "previous"}]}],
    }


async def change_passwords(url: str, http: aiohttp.ClientSession, new: str) -> None:
    """Each agent whose password is in the file gets another, as its own user."""
    old, coded = ((base64.b64encode(word.encode()).decode()) for word in ("secret", new))
    for account in site.accounts(AGENTS // 2):
        login = base64.b64encode(f"{account['username']}:secret".encode()).decode()
        async with http.post(
            f"{url}/api/v2/me",
            json={"operationName": "ChangePassword", "oldPassword": old, "newPassword": coded},
            headers={"Authorization": f"Basic {login}"},
        ) as reply:
            assert reply.status == 200, await reply.text()


async def test_secrets_are_taken_from_their_files_and_nothing_is_lost_or_begun_anew(
    tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    async with (
        FlakyReceiver() as receiver,
        site.platform(
            tmp_path, http, agents=AGENTS, events_per_second=50, ack=True, max_interval_ms=60_000
        ) as platform,
        site.gateway(tmp_path, http, {}) as gateway,
    ):
        write(
            tmp_path,
            {
                "password": "secret", "secret": SECRET, "previous": SECRET, "token": OLD_TOKEN,
                "key": OLD_KEY,
            },
        )  # fmt: skip
        first = configuration(platform.url, receiver.url)
        first["gateway"]["api"]["port"] = gateway.port
        gateway.configuration = first
        gateway.start()
        await gateway.wait_fed()

        await change_passwords(platform.url, http, "another")
        write(
            tmp_path,
            {"password": "another", "secret": NEW_SECRET, "token": NEW_TOKEN, "key": NEW_KEY},
        )

        async def rotated() -> bool:
            async with http.get(f"{gateway.url}/v1/feeds") as reply:
                return reply.status == 401

        await eventually(rotated, "the older token is no longer known")
        http.headers["Authorization"] = f"Bearer {NEW_TOKEN}"

        async def taken_over() -> bool:
            return await gateway.total(CHANGES, result="taken_over") >= 1

        await eventually(taken_over, "the change is told")
        assert await gateway.total("tieline_feed_connects_total", connector="other") == AGENTS // 2
        receiver.trust(NEW_SECRET)
        await gateway.wait_connected()

        write(tmp_path, {"secret": "no secret of a webhook"})

        async def told() -> bool:
            return await gateway.total(CHANGES, result="refused") == 1

        await eventually(told, "the bad secret is refused")
        assert "sinks[1].secret" in gateway.log
        assert "no secret of a webhook" not in gateway.log
        more = len(receiver.taken) + 100
        await eventually(lambda: len(receiver.taken) > more, "events after the rotation")

        await platform.stop_lives()
        published = await platform.arrived(gateway.lines.read)
        for sink in ("log", "hook"):
            await gateway.wait_settled(sink)
        events = gateway.lines.read()
        assert [one.id for one in published if not one.resumable] == []
        assert oracle.doubled(events) == []
        assert oracle.overtaken(events, published) == []
        assert {event.id for event in receiver.taken} == {event.id for event in events}
        assert receiver.forged == 0
        assert (await platform.stats())["handshakes"] == AGENTS

        await sessions_outlive_a_restart(platform, gateway)
        await platform.post("faults", [{"kind": "session_expiry", "agent": "agent0001"}])
        await signed_in_again(platform)
        await gateway.wait_connected()


async def sessions_outlive_a_restart(platform: site.Platform, gateway: site.GatewayProcess) -> None:
    """What was stored under the older key is read with the new one alone."""
    write(gateway.directory, {"secret": NEW_SECRET})
    assert await gateway.terminate() == 0
    gateway.start()
    await gateway.wait_connected()
    assert (await platform.stats())["handshakes"] == AGENTS


async def signed_in_again(platform: site.Platform) -> None:
    """The platform has ended a session: the next one needs the new password."""

    async def again() -> bool:
        handshakes: int = (await platform.stats())["handshakes"]
        return handshakes > AGENTS

    await eventually(again, "a new session, with the new password")
