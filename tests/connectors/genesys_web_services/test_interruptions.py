"""What interrupts a feed, through the real supervisor and journal: each ends in its state, and nothing is doubled."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any

import pytest

from connectors.genesys_web_services._simulated.model import CallState
from connectors.genesys_web_services.feed import AgentFeed
from connectors.genesys_web_services.simulator import (
    Fault,
    FaultKind,
    Simulator,
    SimulatorSettings,
)
from gateway.contracts import Journal
from gateway.errors import Reason
from gateway.states import FeedState
from tests.connectors.genesys_web_services.harness import connected_to
from tests.support import supervised as supervision
from tests.support.journals import memory_journal
from tests.support.supervised import Supervised
from tests.support.waiting import until


def supervised(
    simulator: Simulator, journal: Journal | None = None, **settings: Any
) -> AbstractAsyncContextManager[Supervised]:
    """A connector under supervision that is connected."""
    return supervision.supervised(connected_to(simulator.url, **settings), journal)


def simulated(**settings: Any) -> Simulator:
    defaults = {"agents": 2, "events_per_second": 0, "timeout_ms": 2_000, "ack": True}
    return Simulator(SimulatorSettings(**{**defaults, **settings}))


async def test_402_in_the_middle_of_a_call_is_one_gap_and_the_call_ends_reconciled() -> None:
    async with simulated() as simulator, supervised(simulator) as run:
        agent = simulator.world.agents["agent0001"]
        call = simulator.telephony.incoming(agent)
        await run.has("call.offered")
        simulator.strike(Fault(FaultKind.SESSION_UNKNOWN))
        simulator.telephony.set_state(agent, call, CallState.RELEASED)
        ended = await run.has("call.ended", call=call.id)
        await run.has("feed.gap.closed")
        again = simulator.telephony.incoming(agent)
        await run.has("call.offered", call=again.id)
        await run.assert_whole(gaps=1)

        assert ended.envelope.provenance == "reconciled"
        assert run.runner.state is FeedState.CONNECTED
        assert len(await run.of("call.ended")) == 1


async def test_both_sessions_lost_in_the_middle_of_a_call_is_one_gap() -> None:
    async with simulated() as simulator, supervised(simulator) as run:
        agent = simulator.world.agents["agent0001"]
        call = simulator.telephony.incoming(agent)
        await run.has("call.offered")
        simulator.strike(Fault(FaultKind.SESSION_EXPIRY))
        simulator.telephony.set_state(agent, call, CallState.ESTABLISHED)
        connected = await run.has("call.connected", call=call.id)
        await run.has("feed.gap.closed", reason="session_lost")
        await run.assert_whole(gaps=1)

    assert connected.envelope.provenance == "reconciled"


class Counted(Simulator):
    """A simulator that ends all HTTP sessions just before its n-th request, from a moment on."""

    def arm(self, number: int) -> None:
        """The `number`-th request from now on finds its HTTP session gone."""
        find, left = self._sessions.find, [number]

        def found(request: Any) -> Any:
            left[0] -= 1
            if left[0] == 0:
                self._sessions.end_all(None)
            return find(request)

        self._sessions.find = found  # type: ignore[method-assign]  # the fault is injected here


@pytest.mark.parametrize("number", range(1, 9))
async def test_an_http_session_that_ends_at_any_request_of_a_start_ends_connected(
    number: int,
) -> None:
    """Sign-in, handshake, subscription, connect, workbins, snapshot, first polls: each in turn is refused."""
    settings = {"agents": 2, "events_per_second": 0, "timeout_ms": 500, "ack": True}
    simulator = Counted(SimulatorSettings(**settings))  # type: ignore[arg-type]  # the test's keywords
    simulator.arm(number)
    async with simulator, supervised(simulator, workbins=["*"]) as run:
        agent = simulator.world.agents["agent0001"]
        await run.has("agent.state.snapshot")
        call = simulator.telephony.incoming(agent)
        await run.has("call.offered", call=call.id)
        await until(lambda: simulator.workbins.watchers("Drafts") == ["agent0001"])
        await run.assert_whole(gaps=len(await run.of("feed.gap.opened")))
        assert len(await run.of("call.offered")) == 1


async def test_an_account_that_is_used_elsewhere_is_left_alone_for_a_while() -> None:
    async with simulated(single_session=True) as simulator, supervised(simulator) as run:

        def steal() -> bool:
            simulator._sessions.end_all("agent0001")
            return run.runner.state is FeedState.BACKING_OFF

        await until(steal, seconds=20)
        error = run.runner.last_error
        signed_in = len(simulator._sessions)

        assert error is not None
        assert error.reason is Reason.CONFLICT
        assert "account of its own" in error.hint
        assert signed_in == 0
        (ended,) = await run.of("feed.disconnected")
        assert ended.data()["reason"] == "conflict"


async def test_one_second_login_costs_nothing() -> None:
    async with (
        simulated(single_session=True) as simulator,
        supervised(simulator) as run,
        connected_to(simulator.url) as other,
    ):
        await other.probe()
        call = simulator.telephony.incoming(simulator.world.agents["agent0001"])
        await run.has("call.offered", call=call.id)
        await run.assert_whole(gaps=0)


async def test_a_service_that_went_down_during_a_gap_is_told_reconciled_and_the_feed_stays() -> (
    None
):
    async with simulated() as simulator, supervised(simulator) as run:
        await run.has("agent.state.snapshot")
        simulator.strike(Fault(FaultKind.SESSION_UNKNOWN))
        simulator.dictionaries.set_service("Voice", "Inactive")
        down = await run.has("service.state.changed", service="Voice", state="down")
        await run.has("feed.gap.closed")
        simulator.dictionaries.set_service("Voice", "Active")
        await run.has("service.state.changed", service="Voice", state="up")
        await run.assert_whole(gaps=1)

        assert down.envelope.provenance == "reconciled"
        assert run.runner.state is FeedState.CONNECTED


@pytest.mark.parametrize("when", ["start", "gap"])
async def test_what_happens_while_the_platform_is_asked_is_told_once_in_order(when: str) -> None:
    """A call that begins and is answered between the session's begin and the answer about it."""
    async with simulated() as simulator, connected_to(simulator.url) as connector:
        (feed,) = connector.feeds
        assert isinstance(feed, AgentFeed)
        agent = simulator.world.agents["agent0001"]
        read, armed = feed._read, [when == "start"]

        async def reading() -> dict[str, Any]:
            if not armed.pop():
                return await read()
            armed.append(False)
            call = simulator.telephony.incoming(agent)
            await until(lambda: any(feed._client.waiting()))
            simulator.telephony.set_state(agent, call, CallState.ESTABLISHED)
            found = await read()
            await until(lambda: len(list(feed._client.waiting())) > 1)
            return found

        feed._read = reading  # type: ignore[method-assign]  # the moment is chosen here
        run = Supervised(connector, memory_journal())
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(run.supervisor.run(), name="supervisor")
            if when == "gap":
                await run.has("agent.state.snapshot")
                armed.append(True)
                simulator.strike(Fault(FaultKind.SESSION_UNKNOWN))
            connected = await run.has("call.connected")
            simulator.telephony.incoming(agent)
            await until(partial(offered, run, 2))
            calls = [e.type.split(".")[2] for e in await run.events() if ".call." in e.type]
            run.stop.request("test")

    assert [verb for verb in calls if verb in {"offered", "connected"}] == [
        "offered",
        "connected",
        "offered",
    ]
    assert not isinstance(connected.envelope.anomaly, str)


