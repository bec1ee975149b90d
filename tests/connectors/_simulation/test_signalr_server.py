"""The simulated SignalR server, judged on real sockets by a client that hides nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from connectors._simulation.faults import Fault, FaultKind
from connectors._simulation.ledger import Fate
from connectors._simulation.signalr_server import SignalROptions
from tests.connectors._simulation.signalr_site import Site, site
from tests.support.raw_bayeux import eventually
from tests.support.raw_signalr import HUB, TRANSPORTS, RawSignalR, SocketStream, StreamClosed

QUICK = SignalROptions(
    keep_alive_seconds=0.05, connection_timeout_seconds=0.3, disconnect_timeout_seconds=2
)


@pytest.fixture
def options() -> SignalROptions:
    return SignalROptions()


@pytest.fixture
async def served(options: SignalROptions) -> AsyncIterator[Site]:
    async with site(options) as running:
        yield running


@pytest.fixture(params=TRANSPORTS)
async def client(request: pytest.FixtureRequest, served: Site) -> AsyncIterator[RawSignalR]:
    async with RawSignalR(served.url, request.param) as raw:
        yield raw


@pytest.fixture
async def socket(served: Site) -> AsyncIterator[RawSignalR]:
    async with RawSignalR(served.url) as raw:
        yield raw


async def test_negotiating_answers_what_clients_need(socket: RawSignalR) -> None:
    answer = await socket.negotiate()
    assert list(answer) == [
        "Url",
        "ConnectionToken",
        "ConnectionId",
        "KeepAliveTimeout",
        "DisconnectTimeout",
        "ConnectionTimeout",
        "TryWebSockets",
        "ProtocolVersion",
        "TransportConnectTimeout",
        "LongPollDelay",
    ]
    assert answer["Url"] == "/signalr"
    assert (answer["KeepAliveTimeout"], answer["DisconnectTimeout"]) == (20.0, 30.0)
    assert answer["ProtocolVersion"] == "1.5"
    assert len(answer["ConnectionToken"]) > 150


@pytest.mark.parametrize(
    ("asked", "answered"), [("1.5", "1.5"), ("2.1", "1.5"), ("1.3", "1.3"), ("1.0", "1.2")]
)
async def test_the_protocol_of_a_client_is_clamped(
    socket: RawSignalR, asked: str, answered: str
) -> None:
    _, text = await socket.request("GET", "negotiate", clientProtocol=asked)
    assert json.loads(text)["ProtocolVersion"] == answered


async def test_messages_to_all_to_one_and_to_a_group_arrive(
    client: RawSignalR, served: Site
) -> None:
    async with client.connected() as stream:
        await client.call("Join")
        served.broadcast(1)
        served.send(client.connection_id, 2)
        served.send_group(3)
        assert sorted(await stream.arguments(3)) == [1, 2, 3]
        assert client.groups
    assert set(served.fates()) <= {Fate.WRITTEN, Fate.ACKNOWLEDGED}


async def test_a_resumed_client_gets_everything_it_missed_as_often_as_it_asks(
    client: RawSignalR, served: Site
) -> None:
    """The cursor is the client's: the same one brings the same messages again, on any transport."""
    async with client.connected() as stream:
        await client.call("Join")
        served.send_group("before")
        assert await stream.arguments(1) == ["before"]
    cursor = client.cursor
    served.broadcast(1, 2, 3)
    served.send(client.connection_id, 4, 5, 6)
    served.send_group(7, 8, 9)
    for transport in (client.transport, *TRANSPORTS):
        client.transport, client.cursor = transport, cursor
        async with client.opened("reconnect") as stream:
            assert await stream.arguments(9) == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert Fate.LOST not in served.fates()


async def test_only_the_order_within_a_topic_survives_a_replay(
    socket: RawSignalR, served: Site
) -> None:
    async with socket.connected():
        pass
    for number in (0, 2, 4):
        served.send(socket.connection_id, number)
        served.broadcast(number + 1)
    async with socket.opened("reconnect") as stream:
        assert await stream.arguments(6) == [1, 3, 5, 0, 2, 4]


