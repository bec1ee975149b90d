"""Tokens, against a small token endpoint that remembers what it was asked."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from connectors._wire.cookies import CookieStore
from connectors.genesys_engage_cloud.auth import Credentials, Tokens
from connectors.genesys_engage_cloud.client import ApiHttp
from gateway.errors import AuthRejected, NotReady, Reason
from tests.connectors.genesys_engage_cloud.harness import (
    API_KEY,
    PASSWORD,
    Consumer,
    account,
    connected_to,
    simulated,
)
from tests.support.clock import LeapingClock

SECRETS = {"client_id": "app", "client_secret": "horse"}
PASSWORD_GRANT = Credentials(**SECRETS, username="acme\\kristi", password="battery")
CODE_GRANT = Credentials(
    **SECRETS,
    username="acme\\kristi",
    authorization_code="staple",
    redirect_uri="https://example.com/back",
)
REFRESH_GRANT = Credentials(**SECRETS, username="acme\\kristi", refresh_token="correct")
CLIENT_GRANT = Credentials(**SECRETS)


REDIRECT = "https://example.com/back"


async def signed_in(url: str) -> str:
    """The code that a browser gets when agent0001 signs in."""
    query = {"client_id": "sim-client", "redirect_uri": REDIRECT, "response_type": "code"}
    basic = base64.b64encode(f"agent0001:{PASSWORD}".encode()).decode()
    async with (
        aiohttp.ClientSession() as http,
        http.get(
            f"{url}/auth/v3/oauth/authorize",
            params=query,
            headers={"x-api-key": API_KEY, "Authorization": f"Basic {basic}"},
            allow_redirects=False,
        ) as reply,
    ):
        return reply.headers["Location"].partition("code=")[2]


@dataclass
class Endpoint:
    """The token endpoint; `answers` are given one after another, the last one again and again."""

    url: str = ""
    answers: list[tuple[int, Any]] = field(default_factory=list)
    asked: list[dict[str, str]] = field(default_factory=list)
    bodies: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        """Remember what is asked, then answer as told."""
        self.bodies.append(await request.text())
        self.asked.append({key: str(value) for key, value in (await request.post()).items()})
        self.headers.append(dict(request.headers))
        await asyncio.sleep(0)
        status, body = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return web.json_response(body, status=status)


def token(number: int = 1, *, lasts: float = 1000, refresh: str | None = None) -> tuple[int, Any]:
    body = {"access_token": f"token-{number}", "token_type": "bearer", "expires_in": lasts}
    return 200, body | ({"refresh_token": refresh} if refresh else {})


@asynccontextmanager
async def endpoint(*answers: tuple[int, Any]) -> AsyncIterator[Endpoint]:
    it = Endpoint(answers=list(answers))
    app = web.Application()
    app.router.add_post("/auth/v3/oauth/token", it.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    it.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield it
    finally:
        await runner.cleanup()


@asynccontextmanager
async def tokens_of(
    url: str, credentials: Credentials, clock: LeapingClock, *, ahead: float = 60.0
) -> AsyncIterator[Tokens]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        api = ApiHttp(
            http,
            base_url=url,
            api_key="key",
            cookies=CookieStore(),
            clock=clock,
            timeout_seconds=5,
            max_reply_bytes=65_536,
        )
        yield Tokens(credentials, api, clock, refresh_ahead_seconds=ahead, who="account 'kristi'")


@pytest.mark.parametrize(
    ("credentials", "form"),
    [
        (CLIENT_GRANT, {"grant_type": "client_credentials", "scope": "*"}),
        (
            PASSWORD_GRANT,
            {
                "grant_type": "password",
                "username": "acme\\kristi",
                "password": "battery",
                "client_id": "app",
                "scope": "*",
            },
        ),
        (
            REFRESH_GRANT,
            {
                "grant_type": "refresh_token",
                "refresh_token": "correct",
                "client_id": "app",
                "scope": "*",
            },
        ),
        (
            CODE_GRANT,
            {
                "grant_type": "authorization_code",
                "code": "staple",
                "redirect_uri": "https://example.com/back",
                "client_id": "app",
            },
        ),
    ],
    ids=lambda value: value.grant if isinstance(value, Credentials) else "",
)
async def test_each_grant_sends_its_form_and_headers(
    credentials: Credentials, form: dict[str, str]
) -> None:
    async with (
        endpoint(token()) as it,
        tokens_of(it.url, credentials, LeapingClock()) as tokens,
    ):
        assert await tokens.renew() == "token-1"

    basic = base64.b64encode(b"app:horse").decode()
    assert it.asked == [form]
    assert it.headers[0]["Authorization"] == f"Basic {basic}"
    assert it.headers[0]["x-api-key"] == "key"
    assert it.headers[0]["Content-Type"] == "application/x-www-form-urlencoded"


async def test_the_backslash_of_a_user_name_is_percent_encoded() -> None:
    async with (
        endpoint(token()) as it,
        tokens_of(it.url, PASSWORD_GRANT, LeapingClock()) as tokens,
    ):
        await tokens.renew()

    assert "username=acme%5Ckristi" in it.bodies[0]


async def test_a_token_is_kept_until_shortly_before_its_end() -> None:
    clock = LeapingClock()
    async with (
        endpoint(token(1, lasts=100), token(2, lasts=100)) as it,
        tokens_of(it.url, CLIENT_GRANT, clock, ahead=30) as tokens,
    ):
        first = await tokens.valid()
        clock.advance(69)
        kept = await tokens.valid()
        clock.advance(2)
        renewed = await tokens.valid()

    assert (first, kept, renewed) == ("token-1", "token-1", "token-2")


async def test_a_short_life_is_renewed_at_half_of_it() -> None:
    clock = LeapingClock()
    async with (
        endpoint(token(1, lasts=20)) as it,
        tokens_of(it.url, CLIENT_GRANT, clock, ahead=60) as tokens,
    ):
        await tokens.valid()

        assert tokens.renewal_in_seconds == pytest.approx(10)


async def test_a_renewal_uses_the_newest_refresh_token() -> None:
    async with (
        endpoint(token(1, refresh="r1"), token(2, refresh="r2"), token(3)) as it,
        tokens_of(it.url, PASSWORD_GRANT, LeapingClock()) as tokens,
    ):
        for _ in range(3):
            await tokens.renew()

    assert [form["grant_type"] for form in it.asked] == [
        "password",
        "refresh_token",
        "refresh_token",
    ]
    assert [form.get("refresh_token") for form in it.asked] == [None, "r1", "r2"]


async def test_a_refresh_token_that_is_used_up_falls_back_to_the_password() -> None:
    async with (
        endpoint(token(1, refresh="r1"), (400, {"error": "invalid_grant"}), token(2)) as it,
        tokens_of(it.url, PASSWORD_GRANT, LeapingClock()) as tokens,
    ):
        await tokens.renew()

        assert await tokens.renew() == "token-2"


async def test_a_code_is_used_once_and_then_its_refresh_token() -> None:
    async with (
        endpoint(token(1, refresh="r1"), (400, {"error": "invalid_grant"})) as it,
        tokens_of(it.url, CODE_GRANT, LeapingClock()) as tokens,
    ):
        await tokens.renew()
        with pytest.raises(AuthRejected):
            await tokens.renew()

    assert [form["grant_type"] for form in it.asked] == ["authorization_code", "refresh_token"]


async def test_a_restored_refresh_token_goes_before_the_configured_code() -> None:
    async with (
        endpoint(token()) as it,
        tokens_of(it.url, CODE_GRANT, LeapingClock()) as tokens,
    ):
        tokens.restore("from the journal")
        await tokens.renew()

    assert [form.get("refresh_token") for form in it.asked] == ["from the journal"]


async def test_callers_at_the_same_moment_share_one_request() -> None:
    async with (
        endpoint(token()) as it,
        tokens_of(it.url, CLIENT_GRANT, LeapingClock()) as tokens,
    ):
        found = await asyncio.gather(tokens.renew(), tokens.renew(), tokens.renew())

    assert found == ["token-1"] * 3
    assert len(it.asked) == 1


@pytest.mark.parametrize(
    ("answer", "reason", "hint"),
    [
        ((401, {"error": "invalid_client"}), Reason.AUTH, "client.secret"),
        ((400, {"error": "invalid_client"}), Reason.AUTH, "client.secret"),
        ((400, {"error": "invalid_grant"}), Reason.AUTH, "user name"),
        ((400, {"error": "unsupported_grant_type"}), Reason.AUTH, "the grant password"),
        ((403, {"message": "Forbidden"}), Reason.FORBIDDEN, "api_key"),
    ],
)
async def test_a_refusal_says_what_to_check_and_no_secret(
    answer: tuple[int, Any], reason: Reason, hint: str
) -> None:
    async with (
        endpoint(answer) as it,
        tokens_of(it.url, PASSWORD_GRANT, LeapingClock()) as tokens,
    ):
        with pytest.raises(AuthRejected, match=hint) as caught:
            await tokens.renew()

    assert caught.value.reason is reason
    assert not {"battery", "horse"} & set(str(caught.value).replace("'", " ").split())


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((503, {}), Reason.SERVER_ERROR),
        ((429, {}), Reason.RATE_LIMITED),
        ((200, {"no": "token"}), Reason.PROTOCOL),
        ((200, {"access_token": "line\nbreak"}), Reason.PROTOCOL),
    ],
)
async def test_a_server_that_cannot_answer_now_is_not_ready(
    answer: tuple[int, Any], reason: Reason
) -> None:
    async with (
        endpoint(answer) as it,
        tokens_of(it.url, CLIENT_GRANT, LeapingClock()) as tokens,
    ):
        with pytest.raises(NotReady) as caught:
            await tokens.renew()

    assert caught.value.reason is reason


@pytest.mark.parametrize("credentials", [PASSWORD_GRANT, CODE_GRANT, REFRESH_GRANT, CLIENT_GRANT])
def test_credentials_do_not_show_themselves(credentials: Credentials) -> None:
    shown = repr(credentials)

    assert not any(word in shown for word in ("horse", "battery", "staple", "correct"))


async def test_an_account_with_a_code_goes_on_after_a_restart_by_its_refresh_token() -> None:
    """The code is good once; the next process has the refresh token from the resume state."""
    async with simulated(ack=True) as simulator:
        grant = {
            "authorization_code": await signed_in(simulator.url),
            "redirect_uri": REDIRECT,
        }
        accounts = [account(password=None, **grant)]
        async with (
            connected_to(simulator.url, accounts=accounts) as connector,
            Consumer(connector) as before,
        ):
            pass
        simulator.workspace.sessions.end_all("agent0001")
        simulator.bayeux.forget()
        async with connected_to(simulator.url, accounts=accounts) as connector:
            after = Consumer(connector)
            after.resume = before.resume
            async with after:
                await after.until(lambda: after.gaps, "a gap")

    assert simulator.auth.issued == 2
