"""Operations that failed after they were taken: `EventError` on the voice channel.

It has a code and a text; the phone, the connection id and the call's UUID only "if available". Where
the platform echoes the id of the operation, that names the command; where it does not, the command is
known if only one that fits is waiting for its event.
Source: Introduction to Engage Cloud APIs, "Responses and errors" (its last paragraph).
"""

from __future__ import annotations

from typing import Any

from msgspec import UNSET

from connectors._genesys.message import Message
from connectors._genesys.values import first, identifier, mapping, text
from connectors.genesys_engage_cloud.mapping.picture import AgentPicture
from connectors.genesys_engage_cloud.operation_ids import verb_of
from gateway.events import Confidence
from gateway.events.calls import Call, Recording

FAILED = "tieline.call.failed.v1"
RECORDING_FAILED = "tieline.recording.failed.v1"
_UUID = ("callUuid", "callUUID")
_CONNECTION = ("connId", "connectionId", "id", "callId")
_PHONE = ("thisDN", "dn", "number", "phoneNumber")


def on_error_message(message: Message, picture: AgentPicture) -> None:
    """Map an `EventError`. The leg stays in the state it was in."""
    data = message.data
    error = mapping(data.get("error"))
    if not error and first(data, "errorMessage", "errorCode") is None:
        message.not_understood("an error message without an error")
        return
    if message.repeats(picture, picture.last.get("error", 0)):
        return
    picture.last["error"] = message.print
    sources = (data, error, mapping(data.get("call")), mapping(data.get("dn")))
    uuid, connection, phone = (_find(sources, names) for names in (_UUID, _CONNECTION, _PHONE))
    known = picture.call_of(uuid, connection)
    call_id = known or connection or uuid
    confidence = Confidence.OBSERVED
    if message.causation is UNSET:
        waiting = [
            asked
            for asked in picture.asked
            if asked.until > message.received.timestamp()
            and asked.interaction is None
            and (call_id is None or asked.call in {None, call_id})
        ]
        if len(waiting) == 1:
            message.causation = waiting[0].command
            call_id = call_id or waiting[0].call
            confidence = Confidence.INFERRED
    if call_id is None:
        # A call that was dialled and never came to be has no id: it is told under the phone's name.
        phone = phone or next(iter(picture.devices), None) or message.origin.agent
        call_id = f"device:{phone}"
    leg = picture.calls.get(call_id)
    code = first(error, "errorCode", "code") or first(data, "errorCode")
    said = first(error, "errorMessage", "message") or first(data, "errorMessage")
    named = {"callUuid": uuid, "connId": connection, "device": phone}
    native = message.native(reason=code, ids={key: name for key, name in named.items() if name})
    cause = said or f"error {code}"
    message.add(
        FAILED,
        f"call/{call_id}",
        call_id,
        Call(
            call=call_id,
            agent=message.origin.agent,
            state=leg.state if leg else None,
            direction=leg.direction if leg else None,
            cause=cause,
            native=native,
        ),
        correlation=call_id,
        confidence=confidence,
    )
    if _about_recording(message, cause):
        message.add(
            RECORDING_FAILED,
            f"recording/{call_id}",
            call_id,
            Recording(call=call_id, agent=message.origin.agent, mode="call", native=native),
            correlation=call_id,
            confidence=Confidence.INFERRED,
        )


def _about_recording(message: Message, cause: str) -> bool:
    verb = verb_of(message.data.get("operationId"))
    return verb.family == "recording" if verb is not None else "record" in cause.lower()


def _find(sources: tuple[dict[str, Any], ...], names: tuple[str, ...]) -> str | None:
    for source in sources:
        for name in names:
            if (found := identifier(text(source.get(name)))) is not None:
                return found
    return None
