"""The shapes of interactions, workbins and snapshots, as the vendor's clients read and its simulator writes them."""

from __future__ import annotations

from typing import Any

from connectors.genesys_engage_cloud._simulated.model import (
    Agent,
    Interaction,
    InteractionState,
    Style,
)
from connectors.genesys_engage_cloud._simulated.pairs import key_values

Data = dict[str, Any]

_WORK = (
    "attach-user-data",
    "update-user-data",
    "delete-user-data",
    "place-in-queue",
    "transfer",
    "complete",
    "set-comment",
)
_CHAT = (
    "send-message",
    "send-typing-started",
    "send-typing-stopped",
    "send-url",
    "leave",
    "invite",
    "consult",
    "put-on-hold",
)
_COMPOSING = ("send", "save", "cancel", "add-attachment", "set-comment", "attach-user-data")


def interaction_capabilities(interaction: Interaction) -> list[str]:
    """What may be done with the interaction now."""
    if interaction.state is InteractionState.INVITED:
        return ["accept", "reject"]
    if interaction.state is InteractionState.COMPOSING:
        return list(_COMPOSING)
    if not interaction.is_open:
        return []
    own = {"chat": _CHAT, "email": ("reply", "reply-all", "forward")}.get(interaction.media, ())
    return [*_WORK, *own]


def interaction_resource(interaction: Interaction) -> Data:
    """The `interaction` object."""
    at = interaction.received_at_ms
    resource: Data = {
        "id": interaction.id,
        "mediatype": interaction.media,
        "state": interaction.state,
        "interactionType": interaction.kind,
        "interactionSubtype": interaction.sub_kind,
        "capabilities": interaction_capabilities(interaction),
        "userData": key_values(interaction.user_data),
        "inQueues": key_values({"__STOP__": ""}),
        "outQueues": [],
        "queue": interaction.queue,
        "workflowState": "Routing"
        if interaction.state is InteractionState.INVITED
        else "Interactive",
        "isInWorkflow": interaction.is_open,
        "isHeld": interaction.held,
        "isLocked": False,
        "isOnline": interaction.media == "chat",
        "tenantId": 1,
        "ticketId": 5,
        "proxyClientId": 11,
        "receivedAt": at,
        "submittedAt": at,
        "placedInQueueAt": at,
        "submittedBy": "Simulated",
        "subject": interaction.subject,
        "attachments": list(interaction.attachments),
    }
    if interaction.comment:
        resource["comment"] = interaction.comment
    if interaction.contact_id:
        resource["contactId"] = interaction.contact_id
    if interaction.parent_id is not None:
        resource["parentInteractionId"] = interaction.parent_id
    if interaction.media == "chat":
        resource["chat"] = {
            "participants": list(interaction.parties),
            "startAt": at,
            "myParticipantId": f"{interaction.id}-agent",
            "messages": list(interaction.messages),
            "isAsyncMode": False,
        }
    elif interaction.media == "email":
        inbound = interaction.kind == "Inbound"
        resource["email"] = {
            "from": interaction.customer if inbound else "support@example.com",
            "to": ["support@example.com" if inbound else interaction.customer],
            "cc": [],
            "bcc": [],
            "body": interaction.body,
            "mime": "text/plain",
        }
    return resource


def interaction_message(interaction: Interaction, notification: str) -> Data:
    """InteractionStateChanged."""
    return {
        "messageType": "InteractionStateChanged",
        "notificationType": notification,
        "interaction": interaction_resource(interaction),
    }


def log_message(agent: Agent, interaction: Interaction, new: list[Data]) -> Data:
    """MessageLogUpdated."""
    key = "interactionId" if agent.style is Style.CLIENT else "id"
    return {
        "messageType": "MessageLogUpdated",
        "notificationType": "NewMessages",
        key: interaction.id,
        "messages": new,
    }


def workbins_message(agent: Agent, name: str, extra: Data) -> Data:
    """WorkbinsMessage."""
    key = "notificationType" if agent.style is Style.CLIENT else "name"
    return {"messageType": "WorkbinsMessage", key: name, **extra}


def snapshot_message(name: str, extra: Data) -> Data:
    """SnapshotMessage."""
    return {"messageType": "SnapshotMessage", "notificationType": name, **extra}
