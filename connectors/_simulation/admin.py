"""What tests and the demo ask of any simulator, under /sim/: the oracle, faults on demand, the pace of lives.

No credentials are asked for: a simulator belongs on a loopback address.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import msgspec
from aiohttp import web

from connectors._simulation.faults import Fault
from connectors._simulation.ledger import Ledger
from connectors._simulation.lives import PacedLives
from connectors._simulation.server import SimulatedServer, UnknownFault

MAX_PAGE = 50_000
Facts = dict[str, object]


class Rate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """POST /sim/rate."""

    events_per_second: Annotated[float, msgspec.Meta(ge=0)]


class Emission(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """POST /sim/emit: let one thing happen now; each platform says what can."""

    count: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 1
    """How many times."""


E = TypeVar("E", bound=Emission)


async def emit(
    request: web.Request, kind: type[E], ledger: Ledger, act: Callable[[E], Facts]
) -> web.Response:
    """Let happen what a request asks for; answers what was published, and what `act` tells of the last time.

    `act` raises LookupError where it is not possible now: 409, with its words.
    """
    try:
        emission = msgspec.json.decode(await request.read(), type=kind)
    except msgspec.DecodeError as error:
        return json({"error": str(error)}, 400)
    before = len(ledger)
    told: Facts = {}
    try:
        for _ in range(emission.count):
            told |= act(emission)
    except LookupError as error:
        return json({"error": str(error)}, 409)
    ids = [f"sim-{number + 1}" for number in range(before, len(ledger))]
    return json({"published": ids, **told})


class AdminRoutes:
    """The /sim/ routes that all simulators have; `facts` adds a platform's own figures to /sim/stats."""

    def __init__(
        self, server: SimulatedServer, lives: PacedLives[Any], facts: Callable[[], Facts]
    ) -> None:
        self._server = server
        self._lives = lives
        self._facts = facts

    def routes(self) -> list[web.RouteDef]:
        """Published, stats, rate, faults, lives."""
        return [
            web.get("/sim/published", self._published),
            web.get("/sim/stats", self._stats),
            web.post("/sim/rate", self._rate),
            web.post("/sim/faults", self._add_faults),
            web.delete("/sim/faults", self._clear_faults),
            web.post("/sim/stop_lives", self._stop_lives),
            web.post("/sim/start_lives", self._start_lives),
        ]

    async def _published(self, request: web.Request) -> web.Response:
        try:
            since = int(request.query.get("since", "0"))
            limit = min(int(request.query.get("limit", MAX_PAGE)), MAX_PAGE)
        except ValueError:
            return json({"error": "since and limit are numbers"}, 400)
        ledger = self._server.ledger
        entries = ledger.since(since, limit)
        following = entries[-1].number if entries else since
        agent = request.query.get("agent")
        return json(
            {
                "published": [one.as_record() for one in entries if agent in {None, one.agent}],
                "next": following,
                "total": len(ledger),
                "forgotten": ledger.forgotten,
            }
        )

    async def _stats(self, _request: web.Request) -> web.Response:
        ledger, feeds = self._server.ledger, list(self._server.feeds)
        counts, failure = ledger.counts(), self._server.agenda.failure
        return json(
            {
                "published": len(ledger),
                "fates": counts,
                "lost_by_platform": counts["lost"],
                "uncertain": counts["uncertain"],
                "resumable": len(ledger) - counts["lost"] - counts["uncertain"],
                "forgotten": ledger.forgotten,
                "by_topic": dict(ledger.by_topic),
                "sessions": sum(len(feed.sessions) for feed in feeds),
                "held": sum(feed.held for feed in feeds),
                "handshakes": sum(feed.handshakes for feed in feeds),
                "connects": sum(feed.connects for feed in feeds),
                "alive": self._lives.alive,
                "events_per_second": self._lives.events_per_second,
                "lives_stopped": self._lives.stopped,
                "failure": repr(failure) if failure else None,
                **self._facts(),
            }
        )

    async def _rate(self, request: web.Request) -> web.Response:
        try:
            rate = msgspec.json.decode(await request.read(), type=Rate)
        except msgspec.DecodeError as error:
            return json({"error": str(error)}, 400)
        self._lives.events_per_second = rate.events_per_second
        return json({"events_per_second": rate.events_per_second})

    async def _add_faults(self, request: web.Request) -> web.Response:
        try:
            faults = msgspec.json.decode(await request.read(), type=Fault | list[Fault])
            for fault in faults if isinstance(faults, list) else [faults]:
                self._server.commit(fault)
        except (msgspec.DecodeError, UnknownFault) as error:
            return json({"error": str(error)}, 400)
        return json({"committed": True})

    async def _clear_faults(self, _request: web.Request) -> web.Response:
        return json({"cleared": self._server.pardon()})

    async def _stop_lives(self, _request: web.Request) -> web.Response:
        self._lives.stopped = True
        return json({"published": len(self._server.ledger)})

    async def _start_lives(self, _request: web.Request) -> web.Response:
        self._lives.stopped = False
        return json({"published": len(self._server.ledger)})


def json(body: object, status: int = 200) -> web.Response:
    """A JSON reply."""
    return web.Response(
        body=msgspec.json.encode(body), content_type="application/json", status=status
    )
