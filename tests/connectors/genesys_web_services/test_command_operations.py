"""Commands against the simulator, over real sockets, to the events that decide them."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from connectors.genesys_web_services._simulated.model import Agent, InteractionState
from connectors.genesys_web_services.simulator import Simulator, SimulatorSettings
from gateway.commands import Outcome, Status, Verb
from gateway.errors import CommandRefused, Reason
from tests.connectors.genesys_web_services.harness import Consumer, connected_to
from tests.support.attachments import Uploads

SPELLINGS = ["documented", "capabilities"]
QUIET: dict[str, Any] = {
    "agents": 2,
    "events_per_second": 0,
    "timeout_ms": 2_000,
    "dial_answer_seconds": 0.02,
    "ack": True,
}


class Site(NamedTuple):
    """A simulator, one of its agents, and the reader of the agent's feed."""

    simulator: Simulator
    agent: Agent
    consumer: Consumer

    async def do(self, verb: Verb, **arguments: Any) -> Outcome:
        """Send a command and follow it to its verdict."""
        since = len(self.consumer.events)
        outcome = await self.consumer.execute(verb, **arguments)
        if outcome.status is not Status.ACCEPTED:
            return outcome
        return await self.consumer.verdict(outcome, since=since)

    async def done(self, verb: Verb, **arguments: Any) -> Outcome:
        """The same, and it must be done."""
        verdict = await self.do(verb, **arguments)
        assert verdict.status is Status.DONE, (verb, verdict)
        return verdict

    async def call(self, number: str = "5550100") -> str:
        """An established call; its id."""
        before = set(self.agent.calls)
        await self.done(Verb.CALL_DIAL, destination=number)
        (name,) = set(self.agent.calls) - before
        await self.consumer.event("call.connected", call=name)
        return name

    async def item(self, media: str, *, accept: bool = True) -> str:
        """An interaction that was offered, and accepted unless it shall not be; its id."""
        name = self.simulator.media.invite(self.agent, media).id
        await self.consumer.event("interaction.offered", interaction=name)
        if accept:
            await self.done(Verb.INTERACTION_ACCEPT, interaction=name, nickname="Anna")
        return name


@asynccontextmanager
async def site(*, connector: dict[str, Any] | None = None, **settings: Any) -> AsyncIterator[Site]:
    """A site whose agent is logged in on all media and not ready."""
    async with (
        Simulator(SimulatorSettings(**{**QUIET, **settings})) as simulator,
        connected_to(simulator.url, **(connector or {})) as connected,
        Consumer(connected) as consumer,
    ):
        made = Site(simulator, simulator.world.agents["agent0001"], consumer)
        await made.done(Verb.AGENT_LOGIN, channels=["voice", "chat", "email"])
        await consumer.until(
            lambda: consumer.verbs().count("agent.channel.changed") >= 2, "both channels"
        )
        yield made


@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_commands_about_the_agent_are_confirmed(spelling: str) -> None:
    async with site(spelling=spelling) as here:
        for verb, arguments in [
            (Verb.AGENT_SET_STATE, {"state": "ready"}),
            (Verb.AGENT_SET_STATE, {"state": "not_ready", "reason": "OutToLunch"}),
            (Verb.AGENT_SET_STATE, {"state": "not_ready", "reason": "Coaching", "media": "chat"}),
            (
                Verb.AGENT_SET_STATE,
                {"state": "after_contact", "device": here.agent.device_id},
            ),
            (Verb.AGENT_SET_DO_NOT_DISTURB, {"on": True}),
            (Verb.AGENT_SET_DO_NOT_DISTURB, {"on": True}),
            (Verb.AGENT_SET_DO_NOT_DISTURB, {"on": False}),
            (Verb.AGENT_SET_DO_NOT_DISTURB, {"on": True, "scope": "device"}),
            (Verb.AGENT_SET_DO_NOT_DISTURB, {"on": False, "scope": "device"}),
            (Verb.AGENT_SET_DO_NOT_DISTURB, {"on": True, "scope": "media", "media": "chat"}),
            (Verb.AGENT_SET_DO_NOT_DISTURB, {"on": True, "scope": "media", "media": "voice"}),
            (Verb.AGENT_FORWARD, {"destination": "5003"}),
            (Verb.AGENT_FORWARD, {"destination": "5003"}),
            (Verb.AGENT_CANCEL_FORWARD, {}),
            (Verb.AGENT_CANCEL_FORWARD, {}),
        ]:
            await here.done(verb, **arguments)

        assert here.agent.do_not_disturb
        assert here.agent.suspended_channels == {"chat"}
        assert here.agent.forward_to is None


