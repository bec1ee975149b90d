"""The SignalR client on real sockets, over each of the three transports."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import msgspec
import pytest

from connectors._wire.signalr.client import SignalRClient
from connectors._wire.signalr.negotiation import SpeaksCore
from connectors._wire.signalr.values import Batch, Limits, Loss, SignalRResume, Transport
from gateway.errors import (
    AuthRejected,
    CommandRefused,
    CommandUncertain,
    ConnectionFailed,
    NotConnected,
    NotReady,
    ProtocolViolation,
    Reason,
)
from tests.connectors._wire.signalr.fake_signalr import (
    FakeSignalR,
    drop,
    fake_signalr,
    reply,
    status,
)
from tests.support.processes import eventually

Make = Callable[..., SignalRClient]
RETRY_SECONDS = 0.1  # a twentieth of the real pause: times here are scaled, not skipped
each_transport = pytest.mark.parametrize("transport", list(Transport))
each_stream = pytest.mark.parametrize(
    "transport", [Transport.WEB_SOCKETS, Transport.SERVER_SENT_EVENTS]
)


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(
        connector=connector, cookie_jar=aiohttp.DummyCookieJar()
    ) as session:
        yield session


@pytest.fixture
async def make(http: aiohttp.ClientSession) -> AsyncIterator[Make]:
    """Clients that are closed at the end."""
    clients = []

    def build(
        server: FakeSignalR | str, transport: Transport | None = None, **options: Any
    ) -> SignalRClient:
        url = server if isinstance(server, str) else server.url
        limits = {"request_seconds": 2.0, "retry_seconds": RETRY_SECONDS} | options.pop(
            "limits", {}
        )
        if transport is not None:
            options["transports"] = [transport]
        client = SignalRClient(http, url, ["hub"], limits=Limits(**limits), **options)
        clients.append(client)
        return client

    yield build
    for client in clients:
        await client.close()


async def opened(client: SignalRClient, resume: SignalRResume | None = None) -> Batch:
    """Open and take the announcement of the connection."""
    async with asyncio.timeout(10):
        await client.open(resume)
        batch = await client.receive()
    client.stored(batch)
    return batch


async def collect(client: SignalRClient, count: int) -> list[Batch]:
    """Receive and store until that many messages have come."""
    batches: list[Batch] = []
    async with asyncio.timeout(15):
        while sum(len(batch.messages) for batch in batches) < count:
            batch = await client.receive()
            client.stored(batch)
            batches.append(batch)
    return batches


def values(batches: list[Batch]) -> list[Any]:
    return [message.args[0] for batch in batches for message in batch.messages]


def losses(batches: list[Batch]) -> list[Loss]:
    return [batch.gap.reason for batch in batches if batch.gap]


async def ended(client: SignalRClient) -> ConnectionFailed:
    """The error that ends receiving."""
    async with asyncio.timeout(15):
        while True:
            try:
                await client.receive()
            except ConnectionFailed as error:
                return error


@each_transport
async def test_messages_come_in_order_with_names_of_their_own(
    make: Make, transport: Transport
) -> None:
    async with fake_signalr() as server:
        client = make(server, transport)
        first = await opened(client)
        assert (first.messages, first.gap, first.connection_id) == ([], None, "id-1")
        assert client.transport is transport
        assert server.connections["token+1/="].started
        for number in range(0, 40, 2):
            server.publish(number, number + 1)
            await asyncio.sleep(0)
        batches = await collect(client, 40)
        assert values(batches) == list(range(40))
        messages = [message for batch in batches for message in batch.messages]
        assert {(m.hub, m.method) for m in messages} == {("hub", "onEvent")}
        assert [m.key for m in messages] == [f"A,{n:X}" for n in range(40)]
        assert losses(batches) == []


@each_transport
async def test_messages_published_before_start_is_confirmed_are_kept(
    make: Make, transport: Transport
) -> None:
    async with fake_signalr() as server:

        async def slow_start(request: Any) -> Any:
            server.publish("early")
            server.connections["token+1/="].started = True
            return await reply('{ "Response": "started" }')(request)

        server.on["start"] = [slow_start]
        client = make(server, transport)
        await opened(client)
        assert values(await collect(client, 1)) == ["early"]


@each_transport
async def test_a_cut_inside_the_window_loses_nothing(make: Make, transport: Transport) -> None:
    async with fake_signalr() as server:
        client = make(server, transport)
        await opened(client)
        for number in range(5):
            await eventually(lambda: server.held == 1, "a stream")
            server.cut()
            server.publish(f"{number}a", topic="B")
            server.publish(f"{number}b")
        batches = await collect(client, 10)
        assert sorted(values(batches)) == sorted(f"{n}{x}" for n in range(5) for x in "ab")
        assert losses(batches) == []
        assert {batch.connection_id for batch in batches} == {"id-1"}


@each_transport
async def test_another_process_goes_on_with_the_connection(
    make: Make, transport: Transport
) -> None:
    async with fake_signalr() as server:
        first = make(server, transport)
        await opened(first)
        server.publish("a")
        kept = (await collect(first, 1))[-1].resume
        server.publish("b")
        await first.close()
        server.publish("c")
        encoded = msgspec.json.decode(msgspec.json.encode(kept), type=SignalRResume)
        second = make(server, transport)
        announced = await opened(second, encoded)
        batches = [announced] + await collect(second, 2 - len(announced.messages))
        assert values(batches) == ["b", "c"]
        assert losses(batches) == []
        assert announced.connection_id == "id-1"
        assert server.count("start") == 1


@each_transport
async def test_what_was_not_stored_comes_again_with_the_same_names(
    make: Make, transport: Transport
) -> None:
    async with fake_signalr() as server:
        first = make(server, transport)
        kept = (await opened(first)).resume
        for number in range(25):
            server.publish(number)
            await asyncio.sleep(0)
        before = await collect(first, 25)
        await first.close()
        second = make(server, transport)
        announced = await opened(second, kept)
        after = [announced] + await collect(second, 25 - len(announced.messages))

        def named(batches: list[Batch]) -> list[tuple[str, Any]]:
            return [(m.key, m.args) for batch in batches for m in batch.messages]

        assert named(after) == named(before)


@each_transport
async def test_past_the_window_there_is_one_gap_and_a_new_connection(
    make: Make, transport: Transport
) -> None:
    async with fake_signalr(DisconnectTimeout=0.5) as server:
        first = make(server, transport)
        kept = (await opened(first)).resume
        await first.close()
        server.publish("lost")
        await asyncio.sleep(0.5)
        second = make(server, transport)
        announced = await opened(second, kept)
        server.publish("a")
        batches = [announced, *await collect(second, 1)]
        assert losses(batches) == [Loss.EXPIRED]
        assert announced.gap is not None
        assert announced.gap.since == kept.seen_at
        assert announced.connection_id != "id-1"
        assert values(batches) == ["a"]


@each_transport
async def test_a_server_that_started_anew_is_found_out_at_once(
    make: Make, transport: Transport
) -> None:
    async with fake_signalr() as server:
        client = make(server, transport)
        kept = (await opened(client)).resume
        await eventually(lambda: server.held == 1, "a stream")
        server.restart()
        error = await ended(client)
        assert (type(error), error.reason) == (NotConnected, Reason.SESSION_LOST)
        announced = await opened(client, kept)
        assert losses([announced]) == [Loss.SERVER_RESTARTED]
        assert announced.connection_id != kept.connection_id
        server.publish("a")
        assert values(await collect(client, 1)) == ["a"]


@each_transport
async def test_a_server_that_started_anew_while_nobody_looked_is_one_gap(
    make: Make, transport: Transport
) -> None:
    async with fake_signalr() as server:
        first = make(server, transport)
        kept = (await opened(first)).resume
        await first.close()
        server.restart()
        second = make(server, transport)
        announced = await opened(second, kept)
        assert losses([announced]) == [Loss.SERVER_RESTARTED]


@each_transport
async def test_without_asking_a_new_server_process_shows_with_its_first_frame(
    make: Make, transport: Transport
) -> None:
    async with fake_signalr() as server:
        client = make(server, transport, verify_process=False)
        kept = (await opened(client)).resume
        await eventually(lambda: server.held == 1, "a stream")
        server.restart()
        await eventually(lambda: server.held == 1, "the stream again")
        server.publish("not ours any more")
        assert (await ended(client)).reason is Reason.SESSION_LOST
        assert losses([await opened(client, kept)]) == [Loss.SERVER_RESTARTED]


@each_transport
async def test_a_buffer_that_ran_over_is_a_gap_with_its_size(
    make: Make, transport: Transport
) -> None:
    async with fake_signalr(ring=20) as server:
        first = make(server, transport)
        kept = (await opened(first)).resume
        await first.close()
        server.publish(*range(100))
        second = make(server, transport)
        announced = await opened(second, kept)
        batches = [announced] + await collect(second, 20 - len(announced.messages))
        assert values(batches) == list(range(80, 100))
        assert losses(batches) == [Loss.BUFFER_FULL]
        assert [batch.gap.missing for batch in batches if batch.gap] == [80]


@each_transport
async def test_a_quiet_connection_renews_its_state_so_that_it_can_be_resumed(
    make: Make, transport: Transport
) -> None:
    async with fake_signalr() as server:
        client = make(server, transport, limits={"checkpoint_seconds": 0.2})
        first = await opened(client)
        async with asyncio.timeout(10):
            later = await client.receive()
        assert (later.messages, later.gap) == ([], None)
        assert later.resume.seen_at > first.resume.seen_at + 0.1


@each_transport
async def test_draining_hands_over_what_waits_and_a_state_that_resumes(
    make: Make, transport: Transport
) -> None:
    async with fake_signalr() as server:
        client = make(server, transport)
        await opened(client)
        server.publish("a", "b")
        await eventually(lambda: bool(client._buffer), "an arrival")
        batches = list(await client.drain())
        await client.close()
        server.publish("c")
        second = make(server, transport)
        announced = await opened(second, batches[-1].resume)
        batches += [announced]
        batches += await collect(second, 3 - len(values(batches)))
        assert values(batches) == ["a", "b", "c"]
        assert losses(batches) == []
        assert server.count("abort") == server.issued - 1


@each_transport
async def test_only_a_decommissioned_connection_is_aborted(
    make: Make, transport: Transport
) -> None:
    async with fake_signalr() as server:
        client = make(server, transport)
        await opened(client)
        await client.close()
        assert not server.connections["token+1/="].aborted
        await opened(client)
        await client.close(end_session=True)
        assert server.connections["token+2/="].aborted


@each_transport
async def test_methods_of_the_server_are_called(make: Make, transport: Transport) -> None:
    async with fake_signalr() as server:
        client = make(server, transport)
        with pytest.raises(NotConnected):
            await client.invoke("hub", "echo")
        await opened(client)
        answers = await asyncio.gather(*(client.invoke("hub", "echo", [n]) for n in range(5)))
        assert answers == [[n] for n in range(5)]
        with pytest.raises(CommandRefused, match="it failed"):
            await client.invoke("hub", "fail")
        with pytest.raises(ProtocolViolation):
            await client.invoke("hub", "echo", [object()])


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


async def test_the_best_transport_that_comes_up_is_taken(make: Make) -> None:
    async with fake_signalr() as server:
        client = make(server)
        await opened(client)
        assert client.transport is Transport.WEB_SOCKETS
        server.on["connect"] = [status(400)]
        await opened(client)
        assert client.transport is Transport.SERVER_SENT_EVENTS
        server.on["connect"] = [status(400), status(500)]
        await opened(client)
        assert client.transport is Transport.LONG_POLLING
        server.negotiation["TryWebSockets"] = False
        await opened(client)
        assert client.transport is Transport.SERVER_SENT_EVENTS


async def test_each_transport_that_does_not_come_up_is_named(make: Make) -> None:
    async with fake_signalr() as server:
        server.on["connect"] = [status(400), status(404), status(503)]
        with pytest.raises(NotReady) as caught:
            await make(server).open()
        told = str(caught.value)
        assert all(name in told for name in ("webSockets", "serverSentEvents", "longPolling"))
        assert "token+" not in told


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


async def test_a_refusal_in_mid_connection_ends_it(make: Make) -> None:
    async with fake_signalr() as server:
        client = make(server, Transport.LONG_POLLING)
        kept = (await opened(client)).resume
        await eventually(lambda: server.held == 1, "a poll")
        server.on["poll"] = [status(401)]
        server.publish("a")
        assert values(await collect(client, 1)) == ["a"]
        error = await ended(client)
        assert (type(error), error.reason) == (AuthRejected, Reason.AUTH)
        assert (await opened(client, kept)).connection_id == "id-1"


@each_transport
@pytest.mark.parametrize("code", [400, 403])
async def test_a_token_that_is_not_taken_back_costs_a_new_connection_and_a_gap(
    make: Make, transport: Transport, code: int
) -> None:
    async with fake_signalr() as server:
        client = make(server, transport)
        kept = (await opened(client)).resume
        await eventually(lambda: server.held == 1, "a stream")
        server.on["reconnect"] = server.on["poll"] = [status(code)]
        server.cut()
        error = await ended(client)
        assert (type(error), error.reason) == (NotConnected, Reason.SESSION_LOST)
        announced = await opened(client, kept)
        assert losses([announced]) == [Loss.SESSION_LOST]
        assert announced.connection_id != "id-1"


@each_stream
async def test_who_is_closed_each_time_gives_the_connection_up(
    make: Make, transport: Transport
) -> None:
    async with fake_signalr() as server:
        client = make(server, transport)
        kept = (await opened(client)).resume
        await eventually(lambda: server.held == 1, "a stream")
        server.connections["token+1/="].aborted = True
        server.release(server.connections["token+1/="])
        error = await ended(client)
        assert (error.reason, bool(error.hint)) == (Reason.CONFLICT, True)
        assert losses([await opened(client, kept)]) == [Loss.SESSION_LOST]


@each_transport
async def test_silence_is_noticed_and_the_transport_made_anew(
    make: Make, transport: Transport
) -> None:
    async with fake_signalr(KeepAliveTimeout=0.6) as server:
        client = make(server, transport)
        await opened(client)
        await eventually(lambda: server.held == 1, "a stream")
        heard = client.seen_at
        await eventually(lambda: client.seen_at > heard, "a keep-alive")
        assert not client.slow
        server.silent = True
        await eventually(lambda: client.slow, "slowness")
        opened_before = server.count("reconnect") + server.count("poll")
        server.publish("a")
        await eventually(
            lambda: server.count("reconnect") + server.count("poll") > opened_before,
            "a new transport",
        )
        server.silent = False
        server.wake()
        batches = await collect(client, 1)
        assert (values(batches), losses(batches)) == (["a"], [])


@each_transport
async def test_a_server_that_stays_away_longer_than_it_keeps_connections_ends_it(
    make: Make, transport: Transport
) -> None:
    async with fake_signalr(DisconnectTimeout=1.0) as server:
        client = make(server, transport)
        kept = (await opened(client)).resume
        await eventually(lambda: server.held == 1, "a stream")
        server.on["negotiate"] = [status(503)] * 100
        server.cut()
        assert (await ended(client)).reason is Reason.SERVER_ERROR
        tries = 100 - len(server.on["negotiate"])
        assert 2 <= tries <= 25
        server.on.clear()
        assert losses([await opened(client, kept)]) == [Loss.EXPIRED]


@each_transport
async def test_a_damaged_frame_is_fetched_again(make: Make, transport: Transport) -> None:
    async with fake_signalr() as server:
        client = make(server, transport)
        await opened(client)
        honest = server.frame
        damage = ['{"C":"d-1-A,', "[]", '{"M":7}']

        def frame(*args: Any, **more: Any) -> str | None:
            made = honest(*args, **more)
            return damage.pop() if made is not None and len(damage) > 1 else made

        server.frame = frame  # type: ignore[method-assign]  # the fault
        server.publish("a")
        batches = await collect(client, 1)
        assert (values(batches), losses(batches)) == (["a"], [])


@each_transport
async def test_a_frame_that_stays_damaged_ends_the_connection_with_a_gap(
    make: Make, transport: Transport
) -> None:
    async with fake_signalr() as server:
        client = make(server, transport, limits={"max_frame_bytes": 10_000})
        kept = (await opened(client)).resume
        server.publish("x" * 20_000)
        error = await ended(client)
        assert (error.reason, bool(error.hint)) == (Reason.TOO_LARGE, True)
        assert losses([await opened(client, kept)]) == [Loss.UNREADABLE]


@each_transport
async def test_long_frames_are_taken_whole(make: Make, transport: Transport) -> None:
    async with fake_signalr() as server:
        client = make(server, transport)
        await opened(client)
        server.publish("x" * 1_000_000)
        assert [len(value) for value in values(await collect(client, 1))] == [1_000_000]


@each_transport
async def test_a_full_buffer_pauses_reading_and_loses_nothing(
    make: Make, transport: Transport
) -> None:
    async with fake_signalr() as server:
        client = make(server, transport, limits={"max_buffered_messages": 20})
        await opened(client)
        for number in range(200):
            server.publish(number)
            await asyncio.sleep(0)
        await eventually(lambda: not client._buffer.has_room, "a full buffer")
        batches = await collect(client, 200)
        assert values(batches) == list(range(200))
        assert losses(batches) == []


@each_transport
async def test_a_fatal_error_of_the_server_is_not_answered_by_reconnecting(
    make: Make, transport: Transport
) -> None:
    async with fake_signalr() as server:
        client = make(server, transport)
        kept = (await opened(client)).resume
        server.frame = lambda *_, **__: '{"E":"it is over"}'  # type: ignore[method-assign]  # the fault
        server.wake()
        assert (await ended(client)).reason is Reason.SERVER_CLOSED
        del server.frame
        assert losses([await opened(client, kept)]) == [Loss.SESSION_LOST]


async def test_polls_without_padding_count_as_life_while_they_stand(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors._wire.signalr.channels.STANDING_SECONDS", 0.1)
    async with fake_signalr() as server:
        server.padding = False
        client = make(server, Transport.LONG_POLLING, limits={"checkpoint_seconds": 0.2})
        first = await opened(client)
        async with asyncio.timeout(10):
            later = await client.receive()
        assert later.resume.seen_at > first.resume.seen_at


async def test_an_idle_poll_that_returns_at_once_does_not_spin(make: Make) -> None:
    async with fake_signalr() as server:
        server.poll_seconds = 0.0
        client = make(server, Transport.LONG_POLLING, limits={"retry_seconds": 0.3})
        await opened(client)
        await eventually(lambda: server.count("poll") > 4, "the first polls")
        before = server.count("poll")
        await asyncio.sleep(0.4)
        assert server.count("poll") - before <= 3


async def test_the_server_may_ask_for_a_pause_between_polls(make: Make) -> None:
    async with fake_signalr() as server:
        server.poll_seconds, server.poll_delay_ms = 0.0, 500
        client = make(server, Transport.LONG_POLLING, limits={"retry_seconds": 0.0})
        await opened(client)
        await eventually(lambda: server.count("poll") == 2, "the second poll")
        await asyncio.sleep(0.2)
        assert server.count("poll") == 2


async def test_credentials_are_checked_now_and_then(make: Make) -> None:
    async with fake_signalr() as server:
        client = make(server, Transport.WEB_SOCKETS, limits={"ping_seconds": 0.2})
        await opened(client)
        server.on["ping"] = [status(503)]
        await eventually(lambda: server.count("ping") > 1, "pings")
        server.on["ping"] = [status(401)]
        assert (await ended(client)).reason is Reason.AUTH


async def test_joining_groups_is_no_gap(make: Make) -> None:
    async with fake_signalr() as server:
        client = make(server)
        await opened(client)
        server.groups_token = "groups-1"
        server.command()
        server.publish("a")
        batches = await collect(client, 1)
        assert losses(batches) == []
        assert batches[-1].resume.groups_token == "groups-1"


@pytest.mark.parametrize("change", [{"identity": "another"}, {"hubs": ("hub", "second")}])
async def test_settings_that_changed_make_a_new_connection_and_a_gap(
    make: Make, change: dict[str, Any]
) -> None:
    async with fake_signalr() as server:
        client = make(server)
        kept = (await opened(client)).resume
        announced = await opened(client, msgspec.structs.replace(kept, **change))
        assert losses([announced]) == [Loss.CHANGED]


async def test_cancelling_a_receive_loses_nothing(make: Make) -> None:
    async with fake_signalr() as server:
        client = make(server)
        await opened(client)
        got: list[Any] = []
        for number in range(30):
            receiving = asyncio.create_task(client.receive())
            await asyncio.sleep(0)
            server.publish(number)
            await asyncio.sleep(0.002 * (number % 3))
            receiving.cancel()
            try:
                got += values([await receiving])
            except asyncio.CancelledError:
                continue
        async with asyncio.timeout(5):
            while len(got) < 30:
                got += values([await client.receive()])
        assert got == list(range(30))


async def test_cancelling_an_open_leaves_nothing_open(make: Make) -> None:
    async with fake_signalr() as server:
        for steps in range(1, 40):
            client = make(server)
            opening = asyncio.create_task(client.open())
            for _ in range(steps):
                await asyncio.sleep(0.0005)
            opening.cancel()
            await asyncio.wait({opening})
            await client.close()
        await eventually(lambda: server.held == 0, "no stream left")


async def test_two_clients_with_one_token_do_not_fight_for_ever(make: Make) -> None:
    async with fake_signalr() as server:
        first, second = make(server), make(server)
        kept = (await opened(first)).resume
        await opened(second, kept)
        async with asyncio.timeout(10):
            done, pending = await asyncio.wait(
                {asyncio.create_task(ended(first)), asyncio.create_task(ended(second))},
                return_when=asyncio.FIRST_COMPLETED,
            )
        assert {task.result().reason for task in done} == {Reason.CONFLICT}
        for task in pending:
            task.cancel()
        await asyncio.wait(pending or done)


async def test_secrets_do_not_show(make: Make) -> None:
    async with fake_signalr() as server:
        batch = await opened(make(server))
        assert "token+" not in repr(batch)
        assert "token+" not in repr(batch.resume)
