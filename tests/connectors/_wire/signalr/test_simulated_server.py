"""The client on the simulators' SignalR server, which keeps and loses what a genuine one does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from connectors._simulation.faults import Fault, FaultKind, FaultPlan, StreamFaults
from connectors._simulation.ledger import Ledger
from connectors._simulation.signalr_server import HubError, SignalROptions, SignalRServer
from connectors._wire.signalr.client import SignalRClient
from connectors._wire.signalr.values import Batch, Limits, Loss, Transport
from gateway.clock import Clock
from gateway.errors import CommandRefused, ConnectionFailed, NotConnected, NotReady, Reason
from tests.support.clock import ShiftedClock
from tests.support.processes import eventually

HUB = "metricsHub"
each_transport = pytest.mark.parametrize("transport", list(Transport))
Make = Callable[..., SignalRClient]


class Site:
    """The server with its oracle and its faults."""

    def __init__(self, options: SignalROptions) -> None:
        self.ledger = Ledger()
        self.plan = FaultPlan(Random(1))
        self.user = "agent"
        self.url = ""
        methods = {"Echo": lambda _, arguments: arguments, "Fail": _fail}
        self.server = SignalRServer(
            options, {HUB: methods}, self.ledger, StreamFaults(self.plan, Random(2))
        )

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Whoever asks is `user`."""
        return await self.server.handle(request, self.user)

    def publish(self, *values: Any) -> None:
        """Broadcast."""
        for value in values:
            number = self.ledger.record(agent="", topic=HUB, message_type="on", at_ms=0)
            self.server.broadcast(HUB, "onDiff", [value], number)

    @property
    def connection(self) -> Any:
        """The one connection that was started."""
        (connection,) = [one for one in self.server.sessions if one.started]
        return connection


def _fail(*_: object) -> object:
    raise HubError("not today")


@asynccontextmanager
async def serving(**options: Any) -> AsyncIterator[Site]:
    site = Site(SignalROptions(**{"keep_alive_seconds": 0.5} | options))
    application = web.Application()
    application.router.add_route("*", "/signalr/{action}", site.handle)
    server = TestServer(application, host="127.0.0.1")
    await server.start_server(shutdown_timeout=0.1)
    site.url = str(server.make_url("/signalr"))
    try:
        yield site
    finally:
        site.server.release_all()
        await server.close()


@pytest.fixture
async def make() -> AsyncIterator[Make]:
    """Clients that are closed at the end."""
    clients = []
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(
        connector=connector, cookie_jar=aiohttp.DummyCookieJar()
    ) as http:

        def build(
            site: Site, transport: Transport, clock: Clock | None = None, **options: Any
        ) -> SignalRClient:
            limits = Limits(retry_seconds=0.2, **options)
            client = SignalRClient(
                http, site.url, [HUB], transports=[transport], limits=limits, clock=clock
            )
            clients.append(client)
            return client

        yield build
        for client in clients:
            await client.close()


async def collect(client: SignalRClient, count: int) -> list[Batch]:
    """Receive and store until that many messages have come."""
    batches: list[Batch] = []
    async with asyncio.timeout(20):
        while sum(len(batch.messages) for batch in batches) < count:
            batches.append(await client.receive())
            client.stored(batches[-1])
    return batches


def values(batches: list[Batch]) -> list[Any]:
    return [message.args[0] for batch in batches for message in batch.messages]


def losses(batches: list[Batch]) -> list[Loss]:
    return [batch.gap.reason for batch in batches if batch.gap]


async def ended(client: SignalRClient) -> ConnectionFailed:
    async with asyncio.timeout(20):
        while True:
            try:
                await client.receive()
            except ConnectionFailed as error:
                return error


@each_transport
async def test_broadcasts_own_messages_and_groups_arrive_without_a_gap(
    make: Make, transport: Transport
) -> None:
    async with serving() as site:
        client = make(site, transport)
        await client.open()
        for number in range(10):
            site.server.join(site.connection, HUB, f"group-{number % 3}")
            site.server.send(site.connection.id, HUB, "onDiff", [f"own-{number}"], 1)
            site.server.send_group("group-0", HUB, "onDiff", [f"group-{number}"], 1)
            site.publish(f"all-{number}")
            await asyncio.sleep(0)
        batches = await collect(client, 30)
        assert sorted(values(batches)) == sorted(
            f"{kind}-{number}" for kind in ("own", "group", "all") for number in range(10)
        )
        keys = [message.key for batch in batches for message in batch.messages]
        assert len(set(keys)) == 30
        assert losses(batches) == []
        assert batches[-1].resume.groups_token


@each_transport
async def test_a_client_that_goes_on_in_the_window_has_everything_of_three_kinds(
    make: Make, transport: Transport
) -> None:
    async with serving() as site:
        first = make(site, transport)
        await first.open()
        connection = site.connection
        site.server.join(connection, HUB, "group")
        site.publish("a")
        kept = (await collect(first, 1))[-1].resume
        await eventually(lambda: first._session.groups_token, "the groups token")
        kept = first._session.resume_state()
        await first.close()
        for number in range(3):
            site.server.send(connection.id, HUB, "onDiff", [f"own-{number}"], 1)
            site.server.send_group("group", HUB, "onDiff", [f"group-{number}"], 1)
            site.publish(f"all-{number}")
        second = make(site, transport)
        await second.open(kept)
        batches = await collect(second, 9)
        assert len(set(values(batches))) == 9
        assert losses(batches) == []
        assert batches[-1].connection_id == kept.connection_id


