"""Commands and their verdicts: frozen values that travel from the API to a connector and back.

A platform's 200 or 202 proves nothing. A connector answers a command with an `Outcome`; when the platform only took the
command, the outcome is `accepted` and carries an `Expectation`: which event will prove it, and which will refute it.
The
expectation is data, so it survives a restart together with the command.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from gateway.errors import Reason


class Verb(StrEnum):
    """What can be asked of a platform, `<family>.<verb>`."""

    AGENT_LOGIN = "agent.login"
    AGENT_LOGOUT = "agent.logout"
    AGENT_SET_STATE = "agent.set_state"
    AGENT_SET_SUSPENDED = "agent.set_suspended"
    AGENT_SET_DO_NOT_DISTURB = "agent.set_do_not_disturb"
    AGENT_FORWARD = "agent.forward"
    AGENT_CANCEL_FORWARD = "agent.cancel_forward"
    AGENT_CONNECT_LEG = "agent.connect_leg"
    AGENT_DISCONNECT_LEG = "agent.disconnect_leg"
    AGENT_SEND_USER_EVENT = "agent.send_user_event"
    CALL_DIAL = "call.dial"
    CALL_ANSWER = "call.answer"
    CALL_HANG_UP = "call.hang_up"
    CALL_COMPLETE = "call.complete"
    CALL_HOLD = "call.hold"
    CALL_RETRIEVE = "call.retrieve"
    CALL_TRANSFER = "call.transfer"
    CALL_COMPLETE_TRANSFER = "call.complete_transfer"
    CALL_CONFERENCE = "call.conference"
    CALL_COMPLETE_CONFERENCE = "call.complete_conference"
    CALL_REMOVE_PARTY = "call.remove_party"
    CALL_SWAP = "call.swap"
    CALL_MERGE = "call.merge"
    CALL_SEND_DTMF = "call.send_dtmf"
    CALL_MUTE = "call.mute"
    CALL_UNMUTE = "call.unmute"
    CALL_ATTACH_DATA = "call.attach_data"
    CALL_DELETE_DATA = "call.delete_data"
    CALL_SET_DISPOSITION = "call.set_disposition"
    CALL_ADD_NOTE = "call.add_note"
    INTERACTION_CREATE = "interaction.create"
    INTERACTION_ACCEPT = "interaction.accept"
    INTERACTION_REJECT = "interaction.reject"
    INTERACTION_CANCEL = "interaction.cancel"
    INTERACTION_COMPLETE = "interaction.complete"
    INTERACTION_TRANSFER = "interaction.transfer"
    INTERACTION_QUEUE = "interaction.queue"
    INTERACTION_PARK = "interaction.park"
    INTERACTION_PULL = "interaction.pull"
    INTERACTION_SEND_MESSAGE = "interaction.send_message"
    INTERACTION_TYPING = "interaction.typing"
    INTERACTION_HOLD = "interaction.hold"
    INTERACTION_RETRIEVE = "interaction.retrieve"
    INTERACTION_SET_NICKNAME = "interaction.set_nickname"
    INTERACTION_INVITE = "interaction.invite"
    INTERACTION_REMOVE_PARTY = "interaction.remove_party"
    INTERACTION_LEAVE = "interaction.leave"
    INTERACTION_END_SESSION = "interaction.end_session"
    INTERACTION_REQUEST_HISTORY = "interaction.request_history"
    INTERACTION_REPLY = "interaction.reply"
    INTERACTION_FORWARD = "interaction.forward"
    INTERACTION_SAVE = "interaction.save"
    INTERACTION_SEND = "interaction.send"
    INTERACTION_ADD_ATTACHMENT = "interaction.add_attachment"
    INTERACTION_REMOVE_ATTACHMENT = "interaction.remove_attachment"
    INTERACTION_ATTACH_DATA = "interaction.attach_data"
    INTERACTION_DELETE_DATA = "interaction.delete_data"
    INTERACTION_ASSIGN_CONTACT = "interaction.assign_contact"
    INTERACTION_SET_DISPOSITION = "interaction.set_disposition"
    INTERACTION_ADD_NOTE = "interaction.add_note"
    RECORDING_START = "recording.start"
    RECORDING_STOP = "recording.stop"
    RECORDING_PAUSE = "recording.pause"
    RECORDING_RESUME = "recording.resume"
    RECORDING_TAG = "recording.tag"
    SUPERVISION_LISTEN = "supervision.listen"
    SUPERVISION_COACH = "supervision.coach"
    SUPERVISION_BARGE = "supervision.barge"
    SUPERVISION_STOP = "supervision.stop"

    @property
    def family(self) -> str:
        """`agent`, `call`, `interaction`, `recording` or `supervision`: also the scope a token needs."""
        return self.value.split(".", 1)[0]


class Target(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whom or what a command is about.

    `agent` is whose session carries it out; the platform says which others it needs.
    """

    agent: str | None = None
    call: str | None = None
    interaction: str | None = None
    device: str | None = None

    def __str__(self) -> str:
        """The most specific part, as an event's subject is written."""
        for kind in ("call", "interaction", "device", "agent"):
            if value := getattr(self, kind):
                return f"{kind}/{value}"
        return ""


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """One command. `id` is also what events caused by it carry as `causationid`.

    `origin` is the network address that it came from, for the audit. Of a command that is traced, `traceparent` is the
    context of its span, and `caller_span` the id of the span that asked for it, if one did.
    """

    id: str
    verb: Verb
    connector: str
    target: Target
    requester: str
    created: datetime
    deadline: datetime
    arguments: dict[str, Any] = msgspec.field(default_factory=dict)
    idempotency_key: str | None = None
    origin: str | None = None
    traceparent: str | None = None
    caller_span: str | None = None


