"""Requests about the agent: session, state, phone leg, supervision.

Source: NICE inContact method reference, "Agent Sessions", "Agent Phone", "Supervisor"; Admin API,
"Agent State" for agents whose session is not followed.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from connectors._wire.arguments import choice, data, flag, invalid, needed, text
from connectors.nice_incontact.capabilities import (
    CALL_FAILED,
    LEG_CHANGED,
    MUTE_CHANGED,
    SESSION_ENDED,
    SESSION_STARTED,
    STATE_CHANGED,
    STATES,
)
from connectors.nice_incontact.commands.request import Already, Request, Situation, number, refused
from connectors.nice_incontact.mapping.picture import CALL
from connectors.nice_incontact.vendor import SESSIONS
from gateway.commands import Command, Expectation, Verb
from gateway.errors import Reason
from gateway.states import AgentState, ConnectionState

_WORKING = frozenset({AgentState.BUSY, AgentState.AFTER_CONTACT})
_ACTIVE, _DISCONNECTED = "active", "disconnected"
MAX_EVENT = 32_000
_HELD = (ConnectionState.CONNECTED, ConnectionState.HELD)


def login(command: Command, situation: Situation) -> Request:
    """Start a session on a station or phone."""
    if situation.session:
        raise refused(f"agent {situation.agent} has a session already")
    body = dict(situation.login)
    phone, station = text(command, "phone_number"), number(command, "station")
    if phone is not None or station is not None:
        body.pop("stationPhoneNumber", None)
        body.pop("stationId", None)
        body |= {"stationPhoneNumber": phone} if phone is not None else {"stationId": str(station)}
    if "stationPhoneNumber" not in body and "stationId" not in body:
        raise refused(
            "arguments.station: missing; a session needs a station or a phone",
            reason=Reason.INVALID,
            hint="give station or phone_number, or set station_id for the agent",
        )
    return Request(
        path=SESSIONS, body=body, opens=True, expectation=_agent(situation, SESSION_STARTED)
    )


def logout(command: Command, situation: Situation) -> Request:
    """End the session."""
    end_contacts = bool(flag(command, "end_contacts"))
    open_contacts = [
        name
        for name, contact in situation.picture.contacts.items()
        if contact.state is not ConnectionState.CLEARED
    ]
    if open_contacts and not end_contacts:
        raise refused(
            f"agent {situation.agent} has open contacts: {', '.join(open_contacts)}",
            hint="end them first, or give end_contacts",
        )
    body = {
        "forceLogoff": bool(flag(command, "force")),
        "endContacts": end_contacts,
        "ignorePersonalQueue": bool(flag(command, "ignore_personal_queue")),
    }
    return Request(
        method="DELETE",
        path=situation.session,
        body=body,
        over_is_done=True,
        expectation=_agent(situation, SESSION_ENDED),
    )


def set_state(command: Command, situation: Situation) -> Request | Already:
    """Set the agent's state, or the one that follows the contact."""
    state = choice(command, "state", tuple(STATES), default="")
    reason = text(command, "reason")
    if reason is not None and state != "not_ready":
        raise refused("arguments.reason: only with not_ready", reason=Reason.INVALID)
    standing = situation.picture.standing
    working = standing is not None and standing.state in _WORKING
    if standing is not None and not working and standing.pending is None:
        same = reason is None or (standing.reason or "").lower() == reason.lower()
        if standing.state == state and same:
            return Already(message=f"agent {situation.agent} is {state} already")
    body = {"state": STATES[state]} | ({} if reason is None else {"reason": reason})
    where = {"agent": situation.agent, "pending_state" if working else "state": state}
    return Request(
        path=f"{situation.session}/state",
        body=body,
        expectation=Expectation(
            confirmed_by=frozenset({STATE_CHANGED}),
            subject=f"agent/{situation.agent}",
            where=where,
        ),
    )


def leg(command: Command, situation: Situation) -> Request | Already:
    """Dial or hang up the agent's phone."""
    connect = command.verb is Verb.AGENT_CONNECT_LEG
    held = situation.picture.leg
    if connect and held == _ACTIVE:
        return Already(message=f"the leg of agent {situation.agent} is active already")
    if not connect and held in {None, _DISCONNECTED}:
        raise refused(f"agent {situation.agent} has no leg that could be ended")
    return Request(
        path=f"{situation.session}/agent-phone/{'dial' if connect else 'end'}",
        expectation=Expectation(
            confirmed_by=frozenset({LEG_CHANGED}),
            refused_by=frozenset({CALL_FAILED}) if connect else frozenset(),
            subject=None if connect else f"agent/{situation.agent}",
            where={"agent": situation.agent, "state": _ACTIVE if connect else _DISCONNECTED},
        ),
    )


