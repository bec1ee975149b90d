"""What interrupts a feed, through the real supervisor and journal: each ends in its state, and nothing is doubled."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from aiohttp import web

from connectors.genesys_engage_cloud._simulated.model import Agent, Call, CallState
from connectors.genesys_engage_cloud.simulator import (
    Fault,
    FaultKind,
    Simulator,
    SimulatorSettings,
)
from gateway.errors import Reason
from gateway.states import FeedState
from tests.connectors.genesys_engage_cloud.harness import connected_to
from tests.support import supervised as supervision
from tests.support.engage_desk import workspace
from tests.support.supervised import Supervised
from tests.support.waiting import until

STATISTICS: dict[str, Any] = {
    "objects": [{"type": "Agent", "ids": ["kristi"], "statistics": ["TotalCalls"]}]
}
PROVISIONING: dict[str, Any] = {"watch": ["users"], "read": ["get-users"]}
SETTINGS: dict[str, Any] = {
    "agents": 2,
    "events_per_second": 0,
    "timeout_ms": 2_000,
    "max_interval_ms": 10_000,
    "statistics_seconds": 0.1,
    "object_change_seconds": 0.1,
    "ack": True,
}


def simulated(**settings: Any) -> Simulator:
    return Simulator(SimulatorSettings(**{**SETTINGS, **settings}))


def supervised(simulator: Simulator, **settings: Any) -> AbstractAsyncContextManager[Supervised]:
    """A connector under supervision that is connected."""
    return supervision.supervised(connected_to(simulator.url, **settings))


async def active(run: Supervised) -> None:
    """Wait until the agent's channels are active: the session's first answer or a message tells."""
    await run.has("agent.state.changed", "agent.state.snapshot", state="not_ready")


def ringing(simulator: Simulator) -> tuple[Agent, Call]:
    """A call that rings at the first agent's phone."""
    agent = simulator.world.agents["agent0001"]
    return agent, simulator.telephony.incoming(agent, commanded=True)


@pytest.mark.parametrize("kind", [FaultKind.SESSION_UNKNOWN, FaultKind.SESSION_EXPIRY])
async def test_a_session_lost_in_the_middle_of_a_call_is_one_gap_and_the_call_ends_reconciled(
    kind: FaultKind,
) -> None:
    """402 means a new CometD session in the same workspace, 403 a new workspace."""
    async with simulated() as simulator, supervised(simulator, observe_only=False) as run:
        await active(run)
        agent, call = ringing(simulator)
        await run.has("call.offered", call=call.id)
        simulator.commit(Fault(kind))
        simulator.telephony.set_state(agent, call, CallState.RELEASED)
        ended = await run.has("call.ended", call=call.id)
        await run.has("feed.gap.closed", reason="session_lost")
        _, again = ringing(simulator)
        await run.has("call.offered", call=again.id)
        await run.assert_whole(gaps=1)

        assert ended.envelope.provenance == "reconciled"
        assert len(await run.of("call.ended")) == 1


async def test_a_second_login_costs_one_gap_and_nothing_is_doubled() -> None:
    async with (
        simulated(one_session_per_agent=True) as simulator,
        supervised(simulator, observe_only=False) as run,
    ):
        await active(run)
        agent, call = ringing(simulator)
        await run.has("call.offered", call=call.id)
        async with workspace(simulator):
            simulator.telephony.set_state(agent, call, CallState.ESTABLISHED)
            connected = await run.has("call.connected", call=call.id)
            await run.has("feed.gap.closed", reason="session_lost")
            await run.assert_whole(gaps=1)

        assert connected.envelope.provenance == "reconciled"


async def test_an_account_that_is_used_elsewhere_is_left_alone_for_a_while() -> None:
    async with simulated() as simulator, supervised(simulator) as run:
        errors: list[Reason] = []

        def steal() -> bool:
            simulator.workspace.sessions.end_all("agent0001")
            if run.runner.last_error is not None:
                errors.append(run.runner.last_error.reason)
            return Reason.CONFLICT in errors

        await until(steal, seconds=30)


class Counted(Simulator):
    """A simulator in which something happens just before its n-th request that is no fault's own."""

    def __init__(self, number: int, fault: FaultKind, settings: SimulatorSettings) -> None:
        super().__init__(settings)
        self._left = number
        self._fault = fault
        self.app.middlewares.insert(0, self._count)

    @web.middleware
    async def _count(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if not request.path.startswith("/sim/"):
            self._left -= 1
            if self._left == 0:
                self.commit(Fault(self._fault))
        response: web.StreamResponse = await handler(request)
        return response


@pytest.mark.parametrize("fault", [FaultKind.TOKEN_EXPIRY, FaultKind.SESSION_EXPIRY])
@pytest.mark.parametrize("number", range(2, 22, 2))
async def test_a_token_or_session_that_ends_at_any_request_of_a_start_ends_connected(
    number: int, fault: FaultKind
) -> None:
    """Tokens, initialization, handshakes, subscriptions, polls of all three APIs: each in turn finds it gone."""
    settings = SimulatorSettings(**{**SETTINGS, "timeout_ms": 500})
    async with (
        Counted(number, fault, settings) as simulator,
        supervised(
            simulator, observe_only=False, statistics=STATISTICS, provisioning=PROVISIONING
        ) as run,
    ):
        await run.has("agent.metrics.observed")
        await run.has("directory.changed")
        await active(run)
        _, call = ringing(simulator)
        await run.has("call.offered", call=call.id)
        await run.assert_whole(gaps=len(await run.of("feed.gap.opened")))

        assert len(await run.of("call.offered")) == 1


async def test_a_service_that_is_down_leaves_the_feed_connected_and_tells_both_changes() -> None:
    async with simulated() as simulator, supervised(simulator) as run:
        simulator.world.set_service("VOICE", available=False)
        await run.has("service.state.changed", service="voice", state="down")
        simulator.world.set_service("VOICE", available=True)
        await run.has("service.state.changed", service="voice", state="up")
        await run.assert_whole(gaps=0)

        assert run.runner.state is FeedState.CONNECTED
