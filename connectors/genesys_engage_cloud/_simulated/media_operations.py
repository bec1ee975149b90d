"""The operations on chats, e-mails and work items: what POST on them asks for, checked, and what it does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from connectors.genesys_engage_cloud._simulated import messages
from connectors.genesys_engage_cloud._simulated.media import PROPERTIES, Media, workbin_id
from connectors.genesys_engage_cloud._simulated.model import (
    Agent,
    Interaction,
    InteractionState,
    Pairs,
)
from connectors.genesys_engage_cloud._simulated.pairs import key_values, pairs_of
from connectors.genesys_engage_cloud._simulated.world import (
    FAILED,
    NOT_IMPLEMENTED,
    Outcome,
    Refusal,
    text,
)

Data = dict[str, Any]
Action = Callable[[], object]


def create(media: Media, agent: Agent, kind: str, data: Data) -> Outcome:
    """POST /media/{type}/interactions/create."""
    if kind == "email":
        return Outcome(then=lambda: media.compose(agent, data))
    pairs = _user_data(data)

    def act() -> None:
        interaction = media.invite(agent, kind, commanded=True)
        interaction.kind, interaction.sub_kind = "Internal", "InternalNew"
        interaction.user_data |= pairs
        media.accept(agent, interaction)

    return Outcome(then=act)


def monitor(media: Media, agent: Agent, name: str, data: Data) -> Outcome:
    """POST /media/{type}/start-monitoring, stop-monitoring: told like monitoring on voice."""
    request = {
        "phoneNumberToMonitor": text(data, "agentId"),
        "monitoringNextCallType": data.get("monitoringNextInteractionType", "NextInteraction"),
        "monitoringMode": data.get("monitoringMode", "Monitor"),
    }
    message = messages.monitoring_message(request, started=name == "start-monitoring")
    return Outcome(then=lambda: media.world.publish(agent, messages.MEDIA, message))


def publish(media: Media, agent: Agent, data: Data) -> Outcome:
    """POST /media/topics/{topic}/publish: what an agent asks of a campaign is acknowledged on the topics' channel."""
    try:
        content = pairs_of(data.get("eventContent", []))
    except ValueError as error:
        raise Refusal(FAILED, str(error)) from None
    asked = str(content.pop("GSW_AGENT_REQ_TYPE", "RecordCancel"))
    content["GSW_USER_EVENT"] = f"{asked}Acknowledge"
    message = {
        "messageType": "EventUserEvent",
        "eventContent": key_values(content),
    }
    return Outcome(then=lambda: media.world.publish(agent, messages.TOPICS, message))


def operate(media: Media, agent: Agent, kind: str, found: str, name: str, data: Data) -> Outcome:
    """POST /media/{type}/interactions/{id}/{name}. Accepted is not done."""
    interaction = agent.interactions.get(found) or agent.workbin.get(found)
    if interaction is None or interaction.media != kind:
        raise Refusal(FAILED, f"there is no {kind} interaction {found}")
    if name not in _OPERATIONS:
        raise Refusal(NOT_IMPLEMENTED, f"{name} is not implemented")
    if name in _CHAT_ONLY and kind != "chat":
        raise Refusal(FAILED, f"{name} needs a chat")
    pulled, invited = name == "pull", interaction.state is InteractionState.INVITED
    if pulled is interaction.is_open or (name in {"accept", "reject"} and not invited):
        raise Refusal(FAILED, f"{name} is not possible while it is {interaction.state}")
    action = _OPERATIONS[name](media, agent, interaction, data)

    def apply() -> None:
        if interaction.is_open or pulled:
            interaction.commanded = True
            action()

    return Outcome(then=apply)


Operation = Callable[[Media, Agent, Interaction, Data], Action]


def _user_data(data: Data) -> Pairs:
    try:
        return pairs_of(data.get("userData", []))
    except ValueError as error:
        raise Refusal(FAILED, str(error)) from None


def _to(state: InteractionState) -> Operation:
    return lambda media, agent, one, _data: lambda: media.set_state(agent, one, state)


def _accept(media: Media, agent: Agent, one: Interaction, data: Data) -> Action:
    nickname = str(data.get("nickname", ""))
    return lambda: media.accept(agent, one, nickname)


def _attach(media: Media, agent: Agent, one: Interaction, data: Data) -> Action:
    pairs = _user_data(data)
    return lambda: media.change_data(agent, one, pairs)


def _delete(media: Media, agent: Agent, one: Interaction, data: Data) -> Action:
    keys = data.get("keys", [data["key"]] if "key" in data else [])
    removed = tuple(str(one) for one in keys) if isinstance(keys, list) else ()
    return lambda: media.change_data(agent, one, {}, removed)


