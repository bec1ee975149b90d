"""The operations on e-mails and chats, and on workbins: what is accepted, what is refused, what follows.

Sources: Web Services API reference, "Interactions API Operations", "Interactions On E-mail Channel", "Interactions On
Chat Channel", "Workbins" (Operations).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from connectors._simulation.genesys_ids import interaction_id
from connectors.genesys_web_services._simulated.interactions import Media
from connectors.genesys_web_services._simulated.model import Agent, Interaction, InteractionState
from connectors.genesys_web_services._simulated.world import (
    INVALID,
    MISSING,
    NOT_FOUND,
    Outcome,
    Refusal,
    World,
)

Data = dict[str, Any]
Action = Callable[[], object]
Operation = Callable[["Desk", Agent, Interaction, Data], Action]

AMONG_CAPABILITIES = {
    "StopProcessing": "Complete",
    "LeaveChat": "LeaveConference",
    "SingleStepConference": "InviteUser",
    "UpdateProperties": "UpdateUserData",
    "PullInteraction": "PullInteractionFromWorkbin",
}
"""Words that a server of the spelling `capabilities` takes instead of the documented ones."""
_CHAT_ONLY = frozenset(
    {
        "SendMessage",
        "SendStartTypingNotification",
        "SendStopTypingNotification",
        "EndChatSession",
        "LeaveConference",
        "InviteUser",
        "RequestChatHistory",
    }
)
_EMAIL_ONLY = frozenset({"Reply", "ReplyAll"})


class Desk:
    """Takes operations for the agents' interactions."""

    def __init__(self, world: World, media: Media) -> None:
        self.world = world
        self.media = media

    def operate(self, agent: Agent, name_of_one: str, body: Data) -> Outcome:
        """POST on one interaction. 0 means accepted, not done."""
        interaction = self.interaction(agent, name_of_one)
        name = self._name(body, interaction)
        operation = _OPERATIONS.get(name)
        if operation is None:
            raise Refusal(INVALID, f"operationName {name!r} is not a known operation")
        invited = interaction.state is InteractionState.INVITED
        if invited is not (name in {"Accept", "Reject"}):
            raise Refusal(INVALID, f"{name} is not possible while it is {interaction.state}")
        if name in _CHAT_ONLY and (interaction.channel != "chat" or interaction.session_ended):
            raise Refusal(INVALID, f"{name} needs a chat session")
        if name in _EMAIL_ONLY:
            return self._reply(agent, interaction, body)
        action = operation(self, agent, interaction, body)

        def apply() -> None:
            if interaction.is_open:
                action()

        return Outcome(then=apply)

    def operate_on_all(self, agent: Agent, body: Data) -> Outcome:
        """POST on the agent's interactions: a new e-mail, or one out of a workbin."""
        name = self._name(body, None)
        if name == "Create":
            queue, kind = needed(body, "queueName"), needed(body, "interactionType")
            sub_kind = needed(body, "interactionSubType")
            return Outcome(then=lambda: self.media.create(agent, queue, kind, sub_kind))
        if name == "PullInteractionFromWorkbin":
            parts = needed(body, "uri").split("/")
            workbin, interaction = self.media.parked.get(parts[-1], (None, None))
            if interaction is None or parts[-3:-1] != [workbin, "interactions"]:
                raise Refusal(NOT_FOUND, "uri names nothing in a workbin")
            return Outcome(then=lambda: self.media.pull(agent, interaction))
        raise Refusal(INVALID, f"operationName {name!r} is not a known operation")

    def put_into(self, agent: Agent, workbin: str, body: Data) -> Outcome:
        """POST on the content of a workbin."""
        interaction = self.interaction(agent, needed(body, "interactionId"))
        uri = f"{self.world.base}/me/workbins/{workbin}/interactions/{interaction.id}"
        return Outcome(
            extra={"uri": uri}, then=lambda: self.media.park(agent, interaction, workbin)
        )

    @staticmethod
    def interaction(agent: Agent, name: str) -> Interaction:
        """One that the agent has."""
        interaction = agent.interactions.get(name)
        if interaction is None:
            raise Refusal(NOT_FOUND, f"interaction {name} was not found")
        return interaction

    def colleague(self, body: Data, *words: str) -> Agent:
        """The agent whose user id stands under one of the words."""
        user = next((body[word] for word in words if word in body), None)
        if user is None:
            raise Refusal(MISSING, f"{words[0]} is missing")
        found = [agent for agent in self.world.agents.values() if agent.id == user]
        if not found:
            raise Refusal(NOT_FOUND, f"{words[0]} names no user")
        return found[0]

    def _name(self, body: Data, interaction: Interaction | None) -> str:
        """The documented name of what is asked for; in the other spelling the documented ones are not known."""
        name = body.get("operationName")
        if not isinstance(name, str):
            raise Refusal(MISSING, "operationName is missing")
        is_chat = interaction is not None and interaction.channel == "chat"
        if self.world.settings.spelling == "documented":
            return name
        if name in AMONG_CAPABILITIES:
            return AMONG_CAPABILITIES[name]
        if name == "Send" and is_chat:
            return "SendMessage"
        if name in AMONG_CAPABILITIES.values() or (name == "SendMessage" and is_chat):
            raise Refusal(INVALID, f"operationName {name!r} is not a known operation")
        return name

    def _reply(self, agent: Agent, interaction: Interaction, body: Data) -> Outcome:
        if interaction.channel != "email":
            raise Refusal(INVALID, "only an e-mail can be answered")
        needed(body, "queueName")
        answer = interaction_id(self.world.rng)
        return Outcome(
            extra={"replyInteractionId": answer},
            then=lambda: self.media.reply(agent, interaction, answer),
        )


