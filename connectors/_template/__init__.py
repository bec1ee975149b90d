"""Example PBX: a small invented platform, whole in all its parts, to be copied by who adds one.

It is no plug-in where it stands, for its folder begins with an underscore.
"""

from __future__ import annotations

from connectors._template.commands import CAPABILITIES
from connectors._template.connector import ExamplePbx
from connectors._template.settings import ExamplePbxSettings
from connectors._template.vendor import PLATFORM_NAME
from gateway.contracts import Guarantee, PlatformDescriptor

__all__ = ["PLATFORM"]

_FULL = (
    "agent.state.changed", "agent.state.snapshot",
    "call.initiated", "call.offered", "call.connected", "call.held", "call.retrieved", "call.ended",
    "vendor.message",
)  # fmt: skip

PLATFORM = PlatformDescriptor(
    name=PLATFORM_NAME,
    settings=ExamplePbxSettings,
    guarantee=Guarantee.RESUMABLE,
    capabilities=CAPABILITIES,
    events={f"tieline.{name}.v1": "full" for name in _FULL},
    version="2026-11",
    build=ExamplePbx,
)
