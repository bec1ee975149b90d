"""Genesys Engage Cloud v3: Authentication, Workspace, Statistics and Provisioning over REST and CometD."""

from __future__ import annotations

from connectors.genesys_engage_cloud.capabilities import CAPABILITIES
from connectors.genesys_engage_cloud.connector import GenesysEngageCloud
from connectors.genesys_engage_cloud.settings import GenesysEngageCloudSettings
from gateway.contracts import Guarantee, PlatformDescriptor

__all__ = ["PLATFORM"]

_FULL = (
    "agent.session.started", "agent.session.ended", "agent.state.changed", "agent.state.snapshot",
    "agent.device.changed", "agent.channel.changed", "agent.metrics.observed",
    "call.initiated", "call.offered", "call.connected", "call.held", "call.retrieved",
    "call.party.joined", "call.party.left", "call.failed", "call.ended", "call.changed",
    "call.data.changed",
    "interaction.created", "interaction.offered", "interaction.accepted", "interaction.cancelled",
    "interaction.completed", "interaction.changed", "interaction.parked", "interaction.pulled",
    "interaction.party.joined", "interaction.party.left", "interaction.message.added",
    "interaction.typing.changed", "interaction.data.changed",
    "recording.started", "recording.paused", "recording.resumed", "recording.stopped",
    "supervision.started", "supervision.stopped",
    "queue.metrics.observed", "group.metrics.observed",
    "directory.changed", "service.state.changed", "vendor.message",
)  # fmt: skip
_PARTIAL = (
    # Derived from the parts that the platform sends, or known by the echo of a command only.
    "call.transferred", "call.conferenced", "call.dtmf.sent", "supervision.changed",
    "recording.failed",
    "interaction.rejected", "interaction.revoked", "interaction.queued", "interaction.transferred",
    "interaction.session.ended",
)  # fmt: skip

PLATFORM = PlatformDescriptor(
    name="genesys_engage_cloud",
    settings=GenesysEngageCloudSettings,
    guarantee=Guarantee.RESUMABLE,
    capabilities=CAPABILITIES,
    events={f"tieline.{name}.v1": "full" for name in _FULL}
    | {f"tieline.{name}.v1": "partial" for name in _PARTIAL},
    version="2026-11",
    build=GenesysEngageCloud,
)
