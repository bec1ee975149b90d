"""Operations of the Web Services API reference as commands: where they stand, what is sent, what proves them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from connectors.genesys_web_services.commands import Login, Request, Situation, build
from connectors.genesys_web_services.mapping import AgentPicture
from connectors.genesys_web_services.mapping.offers import Offers
from connectors.genesys_web_services.mapping.picture import Item, Leg
from gateway.commands import Command, Target, Verb
from gateway.states import ConnectionState

NOW = datetime(2024, 1, 2, tzinfo=UTC)
BASE = "https://gws.example.com"
LOGIN = Login(channels=("voice", "chat"), place="p1")
ME = "/api/v2/me"
CALL = f"{ME}/calls/c1"
ITEM = f"{ME}/interactions/i1"
PHONE = f"{ME}/devices/d1"
V = Verb


class Operation(NamedTuple):
    """One operation.

    Attributes:
        name: as the reference writes it.
        line: of the reference's text, where it is described.
        proof: the event that confirms it, without prefix and version; empty if the answer does.
    """

    name: str
    line: int
    verb: Verb
    arguments: dict[str, Any]
    path: str
    body: dict[str, Any]
    proof: str

    def __str__(self) -> str:
        """For the tests' names."""
        return f"{self.name}-{self.line}"


def _call(name: str, line: int, verb: Verb, proof: str, **body: Any) -> Operation:
    return Operation(name, line, verb, {}, CALL, body, proof)


_NUMBER = {"phoneNumber": "5550100"}
_DATA = {"field1": "value1", "field3": {"fieldA": 1}}
_WRITTEN = {"to": "a@example.com", "subject": "s", "text": "t", "from": "b@example.com"}
_SENT = {
    "toAddress": "a@example.com",
    "subject": "s",
    "text": "t",
    "fromAddress": "b@example.com",
}

