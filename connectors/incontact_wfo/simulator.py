"""An inContact WFO recording API server for tests and the demo: agents on calls, recordings, lives, an oracle.

What it knows of the real server comes from the vendor's API overview and help pages; the docstrings of `_simulated`
name them, and what had to be chosen because they are silent. Every change has a number, which answers that show it
carry as `ReferenceId` ("sim-1", "sim-2", ...), and GET /sim/published tells which changes an answer showed: so
"nothing was lost" can be checked of a platform that must be asked.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from aiohttp import web

from connectors._simulation.admin import AdminRoutes
from connectors._simulation.faults import Fault, FaultKind
from connectors._simulation.server import Feed, SimulatedServer
from connectors.incontact_wfo._simulated.admin import Admin
from connectors.incontact_wfo._simulated.http import Http
from connectors.incontact_wfo._simulated.lives import Lives
from connectors.incontact_wfo._simulated.settings import SimulatorSettings
from connectors.incontact_wfo._simulated.world import World

__all__ = ["Fault", "FaultKind", "Simulator", "SimulatorSettings", "build"]


class Simulator(SimulatedServer):
    """One simulated server. Give `app` to any aiohttp runner, or use `start` and `stop`."""

    FAULTS: ClassVar[frozenset[FaultKind]] = frozenset(
        {
            FaultKind.SLOW,
            FaultKind.SERVER_ERROR,
            FaultKind.DROP,
            FaultKind.GARBAGE,
            FaultKind.UNAUTHORIZED,
            FaultKind.RATE_LIMITED,
        }
    )

    def __init__(self, settings: SimulatorSettings | None = None) -> None:
        self.settings = chosen = settings or SimulatorSettings()
        super().__init__(seed=chosen.seed, published_limit=chosen.published_limit)
        self.world = World(chosen, self.rng, self.ledger)
        """The agents and their calls."""
        self.lives = Lives(self.world, self.rng, self.ledger)
        self.http = Http(
            self.world,
            self.plan,
            self.fault_rng,
            looked=self._begin_lives,
            leave_alone=self.lives.leave_alone,
        )
        self.app = web.Application()
        self.app.add_routes(AdminRoutes(self, self.lives, self._facts).routes())
        self.app.add_routes(Admin(self.world, self.http, self.ledger).routes())
        self.app.add_routes(self.http.routes())
        self.prepare(self.app, name="incontact_wfo simulator", faults=chosen.faults)

    @property
    def feeds(self) -> Iterable[Feed]:
        """None: it pushes nothing."""
        return ()

    def begin(self) -> None:
        """Let lives begin, if they wait for nobody."""
        if self.settings.lives_begin == "at_once":
            self._begin_lives()
        self.agenda.every(self.lives.pause_until_next_tick, self.lives.tick)

    def strike(self, fault: Fault) -> None:
        """There is no fault of an instant kind here."""
        raise AssertionError(fault.kind)

    def _begin_lives(self) -> None:
        for agent in self.world.agents.values():
            if agent.id not in self.settings.on_call:
                self.lives.begin(agent)

    def _facts(self) -> dict[str, object]:
        return {
            "agents": len(self.world.agents),
            "calls": sum(1 for _ in self.world.living()),
            "commands": len(self.http.requests),
        }


def build(settings: SimulatorSettings | None = None) -> web.Application:
    """The server as an application, for a runner of the caller's own."""
    return Simulator(settings).app
