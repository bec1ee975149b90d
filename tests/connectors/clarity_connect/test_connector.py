"""The whole connector against the simulator: feed, gaps, commands."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from structlog.testing import capture_logs

from connectors._simulation.faults import Fault, FaultKind
from connectors.clarity_connect._simulated.model import Agent, Queue
from connectors.clarity_connect.client import Answer
from connectors.clarity_connect.simulator import Simulator
from connectors.clarity_connect.vendor import STATUS_IDS
from gateway.commands import Status, Verb
from gateway.errors import CommandRefused, CommandUncertain, NotReady
from gateway.events import Event, Provenance
from tests.connectors.clarity_connect.harness import (
    Consumer,
    connected_to,
    emit,
    published,
    simulated,
)

TRANSPORTS = ("webSockets", "serverSentEvents", "longPolling")
AGENT = "agent0001"


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_everything_that_is_published_is_told(transport: str) -> None:
    async with (
        simulated(events_per_second=150) as simulator,
        connected_to(simulator.url, transports=[transport]) as connector,
        Consumer(connector) as consumer,
    ):
        await consumer.until(lambda: len(published(simulator)) > 300, "lives")
        simulator.lives.stopped = True
        seen = published(simulator)
        await consumer.until(lambda: seen <= consumer.references(), "all that was published")

        assert consumer.gaps == []
        ids = [event.id for event in consumer.events]
        assert len(set(ids)) == len(ids)
        assert {"agent.state.snapshot", "queue.metrics.observed"} <= set(consumer.verbs())


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_killed_process_goes_on_and_loses_nothing(transport: str) -> None:
    async with simulated(events_per_second=150) as simulator:
        async with (
            connected_to(simulator.url, transports=[transport]) as connector,
            Consumer(connector) as first,
        ):
            await first.until(lambda: len(first.events) > 100, "some events")
        before = len(published(simulator))
        async with (
            connected_to(simulator.url, transports=[transport]) as connector,
            Consumer(connector, first.resume) as second,
        ):
            assert second.links == [True]
            await second.until(lambda: len(published(simulator)) > before + 100, "more lives")
            seen = published(simulator)
            await second.until(
                lambda: seen <= first.references() | second.references(), "all that was published"
            )
            assert second.gaps == []


async def test_a_planned_stop_drains_and_the_next_start_resumes() -> None:
    async with simulated(events_per_second=100) as simulator:
        async with connected_to(simulator.url) as connector:
            feed = connector.feeds[0]
            await feed.connect(None)
            await feed.receive()
            last = await feed.drain()
            assert last is not None
            await feed.close()
        async with connected_to(simulator.url) as connector:
            assert (await connector.feeds[0].connect(last.resume)).resumed


async def test_a_server_restart_is_one_gap_and_the_state_is_reconciled() -> None:
    async with (
        simulated() as simulator,
        connected_to(simulator.url) as connector,
        Consumer(connector) as consumer,
    ):
        await emit(simulator, "status", agent=AGENT, status="available")
        await consumer.event("agent.state.changed", agent="101", native_state="available")
        simulator.commit(Fault(kind=FaultKind.SERVER_RESTART))
        await emit(simulator, "status", agent=AGENT, status="atLunch")
        event = await consumer.event("agent.state.changed", agent="101", native_state="atLunch")
        await emit(simulator, "status", agent=AGENT, status="available")
        await consumer.until(
            lambda: [
                e.data.native_state for e in consumer.events
                if e.type == "tieline.agent.state.changed.v1" and e.data.agent == "101"
            ][-1] == "available",
            "the new connection is subscribed",
        )  # fmt: skip

        assert [gap.reason for gap in consumer.gaps] == ["server_restarted"]
        assert event.provenance in {"reconciled", "live"}


async def test_a_ring_overflow_is_one_gap_with_what_is_missing() -> None:
    async with (
        simulated(events_per_second=20) as simulator,
        connected_to(simulator.url) as connector,
        Consumer(connector) as consumer,
    ):
        await consumer.until(lambda: len(consumer.events) > 30, "some events")
        simulator.commit(Fault(kind=FaultKind.RING_OVERFLOW))
        await consumer.until(lambda: consumer.gaps, "a gap")
        count = len(consumer.events)
        await consumer.until(lambda: len(consumer.events) > count + 10, "it goes on")

        (gap,) = consumer.gaps
        assert gap.reason == "buffer_full"
        assert gap.unrecovered


async def test_garbage_is_kept_and_the_feed_goes_on() -> None:
    async with (
        simulated() as simulator,
        connected_to(simulator.url) as connector,
        Consumer(connector) as consumer,
    ):
        await emit(simulator, "message", method="onSurprise", data={"x": [1]})
        event = await consumer.event("vendor.message")
        await emit(simulator, "status", agent=AGENT, status="atLunch")
        await consumer.event("agent.state.changed", agent="101", native_state="atLunch")

        assert "first sight" in event.data.why  # type: ignore[attr-defined] - a vendor message
        assert connector.diagnostics()["unmapped_methods"] == {"metricsHub.onSurprise": 1}


async def test_the_first_sight_of_each_unmapped_method_is_logged_once() -> None:
    """With its name and what to do; a mapped one is no news."""
    with capture_logs() as logged:
        async with (
            simulated() as simulator,
            connected_to(simulator.url) as connector,
            Consumer(connector) as consumer,
        ):
            for method in ("onSurprise", "onSurprise", "onOther"):
                await emit(simulator, "message", method=method, data={"x": 1})
            await consumer.event("vendor.message", topic="metricsHub.onOther")

    said = [entry for entry in logged if entry["event"] == "first sight of a client method"]
    assert [entry["method"] for entry in said] == ["metricsHub.onSurprise", "metricsHub.onOther"]
    assert all("methods" in entry["hint"] for entry in said)


async def test_a_call_is_told_from_arrival_to_end() -> None:
    async with (
        simulated() as simulator,
        connected_to(simulator.url) as connector,
        Consumer(connector) as consumer,
    ):
        await emit(simulator, "status", agent=AGENT, status="available")
        await emit(simulator, "incoming")
        await emit(simulator, "offer", agent=AGENT)
        await emit(simulator, "answer", agent=AGENT)
        await emit(simulator, "record", agent=AGENT)
        await emit(simulator, "whisper_join", agent=AGENT)
        await emit(simulator, "finish", agent=AGENT)
        await emit(simulator, "complete", agent=AGENT)
        for verb in ("call.queued", "call.offered", "call.connected", "recording.started",
                     "supervision.started", "call.ended"):  # fmt: skip
            await consumer.event(verb)


async def test_an_alert_is_raised_and_cleared() -> None:
    async with (
        simulated(alert_threshold=1) as simulator,
        connected_to(simulator.url) as connector,
        Consumer(connector) as consumer,
    ):
        told = await emit(simulator, "incoming", queue=2)
        await consumer.event("alert.raised", about="queue/2")
        await emit(simulator, "abandon", session=told["session"])
        await consumer.event("alert.cleared", about="queue/2")


async def test_a_refused_subscription_is_told_and_the_others_go_on() -> None:
    wanted = [
        {"name": "nobody", "to": "agents", "agent_ids": [9999]},
        {"name": "queues", "to": "queues"},
    ]
    async with (
        simulated() as simulator,
        connected_to(simulator.url, subscriptions=wanted) as connector,
        Consumer(connector) as consumer,
    ):
        event = await consumer.event("vendor.message", topic="nobody")
        await consumer.event("queue.metrics.observed")

        assert "refused" in event.data.why  # type: ignore[attr-defined] - a vendor message
        assert list(connector.diagnostics()["refused_subscriptions"]) == ["nobody"]


@pytest.mark.parametrize("answer", ["object", "string", "none"])
async def test_any_answer_to_a_subscription_will_do(answer: str) -> None:
    async with (
        simulated(subscription_answer=answer) as simulator,
        connected_to(simulator.url) as connector,
        Consumer(connector) as consumer,
    ):
        await consumer.event("queue.metrics.observed")


async def test_sums_are_told_under_the_name_of_the_subscription() -> None:
    wanted = [
        {"name": "floor", "to": "agents", "sum_by": "aggregate", "agent_ids": [101, 102]},
        {"name": "teams", "to": "queues", "sum_by": "group", "team_ids": [1]},
    ]
    async with (
        simulated() as simulator,
        connected_to(simulator.url, subscriptions=wanted) as connector,
        Consumer(connector) as consumer,
    ):
        events = await consumer.until(
            lambda: len([v for v in consumer.verbs() if v == "group.metrics.observed"]) > 1, "sums"
        )

        assert events
        found = {e.subject for e in consumer.events if "group.metrics" in e.type}
        assert found == {"group/floor", "group/team:1:queues"}


async def test_a_changed_subscription_is_updated_on_the_kept_connection() -> None:
    """It keeps its id if it is to the same; what it leads to is told under its name."""
    first = [{"name": "a", "to": "queues", "queue_ids": [1]}]
    second = [{"name": "a", "to": "queues", "queue_ids": [2], "modalities": ["audio"]}]
    third = [{"name": "a", "to": "agents", "agent_ids": [101]}]
    async with simulated() as simulator:
        async with (
            connected_to(simulator.url, subscriptions=first) as connector,
            Consumer(connector) as consumer,
        ):
            await consumer.event("queue.metrics.observed")
        (number,) = simulator.subscriptions.all
        async with (
            connected_to(simulator.url, subscriptions=second) as connector,
            Consumer(connector, consumer.resume) as again,
        ):
            await again.until(lambda: [e for e in again.events if e.subject == "queue/2"], "it")
            assert again.links == [True]
        assert list(simulator.subscriptions.all) == [number]
        async with (
            connected_to(simulator.url, subscriptions=third) as connector,
            Consumer(connector, again.resume) as last,
        ):
            await last.event("agent.state.snapshot", agent="101")
            assert last.links == [True]
        (left,) = simulator.subscriptions.all
        assert left != number


async def test_a_subscription_that_the_settings_have_no_more_is_deleted() -> None:
    first = [{"name": "a", "to": "queues"}, {"name": "b", "to": "agents"}]
    second = [{"name": "a", "to": "queues", "queue_ids": [1]}]
    async with simulated() as simulator:
        async with (
            connected_to(simulator.url, subscriptions=first) as connector,
            Consumer(connector) as consumer,
        ):
            await consumer.event("queue.metrics.observed")
        assert len(simulator.subscriptions.all) == 2
        async with (
            connected_to(simulator.url, subscriptions=second) as connector,
            Consumer(connector, consumer.resume) as again,
        ):
            assert again.links == [True]
            (left,) = simulator.subscriptions.all.values()
            assert [part.ids for part in left.parts] == [(1,)]


async def test_agents_and_queues_that_come_and_go_are_followed() -> None:
    """On the connection that is up: the platform tells of nobody who was not subscribed to."""
    wanted = [
        {"name": "agents", "to": "agents"},
        {"name": "queues", "to": "queues"},
        {"name": "all", "to": "agents", "sum_by": "aggregate"},
    ]
    async with (
        simulated() as simulator,
        connected_to(simulator.url, subscriptions=wanted, structure_seconds=0.2) as connector,
        Consumer(connector) as consumer,
    ):
        await consumer.event("queue.metrics.observed")
        world = simulator.world
        world.agents[500] = Agent(500, "newcomer", "Newcomer", 1)
        world.queues[9] = Queue(9, "New queue", 1, (1,))
        await consumer.event("agent.state.snapshot", agent="500")
        await consumer.until(
            lambda: [e for e in consumer.events if e.subject == "queue/9"], "the queue's figures"
        )
        gone = world.agents.pop(110)

        def ids_of(mode: str) -> list[int]:
            made = [one for one in simulator.subscriptions.all.values() if one.mode == mode]
            return [
                each
                for one in made
                if one.kind == "agent"
                for part in one.parts
                for each in part.ids
            ]

        await consumer.until(lambda: gone.id not in ids_of("") + ids_of("Aggregate"), "its end")
        assert 500 in ids_of("")
        assert 500 in ids_of("Aggregate")
        assert consumer.links == [False]
        assert consumer.gaps == []


@pytest.mark.parametrize("batches", [True, False])
async def test_sessions_that_were_told_are_asked_for_many_at_once(*, batches: bool) -> None:
    """One that the platform does not show any more is over for us; servers without batches are asked one by one."""
    async with (
        simulated() as simulator,
        connected_to(simulator.url) as connector,
        Consumer(connector) as consumer,
    ):
        await consumer.event("queue.metrics.observed")
        told = await emit(simulator, "incoming")
        session = str(told["session"])
        await consumer.event("call.queued", call=session)
        subscriber = connector._feed._subscriber
        if not batches:
            request = connector._feed.api.request

            async def without(method: str, path: str, body: object = None) -> Answer:
                return Answer(404, None) if path == "v2/" else await request(method, path, body)

            connector._feed.api.request = without  # type: ignore[method-assign]  # a server without batches
        reading = await subscriber.read([session, *map(str, range(1, 120))])

        assert reading.sessions.pop(session)["sessionId"] == int(session)
        assert list(reading.sessions.values()) == [{}] * 119


async def test_a_structure_that_cannot_be_read_ends_no_feed() -> None:
    """It is asked again; meanwhile the diagnostics say so."""
    async with (
        simulated() as simulator,
        connected_to(simulator.url, structure_seconds=0.1) as connector,
        Consumer(connector) as consumer,
    ):
        await consumer.event("queue.metrics.observed")
        simulator.commit(Fault(kind=FaultKind.SERVER_ERROR, target="rest", status=503, times=3))
        await consumer.until(lambda: connector.diagnostics()["structure_not_read"], "the reason")
        await consumer.until(lambda: not connector.diagnostics()["structure_not_read"], "its end")
        assert consumer.links == [False]


async def test_a_status_is_confirmed_by_the_feed() -> None:
    async with (
        simulated() as simulator,
        connected_to(simulator.url) as connector,
        Consumer(connector) as consumer,
    ):
        await emit(simulator, "status", agent=AGENT, status="available")
        await consumer.event("agent.state.changed", agent="101", native_state="available")
        for verb, arguments in (
            (Verb.AGENT_SET_STATE, {"state": "not_ready", "reason": "At Lunch"}),
            (Verb.AGENT_SET_STATE, {"state": "ready"}),
            (Verb.AGENT_SET_SUSPENDED, {"suspended": True}),
            (Verb.AGENT_SET_SUSPENDED, {"suspended": False}),
        ):
            since = len(consumer.events)
            outcome = await consumer.execute(verb, agent="101", **arguments)
            assert (await consumer.verdict(outcome, since=since)).status is Status.DONE


async def answered(simulator: Simulator, consumer: Consumer) -> str:
    await emit(simulator, "status", agent=AGENT, status="available")
    await emit(simulator, "incoming")
    await emit(simulator, "offer", agent=AGENT)
    told = await emit(simulator, "answer", agent=AGENT)
    session = str(told["session"])
    await consumer.event("call.connected", call=session)
    return session


async def test_recording_is_confirmed() -> None:
    async with (
        simulated() as simulator,
        connected_to(simulator.url) as connector,
        Consumer(connector) as consumer,
    ):
        session = await answered(simulator, consumer)

        assert (await consumer.execute(Verb.RECORDING_START, agent="101")).status is Status.DONE
        await consumer.event("recording.started", call=session)
        assert (await consumer.execute(Verb.RECORDING_STOP, agent="101")).status is Status.DONE
        await consumer.event("recording.stopped", call=session)


async def test_changes_of_a_session_are_proved_by_reading_it() -> None:
    async with (
        simulated() as simulator,
        connected_to(simulator.url) as connector,
        Consumer(connector) as consumer,
    ):
        session = await answered(simulator, consumer)
        for verb, arguments in (
            (Verb.CALL_ADD_NOTE, {"note": "locked out"}),
            (Verb.CALL_SET_DISPOSITION, {"disposition": 4, "sub_disposition": 8}),
            (Verb.CALL_ATTACH_DATA, {"data": {"Priority": 1, "Subject": "x"}}),
        ):
            outcome = await consumer.execute(verb, call=session, **arguments)
            assert outcome.status is Status.DONE, outcome
        assert simulator.world.sessions[int(session)].note == "locked out"


async def test_a_logout_is_confirmed_by_the_end_of_the_session() -> None:
    async with (
        simulated() as simulator,
        connected_to(simulator.url) as connector,
        Consumer(connector) as consumer,
    ):
        await answered(simulator, consumer)
        since = len(consumer.events)
        outcome = await consumer.execute(Verb.AGENT_LOGOUT, agent="101")

        assert (await consumer.verdict(outcome, since=since)).status is Status.DONE


async def test_commands_are_refused_with_reasons() -> None:
    async with (
        simulated() as simulator,
        connected_to(simulator.url) as connector,
        Consumer(connector) as consumer,
    ):
        unknown = await consumer.execute(Verb.RECORDING_START, agent="9999")
        assert unknown.status is Status.REFUSED
        with pytest.raises(CommandRefused):
            await consumer.execute(Verb.AGENT_SET_STATE, agent="101", reason="nowhere")


async def test_a_command_whose_answer_is_lost_is_uncertain() -> None:
    """It may have been carried out, and is not sent again."""
    async with (
        simulated() as simulator,
        connected_to(simulator.url) as connector,
        Consumer(connector) as consumer,
    ):
        await emit(simulator, "status", agent=AGENT, status="available")
        await consumer.event("agent.state.changed", agent="101", native_state="available")
        drop = Fault(kind=FaultKind.DROP, target="rest", after_processing=True, times=1)
        simulator.commit(drop)

        with pytest.raises(CommandUncertain):
            await consumer.execute(Verb.AGENT_SET_STATE, agent="101", status="atLunch")
        await consumer.event("agent.state.changed", agent="101", native_state="atLunch")


async def test_a_busy_server_is_not_ready() -> None:
    async with simulated() as simulator, connected_to(simulator.url) as connector:
        simulator.commit(Fault(kind=FaultKind.SERVER_ERROR, status=503, times=10))

        with pytest.raises(NotReady):
            await connector.feeds[0].connect(None)


async def test_a_command_without_a_feed_is_not_sent() -> None:
    async with simulated() as simulator, connected_to(simulator.url) as connector:
        consumer = Consumer(connector)
        with pytest.raises(NotReady):
            await consumer.execute(Verb.RECORDING_START, agent="101")


async def test_a_resume_state_that_cannot_be_read_is_a_gap() -> None:
    async with (
        simulated() as simulator,
        connected_to(simulator.url) as connector,
        Consumer(connector, b"\x00") as consumer,
    ):
        await consumer.until(lambda: consumer.gaps, "a gap")

        assert consumer.gaps[0].reason == "corrupt"


async def test_what_surprised_is_read_by_itself() -> None:
    """One agent and one call instead of the site; a call that the platform has no more is over."""
    async with (
        simulated() as simulator,
        connected_to(simulator.url) as connector,
        Consumer(connector) as consumer,
    ):
        await consumer.event("agent.state.snapshot", agent="102")
        await consumer.event("queue.metrics.observed")
        for number in (101, 102):
            # Changed behind the feed's back: nobody is told.
            simulator.world.agents[number].status_id = STATUS_IDS["atLunch"]

        def changed(events: Sequence[Event]) -> set[str]:
            assert {event.provenance for event in events} <= {Provenance.RECONCILED}
            return {event.subject for event in events if event.type.endswith("state.changed.v1")}

        feed = connector.feeds[0]
        some = {"agent/101", "queue/1", "call/999"}
        assert changed(await connector.snapshot_of(feed, some)) == {"agent/101"}
        assert changed(await connector.snapshot(feed)) == {"agent/102"}
