"""What every simulated server is: an application on a port, an agenda, an oracle, a plan of faults.

A platform derives its `Simulator` from it, builds `app`, and says what an instant fault does.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Iterable, Sized
from random import Random
from typing import ClassVar, Protocol, Self

from aiohttp import web

from connectors._simulation.agenda import Agenda
from connectors._simulation.faults import INSTANT, Fault, FaultKind, FaultPlan
from connectors._simulation.ledger import Ledger
from gateway.errors import ConfigError

SHUTDOWN_SECONDS = 1.0


class UnknownFault(ConfigError):
    """The platform does not know this kind of fault."""


class Feed(Protocol):
    """What pushes messages to clients: a CometD server, a SignalR server."""

    @property
    def sessions(self) -> Sized:
        """The clients it knows."""

    @property
    def held(self) -> int:
        """How many requests are held open."""

    @property
    def handshakes(self) -> int:
        """How many clients ever came."""

    @property
    def connects(self) -> int:
        """How many requests were held in all."""

    @property
    def sweep_seconds(self) -> float:
        """How often to call `sweep`."""

    def sweep(self) -> None:
        """Remove what has outlived its time."""

    def wake(self) -> None:
        """Look again at every held request, because a fault ended."""

    def release_all(self) -> None:
        """Answer every held request now, because the server is about to stop."""


class SimulatedServer:
    """One simulated server. Give `app` to any aiohttp runner, or use `start` and `stop`."""

    FAULTS: ClassVar[frozenset[FaultKind]]
    """What may be committed here."""
    app: web.Application

    def __init__(self, *, seed: int, published_limit: int) -> None:
        self.url = ""
        """Where it listens, without a slash at the end; empty before `start`."""
        self.ledger = Ledger(published_limit)
        """What was published, and what became of it."""
        # Separate generators: what faults draw must not change the lives.
        self.rng = Random(seed)
        self.fault_rng = Random(f"{seed}-faults")
        self.plan = FaultPlan(self.fault_rng)
        self.agenda = Agenda()

    @property
    @abstractmethod
    def feeds(self) -> Iterable[Feed]:
        """Its CometD or SignalR servers."""

    @abstractmethod
    def begin(self) -> None:
        """Let lives begin and put regular work on the agenda, which has just started."""

    @abstractmethod
    def strike(self, fault: Fault) -> None:
        """Let a fault of an instant kind happen now."""

    def prepare(self, app: web.Application, *, name: str, faults: Iterable[Fault]) -> None:
        """Let the agenda run while the application does, with the faults of the scenario on it.

        Raises UnknownFault, so that a scenario with one is refused before anything listens.
        """
        planned = tuple(faults)
        for fault in planned:
            self._check(fault)

        async def live(_app: web.Application) -> AsyncIterator[None]:
            self.agenda.start(name)
            self.begin()
            for feed in self.feeds:
                self._sweep_regularly(feed)
            for fault in planned:
                self.commit(fault)
            yield
            await self.agenda.close()

        async def release_polls(_app: web.Application) -> None:
            for feed in self.feeds:
                feed.release_all()

        app.cleanup_ctx.append(live)
        app.on_shutdown.append(release_polls)

    def commit(self, fault: Fault) -> None:
        """Put a fault into effect, `at_seconds` from now; before this returns when that is 0. Raises UnknownFault."""
        self._check(fault)
        if fault.kind in INSTANT:
            if fault.at_seconds:
                self.agenda.after(fault.at_seconds, lambda: self.strike(fault))
            else:
                self.strike(fault)
            return
        ends = self.plan.add(fault)
        if ends != float("inf"):
            self.agenda.at(ends, self._look_again)

    def _check(self, fault: Fault) -> None:
        if fault.kind not in self.FAULTS:
            raise UnknownFault(f"this platform knows no fault {fault.kind.value}")

    def pardon(self) -> list[Fault]:
        """End every fault that is active or still to come, except instant ones; returns the active ones."""
        active = self.plan.active()
        self.plan.clear()
        self._look_again()
        return active

    def _sweep_regularly(self, feed: Feed) -> None:
        self.agenda.every(lambda: feed.sweep_seconds, feed.sweep)

    def _look_again(self) -> None:
        for feed in self.feeds:
            feed.wake()

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen; port 0 takes a free one, `url` tells which. Raises OSError when the address is taken."""
        self._runner = web.AppRunner(self.app, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port, backlog=4096)
        await site.start()
        bound = self._runner.addresses[0]
        self.url = f"http://{bound[0]}:{bound[1]}"

    async def stop(self) -> None:
        """Answer the held polls, close every connection, end the lives. Idempotent."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    _runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.stop()
