"""Requests about e-mails, chats and work items.

The reference names several operations twice, and lists capabilities under words that are no
operations: those are tried last, after a refusal. Sources: Genesys Web Services API reference,
"Interactions API Operations", "Interactions On E-mail Channel", "Interactions On Chat Channel",
"Attachments API", "Workbins" (Operations).
"""

from __future__ import annotations

from typing import Any

from connectors._wire.arguments import (
    choice,
    data,
    flag,
    invalid,
    needed,
    segment,
    target,
    text,
)
from connectors._wire.upload import read_upload
from connectors.genesys_web_services.capabilities import proofs
from connectors.genesys_web_services.capabilities.calls import ADD, REPLACE
from connectors.genesys_web_services.capabilities.interactions import OWNER_KINDS
from connectors.genesys_web_services.commands.calls import texts
from connectors.genesys_web_services.commands.request import (
    ME,
    Request,
    Situation,
    Spelling,
    keys,
    names,
    spelled,
)
from connectors.genesys_web_services.mapping.values import difference
from gateway.commands import Command, Expectation
from gateway.errors import CommandRefused, Reason

_OVER = frozenset({proofs.REVOKED, proofs.COMPLETED, proofs.CANCELLED})
_OWNER_KEYS = dict(
    zip(
        OWNER_KINDS,
        ("workbinAgentId", "workbinPlaceId", "workbinGroupId", "workbinPlaceGroupId"),
        strict=True,
    )
)
_DATA_OPERATIONS = {ADD: "AttachUserData", REPLACE: "UpdateUserData"}
_NOT_CHATS = frozenset({"email", "workitem"})


def create(command: Command, situation: Situation) -> Request:
    """A new e-mail; the platform's answer does not name it."""
    return Request(
        path=f"{ME}/interactions",
        body={
            "operationName": "Create",
            "queueName": needed(command, "queue"),
            "interactionType": text(command, "type") or "Outbound",
            "interactionSubType": text(command, "subtype") or "OutboundNew",
        },
        expectation=_created(situation),
    )


def accept(command: Command, situation: Situation) -> Request:
    """Take what is offered."""
    nickname = text(command, "nickname")
    extra = {} if nickname is None else {"nickname": nickname}
    return _plain(command, situation, "Accept", proofs.ACCEPTED, **extra)


def reject(command: Command, situation: Situation) -> Request:
    """Leave what is offered to another agent."""
    return _plain(command, situation, "Reject", proofs.REJECTED, proofs.REVOKED)


def cancel(command: Command, situation: Situation) -> Request:
    """Drop a draft."""
    return _plain(command, situation, "Cancel", proofs.CANCELLED, proofs.COMPLETED)


def complete(command: Command, situation: Situation) -> Request:
    """Be done with it. Among the capabilities this is called StopProcessing."""
    return _named(command, situation, ("Complete",), ("StopProcessing",), proofs.COMPLETED)


def place_in_queue(command: Command, situation: Situation) -> Request:
    """Put it into a queue."""
    queue = needed(command, "queue")
    return _plain(command, situation, "PlaceInQueue", proofs.QUEUED, queueName=queue)


def park(command: Command, _situation: Situation) -> Request:
    """Put it into a workbin: by an operation on the interaction, or else by adding it to the workbin's content."""
    interaction, workbin = target(command, "interaction"), needed(command, "workbin")
    owner = text(command, "owner")
    kind = choice(command, "owner_kind", OWNER_KINDS, default=OWNER_KINDS[0])
    named: Any = workbin
    if owner is not None:
        named = {"workbinTypeId": workbin, _OWNER_KEYS[kind]: owner}
    content = f"{ME}/workbins/{segment(workbin, 'arguments.workbin')}/interactions"
    return spelled(
        [
            Spelling(_path(interaction), {"operationName": "PlaceInWorkbin", "workbin": named}),
            Spelling(content, {"interactionId": interaction}),
        ],
        expectation=_expect(interaction, proofs.PARKED, proofs.QUEUED),
    )


def pull(command: Command, situation: Situation) -> Request:
    """Take it out of a workbin. Two names are documented."""
    interaction, workbin = target(command, "interaction"), needed(command, "workbin")
    path = (
        f"{ME}/workbins/{segment(workbin, 'arguments.workbin')}"
        f"/interactions/{segment(interaction, 'target.interaction')}"
    )
    return spelled(
        [
            Spelling(
                f"{ME}/interactions", {"operationName": name, "uri": situation.base_url + path}
            )
            for name in ("PullInteractionFromWorkbin", "PullInteraction")
        ],
        expectation=Expectation(
            confirmed_by=frozenset({proofs.PULLED}), subject=f"interaction/{interaction}"
        ),
    )


