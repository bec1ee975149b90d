"""A Genesys Engage Cloud v3 for tests, benchmarks and the demo: Authentication, Workspace, Statistics, Provisioning.

What it knows of the real service comes from the introduction to its APIs, from the vendor's own clients, which run
against it in the tests, and from the vendor's simulator of the Workspace API. Every message carries a unique
`referenceId` ("sim-1", "sim-2", ...) in its outermost `data`, and GET /sim/published tells which were published and
which of them the platform itself lost: so "nothing was lost" can be checked.
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
from connectors.genesys_engage_cloud._simulated import messages
from connectors.genesys_engage_cloud._simulated.admin import Admin
from connectors.genesys_engage_cloud._simulated.attachments import Attachments
from connectors.genesys_engage_cloud._simulated.auth import Auth
from connectors.genesys_engage_cloud._simulated.calls import Telephony
from connectors.genesys_engage_cloud._simulated.families import Families
from connectors.genesys_engage_cloud._simulated.http import Guard
from connectors.genesys_engage_cloud._simulated.lives import Lives
from connectors.genesys_engage_cloud._simulated.media import Media
from connectors.genesys_engage_cloud._simulated.provisioning import Provisioning
from connectors.genesys_engage_cloud._simulated.sessions import Sessions
from connectors.genesys_engage_cloud._simulated.settings import SimulatorSettings
from connectors.genesys_engage_cloud._simulated.statistics import Statistics
from connectors.genesys_engage_cloud._simulated.workspace import COOKIE, Workspace, WorkspaceState
from connectors.genesys_engage_cloud._simulated.world import SERVICES, World

__all__ = ["Fault", "FaultKind", "Simulator", "SimulatorSettings", "build"]


class Simulator(SimulatedServer):
    """One simulated site. Give `app` to any aiohttp runner, or use `start` and `stop`."""

    FAULTS: ClassVar[frozenset[FaultKind]] = FEED_AND_HTTP | {
        FaultKind.TOKEN_EXPIRY,
        FaultKind.SERVICE_UNAVAILABLE,
    }

    def __init__(self, settings: SimulatorSettings | None = None) -> None:
        self.settings = chosen = settings or SimulatorSettings()
        super().__init__(seed=chosen.seed, published_limit=chosen.published_limit)
        self.bayeux = self._feed()
        """The Workspace API's CometD server."""
        self.world = World(chosen, self.rng, self.ledger, self.bayeux, self.agenda)
        """The agents and what they have."""
        self.telephony = Telephony(self.world)
        self.media = Media(self.world)
        self.lives = Lives(self.world, self.telephony, self.media)
        self.auth = Auth(self.world)
        workspaces = Sessions(COOKIE, chosen.http_session_seconds, WorkspaceState)
        self.workspace = Workspace(self.world, self.auth, self.telephony, self.media, workspaces)
        self.attachments = Attachments(self.workspace, self.media)
        self.statistics = Statistics(self.world, self.auth, self._feed())
        self.provisioning = Provisioning(self.world, self.auth, self._feed())
        self.bayeux.on_subscribed = self._subscribed
        guard = Guard(self.world, self.plan, self._identify)
        self.app = web.Application(middlewares=[guard.middleware])
        self._add_routes()
        self.prepare(self.app, name="genesys_engage_cloud simulator", faults=chosen.faults)

    def _feed(self) -> BayeuxServer:
        chosen = self.settings
        options = BayeuxOptions(
            timeout_ms=chosen.timeout_ms,
            interval_ms=chosen.interval_ms,
            max_interval_ms=chosen.max_interval_ms,
            acknowledge=chosen.ack,
            max_queue=chosen.max_queue,
        )
        faults = FeedFaults(self.plan, self.fault_rng, messages.BROKEN_MESSAGES)
        return BayeuxServer(options, self.ledger, faults)

    def _add_routes(self) -> None:
        admin = Admin(self.world, self.telephony, self.media, self.statistics, self.provisioning)
        for part in (
            self.auth,
            # Fixed paths first: the workspace's own have places for names in them.
            Families(self.workspace, self.media),
            self.attachments,
            self.workspace,
            self.statistics,
            self.provisioning,
            admin,
            AdminRoutes(self, self.lives, admin.facts),
        ):
            self.app.add_routes(part.routes())

    @property
    def feeds(self) -> Iterable[BayeuxServer]:
        """Workspace, Statistics, Provisioning."""
        return (self.bayeux, self.statistics.feed, self.provisioning.feed)

    def begin(self) -> None:
        """Let lives begin, and statistics and objects change."""
        if self.settings.lives_begin == "at_once":
            for agent in self.world.agents.values():
                self.lives.begin(agent)
        self.agenda.every(self.lives.pause_until_next_tick, self.lives.tick)
        self.agenda.every(lambda: self.settings.statistics_seconds, self._move_statistics)
        self.agenda.every(lambda: self.settings.object_change_seconds, self._change_object)

    def _move_statistics(self) -> None:
        if not self.lives.stopped:
            self.statistics.tick()

    def _change_object(self) -> None:
        if not self.lives.stopped and self.lives.events_per_second > 0:
            self.provisioning.change()

    def _subscribed(self, session: ServerSession) -> None:
        self.workspace.subscribed(session)
        if session.listens_to(messages.VOICE):
            self.lives.begin(self.world.agents[session.owner])

    def _identify(self, request: web.Request) -> str:
        """Whose request it is, as far as cookie or token tell."""
        if request.path.startswith(messages.ROOT):
            session = self.workspace.sessions.get(request.cookies.get(COOKIE))
            if session is not None:
                return session.owner
        return self.auth.owner(request) or ""

    def commit(self, fault: Fault) -> None:
        """Put a fault into effect, `at_seconds` from now. A service that is to be unavailable says so then."""
        if fault.kind is not FaultKind.SERVICE_UNAVAILABLE:
            super().commit(fault)
            return
        services = SERVICES if fault.service is None else (fault.service,)
        self.agenda.after(fault.at_seconds, lambda: self._set_services(services, available=False))
        if fault.for_seconds:
            ends = fault.at_seconds + fault.for_seconds
            self.agenda.after(ends, lambda: self._set_services(services, available=True))

    def pardon(self) -> list[Fault]:
        """End every fault that is active or still to come, except instant ones; returns the active ones."""
        self._set_services(tuple(self.world.down), available=True)
        return super().pardon()

    def _set_services(self, names: Iterable[str], *, available: bool) -> None:
        for name in names:
            if name == "STATS" and (name in self.world.down) is available:
                self.statistics.tell_service(available=available)
            back = available and name in self.world.down
            self.world.set_service(name, available=available)
            if back and name == "VOICE":
                for username in sorted(self.bayeux.owners):
                    self.telephony.recover(self.world.agents[username])

    def strike(self, fault: Fault) -> None:
        """Let tokens, Bayeux sessions or HTTP sessions end now."""
        if fault.kind is FaultKind.TOKEN_EXPIRY:
            self.auth.expire(fault.agent)
            return
        if fault.kind is FaultKind.SESSION_EXPIRY:
            self.workspace.sessions.end_all(fault.agent)
            self.statistics.sessions.end_all(fault.agent)
            self.provisioning.sessions.end_all(fault.agent)
        for feed in self.feeds:
            feed.forget(owner=fault.agent)


def build(settings: SimulatorSettings | None = None) -> web.Application:
    """The server as an application, for a runner of the caller's own."""
    return Simulator(settings).app
