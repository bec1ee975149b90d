"""The Workspace API of the simulated Engage Cloud: session, notifications, voice, media."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from connectors._simulation.bayeux_session import ServerSession
from connectors.genesys_engage_cloud._simulated import media_operations, messages
from connectors.genesys_engage_cloud._simulated.auth import Auth
from connectors.genesys_engage_cloud._simulated.calls import Telephony
from connectors.genesys_engage_cloud._simulated.http import (
    WITHHELD,
    done,
    parameters,
    read_body,
    reply,
)
from connectors.genesys_engage_cloud._simulated.media import Media
from connectors.genesys_engage_cloud._simulated.messages import ROOT
from connectors.genesys_engage_cloud._simulated.model import Agent
from connectors.genesys_engage_cloud._simulated.sessions import Session, Sessions
from connectors.genesys_engage_cloud._simulated.world import (
    FORBIDDEN,
    NOT_FOUND,
    Outcome,
    Refusal,
    World,
)

Data = dict[str, Any]
Call = Callable[[Agent, Data, Data], Outcome]
Handler = Callable[[web.Request], Awaitable[web.Response]]
NOTIFICATIONS = f"{ROOT}/notifications"
COOKIE = "WORKSPACE_SESSIONID"
MAX_TOLD = 16
LOGOUT_SECONDS = 0.1
"""A logout leaves the feed so long to tell that the agent is out, then it ends."""
_VOICE = (
    "ready not-ready login logout dnd-on dnd-off set-forward cancel-forward activate deactivate"
)
_MEDIA = "ready not-ready logout dnd-on dnd-off activate deactivate"


@dataclass(slots=True)
class WorkspaceState:
    """What the server keeps of a workspace session."""

    began_at: float = field(default_factory=time.time)
    told: deque[str] = field(default_factory=lambda: deque(maxlen=MAX_TOLD))
    """Bayeux sessions that know how the initialization went, the newest of them."""
    reporting: dict[str, list[Data]] = field(default_factory=dict)
    """Statistics by subscription."""


Workspaces = Sessions[WorkspaceState]


class Workspace:
    """Routes of the Workspace API; the families of directory and workbins are in `families.py`."""

    def __init__(
        self, world: World, auth: Auth, telephony: Telephony, media: Media, sessions: Workspaces
    ) -> None:
        self.world = world
        self._auth = auth
        self._telephony = telephony
        self._media = media
        self.sessions = sessions

    def routes(self) -> list[web.RouteDef]:
        """Everything below /workspace/v3 that this file serves."""
        world, telephony = self.world, self._telephony
        routes = [
            web.route("*", NOTIFICATIONS, self._notifications),
            web.route("*", NOTIFICATIONS + "/{suffix:.*}", self._notifications),
            web.post(f"{ROOT}/initialize-workspace", self._initialize),
            web.get(f"{ROOT}/login", self._login),
            web.post(f"{ROOT}/logout", self._logout),
            web.get(f"{ROOT}/logout", self._logout),
            web.get(f"{ROOT}/current-session", self._current_session),
            web.get(f"{ROOT}/auth-keep-alive", self._keep_alive),
            web.get(f"{ROOT}/userinfo", self._userinfo),
            web.get(f"{ROOT}/info", self._version),
            web.get(f"{ROOT}/version", self._version),
            web.get(f"{ROOT}/configuration", self._configuration),
            web.get(f"{ROOT}/configuration/business-attribute/{{id}}", self._configuration),
            web.get(f"{ROOT}/configuration/places/{{place}}/dns", self._dns),
            web.get(f"{ROOT}/voice/calls", self._calls),
            web.get(f"{ROOT}/media/{{type}}/interactions/{{id}}/messages", self._chat_messages),
            web.post(f"{ROOT}/voice/calls/{{id}}/{{operation}}", self._call),
            web.post(f"{ROOT}/media/{{type}}/interactions/{{id}}/{{operation}}", self._interaction),
            web.post(
                f"{ROOT}/media/{{type}}/interactions/{{id}}/assign-contact/{{argument}}",
                self._with_argument("assign-contact", "contactId"),
            ),
            web.post(f"{ROOT}/media/{{type}}/interactions/create", self._create),
            web.post(f"{ROOT}/media/topics/{{topic}}/publish", self._publish),
            web.post(f"{ROOT}/media/{{type}}/{{operation}}", self._one_media),
            self.post("activate-channels", lambda agent, data, _: world.activate(agent, data)),
            self.post("voice/make-call", lambda agent, data, _: telephony.make_call(agent, data)),
            self.post(
                "voice/send-user-event",
                lambda agent, data, _: telephony.send_user_event(agent, data),
            ),
        ]
        routes += [self.post(f"voice/{name}", self._voice(name)) for name in _VOICE.split()]
        routes += [self.post(f"media/{name}", self._all_media(name)) for name in _MEDIA.split()]
        routes += [
            self.post(f"voice/{name}", self._monitor(name))
            for name in ("start-monitoring", "stop-monitoring")
        ]
        return routes

    def post(self, path: str, call: Call) -> web.RouteDef:
        """A route for a command: its reply says accepted, its effect comes on the feed."""

        async def handle(request: web.Request) -> web.Response:
            agent, body = self.agent(request), await read_body(request)
            if path.startswith("voice"):
                self.world.require("VOICE")
            return self.answer(agent, call(agent, parameters(body), body), body)

        return web.post(f"{ROOT}/{path}", handle)

    def answer(self, agent: Agent, outcome: Outcome, body: Data) -> web.Response:
        """Carry the outcome out and answer; operationId is echoed in both."""
        operation_id = body.get("operationId")
        self.world.carry_out(agent, outcome, operation_id)
        return reply(outcome.body(operation_id))

    def session(self, request: web.Request) -> Session[WorkspaceState]:
        """The workspace session of the request's cookie. Raises Refusal: 403."""
        session = self.sessions.find(request)
        if session is None:
            raise Refusal(FORBIDDEN, "there is no workspace session")
        return session

    def agent(self, request: web.Request) -> Agent:
        """The agent of the workspace session. Raises Refusal: 403."""
        return self.world.agents[self.session(request).owner]

    async def _initialize(self, request: web.Request) -> web.Response:
        code, redirect_uri = request.query.get("code"), request.query.get("redirect_uri", "")
        auth = self._auth
        owner = auth.redeem(code, redirect_uri) if code else auth.require_owner(request)
        agent = self.world.agents.get(owner)
        if agent is None:
            raise Refusal(FORBIDDEN, "the access token is not that of a user")
        if self.world.settings.one_session_per_agent:
            for session in self.sessions.of(owner):
                self._end(session)
        session = self.sessions.begin(owner)
        seconds = self.world.settings.initialization_seconds
        if seconds:
            self.world.agenda.after(seconds, lambda: self._tell_end(session))
        response = reply(Outcome().body())
        self.sessions.remember(session, response)
        return response

    def _end(self, session: Session[WorkspaceState]) -> None:
        self.sessions.end(session)
        self.world.bayeux.forget(context=session.id)

    def subscribed(self, feed_session: ServerSession) -> None:
        """Tell a new listener how far the initialization is: before the reply to its subscription."""
        session = self.sessions.get(feed_session.context)
        if session is None or not feed_session.listens_to(messages.INITIALIZATION):
            return
        if feed_session.client_id in session.state.told:
            return
        session.state.told.append(feed_session.client_id)
        now, began = time.time(), session.state.began_at
        self._tell(session, messages.progress_message("Executing", 50, int(began * 1000)))
        if now >= began + self.world.settings.initialization_seconds:
            self._tell_end(session)

    def _tell_end(self, session: Session[WorkspaceState]) -> None:
        began = int(session.state.began_at * 1000)
        if self.world.settings.initialization_fails:
            self._tell(session, messages.progress_message("Failed", 50, began))
            return
        user = messages.user_resource(self.world.agents[session.owner])
        self._tell(session, messages.complete_message(user, configuration()))

    def _tell(self, session: Session[WorkspaceState], data: Data) -> None:
        world, topic = self.world, messages.INITIALIZATION
        world.send(world.bayeux, session.owner, topic, data, context=session.id)

    async def _notifications(self, request: web.Request) -> web.StreamResponse:
        session = self.session(request)
        return await self.world.bayeux.handle(
            request, session.owner, session.id, withheld=request[WITHHELD]
        )

    async def _login(self, request: web.Request) -> web.Response:
        target = request.query.get("redirect_uri", "/")
        return web.Response(status=302, headers={"Location": target})

    async def _logout(self, request: web.Request) -> web.Response:
        session = self.session(request)
        self.world.log_out(self.world.agents[session.owner])
        self.world.agenda.after(LOGOUT_SECONDS, lambda: self._end(session))
        return done()

    async def _current_session(self, request: web.Request) -> web.Response:
        session = self.session(request)
        agent, world = self.world.agents[session.owner], self.world
        if time.time() < session.state.began_at + world.settings.silent_seconds:
            raise Refusal(FORBIDDEN, "there is no active session")
        complete = time.time() >= session.state.began_at + world.settings.initialization_seconds
        user = messages.user_resource(agent)
        if agent.logged_in or agent.interactions:
            user["activeSession"] = messages.active_session(agent, world.now())
        return done(
            {"pending-login-async": {"state": "Complete" if complete else "Executing"}}
            | {"user": user}
        )

    async def _keep_alive(self, request: web.Request) -> web.Response:
        self.session(request)
        return done()

    async def _userinfo(self, request: web.Request) -> web.Response:
        return done({"user": messages.user_resource(self.agent(request))})

    async def _version(self, _request: web.Request) -> web.Response:
        return done({"version": "9.0.000.97.4639"})

    async def _configuration(self, request: web.Request) -> web.Response:
        self.session(request)
        wanted = request.query.get("types")
        known = configuration()
        if wanted is None:
            return done(known)
        return done({name: known[name] for name in wanted.split(",") if name in known})

    async def _dns(self, request: web.Request) -> web.Response:
        agent = self.agent(request)
        if request.match_info["place"] != agent.place:
            raise Refusal(NOT_FOUND, "the place was not found")
        return done({"dns": [{"number": agent.number, "switchName": "SIP_Switch"}]})

    async def _calls(self, request: web.Request) -> web.Response:
        agent, now = self.agent(request), self.world.now()
        calls = [messages.call_resource(agent, call, now) for call in agent.calls.values()]
        return done({"calls": calls})

    async def _call(self, request: web.Request) -> web.Response:
        agent, body = self.agent(request), await read_body(request)
        self.world.require("VOICE")
        call_id, name = request.match_info["id"], request.match_info["operation"]
        return self.answer(
            agent, self._telephony.operate(agent, call_id, name, parameters(body)), body
        )

    def _voice(self, name: str) -> Call:
        return lambda agent, data, body: self.world.operate_on_voice(agent, name, data, body)

    def _monitor(self, name: str) -> Call:
        return lambda agent, data, _body: self._telephony.monitor(agent, name, data)

    def _all_media(self, name: str) -> Call:
        def call(agent: Agent, _data: Data, body: Data) -> Outcome:
            self.world.require("IXN")
            return self.world.operate_on_media(agent, list(agent.channels), name, body)

        return call

    def _type(self, request: web.Request, agent: Agent) -> str:
        self.world.require("IXN")
        media = request.match_info["type"]
        if media not in agent.channels:
            raise Refusal(NOT_FOUND, f"there is no media {media}")
        return media

    async def _one_media(self, request: web.Request) -> web.Response:
        agent, body = self.agent(request), await read_body(request)
        media, name = self._type(request, agent), request.match_info["operation"]
        if name in {"start-monitoring", "stop-monitoring"}:
            outcome = media_operations.monitor(self._media, agent, name, parameters(body))
        else:
            outcome = self.world.operate_on_media(agent, [media], name, body)
        return self.answer(agent, outcome, body)

    async def _publish(self, request: web.Request) -> web.Response:
        agent, body = self.agent(request), await read_body(request)
        self.world.require("IXN")
        outcome = media_operations.publish(self._media, agent, parameters(body))
        return self.answer(agent, outcome, body)

    async def _create(self, request: web.Request) -> web.Response:
        agent, body = self.agent(request), await read_body(request)
        kind = self._type(request, agent)
        outcome = media_operations.create(self._media, agent, kind, parameters(body))
        return self.answer(agent, outcome, body)

    async def _interaction(self, request: web.Request) -> web.Response:
        agent, body = self.agent(request), await read_body(request)
        media, name = self._type(request, agent), request.match_info["operation"]
        found = request.match_info["id"]
        outcome = media_operations.operate(self._media, agent, media, found, name, parameters(body))
        return self.answer(agent, outcome, body)

    def _with_argument(self, name: str, key: str) -> Handler:
        """An operation whose argument stands in the path."""

        async def handle(request: web.Request) -> web.Response:
            agent, body = self.agent(request), await read_body(request)
            media, found = self._type(request, agent), request.match_info["id"]
            data = {key: request.match_info["argument"]}
            outcome = media_operations.operate(self._media, agent, media, found, name, data)
            return self.answer(agent, outcome, body)

        return handle

    async def _chat_messages(self, request: web.Request) -> web.Response:
        interaction = self.agent(request).interactions.get(request.match_info["id"])
        if interaction is None:
            raise Refusal(NOT_FOUND, "the interaction was not found")
        return done({"messages": interaction.messages})


def configuration() -> Data:
    """What GET /configuration tells, and the end of the initialization."""
    codes = [("Lunch", "lunch"), ("Training", "training")]
    return {
        "actionCodes": [
            {"name": name, "code": code, "type": "NotReady", "userProperties": []}
            for name, code in codes
        ],
        "agentGroups": [{"DBID": 201, "name": "Support", "userProperties": []}],
        "settings": [],
        "workspaceTransactions": [],
        "businessAttributes": [{"id": 1, "name": "MediaType", "displayName": "Media type"}],
    }
