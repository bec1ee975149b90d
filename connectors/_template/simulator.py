"""A simulated Example PBX for tests and `tieline simulate`: agents on calls, a log of changes, faults, an oracle.

A change carries the oracle's reference as `id` ("sim-1", "sim-2", ...), and its number is the oracle's. So
"nothing was lost" can be checked: GET /sim/published tells what was published.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Sized
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Annotated, Any, ClassVar

import msgspec
from aiohttp import web

from connectors._simulation.admin import AdminRoutes, json
from connectors._simulation.disturbance import broken_reply, disturb
from connectors._simulation.faults import NOT_JSON, WRONG_SHAPE, Fault, FaultKind, FaultPlan
from connectors._simulation.ledger import Ledger, LostBecause
from connectors._simulation.lives import PacedLives
from connectors._simulation.server import Feed, SimulatedServer
from connectors._template.vendor import (
    AGENTS_PATH,
    CALLS_PATH,
    CHANGES_PATH,
    REQUEST_ID,
    STATE_PATH,
)

MOST_IN_AN_ANSWER = 500
MOST_WAIT_SECONDS = 60.0
GARBAGE = (*NOT_JSON[:3], *WRONG_SHAPE)
OWN_ERROR = {"error": "internal"}
Positive = Annotated[int, msgspec.Meta(ge=1)]


class SimulatorSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A scenario. Decode one with `msgspec.convert`; a wrong value raises an error that names it."""

    seed: int = 1
    agents: Positive = 10
    """Agents 100, 101, ..."""
    api_key: str = "secret"
    events_per_second: Annotated[float, msgspec.Meta(ge=0)] = 2.0
    """Changes a second over all agents. 0: only commands change anything."""
    kept_changes: Positive = 10_000
    """How many changes the log keeps."""
    faults: tuple[Fault, ...] = ()
    published_limit: Positive = 1_000_000
    """How many changes the oracle remembers."""


@dataclass(slots=True, eq=False)
class Agent:
    """One agent, with a call or none. `username` names him to the lives."""

    username: str
    state: str = "available"
    call: str | None = None
    leg: str = ""
    direction: str = ""
    left_alone_until: float = 0.0


class Log:
    """The numbered changes, the newest of which are kept, and the polls that wait for more."""

    sweep_seconds = 3600.0

    def __init__(self, ledger: Ledger, kept: int) -> None:
        self._ledger = ledger
        self._kept = kept
        self._restarts = 0
        self._changed = asyncio.Event()
        self.changes: deque[dict[str, Any]] = deque()
        self.held = self.connects = self.handshakes = 0
        self.sessions: Sized = ()
        self.closing = False

    @property
    def name(self) -> str:
        """Another one after a restart of the exchange."""
        return f"log-{self._restarts}"

    @property
    def last(self) -> int:
        """The newest number."""
        return len(self._ledger)

    @property
    def first(self) -> int:
        """The oldest number that is kept."""
        return self.changes[0]["number"] if self.changes else self.last + 1

    def publish(self, kind: str, whose: str, **members: Any) -> None:
        """One change that concerns an agent."""
        now = datetime.now(UTC)
        number = self._ledger.record(
            agent=whose, topic="log", message_type=kind, at_ms=int(now.timestamp() * 1000)
        )
        self._ledger.queued(number, 1)
        told = {"number": number, "id": f"sim-{number}", "at": now.isoformat(), "kind": kind}
        told["agent"] = whose
        self.changes.append(told | {k: v for k, v in members.items() if v is not None})
        while len(self.changes) > self._kept:
            self._ledger.lost([self.changes.popleft()["number"]], LostBecause.OVERFLOW)
        self.wake()

    def answer(self, after: int, until: int | None) -> dict[str, Any]:
        """The changes behind a number."""
        found = [
            one
            for one in self.changes
            if one["number"] > after and (until is None or one["number"] <= until)
        ][:MOST_IN_AN_ANSWER]
        self._ledger.written(one["number"] for one in found)
        following = found[-1]["number"] if found else after
        return {"log": self.name, "first": self.first, "next": following, "changes": found}

    async def wait(self, name: str, after: int, seconds: float) -> None:
        """Until there is something behind the number of the log with that name, at most so long."""
        self.held += 1
        self.connects += 1
        try:
            async with asyncio.timeout(seconds):
                while self.last <= after and self.name == name and not self.closing:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            pass
        finally:
            self.held -= 1

    def restart(self) -> None:
        """A new log, without anything in it."""
        self._restarts += 1
        self._ledger.lost([one["number"] for one in self.changes], LostBecause.SESSION_GONE)
        self.changes.clear()
        self.wake()

    def sweep(self) -> None:
        """Nothing outlives its time but what there is no room for."""

    def wake(self) -> None:
        """Look again at every poll that waits."""
        self._changed.set()

    def release_all(self) -> None:
        """Answer every poll now."""
        self.closing = True
        self.wake()


