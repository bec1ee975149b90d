"""E-mails and chats of the simulated contact centre ("Interactions API", "Interaction Notifications")."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from connectors.genesys_web_services._simulated import messages
from connectors.genesys_web_services._simulated.model import (
    Agent,
    Interaction,
    InteractionState,
    interaction_id,
)
from connectors.genesys_web_services._simulated.world import (
    INVALID,
    MISSING,
    NOT_FOUND,
    Outcome,
    Refusal,
    World,
)

Data = dict[str, Any]
CHAT_HISTORY = 12
"""A chat message shows at most so many of the newest events."""


class Media:
    """Makes e-mails and chats live, by command or by chance."""

    def __init__(self, world: World) -> None:
        self._world = world

    def tell(self, agent: Agent, interaction: Interaction) -> None:
        """Publish the interaction as it is, nested or flat by chance."""
        flat = bool(self._world.rng.getrandbits(1))
        data = messages.interaction_message(interaction, flat=flat)
        self._world.publish(agent, messages.INTERACTIONS, data)

    def invite(self, agent: Agent, channel: str) -> Interaction:
        """Offer an e-mail or a chat."""
        rng = self._world.rng
        customer = f"customer{rng.randrange(10_000)}@example.com"
        new_id = interaction_id(rng)
        subject = (
            rng.choice(("Order", "Invoice", "Delivery", "Password")) + f" {rng.randrange(1000)}"
        )
        interaction = Interaction(
            id=new_id,
            channel=channel,
            state=InteractionState.INVITED,
            subject=subject,
            text="Where is it?\r\nThank you",
            from_address=customer,
            to_address="support@example.com",
            queue="SimpleEmailInQueue" if channel == "email" else "SimpleChatInQueue",
            started_at_ms=int(self._world.now() * 1000),
            thread_id=interaction_id(rng),
            session_id=new_id,
            user_data={
                "Subject": subject,
                "EmailAddress": customer,
                "RRequestedSkills": None,
                "ServiceObjective": 0,
                "CustomerSegment": "default",
                "ServiceType": "default",
            },
        )
        agent.interactions[interaction.id] = interaction
        self.tell(agent, interaction)
        return interaction

    def set_state(self, agent: Agent, interaction: Interaction, state: InteractionState) -> None:
        """Change the state; what the agent no longer has is forgotten."""
        interaction.state = state
        self._show(interaction)
        self.tell(agent, interaction)
        if not interaction.is_open:
            agent.interactions.pop(interaction.id, None)

    def accept(self, agent: Agent, interaction: Interaction, nickname: str = "") -> None:
        """The agent takes it; both parties enter a chat."""
        if interaction.channel == "chat":
            self._event(interaction, "PARTY_JOINED", "Client", nickName="Customer")
            self._event(interaction, "PARTY_JOINED", "Agent", nickName=nickname or agent.first_name)
        self.set_state(agent, interaction, InteractionState.ACCEPTED)

    def say(self, agent: Agent, interaction: Interaction, text: str, *, by_agent: bool) -> None:
        """Somebody writes in the chat."""
        kind = "Agent" if by_agent else "Client"
        self._event(interaction, "MESSAGE", kind, text=text)
        self.set_state(agent, interaction, InteractionState.PROPERTIES_CHANGED)

    def notice_typing(self, agent: Agent, interaction: Interaction, *, started: bool) -> None:
        """Somebody starts or stops typing."""
        kind = "TypingStarted" if started else "TypingStopped"
        self._event(interaction, "NOTICE", None, noticeType=kind)
        self.set_state(agent, interaction, InteractionState.PROPERTIES_CHANGED)

    def leave(self, agent: Agent, interaction: Interaction, kind: str = "Client") -> None:
        """A party leaves the chat; the session is over."""
        interaction.session_ended = True
        self._event(interaction, "PARTY_LEFT", kind)
        self.set_state(agent, interaction, InteractionState.PROPERTIES_CHANGED)

    def change_data(
        self, agent: Agent, interaction: Interaction, data: Data, removed: tuple[str, ...] = ()
    ) -> None:
        """Attach data, take some away."""
        merged = interaction.user_data | data
        interaction.user_data = {key: merged[key] for key in merged if key not in removed}
        self.set_state(agent, interaction, InteractionState.PROPERTIES_CHANGED)

    def reply(self, agent: Agent, interaction: Interaction, reply_id: str = "") -> Interaction:
        """Create the answer to an e-mail, an interaction of its own."""
        reply_id = reply_id or interaction_id(self._world.rng)
        answer = Interaction(
            id=reply_id,
            channel="email",
            state=InteractionState.REPLY_CREATED,
            subject=f"Re: {interaction.subject}",
            text="",
            from_address=interaction.to_address,
            to_address=interaction.from_address,
            queue="SimpleEmailOutQueue",
            started_at_ms=int(self._world.now() * 1000),
            thread_id=interaction.thread_id,
            session_id=reply_id,
            kind="Outbound",
            sub_kind="OutboundReply",
            parent_id=interaction.id,
        )
        agent.interactions[answer.id] = answer
        self.tell(agent, answer)
        return answer

    def _event(
        self, interaction: Interaction, message_type: str, kind: str | None, **extra: str
    ) -> None:
        event: Data = {
            "id": interaction.latest_event_id + 1,
            "messageType": message_type,
            "userId": f"{interaction.session_id}-{(kind or 'Agent').lower()}",
            "visibility": "All",
            **extra,
        }
        if kind is not None:
            event["userType"] = kind
        interaction.events.append(event)

    def _show(self, interaction: Interaction) -> None:
        """A chat message repeats earlier events, and not in the order of their ids."""
        shown = interaction.events[-CHAT_HISTORY:]
        if interaction.state is InteractionState.PROPERTIES_CHANGED:
            self._world.rng.shuffle(shown)
        interaction.shown_events = shown

    def operate(self, agent: Agent, interaction_id_: str, body: Data) -> Outcome:
        """POST on one interaction. 0 means accepted, not done."""
        interaction = agent.interactions.get(interaction_id_)
        if interaction is None:
            raise Refusal(NOT_FOUND, f"interaction {interaction_id_} was not found")
        name = body.get("operationName")
        operation = _OPERATIONS.get(name) if isinstance(name, str) else None
        if operation is None:
            raise Refusal(INVALID, f"operationName {name!r} is not a known operation")
        invited = interaction.state is InteractionState.INVITED
        if invited is not (name in {"Accept", "Reject"}):
            raise Refusal(INVALID, f"{name} is not possible while it is {interaction.state}")
        if name in _CHAT_ONLY and (interaction.channel != "chat" or interaction.session_ended):
            raise Refusal(INVALID, f"{name} needs a chat session")
        if name in {"Reply", "ReplyAll"}:
            if interaction.channel != "email":
                raise Refusal(INVALID, f"{name} needs an e-mail")
            answer = interaction_id(self._world.rng)
            return Outcome(
                extra={"replyInteractionId": answer},
                then=lambda: self.reply(agent, interaction, answer),
            )
        action = operation(self, agent, interaction, body)

        def apply() -> None:
            if interaction.is_open:
                action()

        return Outcome(then=apply)


Operation = Callable[[Media, Agent, Interaction, Data], Callable[[], object]]


def _to(state: InteractionState) -> Operation:
    return lambda media, agent, interaction, _body: (
        lambda: media.set_state(agent, interaction, state)
    )


def _typing(started: bool) -> Operation:  # noqa: FBT001 - read where it is used: _typing(True)
    return lambda media, agent, interaction, _body: (
        lambda: media.notice_typing(agent, interaction, started=started)
    )


def _accept(
    media: Media, agent: Agent, interaction: Interaction, body: Data
) -> Callable[[], object]:
    nickname = str(body.get("nickname", ""))
    return lambda: media.accept(agent, interaction, nickname)


def _say(media: Media, agent: Agent, interaction: Interaction, body: Data) -> Callable[[], object]:
    if interaction.channel == "email":
        return lambda: media.set_state(agent, interaction, InteractionState.SENT)
    text = body.get("text")
    if not isinstance(text, str):
        raise Refusal(MISSING, "text is missing")
    return lambda: media.say(agent, interaction, text, by_agent=True)


def _end(media: Media, agent: Agent, interaction: Interaction, _body: Data) -> Callable[[], object]:
    return lambda: media.leave(agent, interaction, "Agent")


def _attach(
    media: Media, agent: Agent, interaction: Interaction, body: Data
) -> Callable[[], object]:
    data = body.get("userData")
    if not isinstance(data, dict):
        raise Refusal(MISSING, "userData is missing")
    return lambda: media.change_data(agent, interaction, data)


def _delete(
    media: Media, agent: Agent, interaction: Interaction, body: Data
) -> Callable[[], object]:
    keys = body.get("keys")
    removed = tuple(keys) if isinstance(keys, list) else tuple(interaction.user_data)
    return lambda: media.change_data(agent, interaction, {}, removed)


_CHAT_ONLY = frozenset(
    {
        "SendMessage",
        "SendStartTypingNotification",
        "SendStopTypingNotification",
        "EndChatSession",
        "LeaveConference",
        "RequestChatHistory",
    }
)
_OPERATIONS: dict[str, Operation] = {
    "Accept": _accept,
    "Reject": _to(InteractionState.REVOKED),
    "Complete": _to(InteractionState.COMPLETED),
    "Cancel": _to(InteractionState.CANCELED),
    "PlaceInQueue": _to(InteractionState.QUEUED),
    "PlaceInWorkbin": _to(InteractionState.QUEUED),
    "SingleStepTransfer": _to(InteractionState.REVOKED),
    "Transfer": _to(InteractionState.REVOKED),
    "RequestChatHistory": _to(InteractionState.PROPERTIES_CHANGED),
    "Send": _say,
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
