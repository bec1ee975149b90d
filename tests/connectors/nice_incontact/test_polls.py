"""Polling feeds and the directory against the simulated platform, in both generations of its answers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Literal

import msgspec
import pytest

from connectors._simulation.faults import Fault, FaultKind
from connectors._wire import polling as rhythms
from connectors.nice_incontact.polls import PollFeed, listing
from connectors.nice_incontact.polls.feed import PollResume
from gateway.contracts import DirectoryKind, Guarantee
from gateway.errors import AuthRejected, ConfigError, ProtocolViolation
from gateway.events import Provenance
from tests.connectors.nice_incontact.harness import connected_to, emit, sign_in, simulated
from tests.support.consumer import FeedConsumer

FAST = {"interval_seconds": 0.2}


@pytest.fixture(autouse=True)
def _no_gap_by_a_slow_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Polls are fast here; a machine that is too busy for them is no gap unless the test is about gaps."""
    monkeypatch.setattr(rhythms, "MISSED_INTERVALS", 100)


GENERATIONS = ("g1", "g2")
Generation = Literal["g1", "g2"]


@asynccontextmanager
async def polling(
    url: str, name: str, resume: bytes | None = None, **settings: Any
) -> AsyncIterator[FeedConsumer]:
    """A connector with one polling feed and no sessions, and who reads it."""
    block = FAST | settings.pop("poll", {})
    async with connected_to(
        url,
        **{
            "agents": [],
            "sign_in": sign_in(url, username="gateway@example.com"),
            "polls": {name: block},
            **settings,
        },
    ) as connector:
        number = len(connector.feeds) - 1
        async with FeedConsumer(connector, resume, feed=number) as consumer:
            yield consumer


def feed_of(consumer: FeedConsumer) -> PollFeed:
    assert isinstance(consumer.feed, PollFeed)
    return consumer.feed


async def polled_again(consumer: FeedConsumer) -> None:
    """Wait until the platform was asked twice, so that one question began later than now."""
    poller = feed_of(consumer)._poller
    wanted = poller.polls + 2
    await consumer.until(lambda: poller.polls >= wanted, "polls")


@pytest.mark.parametrize("generation", GENERATIONS)
async def test_states_of_agents(generation: Generation) -> None:
    async with (
        simulated(generation=generation, agents=3) as simulator,
        polling(simulator.url, "agent_states") as consumer,
    ):
        first = await consumer.event("agent.state.snapshot", agent="1002")
        assert first.provenance is Provenance.SNAPSHOT
        await emit(simulator, "state", agent=1002, state="Available")
        changed = await consumer.event("agent.state.changed", agent="1002", state="ready")
        assert changed.provenance is Provenance.POLLED
        await emit(simulator, "log_out", agent=1002)
        await consumer.event("agent.session.ended", agent="1002")
        await consumer.event("agent.state.changed", agent="1002", state="logged_off")

        assert consumer.feed.guarantee is Guarantee.POLLED
        assert consumer.verbs().count("agent.state.snapshot") == 3


@pytest.mark.parametrize("generation", GENERATIONS)
async def test_contacts_under_way(generation: Generation) -> None:
    async with (
        simulated(generation=generation, agents=2, acw_seconds=0) as simulator,
        polling(simulator.url, "contacts_active", poll={"whole_every_seconds": 0.2}) as consumer,
    ):
        await emit(simulator, "state", agent=1001, state="Available")
        await emit(simulator, "incoming")
        await consumer.event("call.queued")
        await emit(simulator, "offer", agent=1001)
        await emit(simulator, "answer", agent=1001)
        connected = await consumer.event("call.connected", agent="1001", direction="inbound")
        await emit(simulator, "hold", agent=1001)
        await consumer.event("call.held", agent="1001")
        await emit(simulator, "resume", agent=1001)
        await consumer.event("call.retrieved", agent="1001")
        await emit(simulator, "hang_up", agent=1001)
        ended = await consumer.event("call.ended", agent="1001")

        assert ended.subject == connected.subject
        assert len({event.id for event in consumer.events}) == len(consumer.events)


