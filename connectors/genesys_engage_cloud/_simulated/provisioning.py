"""The Provisioning API of the simulated Engage Cloud: users and skills, asynchronous operations, changes.

CometD has one subscription, the wildcard `/*`. What a message is about stands inside: `data.channel` is `operations`
for the result of an asynchronous operation, `objects` for a change of a watched object.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec
from aiohttp import web

from connectors._simulation.bayeux_server import BayeuxServer
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
    FORBIDDEN,
    NOT_FOUND,
    NOT_IMPLEMENTED,
    Outcome,
    Refusal,
    World,
)

Data = dict[str, Any]
ROOT = "/provisioning/v3"
NOTIFICATIONS = f"{ROOT}/notifications"
COOKIE = "PROVISIONING_SESSIONID"
CHANNEL = "/provisioning"
SKILLS = ("Billing", "English", "French", "Technical", "Retention")
MAX_USERS = 10_000


@dataclass(slots=True)
class ProvisioningState:
    """What the server keeps of a provisioning session."""

    watched: set[str] = field(default_factory=set)
    """Types of objects whose changes are told."""


class Provisioning:
    """Routes of the Provisioning API, and the objects."""

    def __init__(self, world: World, auth: Auth, feed: BayeuxServer) -> None:
        self._world = world
        self._auth = auth
        self.feed = feed
        self.sessions: Sessions[ProvisioningState] = Sessions(
            COOKIE, world.settings.http_session_seconds, ProvisioningState
        )
        self.users: dict[str, Data] = {
            str(agent.dbid): {
                "DBID": agent.dbid,
                "userName": agent.username,
                "firstName": agent.first_name,
                "lastName": "Simulated",
                "employeeId": agent.employee_id,
                "enabled": True,
                "skills": [{"name": SKILLS[agent.dbid % len(SKILLS)], "level": 5}],
            }
            for agent in world.agents.values()
        }

    def routes(self) -> list[web.RouteDef]:
        """Everything below /provisioning/v3."""
        routes = [
            web.route("*", NOTIFICATIONS, self._notifications),
            web.route("*", NOTIFICATIONS + "/{suffix:.*}", self._notifications),
            web.post(f"{ROOT}/initialize-provisioning", self._initialize),
            web.get(f"{ROOT}/initialize-provisioning", self._initialize),
            web.post(f"{ROOT}/logout", self._logout),
            web.get(f"{ROOT}/logout", self._logout),
            web.post(f"{ROOT}/operations/watch-objects", self._watch),
            web.delete(f"{ROOT}/operations/watch-objects", self._unwatch),
            web.post(f"{ROOT}/operations/inactivity", self._inactivity),
            web.route("*", f"{ROOT}/operations/{{name}}", self._operation),
            web.get(f"{ROOT}/objects/{{type}}", self._objects),
        ]
        for path in (f"{ROOT}/users", f"{ROOT}/objects/users"):
            routes += [
                web.get(path, self._users),
                web.post(path, self._add_user),
                web.get(f"{path}/{{dbid}}", self._user),
                web.put(f"{path}/{{dbid}}", self._change_user),
                web.delete(f"{path}/{{dbid}}", self._remove_user),
            ]
        # The users' own paths come before the general one of objects.
        return sorted(routes, key=lambda route: "{type}" in route.path)

    def _session(self, request: web.Request) -> Session[ProvisioningState]:
        session = self.sessions.find(request)
        if session is None:
            raise Refusal(FORBIDDEN, "there is no provisioning session")
        return session

    async def _initialize(self, request: web.Request) -> web.Response:
        body = await read_body(request) if request.method == "POST" else {}
        given = parameters(body) | body
        if code := given.get("code", request.query.get("code")):
            target = given.get("redirectUri", request.query.get("redirect_uri", ""))
            owner = self._auth.redeem(str(code), str(target))
        else:
            owner = self._auth.require_owner(request)
        session = self.sessions.begin(owner)
        response = done({"sessionId": session.id})
        self.sessions.remember(session, response)
        response.set_cookie("AWSALB", session.id[:8], path="/")
        return response

    async def _logout(self, request: web.Request) -> web.Response:
        session = self._session(request)
        self.sessions.end(session)
        self.feed.forget(context=session.id)
        return done()

    async def _notifications(self, request: web.Request) -> web.StreamResponse:
        session = self._session(request)
        return await self.feed.handle(
            request, session.owner, session.id, withheld=request[WITHHELD]
        )

    def _tell(self, session: Session[ProvisioningState], channel: str, data: Data) -> None:
        body = {"channel": channel, "data": data}
        self._world.send(self.feed, session.owner, CHANNEL, body, context=session.id)

    def _inner(self, body: Data) -> object:
        """The innermost data: text for the vendor's JavaScript client, an object for the Java client."""
        if self._world.settings.provisioning_data == "string":
            return msgspec.json.encode(body).decode()
        return body

    async def _operation(self, request: web.Request) -> web.Response:
        """An asynchronous operation: accepted now, its result comes under the id that the client made."""
        session, name = self._session(request), request.match_info["name"]
        identity = request.query.get("_aioId")
        if not identity:
            raise Refusal(BAD_REQUEST, "_aioId is missing")
        if name == "get-users":
            result: Data = self._page(request)
        elif name == "get-used-skills":
            result = {"skills": self._used_skills()}
        elif name == "stub":
            result = {}
        else:
            raise Refusal(NOT_IMPLEMENTED, f"operations/{name} is not implemented")
        data = {
            "id": identity,
            "path": f"/operations/{name}",
            "data": {
                "statusCode": 200,
                "data": self._inner({"status": {"code": 0}, "data": result}),
            },
        }
        delay = self._world.rng.uniform(0, self._world.settings.command_delay_ms / 1000)
        self._world.agenda.after(delay, lambda: self._tell(session, "operations", data))
        return reply(Outcome().body())

    def _page(self, request: web.Request) -> Data:
        query = request.query
        found = list(self.users.values())
        if wanted := query.get("skills"):
            names = set(wanted.split(","))
            found = [one for one in found if names & {skill["name"] for skill in one["skills"]}]
        try:
            offset, limit = int(query.get("offset", "0")), int(query.get("limit", "100"))
        except ValueError:
            raise Refusal(BAD_REQUEST, "offset and limit are numbers") from None
        return {"users": found[offset : offset + limit], "totalCount": len(found)}

    def _used_skills(self) -> list[Data]:
        used = {skill["name"] for one in self.users.values() for skill in one["skills"]}
        return [{"DBID": 301 + SKILLS.index(name), "name": name} for name in sorted(used)]

    async def _watch(self, request: web.Request) -> web.Response:
        session = self._session(request)
        types = parameters(await read_body(request)).get("types")
        if not isinstance(types, list) or not types:
            raise Refusal(BAD_REQUEST, "types is missing")
        session.state.watched = {str(one) for one in types}
        return done()

    async def _unwatch(self, request: web.Request) -> web.Response:
        self._session(request).state.watched.clear()
        return done()

    async def _inactivity(self, request: web.Request) -> web.Response:
        self._session(request)
        return done()

    async def _objects(self, request: web.Request) -> web.Response:
        self._session(request)
        kind, agents = request.match_info["type"], self._world.agents.values()
        objects: dict[str, list[Data]] = {
            "skills": [{"DBID": 301 + index, "name": name} for index, name in enumerate(SKILLS)],
            "agent-groups": [{"DBID": 201, "name": "Support"}],
            "dns": [{"DBID": 500 + agent.dbid, "number": agent.number} for agent in agents],
            "dn-groups": [{"DBID": 401, "name": "Phones"}],
        }
        if kind not in objects:
            raise Refusal(NOT_FOUND, f"there are no objects of type {kind}")
        return done({kind: objects[kind], "totalCount": len(objects[kind])})

    async def _users(self, request: web.Request) -> web.Response:
        self._session(request)
        return done(self._page(request))

    def _one(self, request: web.Request) -> tuple[str, Data]:
        session, dbid = self._session(request), request.match_info["dbid"]
        if dbid == "me":
            names = {one["userName"]: key for key, one in self.users.items()}
            dbid = names.get(session.owner, "")
        if dbid not in self.users:
            raise Refusal(NOT_FOUND, "the user was not found")
        return dbid, self.users[dbid]

    async def _user(self, request: web.Request) -> web.Response:
        return done({"user": self._one(request)[1]})

    async def _add_user(self, request: web.Request) -> web.Response:
        self._session(request)
        data = parameters(await read_body(request))
        if not isinstance(data.get("userName"), str) or len(self.users) >= MAX_USERS:
            raise Refusal(BAD_REQUEST, "userName is missing, or there are too many users")
        dbid = str(max(map(int, self.users), default=100) + 1)
        self.users[dbid] = {"skills": [], "enabled": True, **data, "DBID": int(dbid)}
        self.tell_change("users", "create", self.users[dbid])
        return done({"user": self.users[dbid]})

    async def _change_user(self, request: web.Request) -> web.Response:
        _, user = self._one(request)
        user |= {**parameters(await read_body(request)), "DBID": user["DBID"]}
        self.tell_change("users", "update", user)
        return done({"user": user})

    async def _remove_user(self, request: web.Request) -> web.Response:
        dbid, user = self._one(request)
        del self.users[dbid]
        self.tell_change("users", "delete", user)
        return done()

    def tell_change(self, kind: str, operation: str, changed: Data) -> None:
        """Tell whoever watches objects of the kind."""
        owners = self.feed.owners
        for session in self.sessions.alive:
            if kind in session.state.watched and session.owner in owners:
                change = {"type": kind, "operation": operation, "object": changed}
                dbid = str(changed.get("DBID", ""))
                data = {
                    "id": dbid,
                    "path": f"/objects/{kind}/{dbid}",
                    "data": {"data": self._inner({"status": {"code": 0}, "data": change})},
                }
                self._tell(session, "objects", data)

    def change(self) -> None:
        """A user's skills change by themselves, if anybody watches."""
        if not self.users or not any(one.state.watched for one in self.sessions.alive):
            return
        rng = self._world.rng
        user = self.users[rng.choice(list(self.users))]
        user["skills"] = [{"name": rng.choice(SKILLS), "level": rng.randrange(1, 10)}]
        self.tell_change("users", "update", user)
