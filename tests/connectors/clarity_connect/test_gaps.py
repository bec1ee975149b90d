"""Interruptions that the platform does not bridge, under the real supervisor: one gap, and the state made good."""

from __future__ import annotations

import time

import pytest

from connectors._simulation.faults import Fault, FaultKind
from connectors.clarity_connect._simulated.model import STATUSES
from connectors.clarity_connect.client import Answer
from connectors.clarity_connect.simulator import Simulator
from connectors.clarity_connect.vendor import SESSION_STATES, word
from gateway.errors import NotReady
from gateway.events import Provenance
from gateway.states import ConnectionState
from tests.connectors.clarity_connect.harness import Consumer, connected_to, emit, simulated
from tests.connectors.clarity_connect.supervised import WAIT_SECONDS, Record, lived, supervised
from tests.support.clock import ShiftedClock
from tests.support.waiting import until

AWAY_SECONDS = 60.0
SUBSCRIPTIONS = [
    {"name": "agents", "to": "agents"},
    {"name": "queues", "to": "queues"},
    {"name": "alerts", "to": "alerts"},
]
TRANSPORTS = ("webSockets", "serverSentEvents", "longPolling")
each_transport = pytest.mark.parametrize("transport", TRANSPORTS)


async def made_good(simulator: Simulator, record: Record) -> None:
    """Nothing is missing of what follows the gap, and what the journal says is what the platform says."""
    await until(lambda: _closed(record), seconds=WAIT_SECONDS)
    mark = len(simulator.ledger)
    await lived(simulator, 100)
    simulator.lives.stopped = True
    world = simulator.world

    async def arrived() -> bool:
        entries = simulator.ledger.since(mark, 1_000_000)
        return {entry.id for entry in entries if entry.resumable} <= await record.references()

    async def statuses_agree() -> bool:
        told = await record.statuses()
        return told == {str(one.id): STATUSES[one.status_id] for one in world.agents.values()}

    async def sessions_agree() -> bool:
        active = {
            str(one.id)
            for one in world.sessions.values()
            if SESSION_STATES[word(one.status)] is not ConnectionState.CLEARED
        }
        return await record.open_sessions() == active

    for condition in (arrived, statuses_agree, sessions_agree):
        await until(condition, seconds=WAIT_SECONDS)
    ids = [event.id for event in await record.events()]
    assert len(set(ids)) == len(ids)


async def _closed(record: Record) -> bool:
    return "closed" in dict(await record.gaps())


@each_transport
async def test_away_for_longer_than_the_platform_waits(transport: str) -> None:
    """Killed, and back when the platform has given the connection up."""
    record = Record()
    async with simulated(events_per_second=150) as simulator:
        async with (
            connected_to(simulator.url, transports=[transport]) as connector,
            supervised(connector, record),
        ):
            await lived(simulator, 200)
        await lived(simulator, 100)
        simulator.signalr.monotonic = lambda: time.monotonic() + AWAY_SECONDS
        simulator.signalr.sweep()
        assert simulator.signalr.sessions == []
        async with (
            connected_to(
                simulator.url, clock=ShiftedClock(AWAY_SECONDS), transports=[transport]
            ) as connector,
            supervised(connector, record),
        ):
            await made_good(simulator, record)
    assert await record.gaps() == [("opened", "expired"), ("closed", "expired")]


@each_transport
async def test_the_server_begins_anew_while_connected(transport: str) -> None:
    """Its process ends under the feed: other cursors, no connections, no subscriptions."""
    record = Record()
    async with (
        # A poll that finds nothing any more learns of it when it ends.
        simulated(events_per_second=150, connection_timeout_seconds=5) as simulator,
        connected_to(simulator.url, transports=[transport]) as connector,
        supervised(connector, record),
    ):
        await lived(simulator, 200)
        simulator.commit(Fault(kind=FaultKind.SERVER_RESTART))
        await made_good(simulator, record)
    assert await record.gaps() == [("opened", "server_restarted"), ("closed", "server_restarted")]


@each_transport
async def test_the_server_begins_anew_while_away(transport: str) -> None:
    """Back within the time that the platform waits, and yet nothing is left of the connection."""
    record = Record()
    async with simulated(events_per_second=150) as simulator:
        async with (
            connected_to(simulator.url, transports=[transport]) as connector,
            supervised(connector, record),
        ):
            await lived(simulator, 200)
        await lived(simulator, 50)
        simulator.commit(Fault(kind=FaultKind.SERVER_RESTART))
        async with (
            connected_to(simulator.url, transports=[transport]) as connector,
            supervised(connector, record),
        ):
            await made_good(simulator, record)
    assert await record.gaps() == [("opened", "server_restarted"), ("closed", "server_restarted")]


@each_transport
async def test_the_ring_runs_over_while_away(transport: str) -> None:
    """More was published than the server keeps: the connection goes on, and the hole is found by the cursor."""
    record = Record()
    async with simulated(events_per_second=150, buffer_size=200) as simulator:
        async with (
            connected_to(simulator.url, transports=[transport]) as connector,
            supervised(connector, record),
        ):
            await lived(simulator, 100)
        await lived(simulator, 400)
        async with (
            connected_to(simulator.url, transports=[transport]) as connector,
            supervised(connector, record),
        ):
            await made_good(simulator, record)
    assert await record.gaps() == [("opened", "buffer_full"), ("closed", "buffer_full")]
    (closed,) = [event for event in await record.events() if event.verb == "gap.closed"]
    assert closed.data["unrecovered"] > 0


