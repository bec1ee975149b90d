"""Clarity Connect: agents, their recordings, and what is noted about calls and chats."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from connectors.clarity_connect import PLATFORM as DESCRIPTOR
from connectors.clarity_connect.simulator import FaultKind, Simulator, SimulatorSettings
from gateway.commands import Verb
from tests.proofs.centre import Centre, Platform, Refusal
from tests.proofs.steps import emit, fall_silent

ANNA = "agent0001"
"""The log-in of agent 101."""


@asynccontextmanager
async def simulated(**settings: Any) -> AsyncIterator[Simulator]:
    """A platform on which nothing happens but by command."""
    async with Simulator(SimulatorSettings(**{"events_per_second": 0, **settings})) as simulator:
        yield simulator


def block(simulator: Simulator) -> dict[str, Any]:
    """A connector with the supervisor's account."""
    return {
        "base_url": simulator.url,
        "username": "CONTOSO\\gateway",
        "password": "secret",
        "client_id": "0224c392-3845-4ac0-b1a0-d63706181ba7",
    }


async def ready(centre: Centre) -> None:
    """Anna is available."""
    await centre.event("feed.connected")
    since = centre.position
    await emit(centre, "status", agent=ANNA, status="available")
    await centre.event(
        "agent.state.changed", since=since, agent=centre.agent, native_state="available"
    )


async def answered(centre: Centre, modality: str, kind: str) -> str:
    """A session of Anna's; its id."""
    await emit(centre, "incoming", modality=modality)
    await emit(centre, "offer", agent=ANNA)
    told = await emit(centre, "answer", agent=ANNA)
    session = str(told["session"])
    name = "call" if kind == "call.connected" else "interaction"
    await centre.event(kind, **{name: session})
    return session


async def the_agent(centre: Centre) -> None:
    """States, suspension, leaving."""
    await centre.done(Verb.AGENT_SET_STATE, state="not_ready", reason="At Lunch")
    await centre.done(Verb.AGENT_SET_STATE, state="ready")
    await centre.done(Verb.AGENT_SET_SUSPENDED, suspended=True)
    await centre.done(Verb.AGENT_SET_SUSPENDED, suspended=False)
    await centre.done(Verb.AGENT_LOGOUT)


async def a_call(centre: Centre) -> None:
    """Recorded, and noted about."""
    call = await answered(centre, "audio", "call.connected")
    await centre.done(Verb.RECORDING_START)
    await centre.done(Verb.RECORDING_STOP)
    await centre.done(Verb.CALL_ADD_NOTE, agent=None, call=call, note="locked out")
    await centre.done(
        Verb.CALL_SET_DISPOSITION, agent=None, call=call, disposition=4, sub_disposition=8
    )
    await centre.done(Verb.CALL_ATTACH_DATA, agent=None, call=call, data={"Priority": 1})


async def a_chat(centre: Centre) -> None:
    """The same of a chat."""
    chat = await answered(centre, "instantMessage", "interaction.accepted")
    await centre.done(Verb.INTERACTION_ADD_NOTE, agent=None, interaction=chat, note="locked out")
    await centre.done(Verb.INTERACTION_SET_DISPOSITION, agent=None, interaction=chat, disposition=4)
    await centre.done(
        Verb.INTERACTION_ATTACH_DATA, agent=None, interaction=chat, data={"Priority": 1}
    )


async def silence(centre: Centre) -> None:
    """Every connection carries nothing any more, and requests are answered too late."""
    await fall_silent(centre, FaultKind.SILENCE, FaultKind.STALL)


def calls(simulator: Simulator) -> set[str]:
    """Audio sessions whose customer is not gone."""
    return {
        str(session.id)
        for session in simulator.world.sessions.values()
        if session.modality.key == "audio" and not session.ended and session.status != "AfterCall"
    }


PLATFORM = Platform(
    calls=calls,
    name="clarity_connect",
    capabilities=DESCRIPTOR.capabilities,
    open=simulated,
    block=block,
    agent="101",
    ready=ready,
    stories=(the_agent, a_call, a_chat),
    refusals=(
        Refusal(verb=Verb.RECORDING_START, reason="forbidden", command={"agent": "9999"}),
        Refusal(
            verb=Verb.AGENT_SET_STATE,
            reason="invalid",
            command={"state": "not_ready", "reason": "nowhere"},
        ),
    ),
    unproven=(Verb.AGENT_SET_STATE, {"state": "not_ready"}),
    silence=silence,
)
