"""What keeps the SignalR client from connecting or calling, and how it tells it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from connectors._wire.signalr.negotiation import SpeaksCore
from connectors._wire.signalr.values import Transport
from gateway.errors import (
    AuthRejected,
    CommandUncertain,
    ConnectionFailed,
    NotReady,
    ProtocolViolation,
    Reason,
)
from tests.connectors._wire.signalr.fake_signalr import drop, fake_signalr, reply, status
from tests.connectors._wire.signalr.harness import (
    Make,
    collect,
    each_transport,
    ended,
    opened,
    values,
)
from tests.support.processes import eventually


async def test_a_call_whose_answer_is_lost_is_uncertain(make: Make) -> None:
    async with fake_signalr() as server:
        client = make(server, Transport.SERVER_SENT_EVENTS)
        await opened(client)
        server.on["send"] = [drop]
        with pytest.raises(CommandUncertain):
            await client.invoke("hub", "echo")
        client = make(server, Transport.WEB_SOCKETS, limits={"call_seconds": 0.1})
        await opened(client)
        server.answer = lambda _: "{}"  # type: ignore[method-assign]  # a server that never answers
        with pytest.raises(CommandUncertain):
            await client.invoke("hub", "echo")


async def test_each_transport_that_does_not_come_up_is_named(make: Make) -> None:
    async with fake_signalr() as server:
        server.on["connect"] = [status(400), status(404), status(503)]
        with pytest.raises(NotReady) as caught:
            await make(server).open()
        told = str(caught.value)
        assert all(name in told for name in ("webSockets", "serverSentEvents", "longPolling"))
        assert "token+" not in told


@each_transport
async def test_a_transport_that_is_sent_elsewhere_is_not_followed(
    make: Make, transport: Transport
) -> None:
    async with fake_signalr() as server, fake_signalr() as elsewhere:
        elsewhere.negotiate()
        place = {"Location": f"{elsewhere.url}/connect?transport={transport.value}&x=hush"}
        server.on["connect"] = [status(302, headers=place)]
        with pytest.raises(NotReady) as caught:
            await make(server, transport).open()
        assert caught.value.reason is Reason.REDIRECT
        assert "hush" not in str(caught.value)


async def test_no_common_transport_is_told_with_a_hint(make: Make) -> None:
    async with fake_signalr(TryWebSockets=False) as server:
        with pytest.raises(NotReady) as caught:
            await make(server, Transport.WEB_SOCKETS).open()
        assert (caught.value.reason, bool(caught.value.hint)) == (Reason.UNSUPPORTED, True)


@each_transport
async def test_a_transport_that_never_initializes_is_given_up_in_time(
    make: Make, transport: Transport
) -> None:
    async with fake_signalr(TransportConnectTimeout=0.3) as server:

        async def never(_: Any) -> Any:
            await asyncio.Event().wait()

        server.on["connect"] = [never]
        with pytest.raises(NotReady):
            await make(server, transport).open()
        await opened(make(server, transport))


@pytest.mark.parametrize(
    ("fault", "error", "reason"),
    [
        (status(401), AuthRejected, Reason.AUTH),
        (status(403), AuthRejected, Reason.FORBIDDEN),
        (status(404), NotReady, Reason.NOT_FOUND),
        (status(500), NotReady, Reason.SERVER_ERROR),
        (status(302, headers={"Location": "/login?token=hush"}), NotReady, Reason.REDIRECT),
        (reply("<html>", "text/html"), NotReady, Reason.PROTOCOL),
        (reply("oops"), NotReady, Reason.PROTOCOL),
        (reply("[]"), ProtocolViolation, Reason.PROTOCOL),
        (reply("{}"), ProtocolViolation, Reason.PROTOCOL),
        (reply('{"RedirectUrl":"https://elsewhere"}'), ProtocolViolation, Reason.UNSUPPORTED),
        (reply('{"availableTransports":[]}'), SpeaksCore, Reason.UNSUPPORTED),
    ],
)
async def test_what_keeps_a_connection_from_opening_is_told_apart(
    make: Make, fault: Any, error: type[Exception], reason: Reason
) -> None:
    async with fake_signalr() as server:
        server.on["negotiate"] = [fault]
        client = make(server)
        with pytest.raises(ConnectionFailed) as caught:
            await client.open()
        assert (type(caught.value), caught.value.reason) == (error, reason)
        assert "hush" not in str(caught.value)
        assert len(server.seen) == 1
        await opened(client)


async def test_a_start_that_fails_is_no_reason_to_try_another_transport(make: Make) -> None:
    async with fake_signalr() as server:
        server.on["start"] = [status(500)]
        client = make(server)
        with pytest.raises(NotReady):
            await client.open()
        assert server.count("connect") == 1
        assert client.transport is None
        await opened(client)


@each_transport
async def test_credentials_that_run_out_are_renewed_on_the_same_connection(
    make: Make, transport: Transport
) -> None:
    async with fake_signalr() as server:
        asked: list[bool] = []

        async def headers(refused: bool) -> dict[str, str]:  # noqa: FBT001 - the hook's shape
            asked.append(refused)
            return {"Authorization": f"Bearer {sum(asked)}"}

        for path in ("negotiate", "connect", "start", "reconnect", "poll"):
            server.on[path] = [status(401)]
        client = make(server, transport, headers=headers)
        await opened(client)
        server.publish("a")
        assert values(await collect(client, 1)) == ["a"]
        server.cut()
        server.publish("b")
        batches = await collect(client, 1)
        assert values(batches) == ["b"]
        assert batches[-1].connection_id == "id-1"
        renewals = sum(asked)
        assert renewals == 4
        assert server.requests[-1].headers["Authorization"] == f"Bearer {renewals}"


async def test_a_second_refusal_in_a_row_is_final(make: Make) -> None:
    async with fake_signalr() as server:
        asked: list[bool] = []

        async def headers(refused: bool) -> dict[str, str]:  # noqa: FBT001 - the hook's shape
            asked.append(refused)
            return {}

        server.on["negotiate"] = [status(401), status(401)]
        with pytest.raises(AuthRejected):
            await make(server, headers=headers).open()
        assert asked == [False, True]


async def test_credentials_are_checked_now_and_then(make: Make) -> None:
    async with fake_signalr() as server:
        client = make(server, Transport.WEB_SOCKETS, limits={"ping_seconds": 0.2})
        await opened(client)
        server.on["ping"] = [status(503)]
        await eventually(lambda: server.count("ping") > 1, "pings")
        server.on["ping"] = [status(401)]
        assert (await ended(client)).reason is Reason.AUTH
