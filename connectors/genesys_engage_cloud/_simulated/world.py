"""The simulated contact centre as a whole: who is in it, what is published, and the agents' own states."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

import msgspec

from connectors._simulation.agenda import Agenda
from connectors._simulation.bayeux_server import BayeuxServer
from connectors._simulation.ledger import Ledger
from connectors.genesys_engage_cloud._simulated import messages
from connectors.genesys_engage_cloud._simulated.model import (
    LOGGED_OUT,
    NOT_READY,
    READY,
    WORK_MODES,
    Agent,
    AgentState,
    Style,
)
from connectors.genesys_engage_cloud._simulated.settings import SimulatorSettings

Data = dict[str, Any]
OK, ACCEPTED, PARTIAL = 0, 1, 2
BAD_REQUEST, UNAUTHORIZED, FORBIDDEN, NOT_FOUND = 400, 401, 403, 404
FAILED, NOT_IMPLEMENTED, UNAVAILABLE = 500, 501, 503
SERVICES = ("VOICE", "IXN", "UCS", "STATS")


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer to a request, and what happens once it was given ("Responses and errors")."""

    code: int = ACCEPTED
    data: object = None
    then: Callable[[], object] | None = None
    extra: Data = field(default_factory=dict)

    def body(self, operation_id: object = None) -> Data:
        """The JSON reply."""
        body: Data = {"status": {"code": self.code}}
        if self.data is not None:
            body["data"] = self.data
        if operation_id is not None:
            body["operationId"] = operation_id
        return body | self.extra