def _update(field: str, key: str, notification: str = PROPERTIES) -> Operation:
    """Set a field of the interaction to a value of the request, if it is there."""

    def operation(media: Media, agent: Agent, one: Interaction, data: Data) -> Action:
        def act() -> None:
            setattr(one, field, data.get(key, getattr(one, field)))
            media.tell(agent, one, notification)

        return act

    return operation


def _place(media: Media, agent: Agent, one: Interaction, data: Data) -> Action:
    queue = text(data, "queue")

    def act() -> None:
        one.queue = queue
        mine = queue in {"__BACK__", workbin_id(agent)}
        state = InteractionState.IN_WORKBIN if mine else InteractionState.COMPLETED
        media.set_state(agent, one, state)

    return act


def _transfer(media: Media, agent: Agent, one: Interaction, data: Data) -> Action:
    text(data, "agentId")
    return lambda: media.set_state(agent, one, InteractionState.COMPLETED)


def _document(media: Media, agent: Agent, one: Interaction, data: Data) -> Action:
    """A document of the contact server, which has it already."""
    document = {"id": text(data, "documentId"), "name": text(data, "name")}
    document |= {name: data[name] for name in ("mime", "size") if name in data}

    def act() -> None:
        one.attachments.append(document)
        media.tell(agent, one, "UCSPropertiesUpdated")

    return act


def _draft(sub_kind: str) -> Operation:
    def operation(media: Media, agent: Agent, one: Interaction, data: Data) -> Action:
        return lambda: media.compose(agent, data, parent=one, sub_kind=sub_kind)

    return operation


def _say(kind: str, key: str) -> Operation:
    def operation(media: Media, agent: Agent, one: Interaction, data: Data) -> Action:
        said = {"text": text(data, key)} if key else {}
        visibility = str(data.get("visibility", "All"))
        return lambda: media.log(agent, one, kind, "Agent", visibility=visibility, **said)

    return operation


def _leave(media: Media, agent: Agent, one: Interaction, data: Data) -> Action:
    keep = data.get("afterAction") == "KeepAlive"

    def act() -> None:
        media.leave(agent, one, "Agent")
        if not keep:
            media.set_state(agent, one, InteractionState.COMPLETED)

    return act


def _invite(media: Media, agent: Agent, one: Interaction, data: Data) -> Action:
    guest = str(data.get("agentId", data.get("queue", "guest")))

    def act() -> None:
        media.enter(one, "Agent", guest)
        media.log(agent, one, "ParticipantJoined", "Agent", text=guest)

    return act


def _hold(held: bool) -> Operation:  # noqa: FBT001 - read where it is used: _hold(True)
    def operation(media: Media, agent: Agent, one: Interaction, _data: Data) -> Action:
        def act() -> None:
            one.held = held
            media.tell(agent, one, PROPERTIES)

        return act

    return operation


def _pull(media: Media, agent: Agent, one: Interaction, _data: Data) -> Action:
    return lambda: media.pull(agent, one)


_CHAT_OPERATIONS: dict[str, Operation] = {
    "send-message": _say("Text", "message"),
    "send-typing-started": _say("TypingStarted", ""),
    "send-typing-stopped": _say("TypingStopped", ""),
    "send-url": _say("PushUrl", "url"),
    "send-custom-notification": _say("CustomNotification", "message"),
    "send-system-command": _say("SystemCommand", "message"),
    "leave": _leave,
    "invite": _invite,
    "invite-by-queue": _invite,
    "consult": _invite,
    "consult-by-queue": _invite,
    "cancel-consult": _say("ParticipantLeft", ""),
    "remove-from-conference": _say("ParticipantLeft", ""),
    "update-nickname": _say("NicknameUpdated", "nickname"),
    "put-on-hold": _hold(True),
    "resume": _hold(False),
}
_CHAT_ONLY = frozenset(_CHAT_OPERATIONS)
_OPERATIONS: dict[str, Operation] = {
    "accept": _accept,
    "reject": _to(InteractionState.COMPLETED),
    "complete": _to(InteractionState.COMPLETED),
    "pull": _pull,
    "place-in-queue": _place,
    "transfer-agent": _transfer,
    "attach-user-data": _attach,
    "update-user-data": _attach,
    "delete-user-data": _delete,
    "set-comment": _update("comment", "comment"),
    "add-document": _document,
    "assign-contact": _update("contact_id", "contactId", "UCSPropertiesUpdated"),
    "add-content": _update("body", "content", "UCSPropertiesUpdated"),
    "reply": _draft("OutboundReply"),
    "reply-all": _draft("OutboundReply"),
    "forward": _draft("OutboundForward"),
    "save": _update("body", "body", "EmailSaved"),
    "send": _to(InteractionState.SENT),
    "cancel": _to(InteractionState.CANCELED),
    "switch-to-monitor": _hold(False),
    "switch-to-coach": _hold(False),
    "switch-to-barge-in": _hold(False),
    **_CHAT_OPERATIONS,
}
