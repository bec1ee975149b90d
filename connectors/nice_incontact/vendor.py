"""The platform's own vocabulary, as it is written on the wire, and what it means in ours.

Words are compared in lower case: the documentation and the servers differ in it. Sources: NICE
inContact developer portal, "Agent Session Events", "Using Events", "API Authentication Token"; the
method reference of services v23.0; the agent SDK of the vendor for words that it alone knows.
"""

from __future__ import annotations

from gateway.states import AgentState, ConnectionState

LEGACY_TOKEN_URL = "https://api.incontact.com/InContactAuthorizationServer/Token"  # noqa: S105 - an address
ACCESS_KEY_HOST = "https://{area}.nice-incontact.com"
ACCESS_KEY_PATH = "/authentication/v1/token/access-key"
ACCESS_KEY_REFRESH_PATH = "/public/user/refresh"
OIDC_DISCOVERY_PATH = "/.well-known/openid-configuration"
TENANT_DISCOVERY_PATH = "/.well-known/cxone-configuration"
API_ROOT = "inContactAPI"
CLIENT_SCOPE = "PatronApi"
STATUS_HEADER = "icStatusDescription"
NOT_FOR_USER = "not authorized for user"

SESSIONS = "agent-sessions"
JOIN = f"{SESSIONS}/join"
NEXT_EVENT = "get-next-event"

_A, _C = AgentState, ConnectionState

AGENT_STATES: dict[str, AgentState] = {
    "loggedout": _A.LOGGED_OFF,
    "loggedin": _A.NOT_READY,
    "available": _A.READY,
    "unavailable": _A.NOT_READY,
    "inboundcontact": _A.BUSY,
    "outboundcontact": _A.BUSY,
    "inboundconsult": _A.BUSY,
    "outboundconsult": _A.BUSY,
    "dialer": _A.BUSY,
    "working": _A.BUSY,
}
"""`CurrentState`, or its name in figures. Unavailable for after-call work is `after_contact`, by `IsAcw`."""
AGENT_STATE_IDS = {
    0: "LoggedOut", 1: "Available", 2: "Unavailable", 3: "InboundContact", 4: "OutboundContact",
    5: "InboundConsult", 6: "OutboundConsult", 7: "Dialer", 8: "LoggedIn",
}  # fmt: skip
"""Agent states by number, as the real-time and reporting API sends them."""
PENDING_REASONS = frozenset(
    {"dialerpending", "outboundpending", "dialer pending", "outbound pending"}
)
"""Reasons of Unavailable under which a contact is about to come: `reserved`."""

CALL_STATES: dict[str, ConnectionState] = {
    "incoming": _C.ALERTING,
    "ringing": _C.ALERTING,
    "preview": _C.ALERTING,
    "naturalcallringing": _C.INITIATED,
    "naturalcalldialing": _C.INITIATED,
    "naturalcallamd": _C.INITIATED,
    "dialing": _C.INITIATED,
    "active": _C.CONNECTED,
    "joined": _C.CONNECTED,
    "masking": _C.CONNECTED,
    "holding": _C.HELD,
    "queued": _C.QUEUED,
    "inqueue": _C.QUEUED,
    "disconnected": _C.CLEARED,
    "callbackdisconnected": _C.CLEARED,
    "callfailed": _C.FAILED,
}
"""`Status` of contacts."""
JOINED, MASKING, HOLDING = "joined", "masking", "holding"
CONSULT, AGENT_LEG_CALL, PERSONAL_QUEUE = "consult", "agentleg", "personalqueue"
TAKE_OVER = "takeover"

MEDIA = {
    1: "email", 2: "fax", 3: "chat", 4: "voice", 5: "voicemail", 6: "workitem", 7: "sms",
    8: "social", 9: "digital",
}  # fmt: skip
"""Media types by number."""
MEDIA_NAMES = {
    "email": "email", "fax": "fax", "chat": "chat", "phonecall": "voice", "phone": "voice", "call": "voice",
    "voicemail": "voicemail", "workitem": "workitem", "sms": "sms", "social": "social", "digital": "digital",
}  # fmt: skip
"""Media types by name, letters only."""
CONTACT_STATES: dict[str, ConnectionState] = {
    "prequeue": _C.INITIATED,
    "undefined": _C.UNKNOWN,
    "inqueue": _C.QUEUED,
    "callbackpending": _C.QUEUED,
    "routing": _C.ALERTING,
    "active": _C.CONNECTED,
    "activecontact": _C.CONNECTED,
    "onhold": _C.HELD,
    "holding": _C.HELD,
    "outbound": _C.INITIATED,
    "outboundpending": _C.INITIATED,
    "endcontact": _C.CLEARED,
    "abandoned": _C.CLEARED,
}
"""States of contacts in lists, letters only. Others are read by their category."""
CONTACT_CATEGORIES: dict[str, ConnectionState] = {
    "prequeue": _C.INITIATED,
    "inqueue": _C.QUEUED,
    "withagent": _C.CONNECTED,
    "outbound": _C.INITIATED,
    "postqueue": _C.CLEARED,
}
"""`contactStateCategory` of the newer generation."""
TRANSFERRED = "transfercomplete"
SUCCEEDED = frozenset({"", "na", "succeeded", "active", "agentlegalreadyactive", "agentcancelled"})
"""Result codes that are no failure, or one that the agent asked for."""
DISCONNECT_CAUSES = {
    "callabandoned": "abandoned",
    "noanswer": "no_answer",
    "busy": "busy",
    "badnumber": "bad_number",
    "rejected": "rejected",
    "answeringmachine": "answering_machine",
    "fax": "fax",
    "transfercomplete": "transferred",
    "dropped": "dropped",
    "noports": "no_ports",
}
"""Disconnect codes to causes; any other is passed on as it is."""

SIGNALS = {
    "UpdatePermissions": "permissions",
    "UpdateUnavailableCodes": "states",
    "UpdateIndicators": "indicators",
    "UpdateMessages": "messages",
    "UpdateSkills": "skills",
    "UpdateCallbacks": "callbacks",
    "UpdateDialerCampaigns": "campaigns",
    "AgentWorkflowConfiguration": "workflow",
}
"""Events that only say that something is to be read anew, and what."""

FIGURES = {
    name.lower(): name
    for name in (
        "agentsACW", "agentsAvailable", "agentsIdle", "agentsLoggedIn", "agentsUnavailable", "agentsWorking",
        "contactsActive", "queueCount", "serviceLevel", "serviceLevelGoal", "serviceLevelThreshold",
        "skillQueueCount", "personalQueueCount", "parkedCount", "inSLA", "outSLA",
        "contactsWithinSLA", "contactsOutOfSLA", "totalContacts",
        "agentOffered", "inboundHandled", "inboundTime", "inboundTalkTime", "outboundHandled", "outboundTime",
        "totalHandled", "totalTalkTime", "acwTime", "loginTime", "refused", "percentRefused", "workingRate",
        "occupancy",
    )
}  # fmt: skip
"""Figures of lists in one spelling: their keys are read in any case."""
