"""Requests about chats, e-mails and other interactions. Pure.

The path names the medium of the interaction, which the feed has told; an argument may say it instead.
Source: workspace-client-js 9.0.96, `media-api` and `chat-api`; 9.0.1 for e-mail and workbins.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from connectors.genesys_engage_cloud.building import (
    Request,
    needed,
    request,
    segment,
    target,
    text,
    texts,
)
from connectors.genesys_engage_cloud.capabilities import AFTER, REPLACE
from connectors.genesys_engage_cloud.mapping.pairs import to_pairs
from connectors.genesys_engage_cloud.mapping.picture import AgentPicture
from gateway.commands import Command, Verb
from gateway.errors import CommandRefused, Reason

_EMAIL, _CHAT = "email", "chat"
_CLOSE = "ForceClose"

_Builder = Callable[[Command, str, AgentPicture], Request]


def build_interaction(command: Command, agent: str, picture: AgentPicture) -> Request | None:
    """The request for a command on interactions; none if it is none."""
    builder = _BUILDERS.get(command.verb)
    return builder(command, agent, picture) if builder is not None else None


def _media(command: Command, picture: AgentPicture) -> str:
    given = text(command, "media")
    if given is not None:
        return given
    name = target(command, "interaction")
    item, ended = picture.interactions.get(name), picture.ended.get(name)
    media = item.media if item is not None else ended.media if ended is not None else None
    if media is None or media == "unknown":
        raise CommandRefused(
            "arguments.media: the medium of the interaction is not known", reason=Reason.INVALID
        )
    return media


def _on(
    command: Command, media: str, operation: str, data: dict[str, Any], *proofs: str, **decided: Any
) -> Request:
    name = target(command, "interaction")
    place = f"media/{segment(media, 'arguments.media')}/interactions"
    return request(
        command,
        f"{place}/{segment(name, 'target.interaction')}/{operation}",
        data,
        *proofs,
        **{"subject": f"interaction/{name}", **decided},
    )


def _plain(operation: str, *proofs: str) -> _Builder:
    return lambda command, _agent, picture: _on(
        command, _media(command, picture), operation, {}, *proofs
    )


def _accept(command: Command, _agent: str, picture: AgentPicture) -> Request:
    data = {"nickname": text(command, "nickname")}
    return _on(command, _media(command, picture), "accept", data, "interaction.accepted")


def _queue(command: Command, _agent: str, picture: AgentPicture) -> Request:
    return _on(
        command,
        _media(command, picture),
        "place-in-queue",
        {"queue": needed(command, "queue")},
        "interaction.queued",
        "interaction.parked",
        "interaction.completed",
    )


def _park(command: Command, _agent: str, _picture: AgentPicture) -> Request:
    workbin, name = needed(command, "workbin"), target(command, "interaction")
    return request(
        command,
        f"workbins/{segment(workbin, 'arguments.workbin')}/add-interaction",
        {"interactionId": name},
        "interaction.parked",
        subject=f"interaction/{name}",
    )


def _transfer(command: Command, _agent: str, picture: AgentPicture) -> Request:
    return _on(
        command,
        _media(command, picture),
        "transfer-agent",
        {"agentId": needed(command, "destination")},
        "interaction.transferred",
        "interaction.revoked",
        "interaction.completed",
    )


def _email(command: Command) -> dict[str, Any]:
    return {
        "from": text(command, "from"),
        "to": texts(command, "to"),
        "cc": texts(command, "cc"),
        "bcc": texts(command, "bcc"),
        "subject": text(command, "subject"),
        "body": text(command, "text"),
    }


def _create(command: Command, agent: str, _picture: AgentPicture) -> Request:
    return request(
        command,
        f"media/{_EMAIL}/interactions/create",
        _email(command) | {"queue": text(command, "queue")},
        "interaction.created",
        where={"agent": agent, "media": _EMAIL},
    )


def _reply(command: Command, agent: str, _picture: AgentPicture) -> Request:
    everyone = command.arguments.get("all") is True
    return _on(
        command,
        _EMAIL,
        "reply-all" if everyone else "reply",
        _email(command),
        "interaction.created",
        subject=None,
        where={"agent": agent, "parent": command.target.interaction},
    )


def _send(command: Command, _agent: str, _picture: AgentPicture) -> Request:
    return _on(command, _EMAIL, "send", _email(command), "interaction.completed")


def _send_message(command: Command, _agent: str, _picture: AgentPicture) -> Request:
    said = needed(command, "text")
    data = {"message": said, "visibility": text(command, "visibility")}
    return _on(
        command, _CHAT, "send-message", data, "interaction.message.added", where={"text": said}
    )


def _typing(command: Command, _agent: str, _picture: AgentPicture) -> Request:
    on = command.arguments.get("on") is True
    return _on(
        command,
        _CHAT,
        "send-typing-started" if on else "send-typing-stopped",
        {},
        "interaction.typing.changed",
        where={"typing": on},
    )


def _invite(command: Command, _agent: str, _picture: AgentPicture) -> Request:
    other, queue = text(command, "destination"), text(command, "queue")
    if (other is None) == (queue is None):
        raise CommandRefused(
            "arguments.destination: either this or queue is needed", reason=Reason.INVALID
        )
    if queue is not None:
        return _on(command, _CHAT, "invite-by-queue", {"queue": queue}, "interaction.party.joined")
    return _on(command, _CHAT, "invite", {"agentId": other}, "interaction.party.joined")


def _leave(command: Command, _agent: str, _picture: AgentPicture) -> Request:
    after = AFTER[text(command, "after") or "close_if_empty"]
    return _on(
        command,
        _CHAT,
        "leave",
        {"afterAction": after},
        "interaction.party.left",
        "interaction.completed",
    )


def _end_session(command: Command, _agent: str, _picture: AgentPicture) -> Request:
    return _on(
        command,
        _CHAT,
        "leave",
        {"afterAction": _CLOSE},
        "interaction.session.ended",
        "interaction.completed",
    )


def _attach(command: Command, _agent: str, picture: AgentPicture) -> Request:
    data = command.arguments.get("data")
    if not isinstance(data, dict) or not data:
        raise CommandRefused("arguments.data: expected an object", reason=Reason.INVALID)
    replace = command.arguments.get("mode") == REPLACE
    return _on(
        command,
        _media(command, picture),
        "update-user-data" if replace else "attach-user-data",
        {"userData": to_pairs(data)},
        "interaction.data.changed",
        "interaction.changed",
    )


def _delete(command: Command, _agent: str, picture: AgentPicture) -> Request:
    keys = texts(command, "keys")
    if not keys:
        raise CommandRefused("arguments.keys: missing", reason=Reason.INVALID)
    return _on(
        command,
        _media(command, picture),
        "delete-user-data",
        {"keys": keys},
        "interaction.data.changed",
        "interaction.changed",
    )


def _note(command: Command, _agent: str, picture: AgentPicture) -> Request:
    data = {"comment": needed(command, "text")}
    return _on(command, _media(command, picture), "set-comment", data, "interaction.changed")


_BUILDERS: dict[Verb, _Builder] = {
    Verb.INTERACTION_CREATE: _create,
    Verb.INTERACTION_ACCEPT: _accept,
    Verb.INTERACTION_REJECT: _plain(
        "reject", "interaction.rejected", "interaction.revoked", "interaction.completed"
    ),
    Verb.INTERACTION_CANCEL: _plain("cancel", "interaction.cancelled"),
    Verb.INTERACTION_COMPLETE: _plain("complete", "interaction.completed"),
    Verb.INTERACTION_QUEUE: _queue,
    Verb.INTERACTION_PARK: _park,
    Verb.INTERACTION_PULL: _plain("pull", "interaction.pulled", "interaction.accepted"),
    Verb.INTERACTION_TRANSFER: _transfer,
    Verb.INTERACTION_REPLY: _reply,
    Verb.INTERACTION_SEND: _send,
    Verb.INTERACTION_SEND_MESSAGE: _send_message,
    Verb.INTERACTION_TYPING: _typing,
    Verb.INTERACTION_INVITE: _invite,
    Verb.INTERACTION_LEAVE: _leave,
    Verb.INTERACTION_END_SESSION: _end_session,
    Verb.INTERACTION_ATTACH_DATA: _attach,
    Verb.INTERACTION_DELETE_DATA: _delete,
    Verb.INTERACTION_ADD_NOTE: _note,
}
