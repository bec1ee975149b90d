"""The vendor's words: statuses, session states, participation types, paths.

Source: Clarity Connect Web API Version 2, "Request & Response Dictionary".
"""

from __future__ import annotations

from gateway.states import AgentState, ConnectionState

API = "/webapi/api"
WINDOWS_GRANT = "urn:connect.auth:windows"
UNAVAILABLE = "unavailable"
UNAVAILABLE_ID = 3

_A = AgentState
STATUS_IDS: dict[str, int] = {
    "available": 1,
    "inCall": 2,
    "unavailable": 3,
    "unknown": 4,
    "afterCall": 5,
    "loggedOut": 6,
    "offPhoneActivity": 7,
    "ringOnNoAnswer": 8,
    "busy": 9,
    "beRightBack": 10,
    "directCall": 11,
    "inactive": 12,
    "inImCall": 14,
    "directInboundDial": 15,
    "directOutboundDial": 16,
    "atLunch": 17,
    "offWork": 18,
    "conferenceCall": 19,
    "ringing": 20,
}
"""Status names and their numbers ("Connect Agent Status"); 13 is not given."""
STATUS_NAMES = {number: name for name, number in STATUS_IDS.items()}
BY_SPELLING = {name.lower(): name for name in STATUS_IDS}
"""Names without regard to case: the list of statuses capitalises what a status itself does not."""

STATES: dict[str, AgentState] = {
    "available": _A.READY,
    "inCall": _A.BUSY,
    "unavailable": _A.NOT_READY,
    "unknown": _A.UNKNOWN,
    "afterCall": _A.AFTER_CONTACT,
    "loggedOut": _A.LOGGED_OFF,
    "offPhoneActivity": _A.NOT_READY,
    "ringOnNoAnswer": _A.NOT_READY,
    "busy": _A.NOT_READY,
    "beRightBack": _A.NOT_READY,
    "directCall": _A.BUSY,
    "inactive": _A.NOT_READY,
    "inImCall": _A.BUSY,
    "directInboundDial": _A.BUSY,
    "directOutboundDial": _A.BUSY,
    "atLunch": _A.NOT_READY,
    "offWork": _A.NOT_READY,
    "conferenceCall": _A.BUSY,
    "ringing": _A.RESERVED,
}

_C = ConnectionState
SESSION_STATES: dict[str, ConnectionState] = {
    "new": _C.INITIATED,
    "queued": _C.QUEUED,
    "reenqueued": _C.QUEUED,
    "notifyingagent": _C.ALERTING,
    "callingcustomer": _C.INITIATED,
    "directinbounddial": _C.ALERTING,
    "directoutbounddial": _C.INITIATED,
    "connecting": _C.ALERTING,
    "connected": _C.CONNECTED,
    "active": _C.CONNECTED,
    "activeimonly": _C.CONNECTED,
    "aftercall": _C.CLEARED,
    "terminating": _C.CLEARED,
    "completed": _C.CLEARED,
    "completedafterhours": _C.CLEARED,
    "abandoned": _C.CLEARED,
    "transferred": _C.CLEARED,
}
"""Session statuses, lower case without spaces ("Model Session", "Session Model")."""
FINAL = frozenset({"completed", "completedafterhours", "abandoned", "transferred"})
"""Statuses after which nothing more comes."""

AUDIO = "audio"
MEDIA = {"audio": "voice", "audiovideo": "voice", "instantmessage": "chat", "message": "email"}
"""Modalities, lower case, to media. `Message` is the modality of e-mails ("Model Session")."""
DIRECTIONS = {
    "directinbound": "inbound",
    "did": "inbound",
    "directoutbound": "outbound",
    "dod": "outbound",
    "queued": "inbound",
}
JOINS = {"isSilentJoined": "listen", "isWhisperJoined": "coach"}
PARTICIPATIONS = {
    1: "Agent", 4: "Consult", 5: "TransferAgent", 6: "Contact", 7: "WhisperJoin", 8: "SilentJoin",
    9: "Invite", 10: "BargeIn",
}  # fmt: skip
SUPERVISING = frozenset({"WhisperJoin", "SilentJoin", "BargeIn"})
GROUPS = {"team": "team", "group": "group", "businessunit": "business_unit"}


def word(text: str) -> str:
    """A vendor's word for comparison: the documentation writes both `AfterCall` and `After Call`."""
    return text.replace(" ", "").lower()


def final(status: str) -> bool:
    """Whether a session status is the last one."""
    return word(status) in FINAL
