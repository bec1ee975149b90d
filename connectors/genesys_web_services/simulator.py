"""A Genesys Web Services v2 server for tests, benchmarks and the demo: REST, CometD, lives, faults, an oracle.

What it knows of the real server comes from the Web Services API reference 8.5.1; the docstrings of `_simulated` name
the sections. Every message it publishes carries a unique `referenceId` ("sim-1", "sim-2", ...), and GET /sim/published
tells which were published and which of them the platform itself lost: so "nothing was lost" can be checked.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from random import Random
from typing import Self

from aiohttp import web

from connectors._simulation.agenda import Agenda
from connectors._simulation.bayeux_server import BayeuxOptions, BayeuxServer
from connectors._simulation.bayeux_session import ServerSession
from connectors._simulation.faults import INSTANT, Fault, FaultKind, FaultPlan, FeedFaults
from connectors._simulation.ledger import Ledger
from connectors.genesys_web_services._simulated.admin import Admin
from connectors.genesys_web_services._simulated.calls import Telephony
from connectors.genesys_web_services._simulated.interactions import Media
from connectors.genesys_web_services._simulated.lives import Lives
from connectors.genesys_web_services._simulated.messages import BROKEN_MESSAGES
from connectors.genesys_web_services._simulated.rest import ROOT, Rest
from connectors.genesys_web_services._simulated.sessions import HttpSessions
from connectors.genesys_web_services._simulated.settings import SimulatorSettings
from connectors.genesys_web_services._simulated.world import World

__all__ = ["Fault", "FaultKind", "Simulator", "SimulatorSettings", "build"]

SHUTDOWN_SECONDS = 1.0


class Simulator:
    """One simulated server. Give `app` to any aiohttp runner, or use `start` and `stop`."""

    def __init__(self, settings: SimulatorSettings | None = None) -> None:
        self.settings = settings or SimulatorSettings()
        chosen = self.settings
        self.url = ""
        """Where it listens, without a slash at the end; empty before `start`."""
        self.ledger = Ledger(chosen.published_limit)
        """What was published, and what became of it."""
        # Separate generators: what faults draw must not change the lives.
        self._fault_rng = Random(f"{chosen.seed}-faults")
        self._plan = FaultPlan(self._fault_rng)
        self._agenda = Agenda()
        self.bayeux = BayeuxServer(
            BayeuxOptions(
                timeout_ms=chosen.timeout_ms,
                interval_ms=chosen.interval_ms,
                max_interval_ms=chosen.max_interval_ms,
                acknowledge=chosen.ack,
                max_queue=chosen.max_queue,
            ),
            self.ledger,
            FeedFaults(self._plan, self._fault_rng, BROKEN_MESSAGES),
        )
        self.world = World(chosen, Random(chosen.seed), self.ledger, self.bayeux, self._agenda)
        """The agents and what they have."""
        self.telephony = Telephony(self.world)
        self.media = Media(self.world)
        self.lives = Lives(self.world, self.telephony, self.media)
        self._sessions = HttpSessions(self.world.agents, chosen.http_session_seconds)
        self._rest = Rest(self.world, self.telephony, self.media, self._sessions, self._plan)
        self._runner: web.AppRunner | None = None
        self.app = self._build_app()

    def _build_app(self) -> web.Application:
        admin = Admin(
            self.world,
            self.telephony,
            self.media,
            self.lives,
            self._sessions,
            self.commit,
            self.pardon,
        )
        app = web.Application(middlewares=[self._rest.guard])
        app.add_routes(self._rest.routes())
        app.add_routes(admin.routes())
        app.cleanup_ctx.append(self._live)
        app.on_shutdown.append(self._release_polls)
        return app

    async def _live(self, _app: web.Application) -> AsyncIterator[None]:
        self._agenda.start("genesys_web_services simulator")
        if self.settings.lives_begin == "at_once":
            for agent in self.world.agents.values():
                self.lives.begin(agent)
        self.bayeux.on_subscribed = self._begin_life
        sweep_seconds = min(self.settings.max_interval_ms / 4000, 1.0)
        self._agenda.every(lambda: sweep_seconds, self.bayeux.sweep)
        self._agenda.every(self.lives.pause_until_next_tick, self.lives.tick)
        for fault in self.settings.faults:
            self.commit(fault)
        yield
        await self._agenda.close()

    async def _release_polls(self, _app: web.Application) -> None:
        self.bayeux.release_all()

    def _begin_life(self, session: ServerSession) -> None:
        self.lives.begin(self.world.agents[session.owner])

    def commit(self, fault: Fault) -> None:
        """Put a fault into effect, `at_seconds` from now."""
        if fault.kind in INSTANT:
            self._agenda.after(fault.at_seconds, lambda: self._strike(fault))
            return
        ends = self._plan.add(fault)
        if ends != float("inf"):
            self._agenda.at(ends, self.bayeux.wake)

    def pardon(self) -> list[Fault]:
        """End every fault that is active or still to come, except instant ones; returns the active ones."""
        active = self._plan.active()
        self._plan.clear()
        self.bayeux.wake()
        return active

    def _strike(self, fault: Fault) -> None:
        if fault.kind is FaultKind.SESSION_EXPIRY:
            self._sessions.end_all(fault.agent)
        self.bayeux.forget(owner=fault.agent)

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen; port 0 takes a free one, `url` tells which. Raises OSError when the address is taken."""
        self._runner = web.AppRunner(self.app, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port, backlog=4096)
        await site.start()
        bound = self._runner.addresses[0]
        self.url = f"http://{bound[0]}:{bound[1]}"
        self.world.base = f"{self.url}{ROOT}"

    async def stop(self) -> None:
        """Answer the held polls, close every connection, end the lives. Idempotent."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.stop()


def build(settings: SimulatorSettings | None = None) -> web.Application:
    """The server as an application, for a runner of the caller's own."""
    return Simulator(settings).app