def mute(command: Command, situation: Situation) -> Request | Already:
    """Mute the agent's leg, or not."""
    on, picture = command.verb is Verb.CALL_MUTE, situation.picture
    if picture.leg != _ACTIVE:
        raise refused(
            f"the leg of agent {situation.agent} is {picture.leg or 'not connected'}; muting needs it active",
            hint="connect it with agent.connect_leg",
        )
    if bool(picture.muted) is on:
        return Already(message=f"the leg is {'muted' if on else 'not muted'} already")
    if picture.of_kind(CALL, *_HELD):
        proof, where = MUTE_CHANGED, {"agent": situation.agent, "muted": on}
    else:
        proof = LEG_CHANGED
        where = {"agent": situation.agent, "state": "muted" if on else picture.leg}
    return Request(
        path=f"{situation.session}/agent-phone/{'mute' if on else 'unmute'}",
        expectation=Expectation(confirmed_by=frozenset({proof}), where=where),
    )


def listen(command: Command, situation: Situation) -> Request:
    """Monitor another agent."""
    target = number_text(command, "agent")
    if target == situation.agent:
        raise refused("arguments.agent: the supervisor itself", reason=Reason.INVALID)
    if situation.picture.monitor is not None:
        raise refused(
            f"agent {situation.agent} listens to agent {situation.picture.monitor.target} already",
            hint="stop that with supervision.stop",
        )
    return Request(
        path=f"{situation.session}/monitor",
        body={"targetAgentId": target},
        expectation=_supervision(situation, "started", agent=target),
    )


def change_mode(command: Command, situation: Situation) -> Request:
    """Coach the monitored agent or barge in."""
    mode = command.verb.value.split(".", 1)[1]
    _monitored(situation, mode)
    return Request(
        path=f"{situation.session}/{mode}",
        mode=mode,
        expectation=_supervision(situation, "changed", mode=mode),
    )


def stop_listening(_command: Command, situation: Situation) -> Request:
    """Hang up the supervisor's leg: the contact that is told belongs to the monitored agent."""
    _monitored(situation, "stopping")
    if calls := situation.picture.of_kind(CALL, *_HELD):
        raise refused(
            f"agent {situation.agent} has calls of its own, which would end: {', '.join(calls)}"
        )
    return Request(
        path=f"{situation.session}/agent-phone/end",
        expectation=_supervision(situation, "stopped"),
    )


def send_event(command: Command, agent: str) -> Request:
    """An event for the programs that follow the agent's session; 200 says that it was sent."""
    written = msgspec.json.encode(data(command)).decode()
    if len(written) > MAX_EVENT:
        raise invalid("data", f"at most {MAX_EVENT} characters of JSON")
    return Request(
        method="PUT",
        path=f"agents/{agent}/custom-event",
        body={
            "eventName": needed(command, "name"),
            "persistInMemory": bool(flag(command, "persist")),
            "data": written,
        },
    )


def administrate(command: Command, agent: str) -> Request:
    """State, log-out and events of an agent whose session is not followed, by an administrator's request."""
    if command.verb is Verb.AGENT_SEND_USER_EVENT:
        return send_event(command, agent)
    if command.verb is Verb.AGENT_LOGOUT:
        return Request(
            path=f"agents/{agent}/logout",
            expectation=Expectation(
                confirmed_by=frozenset({STATE_CHANGED}),
                subject=f"agent/{agent}",
                where={"state": AgentState.LOGGED_OFF.value},
            ),
        )
    state = choice(command, "state", tuple(STATES), default="")
    body: dict[str, str | int] = {"state": STATES[state]}
    if (code := number(command, "reason")) is not None:
        body["outStateId"] = code
    return Request(path=f"agents/{agent}/state", body=dict(body))


ADMINISTRATED: frozenset[Verb] = frozenset(
    {Verb.AGENT_LOGOUT, Verb.AGENT_SEND_USER_EVENT, Verb.AGENT_SET_STATE}
)
BUILDERS: dict[Verb, Callable[[Command, Situation], Request | Already]] = {
    Verb.AGENT_LOGIN: login,
    Verb.AGENT_LOGOUT: logout,
    Verb.AGENT_SET_STATE: set_state,
    Verb.AGENT_CONNECT_LEG: leg,
    Verb.AGENT_DISCONNECT_LEG: leg,
    Verb.CALL_MUTE: mute,
    Verb.CALL_UNMUTE: mute,
    Verb.SUPERVISION_LISTEN: listen,
    Verb.SUPERVISION_COACH: change_mode,
    Verb.SUPERVISION_BARGE: change_mode,
    Verb.SUPERVISION_STOP: stop_listening,
}


def number_text(command: Command, name: str) -> str:
    """An id of the platform that must be there. Raises CommandRefused."""
    needed(command, name)
    return str(number(command, name))


def _monitored(situation: Situation, to: str) -> None:
    if situation.picture.monitor is None:
        raise refused(
            f"agent {situation.agent} listens to nobody; {to} needs that",
            hint="begin with supervision.listen",
        )


def _agent(situation: Situation, proof: str) -> Expectation:
    return Expectation(confirmed_by=frozenset({proof}), subject=f"agent/{situation.agent}")


def _supervision(situation: Situation, verb: str, **where: str) -> Expectation:
    return Expectation(
        confirmed_by=frozenset({f"tieline.supervision.{verb}.v1"}),
        subject=f"agent/{situation.agent}",
        where={"supervisor": situation.agent, **where},
    )