async def test_a_forwarding_to_nowhere_is_refused_before_it_is_sent() -> None:
    async with site() as here:
        with pytest.raises(CommandRefused, match=r"arguments\.destination"):
            await here.do(Verb.AGENT_FORWARD)


@pytest.mark.parametrize("number", [0, 1], ids=["reference", "recent"])
@pytest.mark.parametrize("destinations", ["any", "text", "object"])
async def test_commands_about_one_call_are_confirmed(destinations: str, number: int) -> None:
    async with site(destinations=destinations, agents=2) as here:
        here.agent.style = here.simulator.world.agents[f"agent000{number + 1}"].style
        call = await here.call()
        for verb, arguments in [
            (Verb.CALL_SEND_DTMF, {"digits": "12#"}),
            (Verb.CALL_MUTE, {}),
            (Verb.CALL_UNMUTE, {}),
            (Verb.CALL_ATTACH_DATA, {"data": {"note": "a", "number": 1}}),
            (Verb.CALL_ATTACH_DATA, {"data": {"note": "a"}}),
            (Verb.CALL_ATTACH_DATA, {"data": {"note": "b"}, "mode": "replace"}),
            (Verb.CALL_DELETE_DATA, {"key": "note"}),
            (Verb.CALL_CONFERENCE, {"destination": "60001"}),
            (Verb.CALL_REMOVE_PARTY, {"party": "60001"}),
            (Verb.CALL_HOLD, {}),
            (Verb.CALL_RETRIEVE, {}),
            (Verb.CALL_DELETE_DATA, {"all": True}),
            (Verb.CALL_TRANSFER, {"destination": "60002"}),
        ]:
            await here.done(verb, call=call, **arguments)

        transferred = await here.consumer.event("call.transferred", call=call)
        assert transferred.data.party.number == "60002"  # type: ignore[attr-defined]  # a call event has it
        assert here.agent.calls == {}


@pytest.mark.parametrize("named", [True, False])
async def test_a_transfer_by_way_of_a_consultation_is_confirmed(*, named: bool) -> None:
    async with site() as here:
        call = await here.call()
        await here.done(Verb.CALL_TRANSFER, call=call, destination="60001", mode="consult")
        (consult,) = set(here.agent.calls) - {call}
        await here.consumer.event("call.connected", call=consult)

        extra = {"consult_call": consult} if named else {}
        await here.done(Verb.CALL_COMPLETE_TRANSFER, call=call, **extra)

        event = await here.consumer.event("call.transferred", call=call)
        assert event.data.related_call == consult  # type: ignore[attr-defined]  # a call event has it


@pytest.mark.parametrize("echoed", [False, True])
async def test_a_conference_by_way_of_a_consultation_is_confirmed(*, echoed: bool) -> None:
    async with site(echo_references=echoed, connector={"send_reference": echoed}) as here:
        call = await here.call()
        await here.done(Verb.CALL_CONFERENCE, call=call, destination="60001", mode="consult")
        (consult,) = set(here.agent.calls) - {call}
        await here.consumer.event("call.connected", call=consult)
        await here.done(Verb.CALL_SWAP, call=consult, other_call=call)
        await here.done(Verb.CALL_SWAP, call=call, other_call=consult)

        await here.done(Verb.CALL_COMPLETE_CONFERENCE, call=call)

        event = await here.consumer.event("call.conferenced", call=call)
        assert event.data.related_call == consult  # type: ignore[attr-defined]  # a call event has it
        assert "call.transferred" not in here.consumer.verbs()


async def test_two_calls_are_merged() -> None:
    async with site() as here:
        first = await here.call()
        await here.done(Verb.CALL_HOLD, call=first)
        second = await here.call("5550101")

        await here.done(Verb.CALL_MERGE, call=second, other_call=first)


@pytest.mark.parametrize(
    ("verb", "arguments"),
    [
        (Verb.CALL_TRANSFER, {}),
        (Verb.CALL_TRANSFER, {"mode": "consult"}),
        (Verb.CALL_CONFERENCE, {}),
        (Verb.CALL_CONFERENCE, {"mode": "consult"}),
    ],
)
async def test_a_number_that_cannot_be_reached_is_refused_by_its_event(
    verb: Verb, arguments: dict[str, str]
) -> None:
    async with site() as here:
        call = await here.call()

        verdict = await here.do(verb, call=call, destination="9900", **arguments)

        assert (verdict.status, verdict.message) == (Status.REFUSED, "Invalid Destination DN")
        await here.done(Verb.CALL_HANG_UP, call=call)
        assert "call.transferred" not in here.consumer.verbs()