class World:
    """The agents and their calls."""

    def __init__(self, settings: SimulatorSettings, log: Log) -> None:
        self.log = log
        self.agents = {str(n): Agent(str(n)) for n in range(100, 100 + settings.agents)}
        self._calls = 0

    def find(self, call: str) -> Agent | None:
        """Who has the call."""
        return next((one for one in self.agents.values() if one.call == call), None)

    def set_state(self, agent: Agent, state: str, reason: str | None = None, **more: Any) -> None:
        """The agent's state changes."""
        agent.state = state
        self.log.publish("agent", agent.username, state=state, reason=reason, **more)

    def begin(self, agent: Agent, *, outbound: bool) -> None:
        """A call comes to the agent, or goes out."""
        self._calls += 1
        agent.call, agent.direction = f"c{self._calls}", "out" if outbound else "in"
        self.move(agent, "dialling" if outbound else "ringing")
        self.set_state(agent, "busy")

    def move(self, agent: Agent, leg: str, **more: Any) -> None:
        """The agent's call changes."""
        agent.leg = leg
        self.log.publish("call", agent.username, **self._call(agent), **more)
        if leg == "ended":
            agent.call = None

    def shown(self) -> dict[str, Any]:
        """Everything as it is now."""
        everybody = self.agents.values()
        return {
            "log": self.log.name,
            "last": self.log.last,
            "agents": [{"agent": one.username, "state": one.state} for one in everybody],
            "calls": [self._call(one) for one in everybody if one.call],
        }

    def _call(self, agent: Agent) -> dict[str, Any]:
        return {
            "call": agent.call,
            "agent": agent.username,
            "state": agent.leg,
            "direction": agent.direction,
            "customer": f"+1555{agent.username.zfill(7)}",
        }


class Lives(PacedLives[Agent]):
    """What happens by itself."""

    def __init__(
        self, world: World, settings: SimulatorSettings, rng: Random, ledger: Ledger
    ) -> None:
        super().__init__(settings.events_per_second, rng, ledger)
        self._world = world

    def step(self, agent: Agent, now: float) -> None:
        """Calls come, are talked, held and ended; agents come and go between them."""
        if now < agent.left_alone_until:
            return
        world, choose = self._world, self._rng.choice
        if agent.call is None:
            if agent.state == "available" and self._rng.random() < 0.6:  # noqa: PLR2004 - a share of lives
                world.begin(agent, outbound=self._rng.random() < 1 / 3)
            else:
                world.set_state(agent, choice_but(agent.state, self._rng))
        elif agent.leg in {"dialling", "ringing", "held"}:
            world.move(agent, "talking")
        elif choose((True, False, False)):
            world.move(agent, "held")
        else:
            world.move(agent, "ended")
            world.set_state(agent, "available")


def choice_but(state: str, rng: Random) -> str:
    """Another state than that, of an agent without a call."""
    return rng.choice([one for one in ("available", "away", "offline") if one != state])