OPERATIONS = (
    Operation("Ready", 1687, V.AGENT_SET_STATE, {"state": "ready"}, ME, {}, "agent.state.changed"),
    Operation(
        "NotReady", 1720, V.AGENT_SET_STATE, {"state": "not_ready"}, ME, {}, "agent.state.changed"
    ),
    Operation(
        "Ready",
        1836,
        V.AGENT_SET_STATE,
        {"state": "ready", "media": "chat"},
        f"{ME}/channels/chat",
        {},
        "agent.channel.changed",
    ),
    Operation(
        "NotReady",
        1869,
        V.AGENT_SET_STATE,
        {"state": "not_ready", "media": "voice"},
        f"{ME}/channels/voice",
        {},
        "agent.state.changed",
    ),
    Operation(
        "OutToLunch",
        1822,
        V.AGENT_SET_STATE,
        {"state": "not_ready", "reason": "OutToLunch", "media": "email"},
        f"{ME}/channels/email",
        {},
        "agent.channel.changed",
    ),
    Operation(
        "AfterCallWork",
        1144,
        V.AGENT_SET_STATE,
        {"state": "after_contact", "device": "d1"},
        PHONE,
        {},
        "agent.state.changed",
    ),
    Operation(
        "Offline",
        1161,
        V.AGENT_SET_STATE,
        {"state": "logged_off"},
        ME,
        {},
        "agent.state.changed",
    ),
    Operation(
        "DoNotDisturbOn",
        1753,
        V.AGENT_SET_DO_NOT_DISTURB,
        {"on": True},
        ME,
        {},
        "agent.device.changed",
    ),
    Operation(
        "DoNotDisturbOff",
        1788,
        V.AGENT_SET_DO_NOT_DISTURB,
        {"on": False},
        ME,
        {},
        "agent.device.changed",
    ),
    Operation(
        "DoNotDisturbOn",
        4665,
        V.AGENT_SET_DO_NOT_DISTURB,
        {"on": True, "scope": "device"},
        PHONE,
        {},
        "agent.device.changed",
    ),
    Operation(
        "DoNotDisturbOff",
        4666,
        V.AGENT_SET_DO_NOT_DISTURB,
        {"on": False, "scope": "media", "media": "chat"},
        f"{ME}/channels/chat",
        {},
        "agent.channel.changed",
    ),
    Operation(
        "ForwardCallsOn",
        4667,
        V.AGENT_FORWARD,
        {"destination": "5550100"},
        PHONE,
        {"destination": "5550100"},
        "agent.device.changed",
    ),
    Operation(
        "ForwardCallsOff", 4668, V.AGENT_CANCEL_FORWARD, {}, PHONE, {}, "agent.device.changed"
    ),
    Operation(
        "StartContactCenterSession",
        4630,
        V.AGENT_LOGIN,
        {"queue": "q", "login_code": "7"},
        ME,
        {"channels": ["voice", "chat"], "place": "p1", "queue": "q", "loginCode": "7"},
        "agent.session.started",
    ),
    Operation("EndContactCenterSession", 4631, V.AGENT_LOGOUT, {}, ME, {}, "agent.session.ended"),
    Operation(
        "Dial",
        4639,
        V.CALL_DIAL,
        {"destination": "5550100", "data": {"k": "v"}},
        f"{PHONE}/calls",
        {"destination": _NUMBER, "userData": {"k": "v"}},
        "call.initiated",
    ),
    _call("Answer", 4640, V.CALL_ANSWER, "call.connected"),
    _call("Hangup", 4641, V.CALL_HANG_UP, "call.ended"),
    _call("Hold", 4642, V.CALL_HOLD, "call.held"),
    _call("Retrieve", 4643, V.CALL_RETRIEVE, "call.retrieved"),
    Operation(
        "SingleStepTransfer",
        4644,
        V.CALL_TRANSFER,
        {"destination": "5550100"},
        CALL,
        {"destination": "5550100"},
        "call.transferred",
    ),
    Operation(
        "SingleStepConference",
        4645,
        V.CALL_CONFERENCE,
        {"destination": "5550100", "mode": "blind"},
        CALL,
        {"destination": "5550100"},
        "call.conferenced",
    ),
    Operation(
        "InitiateConference",
        4646,
        V.CALL_CONFERENCE,
        {"destination": "5550100", "mode": "consult"},
        CALL,
        {"destination": _NUMBER},
        "call.initiated",
    ),
    Operation(
        "CompleteConference",
        4647,
        V.CALL_COMPLETE_CONFERENCE,
        {},
        CALL,
        {"consultCallUri": f"{BASE}{ME}/calls/c2"},
        "call.conferenced",
    ),
    Operation(
        "SendDtmf",
        4648,
        V.CALL_SEND_DTMF,
        {"digits": "12#"},
        CALL,
        {"digits": "12#"},
        "call.dtmf.sent",
    ),
    Operation(
        "RemoveParticipantFromConference",
        4649,
        V.CALL_REMOVE_PARTY,
        {"party": "5002"},
        CALL,
        {"participant": "5002"},
        "call.party.left",
    ),
    _call("MuteCall", 4654, V.CALL_MUTE, "call.mute.changed"),
    _call("UnmuteCall", 4655, V.CALL_UNMUTE, "call.mute.changed"),
    Operation(
        "SwapCalls",
        4656,
        V.CALL_SWAP,
        {"other_call": "c2"},
        CALL,
        {"otherCallUri": f"{BASE}{ME}/calls/c2"},
        "call.retrieved",
    ),
    Operation(
        "MergeWithOtherCall",
        4657,
        V.CALL_MERGE,
        {"other_call": "c3"},
        CALL,
        {"otherCallUri": f"{BASE}{ME}/calls/c3"},
        "call.conferenced",
    ),
    Operation(
        "InitiateTransfer",
        4658,
        V.CALL_TRANSFER,
        {"destination": "5550100", "mode": "consult"},
        CALL,
        {"destination": _NUMBER},
        "call.initiated",
    ),
    Operation(
        "CompleteTransfer",
        4659,
        V.CALL_COMPLETE_TRANSFER,
        {},
        CALL,
        {"consultCallUri": f"{BASE}{ME}/calls/c2"},
        "call.transferred",
    ),
    Operation(
        "AttachUserData",
        4217,
        V.CALL_ATTACH_DATA,
        {"data": _DATA},
        CALL,
        {"userData": _DATA},
        "call.data.changed",
    ),
    Operation(
        "UpdateUserData",
        4203,
        V.CALL_ATTACH_DATA,
        {"data": _DATA, "mode": "replace"},
        CALL,
        {"userData": _DATA},
        "call.data.changed",
    ),
    Operation(
        "DeleteUserDataPair",
        4199,
        V.CALL_DELETE_DATA,
        {"key": "old"},
        CALL,
        {"key": "old"},
        "call.data.changed",
    ),
    Operation(
        "DeleteUserData",
        4206,
        V.CALL_DELETE_DATA,
        {"all": True},
        CALL,
        {},
        "call.data.changed",
    ),
    _call("StartCallRecording", 4122, V.RECORDING_START, "recording.started"),
    _call("StopCallRecording", 4123, V.RECORDING_STOP, "recording.stopped"),
    _call("PauseCallRecording", 4124, V.RECORDING_PAUSE, "recording.paused"),
    _call("ResumeCallRecording", 4125, V.RECORDING_RESUME, "recording.resumed"),
    Operation("Accept", 1997, V.INTERACTION_ACCEPT, {}, ITEM, {}, "interaction.accepted"),
    Operation(
        "Accept",
        2716,
        V.INTERACTION_ACCEPT,
        {"nickname": "Anna"},
        ITEM,
        {"nickname": "Anna"},
        "interaction.accepted",
    ),
    Operation("Reject", 2030, V.INTERACTION_REJECT, {}, ITEM, {}, "interaction.revoked"),
    Operation("Cancel", 2063, V.INTERACTION_CANCEL, {}, ITEM, {}, "interaction.cancelled"),
    Operation("Complete", 2096, V.INTERACTION_COMPLETE, {}, ITEM, {}, "interaction.completed"),
    Operation(
        "PlaceInQueue",
        2131,
        V.INTERACTION_QUEUE,
        {"queue": "q"},
        ITEM,
        {"queueName": "q"},
        "interaction.queued",
    ),
    Operation(
        "UpdateUserData",
        2169,
        V.INTERACTION_ATTACH_DATA,
        {"data": _DATA, "mode": "replace"},
        ITEM,
        {"userData": _DATA},
        "interaction.data.changed",
    ),
    Operation(
        "AttachUserData",
        2212,
        V.INTERACTION_ATTACH_DATA,
        {"data": _DATA},
        ITEM,
        {"userData": _DATA},
        "interaction.data.changed",
    ),
    Operation(
        "DeleteUserData",
        2255,
        V.INTERACTION_DELETE_DATA,
        {"keys": ["old"]},
        ITEM,
        {"userData": {"old": ""}},
        "interaction.data.changed",
    ),
    Operation(
        "PlaceInWorkbin",
        2296,
        V.INTERACTION_PARK,
        {"workbin": "w"},
        ITEM,
        {"workbin": "w"},
        "interaction.queued",
    ),
    Operation(
        "Transfer",
        2364,
        V.INTERACTION_TRANSFER,
        {"destination": "u2"},
        ITEM,
        {"userId": "u2"},
        "interaction.revoked",
    ),
    Operation(
        "Reply",
        2436,
        V.INTERACTION_REPLY,
        {"queue": "q", "subject_prefix": "Re: ", "quote": True, "quote_header": "You wrote:"},
        ITEM,
        {
            "queueName": "q",
            "subjectPrefix": "Re: ",
            "replyToStartLine": "You wrote:",
            "quoteOriginal": True,
        },
        "interaction.created",
    ),
    Operation(
        "ReplyAll",
        2505,
        V.INTERACTION_REPLY,
        {"queue": "q", "all": True, "quote_mark": "> "},
        ITEM,
        {"queueName": "q", "indentCharacter": "> "},
        "interaction.created",
    ),
    Operation(
        "Send",
        2575,
        V.INTERACTION_SEND,
        {"queue": "q", "cc": "c@example.com", **_WRITTEN},
        ITEM,
        {"queueName": "q", "email_object": {**_SENT, "ccAddress": "c@example.com"}},
        "interaction.completed",
    ),
    Operation(
        "Create",
        2622,
        V.INTERACTION_CREATE,
        {"queue": "q"},
        f"{ME}/interactions",
        {
            "queueName": "q",
            "interactionType": "Outbound",
            "interactionSubType": "OutboundNew",
        },
        "interaction.created",
    ),
    Operation(
        "InviteUser",
        2752,
        V.INTERACTION_INVITE,
        {"destination": "u2"},
        ITEM,
        {"agentId": "u2"},
        "interaction.party.joined",
    ),
    Operation(
        "EndChatSession",
        2789,
        V.INTERACTION_END_SESSION,
        {},
        ITEM,
        {},
        "interaction.party.left",
    ),
    Operation(
        "SendMessage",
        2822,
        V.INTERACTION_SEND_MESSAGE,
        {"text": "hello"},
        ITEM,
        {"text": "hello"},
        "interaction.message.added",
    ),
    Operation(
        "SendStartTypingNotification",
        2858,
        V.INTERACTION_TYPING,
        {"on": True},
        ITEM,
        {},
        "interaction.typing.changed",
    ),
    Operation(
        "SendStopTypingNotification",
        2893,
        V.INTERACTION_TYPING,
        {"on": False},
        ITEM,
        {},
        "interaction.typing.changed",
    ),
    Operation(
        "RequestChatHistory",
        2932,
        V.INTERACTION_REQUEST_HISTORY,
        {"since": "3"},
        ITEM,
        {"eventId": 3},
        "interaction.changed",
    ),
    Operation(
        "LeaveConference",
        2955,
        V.INTERACTION_LEAVE,
        {"user": "u1"},
        ITEM,
        {"agentId": "u1"},
        "interaction.party.left",
    ),
    Operation(
        "PullInteractionFromWorkbin",
        6217,
        V.INTERACTION_PULL,
        {"workbin": "w"},
        f"{ME}/interactions",
        {"uri": f"{BASE}{ME}/workbins/w/interactions/i1"},
        "interaction.pulled",
    ),
)

