"""The recorder's own vocabulary, as it is written on the wire.

Sources: inContact WFO Admin, "API Overview" (commands, identifiers, replies); inContact WFO 16.3
and 17.1 help, "Recording API Commands" (`api/Agent`, `api/Agent/GetAll`, the body of an agent). No
document lists the words for the states of calls and recordings: `CallState` "OnCall" is printed.
"""

from __future__ import annotations

from typing import Literal

CallWord = Literal["alerting", "connected", "held", "cleared"]
RecordingWord = Literal["recording", "paused", "stopped"]

AGENT_PATH = "api/Agent"
ALL_AGENTS_PATH = "api/Agent/GetAll"
START_PATH = "api/Record/StartForAgent"
UPDATE_PATH = "api/Record/UpdateForAgent"
STOP_PATH = "api/Record/StopForAgent"
BLACKOUT_START_PATH = "api/Blackout/StartForAgent"
BLACKOUT_STOP_PATH = "api/Blackout/StopForAgent"

BY_ID = "Id"
BY_PHONE = "Phone"
IDENTIFIERS = (BY_ID, "CrmUsername", BY_PHONE, "SystemUsername", "Username")
"""Kinds of AgentIdentifier. The overview's list says "Agent ID", its requests say "Id"."""
MEMBERS = {
    BY_ID: "agentid",
    "CrmUsername": "crmusername",
    BY_PHONE: "agentphone",
    "SystemUsername": "systemusername",
    "Username": "username",
}
"""Where an agent's body has what an identifier means, in lower case."""

TAG_FIELDS = tuple(f"user{number}" for number in range(1, 16))
"""Fields of a recording that are free for the site's own use."""
TIMES = "%m/%d/%Y %H:%M:%S"
DIRECTIONS = {"i": "inbound", "o": "outbound"}
CALL_STATES: dict[str, CallWord] = {
    "OnCall": "connected",
    "OnHold": "held",
    "Ringing": "alerting",
    "Ended": "cleared",
}
"""Words for the state of a call. Only `OnCall` is documented."""
RECORDING_STATES: dict[str, RecordingWord] = {
    "Recording": "recording",
    "Paused": "paused",
    "Blackout": "paused",
    "Stopped": "stopped",
}
"""Words for the state of a recording. None is documented."""
MEANINGS_OF_404 = (
    "the body lacks a parameter, the agent or device is not in the tracker, or nothing matched"
)