@pytest.mark.parametrize("generation", GENERATIONS)
async def test_contacts_that_ended(generation: Generation) -> None:
    async with (
        simulated(generation=generation, agents=2, acw_seconds=0) as simulator,
        polling(simulator.url, "contacts_completed") as consumer,
    ):
        await emit(simulator, "state", agent=1001, state="Available")
        await emit(simulator, "incoming")
        await emit(simulator, "offer", agent=1001)
        await emit(simulator, "answer", agent=1001)
        await emit(simulator, "hang_up", agent=1001)
        event = await consumer.event("call.ended", agent="1001")
        data: Any = event.data

        assert data.duration_seconds is not None
        assert event.timesource == "platform"
        await polled_again(consumer)
        assert consumer.verbs().count("call.ended") == 1


@pytest.mark.parametrize("generation", GENERATIONS)
async def test_figures_of_skills(generation: Generation) -> None:
    async with (
        simulated(generation=generation, skills=2) as simulator,
        polling(simulator.url, "skills_activity") as consumer,
    ):
        first = await consumer.event("queue.metrics.observed")
        data: Any = first.data
        assert data.object.id == "501"
        assert data.values["queueCount"] == 0
        await emit(simulator, "incoming")
        await consumer.until(
            lambda: [e for e in consumer.events if getattr(e.data, "values", {}).get("queueCount")],
            "a contact that waits",
        )


@pytest.mark.parametrize("names", ["pascal", "camel"])
async def test_service_levels(names: Literal["pascal", "camel"]) -> None:
    async with (
        simulated(report_names=names, skills=2) as simulator,
        polling(simulator.url, "skills_sla_summary") as consumer,
    ):
        event = await consumer.event("queue.metrics.observed")
        data: Any = event.data

        assert set(data.values) == {
            "sla.contactsWithinSLA", "sla.contactsOutOfSLA", "sla.totalContacts", "sla.serviceLevel",
        }  # fmt: skip
        assert "/" in data.window


async def test_figures_of_agents_are_asked_for_on_quarters_of_an_hour() -> None:
    """The platform refuses any other date."""
    async with (
        simulated(agents=2) as simulator,
        polling(simulator.url, "agents_performance") as consumer,
    ):
        await emit(simulator, "state", agent=1001, state="Available")
        event = await consumer.event("agent.metrics.observed")
        data: Any = event.data

        assert data.values["loginTime"] >= 0
        assert consumer.errors == []