def transfer(command: Command, situation: Situation) -> Request:
    """Give it to another agent. Two names and two words for the agent are documented."""
    interaction, user = target(command, "interaction"), needed(command, "destination")
    documented = ("SingleStepTransfer", "Transfer")
    if _media(interaction, situation) == "email":
        documented = ("Transfer", "SingleStepTransfer")
    offered = situation.offers.of(interaction).capabilities
    return spelled(
        [
            Spelling(_path(interaction), {"operationName": name, word: user})
            for word in ("userId", "agentId")
            for name in names(documented, offered)
        ],
        expectation=_expect(interaction, proofs.TRANSFERRED, proofs.REVOKED),
    )


def reply(command: Command, situation: Situation) -> Request:
    """Begin an answer: to the sender, or to all."""
    optional = {
        "subjectPrefix": text(command, "subject_prefix"),
        "replyToStartLine": text(command, "quote_header"),
        "indentCharacter": text(command, "quote_mark"),
        "quoteOriginal": flag(command, "quote"),
    }
    return Request(
        path=_path(target(command, "interaction")),
        body={
            "operationName": "ReplyAll" if flag(command, "all") else "Reply",
            "queueName": needed(command, "queue"),
            **{name: value for name, value in optional.items() if value is not None},
        },
        expectation=_created(situation),
    )


def send(command: Command, situation: Situation) -> Request:
    """Send an e-mail. In a chat the same operation would say something, so there it is not sent."""
    interaction = target(command, "interaction")
    media = _media(interaction, situation)
    if media == "chat":
        raise _not_for(command, media)
    content = {
        "toAddress": needed(command, "to"),
        "subject": needed(command, "subject"),
        "text": needed(command, "text"),
        "fromAddress": needed(command, "from"),
    }
    hidden = {"ccAddress": text(command, "cc"), "bccAddress": text(command, "bcc")}
    return Request(
        path=_path(interaction),
        body={
            "operationName": "Send",
            "queueName": needed(command, "queue"),
            "email_object": content | {name: to for name, to in hidden.items() if to is not None},
        },
        expectation=_expect(interaction, proofs.COMPLETED),
    )


def send_message(command: Command, situation: Situation) -> Request:
    """Say something in a chat. The operation is listed as Send and shown as SendMessage.

    Send is also what sends an e-mail, so it is tried only on what is known to be a chat.
    """
    interaction, said = target(command, "interaction"), needed(command, "text")
    media = _media(interaction, situation)
    if media in _NOT_CHATS:
        raise _not_for(command, media)
    return _named(
        command,
        situation,
        ("SendMessage",),
        ("Send",) if media == "chat" else (),
        proofs.MESSAGE_ADDED,
        body={"text": said},
        where={"text": said},
    )


def typing(command: Command, situation: Situation) -> Request:
    """Let the others in a chat know that the agent is writing, or no longer is."""
    switched_on = flag(command, "on")
    if switched_on is None:
        raise invalid("on", "missing")
    name = "SendStartTypingNotification" if switched_on else "SendStopTypingNotification"
    return _named(
        command, situation, (name,), (), proofs.TYPING_CHANGED, where={"typing": switched_on}
    )


def invite(command: Command, situation: Situation) -> Request:
    """Bring another agent into a chat. Among the capabilities this is called SingleStepConference."""
    return _named(
        command,
        situation,
        ("InviteUser",),
        ("SingleStepConference",),
        proofs.PARTY_JOINED,
        body={"agentId": needed(command, "destination")},
        within={"party": {"role": "agent"}},
    )


def leave(command: Command, situation: Situation) -> Request:
    """Leave a chat to the other agents in it. Among the capabilities this is called LeaveChat."""
    interaction = target(command, "interaction")
    user = text(command, "user") or situation.user
    extra = {} if user is None else {"agentId": user}
    offered = situation.offers.of(interaction).capabilities
    return spelled(
        [
            Spelling(_path(interaction), {"operationName": name, **extra})
            for name in names(("LeaveConference",), offered, otherwise=("LeaveChat",))
        ],
        expectation=Expectation(
            confirmed_by=frozenset({proofs.PARTY_LEFT, proofs.REVOKED, proofs.COMPLETED}),
            subject=f"interaction/{interaction}",
        ),
    )


def end_session(command: Command, situation: Situation) -> Request:
    """End a chat and keep the interaction."""
    return _plain(command, situation, "EndChatSession", proofs.CHAT_ENDED, proofs.PARTY_LEFT)