class Expectation(msgspec.Struct, frozen=True, kw_only=True):
    """Which event decides an accepted command.

    Attributes:
        confirmed_by: event types, any of which proves it done.
        refused_by: event types, any of which proves it refused.
        subject: the event's subject must equal it; None if it is not known before (a call yet to be dialled).
        where: fields of the event's data that must equal these values, for a confirmation.
        within: fields that a member of a list in the data, or an object in it, must have, e.g. a party's number.
        cause: the command's id, if the platform echoes it: an event that another command caused decides nothing,
            and a failure that this one caused refuses it whatever the failure is about.
    """

    confirmed_by: frozenset[str]
    refused_by: frozenset[str] = frozenset()
    subject: str | None = None
    where: dict[str, Any] = msgspec.field(default_factory=dict)
    within: dict[str, dict[str, Any]] = msgspec.field(default_factory=dict)
    cause: str | None = None


class Status(StrEnum):
    """Where a command stands. All but `accepted` are final; `unknown` may still become certain by a late event."""

    ACCEPTED = "accepted"
    DONE = "done"
    REFUSED = "refused"
    UNSUPPORTED = "unsupported"
    PARTIAL = "partial"
    UNKNOWN = "unknown"

    @property
    def final(self) -> bool:
        """Nothing more will come."""
        return self is not Status.ACCEPTED


class Outcome(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of a command.

    Attributes:
        status: see `Status`.
        reason: bounded, for metrics and programs; set unless `done` or `accepted`.
        message: for people; names what was refused and what would help. No secrets.
        evidence: id of the event that decided.
        evidence_traceparent: its trace, if it is traced.
        native_reply: what the platform answered, as decoded JSON.
        expectation: with `accepted`, what will decide.
        parts: with `partial`, the outcome of each part by its name.
    """

    status: Status
    reason: Reason | None = None
    message: str | None = None
    evidence: str | None = None
    evidence_traceparent: str | None = None
    native_reply: Any = None
    expectation: Expectation | None = None
    parts: dict[str, Outcome] = msgspec.field(default_factory=dict)


class Argument(msgspec.Struct, frozen=True, kw_only=True):
    """One argument of a verb on a platform. `kind` is a JSON type; `choices` empty means any value."""

    name: str
    kind: str
    required: bool = False
    choices: tuple[str, ...] = ()
    meaning: str = ""


class Capability(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a platform's capability table.

    Attributes:
        verb: what can be asked.
        target: names of the `Target` fields that must be given.
        arguments: what it takes; anything else is refused before it is sent.
        confirmed_by: event types that prove it; empty when the platform's reply is itself the proof.
        note: what a user must know (side effects, limits).
    """

    verb: Verb
    target: tuple[str, ...]
    arguments: tuple[Argument, ...] = ()
    confirmed_by: tuple[str, ...] = ()
    note: str = ""


class CommandRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A command with all that is known of it, as it is kept and shown.

    Attributes:
        outcome: None while the platform has not answered yet.
        position: the journal's position before the command was sent; its evidence lies behind it.
        digest: names the request's content, so that a key reused for another request is noticed.
        foreseen: what will decide it, as far as that was known before it was sent; counts if there is no reply.
        queued: it waits for its turn behind other commands, and has certainly not been sent.
    """

    command: Command
    outcome: Outcome | None
    position: int
    digest: str
    updated: datetime
    foreseen: Expectation | None = None
    queued: bool = False

    @property
    def final(self) -> bool:
        """The verdict stands."""
        return self.outcome is not None and self.outcome.status.final


class CommandRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a caller asks for. `deadline_seconds` is how long the verdict may take, None for the default."""

    verb: Verb
    connector: str
    target: Target
    arguments: dict[str, Any] = msgspec.field(default_factory=dict)
    deadline_seconds: float | None = None
