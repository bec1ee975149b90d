"""The whole connector against the simulated recorder: polls, commands, interruptions."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import pytest
from aiohttp import web

from connectors._simulation.faults import Fault, FaultKind
from connectors.incontact_wfo import feed as feed_module
from connectors.incontact_wfo import vendor
from connectors.incontact_wfo.connector import IncontactWfo
from connectors.incontact_wfo.mapping import decode_state, encode_state
from connectors.incontact_wfo.simulator import Simulator, SimulatorSettings
from gateway.commands import Status, Verb
from gateway.contracts import DirectoryKind
from gateway.errors import (
    AuthRejected,
    CommandRefused,
    CommandUncertain,
    ConfigError,
    NotReady,
    ProtocolViolation,
    Reason,
)
from gateway.events import Provenance
from tests.connectors.incontact_wfo.harness import (
    command,
    connected_to,
    decided,
    emit,
    simulated,
)
from tests.support.certificates import certificate
from tests.support.consumer import FeedConsumer, reference_of

PAUSE, RESUME = Verb.RECORDING_PAUSE, Verb.RECORDING_RESUME
START, STOP, TAG = Verb.RECORDING_START, Verb.RECORDING_STOP, Verb.RECORDING_TAG


async def polled_again(connector: IncontactWfo, consumer: FeedConsumer) -> None:
    """Wait until the recorder was looked at twice, so that one look began later than now."""
    poller = connector._feed._poller
    wanted = poller.polls + 2
    await consumer.until(lambda: poller.polls >= wanted, "polls")


async def test_a_call_and_its_recording_are_told_from_begin_to_end() -> None:
    async with (
        simulated() as recorder,
        connected_to(recorder.url) as connector,
        FeedConsumer(connector) as consumer,
    ):
        for action, verb in (
            ("begin", "call.connected"),
            ("record", "recording.started"),
            ("blackout", "recording.paused"),
            ("blackout_over", "recording.resumed"),
            ("hold", "call.held"),
            ("retrieve", "call.retrieved"),
            ("stop", "recording.stopped"),
            ("end", "call.ended"),
        ):
            (reference,) = await emit(recorder, action)
            event = await consumer.event(verb, agent="1", call="1-1")
            assert reference_of(event) == reference
            assert event.provenance is Provenance.POLLED
        assert consumer.verbs().count("recording.started") == 1
        assert consumer.gaps == []


async def test_what_the_site_does_by_itself_is_told_as_far_as_answers_showed_it() -> None:
    async with (
        simulated(events_per_second=60) as recorder,
        connected_to(recorder.url) as connector,
        FeedConsumer(connector) as consumer,
    ):
        await consumer.until(lambda: len(recorder.ledger) > 200, "lives")
        recorder.lives.stopped = True
        await polled_again(connector, consumer)
        shown = {one.id for one in recorder.ledger.since(0, 10_000) if one.resumable}
        await consumer.until(lambda: shown <= consumer.references(), "all that was shown")

        ids = [event.id for event in consumer.events]
        assert len(shown) > 30
        assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("kind", vendor.IDENTIFIERS)
async def test_an_agent_is_found_by_each_kind_of_identifier(kind: str) -> None:
    value = {
        "Id": "1",
        "CrmUsername": "crm-agent0001",
        "Phone": "4678",
        "SystemUsername": "SITE\\agent0001",
        "Username": "agent0001",
    }[kind]
    async with (
        simulated(on_call=(1,)) as recorder,
        connected_to(recorder.url) as connector,
        FeedConsumer(connector) as consumer,
    ):
        outcome = await decided(consumer, command(START, agent=value, identifier=kind))

        assert outcome.status is Status.DONE
        (sent,) = recorder.http.requests
        assert sent[1] == {"AgentIdentifier": kind, "Value": value}


async def test_each_command_is_proved_by_what_the_recorder_shows() -> None:
    async with (
        simulated(on_call=(1,)) as recorder,
        connected_to(recorder.url) as connector,
        FeedConsumer(connector) as consumer,
    ):
        for wanted, verb in (
            (command(START, agent="1"), "recording.started"),
            (command(TAG, device="4678", tags={"user2": 1234567890}), "recording.tagged"),
            (command(PAUSE, agent="1"), "recording.paused"),
            (command(RESUME, agent="1"), "recording.resumed"),
            (command(STOP, device="4678"), "recording.stopped"),
        ):
            outcome = await decided(consumer, wanted)
            assert outcome.status is Status.DONE, wanted.verb
            event = next(one for one in consumer.events if one.id == outcome.evidence)
            assert event.type == f"tieline.{verb}.v1"
            assert event.causationid == wanted.id
            assert event.confidence == "observed"
        (tagged,) = (e for e in consumer.events if e.type == "tieline.recording.tagged.v1")
        assert getattr(tagged.data, "tags") == {"user2": "1234567890"}  # noqa: B009 - any data


async def test_a_blackout_that_no_state_shows_is_told_by_the_recorders_word() -> None:
    """And the polls after it, which show what they showed before, do not take it back."""
    async with (
        simulated(on_call=(1,), blackout_shown=False) as recorder,
        connected_to(recorder.url) as connector,
        FeedConsumer(connector) as consumer,
    ):
        await decided(consumer, command(START, agent="1"))
        for wanted in (command(PAUSE, agent="1"), command(RESUME, agent="1")):
            outcome = await decided(consumer, wanted)
            assert outcome.status is Status.DONE
            event = next(one for one in consumer.events if one.id == outcome.evidence)
            assert event.confidence == "inferred"
            await polled_again(connector, consumer)
        recordings = [verb for verb in consumer.verbs() if verb.startswith("recording.")]
        assert recordings == ["recording.started", "recording.paused", "recording.resumed"]


async def test_commands_are_refused_while_what_came_of_earlier_ones_waits_for_the_journal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(feed_module, "MAX_WAITING", 3)
    async with (
        simulated(on_call=(1,)) as recorder,
        connected_to(recorder.url) as connector,
    ):
        feed = connector.feeds[0]
        await feed.connect(None)
        await feed.receive()
        await connector.execute(command(START, agent="1"))
        for wanted in (PAUSE, RESUME):
            assert (await connector.execute(command(wanted, agent="1"))).status is Status.ACCEPTED
        with pytest.raises(NotReady, match="waits for the journal") as refused:
            await connector.execute(command(PAUSE, agent="1"))
        assert refused.value.reason is Reason.RATE_LIMITED
        told = [event.type for event in (await feed.receive()).events]
        assert told == [f"tieline.recording.{verb}.v1" for verb in ("started", "paused", "resumed")]
        assert (await connector.execute(command(PAUSE, agent="1"))).status is Status.ACCEPTED


async def test_what_is_so_already_is_done() -> None:
    async with (
        simulated(on_call=(1,)) as recorder,
        connected_to(recorder.url) as connector,
        FeedConsumer(connector) as consumer,
    ):
        await decided(consumer, command(START, agent="1"))
        await consumer.event("recording.started")
        again = await connector.execute(command(START, agent="1"))
        assert (again.status, again.expectation) == (Status.DONE, None)
        await decided(consumer, command(TAG, agent="1", tags={"user2": "x"}))
        again = await connector.execute(command(TAG, agent="1", tags={"user2": "x"}))
        assert again.status is Status.DONE
        assert recorder.ledger.by_topic["recording"] == 1


async def test_a_command_about_a_call_goes_to_the_agent_who_has_it() -> None:
    async with (
        simulated(on_call=(1, 2)) as recorder,
        connected_to(recorder.url) as connector,
        FeedConsumer(connector) as consumer,
    ):
        await consumer.event("call.connected", call="2-2")
        outcome = await decided(consumer, command(START, call="2-2"))
        assert outcome.status is Status.DONE
        assert recorder.http.requests[0][1] == {"AgentIdentifier": "Id", "Value": "2"}


async def test_a_command_about_a_call_that_is_over_is_not_sent() -> None:
    """The recorder would act on whatever call the agent has now."""
    async with (
        simulated(on_call=(1,)) as recorder,
        connected_to(recorder.url, interval_seconds=3600) as connector,
        FeedConsumer(connector) as consumer,
    ):
        await consumer.event("call.connected", call="1-1")
        await emit(recorder, "begin")
        with pytest.raises(CommandRefused) as refused:
            await connector.execute(command(STOP, call="1-1"))
        with pytest.raises(CommandRefused):
            await connector.execute(command(STOP, call="no-such-call"))

        assert refused.value.reason is Reason.NOT_FOUND
        assert recorder.http.requests == []


@pytest.mark.parametrize("wanted", [START, STOP, TAG, PAUSE, RESUME])
async def test_404_is_a_refusal_that_names_its_three_meanings(wanted: Verb) -> None:
    arguments: dict[str, Any] = {"tags": {"user2": "x"}} if wanted is TAG else {}
    async with (
        simulated() as recorder,
        connected_to(recorder.url) as connector,
        FeedConsumer(connector),
    ):
        for agent in ("1", "9999"):  # without a call; not in the tracker
            outcome = await connector.execute(command(wanted, agent=agent, **arguments))
            assert (outcome.status, outcome.reason) == (Status.REFUSED, Reason.NOT_FOUND)
            assert outcome.message is not None
            for meaning in ("lacks a parameter", "not in the tracker", "nothing matched"):
                assert meaning in outcome.message
            assert agent in outcome.message


async def test_500_after_a_command_is_uncertain() -> None:
    async with (
        simulated(on_call=(1,)) as recorder,
        connected_to(recorder.url) as connector,
        FeedConsumer(connector) as consumer,
    ):
        await consumer.event("call.connected")
        fault = Fault(kind=FaultKind.SERVER_ERROR, target="rest", status=500, after_processing=True)
        recorder.commit(fault)
        with pytest.raises(CommandUncertain) as uncertain:
            await connector.execute(command(START, agent="1"))

        assert uncertain.value.reason is Reason.SERVER_ERROR
        event = await consumer.event("recording.started", agent="1")
        assert event.provenance is Provenance.POLLED


async def test_a_command_whose_answer_is_lost_is_uncertain() -> None:
    async with (
        simulated(on_call=(1,)) as recorder,
        connected_to(recorder.url) as connector,
        FeedConsumer(connector),
    ):
        recorder.commit(Fault(kind=FaultKind.DROP, target="rest", after_processing=True))
        with pytest.raises(CommandUncertain):
            await connector.execute(command(START, agent="1"))


async def test_without_a_connection_no_command_is_sent() -> None:
    async with simulated(on_call=(1,)) as recorder, connected_to(recorder.url) as connector:
        with pytest.raises(NotReady):
            await connector.execute(command(START, agent="1"))
        assert recorder.http.requests == []


async def test_a_restart_repeats_nothing_and_tells_what_changed() -> None:
    async with simulated() as recorder:
        async with connected_to(recorder.url) as connector, FeedConsumer(connector) as first:
            await emit(recorder, "begin")
            await emit(recorder, "record")
            await first.event("recording.started")
        await emit(recorder, "stop")
        async with (
            connected_to(recorder.url, interval_seconds=30) as connector,
            FeedConsumer(connector, first.resume) as second,
        ):
            await second.event("recording.stopped", agent="1")
            assert second.links == [True]
            assert second.verbs() == ["recording.stopped"]
            assert second.gaps == []


async def test_a_long_time_without_a_look_is_a_gap_and_reconciled() -> None:
    async with simulated() as recorder:
        async with connected_to(recorder.url) as connector, FeedConsumer(connector) as first:
            await emit(recorder, "begin")
            await first.event("call.connected")
        await emit(recorder, "end")
        state = decode_state(first.resume)
        assert state is not None
        assert state.polled_at is not None
        state.polled_at -= timedelta(hours=1)
        async with (
            connected_to(recorder.url, interval_seconds=10) as connector,
            FeedConsumer(connector, encode_state(state)) as second,
        ):
            ended = await second.event("call.ended", agent="1")
            assert ended.provenance is Provenance.RECONCILED
            (gap,) = second.gaps
            assert (gap.reason, gap.since) == ("not_polled", state.polled_at)


async def test_a_new_connection_of_the_same_process_knows_when_it_looked_last() -> None:
    """Looks that showed nothing new are written down once a minute only, and are looks all the same."""
    async with simulated(on_call=(1,)) as recorder, connected_to(recorder.url) as connector:
        mapper = connector._feed.mapper
        async with FeedConsumer(connector) as consumer:
            await consumer.event("call.connected")
            kept = decode_state(consumer.resume)
            assert kept is not None
            written = kept.polled_at
            await consumer.until(
                lambda: written and mapper.state.polled_at and mapper.state.polled_at > written,
                "looks that are not written down",
            )
        looked_at = mapper.state.polled_at
        await connector._feed.connect(consumer.resume)

        assert mapper.state.polled_at == looked_at


async def test_agents_can_be_asked_for_one_by_one() -> None:
    """For servers without GetAll; who is not in the tracker is no error."""
    wanted = [{"identifier": "Phone", "value": 4678}, {"value": "9999"}]
    async with (
        simulated(get_all=False, agents=2) as recorder,
        connected_to(recorder.url, agents=wanted) as connector,
        FeedConsumer(connector) as consumer,
    ):
        await emit(recorder, "begin", agent=1)
        await emit(recorder, "begin", agent=2)
        await consumer.event("call.connected", agent="1")
        await emit(recorder, "vanish", agent=1)
        ended = await consumer.event("call.ended", agent="1")

        assert ended.confidence == "inferred"
        assert consumer.verbs().count("call.connected") == 1


async def test_a_404_to_everybody_ends_only_calls_of_agents_who_are_gone_for_certain() -> None:
    """It may be an empty tracker as well as a server that has no GetAll."""
    async with simulated(on_call=(1, 2)) as recorder:
        async with connected_to(recorder.url) as connector, FeedConsumer(connector) as first:
            await first.event("call.connected", agent="2")
        object.__setattr__(recorder.world, "settings", type(recorder.settings)(get_all=False))
        await emit(recorder, "vanish", agent=1)
        async with (
            connected_to(recorder.url) as connector,
            FeedConsumer(connector, first.resume) as second,
        ):
            await second.event("call.ended", agent="1")
            message = await second.event("vendor.message")
            assert "tracker is empty" in getattr(message.data, "why")  # noqa: B009 - any data
            assert "call.ended" not in [
                verb for verb, e in zip(second.verbs(), second.events, strict=True)
                if getattr(e.data, "agent", None) == "2"
            ]  # fmt: skip


@pytest.mark.parametrize("form", ["text", "shape"])
async def test_garbage_ends_no_call_and_the_feed_goes_on(form: Literal["text", "shape"]) -> None:
    async with (
        simulated(on_call=(1,)) as recorder,
        connected_to(recorder.url) as connector,
        FeedConsumer(connector) as consumer,
    ):
        await consumer.event("call.connected")
        for _ in range(4):
            recorder.commit(Fault(kind=FaultKind.GARBAGE, form=form))
            await polled_again(connector, consumer)
        await emit(recorder, "record")
        await consumer.event("recording.started")

        assert "call.ended" not in consumer.verbs()
        assert all(isinstance(error, ProtocolViolation) for error in consumer.errors)


async def test_refused_credentials_are_told_from_a_busy_recorder() -> None:
    async with simulated(username="tieline", password="right") as recorder:
        for settings in ({}, {"username": "tieline", "password": "hidden-one"}):
            async with connected_to(recorder.url, **settings) as connector:
                with pytest.raises(AuthRejected) as refused:
                    await connector.feeds[0].connect(None)
                assert "hidden-one" not in repr(refused.value) + str(connector.diagnostics())
        async with connected_to(recorder.url, username="tieline", password="right") as connector:
            await connector.feeds[0].connect(None)
            recorder.commit(Fault(kind=FaultKind.SERVER_ERROR, status=503, times=1))
            with pytest.raises(NotReady) as busy:
                await connector.feeds[0].connect(None)
            assert busy.value.reason is Reason.SERVER_ERROR


async def test_a_recorder_that_asks_for_fewer_polls_gets_fewer() -> None:
    async with (
        simulated() as recorder,
        connected_to(recorder.url) as connector,
        FeedConsumer(connector) as consumer,
    ):
        recorder.commit(Fault(kind=FaultKind.RATE_LIMITED, times=1))
        await consumer.until(lambda: connector._feed._poller.put_off, "a poll is put off")
        await emit(recorder, "begin")
        await consumer.event("call.connected")
        assert consumer.errors == []


async def test_the_tracker_is_the_directory_of_agents_and_its_changes_are_told() -> None:
    async with (
        simulated(agents=2) as recorder,
        connected_to(recorder.url) as connector,
        FeedConsumer(connector) as consumer,
    ):
        listing = await connector.read_directory(DirectoryKind.AGENTS)
        assert [entry.name for entry in listing.entries] == ["agent0001", "agent0002"]
        assert listing.entries[0].details["Phone"] == "4678"
        await consumer.until(lambda: connector._feed.mapper.agents == 2, "a whole reading")
        await emit(recorder, "vanish", agent=2)
        await consumer.event("directory.changed", changed=["2"])


async def test_a_probe_says_what_it_found() -> None:
    async with simulated(on_call=(1,), agents=3) as recorder:
        async with connected_to(recorder.url) as connector:
            assert "3 agents in the tracker, 1 on a call" in await connector.probe()
        async with connected_to(recorder.url, agents=[{"value": "9"}]) as connector:
            assert "'9' is not in the tracker" in await connector.probe()


@asynccontextmanager
async def behind_tls(folder: Path) -> AsyncIterator[tuple[str, Path]]:
    """A recorder with a certificate of its own: its address, and the file that makes it trusted."""
    path, _ = certificate(folder)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(path)
    app = Simulator(SimulatorSettings(events_per_second=0, agents=2)).app
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    try:
        yield f"https://127.0.0.1:{runner.addresses[0][1]}", path
    finally:
        await runner.cleanup()


async def test_a_recorder_with_its_own_certificate_is_trusted_by_its_file_only(
    tmp_path: Path,
) -> None:
    async with behind_tls(tmp_path) as (url, path):
        async with connected_to(url, ca_file=str(path)) as connector:
            assert "2 agents" in await connector.probe()
        async with connected_to(url) as connector:
            with pytest.raises(NotReady) as refused:
                await connector.probe()
    assert refused.value.reason is Reason.TLS


async def test_a_certificate_file_that_is_none_is_a_mistake_in_the_settings() -> None:
    with pytest.raises(ConfigError, match="ca_file"):
        async with connected_to("https://recorder.example.com", ca_file="/nonexistent/ca.pem"):
            pass
