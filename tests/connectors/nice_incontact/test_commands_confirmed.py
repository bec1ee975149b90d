"""Every command against the simulator: sent over real sockets, decided by the event that it leads to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors._simulation.faults import Fault, FaultKind
from connectors.nice_incontact.capabilities import CAPABILITIES
from connectors.nice_incontact.simulator import Simulator
from gateway.commands import Command, Outcome, Status, Target, Verb
from gateway.contracts import CommandTarget
from gateway.errors import CommandRefused, CommandUncertain, NotReady
from tests.connectors.nice_incontact.harness import AGENT, connected_to, emit, sign_in, simulated
from tests.support.consumer import FeedConsumer

OTHER = "1002"
NUMBER = "+14155550100"
SHORT_ACW = {"acw_seconds": 60}


class Desk:
    """One agent's feed, and commands that are followed to their verdict."""

    def __init__(self, simulator: Simulator, consumer: FeedConsumer) -> None:
        self.simulator = simulator
        self.consumer = consumer

    async def send(
        self,
        verb: Verb,
        *,
        by: str = AGENT,
        call: str | None = None,
        interaction: str | None = None,
        **arguments: Any,
    ) -> Outcome:
        """The verdict. `by` is the agent whose session carries it out."""
        since = len(self.consumer.events)
        now = datetime.now(UTC)
        assert isinstance(self.consumer.connector, CommandTarget)
        outcome = await self.consumer.connector.execute(
            Command(
                id="c1",
                verb=verb,
                connector="nice",
                target=Target(agent=by, call=call, interaction=interaction),
                requester="test",
                created=now,
                deadline=now,
                arguments=arguments,
            )
        )
        if outcome.status is not Status.ACCEPTED:
            return outcome
        line = next(line for line in CAPABILITIES if line.verb is verb)
        assert outcome.expectation is not None
        assert outcome.expectation.confirmed_by <= set(line.confirmed_by)
        return await self.consumer.verdict(outcome, since=since)

    async def done(self, verb: Verb, **fields: Any) -> None:
        """Send, and be sure that it was done."""
        outcome = await self.send(verb, **fields)
        assert outcome.status is Status.DONE, outcome

    async def event(self, verb: str, since: int, **fields: Any) -> Any:
        """The data of the first event of that kind behind a place."""

        def find() -> Any:
            for event in self.consumer.events[since:]:
                if event.type == f"tieline.{verb}.v1" and all(
                    getattr(event.data, name) == value for name, value in fields.items()
                ):
                    return event.data
            return None

        return await self.consumer.until(find, verb)

    async def talk(self) -> str:
        """A customer's call, connected."""
        since = len(self.consumer.events)
        await emit(self.simulator, "offer")
        await emit(self.simulator, "answer")
        found: str = (await self.event("call.connected", since)).call
        return found

    async def second_call(self) -> None:
        """The first call on hold, a second one answered."""
        call = await self.talk()
        await self.done(Verb.CALL_HOLD, call=call)
        since = len(self.consumer.events)
        await self.done(Verb.CALL_TRANSFER, call=call, destination=NUMBER, skill="501")
        await self.event("call.connected", since)


@asynccontextmanager
async def desk(agents: tuple[str, ...] = (AGENT,), **settings: Any) -> AsyncIterator[Desk]:
    async with (
        simulated(**settings) as simulator,
        connected_to(
            simulator.url,
            sign_in=sign_in(simulator.url, username="gateway@example.com"),
            agents=[{"agent_id": agent, "station_phone_number": "8015550000"} for agent in agents],
        ) as connector,
        FeedConsumer(connector) as consumer,
    ):
        await consumer.event("agent.state.snapshot")
        yield Desk(simulator, consumer)


async def test_the_agent_goes_away_and_comes_back() -> None:
    async with desk() as agent:
        await agent.done(Verb.AGENT_SET_STATE, state="not_ready", reason="Lunch")
        await agent.done(Verb.AGENT_SET_STATE, state="not_ready", reason="Break")
        await agent.done(Verb.AGENT_SET_STATE, state="ready")


async def test_during_a_call_the_state_that_follows_is_confirmed() -> None:
    async with desk() as agent:
        await agent.talk()
        await agent.done(Verb.AGENT_SET_STATE, state="not_ready", reason="Lunch")


async def test_an_unknown_reason_is_refused_by_the_platform() -> None:
    async with desk() as agent:
        outcome = await agent.send(Verb.AGENT_SET_STATE, state="not_ready", reason="Skiing")

        assert outcome.status is Status.REFUSED
        assert "Invalid parameter 'reason'" in (outcome.message or "")


async def test_an_event_for_other_programs_comes_back_to_the_gateway() -> None:
    async with desk() as agent:
        since = len(agent.consumer.events)
        await agent.done(Verb.AGENT_SEND_USER_EVENT, name="greeting", data={"a": 1})
        told = await agent.event("vendor.message", since)

        assert told.native.payload["eventName"] == "greeting"


async def test_the_leg_is_connected_muted_and_hung_up() -> None:
    async with desk() as agent:
        await agent.done(Verb.AGENT_CONNECT_LEG)
        await agent.done(Verb.CALL_MUTE)
        await agent.done(Verb.CALL_UNMUTE)
        await agent.done(Verb.AGENT_DISCONNECT_LEG)


