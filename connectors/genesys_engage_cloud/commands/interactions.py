"""Requests about interactions of any medium. Pure.

The path names the medium of the interaction, which the feed has told; an argument may say it instead.
What is with nobody, or with another agent, a supervisor reaches by media management, under the ids of the
interactions. Source: workspace-client-js 9.0.96, `media-api`; 9.0.1 for workbins and media management.
"""

from __future__ import annotations

from typing import Any

from connectors._wire.arguments import data, listed_keys, needed, segment, target, text
from connectors._wire.upload import read_upload
from connectors.genesys_engage_cloud.capabilities.calls import REPLACE
from connectors.genesys_engage_cloud.commands.on_interactions import on_its_medium, plain
from connectors.genesys_engage_cloud.commands.request import Builder, Request, Situation, request
from connectors.genesys_engage_cloud.mapping.pairs import to_pairs
from connectors.genesys_engage_cloud.vendor import UCS_UPDATED
from gateway.commands import Command, Verb

_OF_THE_CONTACT_SERVER = {"native": {"notification": UCS_UPDATED}}
_DATA_CHANGED = ("interaction.data.changed", "interaction.changed")


def _is_supervised(command: Command) -> bool:
    return command.arguments.get("supervised") is True


def _supervise(command: Command, operation: str, **parameters: Any) -> Request:
    """What a supervisor does to an interaction; the notification names it, or answers the command."""
    name = target(command, "interaction")
    return request(
        command,
        f"media-management/{operation}",
        {"interactions": [name], **parameters},
        "interaction.changed",
        subject=f"interaction/{name}",
    )


def _accept(command: Command, situation: Situation) -> Request:
    parameters = {"nickname": text(command, "nickname")}
    return on_its_medium(command, situation, "accept", parameters, "interaction.accepted")


def _cancel(command: Command, situation: Situation) -> Request:
    if _is_supervised(command):
        return _supervise(command, "cancel")
    return on_its_medium(command, situation, "cancel", {}, "interaction.cancelled")


def _complete(command: Command, situation: Situation) -> Request:
    if _is_supervised(command):
        return _supervise(command, "complete")
    return on_its_medium(command, situation, "complete", {}, "interaction.completed")


def _queue(command: Command, situation: Situation) -> Request:
    queue = needed(command, "queue")
    if _is_supervised(command):
        return _supervise(command, "move-to-queue", queue=queue)
    return on_its_medium(
        command,
        situation,
        "place-in-queue",
        {"queue": queue},
        "interaction.queued",
        "interaction.parked",
        "interaction.completed",
    )


def _park(command: Command, _situation: Situation) -> Request:
    workbin, owner = needed(command, "workbin"), text(command, "owner")
    if _is_supervised(command):
        return _supervise(command, "move-to-workbin", workbinId=workbin, ownerId=owner)
    name = target(command, "interaction")
    return request(
        command,
        f"workbins/{segment(workbin, 'arguments.workbin')}/add-interaction",
        {"interactionId": name, "ownerId": owner},
        "interaction.parked",
        subject=f"interaction/{name}",
    )


def _pull(command: Command, situation: Situation) -> Request:
    return on_its_medium(
        command,
        situation,
        "pull",
        {"workbinId": text(command, "workbin"), "ownerId": text(command, "owner")},
        "interaction.pulled",
        "interaction.accepted",
    )


def _transfer(command: Command, situation: Situation) -> Request:
    return on_its_medium(
        command,
        situation,
        "transfer-agent",
        {"agentId": needed(command, "destination")},
        "interaction.transferred",
        "interaction.revoked",
        "interaction.completed",
    )


def _attach(command: Command, situation: Situation) -> Request:
    pairs = to_pairs(data(command))
    replace = text(command, "mode") == REPLACE
    if _is_supervised(command):
        which = "updatedUserData" if replace else "addedUserData"
        return _supervise(command, "manage-user-data", **{which: pairs})
    return on_its_medium(
        command,
        situation,
        "update-user-data" if replace else "attach-user-data",
        {"userData": pairs},
        *_DATA_CHANGED,
    )


def _delete(command: Command, situation: Situation) -> Request:
    keys = listed_keys(command)
    if _is_supervised(command):
        return _supervise(command, "manage-user-data", deletedUserData=keys)
    return on_its_medium(command, situation, "delete-user-data", {"keys": keys}, *_DATA_CHANGED)


def _note(command: Command, situation: Situation) -> Request:
    parameters = {"comment": needed(command, "text")}
    return on_its_medium(command, situation, "set-comment", parameters, "interaction.changed")


def _assign_contact(command: Command, situation: Situation) -> Request:
    contact = segment(needed(command, "contact"), "arguments.contact")
    return on_its_medium(
        command, situation, "assign-contact", {}, "interaction.changed", more=(contact,)
    )


def _add_attachment(command: Command, situation: Situation) -> Request:
    """Attach a file, as a form, or a document that the platform has."""
    document = text(command, "document")
    if document is not None:
        name = needed(command, "name")
        return on_its_medium(
            command,
            situation,
            "add-document",
            {"documentId": document, "name": name, "mime": text(command, "content_type")},
            "interaction.changed",
            within={"attachments": {"name": name}},
        )
    upload = read_upload(command, situation.uploads, max_bytes=situation.max_attachment_bytes)
    return on_its_medium(
        command,
        situation,
        "add-attachment",
        {},
        "interaction.changed",
        upload=upload,
        within={"attachments": {"name": upload.name}},
    )


def _remove_attachment(command: Command, situation: Situation) -> Request:
    document = segment(needed(command, "attachment"), "arguments.attachment")
    return on_its_medium(
        command,
        situation,
        "remove-attachment",
        {},
        "interaction.changed",
        more=(document,),
        within=_OF_THE_CONTACT_SERVER,
    )


BUILDERS: dict[Verb, Builder] = {
    Verb.INTERACTION_ACCEPT: _accept,
    Verb.INTERACTION_REJECT: plain(
        "reject", "interaction.rejected", "interaction.revoked", "interaction.completed"
    ),
    Verb.INTERACTION_CANCEL: _cancel,
    Verb.INTERACTION_COMPLETE: _complete,
    Verb.INTERACTION_QUEUE: _queue,
    Verb.INTERACTION_PARK: _park,
    Verb.INTERACTION_PULL: _pull,
    Verb.INTERACTION_TRANSFER: _transfer,
    Verb.INTERACTION_ATTACH_DATA: _attach,
    Verb.INTERACTION_DELETE_DATA: _delete,
    Verb.INTERACTION_ADD_NOTE: _note,
    Verb.INTERACTION_ASSIGN_CONTACT: _assign_contact,
    Verb.INTERACTION_ADD_ATTACHMENT: _add_attachment,
    Verb.INTERACTION_REMOVE_ATTACHMENT: _remove_attachment,
}
