"""NICE inContact: agent sessions by long polling, the real-time figures by polling."""

from __future__ import annotations

from connectors.nice_incontact.capabilities import CAPABILITIES
from connectors.nice_incontact.connector import NiceIncontact
from connectors.nice_incontact.settings import NiceIncontactSettings
from gateway.contracts import Guarantee, PlatformDescriptor

__all__ = ["PLATFORM"]

_FULL = (
    "agent.session.started", "agent.session.ended", "agent.state.changed", "agent.state.snapshot",
    "agent.leg.changed", "agent.channel.changed",
    "call.initiated", "call.offered", "call.connected", "call.held", "call.retrieved",
    "call.transferred", "call.conferenced", "call.failed", "call.ended", "call.changed",
    "call.data.changed", "call.mute.changed",
    "interaction.offered", "interaction.accepted", "interaction.rejected", "interaction.revoked",
    "interaction.completed", "interaction.changed", "interaction.message.added",
    "interaction.data.changed",
    "recording.started", "recording.paused", "recording.resumed",
    "supervision.started", "supervision.changed", "supervision.stopped",
    "directory.changed", "vendor.message", "queue.metrics.observed", "agent.metrics.observed",
)  # fmt: skip
_PARTIAL = (
    # Only those that a command sends: the platform tells nothing of tones.
    "call.dtmf.sent",
    # Only where the platform shows a contact in a state that agents' sessions seldom have.
    "call.queued", "interaction.created", "interaction.queued", "interaction.cancelled",
    "interaction.transferred",
    # Only where contacts are polled.
    "call.party.left",
    # Recording on request has no way to be stopped; what fails is known by the command's name.
    "recording.stopped", "recording.failed",
)  # fmt: skip

PLATFORM = PlatformDescriptor(
    name="nice_incontact",
    settings=NiceIncontactSettings,
    guarantee=Guarantee.SNAPSHOT,
    capabilities=CAPABILITIES,
    events={f"tieline.{name}.v1": "full" for name in _FULL}
    | {f"tieline.{name}.v1": "partial" for name in _PARTIAL},
    version="2026-11",
    build=NiceIncontact,
)
