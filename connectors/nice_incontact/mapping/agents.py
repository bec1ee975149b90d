"""The agent: session, state, phone leg, and what the platform says went wrong.

Source: NICE inContact developer portal, "Agent Session Events" (AgentSessionStart, AgentSessionEnd,
RemoteAgentSessionEnd, AgentState, AgentLeg, Mute, AgentError).
"""

from __future__ import annotations

from connectors._wire.json_values import flag, objects, text
from connectors.nice_incontact.mapping.message import Message
from connectors.nice_incontact.mapping.picture import (
    CALL,
    SUPERVISION,
    AgentPicture,
    Contact,
    Standing,
)
from connectors.nice_incontact.vendor import AGENT_STATES, PENDING_REASONS, SUCCEEDED
from gateway.events import Confidence, Provenance
from gateway.events.agents import AgentLeg, AgentSession, AgentStateData
from gateway.events.calls import Call, CallMute, Recording, Supervision
from gateway.events.common import Native
from gateway.events.interactions import Interaction
from gateway.states import AgentState, ConnectionState

_A, _C = AgentState, ConnectionState
ABSENT = "absent"
CALLBACK = "callback"
_RECORDING = ("mask", "record")


def on_session_start(message: Message, picture: AgentPicture) -> None:
    """A session begins, or one that is known is told again at the head of a refresh set."""
    session = message.text("sessionid") or message.text("agentid") or message.origin.agent
    if picture.session == session:
        message.duplicate = True
        return
    if picture.session is not None:
        # Nobody heard the end of the earlier one.
        end_session(message, picture, reason=ABSENT, confidence=Confidence.INFERRED)
    picture.session = session
    picture.station = message.text("stationphonenumber") or message.text("stationid")
    picture.parting = None
    message.add_agent(
        "agent.session.started",
        AgentSession(
            agent=message.origin.agent,
            station=picture.station,
            media=_media(message),
            native=message.native(),
        ),
    )


def on_session_end(message: Message, picture: AgentPicture) -> None:
    """The session is over, for every program that follows it."""
    if picture.session is None:
        message.duplicate = True
        return
    reason = picture.parting or message.text("message")
    end_session(message, picture, reason=reason)


def on_remote_end(message: Message, picture: AgentPicture) -> None:
    """An administrator ends the session; `AgentSessionEnd` may follow, or be lost with the session's queue."""
    if picture.session is None:
        message.duplicate = True
        return
    picture.parting = message.text("message") or "RemoteLogoff"
    end_session(message, picture, reason=picture.parting)


def end_session(
    message: Message,
    picture: AgentPicture,
    *,
    reason: str | None,
    confidence: Confidence = Confidence.OBSERVED,
) -> None:
    """Tell that the session is over, and with it the agent's contacts."""
    for name in list(picture.contacts):
        end_contact(message, picture, name, cause="session_ended")
    end_callback(message, picture, reason="session_ended")
    message.add_agent(
        "agent.session.ended",
        AgentSession(
            agent=message.origin.agent,
            station=picture.station,
            reason=reason,
            native=message.native(reason=reason),
        ),
        confidence=confidence,
    )
    logged_off(message, picture, reason=reason)
    picture.session = picture.station = picture.leg = picture.muted = picture.monitor = None


def logged_off(message: Message, picture: AgentPicture, *, reason: str | None = None) -> None:
    """Tell that the agent is logged off, if that is news: it follows from there being no session."""
    before = picture.standing
    if before is not None and before.state is _A.LOGGED_OFF:
        return
    picture.standing = Standing(state=_A.LOGGED_OFF, native_state="LoggedOut")
    first = before is None
    message.add_agent(
        "agent.state.snapshot" if first else "agent.state.changed",
        AgentStateData(
            agent=message.origin.agent,
            state=_A.LOGGED_OFF,
            previous_state=None if before is None else before.state,
            reason=reason,
            native_state="LoggedOut",
            native=message.native(),
        ),
        confidence=Confidence.OBSERVED if first else Confidence.INFERRED,
    )


