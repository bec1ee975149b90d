"""What agents and customers do by themselves, at a given number of messages a second over all of them.

There is no script: each step looks at what an agent has at the moment and does one plausible next thing, which is one
message on the feed. So commands and lives can work on the same agent without getting in each other's way.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from connectors._simulation.desk_lives import Action, DeskLives
from connectors.genesys_web_services._simulated.calls import Telephony
from connectors.genesys_web_services._simulated.interactions import Media
from connectors.genesys_web_services._simulated.model import (
    AFTER_CALL_WORK,
    AGENT_STATES,
    LOGGED_OUT,
    NOT_READY,
    READY,
    Agent,
    Call,
    CallState,
    Interaction,
    InteractionState,
    Recording,
)
from connectors.genesys_web_services._simulated.world import World

MAX_INTERACTIONS = 5


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
                world.set_channel(agent, channel, READY)
                return
        pause = AGENT_STATES[rng.choice(("NotReady", "AuxWork", "OutToLunch", "Coaching"))]
        voice = 1 if "voice" in world.settings.media else 0
        options: list[tuple[int, Action]] = [
            (10, lambda: world.set_voice(agent, pause)),
            (40 * voice, lambda: self._telephony.incoming(agent)),
            (10 * voice, lambda: self._dial(agent)),
        ]
        if media:
            options += [
                (30, lambda: self._media.invite(agent, rng.choice(media))),
                (8, lambda: self._toggle(agent, rng.choice(media))),
            ]
        if world.settings.logouts and not agent.interactions:
            options.append((2, lambda: world.set_voice(agent, LOGGED_OUT)))
        self._pick(*options)

    def _dial(self, agent: Agent) -> None:
        self._telephony.dial(agent, self._customer_number(), commanded=False)

    def _toggle(self, agent: Agent, channel: str) -> None:
        was_ready = agent.channels[channel].state == "Ready"
        self._world.set_channel(agent, channel, AGENT_STATES["OutToLunch"] if was_ready else READY)

    def _call_step(self, agent: Agent, call: Call) -> None:
        telephony = self._telephony
        if consultation := call.consulted_by(agent.calls.values()):
            self._consultation_step(agent, call, consultation)
            return

        def to(state: CallState) -> Action:
            return lambda: telephony.set_state(agent, call, state)

        def note(key: str) -> Action:
            data = {key: str(self._rng.randrange(100))}
            return lambda: telephony.change_data(agent, call, data)

        if call.state is CallState.RINGING:
            self._pick((85, to(CallState.ESTABLISHED)), (15, to(CallState.RELEASED)))
        elif call.state is CallState.DIALING:
            self._pick(
                (60, to(CallState.ESTABLISHED)), (20, to(CallState.RELEASED)), (20, note("Attempt"))
            )
        elif call.state is CallState.HELD:
            self._pick(
                (65, to(CallState.ESTABLISHED)),
                (20, note("Note")),
                (15, lambda: self._consult(agent, call)),
            )
        else:
            self._pick(
                (15, to(CallState.HELD)),
                (15, note("Disposition")),
                (10, lambda: telephony.send_dtmf(agent, call)),
                (20, lambda: self._record(agent, call)),
                (8, lambda: self._change_parties(agent, call)),
                (4, lambda: telephony.mute(agent, call, muted=not call.muted)),
                (28, to(CallState.RELEASED)),
            )

    def _consult(self, agent: Agent, call: Call) -> None:
        self._telephony.dial(agent, self._colleague_number(), parent=call, commanded=False)

    def _consultation_step(self, agent: Agent, call: Call, consultation: Call) -> None:
        """Two or three messages at once where the consultation leads to a transfer or a conference."""
        telephony = self._telephony

        def give_up() -> None:
            telephony.set_state(agent, consultation, CallState.RELEASED)

        if consultation.state is CallState.DIALING:
            answer = CallState.ESTABLISHED
            self._pick(
                (70, lambda: telephony.set_state(agent, consultation, answer)), (30, give_up)
            )
        else:
            self._pick(
                (55, lambda: telephony.complete_transfer(agent, call, consultation)),
                (25, lambda: telephony.join(agent, call, consultation)),
                (20, give_up),
            )

    def _record(self, agent: Agent, call: Call) -> None:
        following = self._next_recording(
            call.recording, Recording.RECORDING, Recording.PAUSED, Recording.STOPPED
        )
        self._telephony.record(agent, call, following)

    def _change_parties(self, agent: Agent, call: Call) -> None:
        customer, *guests = call.participants
        new = [] if guests else [self._colleague_number()]
        self._telephony.change_parties(agent, call, [customer, *new])

    def _media_step(self, agent: Agent, now: float) -> None:
        if not agent.interactions or now < agent.left_alone_until:
            return
        interaction = self._rng.choice(list(agent.interactions.values()))
        media = self._media

        def to(state: InteractionState) -> Action:
            return lambda: media.set_state(agent, interaction, state)

        if interaction.state is InteractionState.INVITED:
            self._pick(
                (80, lambda: media.accept(agent, interaction)), (20, to(InteractionState.REVOKED))
            )
        elif interaction.channel == "chat":
            self._chat_step(agent, interaction)
        elif interaction.parent_id is not None:
            self._pick((80, to(InteractionState.SENT)), (20, to(InteractionState.CANCELED)))
        else:
            category = {"Category": f"c{self._rng.randrange(20)}"}
            room = len(agent.interactions) < MAX_INTERACTIONS
            self._pick(
                (30, lambda: media.change_data(agent, interaction, category)),
                (25 if room else 0, lambda: media.reply(agent, interaction)),
                (15, to(InteractionState.QUEUED)),
                (30, to(InteractionState.COMPLETED)),
            )

    def _chat_step(self, agent: Agent, interaction: Interaction) -> None:
        media = self._media
        if interaction.session_ended:
            media.set_state(agent, interaction, InteractionState.COMPLETED)
            return
        text = f"Message {len(interaction.events)}"
        self._pick(
            (10, lambda: media.notice_typing(agent, interaction, started=True)),
            (10, lambda: media.notice_typing(agent, interaction, started=False)),
            (25, lambda: media.say(agent, interaction, text, by_agent=True)),
            (30, lambda: media.say(agent, interaction, text, by_agent=False)),
            (15, lambda: media.leave(agent, interaction)),
            (10, lambda: media.set_state(agent, interaction, InteractionState.COMPLETED)),
        )
