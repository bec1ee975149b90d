"""Commands: canonical command to vendor request, vendor answer to outcome. Pure.

A code of 1 means that the platform took the operation; whether it worked comes on the feed, perhaps as
`EventError`. So success is `accepted` with an expectation, never `done`, unless there is nothing to wait
for. Every request carries an `operationId`; an event that echoes another one decides nothing here.
Sources: Introduction to Engage Cloud APIs, "Requests" and "Responses and errors"; workspace-client-js.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from connectors.genesys_engage_cloud.building import (
    Login,
    Request,
    body_of,
    needed,
    request,
    segment,
    text,
    texts,
)
from connectors.genesys_engage_cloud.call_requests import build_call
from connectors.genesys_engage_cloud.capabilities import ALL_MEDIA, proof
from connectors.genesys_engage_cloud.envelope import Envelope, message_of, read_envelope
from connectors.genesys_engage_cloud.mapping.picture import AgentPicture
from connectors.genesys_engage_cloud.media_requests import build_interaction
from connectors.genesys_engage_cloud.vendor import WORK_MODES, WORKSPACE, StatusCode
from gateway.commands import Command, Expectation, Outcome, Status, Verb
from gateway.errors import CommandRefused, CommandUncertain, Reason

__all__ = ["Login", "Request", "activate", "build", "outcome_of", "summary"]

_VOICE = "voice"
_AFTER_CALL_WORK = "AfterCallWork"
_OPERATIONS = {
    "ready": "ready",
    "not_ready": "not-ready",
    "after_contact": "not-ready",
    "logged_off": "logout",
}
_REASONS = {
    400: Reason.INVALID,
    401: Reason.AUTH,
    403: Reason.FORBIDDEN,
    404: Reason.NOT_FOUND,
    409: Reason.CONFLICT,
    429: Reason.RATE_LIMITED,
    500: Reason.SERVER_ERROR,
    501: Reason.UNSUPPORTED,
    503: Reason.SERVER_ERROR,
}
_ACTIVATED = ("agent.session.started", "agent.state.changed", "agent.state.snapshot")
_MAX_PARTS = 100


def build(command: Command, *, agent: str, login: Login, picture: AgentPicture) -> Request:
    """The request for a command.

    `agent` is the name that the agent's events carry. Raises CommandRefused: an argument cannot be used;
    the message names it.
    """
    match command.verb:
        case Verb.AGENT_SET_STATE:
            return _set_state(command, agent)
        case Verb.AGENT_LOGIN:
            return activate(agent, _login_of(command, login), command)
        case Verb.AGENT_LOGOUT:
            return _logout(command, agent)
        case Verb.AGENT_SET_DO_NOT_DISTURB:
            return _set_do_not_disturb(command, agent)
        case Verb.AGENT_FORWARD:
            return _forward(command, agent, needed(command, "destination"))
        case Verb.AGENT_CANCEL_FORWARD:
            return _forward(command, agent, None)
        case _:
            built = build_call(command, agent, picture)
            built = built or build_interaction(command, agent, picture)
    if built is None:
        raise CommandRefused(
            f"verb: {command.verb.value} is not supported by this platform",
            reason=Reason.UNSUPPORTED,
        )
    return built


def activate(agent: str, login: Login, command: Command | None = None) -> Request:
    """The request that activates channels. Raises CommandRefused: neither a phone nor a place is known."""
    if login.agent_id is None or (login.dn is None and login.place is None):
        raise CommandRefused(
            "arguments.place: the platform told neither a place nor a phone of the agent",
            reason=Reason.INVALID,
            hint="set activate.place or activate.dn, and activate.agent_id",
        )
    data = {
        "agentId": login.agent_id,
        "dn": login.dn,
        "placeName": login.place,
        "queueName": login.queue,
        "agentWorkMode": login.work_mode,
        "channels": [_VOICE, *(name for name in login.channels if name != _VOICE)]
        if login.channels
        else None,
    }
    return Request(
        path=f"{WORKSPACE}/activate-channels",
        body=body_of(command, data),
        expectation=Expectation(
            confirmed_by=frozenset(map(proof, _ACTIVATED)),
            subject=f"agent/{agent}",
            cause=command.id if command is not None else None,
        ),
    )


def outcome_of(request_: Request, status: int, body: bytes) -> Outcome:
    """What the platform's answer means for the command.

    Raises CommandUncertain: the server failed in a way that leaves open whether it acted.
    """
    envelope = read_envelope(body)
    code = envelope.code if envelope is not None else None
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR and code is None:
        raise CommandUncertain(f"the platform answered HTTP {status}", reason=Reason.SERVER_ERROR)
    good = HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES
    if good and envelope is None:
        raise CommandUncertain(
            "the platform answered with something that is no result", reason=Reason.PROTOCOL
        )
    if envelope is None or not good or envelope.failed:
        return _refused(status, envelope)
    if code == StatusCode.PARTIAL:
        return _partial(envelope)
    if request_.expectation is None:
        return Outcome(status=Status.DONE, native_reply=envelope.whole)
    return Outcome(
        status=Status.ACCEPTED,
        native_reply=envelope.whole,
        expectation=request_.expectation,
    )


def summary(outcomes: dict[str, Outcome]) -> Outcome:
    """The outcome of a command of several requests: that of the last one if none of them was refused."""
    last = list(outcomes.values())[-1]
    refused = [part for part, each in outcomes.items() if each.status is Status.REFUSED]
    if not refused:
        return last
    if len(refused) == len(outcomes):
        return outcomes[refused[0]]
    return Outcome(
        status=Status.PARTIAL,
        reason=Reason.REFUSED,
        message="some parts were refused: " + ", ".join(refused),
        parts=outcomes,
    )


def _refused(status: int, envelope: Envelope | None) -> Outcome:
    code = envelope.code if envelope is not None and envelope.failed else None
    said = f"the platform answered HTTP {status}" + ("" if code is None else f", code {code}")
    return Outcome(
        status=Status.REFUSED,
        reason=_REASONS.get(status if code is None else code, Reason.REFUSED),
        message=said if envelope is None else message_of(envelope.whole, said),
        native_reply=None if envelope is None else envelope.whole,
    )


def _partial(envelope: Envelope) -> Outcome:
    """A bulk operation of which some succeeded: `errors` has a status for each that did not."""
    parts = {
        f"errors[{index}]": Outcome(
            status=Status.REFUSED,
            reason=Reason.REFUSED,
            message=message_of({"status": error}, "no reason given"),
        )
        for index, error in enumerate(envelope.errors[:_MAX_PARTS])
    }
    return Outcome(
        status=Status.PARTIAL,
        reason=Reason.REFUSED,
        message="some parts were refused: "
        + "; ".join(part.message or "" for part in parts.values()),
        native_reply=envelope.whole,
        parts=parts,
    )


def _place(media: str | None) -> tuple[str, str | None]:
    """Where an operation on a medium is sent, and the medium that its event names; none for all."""
    if media is None or media == _VOICE:
        return _VOICE, _VOICE
    if media == ALL_MEDIA:
        return "media", None
    return f"media/{segment(media, 'arguments.media')}", media


def _set_state(command: Command, agent: str) -> Request:
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
        if media != _VOICE:
            raise CommandRefused(
                "arguments.state: after_contact is a state of voice only", reason=Reason.INVALID
            )
        mode = _AFTER_CALL_WORK
    data: dict[str, Any] = {}
    if state != "logged_off":
        data = {"agentWorkMode": mode if media == _VOICE else None, "reasonCode": reason}
    if media == _VOICE:
        # During a call the agent stays busy; the medium's own readiness is what was asked for.
        return request(
            command,
            f"{path}/{operation}",
            data,
            "agent.state.changed",
            "agent.state.snapshot",
            subject=f"agent/{agent}",
            within={"media": {"media": _VOICE, "state": state}},
        )
    return request(
        command,
        f"{path}/{operation}",
        data,
        "agent.channel.changed",
        subject=f"agent/{agent}",
        where={"state": state} | ({"media": media} if media is not None else {}),
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


def _logout(command: Command, agent: str) -> Request:
    if command.arguments.get("end_session") is True:
        return Request(
            path=f"{WORKSPACE}/logout", body=body_of(command, {}), expectation=None, leaves=True
        )
    path, media = _place(text(command, "media"))
    if media == _VOICE:
        return request(
            command,
            f"{path}/logout",
            {},
            "agent.state.changed",
            "agent.state.snapshot",
            subject=f"agent/{agent}",
            within={"media": {"media": _VOICE, "state": "logged_off"}},
        )
    return request(
        command,
        f"{path}/logout",
        {},
        "agent.channel.changed",
        subject=f"agent/{agent}",
        where={"state": "logged_off"} | ({"media": media} if media is not None else {}),
    )


def _set_do_not_disturb(command: Command, agent: str) -> Request:
    on = command.arguments.get("on") is True
    operation = "dnd-on" if on else "dnd-off"
    if text(command, "scope") == "media":
        return request(
            command,
            f"media/{operation}",
            {},
            "agent.channel.changed",
            subject=f"agent/{agent}",
            where={"do_not_disturb": on},
        )
    return request(
        command,
        f"{_VOICE}/{operation}",
        {},
        "agent.device.changed",
        "agent.state.snapshot",
        subject=f"agent/{agent}",
    )


def _forward(command: Command, agent: str, number: str | None) -> Request:
    operation = "cancel-forward" if number is None else "set-forward"
    return request(
        command,
        f"{_VOICE}/{operation}",
        {"forwardTo": number},
        "agent.device.changed",
        "agent.state.snapshot",
        subject=f"agent/{agent}",
    )
