"""Events that prove or refute commands, under short names."""

from __future__ import annotations


def _type(name: str) -> str:
    return f"tieline.{name}.v1"


STATE_CHANGED = _type("agent.state.changed")
STATE_RESTATED = _type("agent.state.snapshot")
CHANNEL_CHANGED = _type("agent.channel.changed")
DEVICE_CHANGED = _type("agent.device.changed")
SESSION_STARTED = _type("agent.session.started")
SESSION_ENDED = _type("agent.session.ended")

CALL_INITIATED = _type("call.initiated")
CALL_CONNECTED = _type("call.connected")
CALL_HELD = _type("call.held")
CALL_RETRIEVED = _type("call.retrieved")
CALL_TRANSFERRED = _type("call.transferred")
CALL_CONFERENCED = _type("call.conferenced")
CALL_PARTY_LEFT = _type("call.party.left")
CALL_DTMF = _type("call.dtmf.sent")
CALL_MUTE = _type("call.mute.changed")
CALL_DATA = _type("call.data.changed")
CALL_CHANGED = _type("call.changed")
CALL_FAILED = _type("call.failed")
CALL_ENDED = _type("call.ended")

RECORDING_STARTED = _type("recording.started")
RECORDING_STOPPED = _type("recording.stopped")
RECORDING_PAUSED = _type("recording.paused")
RECORDING_RESUMED = _type("recording.resumed")
RECORDING_FAILED = _type("recording.failed")

CREATED = _type("interaction.created")
ACCEPTED = _type("interaction.accepted")
REJECTED = _type("interaction.rejected")
REVOKED = _type("interaction.revoked")
CANCELLED = _type("interaction.cancelled")
COMPLETED = _type("interaction.completed")
QUEUED = _type("interaction.queued")
PARKED = _type("interaction.parked")
PULLED = _type("interaction.pulled")
TRANSFERRED = _type("interaction.transferred")
CHANGED = _type("interaction.changed")
DATA_CHANGED = _type("interaction.data.changed")
MESSAGE_ADDED = _type("interaction.message.added")
TYPING_CHANGED = _type("interaction.typing.changed")
PARTY_JOINED = _type("interaction.party.joined")
PARTY_LEFT = _type("interaction.party.left")
CHAT_ENDED = _type("interaction.session.ended")
