"""The long-polling client against servers that misbehave, on real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from itertools import pairwise
from typing import Any

import aiohttp
import msgspec
import pytest

from connectors._wire.bayeux.http import Limits, LongPollingClient
from connectors._wire.bayeux.values import Batch, BayeuxResume
from connectors._wire.cookies import CookieStore
from gateway.errors import (
    AuthRejected,
    ConnectionFailed,
    NotConnected,
    NotReady,
    ProtocolViolation,
    Reason,
)
from tests.connectors._wire.fake_bayeux import FakeBayeux, drop, fake_bayeux, never, page, status
from tests.support.processes import eventually

Make = Callable[..., LongPollingClient]
RETRY_SECONDS = 0.2  # a fifth of the real pause: times here are scaled, not skipped


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

    def build(server: FakeBayeux | str, **options: Any) -> LongPollingClient:
        url = server if isinstance(server, str) else server.url
        limits = options.pop(
            "limits", Limits(network_delay_seconds=2.0, retry_seconds=RETRY_SECONDS)
        )
        client = LongPollingClient(http, url, subscriptions=["/events"], limits=limits, **options)
        clients.append(client)
        return client

    yield build
    for client in clients:
        await client.close()


async def opened(client: LongPollingClient, resume: BayeuxResume | None = None) -> Batch:
    """Open and take the announcement of the session."""
    await client.open(resume)
    batch = await client.receive()
    client.stored(batch)
    return batch


async def collect(client: LongPollingClient, count: int) -> list[Batch]:
    """Receive and store until that many events have come."""
    batches: list[Batch] = []
    async with asyncio.timeout(15):
        while sum(len(batch.messages) for batch in batches) < count:
            batch = await client.receive()
            client.stored(batch)
            batches.append(batch)
    return batches


def data(batches: list[Batch]) -> list[Any]:
    return [event.data for batch in batches for event in batch.messages]


def gaps(batches: list[Batch]) -> list[tuple[Reason, bool]]:
    return [(batch.gap.reason, batch.gap.suspected) for batch in batches if batch.gap]


@pytest.mark.parametrize("ack", [False, True])
async def test_events_come_in_order_with_their_numbers(make: Make, ack: bool) -> None:  # noqa: FBT001 - a parameter
    async with fake_bayeux(ack=ack) as server:
        client = make(server)
        first = await opened(client)
        assert (first.messages, first.client_id, client.ack_enabled) == ([], "client-1", ack)
        for number in range(0, 50, 2):
            server.publish(number, number + 1)
            await asyncio.sleep(0)
        batches = await collect(client, 50)
        assert data(batches) == list(range(50))
        assert [e.ordinal for b in batches for e in b.messages] == list(range(1, 51))
        assert gaps(batches) == []


async def test_an_empty_answer_does_not_wake_the_consumer(make: Make) -> None:
    async with fake_bayeux(timeout_ms=50) as server:
        client = make(server)
        await opened(client)
        receiving = asyncio.create_task(client.receive())
        await eventually(lambda: server.count("/meta/connect") > 5, "several empty connects")
        assert not receiving.done()
        server.publish("x")
        assert data([await receiving]) == ["x"]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (status(500), Reason.SERVER_ERROR),
        (status(503), Reason.SERVER_ERROR),
        (page(200), Reason.PROTOCOL),
        (page(502), Reason.SERVER_ERROR),
        (status(200, text="[oops", content_type="application/json"), Reason.PROTOCOL),
    ],
)
async def test_a_failed_connect_is_retried_in_the_same_session_and_is_a_gap(
    make: Make, fault: Any, reason: Reason
) -> None:
    async with fake_bayeux() as server:
        client = make(server)
        await opened(client)
        await eventually(lambda: server.holding, "a held connect")
        server.on_connect.append(fault)
        server.publish("a")
        await eventually(lambda: not server.on_connect, "the fault")
        failed_at = server.seen[-1].at
        server.publish("b")
        batches = await collect(client, 2)
        assert data(batches) == ["a", "b"]
        assert [gap for gap, _ in gaps(batches)] == [reason]
        assert (server.sessions, batches[-1].client_id) == (1, "client-1")
        retries = [seen.at for seen in server.seen if seen.at > failed_at]
        assert retries[0] - failed_at > 0.9 * RETRY_SECONDS


async def test_a_connection_closed_under_the_client_is_retried_at_once(make: Make) -> None:
    async with fake_bayeux() as server:
        client = make(server)
        await opened(client)
        await eventually(lambda: server.holding, "a held connect")
        server.on_any.append(drop)
        server.publish("a")
        batches = await collect(client, 1)
        await eventually(lambda: not server.on_any and server.holding, "the retry")
        assert server.seen[-1].at - server.seen[-2].at < 0.9 * RETRY_SECONDS
        assert gaps(batches) == []


async def test_a_lost_session_is_one_gap_and_everything_is_subscribed_again(make: Make) -> None:
    async with fake_bayeux() as server:
        client = make(server)
        await opened(client)
        await eventually(lambda: server.holding, "a held connect")
        server.forget()
        await eventually(lambda: server.sessions == 2 and server.holding, "the next session")
        server.publish("a")
        batches = await collect(client, 1)
        assert gaps(batches) == [(Reason.SESSION_LOST, False)]
        assert batches[-1].client_id == "client-2"
        assert server.count("/meta/subscribe") == 2


async def test_single_objects_are_understood(make: Make) -> None:
    async with fake_bayeux(single_object=True) as server:
        client = make(server)
        await opened(client)
        server.publish("a")
        assert data(await collect(client, 1)) == ["a"]


async def test_the_interval_is_kept_in_milliseconds(make: Make) -> None:
    async with fake_bayeux(interval_ms=300, timeout_ms=100) as server:
        client = make(server)
        await opened(client)
        await eventually(lambda: server.count("/meta/connect") >= 4, "connects")
        connects = [seen.at for seen in server.seen if seen.channel == "/meta/connect"]
        pauses = [later - earlier for earlier, later in pairwise(connects[1:])]
        assert all(0.38 < pause < 1.5 for pause in pauses)


async def test_advice_to_stop_ends_receiving_after_what_had_come(make: Make) -> None:
    async with fake_bayeux(advice={"reconnect": "none"}) as server:
        client = make(server)
        with pytest.raises(NotConnected):
            await client.open()
        server.advice = {}
        await opened(client)
        server.advice = {"reconnect": "none"}
        server.publish("a")
        assert data(await collect(client, 1)) == ["a"]
        with pytest.raises(NotConnected) as caught:
            await client.receive()
        assert caught.value.reason is Reason.SERVER_CLOSED


@pytest.mark.parametrize(
    ("fault", "error", "reason"),
    [
        (status(401), AuthRejected, Reason.AUTH),
        (status(403), AuthRejected, Reason.FORBIDDEN),
        (status(302, headers={"Location": "/login?token=hush"}), NotReady, Reason.REDIRECT),
        (status(404), NotReady, Reason.NOT_FOUND),
        (status(429, headers={"Retry-After": "7"}), NotReady, Reason.RATE_LIMITED),
        (page(), NotReady, Reason.PROTOCOL),
        (status(503), NotReady, Reason.SERVER_ERROR),
        (status(200, text="12", content_type="application/json"), NotReady, Reason.PROTOCOL),
    ],
)
async def test_what_keeps_a_session_from_opening_is_told_apart(
    make: Make, fault: Any, error: type[Exception], reason: Reason
) -> None:
    async with fake_bayeux() as server:
        server.on_any.append(fault)
        client = make(server)
        with pytest.raises(ConnectionFailed) as caught:
            await client.open()
        assert (type(caught.value), caught.value.reason) == (error, reason)
        assert "hush" not in str(caught.value)
        assert len(server.seen) == 1
        await opened(client)


@pytest.mark.parametrize(
    ("fault", "error", "reason"),
    [
        (status(401), AuthRejected, Reason.AUTH),
        (status(302, headers={"Location": "/login"}), NotConnected, Reason.REDIRECT),
    ],
)
async def test_a_refusal_in_mid_session_ends_it_and_it_can_be_opened_again(
    make: Make, fault: Any, error: type[Exception], reason: Reason
) -> None:
    async with fake_bayeux() as server:
        client = make(server)
        batch = await opened(client)
        await eventually(lambda: server.holding, "a held connect")
        server.on_any.append(fault)
        server.publish("a")
        assert data(await collect(client, 1)) == ["a"]
        for _ in range(2):
            with pytest.raises(ConnectionFailed) as caught:
                await client.receive()
            assert (type(caught.value), caught.value.reason) == (error, reason)
        assert "/login" not in [seen.path for seen in server.seen]
        again = await opened(client, batch.resume)
        assert again.client_id == "client-1"


async def test_a_platform_may_say_more_about_an_answer(make: Make) -> None:
    def classify(code: int, headers: Any, body: bytes) -> ConnectionFailed | None:
        del headers
        return ProtocolViolation("no CSRF token") if code == 403 and b"csrf" in body else None

    async with fake_bayeux() as server:
        server.on_any.append(status(403, text="csrf"))
        with pytest.raises(ProtocolViolation, match="CSRF"):
            await make(server, classify_http=classify).open()


async def test_a_server_that_accepts_and_never_answers_is_given_up_in_time(make: Make) -> None:
    async with fake_bayeux() as server:
        server.on_any.append(never)
        client = make(server, limits=Limits(network_delay_seconds=0.2, retry_seconds=RETRY_SECONDS))
        with pytest.raises(NotReady) as caught:
            await client.open()
        assert caught.value.reason is Reason.TIMEOUT


async def test_a_connect_that_is_never_answered_is_made_again(make: Make) -> None:
    async with fake_bayeux(timeout_ms=300, max_interval_ms=5_000) as server:
        client = make(server, limits=Limits(network_delay_seconds=0.3, retry_seconds=RETRY_SECONDS))
        await opened(client)
        server.on_connect.append(never)
        server.publish("a")
        batches = await collect(client, 1)
        assert data(batches) == ["a"]
        assert gaps(batches) == [(Reason.TIMEOUT, True)]
        assert server.sessions == 1


async def test_nobody_listening_is_not_ready(make: Make) -> None:
    async with fake_bayeux() as server:
        url = server.url
    with pytest.raises(NotReady) as caught:
        await make(url).open()
    assert caught.value.reason is Reason.REFUSED


async def test_a_server_that_stays_away_ends_the_session_when_it_must_have_expired(
    make: Make,
) -> None:
    async with fake_bayeux(timeout_ms=200, max_interval_ms=800) as server:
        client = make(server)
        await opened(client)
        await eventually(lambda: server.holding, "a held connect")
    with pytest.raises(NotConnected) as caught:
        async with asyncio.timeout(10):
            await client.receive()
    assert caught.value.reason is Reason.REFUSED


async def test_an_answer_too_large_is_a_gap_and_the_session_goes_on(make: Make) -> None:
    async with fake_bayeux() as server:
        client = make(
            server,
            limits=Limits(
                max_reply_bytes=10_000, network_delay_seconds=2.0, retry_seconds=RETRY_SECONDS
            ),
        )
        await opened(client)
        await eventually(lambda: server.holding, "a held connect")
        server.publish("x" * 20_000)
        await eventually(lambda: not server.queue, "the large answer")
        server.publish("a")
        batches = await collect(client, 1)
        assert data(batches) == ["a"]
        assert gaps(batches) == [(Reason.TOO_LARGE, False)]


@pytest.mark.parametrize("ack", [False, True])
async def test_a_cancelled_receive_loses_nothing(make: Make, ack: bool) -> None:  # noqa: FBT001 - a parameter
    async with fake_bayeux(ack=ack) as server:
        client = make(server)
        await opened(client)
        total = 400

        async def publish() -> None:
            for number in range(total):
                server.publish(number)
                await asyncio.sleep(0.002)

        publishing = asyncio.create_task(publish())
        got: list[Any] = []
        cancelled = 0
        async with asyncio.timeout(30):
            while len(got) < total:
                try:
                    batch = await asyncio.wait_for(client.receive(), 0.001)
                except TimeoutError:
                    cancelled += 1
                    continue
                client.stored(batch)
                got += data([batch])
        await publishing
        assert got == list(range(total))
        assert cancelled > 10


@pytest.mark.parametrize("ack", [False, True])
async def test_a_consumer_slower_than_the_session_lives_loses_nothing(
    make: Make,
    ack: bool,  # noqa: FBT001 - a parameter
) -> None:
    """The session expires after 0.6 s without a connect; the consumer takes one event and pauses for longer."""
    async with fake_bayeux(ack=ack, timeout_ms=300, max_interval_ms=600) as server:
        client = make(server)
        await opened(client)
        server.publish(0)
        first = await client.receive()
        started = server.seen[-1].at
        for number in range(1, 31):
            server.publish(number)
        await eventually(
            lambda: server.seen[-1].at > started + 1.8,
            "polling through the pause",
            timeout_seconds=10,
        )
        client.stored(first)
        batches = [first, *await collect(client, 30)]
        assert data(batches) == list(range(31))
        assert [e.ordinal for b in batches for e in b.messages] == list(range(1, 32))
        assert gaps(batches) == []
        assert server.sessions == 1
        if ack:
            polls = [s.at for s in server.seen if s.channel == "/meta/connect" and s.at > started]
            assert len(polls) < 12


async def test_a_full_buffer_pauses_polling_until_there_is_room(make: Make) -> None:
    async with fake_bayeux(max_interval_ms=20_000) as server:
        client = make(
            server,
            limits=Limits(
                max_buffered_messages=3, network_delay_seconds=2.0, retry_seconds=RETRY_SECONDS
            ),
        )
        await opened(client)
        await eventually(lambda: server.holding, "a held connect")
        server.publish(*range(5))
        await eventually(lambda: not server.queue, "the first events")
        await asyncio.sleep(0.05)
        assert not server.holding
        server.publish(5)
        assert data(await collect(client, 6)) == list(range(6))


async def test_a_full_buffer_leaves_events_with_a_server_that_keeps_them(make: Make) -> None:
    async with fake_bayeux(ack=True, timeout_ms=300, max_interval_ms=900) as server:
        client = make(
            server,
            limits=Limits(
                max_buffered_messages=3, network_delay_seconds=2.0, retry_seconds=RETRY_SECONDS
            ),
        )
        await opened(client)
        server.publish(*range(5))
        await eventually(lambda: server.batch > 3, "the events were sent once")
        server.publish(*range(5, 10))
        connects = server.count("/meta/connect")
        await eventually(
            lambda: server.count("/meta/connect") > connects + 2, "polls that take nothing"
        )
        batches = await collect(client, 10)
        assert data(batches) == list(range(10))
        assert [e.ordinal for b in batches for e in b.messages] == list(range(1, 11))
        assert server.sessions == 1


@pytest.mark.parametrize("ack", [False, True])
async def test_a_drained_session_is_taken_over_without_loss(make: Make, ack: bool) -> None:  # noqa: FBT001 - a parameter
    async with fake_bayeux(ack=ack) as server:
        batches: list[Batch] = []
        number = 0
        resume: BayeuxResume | None = None
        for _ in range(8):
            client = make(server)
            await client.open(resume)
            for _ in range(5):
                server.publish(number)
                number += 1
                batch = await client.receive()
                client.stored(batch)
                batches.append(batch)
            server.publish(number)
            number += 1
            last = await client.drain()
            batches += last
            resume = last[-1].resume
            assert resume.clean
            await client.close()
            server.publish(number)
            number += 1
        client = make(server)
        await client.open(resume)
        batches += await collect(client, number - len(data(batches)))
        assert data(batches) == list(range(number))
        assert gaps(batches) == []
        assert server.sessions == 1


async def test_draining_ends_the_held_connect_by_a_second_one(make: Make) -> None:
    async with fake_bayeux() as server:
        client = make(server)
        await opened(client)
        await eventually(lambda: server.holding, "a held connect")
        (batch,) = await client.drain()
        assert batch.resume.clean
        assert server.seen[-1].first_connect
        assert not server.holding
        requests = len(server.seen)
        await client.close()
        assert len(server.seen) == requests


async def test_a_drain_that_cannot_be_sure_is_not_clean(make: Make) -> None:
    """The second connect fails, so that the first is never answered."""
    async with fake_bayeux(timeout_ms=30_000) as server:
        client = make(server, limits=Limits(network_delay_seconds=0.5))
        await opened(client)
        await eventually(lambda: server.holding, "a held connect")
        server.on_any.append(status(503))
        for batch in await client.drain():
            assert not batch.resume.clean


async def test_after_a_clean_stop_nothing_is_sent_before_the_journal_knows(make: Make) -> None:
    async with fake_bayeux() as server:
        client = make(server)
        await opened(client)
        (last,) = await client.drain()
        await client.close()
        requests = len(server.seen)
        again = make(server)
        await again.open(last.resume)
        batch = await again.receive()
        assert not batch.resume.clean
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(again.receive(), 0.2)
        assert len(server.seen) == requests
        server.publish("a")
        again.stored(batch)
        assert data(await collect(again, 1)) == ["a"]
        assert server.sessions == 1


async def test_a_crash_without_acknowledgement_is_a_suspected_gap(make: Make) -> None:
    async with fake_bayeux() as server:
        client = make(server)
        batch = await opened(client)
        await client.close()
        again = make(server)
        first = await opened(again, batch.resume)
        assert gaps([first]) == [(Reason.STOPPED, True)]
        assert server.sessions == 1


@pytest.mark.parametrize("clean", [False, True])
async def test_a_session_that_expired_before_the_restart_is_exactly_one_gap(
    make: Make,
    clean: bool,  # noqa: FBT001 - a parameter
) -> None:
    async with fake_bayeux() as server:
        client = make(server)
        batch = await opened(client)
        if clean:
            batch = (await client.drain())[-1]
        await client.close()
        server.forget()
        again = make(server)
        await again.open(batch.resume)
        batches = []
        async with asyncio.timeout(10):
            while not batches or batches[-1].client_id != "client-2":
                batches.append(await again.receive())
                again.stored(batches[-1])
        server.publish("a")
        batches += await collect(again, 1)
        assert gaps(batches) == [(Reason.SESSION_LOST, False)]


async def test_two_clients_of_one_session_end_in_a_conflict(make: Make) -> None:
    async with fake_bayeux(max_interval_ms=30_000, timeout_ms=30_000) as server:
        first, second = make(server), make(server)
        batch = await opened(first)
        await opened(second, batch.resume)

        async def end(client: LongPollingClient) -> ConnectionFailed:
            while True:
                try:
                    client.stored(await client.receive())
                except ConnectionFailed as error:
                    return error

        ends = [asyncio.create_task(end(client)) for client in (first, second)]
        try:
            done, _ = await asyncio.wait(ends, timeout=30, return_when=asyncio.FIRST_COMPLETED)
            assert {task.result().reason for task in done} == {Reason.CONFLICT}
        finally:
            for task in ends:
                task.cancel()
            await asyncio.wait(ends)


async def test_a_cancelled_open_leaves_nothing_running(make: Make) -> None:
    async with fake_bayeux() as server:
        server.on_any.append(never)
        client = make(server)
        opening = asyncio.create_task(client.open())
        await eventually(lambda: server.seen, "the handshake")
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
        assert not [task for task in asyncio.all_tasks() if task.get_name() == "bayeux poll"]
        with pytest.raises(NotConnected):
            await client.receive()


async def test_closing_wakes_a_receiver_and_may_end_the_session(make: Make) -> None:
    async with fake_bayeux() as server:
        client = make(server)
        await opened(client)
        receiving = asyncio.create_task(client.receive())
        await eventually(lambda: server.holding, "a held connect")
        await client.close(end_session=True)
        with pytest.raises(NotConnected):
            await receiving
        assert server.seen[-1].channel == "/meta/disconnect"
        await client.close()


async def test_cookies_headers_and_the_type_in_the_url_are_sent(make: Make) -> None:
    async with fake_bayeux() as server:
        cookies = CookieStore()
        cookies.update(server.url, ["JSESSIONID=rest; Path=/"])
        tokens = iter(range(100))
        client = make(
            server,
            cookies=cookies,
            headers=lambda: {"X-CSRF-TOKEN": str(next(tokens))},
            append_type=True,
        )
        await opened(client)
        assert [seen.path for seen in server.seen[:3]] == [
            "/cometd/handshake",
            "/cometd/subscribe",
            "/cometd/connect",
        ]
        assert [seen.headers["X-CSRF-TOKEN"] for seen in server.seen[:3]] == ["0", "1", "2"]
        assert server.seen[1].headers["Cookie"] == "JSESSIONID=rest; BAYEUX_BROWSER=browser-1"


async def test_cookies_travel_in_the_resume_state_and_nothing_secret_is_printed(make: Make) -> None:
    async with fake_bayeux() as server:
        client = make(server)
        batch = await opened(client)
        await client.close()
        kept = msgspec.json.decode(msgspec.json.encode(batch.resume), type=BayeuxResume)
        await opened(make(server), kept)
        assert server.seen[-1].headers["Cookie"] == "BAYEUX_BROWSER=browser-1"
        assert "browser-1" not in repr(batch)
        assert "client-1" not in repr(kept)


async def test_a_refused_subscription_is_reported_and_all_refused_is_no_session(
    http: aiohttp.ClientSession,
) -> None:
    from aiohttp import web

    async with fake_bayeux() as server:

        async def refuse(seen: Any) -> web.StreamResponse | None:
            if seen.channel != "/meta/subscribe":
                server.on_any.append(refuse)
                return None
            return web.json_response(
                [
                    {
                        "channel": "/meta/subscribe",
                        "id": m["id"],
                        "successful": m["subscription"] != "/no",
                        "error": "403::no",
                    }
                    for m in seen.messages
                ]
            )

        server.on_any.append(refuse)
        client = LongPollingClient(http, server.url, subscriptions=["/events", "/no"])
        await client.open()
        batch = await client.receive()
        assert [item.channel for item in batch.refused] == ["/no"]
        await client.close()
        server.on_any.append(refuse)
        with pytest.raises(AuthRejected):
            await LongPollingClient(http, server.url, subscriptions=["/no"]).open()
