"""Genesys Web Services: an agent's day by command."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from connectors.genesys_web_services import PLATFORM as DESCRIPTOR
from connectors.genesys_web_services.simulator import Simulator, SimulatorSettings
from gateway.commands import Verb
from tests.proofs.centre import Centre, Platform, Refusal
from tests.proofs.steps import call, fall_silent, second_call

ANNA, BEN = "agent0001", "agent0002"
NUMBER, OTHER = "5550100", "60001"
CONSULTED = {"destination": OTHER, "mode": "consult"}


@asynccontextmanager
async def simulated(**settings: Any) -> AsyncIterator[Simulator]:
    """A platform on which nothing happens but by command."""
    quiet = {
        "agents": 2,
        "events_per_second": 0,
        "timeout_ms": 2_000,
        "dial_answer_seconds": 0.02,
        "ack": True,
    }
    async with Simulator(SimulatorSettings(**{**quiet, **settings})) as simulator:
        yield simulator


def block(simulator: Simulator) -> dict[str, Any]:
    """A connector for one agent."""
    return {
        "base_url": simulator.url,
        "accounts": [{"username": ANNA, "password": "secret"}],
        "workbins": ["*"],
    }


async def ready(centre: Centre) -> None:
    """Anna's feed tells of her."""
    await centre.event("feed.connected")
    await centre.done(Verb.AGENT_LOGIN, channels=["voice", "chat", "email"])
    await centre.event("agent.channel.changed", media="email")


async def item(centre: Centre, media: str, *, accept: bool = True) -> str:
    """An interaction that was offered."""
    anna = centre.simulator.world.agents[ANNA]
    name = str(centre.simulator.media.invite(anna, media).id)
    await centre.event("interaction.offered", interaction=name)
    if accept:
        await centre.done(Verb.INTERACTION_ACCEPT, interaction=name)
    return name


async def the_agent(centre: Centre) -> None:
    """States, forwarding, leaving."""
    await centre.done(Verb.AGENT_SET_STATE, state="ready")
    await centre.done(Verb.AGENT_SET_STATE, state="not_ready", reason="OutToLunch")
    await centre.done(Verb.AGENT_SET_DO_NOT_DISTURB, on=True)
    await centre.done(Verb.AGENT_SET_DO_NOT_DISTURB, on=False)
    await centre.done(Verb.AGENT_FORWARD, destination="5003")
    await centre.done(Verb.AGENT_CANCEL_FORWARD)
    await centre.done(Verb.AGENT_LOGOUT)


async def one_call(centre: Centre) -> None:
    """Everything that one call takes."""
    name = await call(centre, destination=NUMBER)
    for verb, arguments in (
        (Verb.CALL_SEND_DTMF, {"digits": "12#"}),
        (Verb.CALL_MUTE, {}),
        (Verb.CALL_UNMUTE, {}),
        (Verb.CALL_ATTACH_DATA, {"data": {"note": "a"}}),
        (Verb.CALL_DELETE_DATA, {"key": "note"}),
        (Verb.RECORDING_START, {}),
        (Verb.RECORDING_PAUSE, {}),
        (Verb.RECORDING_RESUME, {}),
        (Verb.RECORDING_STOP, {}),
        (Verb.CALL_HOLD, {}),
        (Verb.CALL_RETRIEVE, {}),
        (Verb.CALL_CONFERENCE, {"destination": OTHER}),
        (Verb.CALL_REMOVE_PARTY, {"party": OTHER}),
        (Verb.CALL_HANG_UP, {}),
    ):
        await centre.done(verb, call=name, **arguments)


async def an_incoming_call(centre: Centre) -> None:
    """Answered, and given away."""
    await centre.done(Verb.AGENT_SET_STATE, state="ready")
    centre.simulator.telephony.incoming(centre.simulator.world.agents[ANNA])
    offered = await centre.event("call.offered")
    await centre.done(Verb.CALL_ANSWER, call=offered["call"])
    await centre.done(Verb.CALL_TRANSFER, call=offered["call"], destination="60002")


async def two_calls(centre: Centre) -> None:
    """Consultations that end in every way."""
    first = await call(centre, destination=NUMBER)
    second = await second_call(centre, Verb.CALL_CONFERENCE, first, **CONSULTED)
    await centre.done(Verb.CALL_SWAP, call=second, other_call=first)
    await centre.done(Verb.CALL_SWAP, call=first, other_call=second)
    await centre.done(Verb.CALL_COMPLETE_CONFERENCE, call=first)
    await centre.done(Verb.CALL_HANG_UP, call=first)
    third = await call(centre, destination=NUMBER)
    await second_call(centre, Verb.CALL_TRANSFER, third, **CONSULTED)
    await centre.done(Verb.CALL_COMPLETE_TRANSFER, call=third)
    fourth = await call(centre, destination=NUMBER)
    await centre.done(Verb.CALL_HOLD, call=fourth)
    fifth = await call(centre, destination="5550101")
    await centre.done(Verb.CALL_MERGE, call=fifth, other_call=fourth)