OTHER_SPELLINGS = {
    "DNDOn": V.AGENT_SET_DO_NOT_DISTURB,
    "DNDOff": V.AGENT_SET_DO_NOT_DISTURB,
    "SingleStepTransfer": V.INTERACTION_TRANSFER,
    "PullInteraction": V.INTERACTION_PULL,
    "StopProcessing": V.INTERACTION_COMPLETE,
    "LeaveChat": V.INTERACTION_LEAVE,
    "UpdateProperties": V.INTERACTION_ATTACH_DATA,
}
"""Words of the reference that are sent after a refusal of the first one."""
ELSEWHERE = {
    "AuxWork": "agent.set_state takes it as a reason, like every provisioned state",
    "AddInteractionToWorkbin": "the second spelling of interaction.park; it has no operation name",
    "LinkAttachment": "a capability; interaction.add_attachment uses the sub-resource",
    "GetWorkbinContent": "reading is no command",
    "Subscribe": "sent by the feed",
    "Unsubscribe": "a subscription ends with its session",
    "SubscribeWorkbinEvents": "the same as Subscribe",
    "UnsubscribeWorkbinEvents": "the same as Unsubscribe",
    "ChangePassword": "a password does not belong into a command",
    "ResetPassword": "a password does not belong into a command",
    "ListenIn": "a capability of supervisors; the reference shows no operation",
    "Bargain": "a capability of supervisors; the reference shows no operation",
    "Coach": "a capability of supervisors; the reference shows no operation",
    "CancelSupervisorMonitoring": "a capability of supervisors; the reference shows no operation",
}
"""Words of the reference that no command sends, and why."""
REFERENCE = frozenset(
    """
    AddInteractionToWorkbin AfterCallWork Accept Answer AttachUserData AuxWork Bargain Cancel
    CancelSupervisorMonitoring ChangePassword Coach Complete CompleteConference CompleteTransfer
    Create DNDOff DNDOn DeleteUserData DeleteUserDataPair Dial DoNotDisturbOff DoNotDisturbOn
    EndChatSession EndContactCenterSession ForwardCallsOff ForwardCallsOn GetWorkbinContent Hangup
    Hold InitiateConference InitiateTransfer InviteUser LeaveChat LeaveConference LinkAttachment
    ListenIn MergeWithOtherCall MuteCall NotReady Offline OutToLunch PauseCallRecording PlaceInQueue
    PlaceInWorkbin PullInteraction PullInteractionFromWorkbin Ready Reject
    RemoveParticipantFromConference Reply ReplyAll RequestChatHistory ResetPassword
    ResumeCallRecording Retrieve Send SendDtmf SendMessage SendStartTypingNotification
    SendStopTypingNotification SingleStepConference SingleStepTransfer StartCallRecording
    StartContactCenterSession StopCallRecording StopProcessing Subscribe SubscribeWorkbinEvents
    SwapCalls Transfer UnmuteCall Unsubscribe UnsubscribeWorkbinEvents UpdateProperties
    UpdateUserData
    """.split()  # noqa: SIM905 - eighty names in quotes would hide that this is a list of words
)
"""Every operation and capability that the reference names."""