def end_contact(message: Message, picture: AgentPicture, name: str, *, cause: str) -> None:
    """Tell that a contact is over which nobody saw end."""
    contact = picture.close(name)
    if contact is None:
        return
    agent, told = message.origin.agent, message.native(state=contact.status)
    if contact.kind == SUPERVISION:
        data = Supervision(supervisor=agent, agent=contact.agent, call=name, native=told)
        message.add(
            "supervision.stopped", f"agent/{agent}", data, key=name, confidence=Confidence.INFERRED
        )
        picture.monitor = None
    elif contact.state is _C.CLEARED:
        # Its end was told when it was disconnected; only its closing was not.
        return
    elif contact.kind == CALL:
        call = Call(
            call=name,
            agent=agent,
            state=_C.CLEARED,
            previous_state=contact.state,
            direction=contact.direction,
            queue=contact.skill,
            cause=cause,
            native=told,
        )
        message.add("call.ended", f"call/{name}", call, key=name, confidence=Confidence.INFERRED)
    else:
        interaction = Interaction(
            interaction=name,
            media=contact.media,
            agent=agent,
            queue=contact.skill,
            reason=cause,
            direction=contact.direction,
            native=told,
        )
        message.add(
            "interaction.completed",
            f"interaction/{name}",
            interaction,
            key=name,
            confidence=Confidence.INFERRED,
        )


def end_callback(message: Message, picture: AgentPicture, *, reason: str) -> None:
    """Tell that a commitment is not on offer any more: the platform never says so."""
    name, picture.callback = picture.callback, None
    if name is None:
        return
    data = Interaction(
        interaction=name,
        media=CALLBACK,
        agent=message.origin.agent,
        reason=reason,
        native=message.native(),
    )
    message.add(
        "interaction.completed",
        f"interaction/{name}",
        data,
        key=name,
        confidence=Confidence.INFERRED,
    )


def state_of(word: str | None, reason: str | None, *, after_contact: bool | None) -> AgentState:
    """The canonical state of the platform's words."""
    state = AGENT_STATES.get((word or "").lower(), _A.UNKNOWN)
    if state is _A.NOT_READY and after_contact:
        return _A.AFTER_CONTACT
    if state is _A.NOT_READY and (reason or "").lower() in PENDING_REASONS:
        return _A.RESERVED
    return state


def on_state(message: Message, picture: AgentPicture) -> None:
    """The agent's state, and the one that follows when the contact is over."""
    word, reason = message.text("currentstate"), message.text("currentoutreason")
    if word is None:
        message.not_understood("an AgentState without CurrentState")
        return
    pending, pending_reason = _pending(message)
    now = Standing(
        state=state_of(word, reason, after_contact=message.flag("isacw")),
        native_state=word,
        reason=reason,
        pending=pending,
        pending_reason=pending_reason,
        since=message.text("starttimeutc"),
    )
    before = picture.standing
    if now == before:
        message.duplicate = True
        return
    picture.standing = now
    first = before is None and message.provenance is not Provenance.LIVE
    message.add_agent(
        "agent.state.snapshot" if first else "agent.state.changed",
        AgentStateData(
            agent=message.origin.agent,
            state=now.state,
            previous_state=None if before is None else before.state,
            since=message.moment("starttimeutc"),
            reason=reason,
            pending_state=pending,
            native_state=word,
            native=message.native(state=word, reason=pending_reason or reason),
        ),
        at=message.moment("starttimeutc") if _is_entered(before, now) else None,
    )


def _is_entered(before: Standing | None, now: Standing) -> bool:
    """Whether the state began with this event: `StartTimeUTC` is the state's, not that of another pending one."""
    return before is None or before.since != now.since


