"""What can be asked of the platform, and which event proves that it was done: the capability table.

Sources: Genesys Web Services API reference, "Presence", "Call Control", "Device/Channel
Management", "Call Recording API" (Agent Operations), "Set Agent States Across all Channels",
"Interactions API Operations", "Interactions On E-mail Channel", "Attachments API", "Interactions On
Chat Channel", "Workbins".
"""

from __future__ import annotations

from connectors.genesys_web_services.capabilities.agents import AGENTS
from connectors.genesys_web_services.capabilities.calls import CALLS
from connectors.genesys_web_services.capabilities.interactions import INTERACTIONS
from gateway.commands import Capability

__all__ = ["CAPABILITIES"]

CAPABILITIES: tuple[Capability, ...] = (*AGENTS, *CALLS, *INTERACTIONS)
