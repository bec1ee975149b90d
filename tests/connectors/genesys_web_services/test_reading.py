"""Reading what a server may or may not have, over real sockets against a server that has only what a test gives it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from connectors._wire.cookies import CookieStore
from connectors.genesys_web_services.client import AgentHttp
from connectors.genesys_web_services.reading import everything, operate, optional
from gateway.clock import SystemClock
from gateway.errors import AuthRejected, NotReady, Reason

Answer = Callable[[web.Request], web.Response]


def reply(body: Any, status: int = 200) -> Answer:
    return lambda _request: web.json_response(body, status=status)


@asynccontextmanager
async def server(answers: dict[str, Answer]) -> AsyncIterator[tuple[AgentHttp, list[str]]]:
    """A server that answers these paths, and what was asked of it."""
    asked: list[str] = []

    async def handle(request: web.Request) -> web.Response:
        asked.append(str(request.rel_url))
        answer = answers.get(request.path)
        if answer is None:
            return web.json_response({"statusCode": 6, "statusMessage": "Not found"}, status=404)
        return answer(request)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
            yield (
                AgentHttp(
                    http,
                    base_url=f"http://127.0.0.1:{port}",
                    username="kristi",
                    password="secret",
                    cookies=CookieStore(),
                    clock=SystemClock(),
                    timeout_seconds=5,
                    max_reply_bytes=1 << 20,
                ),
                asked,
            )
    finally:
        await runner.cleanup()


async def test_what_an_answer_lacks_is_asked_for() -> None:
    answers = {
        "/api/v2/me": reply({"statusCode": 0, "user": {"id": "u", "devices": [{"id": "d"}]}}),
        "/api/v2/me/calls": reply({"statusCode": 0, "calls": [{"id": "c"}]}),
        "/api/v2/me/interactions": reply({"statusCode": 0, "interactions": []}),
    }
    async with server(answers) as (http, asked):
        found = await everything(http, services=False)

    assert [found[name] for name in ("devices", "calls", "interactions", "channels")] == [
        [{"id": "d"}],
        [{"id": "c"}],
        [],
        None,
    ]
    assert asked == [
        "/api/v2/me?subresources=*",
        "/api/v2/me/channels?fields=*",
        "/api/v2/me/calls?fields=*",
        "/api/v2/me/interactions?fields=*",
    ]


@pytest.mark.parametrize("partial", ["/api/v2/me", "/api/v2/me/calls"])
async def test_one_partial_answer_makes_the_whole_partial(partial: str) -> None:
    lists = {name: [] for name in ("devices", "channels", "interactions")}
    answers = {
        "/api/v2/me": reply({"statusCode": 7 if partial == "/api/v2/me" else 0, **lists}),
        "/api/v2/me/calls": reply({"statusCode": 7, "calls": []}),
    }
    async with server(answers) as (http, _):
        found = await everything(http, services=True)

    assert found["statusCode"] == 7


@pytest.mark.parametrize(
    "answer",
    [
        reply({"statusCode": 6, "statusMessage": "x"}),
        reply({"statusCode": 5, "statusMessage": "x"}),
        reply({"statusCode": 3, "statusMessage": "x"}),
        reply({"statusCode": 2, "statusMessage": "x"}),
        reply({"status": 6, "description": "x"}),
        reply({}, 404),
        reply({}, 403),
        reply({}, 405),
    ],
)
async def test_that_there_is_nothing_for_this_account_is_a_finding(answer: Answer) -> None:
    async with server({"/api/v2/queues": answer}) as (http, _):
        found, why = await optional(http, "/api/v2/queues")

    assert found == {}
    assert why


@pytest.mark.parametrize(
    ("answer", "error", "reason"),
    [
        (reply({"statusCode": 20}, 403), AuthRejected, Reason.AUTH),
        (reply({"statusCode": 8}), AuthRejected, Reason.AUTH),
        (reply({"statusCode": 4}), NotReady, Reason.SERVER_ERROR),
        (reply({}, 503), NotReady, Reason.SERVER_ERROR),
        (reply([]), NotReady, Reason.PROTOCOL),
        (reply({"statusCode": [0]}), NotReady, Reason.SERVER_ERROR),
    ],
)
async def test_that_the_server_refuses_us_or_cannot_serve_is_an_error(
    answer: Answer, error: type[Exception], reason: Reason
) -> None:
    async with server({"/api/v2/queues": answer}) as (http, _):
        with pytest.raises(error) as caught:
            await optional(http, "/api/v2/queues")

    assert caught.value.reason is reason  # type: ignore[attr-defined]  # one of our errors


async def test_a_server_that_asks_for_a_pause_says_how_long() -> None:
    def busy(_request: web.Request) -> web.Response:
        return web.json_response({}, status=429, headers={"Retry-After": "7"})

    async with server({"/api/v1/stats/1": busy}) as (http, _):
        with pytest.raises(NotReady) as caught:
            await optional(http, "/api/v1/stats/1")

    assert (caught.value.reason, caught.value.retry_after_seconds) == (Reason.RATE_LIMITED, 7.0)


@pytest.mark.parametrize(
    ("answer", "done"),
    [
        (reply({"status": 0}), True),
        (reply({"statusCode": 0}), True),
        (reply({"status": "ok"}), True),
        (lambda _request: web.Response(), True),
        (reply({"statusCode": 6, "statusMessage": "no such workbin"}), False),
        (reply({"status": 6, "description": "no such workbin"}), False),
        (reply({"status": "error", "errorDescription": "no such workbin"}), False),
        (lambda _request: web.Response(text="<html>"), False),
        (reply([]), False),
        (reply({"statusCode": {}}), False),
        (reply({}, 404), False),
    ],
)
async def test_an_operation_is_decided_by_its_answer(answer: Answer, *, done: bool) -> None:
    async with server({"/api/v2/workbins/w": answer}) as (http, _):
        why = await operate(http, "/api/v2/workbins/w", "Subscribe")

    assert (why == "") is done


async def test_every_new_http_session_is_counted() -> None:
    sessions = iter("abc")

    def open_one(request: web.Request) -> web.Response:
        answer = web.json_response({"statusCode": 0})
        if request.query.get("new"):
            answer.set_cookie("JSESSIONID", next(sessions), path="/")
        return answer

    async with server({"/api/v2/me": open_one}) as (http, _):
        counts = []
        for query in ("?new=1", "", "?new=1", ""):
            await http.get(f"/api/v2/me{query}")
            counts.append(http.sessions)

    assert counts == [1, 1, 2, 2]
