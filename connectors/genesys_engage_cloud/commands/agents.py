"""Requests about an agent: presence, login, do-not-disturb, forwarding, events for other programs. Pure.

Sources: workspace-client-js 9.0.96, `session-api`, `voice-api`, `media-api`; 9.0.1, `UsersApi`, for what a
supervisor does to another agent.
"""

from __future__ import annotations

from typing import Any

from connectors._wire.arguments import data, needed, segment, text, texts
from connectors._wire.table import proof
from connectors.genesys_engage_cloud.capabilities.agents import ALL_MEDIA
from connectors.genesys_engage_cloud.commands.request import (
    Builder,
    Login,
    Request,
    Situation,
    body_of,
    is_voice,
    request,
)
from connectors.genesys_engage_cloud.mapping.pairs import to_pairs
from connectors.genesys_engage_cloud.vendor import USER_EVENT, VOICE_MEDIUM, WORK_MODES, WORKSPACE
from gateway.commands import Command, Expectation, Verb
from gateway.errors import CommandRefused, Reason

_AFTER_CALL_WORK = "AfterCallWork"
_OPERATIONS = {
    "ready": "ready",
    "not_ready": "not-ready",
    "after_contact": "not-ready",
    "logged_off": "logout",
}
_ACTIVATED = ("agent.session.started", "agent.state.changed", "agent.state.snapshot")
_STATE = ("agent.state.changed", "agent.state.snapshot")


def activate(agent: str, login: Login, command: Command | None = None) -> Request:
    """The request that activates channels. Raises CommandRefused: neither a phone nor a place is known."""
    if login.agent_id is None or (login.dn is None and login.place is None):
        raise CommandRefused(
            "arguments.place: the platform told neither a place nor a phone of the agent",
            reason=Reason.INVALID,
            hint="set activate.place or activate.dn, and activate.agent_id",
        )
    parameters = {
        "agentId": login.agent_id,
        "dn": login.dn,
        "placeName": login.place,
        "queueName": login.queue,
        "agentWorkMode": login.work_mode,
        "channels": [VOICE_MEDIUM, *(name for name in login.channels if name != VOICE_MEDIUM)]
        if login.channels
        else None,
    }
    return Request(
        path=f"{WORKSPACE}/activate-channels",
        body=body_of(command, parameters),
        expectation=Expectation(
            confirmed_by=frozenset(map(proof, _ACTIVATED)),
            subject=f"agent/{agent}",
            cause=command.id if command is not None else None,
        ),
    )


def _place(media: str | None) -> tuple[str, str | None]:
    """Where an operation on a medium is sent, and the medium that its event names; none for all."""
    if is_voice(media):
        return VOICE_MEDIUM, VOICE_MEDIUM
    if media == ALL_MEDIA:
        return "media", None
    return f"media/{segment(media or '', 'arguments.media')}", media


def _set_state(command: Command, situation: Situation) -> Request:
    state = needed(command, "state")
    operation = _OPERATIONS.get(state)
    if operation is None:
        raise CommandRefused(
            f"arguments.state: {state!r} is not one of {', '.join(_OPERATIONS)}",
            reason=Reason.INVALID,
        )
    path, media = _place(text(command, "media"))
    reason, mode = text(command, "reason"), text(command, "work_mode")
    if mode is not None and mode not in WORK_MODES:
        raise CommandRefused(
            f"arguments.work_mode: {mode!r} is not one of {', '.join(WORK_MODES)}",
            reason=Reason.INVALID,
        )
    if state == "after_contact":
        if media != VOICE_MEDIUM:
            raise CommandRefused(
                "arguments.state: after_contact is a state of voice only", reason=Reason.INVALID
            )
        mode = _AFTER_CALL_WORK
    parameters: dict[str, Any] = {}
    if state != "logged_off":
        parameters = {
            "agentWorkMode": mode if media == VOICE_MEDIUM else None,
            "reasonCode": reason,
        }
    if text(command, "user") is not None:
        return _of_another(command, situation, operation, parameters, state)
    if media == VOICE_MEDIUM:
        # During a call the agent stays busy; the medium's own readiness is what was asked for.
        return request(
            command,
            f"{path}/{operation}",
            parameters,
            *_STATE,
            subject=f"agent/{situation.agent}",
            within={"media": {"media": VOICE_MEDIUM, "state": state}},
        )
    return _on_channel(command, situation, f"{path}/{operation}", parameters, media, state)


def _on_channel(
    command: Command,
    situation: Situation,
    path: str,
    parameters: dict[str, Any],
    media: str | None,
    state: str,
) -> Request:
    return request(
        command,
        path,
        parameters,
        "agent.channel.changed",
        subject=f"agent/{situation.agent}",
        where={"state": state} | ({"media": media} if media is not None else {}),
    )


