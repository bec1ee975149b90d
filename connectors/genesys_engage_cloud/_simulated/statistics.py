"""The Statistics API of the simulated Engage Cloud: subscriptions by REST, values by CometD.

Every request carries the access token, those of CometD too. The CometD session makes the HTTP session: its handshake
sets STATISTICS_SESSIONID, which REST shares. A channel that does not exist gets HTTP 500 and a plain object, no
Bayeux reply.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import msgspec
from aiohttp import web

from connectors._simulation.bayeux_server import BayeuxServer
from connectors._simulation.bayeux_session import ServerSession, matches
from connectors._simulation.genesys_ids import uuid
from connectors.genesys_engage_cloud._simulated.auth import Auth
from connectors.genesys_engage_cloud._simulated.http import (
    WITHHELD,
    done,
    parameters,
    read_body,
    reply,
)
from connectors.genesys_engage_cloud._simulated.sessions import Session, Sessions
from connectors.genesys_engage_cloud._simulated.world import (
    BAD_REQUEST,
    FAILED,
    NOT_FOUND,
    Refusal,
    World,
)

Data = dict[str, Any]
ROOT = "/statistics/v3"
NOTIFICATIONS = f"{ROOT}/notifications"
SERVICE = f"{ROOT}/service"
UPDATES = f"{ROOT}/updates"
COOKIE = "STATISTICS_SESSIONID"
MAX_SUBSCRIPTIONS = 1_000
MAX_TOLD = 16
MAX_STATISTICS = 1_000


@dataclass(slots=True)
class StatisticsState:
    """What the server keeps of a statistics session."""

    subscriptions: dict[str, list[Data]] = field(default_factory=dict)
    told: deque[str] = field(default_factory=lambda: deque(maxlen=MAX_TOLD))
    """Bayeux sessions that know the state of the service, the newest of them."""
    connected: bool = False
    """Whether it ever had a CometD session."""


class Statistics:
    """Routes of the Statistics API, and the values."""

    def __init__(self, world: World, auth: Auth, feed: BayeuxServer) -> None:
        self._world = world
        self._auth = auth
        self.feed = feed
        self.sessions: Sessions[StatisticsState] = Sessions(
            COOKIE, world.settings.http_session_seconds, StatisticsState
        )
        self._values: dict[tuple[str, str, str], object] = {}
        feed.on_subscribed = self._subscribed

    def routes(self) -> list[web.RouteDef]:
        """Everything below /statistics/v3."""
        one = f"{ROOT}/subscriptions/{{id}}"
        return [
            web.route("*", NOTIFICATIONS, self._notifications),
            web.route("*", NOTIFICATIONS + "/{suffix:.*}", self._notifications),
            web.post(f"{ROOT}/subscriptions", self._subscribe),
            web.delete(one, self._unsubscribe),
            web.get(f"{one}/statistic-values", self._peek),
            web.get(f"{ROOT}/statistic-values/{{name}}", self._value),
            web.post(f"{ROOT}/operations/get-statistic-ex", self._values_without),
        ]

    def _session(self, request: web.Request, owner: str) -> Session[StatisticsState] | None:
        """The session of the cookie; without one the newest of the owner, for a first call may be early."""
        session = self.sessions.find(request)
        if session is not None and session.owner == owner:
            return session
        mine = self.sessions.of(owner)
        return mine[-1] if mine else None

    def _rest(self, request: web.Request) -> tuple[str, Session[StatisticsState] | None]:
        owner = self._auth.require_owner(request)
        self._world.require("STATS")
        return owner, self._session(request, owner)

    async def _notifications(self, request: web.Request) -> web.StreamResponse:
        owner = self._auth.require_owner(request)
        asked = _channels(await request.read())
        wrong = [one for one in asked.subscriptions if not _exists(one)]
        if wrong:
            return reply(_plain_error(request, f"unknown channel {wrong[0]}"), FAILED)
        session = self.sessions.find(request)
        began = False
        if session is None or session.owner != owner:
            session, began = self.sessions.begin(owner), True
        if asked.handshake:
            live = [one for one in self.feed.sessions if one.context == session.id]
            if session.state.connected and not live:
                session.state.subscriptions.clear()  # they died with the CometD session
            session.state.connected = True
        elif began and not asked.handshake:
            self.sessions.end(session)
        response = await self.feed.handle(request, owner, session.id, withheld=request[WITHHELD])
        if asked.handshake:
            self.sessions.remember(session, response)
        return response

    def _subscribed(self, feed_session: ServerSession) -> None:
        session = self.sessions.get(feed_session.context)
        if session is None:
            return
        told = session.state.told
        if feed_session.listens_to(SERVICE) and feed_session.client_id not in told:
            told.append(feed_session.client_id)
            state = "Unavailable" if "STATS" in self._world.down else "Available"
            self._tell(session, SERVICE, {"serviceState": state})
        if feed_session.listens_to(UPDATES):
            for identity in session.state.subscriptions:
                self._tell_values(session, identity)

    def tell_service(self, *, available: bool) -> None:
        """The service goes or comes."""
        state = "Available" if available else "Unavailable"
        for session in self._listening():
            self._tell(session, SERVICE, {"serviceState": state})

    def _listening(self) -> list[Session[StatisticsState]]:
        owners = self.feed.owners
        return [session for session in self.sessions.alive if session.owner in owners]

    def tick(self) -> None:
        """Every subscription has new values."""
        if "STATS" in self._world.down:
            return
        for session in self._listening():
            for identity, statistics in session.state.subscriptions.items():
                for one in statistics:
                    self._move(one)
                self._tell_values(session, identity)

    def _tell_values(self, session: Session[StatisticsState], identity: str) -> None:
        values = self._report(session.state.subscriptions[identity], identity)
        self._tell(session, UPDATES, {"statistics": values})

    def _tell(self, session: Session[StatisticsState], topic: str, data: Data) -> None:
        form = self._world.settings.statistics_form
        wrapped = form == "wrapped" or (form == "mixed" and bool(self._world.rng.getrandbits(1)))
        body = {"data": data} if wrapped else data
        self._world.send(self.feed, session.owner, topic, body, context=session.id)

    @staticmethod
    def _key(one: Data) -> tuple[str, str, str]:
        name = one.get("name") or "defined"
        return str(one.get("objectType", "")), str(one.get("objectId", "")), str(name)

    def _current(self, one: Data) -> object:
        key = self._key(one)
        if key not in self._values:
            while len(self._values) >= MAX_STATISTICS:
                del self._values[next(iter(self._values))]
            self._values[key] = self._fresh(key[2])
        return self._values[key]

    def _move(self, one: Data) -> None:
        self._values[self._key(one)] = self._fresh(self._key(one)[2])

    def _fresh(self, name: str) -> object:
        """A value of no declared type: text for a state, an object for a detail, else a number."""
        rng = self._world.rng
        if name.endswith("State"):
            return rng.choice(("WaitForNextCall", "CallInbound", "NotReadyForNextCall"))
        if name.endswith("Detail"):
            return {"status": "Ready", "since": int(self._world.now() * 1000)}
        if name.endswith(("Time", "Level")):
            return round(rng.uniform(0, 100), 2)
        return rng.randrange(100)

    def _report(self, statistics: list[Data], identity: str) -> list[Data]:
        now = int(self._world.now() * 1000)
        return [
            {
                **{key: one[key] for key in _SHOWN if key in one},
                "subscriptionId": identity,
                "timestamp": now,
                "value": self._current(one),
            }
            for one in statistics
        ]

    async def _subscribe(self, request: web.Request) -> web.Response:
        owner, session = self._rest(request)
        body = await read_body(request)
        identity = body.get("operationId")
        wanted = parameters(body).get("statistics")
        if not isinstance(identity, str) or not identity:
            raise Refusal(BAD_REQUEST, "operationId is missing")
        if not isinstance(wanted, list) or not all(map(_is_statistic, wanted)):
            raise Refusal(
                BAD_REQUEST, "a statistic needs objectId, objectType and name or definition"
            )
        began = session is None
        session = session or self.sessions.begin(owner)
        kept = session.state.subscriptions
        if identity not in kept and len(kept) >= MAX_SUBSCRIPTIONS:
            raise Refusal(FAILED, "too many subscriptions")
        kept[identity] = [
            {**one, "statisticId": one.get("statisticId") or uuid(self._world.rng)}
            for one in wanted
        ]
        self._tell_values(session, identity)
        data: Data = {"operationId": identity, "subscriptionId": identity}
        if request.query.get("verbose") != "OFF":
            data["statistics"] = self._report(kept[identity], identity)
        response = done(data)
        if began:
            self.sessions.remember(session, response)
        return response

    def _found(self, request: web.Request) -> tuple[Session[StatisticsState], str]:
        _, session = self._rest(request)
        identity = request.match_info["id"]
        if session is None or identity not in session.state.subscriptions:
            raise Refusal(NOT_FOUND, "the subscription was not found")
        return session, identity

    async def _unsubscribe(self, request: web.Request) -> web.Response:
        session, identity = self._found(request)
        del session.state.subscriptions[identity]
        return done({"subscriptionId": identity})

    async def _peek(self, request: web.Request) -> web.Response:
        """The values of a subscription; `statisticIds` repeats, or is joined by commas, as clients differ."""
        session, identity = self._found(request)
        joined = request.query.getall("statisticIds", [])
        wanted = {one for part in joined for one in part.split(",") if one}
        statistics = session.state.subscriptions[identity]
        if wanted:
            statistics = [one for one in statistics if one["statisticId"] in wanted]
        values = self._report(statistics, identity)
        return done({"subscriptionId": identity, "statistics": values})

    async def _value(self, request: web.Request) -> web.Response:
        self._rest(request)
        one = {"name": request.match_info["name"], **request.query}
        if not _is_statistic(one):
            raise Refusal(BAD_REQUEST, "objectId and objectType are needed")
        return done({"statistic": {**one, "value": self._current(one)}})

    async def _values_without(self, request: web.Request) -> web.Response:
        self._rest(request)
        wanted = parameters(await read_body(request)).get("statistics")
        if not isinstance(wanted, list) or not all(map(_is_statistic, wanted)):
            raise Refusal(
                BAD_REQUEST, "a statistic needs objectId, objectType and name or definition"
            )
        return done({"statistics": [{**one, "value": self._current(one)} for one in wanted]})


_SHOWN = ("statisticId", "name", "objectId", "objectType")


@dataclass(frozen=True, slots=True)
class _Asked:
    handshake: bool
    subscriptions: list[str]


def _channels(content: bytes) -> _Asked:
    """Whether a request shakes hands, and what it subscribes to; what is not Bayeux asks for nothing."""
    try:
        decoded = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _Asked(False, [])
    found = decoded if isinstance(decoded, list) else [decoded]
    sent = [one for one in found if isinstance(one, dict)]
    wanted: list[str] = []
    for one in sent:
        if one.get("channel") == "/meta/subscribe":
            listed = one.get("subscription")
            wanted += [str(name) for name in (listed if isinstance(listed, list) else [listed])]
    return _Asked(any(one.get("channel") == "/meta/handshake" for one in sent), wanted)


def _exists(pattern: str) -> bool:
    return any(matches(pattern, channel) for channel in (SERVICE, UPDATES))


def _is_statistic(one: object) -> bool:
    if not isinstance(one, dict):
        return False
    has = all(isinstance(one.get(key), str) and one[key] for key in ("objectId", "objectType"))
    return has and bool(one.get("name") or one.get("definition"))


def _plain_error(request: web.Request, message: str) -> Data:
    return {
        "timestamp": int(time.time() * 1000),
        "status": FAILED,
        "error": "Internal Server Error",
        "message": message,
        "path": request.path,
    }
