"""A Clarity Connect Web API v2 server for tests and the demo: Windows sign-in, REST, classic SignalR, lives, an oracle.

What it knows of the real server comes from the vendor's document of the Web API v2; the docstrings of `_simulated` name
the sections, and what had to be chosen because the document is silent. Every message it pushes carries a unique
`referenceId` ("sim-1", "sim-2", ...), and GET /sim/published tells which were published and which of them the platform
itself lost: so "nothing was lost" can be checked.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from aiohttp import web

from connectors._simulation.admin import AdminRoutes
from connectors._simulation.faults import FEED_AND_HTTP, Fault, FaultKind, StreamFaults
from connectors._simulation.server import SimulatedServer
from connectors._simulation.signalr_protocol import SignalROptions
from connectors._simulation.signalr_server import SignalRServer
from connectors._simulation.signalr_session import Connection
from connectors.clarity_connect._simulated.admin import Admin
from connectors.clarity_connect._simulated.auth import Handshakes, TokenHost, Tokens
from connectors.clarity_connect._simulated.contacts import Contacts
from connectors.clarity_connect._simulated.http import Http
from connectors.clarity_connect._simulated.lives import Lives
from connectors.clarity_connect._simulated.metrics import Metrics
from connectors.clarity_connect._simulated.model import Agent
from connectors.clarity_connect._simulated.people import People
from connectors.clarity_connect._simulated.pushing import Pusher
from connectors.clarity_connect._simulated.routing import Router
from connectors.clarity_connect._simulated.scope import Scopes
from connectors.clarity_connect._simulated.sessions import Sessions
from connectors.clarity_connect._simulated.settings import SimulatorSettings
from connectors.clarity_connect._simulated.subscriptions import Subscriptions
from connectors.clarity_connect._simulated.world import World

__all__ = ["Fault", "FaultKind", "Simulator", "SimulatorSettings", "build"]

BROKEN_MESSAGES = (
    b'{"H":"metricsHub"}',
    b'{"H":"metricsHub","M":"onAgents"}',
    b'{"H":"metricsHub","M":"onAgents","A":{}}',
    b'{"H":"metricsHub","M":"onAgents","A":["x",{"type":"agent","id":[],"metrics":7}]}',
    b'{"H":"metricsHub","M":"onQueues","A":["x",{"type":"queue","id":1,"sessions":{"audio":[]}}]}',
    b'{"H":"metricsHub","M":"onAlerts","A":[null,null]}',
    b'{"H":"otherHub","M":"onSomething","A":[1]}',
)


class Simulator(SimulatedServer):
    """One simulated server. Give `app` to any aiohttp runner, or use `start` and `stop`.

    `pusher` brings messages to clients instead of its own SignalR server.
    """

    FAULTS: ClassVar[frozenset[FaultKind]] = FEED_AND_HTTP | {
        FaultKind.TOKEN_EXPIRY,
        FaultKind.SERVER_RESTART,
        FaultKind.RING_OVERFLOW,
        FaultKind.SILENCE,
        FaultKind.TRANSPORT_DISABLED,
        FaultKind.UPGRADE_REFUSED,
        FaultKind.UNAUTHORIZED,
        FaultKind.FORBIDDEN,
    }

    def __init__(
        self, settings: SimulatorSettings | None = None, pusher: Pusher | None = None
    ) -> None:
        self.settings = chosen = settings or SimulatorSettings()
        super().__init__(seed=chosen.seed, published_limit=chosen.published_limit)
        self.world = World(chosen, self.rng)
        """The agents, queues and sessions."""
        self.contacts = Contacts(self.world)
        self.signalr = SignalRServer(
            SignalROptions(
                disconnect_timeout_seconds=chosen.disconnect_timeout_seconds,
                keep_alive_seconds=chosen.keep_alive_seconds,
                connection_timeout_seconds=chosen.connection_timeout_seconds,
                grace_seconds=chosen.disconnect_grace_seconds,
                buffer_size=chosen.buffer_size,
                transports=chosen.transports,
            ),
            {chosen.hub: {"Ping": lambda _connection, _arguments: "pong"}},
            self.ledger,
            StreamFaults(self.plan, self.fault_rng, BROKEN_MESSAGES),
        )
        scopes = Scopes(self.world)
        self.subscriptions = Subscriptions(
            self.world, scopes, pusher or self.signalr, self.ledger, self.agenda
        )
        self.lives = Lives(self.world, self.contacts, self.ledger, self.subscriptions.flush)
        self.tokens = Tokens(chosen, self.world)
        self.handshakes = Handshakes(chosen, self.world)
        scopes.is_forbidden = self._is_forbidden
        self.signalr.disabled = self._disabled_transports
        self.signalr.on_disconnected = self._forget
        self.subscriptions.on_subscribed = self._begin_lives
        self.people = People(
            self.world, self.contacts, scopes, lambda: self.signalr.enabled_transports
        )
        router = Router()
        self.people.serve(router)
        Sessions(self.world, self.contacts, scopes).serve(router)
        Metrics(self.world, scopes, lambda: f"{self.url}/webapi").serve(router)
        http = Http(
            chosen,
            self.plan,
            self.fault_rng,
            router,
            self.signalr,
            self.subscriptions,
            self.tokens,
            TokenHost(chosen, self.world, self.handshakes, self.tokens),
            self.subscriptions.flush,
        )
        admin = Admin(
            self.world,
            self.contacts,
            pusher or self.signalr,
            self.ledger,
            self.subscriptions.flush,
        )
        self.app = web.Application()
        self.app.add_routes(http.routes())
        self.app.add_routes(AdminRoutes(self, self.lives, self._facts).routes())
        self.app.add_routes(admin.routes())
        self.app.on_cleanup.append(self._clean_up)
        self.prepare(self.app, name="clarity_connect simulator", faults=chosen.faults)

    @property
    def feeds(self) -> Iterable[SignalRServer]:
        """Its SignalR server."""
        return (self.signalr,)

    def begin(self) -> None:
        """Let lives begin, if they wait for nothing."""
        self.handshakes.open()
        if self.settings.lives_begin == "at_once":
            self._begin_lives()
        self.agenda.every(self.lives.pause_until_next_tick, self.lives.tick)

    def strike(self, fault: Fault) -> None:
        """Let a fault of an instant kind happen now."""
        kind = fault.kind
        if kind is FaultKind.TOKEN_EXPIRY:
            self.tokens.expire_all()
        elif kind is FaultKind.SERVER_RESTART:
            self.signalr.restart()
        elif kind is FaultKind.RING_OVERFLOW:
            self.signalr.overflow(fault.agent)
        elif kind is FaultKind.SESSION_UNKNOWN:
            self.signalr.forget(fault.agent)
        else:
            self.signalr.disconnect(fault.agent)

    def _is_forbidden(self, caller: Agent) -> bool:
        return self.plan.peek(FaultKind.FORBIDDEN, caller.username) is not None

    def _disabled_transports(self) -> tuple[str, ...]:
        fault = self.plan.peek(FaultKind.TRANSPORT_DISABLED, "")
        if fault is None:
            return ()
        return (fault.service,) if fault.service else self.settings.transports

    def _forget(self, connection: Connection, _by_client: bool) -> None:  # noqa: FBT001 - the hook's form
        self.subscriptions.forget(connection.id)

    def _begin_lives(self) -> None:
        for agent in self.world.workers:
            self.lives.begin(agent)

    def _facts(self) -> dict[str, object]:
        return {
            **self.world.summary(),
            "subscriptions": len(self.subscriptions.all),
            "tokens": self.tokens.issued,
            "sign_ins": self.handshakes.completed,
            "client_logs": len(self.people.client_logs),
        }

    async def _clean_up(self, _app: web.Application) -> None:
        self.handshakes.close()


def build(settings: SimulatorSettings | None = None) -> web.Application:
    """The server as an application, for a runner of the caller's own."""
    return Simulator(settings).app
