"""Refused operations on calls: told on the calls topic, with the ids of the call but usually without the call itself.

Source: Genesys Web Services API reference, "Notifications" (Calls).
"""

from __future__ import annotations

from connectors.genesys_web_services.mapping.message import Message
from connectors.genesys_web_services.mapping.picture import AgentPicture
from connectors.genesys_web_services.mapping.values import identifier, last_segment, text
from gateway.events import Confidence
from gateway.events.calls import Call, Recording
from gateway.events.common import Native

_FAILED = "tieline.call.failed.v1"


def on_refused_operation(message: Message, picture: AgentPicture) -> None:
    """Map a call message that has an error instead of a call. The leg stays in the state it was in."""
    data = message.data
    uuid, connection = identifier(data.get("callUuid")), identifier(data.get("connectionId"))
    device = last_segment(data.get("deviceUri"))
    call_id = _find(picture, uuid, connection) or uuid or connection
    if call_id is None and device is not None:
        # A call that was dialled and never came to be has no id: it is told under the phone's name.
        call_id = f"device:{device}"
    if call_id is None:
        message.not_understood("a failed call operation that names neither a call nor a device")
        return
    leg = picture.calls.get(call_id)
    if message.repeats(picture, picture.last.get("failure", 0)):
        return
    picture.last["failure"] = message.print
    if leg is not None:
        leg.transfer_to = None
    error = text(data.get("errorMessage")) or ""
    ids = {
        name: value
        for name in ("callUuid", "connectionId", "deviceUri")
        if (value := text(data.get(name))) is not None
    }
    native = message.native(reason=text(data.get("errorCode")), ids=ids)
    failure = Call(
        call=call_id,
        agent=message.origin.agent,
        state=leg.state if leg else None,
        direction=leg.direction if leg else None,
        cause=error,
        native=native,
    )
    message.add(_FAILED, f"call/{call_id}", call_id, failure, correlation=call_id)
    add_recording_failure(message, call_id, error, native)


def _find(picture: AgentPicture, uuid: str | None, connection: str | None) -> str | None:
    for name in (uuid, connection):
        if name is not None and name in picture.calls:
            return name
    for call_id, leg in picture.calls.items():
        if (uuid is not None and leg.uuid == uuid) or (
            connection is not None and leg.connection == connection
        ):
            return call_id
    return None


def add_recording_failure(message: Message, call_id: str, error: str, native: Native) -> None:
    """The platform does not say which operation failed; its text is the only sign that it was one on the recording."""
    if "record" not in error.lower():
        return
    message.add(
        "tieline.recording.failed.v1",
        f"recording/{call_id}",
        call_id,
        Recording(
            call=call_id, agent=message.origin.agent, mode="call", reason=None, native=native
        ),
        correlation=call_id,
        confidence=Confidence.INFERRED,
    )
