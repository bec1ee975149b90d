"""The HTTP side of the simulated server: who may ask, what is answered, and the faults on the way."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Literal

import msgspec
from aiohttp import web

from connectors._simulation.disturbance import broken_reply, disturb
from connectors._simulation.faults import Fault, FaultPlan
from connectors.genesys_web_services._simulated import messages
from connectors.genesys_web_services._simulated.attachments import Attachments
from connectors.genesys_web_services._simulated.calls import Telephony
from connectors.genesys_web_services._simulated.interaction_operations import Desk
from connectors.genesys_web_services._simulated.interactions import Media
from connectors.genesys_web_services._simulated.model import AGENT_STATES, Agent
from connectors.genesys_web_services._simulated.sessions import COOKIE, HttpSession, HttpSessions
from connectors.genesys_web_services._simulated.world import (
    ACCESS_DENIED,
    FORBIDDEN,
    INVALID,
    MISSING,
    NOT_FOUND,
    Outcome,
    Refusal,
    World,
)

Data = dict[str, Any]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
SESSION = web.RequestKey("session", HttpSession)
REFERENCE = web.RequestKey("reference", str)
WITHHELD = web.RequestKey("withheld", bool)
ROOT = "/api/v2"
GUARDED = ("/api/v1", ROOT)
NOTIFICATIONS = f"{ROOT}/notifications"
LOGOUT_SECONDS = 0.1
"""EndContactCenterSession leaves the feed so long to tell that the agent is out, then it ends."""
EARLY_IN = 5
"""One in so many commands has its message before its reply."""


class Rest:
    """Routes and middleware of the server's own surface."""

    def __init__(
        self,
        world: World,
        telephony: Telephony,
        media: Media,
        sessions: HttpSessions,
        plan: FaultPlan,
    ) -> None:
        self._world = world
        self._telephony = telephony
        self._desk = Desk(world, media)
        self._attachments = Attachments(world, media)
        self._sessions = sessions
        self._plan = plan
        self.requests = 0

    def routes(self) -> list[web.RouteDef]:
        """Everything below the API's root."""
        me = f"{ROOT}/me"
        routes = [
            web.route("*", NOTIFICATIONS, self._notifications),
            web.route("*", NOTIFICATIONS + "/{suffix:.*}", self._notifications),
            web.get(f"{ROOT}/diagnostics/version", self._version),
            web.get(f"{ROOT}/settings/agent-states", self._agent_states),
            web.get(me, self._get_me),
            web.post(me, self._post_me),
            web.get(f"{me}/calls", self._list_calls),
            web.get(me + "/calls/{id}", self._get_call),
            web.post(me + "/calls/{id}", self._post_call),
            web.get(f"{me}/devices", self._list_devices),
            web.get(f"{me}/channels", self._list_channels),
            web.get(f"{me}/interactions", self._list_interactions),
            web.get(me + "/interactions/{id}", self._get_interaction),
            web.post(me + "/interactions/{id}", self._post_interaction),
            web.post(me + "/interactions", self._post_interactions),
            web.post(me + "/interactions/", self._post_interactions),
            web.post(me + "/workbins/{id}/interactions", self._post_workbin_content),
            *self._attachments.routes(me + "/interactions/{id}/attachments", SESSION),
        ]
        # The reference gives these paths with and without /me.
        for prefix in (me, ROOT):
            routes += [
                web.get(prefix + "/devices/{id}", self._get_device),
                web.post(prefix + "/devices/{id}", self._post_device),
                web.post(prefix + "/devices/{id}/calls", self._post_device_call),
                web.get(prefix + "/channels/{id}", self._get_channel),
                web.post(prefix + "/channels/{id}", self._post_channel),
            ]
        return routes

    @web.middleware
    async def guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Sign in, commit faults, check the CSRF token, turn refusals into replies."""
        if not request.path.startswith(GUARDED):
            return await handler(request)
        self.requests += 1
        session = self._sessions.find(request)
        is_new = session is None
        if session is None:
            session = self._sessions.sign_in(request)
        username = session.agent.username if session else ""
        target: Literal["feed", "rest"] = (
            "feed" if request.path.startswith(NOTIFICATIONS) else "rest"
        )
        disturbance = await disturb(self._plan, request, username, target)
        broken = disturbance.breaks
        if disturbance.skips:
            return self._broken(broken)
        if session is None:
            return _json({"statusCode": ACCESS_DENIED, "statusMessage": "Access denied"}, 403)
        request[WITHHELD] = broken is not None
        response = await self._answer(request, handler, session, target)
        if is_new:
            response.set_cookie(COOKIE, session.id, path="/", httponly=True)
        return self._broken(broken) if broken else response

    async def _answer(
        self, request: web.Request, handler: Handler, session: HttpSession, target: str
    ) -> web.StreamResponse:
        settings = self._world.settings
        guarded = target == "rest" or settings.csrf_on_notifications
        if settings.csrf and guarded and request.method != "GET":
            token = request.headers.get(settings.csrf_header)
            if token != session.csrf_token:
                what = "Missing" if token is None else "Invalid"
                return _json({"statusCode": FORBIDDEN, "statusMessage": f"{what} CSRF token"}, 403)
        request[SESSION] = session
        try:
            response = await handler(request)
        except Refusal as refusal:
            response = _json(refusal.outcome.body())
        except web.HTTPNotFound:
            response = _json({"statusCode": NOT_FOUND, "statusMessage": "Not found"}, 404)
        except web.HTTPMethodNotAllowed:
            response = _json({"statusCode": FORBIDDEN, "statusMessage": "Not allowed"}, 405)
        if settings.csrf and request.method == "GET":
            response.headers["X-CSRF-HEADER"] = settings.csrf_header
            response.headers["X-CSRF-TOKEN"] = session.csrf_token
        return response

    def _broken(self, fault: Fault | None) -> web.Response:
        own = {"statusCode": 4, "statusMessage": "Internal error"}
        return broken_reply(fault, self._world.rng, own)

    async def _notifications(self, request: web.Request) -> web.StreamResponse:
        session = request[SESSION]
        bayeux = self._world.bayeux
        return await bayeux.handle(
            request, session.agent.username, session.id, withheld=request[WITHHELD]
        )

    async def _version(self, _request: web.Request) -> web.Response:
        return _json({"statusCode": 0, "version": "8.5.202.96"})

    async def _agent_states(self, _request: web.Request) -> web.Response:
        states = [
            {"operationName": name, **messages.user_state(state)}
            for name, state in AGENT_STATES.items()
        ]
        return _json({"statusCode": 0, "settings": states})

    async def _get_me(self, request: web.Request) -> web.Response:
        agent = request[SESSION].agent
        user: Data = {
            "id": agent.id,
            "userName": agent.username,
            "firstName": agent.first_name,
            "lastName": "Simulated",
            "enabled": True,
            "roles": ["ROLE_AGENT"],
            "uri": f"{self._world.base}/users/{agent.id}",
        }
        wanted = set(request.query.get("subresources", "").split(","))
        parts = {
            name: value
            for name, value in self._subresources(agent).items()
            if "*" in wanted or name in wanted
        }
        return _json({"statusCode": 0, "user": user | parts})

    def _subresources(self, agent: Agent) -> Data:
        base, now = self._world.base, self._world.now()
        resources = [messages.interaction_resource(one) for one in agent.interactions.values()]
        return {
            "devices": [messages.device_resource(agent, base)],
            "channels": [
                messages.channel_resource(agent, name) for name in ("voice", *agent.channels)
            ],
            "calls": [
                messages.call_resource(agent, call, base, now) for call in agent.calls.values()
            ],
            "interactions": resources,
            "skills": [],
            "features": [],
        }

    async def _post_me(self, request: web.Request) -> web.Response:
        session, body = request[SESSION], await _body(request)
        agent, name = session.agent, body.get("operationName")
        if name == "StartContactCenterSession":
            channels = body.get("channels", ["voice"])
            if not isinstance(channels, list) or not channels:
                raise Refusal(MISSING, "channels is missing")
            outcome = self._world.start_session(agent, [str(channel) for channel in channels])
        elif name == "EndContactCenterSession":
            outcome = Outcome(then=lambda: self._end(session))
        elif name == "ChangePassword":
            outcome = self._world.change_password(agent, body)
        else:
            everything = ["voice", *agent.channels]
            outcome = self._world.operate_on_channels(agent, everything, body)
        return self._carry_out(request, outcome)

    def _end(self, session: HttpSession) -> None:
        self._world.log_out(session.agent)

        def end() -> None:
            self._sessions.end(session)
            self._world.bayeux.forget(context=session.id)

        self._world.agenda.after(LOGOUT_SECONDS, end)

    async def _list_calls(self, request: web.Request) -> web.Response:
        return self._list(request, "calls", "me/calls")

    async def _list_devices(self, request: web.Request) -> web.Response:
        return self._list(request, "devices", "devices")

    async def _list_channels(self, request: web.Request) -> web.Response:
        return self._list(request, "channels", "me/channels")

    async def _list_interactions(self, request: web.Request) -> web.Response:
        return self._list(request, "interactions", "interactions")

    def _list(self, request: web.Request, name: str, path: str) -> web.Response:
        """URIs, or whole resources when `fields` is given ("Object Fields")."""
        resources = self._subresources(request[SESSION].agent)[name]
        if "fields" in request.query:
            return _json({"statusCode": 0, name: resources})
        ids = [
            resource.get("id", resource["channel"] if name == "channels" else "")
            for resource in resources
        ]
        return _json({"statusCode": 0, "uris": [f"{self._world.base}/{path}/{one}" for one in ids]})

    async def _get_call(self, request: web.Request) -> web.Response:
        agent = request[SESSION].agent
        call = agent.calls.get(request.match_info["id"])
        if call is None:
            raise Refusal(NOT_FOUND, "the call was not found")
        world = self._world
        resource = messages.call_resource(agent, call, world.base, world.now())
        return _json({"statusCode": 0, "call": resource})

    async def _post_call(self, request: web.Request) -> web.Response:
        agent = request[SESSION].agent
        outcome = self._telephony.operate(agent, request.match_info["id"], await _body(request))
        return self._carry_out(request, outcome)

    def _own_device(self, request: web.Request) -> Agent:
        agent = request[SESSION].agent
        if request.match_info["id"] != agent.device_id:
            raise Refusal(NOT_FOUND, "the device was not found")
        return agent

    async def _get_device(self, request: web.Request) -> web.Response:
        device = messages.device_resource(self._own_device(request), self._world.base)
        return _json({"statusCode": 0, "device": device})

    async def _post_device(self, request: web.Request) -> web.Response:
        agent, body = self._own_device(request), await _body(request)
        return self._carry_out(request, self._world.operate_on_channels(agent, ["voice"], body))

    async def _post_device_call(self, request: web.Request) -> web.Response:
        agent, body = self._own_device(request), await _body(request)
        return self._carry_out(request, self._telephony.operate_on_device(agent, body))

    def _own_channel(self, request: web.Request) -> tuple[Agent, str]:
        agent, name = request[SESSION].agent, request.match_info["id"]
        if name not in {"voice", *agent.channels}:
            raise Refusal(NOT_FOUND, "the channel was not found")
        return agent, name

    async def _get_channel(self, request: web.Request) -> web.Response:
        agent, name = self._own_channel(request)
        return _json({"statusCode": 0, "channel": messages.channel_resource(agent, name)})

    async def _post_channel(self, request: web.Request) -> web.Response:
        agent, name = self._own_channel(request)
        outcome = self._world.operate_on_channels(agent, [name], await _body(request))
        return self._carry_out(request, outcome)

    async def _get_interaction(self, request: web.Request) -> web.Response:
        interaction = request[SESSION].agent.interactions.get(request.match_info["id"])
        if interaction is None:
            raise Refusal(NOT_FOUND, "the interaction was not found")
        resource = messages.interaction_resource(interaction)
        return _json({"statusCode": 0, "interaction": resource})

    async def _post_interaction(self, request: web.Request) -> web.Response:
        agent, body = request[SESSION].agent, await _body(request)
        outcome = self._desk.operate(agent, request.match_info["id"], body)
        return self._carry_out(request, outcome)

    async def _post_interactions(self, request: web.Request) -> web.Response:
        agent, body = request[SESSION].agent, await _body(request)
        return self._carry_out(request, self._desk.operate_on_all(agent, body))

    async def _post_workbin_content(self, request: web.Request) -> web.Response:
        agent, body = request[SESSION].agent, await _body(request)
        outcome = self._desk.put_into(agent, request.match_info["id"], body)
        return self._carry_out(request, outcome)

    def _carry_out(self, request: web.Request, outcome: Outcome) -> web.Response:
        """Answer now; the effect comes a little later, or a little earlier."""
        world = self._world
        world.leave_alone(request[SESSION].agent)
        effect = outcome.then
        if effect is not None:
            reference = request.get(REFERENCE) if world.settings.echo_references else None

            def apply() -> None:
                world.cause = reference
                try:
                    effect()
                finally:
                    world.cause = None

            delay = world.rng.uniform(0, world.settings.command_delay_ms / 1000)
            if world.rng.randrange(EARLY_IN):
                world.agenda.after(delay, apply)
            else:
                apply()
        return _json(outcome.body())


def _json(body: Data, status: int = 200) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(body), content_type="application/json", status=status
    )


async def _body(request: web.Request) -> Data:
    try:
        body = msgspec.json.decode(await request.read())
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Refusal(INVALID, "the body is not JSON") from None
    if not isinstance(body, dict):
        raise Refusal(INVALID, "the body is not an object")
    if isinstance(reference := body.get("referenceId"), str):
        request[REFERENCE] = reference
    return body