def situation(**changes: Any) -> Situation:
    """An agent with a phone, two calls of which one is a consultation, and an e-mail."""
    picture = AgentPicture(
        calls={
            "c1": Leg(state=ConnectionState.CONNECTED, data={"old": "x", "other": "y"}),
            "c2": Leg(state=ConnectionState.CONNECTED, related="c1"),
        },
        interactions={"i1": Item(media="email", data={"old": "x"})},
    )
    known: dict[str, Any] = {
        "agent": "agent1",
        "login": LOGIN,
        "devices": ("d1", "d2"),
        "base_url": BASE,
        "picture": picture,
        "offers": Offers(),
    }
    return Situation(**known | changes)


def command(
    verb: Verb, *, call: str | None = "c1", interaction: str | None = "i1", **arguments: Any
) -> Command:
    """A command to the agent of `situation`."""
    return Command(
        id="1",
        verb=verb,
        connector="gws",
        target=Target(agent="agent1", call=call, interaction=interaction),
        requester="test",
        created=NOW,
        deadline=NOW + timedelta(seconds=5),
        arguments=arguments,
    )


def request(verb: Verb, **arguments: Any) -> Request:
    """The request of a command in `situation`."""
    return build(command(verb, **arguments), situation())


def made_of(operation: Operation) -> Request:
    """The request of an operation; what only chats have is asked of a chat."""
    chat = AgentPicture(interactions={"i1": Item(media="chat")})
    changes = {"picture": chat} if operation.verb is V.INTERACTION_SEND_MESSAGE else {}
    return build(command(operation.verb, **operation.arguments), situation(**changes))