async def told_after(consumer: Consumer, simulator: Simulator, status: str) -> None:
    """The feed hears again what happens to an agent, as the platform pushes it."""
    await emit(simulator, "status", agent="agent0001", status=status)
    await consumer.until(
        lambda: [
            event
            for event in consumer.events
            if event.provenance == Provenance.LIVE
            and getattr(event.data, "native_state", None) == status
        ],
        "what the platform pushes after the gap",
    )


@pytest.mark.parametrize("fault", [FaultKind.SESSION_UNKNOWN, FaultKind.SESSION_EXPIRY])
@pytest.mark.parametrize(
    "wanted",
    [SUBSCRIPTIONS, SUBSCRIPTIONS[::-1], SUBSCRIPTIONS[-1:]],
    ids=("all", "reversed", "alerts"),
)
async def test_the_server_forgets_the_subscriptions_while_away(
    fault: FaultKind, wanted: list[dict[str, str]]
) -> None:
    """It takes the connection back all the same, and tells alerts only: that would be silence without a gap."""
    async with simulated(alert_threshold=1) as simulator:
        async with (
            connected_to(simulator.url, subscriptions=wanted) as connector,
            Consumer(connector) as first,
        ):
            await first.until(lambda: first.resume, "a state to go on from")
        simulator.commit(Fault(kind=fault))
        async with (
            connected_to(simulator.url, subscriptions=wanted) as connector,
            Consumer(connector, first.resume) as second,
        ):
            await second.until(lambda: second.gaps, "the gap")
            if len(wanted) > 1:
                await told_after(second, simulator, "atLunch")
            else:
                await emit(simulator, "incoming", queue=2)
                await second.event("alert.raised", about="queue/2")

    assert [gap.reason for gap in second.gaps] == ["session_lost"]
    assert second.gaps[0].since is not None
    assert second.links == [False]


@pytest.mark.parametrize("transport", TRANSPORTS[:2])
async def test_the_server_forgets_the_subscriptions_under_the_feed(transport: str) -> None:
    """Within one process the transport is brought up again, and nothing would come on it."""
    async with (
        simulated() as simulator,
        connected_to(simulator.url, transports=[transport]) as connector,
        Consumer(connector) as consumer,
    ):
        await consumer.event("agent.state.snapshot", agent="101")
        simulator.commit(Fault(kind=FaultKind.SESSION_UNKNOWN))
        await consumer.until(lambda: consumer.gaps, "the gap")
        await told_after(consumer, simulator, "atLunch")

    assert [gap.reason for gap in consumer.gaps] == ["session_lost"]


@each_transport
async def test_a_transport_that_breaks_alone_is_no_gap(transport: str) -> None:
    """The server still has the subscriptions when it is asked for them."""
    async with (
        simulated() as simulator,
        connected_to(simulator.url, transports=[transport]) as connector,
        Consumer(connector) as consumer,
    ):
        await consumer.event("agent.state.snapshot", agent="101")
        connects = simulator.signalr.connects
        simulator.signalr.cut()
        await consumer.until(lambda: simulator.signalr.connects > connects, "the transport again")
        await told_after(consumer, simulator, "atLunch")

    assert consumer.gaps == []
    assert consumer.links == [False]


async def test_subscriptions_that_cannot_be_asked_for_are_a_gap() -> None:
    """A server that tells no ids of them cannot be asked: whether it still has them is not known."""
    async with simulated(subscription_answer="none") as simulator:
        async with connected_to(simulator.url) as connector, Consumer(connector) as first:
            await first.until(lambda: first.resume, "a state to go on from")
        async with (
            connected_to(simulator.url) as connector,
            Consumer(connector, first.resume) as second,
        ):
            await second.until(lambda: second.gaps, "the gap")
            await told_after(second, simulator, "atLunch")

    assert [gap.reason for gap in second.gaps] == ["session_lost"]


async def test_a_server_that_cannot_be_asked_for_subscriptions_now_is_asked_again() -> None:
    """The connection is kept meanwhile, and gone on with afterwards."""
    async with simulated() as simulator:
        async with connected_to(simulator.url) as connector, Consumer(connector) as first:
            await first.event("agent.state.snapshot", agent="101")
        async with connected_to(simulator.url) as connector:
            api = connector._feed.api
            request = api.request

            async def busy(method: str, path: str, body: object = None) -> Answer:
                return (
                    Answer(503, None)
                    if "subscriptions" in path
                    else await request(method, path, body)
                )

            api.request = busy  # type: ignore[method-assign]  # a server that is busy with subscriptions
            with pytest.raises(NotReady):
                await connector._feed.connect(first.resume)
            api.request = request  # type: ignore[method-assign]  # and then is not
            assert (await connector._feed.connect(first.resume)).resumed