async def an_email(centre: Centre) -> None:
    """Answered, parked, pulled and passed on."""
    mail = await item(centre, "email")
    for verb, arguments in (
        (Verb.INTERACTION_ATTACH_DATA, {"data": {"note": "a"}}),
        (Verb.INTERACTION_DELETE_DATA, {"keys": ["note"]}),
        (Verb.INTERACTION_REPLY, {"queue": "drafts"}),
        (Verb.INTERACTION_REPLY, {"queue": "drafts", "all": True}),
        (Verb.INTERACTION_PARK, {"workbin": "later", "owner": "kristi"}),
        (Verb.INTERACTION_PULL, {"workbin": "later"}),
        (Verb.INTERACTION_QUEUE, {"queue": "second"}),
    ):
        await centre.done(verb, interaction=mail, **arguments)
    drafts = list(centre.simulator.world.agents[ANNA].interactions)
    written = {"to": "a@b.c", "from": "d@e.f", "subject": "s", "text": "t", "queue": "out"}
    await centre.done(Verb.INTERACTION_SEND, interaction=drafts[0], **written)
    await centre.done(Verb.INTERACTION_CANCEL, interaction=drafts[1])
    await centre.done(Verb.INTERACTION_CREATE, queue="drafts")
    (new,) = centre.simulator.world.agents[ANNA].interactions
    await centre.done(Verb.INTERACTION_COMPLETE, interaction=new)
    given = await item(centre, "email")
    colleague = centre.simulator.world.agents[BEN].id
    await centre.done(Verb.INTERACTION_TRANSFER, interaction=given, destination=colleague)
    unwanted = await item(centre, "email", accept=False)
    await centre.done(Verb.INTERACTION_REJECT, interaction=unwanted)


async def a_file(centre: Centre) -> None:
    """Uploaded to the gateway or given in the command, and removed."""
    mail = await item(centre, "email")
    upload = await centre.upload(b"x" * 100_000)
    await centre.done(Verb.INTERACTION_ADD_ATTACHMENT, interaction=mail, upload=upload)
    added = await centre.done(
        Verb.INTERACTION_ADD_ATTACHMENT,
        interaction=mail,
        name="a.txt",
        content_base64=base64.b64encode(b"hello").decode(),
    )
    await centre.done(
        Verb.INTERACTION_REMOVE_ATTACHMENT,
        interaction=mail,
        attachment=added["native_reply"]["documentId"],
    )


async def a_chat(centre: Centre) -> None:
    """Talked in, and left."""
    chat = await item(centre, "chat")
    colleague = centre.simulator.world.agents[BEN].id
    for verb, arguments in (
        (Verb.INTERACTION_TYPING, {"on": True}),
        (Verb.INTERACTION_SEND_MESSAGE, {"text": "hello"}),
        (Verb.INTERACTION_INVITE, {"destination": colleague}),
        (Verb.INTERACTION_REQUEST_HISTORY, {"since": "1"}),
        (Verb.INTERACTION_END_SESSION, {}),
    ):
        await centre.done(verb, interaction=chat, **arguments)
    left = await item(centre, "chat")
    await centre.done(Verb.INTERACTION_LEAVE, interaction=left)


def calls(simulator: Simulator) -> set[str]:
    """The calls of all agents."""
    return {call for agent in simulator.world.agents.values() for call in agent.calls}


PLATFORM = Platform(
    calls=calls,
    name="genesys_web_services",
    capabilities=DESCRIPTOR.capabilities,
    open=simulated,
    block=block,
    agent=ANNA,
    ready=ready,
    stories=(the_agent, one_call, an_incoming_call, two_calls, an_email, a_file, a_chat),
    refusals=(
        Refusal(verb=Verb.CALL_HOLD, reason="not_found", command={"call": "none"}),
        Refusal(verb=Verb.CALL_DIAL, reason="not_found", command={"agent": "nobody", "destination": "1"}),
        Refusal(verb=Verb.INTERACTION_COMPLETE, reason="not_found", command={"interaction": "none"}),
        Refusal(verb=Verb.CALL_DIAL, reason="refused", command={"destination": "9900"}),
    ),
    unproven=(Verb.AGENT_SET_STATE, {"state": "ready"}),
    silence=fall_silent,
)  # fmt: skip