def _of_another(
    command: Command,
    situation: Situation,
    operation: str,
    parameters: dict[str, Any],
    state: str,
) -> Request:
    """What a supervisor does to the phone of another agent, whose own feed tells it."""
    user = needed(command, "user")
    if not is_voice(text(command, "media")):
        raise CommandRefused(
            "arguments.media: a supervisor sets another agent's state on voice only",
            reason=Reason.INVALID,
        )
    return request(
        command,
        f"supervisor/voice/{operation}",
        {
            "userName": situation.users.get(user, user),
            "dn": text(command, "dn"),
            **parameters,
        },
        *_STATE,
        subject=f"agent/{user}",
        within={"media": {"media": VOICE_MEDIUM, "state": state}},
    )


def _log_in(command: Command, situation: Situation) -> Request:
    login = _login_of(command, situation.login)
    if text(command, "media") is None:
        return activate(situation.agent, login, command)
    return request(
        command,
        f"{VOICE_MEDIUM}/login",
        {"agentWorkMode": login.work_mode},
        *_ACTIVATED,
        subject=f"agent/{situation.agent}",
    )


def _login_of(command: Command, login: Login) -> Login:
    channels = texts(command, "channels")
    place, dn = text(command, "place"), text(command, "dn")
    given = place is not None or dn is not None
    return Login(
        agent_id=text(command, "login_code") or login.agent_id,
        dn=dn if given else login.dn,
        place=place if given else login.place,
        queue=text(command, "queue") or login.queue,
        work_mode=login.work_mode,
        channels=login.channels if channels is None else tuple(channels),
    )


def _log_out(command: Command, situation: Situation) -> Request:
    if command.arguments.get("end_session") is True:
        return Request(
            path=f"{WORKSPACE}/logout", body=body_of(command, {}), expectation=None, leaves=True
        )
    if text(command, "user") is not None:
        return _of_another(command, situation, "logout", {}, "logged_off")
    path, media = _place(text(command, "media"))
    if media == VOICE_MEDIUM:
        return request(
            command,
            f"{path}/logout",
            {},
            *_STATE,
            subject=f"agent/{situation.agent}",
            within={"media": {"media": VOICE_MEDIUM, "state": "logged_off"}},
        )
    return _on_channel(command, situation, f"{path}/logout", {}, media, "logged_off")


def _set_do_not_disturb(command: Command, situation: Situation) -> Request:
    on = command.arguments.get("on") is True
    operation = "dnd-on" if on else "dnd-off"
    if text(command, "scope") == "media":
        return request(
            command,
            f"media/{operation}",
            {},
            "agent.channel.changed",
            subject=f"agent/{situation.agent}",
            where={"do_not_disturb": on},
        )
    return _on_device(command, situation, operation, {})


def _forward(command: Command, situation: Situation) -> Request:
    number = needed(command, "destination")
    return _on_device(command, situation, "set-forward", {"forwardTo": number})


def _cancel_forward(command: Command, situation: Situation) -> Request:
    return _on_device(command, situation, "cancel-forward", {})


def _on_device(
    command: Command, situation: Situation, operation: str, parameters: dict[str, Any]
) -> Request:
    return request(
        command,
        f"{VOICE_MEDIUM}/{operation}",
        parameters,
        "agent.device.changed",
        "agent.state.snapshot",
        subject=f"agent/{situation.agent}",
    )


def _send_user_event(command: Command, situation: Situation) -> Request:
    """An event for other programs; the platform sends it back to its sender too."""
    call = command.target.call
    leg = situation.picture.calls.get(call or "")
    return request(
        command,
        f"{VOICE_MEDIUM}/send-user-event",
        {
            "userData": to_pairs(data(command)),
            "callUuid": leg.uuid if leg is not None else None,
            "connId": (leg.connection if leg is not None else None) or call,
        },
        "call.data.changed",
        "vendor.message",
        where={"agent": situation.agent},
        within={"native": {"type": USER_EVENT}},
    )


BUILDERS: dict[Verb, Builder] = {
    Verb.AGENT_SET_STATE: _set_state,
    Verb.AGENT_LOGIN: _log_in,
    Verb.AGENT_LOGOUT: _log_out,
    Verb.AGENT_SET_DO_NOT_DISTURB: _set_do_not_disturb,
    Verb.AGENT_FORWARD: _forward,
    Verb.AGENT_CANCEL_FORWARD: _cancel_forward,
    Verb.AGENT_SEND_USER_EVENT: _send_user_event,
}
