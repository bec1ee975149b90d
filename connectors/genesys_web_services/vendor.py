"""The platform's own vocabulary, as it is written on the wire.

Words are compared without regard to case, spaces, hyphens and underscores, because the platform's
documents, its samples and its servers spell the same thing differently ("LoggedOut", "Logged Out",
"HangUp", "Hangup").
Sources: Genesys Web Services API reference 8.5.1, "Asynchronous Operations" (Call Control,
Presence, Notifications), "Call Recording API", "Agent States", "Interactions API", "Return Values";
CTI words as T-Server defines them.
"""

from __future__ import annotations

from enum import IntEnum

from gateway.states import AgentState, ConnectionState

CALL_MESSAGES = frozenset({"CallStateChangeMessage", "CallStateChangedMessage"})
DEVICE_MESSAGES = frozenset({"DeviceStateChangeMessage", "DeviceStateChangedMessage"})
CHANNEL_MESSAGES = frozenset({"ChannelStateChangeMessage", "ChannelStateChangedMessage"})
INTERACTION_MESSAGES = frozenset(
    {
        "InteractionStateMessage",
        "InteractionStateChangeMessage",
        "InteractionStateChangedMessage",
        "ChatStateChangeMessage",
        "ChatStateChangedMessage",
        "MessageLogUpdated",
        "WorkItemStateChangeMessage",
        "WorkitemStateChangeMessage",
    }
)
WORKBIN_MESSAGES = frozenset(
    {"workbinNotificationResource", "WorkbinStateChangeMessage", "WorkbinContentChangeMessage"}
)
WORKBIN_SUBSCRIPTION_MESSAGES = frozenset({"WorkbinSubscriptionStateChangeMessage"})
SERVICE_MESSAGES = frozenset({"ServiceStateChangeMessage", "ServiceStateChangedMessage"})

USERS_TOPIC = "/v2/users"
SERVICES_TOPIC = "/notifications/services"
WORKBINS_TOPIC = "/v2/me/workbins"
CHATS_TOPIC = "/v2/me/chats"
WORK_ITEMS_TOPIC = "/v2/me/workitems"
OPTIONAL_TOPICS = frozenset(
    {USERS_TOPIC, SERVICES_TOPIC, WORKBINS_TOPIC, CHATS_TOPIC, WORK_ITEMS_TOPIC}
)
"""Topics that older servers do not have, or that need rights: a refusal is told in the diagnostics only."""

STATUS_CHANGE = frozenset({"StatusChange", "StateChange"})
"""Only these notifications are about a transition. The second is the word of the cloud generation."""
PARTICIPANTS_UPDATED = "ParticipantsUpdated"
DATA_CHANGED = "AttachedDataChanged"
DTMF_SENT = "DtmfSent"
RECORDING_CHANGED = "CallRecordingStateChange"
CALL_NOTIFICATIONS = STATUS_CHANGE | {
    PARTICIPANTS_UPDATED,
    DATA_CHANGED,
    DTMF_SENT,
    RECORDING_CHANGED,
}

CALL_STATES = {
    "Dialing": ConnectionState.INITIATED,
    "Ringing": ConnectionState.ALERTING,
    "Established": ConnectionState.CONNECTED,
    "Held": ConnectionState.HELD,
    "Released": ConnectionState.CLEARED,
    "Completed": ConnectionState.CLEARED,
}

DIRECTIONS = {
    "Inbound": "inbound",
    "Outbound": "outbound",
    "Internal": "internal",
    "Consult": "consult",
}

PRESENCES = {
    "ready": AgentState.READY,
    "notready": AgentState.NOT_READY,
    "auxwork": AgentState.NOT_READY,
    "aftercallwork": AgentState.AFTER_CONTACT,
    "loggedin": AgentState.NOT_READY,
    "loggedout": AgentState.LOGGED_OFF,
    "logout": AgentState.LOGGED_OFF,
    "offline": AgentState.LOGGED_OFF,
}
"""A login leaves the agent not ready until the agent says otherwise, hence `loggedin`."""

AFTER_CALL_WORK = "aftercallwork"
INACTIVE = "inactive"
SWITCHES = {"on": True, "off": False, "true": True, "false": False}


SERVICE_STATES = {"active": "up", "readonly": "degraded", "inactive": "down"}

PASSWORD_CHANGED = "PasswordChangeSuccessful"  # noqa: S105 - the name of a notification
PASSWORD_FAILED = "PasswordChangeError"  # noqa: S105 - the name of a notification
PASSWORD_ERRORS = {"1": "policy", "2": "old_password_wrong", "3": "server_error"}


class StatusCode(IntEnum):
    """Codes of the result envelope ("Return Values", and what newer servers add to it)."""

    OK = 0
    PARAMETER_MISSING = 1
    INVALID_FOR_STATE = 2
    FORBIDDEN = 3
    INTERNAL_ERROR = 4
    NO_PERMISSION = 5
    NOT_FOUND = 6
    PARTIAL = 7
    PASSWORD_EXPIRED = 8
    INCOMPLETE = 9
    VALIDATION_FAILED = 10
    READ_ONLY = 11
    CANNOT_RETRIEVE = 12
    CANNOT_CREATE = 13
    CANNOT_DELETE = 14
    CANNOT_UPDATE = 15
    CANNOT_ASSIGN = 16
    CANNOT_UNASSIGN = 17
    EXISTS = 18
    IN_USE = 19
    NOT_AUTHENTICATED = 20
