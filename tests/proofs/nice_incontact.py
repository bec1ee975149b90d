"""NICE inContact: an agent's session by command, and a supervisor's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from connectors.nice_incontact import PLATFORM as DESCRIPTOR
from connectors.nice_incontact.simulator import Simulator, SimulatorSettings
from gateway.commands import Verb
from tests.proofs.centre import Centre, Platform, Refusal
from tests.proofs.steps import call, emit, fall_silent, second_call

ANNA, BEN = "1001", "1002"
NUMBER, OTHER = "+14155553333", "+14155554444"
DIALLED = {"destination": NUMBER, "skill": "501"}


@asynccontextmanager
async def simulated(**settings: Any) -> AsyncIterator[Simulator]:
    """A platform on which nothing happens but by command, and quickly."""
    quiet = {"events_per_second": 0, "dial_answer_seconds": 0.02}
    async with Simulator(SimulatorSettings(**{**quiet, **settings})) as simulator:
        yield simulator


def block(simulator: Simulator) -> dict[str, Any]:
    """A connector for two agents, signed in as somebody who may stand in for both."""
    return {
        "sign_in": {
            "method": "password",
            "url": f"{simulator.url}/InContactAuthorizationServer/Token",
            "application": "Tieline@Example",
            "business_unit": "4711",
            "username": "gateway@example.com",
            "password": "secret",
        },
        "agents": [{"agent_id": ANNA, "station_id": "9001"}, {"agent_id": BEN}],
        "sessions": {"join_interval_seconds": 1, "poll_timeout_seconds": 10},
    }


async def ready(centre: Centre) -> None:
    """Both sessions are followed."""
    for agent in (ANNA, BEN):
        await centre.event("agent.session.started", agent=agent)
        await centre.event("feed.connected", feed=f"main/{agent}")


async def two_calls(centre: Centre, verb: Verb) -> None:
    """One on hold, and a consultation about it."""
    first = await call(centre, **DIALLED)
    await centre.done(Verb.CALL_HOLD, call=first)
    await second_call(centre, verb, first, destination=OTHER, skill="501")


async def offered(centre: Centre, media: str) -> str:
    """A contact that is offered to Anna."""
    since = centre.position
    await emit(centre, "incoming", media=media)
    await emit(centre, "offer", agent=int(ANNA))
    return str((await centre.event("interaction.offered", since=since))["interaction"])


async def the_agent(centre: Centre) -> None:
    """State, an event for others, leg, leaving and coming back."""
    await centre.done(Verb.AGENT_SEND_USER_EVENT, name="greeting", data={"a": 1})
    await centre.done(Verb.AGENT_SET_STATE, state="not_ready", reason="Lunch")
    await centre.done(Verb.AGENT_SET_STATE, state="ready")
    await centre.done(Verb.AGENT_CONNECT_LEG)
    await centre.done(Verb.CALL_MUTE)
    await centre.done(Verb.CALL_UNMUTE)
    await centre.done(Verb.AGENT_DISCONNECT_LEG)
    await centre.done(Verb.AGENT_LOGOUT)
    await centre.done(Verb.AGENT_LOGIN)


async def one_call(centre: Centre) -> None:
    """Everything that one call takes."""
    name = await call(centre, **DIALLED)
    await centre.done(Verb.CALL_HOLD, call=name)
    await centre.done(Verb.CALL_RETRIEVE, call=name)
    await centre.done(Verb.RECORDING_START, call=name)
    await centre.done(Verb.RECORDING_PAUSE, call=name)
    await centre.done(Verb.RECORDING_RESUME, call=name)
    await centre.done(Verb.CALL_ATTACH_DATA, call=name, data={"order": "7"})
    await centre.done(Verb.CALL_SEND_DTMF, digits="12#")
    await centre.done(Verb.CALL_HANG_UP, call=name)
    await centre.done(Verb.CALL_SET_DISPOSITION, call=name, disposition="901")


async def consultations(centre: Centre) -> None:
    """Both ends of two calls."""
    await two_calls(centre, Verb.CALL_TRANSFER)
    await centre.done(Verb.CALL_COMPLETE_TRANSFER)
    await two_calls(centre, Verb.CALL_CONFERENCE)
    await centre.done(Verb.CALL_COMPLETE_CONFERENCE)


async def a_consultation_that_is_offered(centre: Centre) -> None:
    """Answered by command: a colleague calls, with a call on hold."""
    since = centre.position
    await centre.done(Verb.CALL_DIAL, agent=BEN, destination=NUMBER, skill="501")
    held = (await centre.event("call.connected", since=since, agent=BEN))["call"]
    await centre.done(Verb.CALL_HOLD, agent=BEN, call=held)
    await centre.done(Verb.CALL_TRANSFER, agent=BEN, call=held, given={"agent": ANNA})
    name = (await centre.event("call.offered", agent=ANNA))["call"]
    await centre.done(Verb.CALL_ANSWER, call=name)


async def a_chat(centre: Centre) -> None:
    """Talked in, ended and given a disposition."""
    chat = await offered(centre, "chat")
    await centre.done(Verb.INTERACTION_ACCEPT, interaction=chat)
    await centre.done(Verb.INTERACTION_SEND_MESSAGE, interaction=chat, text="good morning")
    await centre.done(Verb.INTERACTION_COMPLETE, interaction=chat)
    await centre.done(Verb.INTERACTION_SET_DISPOSITION, interaction=chat, disposition="901")


async def another_chat(centre: Centre) -> None:
    """Rejected."""
    unwanted = await offered(centre, "chat")
    await centre.done(Verb.INTERACTION_REJECT, interaction=unwanted)


async def a_chat_for_somebody_else(centre: Centre) -> None:
    """Passed on."""
    chat = await offered(centre, "chat")
    await centre.done(Verb.INTERACTION_ACCEPT, interaction=chat)
    await centre.done(Verb.INTERACTION_TRANSFER, interaction=chat, given={"agent": BEN})


async def supervision(centre: Centre) -> None:
    """Listening to a colleague's call, coaching, barging in."""
    await emit(centre, "dial", agent=int(BEN))
    await centre.event("call.connected", agent=BEN)
    await centre.done(Verb.AGENT_CONNECT_LEG)
    await centre.done(Verb.SUPERVISION_LISTEN, given={"agent": BEN})
    await centre.done(Verb.SUPERVISION_COACH)
    await centre.done(Verb.SUPERVISION_BARGE)
    await centre.done(Verb.SUPERVISION_STOP)


def calls(simulator: Simulator) -> set[str]:
    """The calls of the two agents."""
    return {
        str(contact.id)
        for agent in simulator.world.agents.values()
        if str(agent.id) in {ANNA, BEN}
        for contact in agent.calls
    }


PLATFORM = Platform(
    calls=calls,
    name="nice_incontact",
    capabilities=DESCRIPTOR.capabilities,
    open=simulated,
    block=block,
    agent=ANNA,
    ready=ready,
    stories=(
        the_agent,
        one_call,
        consultations,
        a_consultation_that_is_offered,
        a_chat,
        another_chat,
        a_chat_for_somebody_else,
        supervision,
    ),
    refusals=(
        Refusal(verb=Verb.CALL_HOLD, reason="not_found", command={"call": "99"}),
        Refusal(
            verb=Verb.CALL_DIAL, reason="not_found", command={"agent": "1999", "destination": "1"}
        ),
    ),
    unproven=(Verb.AGENT_SET_STATE, {"state": "ready"}),
    silence=fall_silent,
)
