"""The contract of connectors, at an agent's session."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest

from connectors._simulation.faults import Fault, FaultKind
from connectors.nice_incontact import PLATFORM
from connectors.nice_incontact.connector import NiceIncontact
from connectors.nice_incontact.simulator import Simulator
from gateway.clock import SystemClock
from gateway.commands import Outcome, Verb
from gateway.contracts import Connector, Guarantee
from tests.connectors.nice_incontact.harness import AGENT, connected_to, emit, simulated
from tests.contract.connector_suite import ConnectorHarness, SnapshotSuite
from tests.support.consumer import FeedConsumer
from tests.support.waiting import until


class NiceHarness:
    """The simulated platform, with the settings of connectors to it."""

    platform = PLATFORM
    secrets = ("'secret'", '"secret"', "wrong-password")

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self._made: list[NiceIncontact] = []

    @asynccontextmanager
    async def _connected(self, **settings: Any) -> AsyncIterator[Connector]:
        async with connected_to(self.simulator.url, **settings) as connector:
            self._made.append(connector)
            yield connector

    def make(self) -> AbstractAsyncContextManager[Connector]:
        """With the right password."""
        return self._connected()

    def make_rejected(self) -> AbstractAsyncContextManager[Connector]:
        """With a wrong secret of an access key: a wrong password is told as a wrong configuration."""
        url = self.simulator.url
        key = {"access_key_id": "key-1001", "access_key_secret": "wrong-password"}
        api = f"{url}/inContactAPI"
        return self._connected(sign_in={"method": "access_key", "url": url, "api_url": api, **key})

    def tokens(self) -> Sequence[str]:
        """Access and refresh tokens, and the names of sessions, which are as good."""
        grants = [held for one in self._made if (held := one.api.tokens.held)]
        found = [token for grant in grants for token in (grant.access, grant.refresh) if token]
        return found + [cursor for one in self._made if (cursor := one._sessions[0].cursor)]

    async def publish(self, count: int = 1) -> list[str]:
        """Pages for a contact."""
        data = {"ContactID": "77", "PageUri": "https://example.com/"}
        told = await emit(self.simulator, "event", type="PageOpen", data=data, count=count)
        return list(told["published"])

    async def publish_garbage(self) -> None:
        """A type that nobody documents."""
        await emit(self.simulator, "event", type="NeverHeardOf", data={"X": "1"})

    async def cut(self) -> None:
        """The next poll is broken off, and once more when it is asked again at once on a new connection."""
        self.simulator.commit(Fault(kind=FaultKind.DROP, target="feed", times=2))
        await self.publish()

    async def expire(self) -> None:
        """All access tokens are dead, also under a held poll."""
        self.simulator.tokens.expire_all()
        self.simulator.sessions.wake()

    async def be_busy(self) -> None:
        """503."""
        self.simulator.commit(Fault(kind=FaultKind.SERVER_ERROR, status=503, times=1_000))

    async def recover(self) -> None:
        """No faults; and the token service, which is left alone for a moment after a failure, may be asked."""
        self.simulator.plan.clear()
        tokens, clock = self._made[-1].api.tokens, SystemClock()
        await until(lambda: tokens._quiet_until <= clock.monotonic())

    async def held(self) -> int:
        """Held polls."""
        return self.simulator.sessions.held

    async def command(self, consumer: FeedConsumer) -> tuple[str, Outcome]:
        """The agent is made available."""
        verb = Verb.AGENT_SET_STATE
        state = "ready" if await self._is_away() else "not_ready"
        return verb.value, await consumer.execute(verb, agent=AGENT, state=state)

    async def _is_away(self) -> bool:
        return self.simulator.world.agents[int(AGENT)].state != "Available"


class TestSessionContract(SnapshotSuite):
    """An agent's session. It goes on wherever nothing was lost: better than `snapshot` promises."""

    @pytest.fixture
    async def harness(self) -> AsyncIterator[NiceHarness]:
        """A site where nothing happens by itself."""
        async with simulated() as simulator:
            yield NiceHarness(simulator)

    async def test_a_lost_link_is_made_good(self, harness: ConnectorHarness) -> None:
        """A connection that breaks without an answer costs nothing: the session has what came meanwhile."""
        async with harness.make() as connector, FeedConsumer(connector) as consumer:
            before = await harness.publish()
            await consumer.until(lambda: set(before) <= consumer.references(), "the first")
            await harness.cut()
            await consumer.until(lambda: len(consumer.links) > 1, "a new link")
            after = await harness.publish(5)
            await consumer.until(lambda: set(after) <= consumer.references(), "the rest")
            assert consumer.links == [False, True]
            assert consumer.gaps == []

    async def test_a_planned_stop_hands_over_what_was_heard(
        self, harness: ConnectorHarness
    ) -> None:
        """The next process goes on with the session, and nothing is missing."""
        async with harness.make() as connector, FeedConsumer(connector) as consumer:
            told = await harness.publish()
            await consumer.until(lambda: set(told) <= consumer.references(), "an event")
            await consumer.stop()
        between = await harness.publish()
        async with harness.make() as connector, FeedConsumer(connector, consumer.resume) as again:
            later = await harness.publish()
            await again.until(lambda: {*between, *later} <= again.references(), "the rest")
            assert again.links == [True]
            assert again.gaps == []

    async def test_a_killed_process_reports_one_gap_and_reconciles(
        self, harness: ConnectorHarness
    ) -> None:
        """Nobody can know whether an answer was on its way to it: a gap, the states, and then all flows."""
        assert isinstance(harness, NiceHarness)
        async with harness.make() as connector, FeedConsumer(connector) as first:
            before = await harness.publish(5)
            await first.until(lambda: set(before) <= first.references(), "the first")
            assert first.feed.guarantee is Guarantee.SNAPSHOT
            kept = first.resume
            await emit(harness.simulator, "state", state="Unavailable", reason="Lunch")
            await first.event("agent.state.changed", reason="Lunch")
        async with harness.make() as connector, FeedConsumer(connector, kept) as second:
            changed = await second.event("agent.state.changed", reason="Lunch")
            after = await harness.publish(5)
            await second.until(lambda: set(after) <= second.references(), "the rest")
            assert changed.provenance == "reconciled"
            (gap,) = second.gaps
            assert gap.since is not None
            assert not set(before) & second.references()