async def test_a_list_in_pages_is_one_answer() -> None:
    """By the links of the newer generation, and by asking for what is behind in the older one."""
    for generation, longest in (("g2", 10_000), ("g1", 3)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(listing, "MAX_ROWS", longest)
            async with (
                simulated(generation=generation, agents=8, page_rows=3) as simulator,
                polling(simulator.url, "agent_states") as consumer,
            ):
                await consumer.until(lambda c=consumer: len(c.events) >= 8, "all agents")
                assert consumer.verbs() == ["agent.state.snapshot"] * 8


async def test_a_restart_repeats_nothing_and_tells_what_changed() -> None:
    async with simulated(agents=3) as simulator:
        async with polling(simulator.url, "agent_states") as first:
            await first.event("agent.state.snapshot", agent="1002")
        await emit(simulator, "state", agent=1002, state="Available")
        async with polling(
            simulator.url, "agent_states", first.resume, poll={"interval_seconds": 30}
        ) as second:
            await second.event("agent.state.changed", agent="1002")
            assert (second.links, second.verbs(), second.gaps) == (
                [True], ["agent.state.changed"], [],
            )  # fmt: skip


async def test_a_long_time_without_a_question_is_a_gap_and_reconciled() -> None:
    async with simulated(agents=3) as simulator:
        async with polling(simulator.url, "agent_states") as first:
            await first.event("agent.state.snapshot", agent="1002")
        await emit(simulator, "state", agent=1002, state="Available")
        assert first.resume is not None
        kept = msgspec.json.decode(first.resume, type=PollResume)
        asked_at = kept.polled_at - timedelta(hours=1)
        resume = msgspec.json.encode(msgspec.structs.replace(kept, polled_at=asked_at))
        async with polling(
            simulator.url, "agent_states", resume, poll={"interval_seconds": 10}
        ) as second:
            changed = await second.event("agent.state.changed", agent="1002")
            assert changed.provenance is Provenance.RECONCILED
            (gap,) = second.gaps
            assert (gap.reason, gap.since) == ("not_polled", asked_at)


async def test_a_new_connection_of_the_same_process_knows_when_it_asked_last() -> None:
    """Polls that showed nothing new are written down once a minute only."""
    async with simulated(agents=2) as simulator:
        async with polling(simulator.url, "agent_states") as consumer:
            await consumer.event("agent.state.snapshot")
            feed, written = feed_of(consumer), feed_of(consumer)._polled_at
            await consumer.until(
                lambda: written and feed._polled_at and feed._polled_at > written, "further polls"
            )
        asked_at = feed._polled_at

        assert feed._restore(consumer.resume)
        assert feed._polled_at == asked_at


async def test_an_expired_token_is_renewed_between_polls() -> None:
    async with (
        simulated(agents=2) as simulator,
        polling(simulator.url, "agent_states") as consumer,
    ):
        await consumer.event("agent.state.snapshot")
        simulator.commit(Fault(kind=FaultKind.TOKEN_EXPIRY))
        await polled_again(consumer)
        assert consumer.errors == []


async def test_a_platform_that_asks_for_fewer_polls_gets_fewer() -> None:
    async with (
        simulated(agents=2) as simulator,
        polling(simulator.url, "agent_states") as consumer,
    ):
        await consumer.event("agent.state.snapshot")
        simulator.commit(Fault(kind=FaultKind.RATE_LIMITED, times=1, delay_ms=1000))
        await consumer.until(lambda: feed_of(consumer)._poller.put_off, "a poll is put off")
        await emit(simulator, "state", agent=1002, state="Available")
        await consumer.event("agent.state.changed", agent="1002")
        assert consumer.errors == []


async def test_garbage_ends_nothing() -> None:
    async with (
        simulated(agents=2) as simulator,
        polling(simulator.url, "contacts_active", poll={"whole_every_seconds": 0.2}) as consumer,
    ):
        await emit(simulator, "incoming")
        await consumer.event("call.queued")
        for _ in range(3):
            simulator.commit(Fault(kind=FaultKind.GARBAGE, times=1))
            await polled_again(consumer)

        assert "call.ended" not in consumer.verbs()
        assert all(isinstance(error, ProtocolViolation) for error in consumer.errors)


async def test_a_client_token_for_polls_is_a_mistake_in_the_settings() -> None:
    async with simulated(agents=1) as simulator:
        client = {
            "method": "client",
            "url": f"{simulator.url}/InContactAuthorizationServer/Token",
            "application": "Tieline@Example",
            "application_id": "12345",
        }
        with pytest.raises(ConfigError, match="client tokens"):
            async with polling(simulator.url, "agent_states", sign_in=client):
                pass


async def test_sessions_and_polls_share_the_work() -> None:
    """Of an agent who is followed the poll tells nothing."""
    async with (
        simulated(agents=3) as simulator,
        polling(simulator.url, "agent_states", agents=[{"agent_id": "1002"}]) as consumer,
    ):
        assert [feed.name for feed in consumer.connector.feeds] == [
            "nice/1002",
            "nice/poll:agent_states",
        ]
        await consumer.event("agent.state.snapshot", agent="1003")
        await consumer.event("agent.state.snapshot", agent="1001")
        assert {getattr(event.data, "agent", None) for event in consumer.events} == {"1001", "1003"}


async def test_the_directory_has_five_lists() -> None:
    async with (
        simulated(agents=3) as simulator,
        connected_to(
            simulator.url,
            agents=[],
            sign_in=sign_in(simulator.url, username="gateway@example.com"),
            polls={"agent_states": {}},
        ) as connector,
    ):
        found = {
            kind: {entry.id: entry for entry in (await connector.read_directory(kind)).entries}
            for kind in connector.directory_kinds
        }
    assert {"1001", "1002", "1003"} <= found[DirectoryKind.AGENTS].keys()
    assert found[DirectoryKind.AGENTS]["1001"].details["userName"] == "agent0001@example.com"
    assert list(found[DirectoryKind.TEAMS]) == ["1", "2"]
    assert found[DirectoryKind.SKILLS]["501"].name == "Sales"
    assert found[DirectoryKind.STATES]["Lunch"].details["teams"] == ["1", "2"]
    assert found[DirectoryKind.DISPOSITIONS]["901"].name == "Resolved"


async def test_without_rights_a_poll_is_refused_and_says_whose() -> None:
    async with simulated(agents=1) as simulator:
        wrong = sign_in(simulator.url, password="wrong-one")
        with pytest.raises((AuthRejected, ConfigError)) as refused:
            async with polling(simulator.url, "agent_states", sign_in=wrong):
                pass
        assert "wrong-one" not in str(refused.value)