async def test_without_the_groups_token_only_group_messages_are_lost(
    client: RawSignalR, served: Site
) -> None:
    async with client.connected() as stream:
        await client.call("Join")
        served.send_group("seen")
        await stream.arguments(1)
    served.broadcast(1)
    served.send_group(2)
    client.groups = ""
    async with client.opened("reconnect") as stream:
        assert await stream.arguments(1) == [1]
        served.broadcast(3)
        assert await stream.arguments(1) == [3]


async def test_without_a_cursor_nothing_is_replayed(client: RawSignalR, served: Site) -> None:
    async with client.connected():
        pass
    served.broadcast(1)
    client.cursor = ""
    async with client.opened("reconnect") as stream:
        reading = asyncio.create_task(stream.arguments(1))
        await eventually(lambda: served.signalr.held == 1)
        served.broadcast(2)
        assert await reading == [2]


async def test_after_a_restart_the_token_is_good_and_nothing_is_replayed(
    client: RawSignalR, served: Site
) -> None:
    async with client.connected():
        pass
    served.broadcast(1)
    before = client.cursor
    served.signalr.restart()
    async with client.opened("reconnect") as stream:
        reading = asyncio.create_task(stream.arguments(1))
        await eventually(lambda: served.signalr.held == 1)
        served.broadcast(2)
        assert await reading == [2]
    assert client.cursor.partition("-")[0] == "d"
    assert client.cursor[:11] != before[:11]
    assert served.fates()[0] is Fate.LOST


async def test_more_than_a_ring_holds_is_lost_without_a_word(
    client: RawSignalR, served: Site
) -> None:
    async with client.connected() as stream:
        served.broadcast("first")
        await stream.arguments(1)
    served.broadcast(*range(3000))
    async with client.opened("reconnect") as stream:
        got = await stream.arguments(1001)
    assert got == list(range(1999, 3000))
    assert served.fates().count(Fate.LOST) == 1999


async def test_a_stream_carries_ten_of_a_topic_in_one_frame(
    socket: RawSignalR, served: Site
) -> None:
    async with socket.connected():
        pass
    served.broadcast(*range(25))
    async with socket.opened("reconnect") as stream:
        sizes = [len((await stream.frame())["M"]) for _ in range(3)]
    assert sizes == [10, 10, 5]


async def test_a_poll_carries_everything_in_one_answer(served: Site) -> None:
    async with RawSignalR(served.url, "longPolling") as client, client.connected() as stream:
        served.broadcast(*range(900))
        assert len((await stream.frame())["M"]) == 900


async def test_a_second_stream_closes_the_first_one(served: Site, socket: RawSignalR) -> None:
    async with socket.connected() as first, socket.opened("reconnect") as second:
        with pytest.raises(StreamClosed) as closed:
            await first.frame()
        assert closed.value.code == 1000
        served.broadcast(1)
        assert await second.arguments(1) == [1]


async def test_leaving_closes_the_stream_and_no_reconnect_lasts(
    client: RawSignalR, served: Site
) -> None:
    async with client.connected():
        assert await client.request("POST", "abort") == (200, "")
    assert served.ended == [(client.connection_id, True)]
    if client.transport == "longPolling":
        _, text = await client.request("POST", "poll", client.position())
        assert json.loads(text)["M"] == []
        return
    async with client.opened("reconnect") as stream:
        with pytest.raises(StreamClosed) as closed:
            await stream.frame()
    if client.transport == "webSockets":
        assert closed.value.code == 1000


async def test_a_closed_socket_ends_the_connection_only_after_its_time(
    client: RawSignalR, served: Site
) -> None:
    async with client.connected():
        pass
    await eventually(lambda: served.signalr.held == 0)
    served.skipped_seconds = 34.0
    served.signalr.sweep()
    assert served.ended == []
    served.skipped_seconds = 36.0
    served.signalr.sweep()
    assert served.ended == [(client.connection_id, False)]