async def test_a_call_is_held_retrieved_masked_recorded_and_ended() -> None:
    async with desk(**SHORT_ACW) as agent:
        call = await agent.talk()
        await agent.done(Verb.CALL_MUTE)
        await agent.done(Verb.CALL_HOLD, call=call)
        with pytest.raises(CommandRefused, match=r"call\.retrieve"):
            await agent.send(Verb.CALL_HANG_UP, call=call)
        await agent.done(Verb.CALL_RETRIEVE, call=call)
        await agent.done(Verb.RECORDING_START, call=call)
        await agent.done(Verb.RECORDING_PAUSE, call=call)
        await agent.done(Verb.RECORDING_RESUME, call=call)
        await agent.done(Verb.CALL_ATTACH_DATA, call=call, data={"order": "17"})
        await agent.done(Verb.CALL_HANG_UP, call=call)
        await agent.done(Verb.CALL_SET_DISPOSITION, call=call, disposition="901", note="fine")


async def test_tones_that_the_platform_took_are_told_at_once_as_inferred() -> None:
    """The poll under way tells nothing of them, and goes on."""
    async with desk() as agent:
        call = await agent.talk()
        since = len(agent.consumer.events)
        await agent.done(Verb.CALL_SEND_DTMF, digits="12#")
        told = next(e for e in agent.consumer.events[since:] if e.type.endswith("dtmf.sent.v1"))

        assert (told.data.call, told.data.digits, told.confidence) == (call, None, "inferred")
        await agent.done(Verb.CALL_HANG_UP, call=call)


async def test_a_number_is_dialled_and_hung_up() -> None:
    async with desk() as agent:
        since = len(agent.consumer.events)
        await agent.done(Verb.CALL_DIAL, destination=NUMBER, skill="501")
        call = (await agent.event("call.connected", since)).call
        await agent.done(Verb.CALL_HANG_UP, call=call)


async def test_a_skill_is_dialled() -> None:
    async with desk() as agent:
        await agent.done(Verb.CALL_DIAL, skill="501")


async def test_another_agent_is_called_with_one_call_on_hold() -> None:
    async with desk() as agent:
        call = await agent.talk()
        await agent.done(Verb.CALL_HOLD, call=call)
        await agent.done(Verb.CALL_DIAL, agent=OTHER)


async def test_two_calls_become_a_transfer() -> None:
    async with desk() as agent:
        await agent.second_call()
        await agent.done(Verb.CALL_COMPLETE_TRANSFER)


async def test_two_calls_become_a_conference() -> None:
    async with desk() as agent:
        await agent.second_call()
        await agent.done(Verb.CALL_COMPLETE_CONFERENCE)


async def test_a_consultation_is_accepted_by_the_other_agent() -> None:
    async with desk(agents=(AGENT, OTHER)) as agent:
        connector = agent.consumer.connector
        async with FeedConsumer(connector, feed=1) as other:
            await other.event("agent.state.snapshot")
            call = await agent.talk()
            await agent.done(Verb.CALL_HOLD, call=call)
            await agent.done(Verb.CALL_CONFERENCE, call=call, agent=OTHER)
            rung = await other.event("call.offered", direction="consult")
            since = len(other.events)
            answered = await other.execute(
                Verb.CALL_ANSWER,
                agent=OTHER,
                call=rung.data.call,  # type: ignore[attr-defined]  # a Call
            )
            assert (await other.verdict(answered, since=since)).status is Status.DONE


async def test_a_supervisor_listens_coaches_barges_and_stops() -> None:
    async with desk(agents=("1000",)) as supervisor:
        await supervisor.done(Verb.AGENT_LOGIN, by="1000")
        simulator = supervisor.simulator
        await emit(simulator, "offer")
        await emit(simulator, "answer")
        await supervisor.done(Verb.SUPERVISION_LISTEN, by="1000", agent=AGENT)
        await supervisor.done(Verb.SUPERVISION_COACH, by="1000")
        await supervisor.done(Verb.SUPERVISION_BARGE, by="1000")
        await supervisor.done(Verb.SUPERVISION_STOP, by="1000")


async def test_a_chat_is_accepted_answered_and_ended() -> None:
    async with desk(**SHORT_ACW) as agent:
        since = len(agent.consumer.events)
        await emit(agent.simulator, "offer", media="chat")
        chat = (await agent.event("interaction.offered", since)).interaction
        await agent.done(Verb.INTERACTION_ACCEPT, interaction=chat)
        await agent.done(Verb.INTERACTION_SEND_MESSAGE, interaction=chat, text="Hello")
        await agent.done(Verb.INTERACTION_COMPLETE, interaction=chat)


async def test_a_chat_is_rejected() -> None:
    async with desk() as agent:
        since = len(agent.consumer.events)
        await emit(agent.simulator, "offer", media="chat")
        chat = (await agent.event("interaction.offered", since)).interaction
        await agent.done(Verb.INTERACTION_REJECT, interaction=chat)


async def test_a_logout_ends_contacts_where_that_is_asked_for() -> None:
    async with desk() as agent:
        await agent.talk()
        with pytest.raises(CommandRefused, match="open contacts"):
            await agent.send(Verb.AGENT_LOGOUT)
        await agent.done(Verb.AGENT_LOGOUT, end_contacts=True)
        await agent.done(Verb.AGENT_LOGIN)


async def test_a_lost_answer_leaves_the_command_open() -> None:
    async with desk() as agent:
        lost = Fault(kind=FaultKind.DROP, target="rest", after_processing=True, times=2)
        agent.simulator.commit(lost)
        with pytest.raises(CommandUncertain):
            await agent.send(Verb.AGENT_SET_STATE, state="not_ready", reason="Lunch")


async def test_a_command_before_the_feed_is_connected_is_not_sent() -> None:
    async with simulated() as simulator, connected_to(simulator.url) as connector:
        with pytest.raises(NotReady):
            await FeedConsumer(connector).execute(Verb.CALL_MUTE, agent=AGENT)