class Http:
    """The exchange's requests. `looked` is called when somebody reads the state."""

    def __init__(
        self,
        world: World,
        settings: SimulatorSettings,
        plan: FaultPlan,
        rng: Random,
        *,
        looked: Callable[[], None],
    ) -> None:
        self._world = world
        self._settings = settings
        self._plan = plan
        self._rng = rng
        self._looked = looked

    def routes(self) -> list[web.RouteDef]:
        """Everything but /sim/."""
        return [
            web.get(CHANGES_PATH, self._answer),
            web.get(STATE_PATH, self._answer),
            web.put(AGENTS_PATH + "/{agent}/state", self._answer),
            web.delete(CALLS_PATH + "/{call}", self._answer),
        ]

    async def _answer(self, request: web.Request) -> web.Response:
        reading = request.method == "GET"
        disturbance = await disturb(self._plan, request, "", "feed" if reading else "rest")
        if disturbance.skips:
            return broken_reply(disturbance.breaks, self._rng, OWN_ERROR)
        refused = self._plan.strike(FaultKind.UNAUTHORIZED, "")
        if refused or request.headers.get("Authorization") != f"Bearer {self._settings.api_key}":
            return json({"error": "unknown key"}, 401)
        if reading and self._plan.strike(FaultKind.GARBAGE, ""):
            return web.Response(body=self._rng.choice(GARBAGE), content_type="application/json")
        response = await (self._read(request) if reading else self._command(request))
        if disturbance.breaks is not None:
            return broken_reply(disturbance.breaks, self._rng, OWN_ERROR)
        return response

    async def _read(self, request: web.Request) -> web.Response:
        if request.path == STATE_PATH:
            shown = self._world.shown()
            self._looked()
            return json(shown)
        query, log = request.query, self._world.log
        try:
            after = int(query["after"])
            until = int(query["until"]) if "until" in query else None
            wait = min(float(query.get("wait", 0)), MOST_WAIT_SECONDS)
        except (KeyError, ValueError):
            return json({"error": "after, until and wait are numbers"}, 400)
        if wait > 0:
            await log.wait(query.get("log", log.name), after, wait)
        return json(log.answer(after, until))

    async def _command(self, request: web.Request) -> web.Response:
        world, echo = self._world, request.headers.get(REQUEST_ID)
        if (call := request.match_info.get("call")) is not None:
            agent = world.find(call)
            if agent is None:
                return json({"error": "no such call"}, 404)
            self._leave_alone(agent)
            world.move(agent, "ended", request=echo)
            world.set_state(agent, "available", request=echo)
            return json({}, 202)
        agent = world.agents.get(request.match_info["agent"])
        if agent is None:
            return json({"error": "no such agent"}, 404)
        try:
            body = msgspec.json.decode(await request.read(), type=dict[str, str])
            state = body["state"]
        except (msgspec.DecodeError, KeyError):
            return json({"error": "state is missing"}, 400)
        self._leave_alone(agent)
        if agent.call is not None:
            return json({"error": "on a call"}, 409)
        if agent.state == state:
            return json({"state": state})
        world.set_state(agent, state, body.get("reason"), request=echo)
        return json({}, 202)

    def _leave_alone(self, agent: Agent) -> None:
        agent.left_alone_until = time.monotonic() + 5.0


class Simulator(SimulatedServer):
    """One simulated exchange. Give `app` to any aiohttp runner, or use `start` and `stop`."""

    FAULTS: ClassVar[frozenset[FaultKind]] = frozenset(
        {
            FaultKind.SLOW,
            FaultKind.SERVER_ERROR,
            FaultKind.DROP,
            FaultKind.GARBAGE,
            FaultKind.UNAUTHORIZED,
            FaultKind.SERVER_RESTART,
        }
    )

    def __init__(self, settings: SimulatorSettings | None = None) -> None:
        chosen = settings or SimulatorSettings()
        super().__init__(seed=chosen.seed, published_limit=chosen.published_limit)
        self.log = Log(self.ledger, chosen.kept_changes)
        self.world = World(chosen, self.log)
        """The agents and their calls."""
        self.lives = Lives(self.world, chosen, self.rng, self.ledger)
        self.app = web.Application()
        self.app.add_routes(AdminRoutes(self, self.lives, self._facts).routes())
        http = Http(self.world, chosen, self.plan, self.fault_rng, looked=self._begin_lives)
        self.app.add_routes(http.routes())
        self.prepare(self.app, name="example_pbx simulator", faults=chosen.faults)

    @property
    def feeds(self) -> Iterable[Feed]:
        """The log."""
        return (self.log,)

    def begin(self) -> None:
        """Lives wait until somebody looks: what happened before is in no client's debt."""
        self.agenda.every(self.lives.pause_until_next_tick, self.lives.tick)

    def strike(self, fault: Fault) -> None:  # noqa: ARG002 - there is only one instant kind
        """The exchange comes back with a new log."""
        self.log.restart()

    def _begin_lives(self) -> None:
        for agent in self.world.agents.values():
            self.lives.begin(agent)

    def _facts(self) -> dict[str, object]:
        return {"agents": len(self.world.agents)}
