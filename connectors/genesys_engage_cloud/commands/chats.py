"""Requests about chats. Pure.

Sources: workspace-client-js 9.0.96, `chat-api`; 9.0.1, `ChatApi`, and `MediaApi` for holding.
"""

from __future__ import annotations

from connectors._wire.arguments import choice, invalid, needed, optional_data, text
from connectors.genesys_engage_cloud.capabilities.interactions import (
    AFTER,
    CONSULT,
    JOIN,
    MESSAGES,
)
from connectors.genesys_engage_cloud.commands.on_interactions import on
from connectors.genesys_engage_cloud.commands.request import Builder, Request, Situation
from connectors.genesys_engage_cloud.mapping.pairs import to_pairs
from gateway.commands import Command, Verb

_CHAT = "chat"
_CLOSE = "ForceClose"
_WITH_DATA = frozenset({"notification", "command"})


def _send_message(command: Command, _situation: Situation) -> Request:
    said, attached = needed(command, "text"), optional_data(command)
    kind = choice(command, "kind", list(MESSAGES), default="text")
    operation, parameter = MESSAGES[kind]
    if attached is not None and kind not in _WITH_DATA:
        raise invalid("data", f"does not go with kind {kind}")
    return on(
        command,
        _CHAT,
        operation,
        {
            parameter: said,
            "visibility": text(command, "visibility"),
            "userData": None if attached is None else to_pairs(attached),
        },
        "interaction.message.added",
        where={"text": said},
    )


def _typing(command: Command, _situation: Situation) -> Request:
    switched_on = command.arguments.get("on") is True
    return on(
        command,
        _CHAT,
        "send-typing-started" if switched_on else "send-typing-stopped",
        {},
        "interaction.typing.changed",
        where={"typing": switched_on},
    )


def _invite(command: Command, _situation: Situation) -> Request:
    other, queue = text(command, "destination"), text(command, "queue")
    if (other is None) == (queue is None):
        raise invalid("destination", "either this or queue is needed")
    consult = choice(command, "mode", (JOIN, CONSULT), default=JOIN) == CONSULT
    operation = "consult" if consult else "invite"
    if queue is not None:
        operation += "-by-queue"
    return on(
        command,
        _CHAT,
        operation,
        {"agentId": other, "queue": queue},
        "interaction.party.joined",
    )


def _remove_party(command: Command, _situation: Situation) -> Request:
    party = text(command, "party")
    operation = "cancel-consult" if party is None else "remove-from-conference"
    return on(command, _CHAT, operation, {"agentId": party}, "interaction.party.left")


def _set_nickname(command: Command, _situation: Situation) -> Request:
    parameters = {
        "nickname": needed(command, "nickname"),
        "visibility": text(command, "visibility"),
    }
    return on(command, _CHAT, "update-nickname", parameters, "interaction.changed")


def _hold(command: Command, _situation: Situation) -> Request:
    return on(
        command,
        _CHAT,
        "put-on-hold",
        {"queue": text(command, "queue")},
        "interaction.changed",
        "interaction.parked",
        "interaction.queued",
    )


def _retrieve(command: Command, _situation: Situation) -> Request:
    return on(
        command,
        _CHAT,
        "resume",
        {"nickname": text(command, "nickname")},
        "interaction.changed",
        "interaction.accepted",
        "interaction.pulled",
    )


def _leave(command: Command, _situation: Situation) -> Request:
    after = choice(command, "after", list(AFTER), default="close_if_empty")
    return on(
        command,
        _CHAT,
        "leave",
        {"afterAction": AFTER[after]},
        "interaction.party.left",
        "interaction.completed",
    )


def _end_session(command: Command, _situation: Situation) -> Request:
    return on(
        command,
        _CHAT,
        "leave",
        {"afterAction": _CLOSE},
        "interaction.session.ended",
        "interaction.completed",
    )


BUILDERS: dict[Verb, Builder] = {
    Verb.INTERACTION_SEND_MESSAGE: _send_message,
    Verb.INTERACTION_TYPING: _typing,
    Verb.INTERACTION_INVITE: _invite,
    Verb.INTERACTION_REMOVE_PARTY: _remove_party,
    Verb.INTERACTION_SET_NICKNAME: _set_nickname,
    Verb.INTERACTION_HOLD: _hold,
    Verb.INTERACTION_RETRIEVE: _retrieve,
    Verb.INTERACTION_LEAVE: _leave,
    Verb.INTERACTION_END_SESSION: _end_session,
}