@pytest.mark.parametrize(
    ("verb", "arguments", "reason"),
    [
        (Verb.CALL_RETRIEVE, {}, Reason.CONFLICT),
        (Verb.CALL_UNMUTE, {}, Reason.CONFLICT),
        (Verb.CALL_COMPLETE_TRANSFER, {}, Reason.CONFLICT),
        (Verb.CALL_SWAP, {"other_call": "none"}, Reason.CONFLICT),
        (Verb.CALL_REMOVE_PARTY, {"party": "1"}, Reason.CONFLICT),
        (Verb.RECORDING_PAUSE, {}, Reason.CONFLICT),
    ],
)
async def test_what_a_call_does_not_allow_is_refused_at_once(
    verb: Verb, arguments: dict[str, str], reason: Reason
) -> None:
    async with site() as here:
        outcome = await here.do(verb, call=await here.call(), **arguments)

    assert (outcome.status, outcome.reason) == (Status.REFUSED, reason)


@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_commands_about_an_email_are_confirmed(spelling: str) -> None:
    async with site(spelling=spelling) as here:
        mail = await here.item("email")
        for verb, arguments in [
            (Verb.INTERACTION_ATTACH_DATA, {"data": {"note": "a"}}),
            (Verb.INTERACTION_ATTACH_DATA, {"data": {"note": "a"}}),
            (Verb.INTERACTION_ATTACH_DATA, {"data": {"note": "b"}, "mode": "replace"}),
            (Verb.INTERACTION_DELETE_DATA, {"keys": ["note"]}),
            (Verb.INTERACTION_DELETE_DATA, {"all": True}),
            (Verb.INTERACTION_REPLY, {"queue": "drafts", "quote": True}),
            (Verb.INTERACTION_REPLY, {"queue": "drafts", "all": True}),
            (Verb.INTERACTION_PARK, {"workbin": "later", "owner": "kristi"}),
            (Verb.INTERACTION_PULL, {"workbin": "later"}),
            (Verb.INTERACTION_QUEUE, {"queue": "second"}),
        ]:
            await here.done(verb, interaction=mail, **arguments)

        drafts = list(here.agent.interactions.values())
        assert [draft.parent_id for draft in drafts] == [mail, mail]
        written = {"to": "a@b.c", "from": "d@e.f", "subject": "s", "text": "t", "queue": "out"}
        await here.done(Verb.INTERACTION_SEND, interaction=drafts[0].id, **written)
        await here.done(Verb.INTERACTION_CANCEL, interaction=drafts[1].id)
        await here.done(Verb.INTERACTION_CREATE, queue="drafts")
        (new,) = here.agent.interactions
        await here.done(Verb.INTERACTION_COMPLETE, interaction=new)
        assert here.agent.interactions == {}


@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_commands_about_a_chat_are_confirmed(spelling: str) -> None:
    async with site(spelling=spelling) as here:
        chat = await here.item("chat")
        colleague = here.simulator.world.agents["agent0002"]
        for verb, arguments in [
            (Verb.INTERACTION_TYPING, {"on": True}),
            (Verb.INTERACTION_SEND_MESSAGE, {"text": "hello"}),
            (Verb.INTERACTION_TYPING, {"on": False}),
            (Verb.INTERACTION_SEND_MESSAGE, {"text": "hello"}),
            (Verb.INTERACTION_INVITE, {"destination": colleague.id}),
            (Verb.INTERACTION_REQUEST_HISTORY, {"since": "1"}),
            (Verb.INTERACTION_END_SESSION, {}),
            (Verb.INTERACTION_COMPLETE, {}),
        ]:
            await here.done(verb, interaction=chat, **arguments)
        left = await here.item("chat")
        await here.done(Verb.INTERACTION_LEAVE, interaction=left)
        assert here.consumer.feed._http.user == here.agent.id


@pytest.mark.parametrize("media", ["email", "chat"])
async def test_an_interaction_is_given_to_another_agent(media: str) -> None:
    async with site() as here:
        item, colleague = await here.item(media), here.simulator.world.agents["agent0002"]

        await here.done(Verb.INTERACTION_TRANSFER, interaction=item, destination=colleague.id)

        assert colleague.interactions[item].state is InteractionState.INVITED


async def test_an_interaction_is_rejected() -> None:
    async with site() as here:
        item = await here.item("email", accept=False)

        await here.done(Verb.INTERACTION_REJECT, interaction=item)


