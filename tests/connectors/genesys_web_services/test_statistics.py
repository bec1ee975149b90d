"""The statistics feed: the pure reading of answers, and the feed against the simulator over real sockets."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from connectors.genesys_web_services.mapping.statistics import observations
from connectors.genesys_web_services.simulator import Simulator, SimulatorSettings
from connectors.genesys_web_services.statistics import StatisticsFeed
from connectors.genesys_web_services.statistics_known import KNOWN, doubt
from gateway.contracts import Delivery, Guarantee
from gateway.errors import AuthRejected, NotConnected, Reason
from gateway.events import Event, Provenance, TimeSource
from gateway.events.operations import Metrics
from tests.connectors.genesys_web_services import samples
from tests.connectors.genesys_web_services.harness import connected_to
from tests.support.waiting import until

QUEUE = {"kind": "queue", "id": "9001", "name": "Support"}
PERIOD_MS = 200


@asynccontextmanager
async def polling(
    simulator: Simulator, objects: list[dict[str, Any]], **statistics: Any
) -> AsyncIterator[StatisticsFeed]:
    """The statistics feed of a connector."""
    block = {"interval_seconds": 1, "objects": objects, **statistics}
    async with connected_to(simulator.url, statistics=block) as connector:
        feed = connector.feeds[-1]
        assert isinstance(feed, StatisticsFeed)
        yield feed


def simulated(**settings: Any) -> Simulator:
    defaults = {"agents": 1, "events_per_second": 0, "statistics_period_ms": PERIOD_MS}
    return Simulator(SimulatorSettings(**{**defaults, **settings}))


async def passed(simulator: Simulator, ms: int) -> None:
    """Wait until the simulator has values that begin so much later."""
    begin = simulator.statistics.newest_ms()
    await until(lambda: simulator.statistics.newest_ms() >= begin + ms)


def metrics(events: tuple[Event, ...]) -> list[Metrics]:
    return [event.data for event in events if isinstance(event.data, Metrics)]


def findings(delivery: Delivery) -> list[str]:
    return [
        event.data.why  # type: ignore[attr-defined]  # a vendor message has it
        for event in delivery.events
        if event.type == "tieline.vendor.message.v1"
    ]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "statistics_recent",
            [
                ("numCalls", 500.0, 1345143997464),
                ("numDroppedCalls", 200.0, 1345144064936),
                ("numAnsweredCalls", 222.0, 1345144080379),
            ],
        ),
        (
            "statistics_range",
            [("numCalls", 200.0, 1344866389143), ("numCalls", 300.0, 1344866399143)],
        ),
    ],
)
def test_both_forms_of_an_answer_are_read_oldest_first(
    name: str, expected: list[tuple[str, float, int]]
) -> None:
    found = observations(samples.load_reply(name))

    assert [(one.statistic, one.value, one.at_ms) for one in found] == expected


@pytest.mark.parametrize(
    "reply", [None, [], {}, {"statistics": 3}, {"statistics": [1, {"value": 2}, {"statistic": []}]}]
)
def test_an_answer_of_another_shape_has_no_figures(reply: Any) -> None:
    assert observations(reply) == []


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (3, 3.0),
        ("4.5", 4.5),
        ("Ready", None),
        (True, None),
        (None, None),
        (10**400, None),
        ([], None),
    ],
)
def test_a_value_is_a_number_or_none(value: Any, read: float | None) -> None:
    (one,) = observations({"statistics": [{"statistic": "S", "value": value, "time": "12"}]})

    assert (one.value, one.at_ms) == (read, 12)


async def test_figures_of_queues_skills_and_agents_have_events_of_their_kinds() -> None:
    async with simulated() as simulator:
        agent = simulator.world.agents["agent0001"]
        objects = [
            QUEUE,
            {"kind": "skill", "id": "Billing", "statistics": ["CurrentReadyAgents"]},
            {"kind": "agent", "id": agent.id, "name": "agent0001", "statistics": ["InboundCalls"]},
        ]
        async with polling(simulator, objects) as feed:
            await feed.connect(None)
            events = (await feed.receive()).events

    told = {(event.type.split(".", 1)[1], event.subject) for event in events}
    assert told == {
        ("queue.metrics.observed.v1", "queue/Support"),
        ("group.metrics.observed.v1", "group/Billing"),
        ("agent.metrics.observed.v1", "agent/agent0001"),
    }
    assert feed.guarantee is Guarantee.POLLED
    for event in events:
        assert (event.provenance, event.timesource) == (Provenance.POLLED, TimeSource.PLATFORM)
        assert isinstance(event.data, Metrics)
        ((name, value),) = event.data.values.items()
        at = round(event.data.observed_at.timestamp() * 1000)
        assert event.data.native is not None
        ids = event.data.native.ids["objectId"]
        assert simulator.statistics.value(ids, name, at) == value


async def test_only_the_statistics_that_were_asked_for_are_told() -> None:
    wanted = {**QUEUE, "statistics": ["ServiceLevel", "Total_Answered"]}
    async with simulated() as simulator, polling(simulator, [wanted]) as feed:
        await feed.connect(None)
        told = metrics((await feed.receive()).events)

    assert {name for one in told for name in one.values} == {"ServiceLevel", "Total_Answered"}


async def test_a_figure_is_told_once_however_often_it_is_read() -> None:
    async with simulated(statistics_period_ms=3_000) as simulator:
        # From the beginning of a period on there are at least two polls in it.
        await passed(simulator, 3_000)
        async with polling(simulator, [QUEUE]) as feed:
            await feed.connect(None)
            deliveries = [await feed.receive() for _ in range(2)]
        requests = simulator.statistics.requests

    ids = [event.id for delivery in deliveries for event in delivery.events]
    assert len(ids) == len(set(ids)) == 12
    assert requests > 2


async def test_a_restart_repeats_nothing_and_fetches_what_was_missed() -> None:
    wanted = {**QUEUE, "statistics": ["Total_Answered"]}
    async with simulated() as simulator:
        async with polling(simulator, [wanted]) as feed:
            await feed.connect(None)
            first = await feed.receive()
        await passed(simulator, 4 * PERIOD_MS)
        async with polling(simulator, [wanted]) as feed:
            link = await feed.connect(first.resume)
            second = await feed.receive()

    assert link.resumed
    assert second.gap is None
    times = [one.observed_at.timestamp() for one in metrics(first.events + second.events)]
    assert times == sorted(set(times))
    steps = {round((after - before) * 1000) for before, after in itertools.pairwise(times)}
    assert steps == {PERIOD_MS}
    assert len(times) >= 5


async def test_what_was_missed_is_fetched_no_further_than_wanted() -> None:
    wanted = {**QUEUE, "statistics": ["Total_Answered"]}
    async with (
        simulated(statistics_period_ms=20) as simulator,
        polling(simulator, [wanted], catch_up_values=3) as feed,
    ):
        await feed.connect(None)
        first = await feed.receive()
        await passed(simulator, 400)
        await feed.connect(first.resume)
        second = await feed.receive()

    assert 3 <= len(second.events) <= 4
    assert second.gap is not None
    assert second.gap.reason == "not_polled"
    assert second.gap.since == max(one.observed_at for one in metrics(first.events))


async def test_what_was_missed_is_a_gap_where_nothing_is_fetched_afterwards() -> None:
    """It begins with the newest figure that was told; three intervals are the least."""
    wanted = {**QUEUE, "statistics": ["Total_Answered"]}
    async with (
        simulated() as simulator,
        polling(simulator, [wanted], catch_up_values=0) as feed,
    ):
        await feed.connect(None)
        first = await feed.receive()
        await passed(simulator, 3_500)
        await feed.connect(first.resume)
        gap = (await feed.receive()).gap
    assert gap is not None
    assert gap.since == max(one.observed_at for one in metrics(first.events))


async def test_a_wrong_name_is_told_once_with_the_nearest_spelling() -> None:
    wanted = {**QUEUE, "statistics": ["Total_Answred", "ServiceLevel"]}
    async with simulated() as simulator, polling(simulator, [wanted]) as feed:
        await feed.connect(None)
        first, second = await feed.receive(), await feed.receive()
        shown = feed.diagnostics()

    said = "queue Support has no statistic 'Total_Answred'; did you mean 'Total_Answered'?"
    assert (findings(first), findings(second)) == ([said], [])
    assert shown["findings"] == {"queue/9001/Total_Answred": said}


async def test_an_object_that_does_not_exist_takes_nothing_from_the_others() -> None:
    async with (
        simulated() as simulator,
        polling(simulator, [{"kind": "queue", "id": "404"}, QUEUE]) as feed,
    ):
        await feed.connect(None)
        first, second = await feed.receive(), await feed.receive()

    assert len(findings(first)) == 1
    assert findings(first)[0].startswith("queue 404: ")
    assert findings(second) == []
    assert len(metrics(first.events)) == 6


async def test_a_value_that_is_no_number_is_kept_and_told_once() -> None:
    async with simulated() as simulator:
        agent = simulator.world.agents["agent0001"]
        wanted = {"kind": "agent", "id": agent.id, "name": "a", "statistics": ["CurrentAgentState"]}
        async with polling(simulator, [wanted]) as feed:
            await feed.connect(None)
            delivery = await feed.receive()

    assert findings(delivery) == ["'CurrentAgentState' of agent a is no number"]
    (event,) = delivery.events
    assert event.data.native.payload == "WaitForNextCall"  # type: ignore[attr-defined]  # a vendor message has it


async def test_refused_credentials_and_a_server_that_went_away_are_told_apart() -> None:
    async with simulated() as simulator, polling(simulator, [QUEUE]) as feed:
        await feed.connect(None)
        await feed.receive()
        simulator.world.agents["agent0001"].password = "another"
        simulator._sessions.end_all(None)
        with pytest.raises(AuthRejected):
            await feed.receive()
        simulator.world.agents["agent0001"].password = "secret"
        await feed.connect(None)
        await simulator.stop()
        with pytest.raises(NotConnected) as caught:
            await feed.receive()

    assert caught.value.reason is Reason.REFUSED


async def test_a_session_that_expired_is_no_interruption() -> None:
    async with simulated() as simulator, polling(simulator, [QUEUE]) as feed:
        await feed.connect(None)
        await feed.receive()
        simulator._sessions.end_all(None)

        assert metrics((await feed.receive()).events)


async def test_a_resume_state_that_cannot_be_read_is_a_beginning() -> None:
    async with simulated() as simulator, polling(simulator, [QUEUE]) as feed:
        link = await feed.connect(b"\xff")

        assert not link.resumed
        assert metrics((await feed.receive()).events)


async def test_another_account_can_read_the_site() -> None:
    other = {"username": "agent0002", "password": "secret"}
    block = {"objects": [QUEUE]}
    async with (
        simulated(agents=2) as simulator,
        connected_to(simulator.url, statistics=block, site_account=other) as connector,
    ):
        await connector.feeds[-1].connect(None)
        users = {session.agent.username for session in simulator._sessions._sessions.values()}

    assert users == {"agent0002"}
    assert [feed.name for feed in connector.feeds] == ["gws/agent0001", "gws/site:statistics"]


def test_the_vendors_list_is_whole_and_raises_no_doubt() -> None:
    assert {kind: len(names) for kind, names in KNOWN.items()} == {
        "queue": 6,
        "skill": 7,
        "agent": 12,
    }
    assert not any(doubt(kind, name) for kind, names in KNOWN.items() for name in names)


async def test_the_probe_names_statistics_that_the_vendor_does_not_list() -> None:
    block = {"objects": [{**QUEUE, "statistics": ["CurrentInQueue"]}]}
    async with simulated() as simulator, connected_to(simulator.url, statistics=block) as connector:
        said = await connector.probe()

    assert "'CurrentInQueue' is no queue statistic" in said
    assert "did you mean 'Current_In_Queue'?" in said
