"""Chats, e-mails and work items of the simulated contact centre: their life, and what the agent hears of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from connectors._simulation.genesys_ids import interaction_id
from connectors.genesys_engage_cloud._simulated import media_messages, messages
from connectors.genesys_engage_cloud._simulated.model import (
    Agent,
    Interaction,
    InteractionState,
    Pairs,
)
from connectors.genesys_engage_cloud._simulated.world import (
    World,
)

Data = dict[str, Any]
Action = Callable[[], object]
STATUS, PROPERTIES = "StatusChange", "PropertiesUpdated"
MAX_LOG = 50
"""A chat's log keeps so many of its newest messages."""
MAX_WORKBIN = 20
"""A workbin keeps so many of its newest interactions."""


class Media:
    """Makes interactions live, by command or by chance."""

    def __init__(self, world: World) -> None:
        self.world = world

    def tell(self, agent: Agent, interaction: Interaction, notification: str = STATUS) -> None:
        """Publish the interaction as it is."""
        data = media_messages.interaction_message(interaction, notification)
        self.world.publish(agent, f"{messages.MEDIA}/{interaction.media}", data)

    def invite(self, agent: Agent, media: str, *, commanded: bool = False) -> Interaction:
        """Offer a chat, an e-mail or a work item."""
        rng = self.world.rng
        customer = f"customer{rng.randrange(10_000)}@example.com"
        subject = rng.choice(("Order", "Invoice", "Delivery")) + f" {rng.randrange(1000)}"
        interaction = Interaction(
            id=interaction_id(rng),
            media=media,
            state=InteractionState.INVITED,
            subject=subject,
            customer=customer,
            queue=f"{media}-routing-queue-inbound",
            received_at_ms=int(self.world.now() * 1000),
            body="Where is it?" if media == "email" else "",
            user_data={"Subject": subject, "EmailAddress": customer, "ServiceObjective": 0},
            commanded=commanded,
        )
        if media == "outboundpreview":
            interaction.kind, interaction.sub_kind = "Internal", "OutboundNew"
            interaction.user_data |= {"GSW_CAMPAIGN_NAME": "Winter", "GSW_RECORD_HANDLE": 17}
        agent.interactions[interaction.id] = interaction
        self.tell(agent, interaction)
        return interaction

    def set_state(self, agent: Agent, interaction: Interaction, state: InteractionState) -> None:
        """Change the state; what the agent no longer has is forgotten, or lies in the workbin."""
        interaction.state = state
        if not interaction.is_open:
            agent.interactions.pop(interaction.id, None)
        self.tell(agent, interaction)
        if state is InteractionState.IN_WORKBIN:
            agent.workbin[interaction.id] = interaction
            if len(agent.workbin) > MAX_WORKBIN:
                del agent.workbin[next(iter(agent.workbin))]
            self._tell_workbin(agent, interaction, "PlaceInWorkbin", "Add")

    def _tell_workbin(
        self, agent: Agent, interaction: Interaction, operation: str, change: str
    ) -> None:
        if not agent.watches_workbin:
            return
        extra = {
            "interaction": media_messages.interaction_resource(interaction),
            "operation": operation,
            "workbin": {"id": workbin_id(agent), "owner": agent.username},
            "workbinContentOperation": change,
        }
        data = media_messages.workbins_message(agent, "EventWorkbinContentChanged", extra)
        self.world.publish(agent, messages.WORKBINS, data)

    def accept(self, agent: Agent, interaction: Interaction, nickname: str = "") -> None:
        """The agent takes it; both parties enter a chat."""
        if interaction.media == "chat":
            self.enter(interaction, "Customer", "Customer")
            self.enter(interaction, "Agent", nickname or agent.first_name)
        self.set_state(agent, interaction, InteractionState.PROCESSING)
        if interaction.media == "chat":
            for party in interaction.parties:
                self.log(agent, interaction, "ParticipantJoined", party["type"])

    @staticmethod
    def enter(interaction: Interaction, kind: str, nickname: str) -> None:
        """A party comes into the chat; `log` tells it."""
        interaction.parties.append(
            {
                "id": f"{interaction.id}-{kind.lower()}",
                "type": kind,
                "nickname": nickname,
                "visibility": "All",
                "personId": "",
                "capabilities": [],
            }
        )

    def log(
        self, agent: Agent, interaction: Interaction, kind: str, sender: str, **extra: object
    ) -> None:
        """Somebody writes, joins, leaves or types in the chat."""
        now = self.world.now()
        party = next((one for one in interaction.parties if one["type"] == sender), {})
        last = interaction.messages[-1]["index"] if interaction.messages else 0
        entry = {
            "type": kind,
            "index": last + 1,
            "from": {
                "participantId": party.get("id", ""),
                "type": sender,
                "nickname": party.get("nickname", ""),
                "visibility": "All",
            },
            "visibility": "All",
            "timestamp": int(now * 1000),
            "timestampSeconds": int(now),
            "userData": [],
            **extra,
        }
        interaction.messages = [*interaction.messages, entry][-MAX_LOG:]
        data = media_messages.log_message(agent, interaction, [entry])
        self.world.publish(agent, f"{messages.MEDIA}/chat", data)

    def leave(self, agent: Agent, interaction: Interaction, sender: str) -> None:
        """A party leaves the chat."""
        self.log(agent, interaction, "ParticipantLeft", sender)
        interaction.parties = [one for one in interaction.parties if one["type"] != sender]

    def change_data(
        self, agent: Agent, interaction: Interaction, data: Pairs, removed: tuple[str, ...] = ()
    ) -> None:
        """Attach data, take some away."""
        merged = (interaction.user_data | data).items()
        interaction.user_data = {key: value for key, value in merged if key not in removed}
        self.tell(agent, interaction, PROPERTIES)

    def compose(
        self,
        agent: Agent,
        data: Data,
        *,
        parent: Interaction | None = None,
        sub_kind: str = "OutboundNew",
        commanded: bool = True,
    ) -> Interaction:
        """Begin an outgoing e-mail: new, a reply, or a forward."""
        recipients = data.get("to")
        first = recipients[0] if isinstance(recipients, list) and recipients else recipients
        customer = str(first or (parent.customer if parent else "nobody@example.com"))
        subject = str(data.get("subject") or (f"Re: {parent.subject}" if parent else ""))
        draft = Interaction(
            id=interaction_id(self.world.rng),
            media="email",
            state=InteractionState.COMPOSING,
            subject=subject,
            customer=customer,
            queue=str(data.get("queue", "email-outbound")),
            received_at_ms=int(self.world.now() * 1000),
            kind="Outbound",
            sub_kind=sub_kind,
            parent_id=parent.id if parent else None,
            body=str(data.get("body", "")),
            commanded=commanded,
        )
        agent.interactions[draft.id] = draft
        self.tell(agent, draft)
        return draft

    def pull(self, agent: Agent, interaction: Interaction) -> None:
        """Take something out of the workbin."""
        agent.workbin.pop(interaction.id, None)
        agent.interactions[interaction.id] = interaction
        self._tell_workbin(agent, interaction, "Pull", "Remove")
        self.set_state(agent, interaction, InteractionState.PROCESSING)


def workbin_id(agent: Agent) -> str:
    """The id of the agent's own workbin."""
    return f"wb-{agent.login}"
