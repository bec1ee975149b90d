"""inContact WFO: the recording API of the contact centre's recorder."""

from __future__ import annotations

from connectors.incontact_wfo.commands import CAPABILITIES
from connectors.incontact_wfo.connector import IncontactWfo
from connectors.incontact_wfo.settings import IncontactWfoSettings
from gateway.contracts import Guarantee, PlatformDescriptor

__all__ = ["PLATFORM"]

_FULL = (
    "recording.started", "recording.stopped", "recording.tagged", "directory.changed", "vendor.message",
)  # fmt: skip
_PARTIAL = (
    # As far as two readings differ; paused and resumed also by a command alone.
    "call.offered", "call.connected", "call.held", "call.retrieved", "call.ended", "call.changed",
    "recording.paused", "recording.resumed",
)  # fmt: skip

PLATFORM = PlatformDescriptor(
    name="incontact_wfo",
    settings=IncontactWfoSettings,
    guarantee=Guarantee.POLLED,
    capabilities=CAPABILITIES,
    events={f"tieline.{name}.v1": "full" for name in _FULL}
    | {f"tieline.{name}.v1": "partial" for name in _PARTIAL},
    version="2026-11",
    build=IncontactWfo,
)