def _pending(message: Message) -> tuple[AgentState | None, str | None]:
    listed = objects(message.told.get("nextstates"))
    if not listed:
        return None, None
    following = listed[0]
    word, reason = text(following.get("state")), text(following.get("outreason"))
    if word is None:
        return None, None
    acw = flag(following.get("isacw"))
    if acw is None:
        acw = message.flag("nextisacw")
    return state_of(word, reason, after_contact=acw), reason


def on_leg(message: Message, picture: AgentPicture) -> None:
    """The agent's own phone leg, which may stay up between calls."""
    status = (message.text("status") or "unknown").lower()
    before = picture.leg
    if status == before:
        message.duplicate = True
        return
    picture.leg = status
    if status == "disconnected":
        picture.muted = None
    message.add_agent(
        "agent.leg.changed",
        AgentLeg(
            agent=message.origin.agent,
            state=status,
            previous_state=before,
            native=message.native(state=message.text("status")),
        ),
    )


def on_mute(message: Message, picture: AgentPicture) -> None:
    """The agent's leg was muted or not: told of the call that is spoken on, or of the leg if there is none."""
    muted = message.flag("agentmuted")
    if muted is None:
        message.not_understood("a Mute without AgentMuted")
        return
    if muted == picture.muted:
        message.duplicate = True
        return
    picture.muted = muted
    agent = message.origin.agent
    calls = picture.of_kind(CALL, _C.CONNECTED) or picture.of_kind(CALL, _C.HELD)
    for call in calls:
        data = CallMute(call=call, agent=agent, muted=muted, native=message.native())
        message.add("call.mute.changed", f"call/{call}", data, key=call)
    if not calls:
        leg = AgentLeg(
            agent=agent,
            state="muted" if muted else picture.leg or "unmuted",
            previous_state=picture.leg if muted else "muted",
            native=message.native(),
        )
        message.add_agent("agent.leg.changed", leg)


def on_error(message: Message, picture: AgentPicture) -> None:
    """A command that was taken has failed, or an outbound leg did. The contact stays in the state it was in.

    What names no contact is told under the agent's leg, for a call that was dialled and never came to be has no id.
    """
    code = message.text("resultcode") or "Error"
    if code.lower() in SUCCEEDED:
        message.not_understood("an AgentError whose result is no failure")
        return
    agent, name = message.origin.agent, message.contact
    contact = picture.contacts.get(name) if name is not None else None
    command = message.text("command")
    native = message.native(state=command, reason=code)
    cause = f"{command}: {code}" if command else code
    if contact is not None and contact.kind != CALL:
        interaction = Interaction(
            interaction=name or "",
            media=contact.media,
            agent=agent,
            queue=contact.skill,
            reason=cause,
            changed=["error"],
            native=native,
        )
        message.add("interaction.changed", f"interaction/{name}", interaction, key=name or "")
        return
    call_id = name or f"leg:{agent}"
    if name is not None and any(word in (command or "").lower() for word in _RECORDING):
        recording = Recording(call=name, agent=agent, mode="call", reason=cause, native=native)
        message.add(
            "recording.failed",
            f"recording/{name}",
            recording,
            key=name,
            confidence=Confidence.INFERRED,
        )
    if contact is not None:
        contact.failed = contact.state is _C.INITIATED
    message.add(
        "call.failed",
        f"call/{call_id}",
        _failed(call_id, agent, contact, cause, native),
        key=call_id,
    )


def _failed(call: str, agent: str, contact: Contact | None, cause: str, native: Native) -> Call:
    return Call(
        call=call,
        agent=agent,
        state=contact.state if contact else None,
        direction=contact.direction if contact else None,
        queue=contact.skill if contact else None,
        cause=cause,
        native=native,
    )


def _media(message: Message) -> list[str]:
    """Media that the session shows itself able to take."""
    found = ["voice"]
    chats = message.text("maxconcurrentchats")
    if chats is not None and chats.isdecimal() and int(chats) > 0:
        found.append("chat")
    return found