def request_history(command: Command, situation: Situation) -> Request:
    """Have the chat's earlier events told on the feed."""
    since = text(command, "since")
    extra = {} if since is None else {"eventId": int(since) if since.isdecimal() else since}
    types = (proofs.CHANGED, proofs.MESSAGE_ADDED, proofs.PARTY_JOINED)
    return _plain(command, situation, "RequestChatHistory", *types, **extra)


def add_attachment(command: Command, situation: Situation) -> Request:
    """Attach a file. The answer is the proof: it names the document."""
    upload = read_upload(command, situation.uploads, max_bytes=situation.max_attachment_bytes)
    return Request(
        path=f"{_path(target(command, 'interaction'))}/attachments",
        upload=upload,
    )


def remove_attachment(command: Command, _situation: Situation) -> Request:
    """Take an attachment away. The answer is the proof."""
    document = segment(needed(command, "attachment"), "arguments.attachment")
    return Request(
        method="DELETE",
        path=f"{_path(target(command, 'interaction'))}/attachments/{document}",
    )


def attach_data(command: Command, situation: Situation) -> Request:
    """Attach data. What differs from the data that is known must come back as changed."""
    interaction, attached = target(command, "interaction"), data(command)
    mode = choice(command, "mode", (ADD, REPLACE), default=ADD)
    item = situation.picture.interactions.get(interaction)
    changed, _ = difference(item.data if item else {}, attached)
    types = (proofs.DATA_CHANGED,) if changed else (proofs.DATA_CHANGED, proofs.CHANGED)
    return _named(
        command,
        situation,
        (_DATA_OPERATIONS[mode],),
        ("UpdateProperties",),
        *types,
        body={"userData": attached},
        within=texts(changed),
    )


def delete_data(command: Command, situation: Situation) -> Request:
    """Take attached data away. It is shown as userData with the entries to go; some servers want their keys."""
    interaction, listed = target(command, "interaction"), keys(command)
    item = situation.picture.interactions.get(interaction)
    known = item.data if item else {}
    if listed is None and not known:
        raise invalid("all", "no data of the interaction is known", hint="name the keys")
    gone = list(known) if listed is None else listed
    removed = [key for key in known if key in gone]
    types = (proofs.DATA_CHANGED,) if removed else (proofs.DATA_CHANGED, proofs.CHANGED)
    return spelled(
        [
            Spelling(
                _path(interaction),
                {"operationName": "DeleteUserData", "userData": dict.fromkeys(gone, "")},
            ),
            Spelling(_path(interaction), {"operationName": "DeleteUserData", "keys": gone}),
        ],
        expectation=_expect(interaction, *types, where={"removed": removed} if removed else {}),
    )


def _media(interaction: str, situation: Situation) -> str:
    item = situation.picture.interactions.get(interaction)
    return "unknown" if item is None else item.media


def _not_for(command: Command, media: str) -> CommandRefused:
    return CommandRefused(
        f"target.interaction: {command.verb.value} does not fit its medium, {media}",
        reason=Reason.CONFLICT,
    )


def _plain(command: Command, situation: Situation, name: str, *types: str, **extra: Any) -> Request:
    return _named(command, situation, (name,), (), *types, body=extra)


def _named(
    command: Command,
    situation: Situation,
    documented: tuple[str, ...],
    otherwise: tuple[str, ...],
    *types: str,
    body: dict[str, Any] | None = None,
    where: dict[str, Any] | None = None,
    within: dict[str, dict[str, Any]] | None = None,
) -> Request:
    interaction = target(command, "interaction")
    offered = situation.offers.of(interaction).capabilities
    return spelled(
        [
            Spelling(_path(interaction), {"operationName": name, **(body or {})})
            for name in names(documented, offered, otherwise=otherwise)
        ],
        expectation=_expect(interaction, *types, where=where or {}, within=within or {}),
    )


def _expect(interaction: str, *types: str, **conditions: Any) -> Expectation:
    return Expectation(
        confirmed_by=frozenset(types),
        refused_by=_OVER - set(types),
        subject=f"interaction/{interaction}",
        **conditions,
    )


def _created(situation: Situation) -> Expectation:
    """Which one it is stands in the answer of newer servers; until then it is any draft of this agent."""
    return Expectation(
        confirmed_by=frozenset({proofs.CREATED}),
        where={"agent": situation.agent, "media": "email"},
    )


def _path(interaction: str) -> str:
    return f"{ME}/interactions/{segment(interaction, 'target.interaction')}"