class Refusal(Exception):
    """A request is refused at once. `code` stands in the body; the HTTP status is the same unless given."""

    def __init__(self, code: int, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.status = status or code

    def body(self) -> Data:
        """The JSON reply."""
        return {"status": {"code": self.code, "message": str(self)}}


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
        self.down: set[str] = set()
        """Services that are unavailable."""
        self._operation_id: object = None
        self._encoder = msgspec.json.Encoder()
        self.agents = {
            agent.username: agent for agent in (self._recruit(i) for i in range(settings.agents))
        }

    def _recruit(self, index: int) -> Agent:
        return Agent(
            username=self.settings.username(index),
            password=self.settings.password,
            dbid=101 + index,
            employee_id=f"e{index + 1:04d}",
            login=str(80_001 + index),
            place=f"SIP_Server_Place{index + 1}",
            number=str(70_001 + index),
            first_name=f"Agent {index + 1}",
            style=Style.CLIENT if index % 2 == 0 else Style.VENDOR_SIMULATOR,
        )

    @staticmethod
    def now() -> float:
        """Wall time in epoch seconds."""
        return time.time()

    def publish(self, agent: Agent, topic: str, data: Data, *, bare: bool = False) -> int:
        """Publish on the agent's channel and return the message's number; `bare` leaves the id out of the message."""
        if self._operation_id is not None:
            data.setdefault("operationId", self._operation_id)
        return self.send(self.bayeux, agent.username, topic, data, bare=bare)

    def send(
        self,
        feed: BayeuxServer,
        owner: str,
        topic: str,
        data: Data,
        *,
        bare: bool = False,
        context: object = None,
    ) -> int:
        """Publish for any owner on any of the platform's feeds; the id is `referenceId` in the outer data.

        With a `context`, only for the sessions that were made on that HTTP session.
        """
        kind = data.get("messageType", data.get("channel", topic.rpartition("/")[2]))
        number = self.ledger.record(
            agent=owner, topic=topic, message_type=str(kind), at_ms=int(time.time() * 1000)
        )
        if not bare:
            data["referenceId"] = f"sim-{number}"
        frame = self._encoder.encode({"channel": topic, "data": data})
        feed.publish(owner, topic, frame, number, context=context)
        return number

    @contextmanager
    def caused_by(self, operation_id: object) -> Iterator[None]:
        """What is published meanwhile echoes the operationId of the request behind it."""
        self._operation_id = operation_id
        try:
            yield
        finally:
            self._operation_id = None

    def carry_out(self, agent: Agent, outcome: Outcome, operation_id: object) -> None:
        """Let the effect of a request come a little later than its answer, or a little earlier."""
        self.leave_alone(agent)
        action = outcome.then
        if action is None:
            return

        def apply() -> None:
            with self.caused_by(operation_id):
                action()

        if self.rng.randrange(EARLY_IN):
            delay = self.rng.uniform(0, self.settings.command_delay_ms / 1000)
            self.agenda.after(delay, apply)
        else:
            apply()

    def leave_alone(self, agent: Agent) -> None:
        """A command came: the agent's life does not interfere for a while."""
        agent.left_alone_until = time.monotonic() + self.settings.command_grace_seconds

    def require(self, service: str) -> None:
        """Refuse while a service is down."""
        if service in self.down:
            raise Refusal(UNAVAILABLE, f"service {service} is unavailable")

    def set_service(self, name: str, *, available: bool) -> None:
        """A service goes or comes: every agent is told on the service's channel."""
        changed = (name in self.down) is available
        (self.down.discard if available else self.down.add)(name)
        if not changed:
            return
        topic = messages.SERVICE_CHANNELS[name]
        for username in sorted(self.bayeux.owners):
            message = messages.service_message(name, available=available)
            self.publish(self.agents[username], topic, message)

    def set_voice(self, agent: Agent, state: AgentState) -> None:
        """Change the state on the agent's DN."""
        agent.voice = state
        self.publish_dn(agent)

    def publish_dn(self, agent: Agent) -> None:
        """Tell the state of the agent's DN."""
        self.publish(agent, messages.VOICE, messages.dn_message(agent, self.now()))

    def set_channels(self, agent: Agent, names: list[str], state: AgentState) -> None:
        """Change the state on media channels; each is told by itself."""
        for name in names:
            agent.channels[name] = state
            self.publish_channels(agent, [name])

    def publish_channels(self, agent: Agent, names: list[str]) -> None:
        """Tell the state of media channels, in one message."""
        if names:
            self.publish(agent, messages.MEDIA, messages.channels_message(agent, names, self.now()))

    def activate(self, agent: Agent, body: Data) -> Outcome:
        """POST /activate-channels: done at once, told by messages: the DN first, the media after it."""
        wanted = body.get("agentId")
        if wanted not in {agent.login, agent.employee_id}:
            raise Refusal(FAILED, f"agentId {wanted!r} is not a login of the user")
        if body.get("dn", agent.number) != agent.number:
            raise Refusal(FAILED, "the DN is not available")
        if body.get("placeName", agent.place) != agent.place:
            raise Refusal(FAILED, "the place is not available")
        mode = body.get("agentWorkMode", "ManualIn")
        channels = body.get("channels", ["voice", *agent.channels])
        media = [name for name in agent.channels if name in channels]

        def apply() -> None:
            if "voice" in channels:
                if agent.logged_in:
                    self.publish_dn(agent)
                else:
                    self.set_voice(agent, READY if mode == "AutoIn" else NOT_READY)
            for name in media:
                if agent.channels[name] is LOGGED_OUT:
                    agent.channels[name] = NOT_READY
            self.publish_channels(agent, media)

        return Outcome(OK, then=apply)

    def operate_on_voice(self, agent: Agent, name: str, data: Data, body: Data) -> Outcome:
        """POST /voice/{ready, not-ready, login, logout, dnd-on, dnd-off, set-forward, cancel-forward}."""
        if name in {"login", "activate"}:
            return Outcome(then=lambda: self.set_voice(agent, NOT_READY))
        if not agent.logged_in:
            raise Refusal(FAILED, "the voice channel is not activated")
        if name in {"ready", "not-ready"}:
            state = _state(name, data, body)
            return Outcome(then=lambda: self.set_voice(agent, state))
        if name in {"dnd-on", "dnd-off"}:
            return Outcome(then=lambda: self._suspend(agent, on=name == "dnd-on"))
        if name in {"set-forward", "cancel-forward"}:
            target = text(data, "forwardTo") if name == "set-forward" else None
            return Outcome(then=lambda: self._forward(agent, target))
        if name in {"logout", "deactivate"}:
            return Outcome(then=lambda: self.set_voice(agent, LOGGED_OUT))
        raise Refusal(NOT_IMPLEMENTED, f"voice/{name} is not implemented")

    def _suspend(self, agent: Agent, *, on: bool) -> None:
        agent.do_not_disturb = on
        self.publish_dn(agent)

    def _forward(self, agent: Agent, target: str | None) -> None:
        agent.forward_to = target
        self.publish_dn(agent)

    def operate_on_media(
        self, agent: Agent, names: list[str], operation: str, body: Data
    ) -> Outcome:
        """POST /media/{operation} for all channels, /media/{type}/{operation} for one."""
        if operation in {"activate", "deactivate"}:
            state = NOT_READY if operation == "activate" else LOGGED_OUT
            return Outcome(then=lambda: self.set_channels(agent, names, state))
        active = [name for name in names if agent.channels[name] is not LOGGED_OUT]
        if not active:
            raise Refusal(FAILED, "the media channel is not activated")
        if operation in {"ready", "not-ready"}:
            state = _state(operation, body.get("data") or {}, body)
        elif operation == "logout":
            state = LOGGED_OUT
        elif operation in {"dnd-on", "dnd-off"}:
            return Outcome(then=lambda: self._suspend_media(agent, active, operation == "dnd-on"))
        else:
            raise Refusal(NOT_IMPLEMENTED, f"media/{operation} is not implemented")
        return Outcome(then=lambda: self.set_channels(agent, active, state))

    def _suspend_media(self, agent: Agent, names: list[str], on: bool) -> None:  # noqa: FBT001 - read where it is used
        change = agent.suspended_channels.add if on else agent.suspended_channels.discard
        for name in names:
            change(name)
            self.publish_channels(agent, [name])

    def log_out(self, agent: Agent) -> None:
        """Take the agent off every channel."""
        if agent.logged_in:
            self.set_voice(agent, LOGGED_OUT)
        self.set_channels(
            agent,
            [name for name, state in agent.channels.items() if state is not LOGGED_OUT],
            LOGGED_OUT,
        )


EARLY_IN = 5
"""One in so many commands has its message before its reply."""


def _state(operation: str, data: Data, body: Data) -> AgentState:
    """The state asked for. The vendor's JavaScript client writes reasonCode beside `data` instead of into it."""
    reason = data.get("reasonCode", body.get("reasonCode", data.get("reason")))
    mode = data.get("agentWorkMode", "AutoIn" if operation == "ready" else "ManualIn")
    if mode not in WORK_MODES:
        raise Refusal(FAILED, f"agentWorkMode {mode!r} is not known")
    name = "Ready" if operation == "ready" else "NotReady"
    return AgentState(name, mode, str(reason) if reason is not None else None)


def text(data: Data, key: str) -> str:
    """A text in a request's data that must be there."""
    value = data.get(key)
    if not isinstance(value, str) or not value:
        raise Refusal(FAILED, f"{key} is missing")
    return value
