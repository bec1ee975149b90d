"""What can be asked of the platform, and which event proves that it was done: the capability table.

Sources: workspace-client-js 9.0.1 and 9.0.96 (`voice-api`, `session-api`, `media-api`, `chat-api` and their
models); agent-api-simulator for e-mail and workbins.
"""

from __future__ import annotations

from connectors.genesys_engage_cloud.capabilities.agents import AGENTS
from connectors.genesys_engage_cloud.capabilities.calls import CALLS
from connectors.genesys_engage_cloud.capabilities.interactions import INTERACTIONS
from connectors.genesys_engage_cloud.capabilities.supervision import SUPERVISION
from gateway.commands import Capability

__all__ = ["CAPABILITIES"]

CAPABILITIES: tuple[Capability, ...] = (*AGENTS, *CALLS, *INTERACTIONS, *SUPERVISION)
