"""Genesys Engage Cloud: an agent's day by command, and a supervisor's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from connectors.genesys_engage_cloud import PLATFORM as DESCRIPTOR
from connectors.genesys_engage_cloud.simulator import Simulator, SimulatorSettings
from gateway.commands import Verb
from tests.proofs.centre import Centre, Platform, Refusal
from tests.proofs.steps import call, fall_silent, second_call

ANNA, BEN = "agent0001", "agent0002"
NUMBER, OTHER = "5550100", "5550111"
CONSULTED = {"destination": OTHER, "mode": "consult"}


@asynccontextmanager
async def simulated(**settings: Any) -> AsyncIterator[Simulator]:
    """A platform on which nothing happens but by command."""
    quiet = {"agents": 2, "events_per_second": 0, "timeout_ms": 2_000, "ack": True}
    async with Simulator(SimulatorSettings(**{**quiet, **settings})) as simulator:
        yield simulator


def block(simulator: Simulator) -> dict[str, Any]:
    """A connector for one agent, who is a supervisor too."""
    return {
        "base_url": simulator.url,
        "api_key": "sim-key",
        "client": {"id": "sim-client", "secret": "sim-secret"},
        "accounts": [{"username": f"acme\\{ANNA}", "agent": ANNA, "password": "secret"}],
        "observe_only": False,
    }


async def ready(centre: Centre) -> None:
    """Anna's phone and channels are active."""
    await centre.event("feed.connected")
    await centre.event("agent.state.changed", state="not_ready")
    for media in ("chat", "email", "workitem"):
        await centre.event("agent.channel.changed", media=media)


async def item(centre: Centre, media: str, *, accept: bool = True) -> str:
    """An interaction that was offered."""
    since = centre.position
    anna = centre.simulator.world.agents[ANNA]
    centre.simulator.media.invite(anna, media, commanded=True)
    offered = await centre.event("interaction.offered", since=since)
    name = str(offered["interaction"])
    if accept:
        await centre.done(Verb.INTERACTION_ACCEPT, interaction=name)
    return name


async def the_agent(centre: Centre) -> None:
    """States, forwarding, leaving and coming back."""
    await centre.done(Verb.AGENT_SET_STATE, state="ready")
    await centre.done(Verb.AGENT_SET_STATE, state="not_ready", reason="lunch")
    await centre.done(Verb.AGENT_SET_STATE, state="ready", media="chat")
    await centre.done(Verb.AGENT_SET_DO_NOT_DISTURB, on=True)
    await centre.done(Verb.AGENT_SET_DO_NOT_DISTURB, on=False)
    await centre.done(Verb.AGENT_FORWARD, destination=OTHER)
    await centre.done(Verb.AGENT_CANCEL_FORWARD)
    await centre.done(Verb.AGENT_SEND_USER_EVENT, data={"Topic": "fire drill"})
    await centre.done(Verb.AGENT_LOGOUT)
    await centre.done(Verb.AGENT_LOGIN, media="voice")


async def one_call(centre: Centre) -> None:
    """Everything that one call takes."""
    name = await call(centre, destination=NUMBER)
    for verb, arguments in (
        (Verb.CALL_HOLD, {}),
        (Verb.CALL_RETRIEVE, {}),
        (Verb.CALL_SEND_DTMF, {"digits": "12#"}),
        (Verb.CALL_ATTACH_DATA, {"data": {"Segment": "gold"}}),
        (Verb.CALL_DELETE_DATA, {"keys": ["Segment"]}),
        (Verb.RECORDING_START, {}),
        (Verb.RECORDING_PAUSE, {}),
        (Verb.RECORDING_RESUME, {}),
        (Verb.RECORDING_STOP, {}),
        (Verb.CALL_CONFERENCE, {"destination": OTHER}),
        (Verb.CALL_HANG_UP, {}),
    ):
        await centre.done(verb, call=name, **arguments)


async def a_call_that_waits_to_be_completed(centre: Centre) -> None:
    """Where the platform does not complete released calls by itself."""
    name = await call(centre, destination=NUMBER)
    await centre.done(Verb.CALL_HANG_UP, call=name)
    await centre.done(Verb.CALL_COMPLETE, call=name, data={"Result": "sold"})


async def an_incoming_call(centre: Centre) -> None:
    """Answered, and given away."""
    centre.simulator.telephony.incoming(centre.simulator.world.agents[ANNA], commanded=True)
    offered = await centre.event("call.offered")
    await centre.done(Verb.CALL_ANSWER, call=offered["call"])
    await centre.done(Verb.CALL_TRANSFER, call=offered["call"], destination=OTHER)


async def two_calls(centre: Centre) -> None:
    """Consultations that end in every way."""
    for begin, end in (
        (Verb.CALL_TRANSFER, Verb.CALL_COMPLETE_TRANSFER),
        (Verb.CALL_CONFERENCE, Verb.CALL_COMPLETE_CONFERENCE),
    ):
        name = await call(centre, destination=NUMBER)
        await second_call(centre, begin, name, **CONSULTED)
        await centre.done(end, call=name)
    await centre.done(Verb.CALL_HANG_UP, call=name)
    name = await call(centre, destination=NUMBER)
    consult = await second_call(centre, Verb.CALL_CONFERENCE, name, **CONSULTED)
    await centre.done(Verb.CALL_SWAP, call=consult, other_call=name)
    await centre.done(Verb.CALL_MERGE, call=name, other_call=consult)
    await centre.done(Verb.CALL_REMOVE_PARTY, call=name, party=OTHER)