async def test_after_its_end_a_connection_can_be_taken_up_until_its_topics_are_forgotten(
    socket: RawSignalR, served: Site
) -> None:
    async with socket.connected():
        pass
    await eventually(lambda: served.signalr.held == 0)
    served.broadcast(1)
    served.skipped_seconds = 36.0
    served.signalr.sweep()
    async with socket.opened("reconnect") as stream:
        assert await stream.arguments(1) == [1]


async def test_past_the_life_of_its_topics_nothing_is_replayed(
    socket: RawSignalR, served: Site
) -> None:
    async with socket.connected():
        pass
    await eventually(lambda: served.signalr.held == 0)
    served.broadcast(1)
    for seconds in (40.0, 200.0):
        served.skipped_seconds = seconds
        served.signalr.sweep()
    async with socket.opened("reconnect") as stream:
        served.broadcast(2)
        assert await stream.arguments(1) == [2]


@pytest.mark.parametrize(
    ("change", "status", "text"),
    [
        ({"transport": "carrierPigeon"}, 400, "Protocol error: Unknown transport."),
        ({"connectionToken": ""}, 400, "Protocol error: Missing connection token."),
        ({"connectionToken": "bm9uc2Vuc2U="}, 400, "The ConnectionId is in the incorrect format."),
    ],
)
async def test_wrong_requests_get_a_reason(
    socket: RawSignalR, change: dict[str, str], status: int, text: str
) -> None:
    await socket.negotiate()
    assert await socket.request("GET", "connect", **change) == (status, text)


async def test_the_token_is_bound_to_its_user(socket: RawSignalR, served: Site) -> None:
    await socket.negotiate()
    served.user = "somebody else"
    status, text = await socket.request("GET", "start")
    assert status == 403
    assert "user identity" in text


@pytest.mark.parametrize("hubs", [("noHub",), (HUB, HUB.lower())])
async def test_an_unknown_or_repeated_hub_is_an_error_of_the_server(
    served: Site, hubs: tuple[str, ...]
) -> None:
    async with RawSignalR(served.url, hubs=hubs) as client:
        assert (await client.request("GET", "negotiate"))[0] == 500


async def test_hubs_are_found_in_any_case_and_others_deliver_nothing(served: Site) -> None:
    async with RawSignalR(served.url, hubs=("OTHERHUB",)) as client, client.connected() as stream:
        served.broadcast(1)
        served.send(client.connection_id, 2)
        served.broadcast(3, hub="otherHub")
        assert await stream.arguments(1) == [3]


async def test_results_errors_and_unknown_methods_of_a_hub(socket: RawSignalR) -> None:
    async with socket.connected():
        assert await socket.call("Echo", {"x": 1}) == {"R": {"x": 1}, "I": "7"}
        assert await socket.call("Join") == {"I": "7"}
        failed = await socket.call("Fail")
        boom = await socket.call("Boom")
        unknown = await socket.call("Nothing")
    assert failed == {"I": "7", "E": "not today", "H": True, "D": {"code": 7}}
    assert boom["E"] == "There was an error invoking Hub method 'metricshub.Boom'."
    assert "Nothing" in unknown["E"]


async def test_a_socket_carries_calls_and_results(socket: RawSignalR) -> None:
    async with socket.connected() as stream:
        assert isinstance(stream, SocketStream)
        call = {"H": "METRICSHUB", "M": "echo", "A": ["hello"], "I": 0}
        await stream.socket.send_str(json.dumps(call))
        assert await stream.frame() == {"R": "hello", "I": "0"}


@pytest.mark.parametrize("options", [QUICK], ids=[""])
async def test_keep_alives_come_between_messages(client: RawSignalR, served: Site) -> None:
    async with client.connected() as stream:
        reading = asyncio.create_task(stream.arguments(1))
        await eventually(lambda: client.keep_alives > 0)
        served.broadcast("late")
        assert await reading == ["late"]


@pytest.mark.parametrize("options", [QUICK], ids=[""])
async def test_a_poll_without_messages_is_answered_empty_when_its_time_is_up(served: Site) -> None:
    async with RawSignalR(served.url, "longPolling") as client, client.connected() as stream:
        before = client.cursor
        assert await stream.frame() == {"C": before, "M": []}


