"""Genesys Web Services 8.5 (GWS v2): the on-premise REST and CometD interface of the agent."""

from __future__ import annotations

from connectors.genesys_web_services.capabilities import CAPABILITIES
from connectors.genesys_web_services.connector import GenesysWebServices
from connectors.genesys_web_services.settings import GenesysWebServicesSettings
from gateway.contracts import Guarantee, PlatformDescriptor

__all__ = ["PLATFORM"]

_FULL = (
    "agent.session.started", "agent.session.ended", "agent.state.changed", "agent.state.snapshot",
    "agent.device.changed", "agent.channel.changed",
    "call.initiated", "call.offered", "call.connected", "call.held", "call.retrieved",
    "call.party.joined", "call.party.left", "call.failed", "call.ended", "call.changed",
    "call.data.changed", "call.mute.changed",
    "interaction.created", "interaction.offered", "interaction.accepted", "interaction.rejected",
    "interaction.revoked", "interaction.queued", "interaction.pulled", "interaction.completed",
    "interaction.changed", "interaction.party.joined", "interaction.party.left",
    "interaction.message.added", "interaction.typing.changed", "interaction.data.changed",
    "recording.started", "recording.paused", "recording.resumed", "recording.stopped",
    "account.password.changed", "account.password.failed", "service.state.changed", "vendor.message",
    "queue.metrics.observed", "agent.metrics.observed", "group.metrics.observed", "directory.changed",
)  # fmt: skip
_PARTIAL = (
    "call.dtmf.sent",  # without the digits
    "recording.failed",  # known only by the text of an error
    "call.transferred", "call.conferenced",  # inferred: the platform tells their parts
    # States that newer servers have, or that are seen only in part.
    "interaction.transferred", "interaction.parked", "interaction.cancelled",
    "interaction.session.ended",
)  # fmt: skip

PLATFORM = PlatformDescriptor(
    name="genesys_web_services",
    settings=GenesysWebServicesSettings,
    guarantee=Guarantee.RESUMABLE,
    capabilities=CAPABILITIES,
    events={f"tieline.{name}.v1": "full" for name in _FULL}
    | {f"tieline.{name}.v1": "partial" for name in _PARTIAL},
    version="2026-11",
    build=GenesysWebServices,
)