async def a_chat(centre: Centre) -> None:
    """Talked in, held, and left."""
    chat = await item(centre, "chat")
    for verb, arguments in (
        (Verb.INTERACTION_TYPING, {"on": True}),
        (Verb.INTERACTION_SEND_MESSAGE, {"text": "good morning"}),
        (Verb.INTERACTION_SET_NICKNAME, {"nickname": "Kate"}),
        (Verb.INTERACTION_HOLD, {}),
        (Verb.INTERACTION_RETRIEVE, {}),
        (Verb.INTERACTION_INVITE, {"destination": "e0002"}),
        (Verb.INTERACTION_REMOVE_PARTY, {"party": "e0002"}),
        (Verb.INTERACTION_ATTACH_DATA, {"data": {"Topic": "bill"}}),
        (Verb.INTERACTION_DELETE_DATA, {"keys": ["Topic"]}),
        (Verb.INTERACTION_ADD_NOTE, {"text": "will call again"}),
        (Verb.INTERACTION_LEAVE, {"after": "keep"}),
        (Verb.INTERACTION_END_SESSION, {}),
    ):
        await centre.done(verb, interaction=chat, **arguments)


async def a_work_item(centre: Centre) -> None:
    """Rejected, parked, pulled, completed and passed on."""
    await centre.done(
        Verb.INTERACTION_REJECT, interaction=await item(centre, "workitem", accept=False)
    )
    name = await item(centre, "workitem")
    workbin = f"wb-{centre.simulator.world.agents[ANNA].login}"
    await centre.done(Verb.INTERACTION_PARK, interaction=name, workbin=workbin)
    await centre.done(Verb.INTERACTION_PULL, interaction=name)
    await centre.done(Verb.INTERACTION_COMPLETE, interaction=name)
    name = await item(centre, "workitem")
    await centre.done(Verb.INTERACTION_QUEUE, interaction=name, queue="vip")
    name = await item(centre, "workitem")
    await centre.done(Verb.INTERACTION_TRANSFER, interaction=name, destination="e0002")


async def an_email(centre: Centre) -> None:
    """Written, answered, forwarded, with files."""
    await centre.done(
        Verb.INTERACTION_CREATE, to=["a@example.com"], subject="Offer", text="Please see."
    )
    email = await item(centre, "email")
    for everyone, verb in ((False, Verb.INTERACTION_SEND), (True, Verb.INTERACTION_CANCEL)):
        since = centre.position
        await centre.done(
            Verb.INTERACTION_REPLY, interaction=email, text="Here it is.", all=everyone
        )
        draft = await centre.event("interaction.created", since=since, parent=email)
        await centre.done(verb, interaction=draft["interaction"])
    since = centre.position
    await centre.done(Verb.INTERACTION_FORWARD, interaction=email, to=["a@example.com"])
    draft = await centre.event("interaction.created", since=since, parent=email)
    upload = await centre.upload(b"x" * 100_000)
    for verb, arguments in (
        (Verb.INTERACTION_SAVE, {"text": "As told."}),
        (Verb.INTERACTION_ADD_ATTACHMENT, {"upload": upload}),
        (Verb.INTERACTION_ADD_ATTACHMENT, {"document": "d1", "name": "terms.pdf"}),
        (Verb.INTERACTION_ASSIGN_CONTACT, {"contact": "p1"}),
        (Verb.INTERACTION_REMOVE_ATTACHMENT, {"attachment": "d1"}),
    ):
        await centre.done(verb, interaction=draft["interaction"], **arguments)


async def supervision(centre: Centre) -> None:
    """Listening to a colleague, coaching, barging into a chat."""
    ben = centre.simulator.world.agents[BEN]
    centre.simulator.telephony.incoming(ben, commanded=True)
    since = centre.position
    await centre.done(Verb.SUPERVISION_LISTEN, destination=ben.number)
    offered = await centre.event("call.offered", since=since)
    await centre.done(Verb.CALL_ANSWER, call=offered["call"])
    await centre.done(Verb.SUPERVISION_COACH, call=offered["call"])
    await centre.done(Verb.SUPERVISION_STOP, destination=ben.number)
    await centre.done(
        Verb.SUPERVISION_LISTEN, destination=ben.employee_id, media="chat", next="all_calls"
    )
    chat = await item(centre, "chat")
    await centre.done(Verb.SUPERVISION_BARGE, interaction=chat)
    await centre.done(Verb.SUPERVISION_STOP, destination=ben.employee_id, media="chat")


def calls(simulator: Simulator) -> set[str]:
    """The calls of all agents."""
    return {call for agent in simulator.world.agents.values() for call in agent.calls}


PLATFORM = Platform(
    calls=calls,
    name="genesys_engage_cloud",
    capabilities=DESCRIPTOR.capabilities,
    open=simulated,
    block=block,
    agent=ANNA,
    ready=ready,
    stories=(
        the_agent,
        one_call,
        a_call_that_waits_to_be_completed,
        an_incoming_call,
        two_calls,
        a_chat,
        a_work_item,
        an_email,
        supervision,
    ),
    settings={a_call_that_waits_to_be_completed: {"auto_complete_calls": False}},
    refusals=(
        Refusal(verb=Verb.CALL_HOLD, reason="server_error", command={"call": "none"}),
        Refusal(
            verb=Verb.CALL_DIAL,
            reason="not_found",
            command={"agent": "nobody", "destination": NUMBER},
        ),
        Refusal(verb=Verb.CALL_DIAL, reason="refused", command={"destination": "9900"}),
    ),
    unproven=(Verb.AGENT_SET_STATE, {"state": "ready"}),
    silence=fall_silent,
)
