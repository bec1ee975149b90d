"""E-mails and chats of the simulated contact centre ("Interactions API", "Interaction Notifications")."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from connectors._simulation.genesys_ids import interaction_id
from connectors.genesys_web_services._simulated import messages
from connectors.genesys_web_services._simulated.model import Agent, Interaction, InteractionState
from connectors.genesys_web_services._simulated.world import World

Data = dict[str, Any]
CHAT_HISTORY = 12
"""A chat message shows at most so many of the newest events."""


class Media:
    """Makes e-mails and chats live, by command or by chance."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.parked: dict[str, tuple[str, Interaction]] = {}
        """What lies in workbins: by the interaction's id, with the workbin's."""
        self.documents: dict[str, tuple[bytes, str]] = {}
        """Content and media type of attachments, by document id."""
        self.on_workbin: Callable[[str, Agent, Interaction, str], object] = lambda *_: None
        """Told what happened in a workbin: PlacedIn or TakenOut, by whom, to what, in which."""

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

    def create(self, agent: Agent, queue: str, kind: str, sub_kind: str) -> Interaction:
        """A new e-mail that the agent is going to write ("Interactions On E-mail Channel", Create)."""
        new_id = interaction_id(self._world.rng)
        draft = Interaction(
            id=new_id,
            channel="email",
            state=InteractionState.REPLY_CREATED,
            subject="",
            text="",
            from_address="support@example.com",
            to_address="",
            queue=queue,
            started_at_ms=int(self._world.now() * 1000),
            thread_id=interaction_id(self._world.rng),
            session_id=new_id,
            kind=kind,
            sub_kind=sub_kind,
            parent_id="",
        )
        agent.interactions[new_id] = draft
        self.tell(agent, draft)
        return draft

    def place(self, agent: Agent, interaction: Interaction, queue: str) -> None:
        """Put it into a queue; a workbin has one of its own."""
        interaction.queue = queue
        self.set_state(agent, interaction, InteractionState.QUEUED)

    def park(self, agent: Agent, interaction: Interaction, workbin: str) -> None:
        """Put it into a workbin."""
        self.parked[interaction.id] = (workbin, interaction)
        self.place(agent, interaction, f"{workbin}/PrivateQueue")
        self.on_workbin("PlacedIn", agent, interaction, workbin)

    def pull(self, agent: Agent, interaction: Interaction) -> None:
        """Take it out of its workbin."""
        workbin, parked = self.parked.pop(interaction.id, ("", None))
        if parked is not None:
            agent.interactions[interaction.id] = interaction
            self.set_state(agent, interaction, InteractionState.PULLED)
            self.on_workbin("TakenOut", agent, interaction, workbin)

    def give(self, agent: Agent, interaction: Interaction, other: Agent) -> None:
        """Pass it on: one agent loses it, another one is invited."""
        self.set_state(agent, interaction, InteractionState.REVOKED)
        offered = replace(interaction, state=InteractionState.INVITED)
        other.interactions[offered.id] = offered
        self.tell(other, offered)

    def join(self, agent: Agent, interaction: Interaction, other: Agent) -> None:
        """Another agent comes into the chat."""
        user = f"{interaction.session_id}-{other.id}"
        self._event(interaction, "PARTY_JOINED", "Agent", nickName=other.first_name, userId=user)
        self.set_state(agent, interaction, InteractionState.PROPERTIES_CHANGED)

    def show_history(self, agent: Agent, interaction: Interaction) -> None:
        """Tell all that was said."""
        interaction.state = InteractionState.PROPERTIES_CHANGED
        interaction.shown_events = list(interaction.events)
        self.tell(agent, interaction)

    def attach(
        self, agent: Agent, interaction: Interaction, name: str, content: bytes, kind: str
    ) -> str:
        """Attach a file ("Attachments API"); returns the id of the document."""
        document = interaction_id(self._world.rng)
        self.documents[document] = (content, kind)
        interaction.attachments.append(
            {"id": document, "name": name, "size": len(content), "mimeType": kind}
        )
        self.tell(agent, interaction)
        return document

    def detach(self, agent: Agent, interaction: Interaction, document: str) -> None:
        """Take an attachment away."""
        self.documents.pop(document, None)
        interaction.attachments = [
            each for each in interaction.attachments if each["id"] != document
        ]
        self.tell(agent, interaction)
