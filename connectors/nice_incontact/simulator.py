"""A NICE inContact platform for tests and the demo: tokens had in four ways, agent sessions, polled lists, an oracle.

What it knows of the real platform comes from the vendor's published documents of the Agent, RealTime, Reporting and
Admin APIs; the docstrings of `_simulated` name them, and what had to be chosen where they are silent. Every event it
publishes carries a unique `ReferenceId` ("sim-1", "sim-2", ...), and GET /sim/published tells which were published and
which of them the platform itself lost, as it loses what a client with an old session id missed: so "nothing was lost"
can be checked.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from aiohttp import web

from connectors._simulation.admin import AdminRoutes
from connectors._simulation.faults import FEED_AND_HTTP, Fault, FaultKind, FeedFaults
from connectors._simulation.server import SimulatedServer
from connectors.nice_incontact._simulated.admin import Admin
from connectors.nice_incontact._simulated.between import Between
from connectors.nice_incontact._simulated.calls import Calls
from connectors.nice_incontact._simulated.http import Http
from connectors.nice_incontact._simulated.lists import Lists
from connectors.nice_incontact._simulated.lives import Lives
from connectors.nice_incontact._simulated.operations import Operations
from connectors.nice_incontact._simulated.requests import Router
from connectors.nice_incontact._simulated.session_calls import SessionCalls
from connectors.nice_incontact._simulated.sessions import AgentSessions
from connectors.nice_incontact._simulated.settings import SimulatorSettings
from connectors.nice_incontact._simulated.tokens import TokenHost, Tokens
from connectors.nice_incontact._simulated.world import World

__all__ = ["Fault", "FaultKind", "Simulator", "SimulatorSettings", "build"]

BROKEN_EVENTS = (
    b'{"Type":"CallContactEvent"}',
    b'{"Type":"CallContactEvent","ContactID":[],"Status":{}}',
    b'{"Type":"AgentState","CurrentState":7,"NextStates":"none"}',
    b'{"Type":"AgentLeg","AgentLegId":null,"Status":[]}',
    b'{"Type":"NeverHeardOf","IISHost":"x"}',
    b'{"Type":["Indicator"]}',
)


class Simulator(SimulatedServer):
    """One simulated platform. Give `app` to any aiohttp runner, or use `start` and `stop`."""

    FAULTS: ClassVar[frozenset[FaultKind]] = FEED_AND_HTTP | {
        FaultKind.TOKEN_EXPIRY,
        FaultKind.UNAUTHORIZED,
        FaultKind.RATE_LIMITED,
        FaultKind.SERVER_RESTART,
    }

    def __init__(self, settings: SimulatorSettings | None = None) -> None:
        self.settings = chosen = settings or SimulatorSettings()
        super().__init__(seed=chosen.seed, published_limit=chosen.published_limit)
        self.sessions = AgentSessions(
            self.ledger,
            chosen.max_queue,
            chosen.idle_client_seconds,
            chosen.linger_seconds,
        )
        self.world = World(chosen, self.rng, self.agenda, self.sessions)
        """The agents, skills and contacts."""
        self.calls = Calls(self.world)
        self.between = Between(self.world, self.calls)
        self.lives = Lives(self.world, self.calls, self.between, self.ledger)
        self.tokens = Tokens(chosen, self.world)
        router = Router()
        session_calls = SessionCalls(self.world, self.calls, self.sessions)
        session_calls.serve(router)
        self.sessions.on_inactive = session_calls.end_inactive
        operations = Operations(self.world, self.calls, self.between, session_calls)
        operations.serve(router)
        Lists(self.world).serve(router)
        self.http = Http(
            chosen,
            self.plan,
            self.fault_rng,
            self.world,
            router,
            self.sessions,
            self.tokens,
            TokenHost(chosen, self.world, self.tokens),
            FeedFaults(self.plan, self.fault_rng, BROKEN_EVENTS),
            self.lives.begin,
        )
        admin = Admin(self.world, self.calls, operations, self.sessions, self.ledger)
        self.app = web.Application()
        self.app.add_routes(AdminRoutes(self, self.lives, self._facts).routes())
        self.app.add_routes(admin.routes())
        self.app.add_routes(self.http.routes())
        self.prepare(self.app, name="nice_incontact simulator", faults=chosen.faults)

    @property
    def feeds(self) -> Iterable[AgentSessions]:
        """The agent sessions."""
        return (self.sessions,)

    def begin(self) -> None:
        """Log everybody in, and let lives begin if they wait for nothing."""
        for agent in self.world.workers:
            if self.settings.sessions_open:
                self.world.log_in(agent)
            if self.settings.lives_begin == "at_once":
                self.lives.begin(agent)
        self.agenda.every(self.lives.pause_until_next_tick, self.lives.tick)

    def strike(self, fault: Fault) -> None:
        """Let a fault of an instant kind happen now."""
        kind = fault.kind
        named = [one for one in self.world.workers if fault.agent in {None, one.username}]
        if kind is FaultKind.TOKEN_EXPIRY:
            self.tokens.expire_all()
            self.sessions.wake()
        elif kind is FaultKind.SESSION_EXPIRY:
            for agent in named:
                self.calls.end_all(agent)
                self.world.log_out(agent)
        else:
            self.sessions.forget(named)
            for agent in named:
                self.world.log_in(agent)

    def _facts(self) -> dict[str, object]:
        return {
            **self.world.summary(),
            "tokens": self.tokens.issued,
            "requests": dict(self.http.requests),
        }


def build(settings: SimulatorSettings | None = None) -> web.Application:
    """The server as an application, for a runner of the caller's own."""
    return Simulator(settings).app