@pytest.mark.parametrize(
    ("verb", "arguments", "reason"),
    [
        (Verb.INTERACTION_ACCEPT, {}, Reason.CONFLICT),
        (Verb.INTERACTION_END_SESSION, {}, Reason.CONFLICT),
        (Verb.INTERACTION_TRANSFER, {"destination": "nobody"}, Reason.NOT_FOUND),
        (Verb.INTERACTION_PULL, {"workbin": "empty"}, Reason.NOT_FOUND),
        (Verb.INTERACTION_REMOVE_ATTACHMENT, {"attachment": "none"}, Reason.NOT_FOUND),
    ],
)
async def test_what_an_email_does_not_allow_is_refused_at_once(
    verb: Verb, arguments: dict[str, str], reason: Reason
) -> None:
    async with site() as here:
        outcome = await here.do(verb, interaction=await here.item("email"), **arguments)

    assert (outcome.status, outcome.reason) == (Status.REFUSED, reason)


async def test_an_interaction_of_somebody_else_is_not_found() -> None:
    async with site() as here:
        outcome = await here.do(Verb.INTERACTION_COMPLETE, interaction="none")

    assert (outcome.status, outcome.reason) == (Status.REFUSED, Reason.NOT_FOUND)
    assert "none was not found" in (outcome.message or "")


@pytest.mark.parametrize("csrf", [False, True])
async def test_attachments_travel_whole_and_are_told(*, csrf: bool) -> None:
    content = bytes(range(256)) * 400
    async with site(csrf=csrf) as here:
        item = await here.item("email")
        added = await here.do(
            Verb.INTERACTION_ADD_ATTACHMENT,
            interaction=item,
            name="Übersicht 1.pdf",
            content_base64=base64.b64encode(content).decode(),
            content_type="application/pdf",
        )
        assert added.status is Status.DONE
        document = added.native_reply["documentId"]
        told = await here.consumer.event("interaction.changed", interaction=item)
        assert here.simulator.media.documents == {document: (content, "application/pdf")}
        (attachment,) = told.data.attachments  # type: ignore[attr-defined]  # an interaction event has it
        assert (attachment.id, attachment.name) == (document, "Übersicht 1.pdf")
        assert attachment.size_bytes == len(content)

        removed = await here.do(
            Verb.INTERACTION_REMOVE_ATTACHMENT, interaction=item, attachment=document
        )

        assert removed.status is Status.DONE
        assert here.simulator.media.documents == {}


async def test_an_upload_of_megabytes_is_sent_on_also_over_a_session_that_ran_out(
    tmp_path: Path,
) -> None:
    content = bytes(range(256)) * 4 * 4096
    file = tmp_path / "upload"
    file.write_bytes(content)
    uploads = Uploads()
    uploads.keep(file)
    async with site(connector={"uploads": uploads}) as here:
        item = await here.item("email")
        here.simulator._sessions.end_all("agent0001")
        added = await here.do(Verb.INTERACTION_ADD_ATTACHMENT, interaction=item, upload="u1")
        document = added.native_reply["documentId"]

        assert added.status is Status.DONE
        assert here.simulator.media.documents == {document: (content, "application/pdf")}


async def test_an_attachment_that_the_server_finds_too_long_is_refused() -> None:
    async with site(max_attachment_bytes=100) as here:
        outcome = await here.do(
            Verb.INTERACTION_ADD_ATTACHMENT,
            interaction=await here.item("email"),
            name="a.bin",
            content_base64=base64.b64encode(bytes(101)).decode(),
        )

    assert outcome.status is Status.REFUSED


async def test_an_echoed_reference_makes_the_command_the_cause_of_its_event() -> None:
    async with site(echo_references=True, connector={"send_reference": True}) as here:
        call = await here.call()
        since = len(here.consumer.events)
        outcome = await here.consumer.execute(Verb.CALL_HOLD, call=call)
        assert (await here.consumer.verdict(outcome, since=since)).status is Status.DONE
        held = await here.consumer.event("call.held", call=call)

    assert outcome.expectation is not None
    assert held.causationid == outcome.expectation.cause


async def test_a_failure_of_another_command_refuses_none_where_references_are_echoed() -> None:
    async with site(echo_references=True, connector={"send_reference": True}) as here:
        call = await here.call()
        since = len(here.consumer.events)
        outcome = await here.consumer.execute(Verb.CALL_HOLD, call=call)
        assert outcome.expectation is not None
        failed = await here.do(Verb.CALL_TRANSFER, call=call, destination="9900")

        verdict = await here.consumer.verdict(outcome, since=since)

    assert failed.status is Status.REFUSED
    assert verdict.status is Status.DONE
