"""The simulated contact centre as a whole: who is in it, what is published, and the agents' own states."""

from __future__ import annotations

import time
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import msgspec

from connectors._simulation.agenda import Agenda
from connectors._simulation.bayeux_server import BayeuxServer
from connectors._simulation.genesys_ids import uuid
from connectors._simulation.ledger import Ledger
from connectors.genesys_web_services._simulated import messages
from connectors.genesys_web_services._simulated.model import (
    AGENT_STATES,
    LOGGED_OUT,
    NOT_READY,
    Agent,
    Style,
    UserState,
)
from connectors.genesys_web_services._simulated.settings import SimulatorSettings

Data = dict[str, Any]

OK, MISSING, INVALID, FORBIDDEN, INTERNAL, NOT_PERMITTED, NOT_FOUND, PARTIAL = range(8)
ACCESS_DENIED = 20


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer to a request, and what happens once it was given ("Return Values, All Methods")."""

    status_code: int = OK
    status_message: str | None = None
    extra: Data = field(default_factory=dict)
    then: Callable[[], object] | None = None

    def body(self) -> Data:
        """The JSON reply."""
        body: Data = {"statusCode": self.status_code}
        if self.status_message is not None:
            body["statusMessage"] = self.status_message
        return body | self.extra


class Refusal(Exception):
    """An operation is refused at once."""

    def __init__(self, status_code: int, message: str) -> None:
        super().__init__(message)
        self.outcome = Outcome(status_code, message)


class World:
    """Agents, and the one way by which anything reaches their feeds."""

    def __init__(
        self,
        settings: SimulatorSettings,
        rng: Random,
        ledger: Ledger,
        bayeux: BayeuxServer,
        agenda: Agenda,
    ) -> None:
        self.settings = settings
        self.rng = rng
        self.ledger = ledger
        self.bayeux = bayeux
        self.agenda = agenda
        self.base = "http://127.0.0.1/api/v2"
        """The root of every URI the server hands out."""
        self.cause: str | None = None
        """The reference of the command that is taking effect, if it is to be echoed."""
        self._encoder = msgspec.json.Encoder()
        environment = uuid(rng)
        self.agents = {
            agent.username: agent
            for agent in (self._recruit(index, environment) for index in range(settings.agents))
        }

    def _recruit(self, index: int, environment: str) -> Agent:
        rng = self.rng
        return Agent(
            username=self.settings.username(index),
            password=self.settings.password,
            id=uuid(rng).replace("-", ""),
            first_name=f"Agent {index + 1}",
            phone_number=str(50_001 + index),
            device_id=uuid(rng),
            voice_environment_id=environment,
            style=Style.REFERENCE if index % 2 == 0 else Style.RECENT,
        )

    @staticmethod
    def now() -> float:
        """Wall time in epoch seconds."""
        return time.time()

    def publish(self, agent: Agent, topic: str, data: Data, *, bare: bool = False) -> int:
        """Publish on the agent's topic and return the message's number; `bare` leaves the id out of the message."""
        number = self.ledger.record(
            agent=agent.username,
            topic=topic,
            message_type=str(data.get("messageType", "")),
            at_ms=int(time.time() * 1000),
        )
        if not bare:
            data["referenceId"] = self.cause or f"sim-{number}"
        frame = self._encoder.encode({"data": data, "channel": topic})
        self.bayeux.publish(agent.username, topic, frame, number)
        return number

    def is_supervisor(self, agent: Agent) -> bool:
        """Whether the account has a supervisor's rights."""
        return list(self.agents).index(agent.username) < self.settings.supervisors

    def may_subscribe(self, username: str, topic: str) -> bool:
        """Whether the account may listen to a topic ("Asynchronous Telephony Operations Notifications", /users)."""
        if topic in self.settings.refused_topics:
            return False
        return topic != messages.USERS or self.is_supervisor(self.agents[username])

    def leave_alone(self, agent: Agent) -> None:
        """A command came: the agent's life does not interfere for a while."""
        agent.left_alone_until = time.monotonic() + self.settings.command_grace_seconds

    def set_voice(self, agent: Agent, state: UserState) -> None:
        """Change the state on the agent's device."""
        agent.voice = state
        self.publish_device(agent)

    def publish_device(self, agent: Agent) -> None:
        """Tell the state of the agent's device."""
        self.publish(agent, messages.DEVICES, messages.device_message(agent, self.base))

    def set_channel(self, agent: Agent, channel: str, state: UserState) -> None:
        """Change the state on one channel; voice is the device."""
        if channel == "voice":
            self.set_voice(agent, state)
            return
        agent.channels[channel] = state
        self.publish_channel(agent, channel)

    def publish_channel(self, agent: Agent, channel: str) -> None:
        """Tell the state of one channel; voice is the device."""
        if channel == "voice":
            self.publish_device(agent)
        else:
            self.publish(agent, messages.CHANNELS, messages.channel_message(agent, channel))

    def operate_on_channels(self, agent: Agent, channels: list[str], body: Data) -> Outcome:
        """Carry out an agent-state operation ("Set Agent States", "Device and Channel Management")."""
        name = body.get("operationName")
        if name in self.do_not_disturb_names():
            return Outcome(then=lambda: self._suspend(agent, channels, on=str(name).endswith("On")))
        if name in {"ForwardCallsOn", "ForwardCallsOff"} and channels == ["voice"]:
            target = self.destination(body) if name == "ForwardCallsOn" else None
            return Outcome(then=lambda: self._forward(agent, target))
        definition = AGENT_STATES.get(name) if isinstance(name, str) else None
        if definition is None:
            raise Refusal(INVALID, f"operationName {name!r} is not a known operation")
        reason = body.get("reason", body.get("reasonCode"))
        state = replace(definition, reason=reason) if isinstance(reason, str) else definition
        if len(channels) > 1:
            channels = [each for each in channels if self.state_of(agent, each) is not LOGGED_OUT]
        if not channels or any(self._is_out(agent, channel) for channel in channels):
            raise Refusal(INVALID, f"{name} needs a contact center session on the channel")

        def apply() -> None:
            for channel in channels:
                self.set_channel(agent, channel, state)

        return Outcome(then=apply)

    def do_not_disturb_names(self) -> frozenset[str]:
        """The two operations as this server calls them."""
        word = "DoNotDisturb" if self.settings.spelling == "documented" else "DND"
        return frozenset({f"{word}On", f"{word}Off"})

    def destination(self, body: Data) -> str:
        """The number in `destination`, written plain or as an object ("Call Control" shows both)."""
        value, form = body.get("destination"), self.settings.destinations
        if form == ("text" if isinstance(value, dict) else "object"):
            raise Refusal(INVALID, f"destination must be {form}")
        if isinstance(value, dict):
            value = value.get("phoneNumber")
        if not isinstance(value, str) or not value:
            raise Refusal(MISSING, "destination is missing")
        return value

    @staticmethod
    def state_of(agent: Agent, channel: str) -> UserState:
        """The state on a channel."""
        return agent.voice if channel == "voice" else agent.channels[channel]

    def _is_out(self, agent: Agent, channel: str) -> bool:
        return self.state_of(agent, channel).state == "LoggedOut"

    def _suspend(self, agent: Agent, channels: list[str], *, on: bool) -> None:
        for channel in channels:
            if channel == "voice":
                agent.do_not_disturb = on
            elif on:
                agent.suspended_channels.add(channel)
            else:
                agent.suspended_channels.discard(channel)
            self.publish_channel(agent, channel)

    def _forward(self, agent: Agent, target: str | None) -> None:
        agent.forward_to = target
        self.publish_device(agent)

    def start_session(self, agent: Agent, channels: list[str]) -> Outcome:
        """StartContactCenterSession ("Presence"); what cannot start makes it a partial success, by channel."""
        known = {"voice", *agent.channels} - set(self.settings.unavailable_channels)
        started = [channel for channel in channels if channel in known]
        failed = [channel for channel in channels if channel not in known]

        def apply() -> None:
            for channel in started:
                if self._is_out(agent, channel):
                    self.set_channel(agent, channel, NOT_READY)
                else:
                    self.publish_channel(agent, channel)

        if not failed:
            return Outcome(then=apply)
        reason = "The channel is not available"
        if not started:
            return Outcome(INTERNAL, reason)
        extra = {
            "failed": [
                {"statusCode": INTERNAL, "statusMessage": reason, "channel": channel}
                for channel in failed
            ],
            "succeeded": [{"statusCode": OK, "channel": channel} for channel in started],
        }
        return Outcome(PARTIAL, extra=extra, then=apply)

    def change_password(self, agent: Agent, body: Data) -> Outcome:
        """ChangePassword ("Change Password"): the passwords come in base64, the result comes on /v2/me."""
        try:
            old, new = (b64decode(body[key]).decode() for key in ("oldPassword", "newPassword"))
        except KeyError as error:
            raise Refusal(MISSING, f"{error.args[0]} is missing") from None
        except (TypeError, ValueError):
            raise Refusal(INVALID, "a password is not base64") from None

        def apply() -> None:
            if old != agent.password:
                result = messages.password_message("Did not enter old password correctly", 2)
            elif not new:
                result = messages.password_message("Password does not meet security guidelines", 1)
            else:
                agent.password = new
                result = messages.password_message()
            self.publish(agent, messages.ME, result)
            self._tell_supervisors(agent, result)

        return Outcome(then=apply)

    def _tell_supervisors(self, agent: Agent, result: Data) -> None:
        """Supervisors who listen hear of every user's password."""
        listening = {
            session.owner for session in self.bayeux.sessions if session.listens_to(messages.USERS)
        }
        for username in sorted(listening):
            told = result | {"userId": agent.id, "userUri": f"{self.base}/users/{agent.id}"}
            self.publish(self.agents[username], messages.USERS, told)

    def log_out(self, agent: Agent) -> None:
        """Take the agent off every channel."""
        for channel in ("voice", *agent.channels):
            if not self._is_out(agent, channel):
                self.set_channel(agent, channel, LOGGED_OUT)
