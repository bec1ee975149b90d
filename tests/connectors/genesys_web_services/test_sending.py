"""Spellings are tried one after another against a server that says what it got."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from connectors._wire.cookies import CookieStore
from connectors.genesys_web_services import sending
from connectors.genesys_web_services.client import AgentHttp
from connectors.genesys_web_services.commands import Request, build
from connectors.genesys_web_services.mapping import AgentPicture, Mapper
from connectors.genesys_web_services.mapping.picture import Item, Leg
from gateway.clock import SystemClock
from gateway.commands import Outcome, Status, Verb
from gateway.errors import CommandUncertain, NotConnected, Reason
from gateway.states import ConnectionState
from tests.connectors.genesys_web_services.builders import ORIGIN, RECEIVED
from tests.connectors.genesys_web_services.operations import command, situation

UNKNOWN = (200, {"statusCode": 2, "statusMessage": "unknown operation"})
OK = (200, {"statusCode": 0})


class Server:
    """Answers POSTs as it was told, the last answer again and again, and keeps their bodies."""

    def __init__(self, *answers: tuple[int, Any]) -> None:
        self.answers = list(answers)
        self.bodies: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        """The next answer."""
        self.bodies.append(await request.json())
        self.paths.append(request.path)
        status, body = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return web.json_response(body, status=status)

    @property
    def names(self) -> list[str]:
        """Of the operations, in the order in which they came."""
        return [body["operationName"] for body in self.bodies]


@asynccontextmanager
async def serving(*answers: tuple[int, Any]) -> AsyncIterator[tuple[Server, AgentHttp]]:
    server = Server(*answers)
    app = web.Application()
    app.router.add_post("/{path:.*}", server.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        server.url = f"http://{host}:{port}"
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
            yield server, client(session, server.url)
    finally:
        await runner.cleanup()


def client(session: aiohttp.ClientSession, url: str) -> AgentHttp:
    return AgentHttp(
        session,
        base_url=url,
        username="agent1",
        password="secret",
        cookies=CookieStore(),
        clock=SystemClock(),
        timeout_seconds=5,
        max_reply_bytes=100_000,
    )


def mapper() -> Mapper:
    """An agent with a call and a chat."""
    return Mapper(
        ORIGIN,
        AgentPicture(
            calls={"c1": Leg(state=ConnectionState.CONNECTED)},
            interactions={"i1": Item(media="chat")},
        ),
    )


def request(verb: Verb, **arguments: Any) -> Request:
    return build(command(verb, **arguments), situation(picture=mapper().picture))


async def send(http: AgentHttp, made: Request, known: Mapper | None = None) -> Outcome:
    return await sending.carry_out(http, known or mapper(), made, sent=RECEIVED)


async def test_a_spelling_that_is_taken_is_the_only_one_sent() -> None:
    async with serving(OK) as (server, http):
        outcome = await send(http, request(Verb.INTERACTION_COMPLETE))

    assert outcome.status is Status.ACCEPTED
    assert server.names == ["Complete"]


async def test_the_next_spelling_is_sent_after_a_refusal_as_unknown() -> None:
    async with serving(UNKNOWN, OK) as (server, http):
        outcome = await send(http, request(Verb.INTERACTION_COMPLETE))

    assert outcome.status is Status.ACCEPTED
    assert server.names == ["Complete", "StopProcessing"]


async def test_of_several_refusals_the_first_is_told() -> None:
    async with serving(UNKNOWN, (404, {})) as (server, http):
        outcome = await send(http, request(Verb.AGENT_FORWARD, destination="1", device="d1"))

    assert len(server.bodies) == 4
    assert (outcome.reason, outcome.message) == (Reason.CONFLICT, "unknown operation (code 2)")


@pytest.mark.parametrize(
    "answer",
    [
        (200, {"statusCode": 3}),
        (200, {"statusCode": 4}),
        (200, {"statusCode": 7, "failed": [], "succeeded": []}),
        (500, {"statusCode": 4}),
        (403, {"statusCode": 5}),
    ],
)
async def test_nothing_else_is_sent_after_any_other_answer(answer: tuple[int, Any]) -> None:
    async with serving(answer) as (server, http):
        outcome = await send(http, request(Verb.INTERACTION_COMPLETE))

    assert outcome.status in {Status.REFUSED, Status.PARTIAL}
    assert server.names == ["Complete"]


async def test_nothing_else_is_sent_after_an_answer_that_leaves_it_open() -> None:
    async with serving((503, None)) as (server, http):
        with pytest.raises(CommandUncertain):
            await send(http, request(Verb.INTERACTION_COMPLETE))

    assert server.names == ["Complete"]


async def test_an_uncertain_second_spelling_makes_the_command_uncertain() -> None:
    async with serving(UNKNOWN, (503, None)) as (server, http):
        with pytest.raises(CommandUncertain):
            await send(http, request(Verb.INTERACTION_COMPLETE))

    assert server.names == ["Complete", "StopProcessing"]


@pytest.mark.parametrize(
    ("answer", "expects"), [(OK, "5003"), (UNKNOWN, None)], ids=["taken", "refused"]
)
async def test_a_transfer_is_expected_unless_it_is_refused(
    answer: tuple[int, Any], expects: str | None
) -> None:
    known = mapper()
    async with serving(answer) as (_, http):
        await send(http, request(Verb.CALL_TRANSFER, destination="5003"), known)

    assert known.picture.calls["c1"].transfer_to == expects


async def test_a_transfer_that_may_have_happened_is_expected() -> None:
    known = mapper()
    async with serving((503, None)) as (_, http):
        with pytest.raises(CommandUncertain):
            await send(http, request(Verb.CALL_TRANSFER, destination="5003"), known)

    assert known.picture.calls["c1"].transfer_to == "5003"


async def test_a_transfer_that_was_never_sent_is_not_expected() -> None:
    known = mapper()
    async with serving(OK) as (server, _):
        url = server.url
    async with aiohttp.ClientSession() as session:
        with pytest.raises(NotConnected):
            await send(client(session, url), request(Verb.CALL_TRANSFER, destination="5"), known)

    assert known.picture.calls["c1"].transfer_to is None


async def test_the_reference_goes_with_every_spelling_and_into_the_expectation() -> None:
    async with serving(UNKNOWN, OK) as (server, http):
        outcome = await sending.carry_out(
            http, mapper(), request(Verb.INTERACTION_COMPLETE), sent=RECEIVED, reference="cmd"
        )

    assert [body["referenceId"] for body in server.bodies] == ["cmd", "cmd"]
    assert outcome.expectation is not None
    assert outcome.expectation.cause == "cmd"
