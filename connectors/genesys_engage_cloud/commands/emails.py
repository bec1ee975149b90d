"""Requests about e-mails, and the making of interactions. Pure.

Source: workspace-client-js 9.0.1, `EmailApi`, and `MediaApi` for other media.
"""

from __future__ import annotations

from typing import Any

from connectors._wire.arguments import optional_data, segment, text, texts
from connectors.genesys_engage_cloud.commands.on_interactions import on
from connectors.genesys_engage_cloud.commands.request import Builder, Request, Situation, request
from connectors.genesys_engage_cloud.mapping.pairs import to_pairs
from connectors.genesys_engage_cloud.vendor import EMAIL_SAVED
from gateway.commands import Command, Verb

_EMAIL = "email"


def _content(command: Command) -> dict[str, Any]:
    return {
        "from": text(command, "from"),
        "to": texts(command, "to"),
        "cc": texts(command, "cc"),
        "bcc": texts(command, "bcc"),
        "subject": text(command, "subject"),
        "body": text(command, "text"),
        "mime": text(command, "content_type"),
    }


def _create(command: Command, situation: Situation) -> Request:
    media = text(command, "media") or _EMAIL
    attached = optional_data(command)
    parameters = {
        "queue": text(command, "queue"),
        "contactId": text(command, "contact"),
        "parentId": text(command, "parent"),
        "userData": None if attached is None else to_pairs(attached),
    }
    if media == _EMAIL:
        return request(
            command,
            f"media/{_EMAIL}/interactions/create",
            _content(command) | parameters,
            "interaction.created",
            where={"agent": situation.agent, "media": media},
        )
    return request(
        command,
        f"media/{segment(media, 'arguments.media')}/interactions/create",
        {"subject": text(command, "subject"), "subtype": text(command, "subtype"), **parameters},
        "interaction.created",
        "interaction.offered",
        "interaction.accepted",
        where={"agent": situation.agent, "media": media},
    )


def _reply(command: Command, situation: Situation) -> Request:
    everyone = command.arguments.get("all") is True
    return _draft(command, situation, "reply-all" if everyone else "reply")


def _forward(command: Command, situation: Situation) -> Request:
    return _draft(command, situation, "forward")


def _draft(command: Command, situation: Situation, operation: str) -> Request:
    """What comes of it is an interaction of its own, whose id nobody knows before."""
    return on(
        command,
        _EMAIL,
        operation,
        _content(command) | {"queue": text(command, "queue")},
        "interaction.created",
        subject=None,
        where={"agent": situation.agent, "parent": command.target.interaction},
    )


def _save(command: Command, _situation: Situation) -> Request:
    return on(
        command,
        _EMAIL,
        "save",
        _content(command),
        "interaction.changed",
        within={"native": {"notification": EMAIL_SAVED}},
    )


def _send(command: Command, _situation: Situation) -> Request:
    return on(command, _EMAIL, "send", _content(command), "interaction.completed")


BUILDERS: dict[Verb, Builder] = {
    Verb.INTERACTION_CREATE: _create,
    Verb.INTERACTION_REPLY: _reply,
    Verb.INTERACTION_FORWARD: _forward,
    Verb.INTERACTION_SAVE: _save,
    Verb.INTERACTION_SEND: _send,
}