async def test_a_server_that_stops_tells_polls_to_come_again(served: Site) -> None:
    async with RawSignalR(served.url, "longPolling") as client, client.connected() as stream:
        reading = asyncio.create_task(stream.frame())
        await eventually(lambda: served.signalr.held == 1)
        served.signalr.release_all()
        assert (await reading)["T"] == 1


async def test_a_server_that_stops_closes_sockets_with_1000(
    served: Site, socket: RawSignalR
) -> None:
    async with socket.connected() as stream:
        served.signalr.release_all()
        with pytest.raises(StreamClosed) as closed:
            await stream.frame()
    assert closed.value.code == 1000


async def test_ping_and_the_script_of_proxies(socket: RawSignalR) -> None:
    assert json.loads((await socket.request("GET", "ping"))[1]) == {"Response": "pong"}
    _, script = await socket.request("GET", "hubs")
    assert f"proxies['{HUB}']" in script
    assert '"Echo"' in script


async def test_a_disabled_transport_is_not_offered_and_refused(
    socket: RawSignalR, served: Site
) -> None:
    served.signalr.disabled = lambda: ("webSockets",)
    answer = await socket.negotiate()
    assert answer["TryWebSockets"] is False
    assert (await socket.request("GET", "connect"))[0] == 400


async def test_leaving_a_group_ends_its_messages(client: RawSignalR, served: Site) -> None:
    async with client.connected() as stream:
        await client.call("Join")
        served.send_group(1)
        assert await stream.arguments(1) == [1]
        groups = client.groups
        await client.call("Leave")
        while client.groups == groups:
            await stream.frame()
        served.send_group(2)
        served.broadcast(3)
        assert await stream.arguments(1) == [3]


async def test_a_dropped_stream_loses_nothing(client: RawSignalR, served: Site) -> None:
    async with client.connected() as stream:
        served.commit(Fault(FaultKind.DROP))
        served.broadcast(1)
        with pytest.raises(StreamClosed):
            await stream.frame()
    async with client.opened("reconnect") as stream:
        assert await stream.arguments(1) == [1]


async def test_duplicates_and_another_order_within_a_frame(
    client: RawSignalR, served: Site
) -> None:
    async with client.connected() as stream:
        served.commit(Fault(FaultKind.REORDER))
        served.broadcast(1, 2, 3)
        assert min(await stream.arguments(2)) in {1, 2}
        served.plan.clear()
        served.commit(Fault(FaultKind.DUPLICATE))
        served.broadcast(4)
        values = await stream.arguments(2)
        while values[-2:] != [4, 4]:
            values += await stream.arguments(1)


@pytest.mark.parametrize("options", [QUICK], ids=[""])
async def test_a_silent_stream_carries_not_even_keep_alives(
    socket: RawSignalR, served: Site
) -> None:
    async with socket.connected() as stream:
        served.commit(Fault(FaultKind.SILENCE, for_seconds=0.3))
        before = socket.keep_alives
        served.broadcast(1)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.15):
                await stream.frame()
        assert socket.keep_alives == before
        assert await stream.arguments(1) == [1]


async def test_a_message_nobody_could_get_is_the_platforms_own_loss(served: Site) -> None:
    served.broadcast(1)
    assert served.fates() == [Fate.LOST]


async def test_what_was_written_to_a_client_that_never_came_back_is_uncertain(
    socket: RawSignalR, served: Site
) -> None:
    async with socket.connected() as stream:
        served.broadcast(1)
        await stream.arguments(1)
    await eventually(lambda: served.signalr.held == 0)
    served.broadcast(2)
    served.skipped_seconds = 40
    served.signalr.sweep()
    assert served.fates() == [Fate.UNCERTAIN, Fate.LOST]


async def test_a_cursor_that_comes_back_acknowledges(socket: RawSignalR, served: Site) -> None:
    async with socket.connected() as stream:
        served.broadcast(1)
        await stream.arguments(1)
    async with socket.opened("reconnect"):
        assert served.fates() == [Fate.ACKNOWLEDGED]