def needed(body: Data, name: str) -> str:
    """A text that must be there."""
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise Refusal(MISSING, f"{name} is missing")
    return value


def _to(state: InteractionState) -> Operation:
    return lambda desk, agent, interaction, _body: (
        lambda: desk.media.set_state(agent, interaction, state)
    )


def _typing(started: bool) -> Operation:  # noqa: FBT001 - read where it is used: _typing(True)
    return lambda desk, agent, interaction, _body: (
        lambda: desk.media.notice_typing(agent, interaction, started=started)
    )


def _accept(desk: Desk, agent: Agent, interaction: Interaction, body: Data) -> Action:
    nickname = str(body.get("nickname", ""))
    return lambda: desk.media.accept(agent, interaction, nickname)


def _queue(desk: Desk, agent: Agent, interaction: Interaction, body: Data) -> Action:
    queue = needed(body, "queueName")
    return lambda: desk.media.place(agent, interaction, queue)


def _park(desk: Desk, agent: Agent, interaction: Interaction, body: Data) -> Action:
    value = body.get("workbin")
    workbin = value.get("workbinTypeId") if isinstance(value, dict) else value
    if not isinstance(workbin, str) or not workbin:
        raise Refusal(MISSING, "workbin is missing")
    return lambda: desk.media.park(agent, interaction, workbin)


def _transfer(desk: Desk, agent: Agent, interaction: Interaction, body: Data) -> Action:
    other = desk.colleague(body, "userId", "agentId")
    return lambda: desk.media.give(agent, interaction, other)


def _invite(desk: Desk, agent: Agent, interaction: Interaction, body: Data) -> Action:
    other = desk.colleague(body, "agentId")
    return lambda: desk.media.join(agent, interaction, other)


def _say(desk: Desk, agent: Agent, interaction: Interaction, body: Data) -> Action:
    text = needed(body, "text")
    return lambda: desk.media.say(agent, interaction, text, by_agent=True)


def _send(desk: Desk, agent: Agent, interaction: Interaction, _body: Data) -> Action:
    if interaction.channel != "email":
        raise Refusal(INVALID, "Send needs an e-mail")
    return lambda: desk.media.set_state(agent, interaction, InteractionState.SENT)


def _end(desk: Desk, agent: Agent, interaction: Interaction, _body: Data) -> Action:
    return lambda: desk.media.leave(agent, interaction, "Agent")


def _history(desk: Desk, agent: Agent, interaction: Interaction, _body: Data) -> Action:
    return lambda: desk.media.show_history(agent, interaction)


def _attach(desk: Desk, agent: Agent, interaction: Interaction, body: Data) -> Action:
    data = body.get("userData")
    if not isinstance(data, dict):
        raise Refusal(MISSING, "userData is missing")
    return lambda: desk.media.change_data(agent, interaction, data)


def _delete(desk: Desk, agent: Agent, interaction: Interaction, body: Data) -> Action:
    """The entries to go, or their keys."""
    entries = body.get("userData", body.get("keys"))
    if not isinstance(entries, dict | list):
        raise Refusal(MISSING, "userData is missing")
    return lambda: desk.media.change_data(agent, interaction, {}, tuple(entries))


_OPERATIONS: dict[str, Operation] = {
    "Accept": _accept,
    "Reject": _to(InteractionState.REVOKED),
    "Complete": _to(InteractionState.COMPLETED),
    "Cancel": _to(InteractionState.CANCELED),
    "PlaceInQueue": _queue,
    "PlaceInWorkbin": _park,
    "SingleStepTransfer": _transfer,
    "Transfer": _transfer,
    "InviteUser": _invite,
    "RequestChatHistory": _history,
    "Send": _send,
    "SendMessage": _say,
    "SendStartTypingNotification": _typing(True),
    "SendStopTypingNotification": _typing(False),
    "EndChatSession": _end,
    "LeaveConference": _end,
    "AttachUserData": _attach,
    "UpdateUserData": _attach,
    "DeleteUserData": _delete,
    "Reply": _accept,
    "ReplyAll": _accept,
}
