"""Clarity Connect, Web API version 2: Windows sign-in, classic SignalR, REST."""

from __future__ import annotations

from connectors.clarity_connect.capabilities import CAPABILITIES
from connectors.clarity_connect.connector import ClarityConnect
from connectors.clarity_connect.settings import ClarityConnectSettings
from gateway.contracts import Guarantee, PlatformDescriptor

__all__ = ["PLATFORM"]

_FULL = (
    "agent.session.started", "agent.session.ended", "agent.state.changed", "agent.state.snapshot",
    "agent.metrics.observed", "queue.metrics.observed", "group.metrics.observed",
    "call.initiated", "call.queued", "call.offered", "call.connected", "call.transferred",
    "call.ended", "call.changed",
    "interaction.created", "interaction.queued", "interaction.offered", "interaction.accepted",
    "interaction.transferred", "interaction.completed", "interaction.cancelled", "interaction.changed",
    "recording.started", "recording.stopped", "supervision.started", "supervision.stopped",
    "alert.raised", "alert.cleared", "vendor.message",
)  # fmt: skip
_PARTIAL = (
    # Only as far as a message or a session that was read tells them: the session model of the feed has no
    # hold, no participants and no data.
    "call.held", "call.retrieved", "call.party.joined", "call.party.left", "call.data.changed",
    "interaction.party.joined", "interaction.party.left", "interaction.data.changed",
)  # fmt: skip

PLATFORM = PlatformDescriptor(
    name="clarity_connect",
    settings=ClarityConnectSettings,
    guarantee=Guarantee.RESUMABLE,
    capabilities=CAPABILITIES,
    events={f"tieline.{name}.v1": "full" for name in _FULL}
    | {f"tieline.{name}.v1": "partial" for name in _PARTIAL},
    version="2026-11",
    build=ClarityConnect,
)
