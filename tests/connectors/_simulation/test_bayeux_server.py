"""The simulated Bayeux server, judged on real sockets by a client that hides nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from random import Random

import msgspec
import pytest
from aiohttp import web

from connectors._simulation.bayeux_server import BROWSER_COOKIE, BayeuxOptions, BayeuxServer
from connectors._simulation.bayeux_session import matches
from connectors._simulation.faults import FaultPlan, FeedFaults
from connectors._simulation.ledger import Fate, Ledger, LostBecause
from tests.support.raw_bayeux import RawBayeux, eventually

OWNER = "someone"
CHANNEL = "/things/one"


class Served:
    """A server on a port, its ledger, a clock that tests can put forward."""

    def __init__(self, options: BayeuxOptions) -> None:
        self.ledger = Ledger()
        self.skipped_seconds = 0.0
        tampering = FeedFaults(FaultPlan(Random(1)), Random(1))
        self.bayeux = BayeuxServer(options, self.ledger, tampering, monotonic=self._monotonic)
        self.url = ""
        self.last_request: web.Request | None = None

    def is_cut(self) -> bool:
        """Whether the connection of the last request is closed."""
        request = self.last_request
        return request is not None and (request.transport is None or request.transport.is_closing())

    def _monotonic(self) -> float:
        return asyncio.get_running_loop().time() + self.skipped_seconds

    async def handle(self, request: web.Request) -> web.Response:
        """Answer for the one owner."""
        self.last_request = request
        return await self.bayeux.handle(request, OWNER, "context")

    def publish(self, *texts: str, channel: str = CHANNEL) -> list[int]:
        """Publish texts as the server's application would; returns their numbers."""
        numbers = []
        for text in texts:
            number = self.ledger.record(agent=OWNER, topic=channel, message_type="", at_ms=0)
            frame = msgspec.json.encode({"channel": channel, "data": text})
            self.bayeux.publish(OWNER, channel, frame, number)
            numbers.append(number)
        return numbers

    def fates(self) -> list[Fate]:
        """What became of every message, in order."""
        return [entry.fate for entry in self.ledger.since(0, 1000)]


@pytest.fixture
def options() -> BayeuxOptions:
    return BayeuxOptions(timeout_ms=5000, max_interval_ms=2000, acknowledge=True)


