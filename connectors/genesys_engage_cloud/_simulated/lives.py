"""What agents and customers of the simulated Engage Cloud do by themselves.

Each step looks at what an agent has at the moment and does one plausible next thing, usually one message on the feed.
So commands and lives can work on the same agent without getting in each other's way.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from connectors._simulation.desk_lives import Action, DeskLives
from connectors.genesys_engage_cloud._simulated import messages
from connectors.genesys_engage_cloud._simulated.calls import Telephony
from connectors.genesys_engage_cloud._simulated.media import Media
from connectors.genesys_engage_cloud._simulated.model import (
    AFTER_CALL_WORK,
    LOGGED_OUT,
    NOT_READY,
    READY,
    Agent,
    AgentState,
    Call,
    CallState,
    Interaction,
    InteractionState,
    Recording,
)
from connectors.genesys_engage_cloud._simulated.pairs import key_values
from connectors.genesys_engage_cloud._simulated.world import World

MAX_INTERACTIONS = 5
PAUSES = (
    AgentState("NotReady", "AuxWork", "Lunch"),
    AgentState("NotReady", "AuxWork", "Training"),
    AgentState("NotReady", "WalkAway"),
    NOT_READY,
)


class Lives(DeskLives[Agent, Call]):
    """The steps of an agent's life."""

    def __init__(
        self,
        world: World,
        telephony: Telephony,
        media: Media,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(
            world.settings.events_per_second, world.rng, world.ledger, monotonic=monotonic
        )
        self._world = world
        self._telephony = telephony
        self._media = media

    def _wrap_up(self, agent: Agent) -> None:
        self._world.set_voice(agent, AFTER_CALL_WORK)

    def _come_in(self, agent: Agent) -> None:
        self._world.set_voice(agent, NOT_READY)

    def _idle_step(self, agent: Agent) -> None:
        rng, world = self._rng, self._world
        if agent.voice.state != "Ready":
            world.set_voice(agent, READY)
            return
        media = [each for each in agent.channels if each in world.settings.media]
        for channel in media:
            if agent.channels[channel] is LOGGED_OUT:
                world.set_channels(agent, [channel], READY)
                return
        pause = rng.choice(PAUSES)
        voice = 1 if "voice" in world.settings.media else 0
        options: list[tuple[int, Action]] = [
            (10, lambda: world.set_voice(agent, pause)),
            (40 * voice, lambda: self._telephony.incoming(agent)),
            (10 * voice, lambda: self._dial(agent)),
            (5 * voice, lambda: self._telephony.consulted(agent)),
        ]
        if media:
            room = len(agent.interactions) < MAX_INTERACTIONS
            options += [
                (30 if room else 0, lambda: self._media.invite(agent, rng.choice(media))),
                (8, lambda: self._toggle(agent, rng.choice(media))),
            ]
        if world.settings.logouts and not agent.interactions:
            options.append((2, lambda: world.set_voice(agent, LOGGED_OUT)))
        self._pick(*options)

    def _dial(self, agent: Agent) -> None:
        self._telephony.dial(agent, self._customer_number(), commanded=False)

    def _toggle(self, agent: Agent, channel: str) -> None:
        ready = agent.channels[channel].state == "Ready"
        self._world.set_channels(agent, [channel], self._rng.choice(PAUSES) if ready else READY)

    def _call_step(self, agent: Agent, call: Call) -> None:
        telephony = self._telephony

        def to(state: CallState) -> Action:
            return lambda: telephony.set_state(agent, call, state)

        def note(key: str) -> Action:
            data = {key: str(self._rng.randrange(100))}
            return lambda: telephony.change_data(agent, call, data)

        if call.state is CallState.RELEASED:
            to(CallState.COMPLETED)()
        elif call.state is CallState.RINGING:
            self._pick((85, to(CallState.ESTABLISHED)), (15, to(CallState.RELEASED)))
        elif call.state is CallState.DIALING:
            self._pick(
                (60, to(CallState.ESTABLISHED)), (20, to(CallState.RELEASED)), (20, note("Attempt"))
            )
        elif call.state is CallState.HELD:
            self._pick((80, to(CallState.ESTABLISHED)), (20, note("Note")))
        else:
            self._pick(
                (15, to(CallState.HELD)),
                (15, note("Disposition")),
                (20, lambda: self._record(agent, call)),
                (8, lambda: self._change_parties(agent, call)),
                (2, lambda: self._user_event(agent, call)),
                (
                    60 if call.call_type == "Consult" and call.parent is None else 0,
                    lambda: telephony.inherit(agent, call),
                ),
                (30, to(CallState.RELEASED)),
            )

    def _record(self, agent: Agent, call: Call) -> None:
        following = self._next_recording(
            call.recording, Recording.RECORDING, Recording.PAUSED, Recording.STOPPED
        )
        self._telephony.record(agent, call, following)

    def _change_parties(self, agent: Agent, call: Call) -> None:
        customer, *guests = call.parties
        new = [] if guests else [(self._colleague_number(), "RoleNewParty")]
        self._telephony.change_parties(agent, call, [customer, *new])

    def _user_event(self, agent: Agent, call: Call) -> None:
        data = {
            "messageType": "EventUserEvent",
            "userData": key_values({"CampaignName": "Winter"}),
            "callUuid": call.uuid,
        }
        self._world.publish(agent, messages.VOICE, data)

    def _media_step(self, agent: Agent, now: float) -> None:
        free = [one for one in agent.interactions.values() if not one.commanded]
        if not free or now < agent.left_alone_until:
            return
        interaction = self._rng.choice(free)
        media = self._media

        def to(state: InteractionState) -> Action:
            return lambda: media.set_state(agent, interaction, state)

        if interaction.state is InteractionState.INVITED:
            self._pick(
                (80, lambda: media.accept(agent, interaction)), (20, to(InteractionState.COMPLETED))
            )
        elif interaction.state is InteractionState.COMPOSING:
            self._pick((80, to(InteractionState.SENT)), (20, to(InteractionState.CANCELED)))
        elif interaction.media == "chat":
            self._chat_step(agent, interaction)
        else:
            category = {"Category": f"c{self._rng.randrange(20)}"}
            answers = interaction.media == "email" and len(agent.interactions) < MAX_INTERACTIONS
            self._pick(
                (30, lambda: media.change_data(agent, interaction, category)),
                (25 if answers else 0, lambda: self._reply(agent, interaction)),
                (15, to(InteractionState.IN_WORKBIN)),
                (30, to(InteractionState.COMPLETED)),
            )

    def _reply(self, agent: Agent, interaction: Interaction) -> None:
        self._media.compose(
            agent, {}, parent=interaction, sub_kind="OutboundReply", commanded=False
        )

    def _chat_step(self, agent: Agent, interaction: Interaction) -> None:
        media = self._media
        if not any(party["type"] == "Customer" for party in interaction.parties):
            media.set_state(agent, interaction, InteractionState.COMPLETED)
            return
        text = f"Message {len(interaction.messages)}"

        def log(kind: str, sender: str, **extra: str) -> Action:
            return lambda: media.log(agent, interaction, kind, sender, **extra)

        self._pick(
            (10, log("TypingStarted", "Customer")),
            (10, log("TypingStopped", "Customer")),
            (25, log("Text", "Agent", text=text)),
            (30, log("Text", "Customer", text=text)),
            (15, lambda: media.leave(agent, interaction, "Customer")),
            (10, lambda: media.set_state(agent, interaction, InteractionState.COMPLETED)),
        )
