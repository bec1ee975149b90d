"""What the SignalR client makes of interruptions: nothing lost inside the window, one gap past it."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from connectors._wire.signalr.values import Batch, Loss, SignalRResume, Transport
from gateway.errors import (
    AuthRejected,
    NotConnected,
    Reason,
)
from tests.connectors._wire.signalr.fake_signalr import fake_signalr, status
from tests.connectors._wire.signalr.harness import (
    Make,
    collect,
    each_stream,
    each_transport,
    ended,
    losses,
    opened,
    values,
)
from tests.support.clock import ShiftedClock
from tests.support.processes import eventually


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
    async with fake_signalr() as server:
        first = make(server, transport)
        kept = (await opened(first)).resume
        await first.close()
        server.publish("lost")
        second = make(server, transport, clock=ShiftedClock(kept.negotiated.disconnect_seconds))
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


@each_transport
async def test_another_process_learns_from_the_state_that_the_connection_is_lost(
    make: Make, transport: Transport
) -> None:
    async with fake_signalr() as server:
        client = make(server, transport)
        last = await opened(client)
        await eventually(lambda: server.held == 1, "a stream")
        server.on["reconnect"] = server.on["poll"] = [status(403)]
        server.cut()
        async with asyncio.timeout(10):
            while last.resume.lost is None:
                last = await client.receive()
        assert (last.messages, last.gap) == ([], None)
        assert (await ended(client)).reason is Reason.SESSION_LOST
        announced = await opened(make(server, transport), last.resume)
        assert losses([announced]) == [Loss.SESSION_LOST]
        assert announced.connection_id != last.connection_id
        assert announced.resume.lost is None


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
    async with fake_signalr(KeepAliveTimeout=2.0) as server:
        clock = ShiftedClock()
        client = make(server, transport, clock=clock)
        await opened(client)
        await eventually(lambda: server.held == 1, "a stream")
        heard = client.seen_at
        await eventually(lambda: client.seen_at > heard and not client.slow, "a keep-alive")
        server.silent = True
        clock.ahead_seconds += 1.5
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
