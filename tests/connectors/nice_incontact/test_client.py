"""The one HTTP client: what is repeated, where it goes, and what failures mean."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from connectors.nice_incontact.client import Api
from connectors.nice_incontact.settings import NiceIncontactSettings
from connectors.nice_incontact.signin import Tokens, checked_address
from gateway.clock import SystemClock
from gateway.errors import (
    AuthRejected,
    CommandUncertain,
    ConfigError,
    NotReady,
    ProtocolViolation,
    Reason,
    TielineError,
)

Answering = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Platform:
    """Gives out tokens t1, t2 …, and answers all else as the test says; remembers what was asked."""

    def __init__(self, answer: Answering) -> None:
        self.asked: list[tuple[str, str, str]] = []
        self.tokens = 0
        self._answer = answer

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """One request."""
        if request.path == "/Token":
            self.tokens += 1
            base = f"{request.scheme}://{request.host}/inContactAPI/"
            return web.json_response(
                {"access_token": f"t{self.tokens}", "resource_server_base_uri": base}
            )
        token = request.headers.get("Authorization", "")
        self.asked.append((request.method, request.path_qs, token))
        return await self._answer(request)


@asynccontextmanager
async def api_of(answer: Answering, **fields: Any) -> AsyncIterator[tuple[Api, Platform]]:
    """A client whose platform answers like that."""
    platform = Platform(answer)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", platform.serve)
    async with TestServer(app) as server, aiohttp.ClientSession() as http:
        sign_in = {
            "method": "password",
            "url": str(server.make_url("/Token")),
            "application": "A@V",
            "business_unit": "1",
            "username": "ann",
            "password": "hidden-secret",
        }
        settings = NiceIncontactSettings.model_validate(
            {
                "sign_in": sign_in,
                "agents": [{"agent_id": 1}],
                "request_timeout_seconds": 10,
                **fields,
            }
        )
        tokens = Tokens(
            http,
            settings.sign_in,
            SystemClock(),
            ahead_seconds=300,
            timeout_seconds=10,
            max_reply_bytes=100_000,
        )
        yield Api(http, settings, tokens), platform


def answering(status: int, text: str = "", **headers: str) -> Answering:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=status, text=text, headers=headers)

    return answer


async def test_a_token_that_is_refused_is_renewed_and_the_same_request_repeated_once() -> None:
    async def answer(request: web.Request) -> web.Response:
        old = request.headers["Authorization"] == "bearer t1"
        return web.Response(status=401) if old else web.json_response({"ok": True})

    async with api_of(answer) as (api, platform):
        assert await api.get("agents/states", {"updatedSince": "2026-01-01T00:00:00+00:00"}) == {
            "ok": True
        }
        path = "/inContactAPI/services/v23.0/agents/states?updatedSince=2026-01-01T00:00:00%2B00:00"
        assert [(one[0], one[1].replace("%3A", ":")) for one in platform.asked] == [
            ("GET", path)
        ] * 2
        assert [one[2] for one in platform.asked] == ["bearer t1", "bearer t2"]


async def test_a_lack_of_rights_is_no_loop() -> None:
    async with api_of(answering(401)) as (api, platform):
        with pytest.raises(AuthRejected) as refused:
            await api.get("agents")

        assert len(platform.asked) == 2
    assert "'ann'" in refused.value.hint


async def test_an_application_that_is_not_authorized_is_a_configuration_error_at_once() -> None:
    text = "Client application 'A@V' not authorized for user"
    async with api_of(answering(401, icStatusDescription=text)) as (api, platform):
        with pytest.raises(ConfigError, match="not authorized for user"):
            await api.get("agents")

        assert len(platform.asked) == 1


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [
        (403, AuthRejected, Reason.FORBIDDEN),
        (404, NotReady, Reason.NOT_FOUND),
        (409, NotReady, Reason.CLIENT_ERROR),
        (429, NotReady, Reason.RATE_LIMITED),
        (503, NotReady, Reason.SERVER_ERROR),
        (302, NotReady, Reason.REDIRECT),
    ],
)
async def test_each_status_has_its_error(
    status: int, kind: type[TielineError], reason: Reason
) -> None:
    async with api_of(answering(status, **{"Retry-After": "7"})) as (api, _):
        with pytest.raises(kind) as refused:
            await api.get("agents")

    assert refused.value.reason is reason
    if isinstance(refused.value, NotReady) and status in {429, 503}:
        assert refused.value.retry_after_seconds == 7


async def test_a_path_with_a_session_is_told_without_its_name() -> None:
    """Whoever knows the name can act in the session."""
    async with api_of(answering(500)) as (api, _):
        reply = await api.request("POST", "agent-sessions/SECRETNAME/state", body={})
        error = api.refusal(reply, "agent-sessions/SECRETNAME/state")

    assert "SECRETNAME" not in str(error)


async def test_nothing_is_an_answer_and_a_page_is_none() -> None:
    async with api_of(answering(204)) as (api, _):
        assert await api.get("contacts/active") is None
    async with api_of(answering(200, "<html>")) as (api, _):
        with pytest.raises(ProtocolViolation):
            await api.get("contacts/active")


async def test_json_is_read_whatever_its_content_type() -> None:
    async with api_of(answering(200, '{"a": 1}')) as (api, _):
        assert await api.get("server-time") == {"a": 1}


async def test_an_answer_that_is_too_long_is_not_read() -> None:
    async with api_of(answering(200, "x" * 70_000), max_reply_bytes=65_536) as (api, _):
        with pytest.raises(NotReady) as refused:
            await api.get("agents")

    assert refused.value.reason is Reason.TOO_LARGE


async def test_a_request_that_changes_something_and_is_not_answered_is_uncertain() -> None:
    async def answer(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    async with api_of(answer) as (api, _):
        with pytest.raises(CommandUncertain):
            await api.request("POST", "agents/1/logout")
        with pytest.raises(NotReady):
            await api.request("GET", "agents", changes=False)


async def test_all_pages_are_read_and_the_token_stays_with_its_host() -> None:
    """A next page may be named with any host, by a proxy or an attacker; the token goes to the API's own."""

    async def answer(request: web.Request) -> web.Response:
        skip = int(request.query.get("skip", 0))
        following = f"https://elsewhere.test{request.path}?skip={skip + 1}" if skip < 2 else ""
        body = {
            "agents": [{"AgentId": skip}],
            "lastPollTime": f"L{skip}",
            "_links": {"next": following},
        }
        return web.json_response(body)

    async with api_of(answer) as (api, platform):
        page = await api.page("agents", "agents")

        assert [row["agentid"] for row in page.rows] == [0, 1, 2]
        assert page.last_poll_time == "L0"
        assert [path for _, path, _ in platform.asked] == [
            "/inContactAPI/services/v23.0/agents",
            "/inContactAPI/services/v23.0/agents?skip=1",
            "/inContactAPI/services/v23.0/agents?skip=2",
        ]


async def test_pages_that_lead_in_a_circle_end() -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.json_response({"agents": [{}], "_links": {"next": f"{request.path}?again"}})

    async with api_of(answer) as (api, platform):
        await api.page("agents", "agents")

        assert len(platform.asked) == 2


async def test_the_version_is_that_of_the_path() -> None:
    async with api_of(answering(204), versions={"contacts/completed": "v27.0"}) as (api, platform):
        await api.get("contacts/completed")
        await api.get("contacts/active")

    assert [path.split("/")[3] for _, path, _ in platform.asked] == ["v27.0", "v23.0"]


def test_an_address_in_the_clear_is_not_taken_from_a_service_with_tls() -> None:
    with pytest.raises(ProtocolViolation, match="without TLS"):
        checked_address("http://api.test/x", "tokens.test", "api_endpoint", secure=True)

    assert checked_address("http://a.test", "tokens.test", "x", secure=False) == "http://a.test"