@pytest.fixture
async def served(options: BayeuxOptions) -> AsyncIterator[Served]:
    server = Served(options)
    app = web.Application()
    app.router.add_route("*", "/cometd", server.handle)
    app.router.add_route("*", "/cometd/{suffix:.*}", server.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    server.url = f"http://{host}:{port}/cometd"
    yield server
    server.bayeux.release_all()
    await runner.cleanup()


@pytest.fixture
async def client(served: Served) -> AsyncIterator[RawBayeux]:
    async with RawBayeux(served.url) as raw:
        yield raw


def data(messages: list[dict[str, object]]) -> list[object]:
    return [message["data"] for message in messages if "successful" not in message]


@pytest.mark.parametrize(
    ("pattern", "channel", "expected"),
    [
        ("/a/b", "/a/b", True),
        ("/a/b", "/a/b/c", False),
        ("/a/*", "/a/b", True),
        ("/a/*", "/a", False),
        ("/a/*", "/a/b/c", False),
        ("/a/**", "/a/b/c", True),
        ("/a/**", "/a", False),
        ("/**", "/a/b", True),
        ("/*", "/a", True),
        ("/*", "/a/b", False),
    ],
)
def test_a_subscription_matches_as_bayeux_says(
    pattern: str, channel: str, *, expected: bool
) -> None:
    assert matches(pattern, channel) is expected


async def test_a_handshake_gives_a_client_id_advice_and_the_browser_cookie(
    client: RawBayeux,
) -> None:
    reply = await client.handshake()
    assert reply["successful"] is True
    assert reply["supportedConnectionTypes"] == ["long-polling"]
    assert reply["advice"] == {"reconnect": "retry", "interval": 0, "timeout": 5000}
    assert "ext" not in reply
    assert BROWSER_COOKIE in client.cookies


async def test_the_message_type_may_stand_in_the_path(client: RawBayeux) -> None:
    [reply] = await client.send(client.message("/meta/handshake"), suffix="/handshake")
    assert reply["successful"] is True


async def test_a_handshake_must_be_alone(client: RawBayeux) -> None:
    two = [client.message("/meta/handshake"), client.message("/meta/connect")]
    status, _, _ = await client.request("POST", client.url, json=two)
    assert status == 500


async def test_a_single_object_is_a_request_too(client: RawBayeux) -> None:
    status, body, _ = await client.request(
        "POST", client.url, json=client.message("/meta/handshake")
    )
    assert (status, body[:1]) == (200, b"[")


@pytest.mark.parametrize("body", [b"", b"not json", b"[]", b"[1]", b"null", b"\xff"])
async def test_what_is_no_bayeux_request_is_answered_400(client: RawBayeux, body: bytes) -> None:
    status, _, _ = await client.request("POST", client.url, data=body)
    assert status == 400


async def test_a_first_connect_with_timeout_0_is_answered_at_once(client: RawBayeux) -> None:
    await client.handshake()
    async with asyncio.timeout(2):
        [reply] = await client.connect(timeout_ms=0)
    assert reply["successful"] is True
    assert reply["advice"]["reconnect"] == "retry"


async def test_events_wake_the_held_connect_and_stand_before_its_reply(
    served: Served, client: RawBayeux
) -> None:
    await client.handshake()
    await client.subscribe("/things/*")
    poll = asyncio.create_task(client.connect())
    await eventually(lambda: served.bayeux.held == 1)
    served.publish("a", "b")
    replies = await poll
    assert [message["channel"] for message in replies] == [CHANNEL, CHANNEL, "/meta/connect"]
    assert data(replies) == ["a", "b"]


async def test_a_connect_with_messages_waiting_is_not_held(
    served: Served, client: RawBayeux
) -> None:
    await client.handshake()
    await client.subscribe("/**")
    served.publish("a")
    async with asyncio.timeout(2):
        assert data(await client.connect()) == ["a"]


async def test_two_matching_subscriptions_deliver_once(served: Served, client: RawBayeux) -> None:
    await client.handshake()
    await client.subscribe(CHANNEL, "/things/*", "/**")
    served.publish("a")
    assert data(await client.connect()) == ["a"]


async def test_nothing_comes_after_unsubscribing(served: Served, client: RawBayeux) -> None:
    await client.handshake()
    await client.subscribe(CHANNEL)
    await client.send(client.message("/meta/unsubscribe", subscription=CHANNEL))
    [number] = served.publish("a")
    assert data(await client.connect(timeout_ms=0)) == []
    entry = served.ledger.find(number)
    assert entry is not None
    assert entry.lost_because is LostBecause.NO_SUBSCRIPTION


async def test_events_ride_on_a_subscribe_reply_without_acknowledgement(
    served: Served, client: RawBayeux
) -> None:
    await client.handshake()
    await client.subscribe(CHANNEL)
    served.publish("a")
    assert data(await client.subscribe("/other")) == ["a"]


async def test_with_acknowledgement_only_connect_replies_carry_events(
    served: Served, client: RawBayeux
) -> None:
    await client.handshake(ext={"ack": True})
    await client.subscribe(CHANNEL)
    served.publish("a")
    assert data(await client.subscribe("/other")) == []
    assert data(await client.connect()) == ["a"]


async def test_publishing_is_refused(client: RawBayeux) -> None:
    await client.handshake()
    [reply] = await client.send(client.message("/things/one", data={}))
    assert reply["successful"] is False
    assert reply["error"].startswith("403:")


@pytest.mark.parametrize(
    ("subscription", "error"),
    [(None, "403::subscription_missing"), ("no-slash", "403::subscription_invalid")],
)
async def test_a_bad_subscription_is_refused(
    client: RawBayeux, subscription: str | None, error: str
) -> None:
    await client.handshake()
    [reply] = await client.send(client.message("/meta/subscribe", subscription=subscription))
    assert (reply["successful"], reply["error"]) == (False, error)


async def test_a_client_id_without_its_cookie_is_unknown(client: RawBayeux) -> None:
    await client.handshake()
    client.cookies.clear()
    [reply] = await client.connect(timeout_ms=0)
    assert reply["error"] == "402::session_unknown"
    assert reply["advice"]["reconnect"] == "handshake"


async def test_an_unknown_session_gets_no_advice_on_subscribe(client: RawBayeux) -> None:
    await client.handshake()
    client.client_id = "nobody"
    [reply] = await client.subscribe(CHANNEL)
    assert reply["error"] == "402::session_unknown"
    assert "advice" not in reply


async def test_a_second_connect_answers_the_first_with_500_and_takes_its_place(
    served: Served, client: RawBayeux
) -> None:
    await client.handshake()
    await client.subscribe(CHANNEL)
    body = [client.message("/meta/connect", connectionType="long-polling")]
    first = asyncio.create_task(client.request("POST", client.url, json=body))
    await eventually(lambda: served.bayeux.held == 1)
    second = asyncio.create_task(client.connect())
    status, _, _ = await first
    assert status == 500
    await eventually(lambda: served.bayeux.held == 1)
    served.publish("a")
    assert data(await second) == ["a"]


async def test_a_second_session_with_the_same_cookie_is_told_so(
    served: Served, client: RawBayeux
) -> None:
    await client.handshake()
    first = client.client_id
    poll = asyncio.create_task(client.connect())
    await eventually(lambda: served.bayeux.held == 1)
    await client.handshake()
    assert client.client_id != first
    [reply] = await client.connect()
    assert reply["advice"]["multiple-clients"] is True
    assert reply["advice"]["interval"] == 2000
    served.bayeux.release_all()
    await poll


async def test_a_session_without_connect_expires_and_its_queue_is_lost(
    served: Served, client: RawBayeux
) -> None:
    await client.handshake()
    await client.subscribe(CHANNEL)
    served.publish("a")
    served.skipped_seconds = 2.5
    served.bayeux.sweep()
    [reply] = await client.connect(timeout_ms=0)
    assert reply["error"] == "402::session_unknown"
    served.publish("b")
    because = [entry.lost_because for entry in served.ledger.since(0, 10)]
    assert because == [LostBecause.SESSION_GONE, LostBecause.NO_SESSION]


async def test_a_held_connect_stops_the_clock(served: Served, client: RawBayeux) -> None:
    await client.handshake()
    await client.subscribe(CHANNEL)
    poll = asyncio.create_task(client.connect())
    await eventually(lambda: served.bayeux.held == 1)
    served.skipped_seconds = 3600.0
    served.bayeux.sweep()
    served.publish("a")
    assert data(await poll) == ["a"]


async def test_disconnect_ends_the_session_and_the_held_connect(
    served: Served, client: RawBayeux
) -> None:
    await client.handshake()
    poll = asyncio.create_task(client.connect())
    await eventually(lambda: served.bayeux.held == 1)
    [reply] = await client.send(client.message("/meta/disconnect"))
    assert reply["successful"] is True
    [held] = await poll
    assert held["successful"] is True
    assert served.bayeux.sessions == []


async def test_every_connect_reply_closes_a_batch(served: Served, client: RawBayeux) -> None:
    reply = await client.handshake(ext={"ack": True})
    assert reply["ext"] == {"ack": True}
    await client.subscribe(CHANNEL)
    numbers = []
    for text in ("a", "b"):
        served.publish(text)
        *events, connected = await client.connect(ack=len(numbers))
        assert data(events) == [text]
        numbers.append(connected["ext"]["ack"])
    assert numbers == [1, 2]


async def test_an_unacknowledged_batch_is_sent_again_at_once_with_what_came_after(
    served: Served, client: RawBayeux
) -> None:
    await client.handshake(ext={"ack": True})
    await client.subscribe(CHANNEL)
    served.publish("a", "b")
    assert data(await client.connect(ack=0)) == ["a", "b"]
    async with asyncio.timeout(2):
        assert data(await client.connect(ack=0)) == ["a", "b"]
    served.publish("c")
    assert data(await client.connect(ack=0)) == ["a", "b", "c"]
    assert served.fates() == [Fate.WRITTEN] * 3
    poll = asyncio.create_task(client.connect(ack=3))
    await eventually(lambda: served.bayeux.held == 1)
    assert served.fates() == [Fate.ACKNOWLEDGED] * 3
    served.publish("d")
    assert data(await poll) == ["d"]


async def test_a_batch_that_nobody_acknowledged_is_uncertain_when_the_session_expires(
    served: Served, client: RawBayeux
) -> None:
    await client.handshake(ext={"ack": True})
    await client.subscribe(CHANNEL)
    served.publish("a")
    await client.connect(ack=0)
    served.publish("b")
    served.skipped_seconds = 3600.0
    served.bayeux.sweep()
    assert served.fates() == [Fate.UNCERTAIN, Fate.LOST]


async def test_what_is_written_to_a_dead_poll_is_lost_without_acknowledgement(
    served: Served, client: RawBayeux
) -> None:
    await client.handshake()
    await client.subscribe(CHANNEL)
    poll = asyncio.create_task(client.connect())
    await eventually(lambda: served.bayeux.held == 1)
    poll.cancel()
    await asyncio.wait([poll])
    await eventually(served.is_cut)
    served.publish("a")
    await eventually(lambda: served.bayeux.held == 0)
    assert served.fates() == [Fate.LOST]


@pytest.mark.parametrize("options", [BayeuxOptions(max_queue=2)])
async def test_a_full_queue_ends_the_session_so_that_its_client_learns_of_it(
    served: Served, client: RawBayeux
) -> None:
    await client.handshake()
    await client.subscribe(CHANNEL)
    served.publish("a", "b", "c")
    [reply] = await client.connect(timeout_ms=0)
    assert reply["error"] == "402::session_unknown"
    assert served.fates() == [Fate.LOST] * 3


@pytest.mark.parametrize("options", [BayeuxOptions(acknowledge=False)])
async def test_acknowledgement_is_not_echoed_when_it_is_off(client: RawBayeux) -> None:
    reply = await client.handshake(ext={"ack": True})
    assert "ext" not in reply


async def test_a_message_for_one_http_session_reaches_no_other(served: Served) -> None:
    """Two clients of one owner each have something to hear that is theirs alone."""
    async with RawBayeux(served.url) as client:
        await client.handshake()
        await client.subscribe(CHANNEL)
        for context, text in (("another", "not mine"), ("context", "mine")):
            number = served.ledger.record(agent=OWNER, topic=CHANNEL, message_type="", at_ms=0)
            frame = msgspec.json.encode({"channel": CHANNEL, "data": text})
            served.bayeux.publish(OWNER, CHANNEL, frame, number, context=context)
        [message] = await client.receive(1)
    assert message["data"] == "mine"
    assert served.fates()[0] is Fate.LOST
    assert served.bayeux.owners == {OWNER}
