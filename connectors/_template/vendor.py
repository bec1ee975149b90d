"""The words of Example PBX, as they are written on the wire, and what they mean.

Source: README.md of this folder, "The platform"; of a real platform, name the vendor's document and its section here.
"""

from __future__ import annotations

from gateway.states import AgentState, ConnectionState

PLATFORM_NAME = "example_pbx"

CHANGES_PATH = "/v1/changes"
STATE_PATH = "/v1/state"
AGENTS_PATH = "/v1/agents"
CALLS_PATH = "/v1/calls"
REQUEST_ID = "X-Request-Id"
"""A header of requests; the changes that one causes carry it as `request`."""

AGENT_STATES = {
    "available": AgentState.READY,
    "away": AgentState.NOT_READY,
    "busy": AgentState.BUSY,
    "offline": AgentState.LOGGED_OFF,
}
SETTABLE = {"ready": "available", "not_ready": "away"}
"""What a command may ask for, and the word for it."""
CALL_STATES = {
    "dialling": ConnectionState.INITIATED,
    "ringing": ConnectionState.ALERTING,
    "talking": ConnectionState.CONNECTED,
    "held": ConnectionState.HELD,
    "ended": ConnectionState.CLEARED,
}
DIRECTIONS = {"in": "inbound", "out": "outbound"}
