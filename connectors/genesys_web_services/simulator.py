"""A Genesys Web Services v2 server for tests, benchmarks and the demo: REST, CometD, lives, faults, an oracle.

What it knows of the real server comes from the Web Services API reference 8.5.1; the docstrings of `_simulated` name
the sections. Every message it publishes carries a unique `referenceId` ("sim-1", "sim-2", ...), and GET /sim/published
tells which were published and which of them the platform itself lost: so "nothing was lost" can be checked.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from aiohttp import web

from connectors._simulation.admin import AdminRoutes
from connectors._simulation.bayeux_server import BayeuxOptions, BayeuxServer
from connectors._simulation.bayeux_session import ServerSession
from connectors._simulation.faults import FEED_AND_HTTP, Fault, FaultKind, FeedFaults
from connectors._simulation.server import SimulatedServer
from connectors.genesys_web_services._simulated.admin import Admin
from connectors.genesys_web_services._simulated.calls import Telephony
from connectors.genesys_web_services._simulated.directory import Dictionaries
from connectors.genesys_web_services._simulated.interactions import Media
from connectors.genesys_web_services._simulated.lives import Lives
from connectors.genesys_web_services._simulated.messages import BROKEN_MESSAGES
from connectors.genesys_web_services._simulated.rest import ROOT, Rest
from connectors.genesys_web_services._simulated.sessions import HttpSessions
from connectors.genesys_web_services._simulated.settings import SimulatorSettings
from connectors.genesys_web_services._simulated.statistics import StatServer
from connectors.genesys_web_services._simulated.workbins import Workbins
from connectors.genesys_web_services._simulated.world import World

__all__ = ["Fault", "FaultKind", "Simulator", "SimulatorSettings", "build"]


class Simulator(SimulatedServer):
    """One simulated server. Give `app` to any aiohttp runner, or use `start` and `stop`."""

    FAULTS: ClassVar[frozenset[FaultKind]] = FEED_AND_HTTP

    def __init__(self, settings: SimulatorSettings | None = None) -> None:
        self.settings = chosen = settings or SimulatorSettings()
        super().__init__(seed=chosen.seed, published_limit=chosen.published_limit)
        self.bayeux = BayeuxServer(
            BayeuxOptions(
                timeout_ms=chosen.timeout_ms,
                interval_ms=chosen.interval_ms,
                max_interval_ms=chosen.max_interval_ms,
                acknowledge=chosen.ack,
                max_queue=chosen.max_queue,
            ),
            self.ledger,
            FeedFaults(self.plan, self.fault_rng, BROKEN_MESSAGES),
        )
        self.world = World(chosen, self.rng, self.ledger, self.bayeux, self.agenda)
        """The agents and what they have."""
        self.telephony = Telephony(self.world)
        self.media = Media(self.world)
        self.lives = Lives(self.world, self.telephony, self.media)
        self._sessions = HttpSessions(
            self.world.agents, chosen.http_session_seconds, single=chosen.single_session
        )
        self.statistics = StatServer(self.world)
        self.dictionaries = Dictionaries(self.world)
        self.workbins = Workbins(self.world, self._sessions, self.media)
        self.media.on_workbin = self.workbins.tell
        self.bayeux.may_subscribe = self.world.may_subscribe
        self._rest = Rest(self.world, self.telephony, self.media, self._sessions, self.plan)
        self.app = web.Application(middlewares=[self._rest.guard])
        admin = Admin(self.world, self.telephony, self.media, self._sessions)
        for part in (
            self._rest,
            self.statistics,
            self.dictionaries,
            self.workbins,
            admin,
            AdminRoutes(self, self.lives, admin.facts),
        ):
            self.app.add_routes(part.routes())
        self.prepare(self.app, name="genesys_web_services simulator", faults=chosen.faults)

    @property
    def feeds(self) -> Iterable[BayeuxServer]:
        """The only one."""
        return (self.bayeux,)

    def begin(self) -> None:
        """Let lives begin."""
        if self.settings.lives_begin == "at_once":
            for agent in self.world.agents.values():
                self.lives.begin(agent)
        self.bayeux.on_subscribed = self._begin_life
        self.agenda.every(self.lives.pause_until_next_tick, self.lives.tick)

    def _begin_life(self, session: ServerSession) -> None:
        self.lives.begin(self.world.agents[session.owner])

    def strike(self, fault: Fault) -> None:
        """Let Bayeux sessions, or HTTP sessions and with them all, end now."""
        if fault.kind is FaultKind.SESSION_EXPIRY:
            self._sessions.end_all(fault.agent)
        self.bayeux.forget(owner=fault.agent)

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen; port 0 takes a free one, `url` tells which. Raises OSError when the address is taken."""
        await super().start(host, port)
        self.world.base = f"{self.url}{ROOT}"


def build(settings: SimulatorSettings | None = None) -> web.Application:
    """The server as an application, for a runner of the caller's own."""
    return Simulator(settings).app