@each_transport
async def test_past_the_window_there_is_one_gap(make: Make, transport: Transport) -> None:
    async with serving() as site:
        first = make(site, transport)
        await first.open()
        kept = (await first.receive()).resume
        await first.close()
        second = make(site, transport, clock=ShiftedClock(kept.negotiated.disconnect_seconds))
        await second.open(kept)
        site.publish("a")
        batches = await collect(second, 1)
        assert losses(batches) == [Loss.EXPIRED]
        assert values(batches) == ["a"]


@each_transport
async def test_a_restart_of_the_server_is_one_gap(make: Make, transport: Transport) -> None:
    async with serving() as site:
        client = make(site, transport)
        await client.open()
        kept = (await client.receive()).resume
        await eventually(lambda: site.server.held == 1, "a stream")
        site.server.restart()
        error = await ended(client)
        assert (type(error), error.reason) == (NotConnected, Reason.SESSION_LOST)
        await client.open(kept)
        site.publish("a")
        batches = await collect(client, 1)
        assert (losses(batches), values(batches)) == ([Loss.SERVER_RESTARTED], ["a"])


@each_transport
async def test_a_ring_that_ran_over_is_one_gap(make: Make, transport: Transport) -> None:
    async with serving(buffer_size=32) as site:
        client = make(site, transport)
        await client.open()
        kept = (await client.receive()).resume
        await client.close()
        site.publish(*range(500))
        await client.open(kept)
        batches = await collect(client, 33)
        assert losses(batches) == [Loss.BUFFER_FULL]
        got = values(batches)
        assert got == list(range(500 - len(got), 500))
        assert [batch.gap.missing for batch in batches if batch.gap] == [500 - len(got)]


@each_transport
async def test_cut_sockets_duplicates_and_garbage_lose_and_double_nothing(
    make: Make, transport: Transport
) -> None:
    async with serving() as site:
        client = make(site, transport)
        await client.open()
        batches: list[Batch] = []
        for round_ in range(6):
            kind = (FaultKind.DROP, FaultKind.DUPLICATE, FaultKind.GARBAGE)[round_ % 3]
            form = "text" if kind is FaultKind.GARBAGE else None
            site.plan.add(Fault(kind, form=form))
            site.publish(*(f"{round_}-{number}" for number in range(3)))
            batches += await collect(client, 3)
        assert values(batches) == [
            f"{round_}-{number}" for round_ in range(6) for number in range(3)
        ]
        assert losses(batches) == []


@pytest.mark.parametrize("transport", [Transport.WEB_SOCKETS, Transport.SERVER_SENT_EVENTS])
async def test_a_stream_that_stays_silent_when_it_is_taken_back_is_told(
    make: Make, transport: Transport
) -> None:
    async with serving(keep_alive_seconds=0.2, disconnect_timeout_seconds=2.0) as site:
        client = make(site, transport)
        await client.open()
        heard = client.seen_at
        await eventually(lambda: client.seen_at > heard, "a keep-alive")
        site.plan.add(Fault(FaultKind.SILENCE, for_seconds=60))
        assert (await ended(client)).reason is Reason.TIMEOUT


@each_transport
async def test_a_transport_that_the_administrator_disabled_is_told(
    make: Make, transport: Transport
) -> None:
    async with serving() as site:
        site.server.disabled = lambda: [transport.value]
        with pytest.raises(NotReady) as caught:
            await make(site, transport).open()
        assert caught.value.reason in {Reason.UNSUPPORTED, Reason.CLIENT_ERROR}


@each_transport
async def test_a_connection_of_another_user_is_not_taken_over(
    make: Make, transport: Transport
) -> None:
    async with serving() as site:
        client = make(site, transport)
        await client.open()
        kept = (await client.receive()).resume
        await client.close()
        site.user = "another"
        await client.open(kept)
        async with asyncio.timeout(10):
            try:
                batch = await client.receive()
                while batch.gap is None:
                    batch = await client.receive()
            except NotConnected:
                await client.open(kept)
                batch = await client.receive()
        assert losses([batch]) == [Loss.SESSION_LOST]
        assert batch.connection_id != kept.connection_id


@each_transport
async def test_server_methods_answer_and_fail(make: Make, transport: Transport) -> None:
    async with serving() as site:
        client = make(site, transport)
        await client.open()
        assert await client.invoke("metricshub", "echo", [1, {"a": None}]) == [1, {"a": None}]
        with pytest.raises(CommandRefused, match="not today"):
            await client.invoke(HUB, "Fail")


@each_transport
async def test_a_server_that_shuts_down_in_order_is_come_back_to(
    make: Make, transport: Transport
) -> None:
    async with serving() as site:
        client = make(site, transport)
        await client.open()
        await eventually(lambda: site.server.held == 1, "a stream")
        site.server.release_all()
        site.publish("a")
        batches = await collect(client, 1)
        assert (losses(batches), values(batches)) == ([], ["a"])
