"""Every command against the simulator: sent over real sockets, decided by the event that it leads to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from connectors.genesys_engage_cloud.feed_workspace import WorkspaceFeed
from connectors.genesys_engage_cloud.simulator import Simulator
from gateway.commands import Status, Verb
from gateway.errors import CommandRefused, NotConnected
from gateway.events.calls import Call
from gateway.events.interactions import Interaction
from gateway.states import AgentState
from tests.connectors.genesys_engage_cloud.harness import (
    WAIT_SECONDS,
    Consumer,
    connected_to,
    simulated,
)
from tests.support.attachments import Uploads
from tests.support.waiting import until

NUMBER = "5550100"
OTHER = "5550111"


@asynccontextmanager
async def desk(
    *, connector: dict[str, Any] | None = None, **settings: Any
) -> AsyncIterator[tuple[Simulator, Consumer]]:
    """One agent with active channels, nothing else."""
    async with (
        simulated(ack=True, **settings) as simulator,
        connected_to(simulator.url, observe_only=False, **(connector or {})) as connected,
        Consumer(connected) as consumer,
    ):
        await consumer.until(lambda: _active(consumer), "active channels")
        yield simulator, consumer


def _active(consumer: Consumer) -> bool:
    assert isinstance(consumer.feed, WorkspaceFeed)
    picture = consumer.feed._mapper.picture
    parts = [*picture.devices.values(), *picture.channels.values()]
    return len(parts) == 5 and all(part.readiness.state is AgentState.NOT_READY for part in parts)


async def dialled(consumer: Consumer, number: str = NUMBER) -> str:
    """A connected call."""
    since = len(consumer.events)
    await consumer.done(Verb.CALL_DIAL, destination=number)
    call = await _call(consumer, since, "call.initiated")
    await consumer.event("call.connected", call=call)
    return call


async def _call(consumer: Consumer, since: int, verb: str) -> str:
    def find() -> str | None:
        for event in consumer.events[since:]:
            if event.type == f"tieline.{verb}.v1" and isinstance(event.data, Call):
                return event.data.call
        return None

    found: str = await consumer.until(find, verb)
    return found


async def offered(simulator: Simulator, consumer: Consumer, media: str) -> str:
    """An interaction that is offered to the agent."""
    since = len(consumer.events)
    simulator.media.invite(simulator.world.agents["agent0001"], media, commanded=True)

    def find() -> str | None:
        for event in consumer.events[since:]:
            if event.type == "tieline.interaction.offered.v1":
                assert isinstance(event.data, Interaction)
                return event.data.interaction
        return None

    found: str = await consumer.until(find, "an offer")
    return found


@pytest.mark.parametrize(
    ("verb", "arguments"),
    [
        (Verb.AGENT_SET_STATE, {"state": "ready"}),
        (Verb.AGENT_SET_STATE, {"state": "not_ready", "reason": "lunch"}),
        (Verb.AGENT_SET_STATE, {"state": "after_contact"}),
        (Verb.AGENT_SET_STATE, {"state": "not_ready", "work_mode": "WalkAway"}),
        (Verb.AGENT_SET_STATE, {"state": "ready", "media": "chat"}),
        (Verb.AGENT_SET_STATE, {"state": "ready", "media": "all"}),
        (Verb.AGENT_SET_STATE, {"state": "logged_off", "media": "email"}),
        (Verb.AGENT_LOGIN, {}),
        (Verb.AGENT_LOGIN, {"channels": ["chat"]}),
        (Verb.AGENT_LOGOUT, {}),
        (Verb.AGENT_LOGOUT, {"media": "chat"}),
        (Verb.AGENT_LOGOUT, {"media": "all"}),
        (Verb.AGENT_SET_DO_NOT_DISTURB, {"on": True}),
        (Verb.AGENT_SET_DO_NOT_DISTURB, {"on": False}),
        (Verb.AGENT_SET_DO_NOT_DISTURB, {"on": True, "scope": "media"}),
        (Verb.AGENT_FORWARD, {"destination": OTHER}),
        (Verb.AGENT_CANCEL_FORWARD, {}),
        (Verb.AGENT_SEND_USER_EVENT, {"data": {"Topic": "fire drill"}}),
    ],
)
async def test_a_command_to_an_agent_is_confirmed(verb: Verb, arguments: dict[str, Any]) -> None:
    async with desk() as (_, consumer):
        verdict = await consumer.done(verb, **arguments)

    assert verdict.status is Status.DONE


async def test_a_call_is_held_retrieved_recorded_and_released() -> None:
    async with desk() as (_, consumer):
        call = await dialled(consumer)
        for verb, arguments in (
            (Verb.CALL_HOLD, {}),
            (Verb.CALL_RETRIEVE, {}),
            (Verb.CALL_SEND_DTMF, {"digits": "12#"}),
            (Verb.CALL_ATTACH_DATA, {"data": {"Segment": "gold", "Case": {"Id": 7}}}),
            (Verb.CALL_ATTACH_DATA, {"data": {"Segment": "silver"}, "mode": "replace"}),
            (Verb.CALL_DELETE_DATA, {"keys": ["Segment", "Case"]}),
            (Verb.RECORDING_START, {}),
            (Verb.RECORDING_PAUSE, {}),
            (Verb.RECORDING_RESUME, {}),
            (Verb.RECORDING_STOP, {}),
            (Verb.CALL_HANG_UP, {}),
        ):
            verdict = await consumer.done(verb, call=call, **arguments)
            assert verdict.status is Status.DONE, verb

    assert not any(event.anomaly for event in consumer.events)
    assert "vendor.message" not in consumer.verbs()


async def test_the_phone_is_logged_in_again_without_activating_channels() -> None:
    async with desk() as (_, consumer):
        await consumer.done(Verb.AGENT_LOGOUT)
        verdict = await consumer.done(Verb.AGENT_LOGIN, media="voice")

    assert verdict.status is Status.DONE


async def test_an_event_for_other_programs_about_a_call_is_told_as_its_data() -> None:
    async with desk() as (_, consumer):
        call = await dialled(consumer)
        verdict = await consumer.done(
            Verb.AGENT_SEND_USER_EVENT, call=call, data={"Segment": "gold"}
        )
        told = next(event for event in consumer.events if event.id == verdict.evidence)

    assert (told.type, told.subject) == ("tieline.call.data.changed.v1", f"call/{call}")
    assert told.data.values == {"Segment": "gold"}  # type: ignore[attr-defined]  # data of a call


async def test_a_released_call_is_completed_where_the_platform_waits_for_it() -> None:
    async with desk(auto_complete_calls=False) as (_, consumer):
        call = await dialled(consumer)
        await consumer.done(Verb.CALL_HANG_UP, call=call)
        verdict = await consumer.done(Verb.CALL_COMPLETE, call=call, data={"Result": "sold"})

    assert verdict.status is Status.DONE
    assert consumer.verbs().count("call.ended") == 1


async def test_a_supervisor_sets_the_state_of_another_agent_whose_feed_tells_it() -> None:
    async with (
        simulated(ack=True) as simulator,
        connected_to(simulator.url, agents=2, observe_only=False) as connector,
        Consumer(connector) as supervisor,
        Consumer(connector, number=1) as other,
    ):
        await other.until(lambda: _active(other), "active channels")
        since = len(other.events)
        outcome = await supervisor.execute(
            Verb.AGENT_SET_STATE, state="not_ready", reason="lunch", user="agent0002"
        )
        verdict = await other.verdict(outcome, since=since)

    assert verdict.status is Status.DONE


async def test_an_offered_call_is_answered_and_cleared() -> None:
    async with desk() as (simulator, consumer):
        simulator.telephony.incoming(simulator.world.agents["agent0001"], commanded=True)
        call = await _call(consumer, 0, "call.offered")

        assert (await consumer.done(Verb.CALL_ANSWER, call=call)).status is Status.DONE
        ended = await consumer.done(Verb.CALL_HANG_UP, call=call, everyone=True)

    assert ended.status is Status.DONE


async def test_a_blind_transfer_is_told_as_one() -> None:
    async with desk() as (_, consumer):
        call = await dialled(consumer)
        verdict = await consumer.done(Verb.CALL_TRANSFER, call=call, destination=OTHER)
        transferred = await consumer.event("call.transferred", call=call)

    assert verdict.status is Status.DONE
    assert verdict.evidence == transferred.id


async def test_a_ringing_call_is_redirected() -> None:
    async with desk() as (simulator, consumer):
        simulator.telephony.incoming(simulator.world.agents["agent0001"], commanded=True)
        call = await _call(consumer, 0, "call.offered")
        verdict = await consumer.done(Verb.CALL_TRANSFER, call=call, destination=OTHER)

    assert verdict.status is Status.DONE


@pytest.mark.parametrize(
    ("begin", "end", "proof"),
    [
        (Verb.CALL_TRANSFER, Verb.CALL_COMPLETE_TRANSFER, "call.transferred"),
        (Verb.CALL_CONFERENCE, Verb.CALL_COMPLETE_CONFERENCE, "call.conferenced"),
    ],
)
async def test_a_consultation_is_completed(begin: Verb, end: Verb, proof: str) -> None:
    async with desk() as (_, consumer):
        call = await dialled(consumer)
        since = len(consumer.events)
        begun = await consumer.done(begin, call=call, destination=OTHER, mode="consult")
        consult = await _call(consumer, since, "call.initiated")
        await consumer.event("call.connected", call=consult)
        ended = await consumer.done(end, call=call)
        event = await consumer.event(proof, call=call)

    assert (begun.status, ended.status) == (Status.DONE, Status.DONE)
    assert ended.evidence == event.id
    assert event.data.related_call == consult  # type: ignore[attr-defined]  # both carry a call


async def test_two_calls_are_swapped_merged_and_a_party_removed() -> None:
    async with desk() as (_, consumer):
        call = await dialled(consumer)
        since = len(consumer.events)
        await consumer.done(Verb.CALL_CONFERENCE, call=call, destination=OTHER, mode="consult")
        consult = await _call(consumer, since, "call.initiated")
        await consumer.event("call.connected", call=consult)
        swapped = await consumer.done(Verb.CALL_SWAP, call=consult, other_call=call)
        merged = await consumer.done(Verb.CALL_MERGE, call=call, other_call=consult)
        removed = await consumer.done(Verb.CALL_REMOVE_PARTY, call=call, party=OTHER)

    assert {swapped.status, merged.status, removed.status} == {Status.DONE}


async def test_a_held_call_is_retrieved_and_the_active_one_released() -> None:
    async with desk() as (_, consumer):
        call = await dialled(consumer)
        since = len(consumer.events)
        await consumer.done(Verb.CALL_TRANSFER, call=call, destination=OTHER, mode="consult")
        consult = await _call(consumer, since, "call.initiated")
        await consumer.event("call.connected", call=consult)
        verdict = await consumer.done(Verb.CALL_RETRIEVE, call=call, release_call=consult)

    assert verdict.status is Status.DONE
    assert "call.transferred" not in consumer.verbs()


async def test_a_party_is_taken_into_the_call_at_once() -> None:
    async with desk() as (_, consumer):
        call = await dialled(consumer)
        verdict = await consumer.done(Verb.CALL_CONFERENCE, call=call, destination=OTHER)

    assert verdict.status is Status.DONE


async def test_supervision_starts_changes_its_mode_and_stops() -> None:
    async with desk() as (simulator, consumer):
        other = simulator.world.agents["agent0002"]
        simulator.telephony.incoming(other, commanded=True)
        since = len(consumer.events)
        started = await consumer.done(Verb.SUPERVISION_LISTEN, destination=other.number)
        call = await _call(consumer, since, "call.offered")
        await consumer.done(Verb.CALL_ANSWER, call=call)
        changed = await consumer.done(Verb.SUPERVISION_COACH, call=call)
        stopped = await consumer.done(Verb.SUPERVISION_STOP, destination=other.number)

    assert {started.status, changed.status, stopped.status} == {Status.DONE}


async def test_an_agent_and_a_chat_are_supervised_on_a_medium() -> None:
    async with desk() as (simulator, consumer):
        other = simulator.world.agents["agent0002"].employee_id
        started = await consumer.done(
            Verb.SUPERVISION_LISTEN, destination=other, media="chat", next="all_calls"
        )
        chat = await offered(simulator, consumer, "chat")
        await consumer.done(Verb.INTERACTION_ACCEPT, interaction=chat)
        for verb in (Verb.SUPERVISION_COACH, Verb.SUPERVISION_BARGE, Verb.SUPERVISION_LISTEN):
            assert (await consumer.done(verb, interaction=chat)).status is Status.DONE
        changed = await consumer.event("supervision.changed", interaction=chat, mode="barge")
        stopped = await consumer.done(Verb.SUPERVISION_STOP, destination=other, media="chat")

    assert {started.status, stopped.status} == {Status.DONE}
    assert changed.data.scope is None  # type: ignore[attr-defined]  # data of a supervision


async def test_a_chat_is_accepted_talked_in_and_ended() -> None:
    async with desk() as (simulator, consumer):
        chat = await offered(simulator, consumer, "chat")
        for verb, arguments in (
            (Verb.INTERACTION_ACCEPT, {"nickname": "Kim"}),
            (Verb.INTERACTION_TYPING, {"on": True}),
            (Verb.INTERACTION_TYPING, {"on": False}),
            (Verb.INTERACTION_SEND_MESSAGE, {"text": "good morning"}),
            (Verb.INTERACTION_SEND_MESSAGE, {"text": "https://example.com", "kind": "url"}),
            (Verb.INTERACTION_SEND_MESSAGE, {"text": "co-browsing", "kind": "notification"}),
            (Verb.INTERACTION_SEND_MESSAGE, {"text": "start", "kind": "command"}),
            (Verb.INTERACTION_SET_NICKNAME, {"nickname": "Kate"}),
            (Verb.INTERACTION_HOLD, {}),
            (Verb.INTERACTION_RETRIEVE, {}),
            (Verb.INTERACTION_INVITE, {"queue": "experts", "mode": "consult"}),
            (Verb.INTERACTION_REMOVE_PARTY, {}),
            (Verb.INTERACTION_INVITE, {"destination": "e0002"}),
            (Verb.INTERACTION_REMOVE_PARTY, {"party": "e0002"}),
            (Verb.INTERACTION_ATTACH_DATA, {"data": {"Topic": "bill"}}),
            (Verb.INTERACTION_DELETE_DATA, {"keys": ["Topic"]}),
            (Verb.INTERACTION_ADD_NOTE, {"text": "will call again"}),
            (Verb.INTERACTION_LEAVE, {"after": "keep"}),
            (Verb.INTERACTION_END_SESSION, {}),
        ):
            verdict = await consumer.done(verb, interaction=chat, **arguments)
            assert verdict.status is Status.DONE, verb

    assert "vendor.message" not in consumer.verbs()


@pytest.mark.parametrize("media", ["email", "workitem"])
async def test_an_interaction_is_rejected(media: str) -> None:
    async with desk() as (simulator, consumer):
        name = await offered(simulator, consumer, media)
        verdict = await consumer.done(Verb.INTERACTION_REJECT, interaction=name)

    assert verdict.status is Status.DONE


async def test_an_interaction_is_parked_pulled_and_completed() -> None:
    async with desk() as (simulator, consumer):
        name = await offered(simulator, consumer, "workitem")
        workbin = f"wb-{simulator.world.agents['agent0001'].login}"
        for verb, arguments in (
            (Verb.INTERACTION_ACCEPT, {}),
            (Verb.INTERACTION_PARK, {"workbin": workbin}),
            (Verb.INTERACTION_PULL, {}),
            (Verb.INTERACTION_COMPLETE, {}),
        ):
            verdict = await consumer.done(verb, interaction=name, **arguments)
            assert verdict.status is Status.DONE, verb
    assert consumer.verbs().count("interaction.pulled") == 1


@pytest.mark.parametrize(
    ("verb", "arguments"),
    [
        (Verb.INTERACTION_QUEUE, {"queue": "vip"}),
        (Verb.INTERACTION_TRANSFER, {"destination": "e0002"}),
    ],
)
async def test_an_interaction_is_passed_on(verb: Verb, arguments: dict[str, Any]) -> None:
    async with desk() as (simulator, consumer):
        name = await offered(simulator, consumer, "workitem")
        await consumer.done(Verb.INTERACTION_ACCEPT, interaction=name)
        verdict = await consumer.done(verb, interaction=name, **arguments)

    assert verdict.status is Status.DONE


async def test_an_email_is_answered_and_sent_or_cancelled() -> None:
    async with desk() as (simulator, consumer):
        email = await offered(simulator, consumer, "email")
        await consumer.done(Verb.INTERACTION_ACCEPT, interaction=email)
        for everyone, verb in ((False, Verb.INTERACTION_SEND), (True, Verb.INTERACTION_CANCEL)):
            since = len(consumer.events)
            replied = await consumer.done(
                Verb.INTERACTION_REPLY, interaction=email, text="Here it is.", all=everyone
            )
            assert replied.status is Status.DONE
            draft = next(
                event.data.interaction
                for event in consumer.events[since:]
                if isinstance(event.data, Interaction) and event.data.parent == email
            )
            assert (await consumer.done(verb, interaction=draft)).status is Status.DONE


async def test_an_email_is_forwarded_saved_and_has_attachments(tmp_path: Path) -> None:
    file = tmp_path / "upload"
    content = bytes(range(256)) * 4096 * 4
    file.write_bytes(content)
    uploads = Uploads()
    uploads.keep(file, name="Übersicht.pdf")
    async with desk(connector={"uploads": uploads}) as (simulator, consumer):
        email = await offered(simulator, consumer, "email")
        await consumer.done(Verb.INTERACTION_ACCEPT, interaction=email)
        await consumer.done(Verb.INTERACTION_FORWARD, interaction=email, to=["a@example.com"])
        created = await consumer.event("interaction.created", parent=email)
        draft = created.data.interaction  # type: ignore[attr-defined]  # data of an interaction
        for verb, arguments in (
            (Verb.INTERACTION_SAVE, {"text": "As told."}),
            (Verb.INTERACTION_ADD_ATTACHMENT, {"upload": "u1"}),
            (Verb.INTERACTION_ADD_ATTACHMENT, {"content_base64": "aGVsbG8=", "name": "a.txt"}),
            (Verb.INTERACTION_ADD_ATTACHMENT, {"document": "d1", "name": "terms.pdf"}),
            (Verb.INTERACTION_ASSIGN_CONTACT, {"contact": "p1"}),
            (Verb.INTERACTION_REMOVE_ATTACHMENT, {"attachment": "d1"}),
        ):
            verdict = await consumer.done(verb, interaction=draft, **arguments)
            assert verdict.status is Status.DONE, verb
        told = [
            [(one.name, one.size_bytes) for one in event.data.attachments]
            for event in consumer.events
            if isinstance(event.data, Interaction) and event.data.attachments
        ]

        assert told[-1] == [("Übersicht.pdf", len(content)), ("a.txt", 5)]
        assert list(simulator.attachments.documents.values()) == [content, b"hello"]


async def test_a_supervisor_manages_what_is_with_another_agent() -> None:
    async with desk() as (simulator, consumer):
        other = simulator.world.agents["agent0002"]
        for verb, arguments in (
            (Verb.INTERACTION_ATTACH_DATA, {"data": {"Topic": "bill"}}),
            (Verb.INTERACTION_ATTACH_DATA, {"data": {"Topic": "tax"}, "mode": "replace"}),
            (Verb.INTERACTION_DELETE_DATA, {"keys": ["Topic"]}),
            (Verb.INTERACTION_PARK, {"workbin": f"wb-{other.login}", "owner": other.username}),
            (Verb.INTERACTION_QUEUE, {"queue": "vip"}),
            (Verb.INTERACTION_COMPLETE, {}),
            (Verb.INTERACTION_CANCEL, {}),
        ):
            name = simulator.media.invite(other, "workitem", commanded=True).id
            verdict = await consumer.done(verb, interaction=name, supervised=True, **arguments)
            assert verdict.status is Status.DONE, verb


async def test_a_work_item_is_made() -> None:
    async with desk() as (_, consumer):
        verdict = await consumer.done(
            Verb.INTERACTION_CREATE, media="workitem", subject="Call back", queue="back-office"
        )

    assert verdict.status is Status.DONE


async def test_an_email_is_written() -> None:
    async with desk() as (_, consumer):
        verdict = await consumer.done(
            Verb.INTERACTION_CREATE, to=["a@example.com"], subject="Offer", text="Please see."
        )

    assert verdict.status is Status.DONE


async def test_an_error_after_a_taken_command_refuses_that_one_and_no_other() -> None:
    """The failed dial is refused by `EventError`; the hold that was sent beside it is confirmed."""
    async with desk() as (_, consumer):
        call = await dialled(consumer)
        since = len(consumer.events)
        dial = await consumer.execute(Verb.CALL_DIAL, destination="9900")
        hold = await consumer.execute(Verb.CALL_HOLD, call=call)
        refused = await consumer.verdict(dial, since=since)
        held = await consumer.verdict(hold, since=since)

    assert dial.status is Status.ACCEPTED
    assert refused.status is Status.REFUSED
    assert refused.message == "Invalid Destination DN"
    assert held.status is Status.DONE


async def test_what_the_platform_refuses_at_once_is_refused_with_its_words() -> None:
    async with desk() as (_, consumer):
        outcome = await consumer.execute(Verb.CALL_HOLD, call="nothing")

    assert outcome.status is Status.REFUSED
    assert "does not exist" in (outcome.message or "")


async def test_an_agent_who_is_not_configured_is_refused() -> None:
    async with desk() as (_, consumer):
        with pytest.raises(CommandRefused, match=r"target\.agent"):
            await consumer.execute(Verb.CALL_DIAL, agent="nobody", destination=NUMBER)


async def test_leaving_the_workspace_is_done_in_the_vendors_order_and_ends_the_feed() -> None:
    async with desk() as (simulator, consumer):
        reading = consumer.reading
        outcome = await consumer.execute(Verb.AGENT_LOGOUT, end_session=True)
        with pytest.raises(NotConnected, match="as it was told to"):
            await asyncio.wait_for(reading, WAIT_SECONDS)
        await until(lambda: not list(simulator.bayeux.sessions))

    assert outcome.status is Status.DONE
