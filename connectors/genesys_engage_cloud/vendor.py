"""The platform's own vocabulary, as it is written on the wire, and what it means in ours.

Sources: Introduction to Engage Cloud APIs ("Responses and errors"); the vendor's client libraries
workspace-client-js and -java, statistics-client-js and -java, provisioning-client-js and -java, for
channels, messages and enumerations; its agent-api-simulator for the channels that the libraries do not
read.
"""

from __future__ import annotations

from enum import IntEnum

from gateway.states import AgentState, ConnectionState

WORKSPACE = "/workspace/v3"
STATISTICS = "/statistics/v3"
PROVISIONING = "/provisioning/v3"
AUTHENTICATION = "/auth/v3"

VOICE_MEDIUM = "voice"
INITIALIZATION_CHANNEL = f"{WORKSPACE}/initialization"
VOICE_CHANNEL = f"{WORKSPACE}/voice"
MEDIA_CHANNEL = f"{WORKSPACE}/media"
WORKSPACE_CHANNELS = (
    INITIALIZATION_CHANNEL,
    VOICE_CHANNEL,
    MEDIA_CHANNEL,
    f"{MEDIA_CHANNEL}/chat",
    f"{MEDIA_CHANNEL}/email",
    f"{MEDIA_CHANNEL}/workitem",
    f"{MEDIA_CHANNEL}/outboundpreview",
    f"{MEDIA_CHANNEL}/topics",
    f"{WORKSPACE}/workbins",
    f"{WORKSPACE}/media-management",
    f"{WORKSPACE}/contacts",
    f"{WORKSPACE}/statistics",
)
STATISTICS_SERVICE = f"{STATISTICS}/service"
STATISTICS_UPDATES = f"{STATISTICS}/updates"

DN_STATE = "DnStateChanged"
CALL_STATE = "CallStateChanged"
CHANNEL_STATE = "ChannelStateChanged"
INTERACTION_STATE = "InteractionStateChanged"
MESSAGE_LOG = "MessageLogUpdated"
EVENT_ERROR = "EventError"
USER_EVENT = "EventUserEvent"
MONITORING_STATE = "MonitoringStateChanged"
SERVICE_STATE = "ServiceStateChanged"
WORKBINS = "WorkbinsMessage"
CONTACTS = "UcsMessage"
SNAPSHOT = "SnapshotMessage"
INITIALIZATION_PROGRESS = "WorkspaceInitializationProgress"
INITIALIZATION_COMPLETE = "WorkspaceInitializationComplete"

STATUS_CHANGE = frozenset({"StateChange", "StatusChange"})
"""The first is the word for calls, the second the one for other interactions; either is taken everywhere."""
UCS_UPDATED = "UCSPropertiesUpdated"
"""The contact server has changed what it keeps of an interaction: attachments, the customer, the text."""
EMAIL_SAVED = "EmailSaved"
PARTICIPANTS_UPDATED = "ParticipantsUpdated"
DATA_CHANGED = "AttachedDataChanged"
CALL_RECOVERED = "CallRecovered"
RECORDING_CHANGED = "CallRecordingStateChange"
CALL_NOTIFICATIONS = STATUS_CHANGE | {
    PARTICIPANTS_UPDATED,
    DATA_CHANGED,
    CALL_RECOVERED,
    RECORDING_CHANGED,
}

CALL_STATES = {
    "dialing": ConnectionState.INITIATED,
    "ringing": ConnectionState.ALERTING,
    "established": ConnectionState.CONNECTED,
    "held": ConnectionState.HELD,
    "released": ConnectionState.CLEARED,
    "completed": ConnectionState.CLEARED,
}
DIRECTIONS = frozenset({"inbound", "outbound", "internal", "consult"})
DESTINATION, NEW_PARTY, OBSERVER = "roledestination", "rolenewparty", "roleobserver"

AGENT_STATES = {
    "ready": AgentState.READY,
    "notready": AgentState.NOT_READY,
    "loggedin": AgentState.NOT_READY,
    "loggedout": AgentState.LOGGED_OFF,
    "outofservice": AgentState.LOGGED_OFF,
    # Words that a medium has and a phone has not.
    "notactive": AgentState.LOGGED_OFF,
    "inactive": AgentState.LOGGED_OFF,
}
"""A login leaves the agent not ready until the agent says otherwise, hence `loggedin`."""
AFTER_CALL_WORK = "aftercallwork"
WORK_MODES = (
    "AutoIn", "ManualIn", "AuxWork", "AfterCallWork", "LegalGuard", "NoCallDisconnect", "WalkAway",
)  # fmt: skip

SERVICE_STATES = {"available": "up", "unavailable": "down"}
INITIALIZATION_STATES = {
    "notstarted": "unknown",
    "executing": "unknown",
    "complete": "up",
    "failed": "down",
}

MONITORING_STARTED, MONITORING_STOPPED = "monitoringstarted", "monitoringstopped"
MONITOR_MODES = {
    "mute": "listen", "coach": "coach", "connect": "barge", "monitor": "listen", "bargein": "barge",
}  # fmt: skip
MONITOR_SCOPES = {
    "onecall": "call", "allcalls": "agent", "nextinteraction": "call", "allinteractions": "agent",
}  # fmt: skip

METRIC_OBJECTS = {
    "agent": "agent",
    "agentplace": "agent",
    "groupagents": "group",
    "agentgroup": "group",
    "groupplaces": "group",
    "placegroup": "group",
    "queue": "queue",
    "acdqueue": "queue",
    "virtualqueue": "queue",
    "routepoint": "queue",
    "groupqueues": "queue",
    "queuegroup": "queue",
    "groupofqueues": "queue",
    "stagingarea": "queue",
    "interactionqueue": "queue",
}
"""Object types of the Statistics API. The list is open there; a type that is not here counts as a group."""


class StatusCode(IntEnum):
    """`status.code` of the envelope ("Responses and errors"); everything else is an error."""

    DONE = 0
    ACCEPTED = 1
    PARTIAL = 2
