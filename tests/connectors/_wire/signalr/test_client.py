"""The SignalR client on real sockets, over each of the three transports."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from connectors._wire.signalr import opening
from connectors._wire.signalr.values import Transport
from gateway.errors import (
    CommandRefused,
    NotConnected,
    NotReady,
    ProtocolViolation,
    Reason,
)
from tests.connectors._wire.signalr.fake_signalr import fake_signalr, reply, status
from tests.connectors._wire.signalr.harness import (
    Make,
    collect,
    each_transport,
    losses,
    opened,
    values,
)
from tests.support.clock import ShiftedClock
from tests.support.processes import eventually


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


async def test_a_call_beyond_those_that_may_wait_is_refused_and_never_sent(make: Make) -> None:
    async with fake_signalr() as server:
        client = make(server, Transport.WEB_SOCKETS, limits={"max_calls": 3})
        await opened(client)
        async with asyncio.TaskGroup() as tasks:
            waiting = [tasks.create_task(client.invoke("hub", "hold", [n])) for n in range(3)]
            await eventually(lambda: len(server.unanswered) == 3, "three calls at the server")
            with pytest.raises(NotReady) as refused:
                await client.invoke("hub", "hold", ["one more"])
            assert refused.value.reason is Reason.RATE_LIMITED
            await server.let_go()
        assert [task.result() for task in waiting] == [[0], [1], [2]]
        assert await client.invoke("hub", "echo", ["room again"]) == ["room again"]


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
async def test_a_quiet_connection_stays_up(
    make: Make, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Time passes in steps shorter than silence may last; together they are longer than all it may last."""
    monkeypatch.setattr(opening, "STANDING_SECONDS", 0.05)
    async with fake_signalr(KeepAliveTimeout=20.0, DisconnectTimeout=30.0) as server:
        clock = ShiftedClock()
        client = make(server, transport, clock=clock)
        await opened(client)
        await eventually(lambda: server.held == 1, "a stream")
        before = server.issued
        for _ in range(4):
            heard = client.seen_at
            clock.ahead_seconds += 12.0
            await eventually(lambda heard=heard: client.seen_at > heard + 12.0, "a sign of life")
            assert not client.slow
        assert (server.issued, client.connection_id) == (before, "id-1")
        server.publish("a")
        batches = await collect(client, 1)
        assert (values(batches), losses(batches)) == (["a"], [])


async def test_polls_without_padding_count_as_life_while_they_stand(make: Make) -> None:
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
        began = time.monotonic()
        await opened(client)
        await eventually(lambda: server.count("poll") >= 9, "nine polls")
        assert time.monotonic() - began >= 3 * 0.3


async def test_the_server_may_ask_for_a_pause_between_polls(make: Make) -> None:
    async with fake_signalr() as server:
        server.poll_seconds, server.poll_delay_ms = 0.0, 500
        client = make(server, Transport.LONG_POLLING, limits={"retry_seconds": 0.0})
        began = time.monotonic()
        await opened(client)
        await eventually(lambda: server.count("poll") >= 4, "the fourth poll")
        assert time.monotonic() - began >= 2 * 0.5


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


async def test_secrets_do_not_show(make: Make) -> None:
    async with fake_signalr() as server:
        batch = await opened(make(server))
        assert "token+" not in repr(batch)
        assert "token+" not in repr(batch.resume)