async def offered(run: Supervised, times: int) -> bool:
    """Whether so many offers are in the journal."""
    return len(await run.of("call.offered")) >= times


async def test_a_crash_between_a_snapshot_and_the_next_delivery_tells_nothing_twice() -> None:
    """The journal has what the snapshot told, but the resume state beside it is older."""
    journal = memory_journal()
    async with simulated() as simulator:
        agent = simulator.world.agents["agent0001"]
        async with supervised(simulator, journal) as run:
            call = simulator.telephony.incoming(agent)
            await run.has("call.offered")
            simulator.strike(Fault(FaultKind.SESSION_UNKNOWN))
            simulator.telephony.set_state(agent, call, CallState.ESTABLISHED)
            await run.has("feed.gap.closed")
            await drop_what_follows(run)
        async with supervised(simulator, journal) as run:
            simulator.telephony.set_state(agent, call, CallState.RELEASED)
            ended = await run.has("call.ended", call=call.id)
            await run.assert_whole(gaps=1)

            assert len(await run.of("call.connected")) == 1
            assert not isinstance(ended.envelope.anomaly, str)
            assert ended.data()["previous_state"] == "connected"


async def drop_what_follows(run: Supervised) -> None:
    """From here on the process might as well be dead: nothing more reaches the journal."""
    feed = run.runner.feed
    assert isinstance(feed, AgentFeed)

    async def nothing() -> None:
        return None

    feed.drain = nothing  # type: ignore[method-assign]  # the crash is made here
    await feed.close()
