"""The catalogue: every event type, the struct of its data, how sensitive it is, and what it is about.

This table drives the schemas, the documentation and the checks. A new type is a new line here and a struct beside it.
"""

from __future__ import annotations

from typing import NamedTuple

from gateway.events import agents, audit, calls, interactions, operations
from gateway.events.envelope import Classification, Data

_OPERATIONAL = Classification.OPERATIONAL
_PERSONAL = Classification.PERSONAL
_CONTENT = Classification.CONTENT


class EventType(NamedTuple):
    """One line of the catalogue."""

    name: str
    data: type[Data]
    classification: Classification
    subject: str

    @property
    def noun(self) -> str:
        """The second word of the type: `call` of `tieline.call.held.v1`."""
        return self.name.split(".", 2)[1]


def _types(
    noun: str, subject: str, data: type[Data], level: Classification, *verbs: str
) -> list[EventType]:
    return [EventType(f"tieline.{noun}.{verb}.v1", data, level, subject) for verb in verbs]


CATALOGUE: dict[str, EventType] = {
    entry.name: entry
    for entry in [
        *_types("agent", "agent", agents.AgentSession, _OPERATIONAL, "session.started", "session.ended"),
        *_types("agent", "agent", agents.AgentStateData, _OPERATIONAL, "state.changed", "state.snapshot"),
        *_types("agent", "agent", agents.AgentDevice, _PERSONAL, "device.changed"),
        *_types("agent", "agent", agents.AgentChannel, _OPERATIONAL, "channel.changed"),
        *_types("agent", "agent", agents.AgentLeg, _OPERATIONAL, "leg.changed"),
        *_types("agent", "agent", agents.AgentSkills, _OPERATIONAL, "skills.changed"),
        *_types("agent", "agent", operations.Metrics, _OPERATIONAL, "metrics.observed"),
        *_types(
            "call", "call", calls.Call, _PERSONAL,
            "initiated", "queued", "offered", "connected", "held", "retrieved", "transferred",
            "conferenced", "party.joined", "party.left", "failed", "ended", "changed",
        ),
        *_types("call", "call", calls.CallDataChanged, _CONTENT, "data.changed"),
        *_types("call", "call", calls.CallDtmf, _CONTENT, "dtmf.sent"),
        *_types("call", "call", calls.CallMute, _OPERATIONAL, "mute.changed"),
        *_types("call", "call", calls.CallJourney, _CONTENT, "journey.observed"),
        *_types(
            "interaction", "interaction", interactions.Interaction, _PERSONAL,
            "created", "offered", "accepted", "rejected", "revoked", "transferred", "queued",
            "parked", "pulled", "cancelled", "completed", "changed", "session.ended",
        ),
        *_types(
            "interaction", "interaction", interactions.InteractionParty, _PERSONAL,
            "party.joined", "party.left",
        ),
        *_types("interaction", "interaction", interactions.InteractionMessage, _CONTENT, "message.added"),
        *_types("interaction", "interaction", interactions.InteractionTyping, _OPERATIONAL, "typing.changed"),
        *_types("interaction", "interaction", interactions.InteractionDataChanged, _CONTENT, "data.changed"),
        *_types("supervision", "agent", calls.Supervision, _OPERATIONAL, "started", "changed", "stopped"),
        *_types(
            "recording", "recording", calls.Recording, _OPERATIONAL,
            "started", "paused", "resumed", "stopped", "failed",
        ),
        *_types("recording", "recording", calls.Recording, _CONTENT, "tagged"),
        *_types("queue", "queue", operations.Metrics, _OPERATIONAL, "metrics.observed"),
        *_types("queue", "queue", operations.QueueState, _OPERATIONAL, "state.changed"),
        *_types("group", "group", operations.Metrics, _OPERATIONAL, "metrics.observed"),
        *_types("account", "agent", operations.AccountPassword, _OPERATIONAL, "password.changed", "password.failed"),
        *_types("directory", "directory", operations.DirectoryChanged, _OPERATIONAL, "changed"),
        *_types("alert", "alert", operations.Alert, _OPERATIONAL, "raised", "cleared"),
        *_types("service", "service", operations.ServiceState, _OPERATIONAL, "state.changed"),
        *_types(
            "feed", "feed", operations.FeedData, _OPERATIONAL,
            "connected", "disconnected", "gap.opened", "gap.closed", "quiet",
        ),
        *_types(
            "command", "command", operations.CommandData, _OPERATIONAL,
            "accepted", "done", "refused", "partial", "unknown",
        ),
        *_types("audit", "audit", audit.AuditData, _PERSONAL, "recorded"),
        *_types("delivery", "sink", operations.DeadLetterData, _OPERATIONAL, "dead"),
        *_types("vendor", "feed", operations.VendorMessage, _CONTENT, "message"),
    ]
}  # fmt: skip
"""Type name to catalogue line. `call.changed` is any change of a call that is no transition (notes, flags, parties)."""
