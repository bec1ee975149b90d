"""The requests of an agent session: join, start, and the poll for the next events.

Every answer with events names the session anew; the new name is the place from which the next poll
goes on. A poll with an older name of the same session is answered with the current states instead of
what was missed.
Source: NICE inContact method reference, "Agent Sessions" and "Get Next Event"; developer portal,
"Using Events"; FAQ, "Agent API Questions".
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from connectors._wire.exchange import Reply
from connectors._wire.json_values import fields
from connectors.nice_incontact.answers import decoded, error_code, said
from connectors.nice_incontact.client import Api
from connectors.nice_incontact.session.polled import Life, Polled
from connectors.nice_incontact.settings import Agent, Sessions
from connectors.nice_incontact.vendor import JOIN, NEXT_EVENT, SESSIONS
from gateway.errors import (
    AuthRejected,
    CommandUncertain,
    ConfigError,
    NotReady,
    ProtocolViolation,
    Reason,
    TielineError,
)

MAX_SESSION_ID = 4096
_NOTHING = frozenset({HTTPStatus.NOT_MODIFIED, HTTPStatus.NO_CONTENT})
_NOT_OURS = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.FORBIDDEN, HTTPStatus.BAD_REQUEST})
"""No such session, somebody else's, or no name of one at all: joining tells what is the matter."""
_TAKEN = ("phonenumberinuse", "stationidinuse", "in use", "limit")


def session_path(cursor: str, *rest: str) -> str:
    """A path below a session."""
    return "/".join((SESSIONS, quote(cursor, safe=""), *rest))


class SessionRequests:
    """The requests of one agent's session. `agent_as` is whom the token's user stands in for, empty for itself."""

    def __init__(self, api: Api, agent: Agent, sessions: Sessions) -> None:
        self._api = api
        self._agent = agent
        self._sessions = sessions

    async def join(self) -> str | None:
        """Join the session that the agent has; None if there is none.

        Raises AuthRejected, ConfigError, NotReady, ProtocolViolation.
        """
        reply = await self._send(JOIN, {"asAgentId": await self._as_agent()})
        if reply.status == HTTPStatus.CONFLICT:
            return None
        if reply.status == HTTPStatus.FORBIDDEN:
            raise self._forbidden(reply, JOIN)
        if reply.status == HTTPStatus.BAD_REQUEST:
            raise ConfigError(
                f"{self._api.peer} cannot join the session of agent {self._agent.agent_id}: "
                f"{said(reply)}",
                hint="check agent_id: it is a number, and of an agent of this business unit",
            )
        return self._name(reply, JOIN)

    async def start(self) -> str | None:
        """Start a session on the agent's station or phone; None if the agent has one. Raises as `join`."""
        reply = await self._send(SESSIONS, await self.start_body())
        if reply.status == HTTPStatus.CONFLICT:
            return None
        if reply.status == HTTPStatus.FORBIDDEN:
            raise self._forbidden(reply, SESSIONS)
        if reply.status == HTTPStatus.BAD_REQUEST:
            raise self._unusable(reply)
        return self._name(reply, SESSIONS)

    async def start_body(self) -> dict[str, Any]:
        """What a session is started with."""
        agent, sessions = self._agent, self._sessions
        body: dict[str, Any] = {
            "inactivityTimeout": sessions.inactivity_timeout_seconds,
            "inactivityForceLogout": sessions.inactivity_force_logout,
        }
        if agent.station_phone_number is not None:
            body["stationPhoneNumber"] = agent.station_phone_number
        elif agent.station_id is not None:
            body["stationId"] = agent.station_id
        if name := await self._as_agent():
            body["asAgentId"] = name
        return body

    async def poll(self, cursor: str, timeout_seconds: int) -> Polled:
        """Ask for the next events; held by the platform until there are some, or for the time given.

        Raises NotReady, AuthRejected, ConfigError, ProtocolViolation.
        """
        path = session_path(cursor, NEXT_EVENT)
        reply = await self._api.request(
            "GET",
            path,
            query={"timeout": timeout_seconds},
            changes=False,
            held_seconds=timeout_seconds,
        )
        if reply.status in _NOTHING:
            return Polled(life=Life.GOES_ON)
        if reply.status == HTTPStatus.CONFLICT:
            return Polled(life=Life.ENDED)
        if reply.status in _NOT_OURS:
            return Polled(life=Life.UNKNOWN)
        if reply.status != HTTPStatus.OK:
            raise self._api.refusal(reply, path)
        return self._read(reply)

    def _read(self, reply: Reply) -> Polled:
        found = decoded(reply)
        if not isinstance(found, dict):
            raise ProtocolViolation(
                f"{self._api.peer} answers a poll for events with something else than an object",
                hint="check sign_in.api_url; a proxy may stand before the API",
            )
        answer = fields(found)
        events = answer.get("events")
        return Polled(
            life=Life.GOES_ON,
            cursor=_name_of(answer),
            events=tuple(events) if isinstance(events, list) else (),
        )

    async def _send(self, path: str, body: dict[str, Any]) -> Reply:
        try:
            return await self._api.request("POST", path, body=body)
        except CommandUncertain as error:
            # A session that was started or joined all the same is joined by the next attempt.
            raise NotReady(error.message, reason=error.reason) from error

    async def _as_agent(self) -> str:
        """Whom to stand in for; nobody when the token is the agent's own."""
        await self._api.tokens.current()
        held = self._api.tokens.held
        own = held.agent_id if held is not None else None
        return "" if self._agent.signs_in or own == self._agent.agent_id else self._agent.agent_id

    def _name(self, reply: Reply, path: str) -> str:
        if not HTTPStatus.OK <= reply.status < HTTPStatus.MULTIPLE_CHOICES:
            raise self._api.refusal(reply, path)
        name = _name_of(fields(decoded(reply)))
        if not name:
            raise ProtocolViolation(f"{self._api.peer} answers {path} without a sessionId")
        return name

    def _forbidden(self, reply: Reply, path: str) -> TielineError:
        error = self._api.refusal(reply, path)
        if isinstance(error, ConfigError):
            return error
        return AuthRejected(
            f"{self._api.peer} does not let {self._api.tokens.who} follow agent "
            f"{self._agent.agent_id}: {said(reply) or 'HTTP 403'}",
            reason=Reason.FORBIDDEN,
            hint="give the user the permission to impersonate agents, or the agent credentials of its own",
        )

    def _unusable(self, reply: Reply) -> TielineError:
        words = " ".join(filter(None, (error_code(reply), said(reply))))
        if any(word in words.lower() for word in _TAKEN):
            return NotReady(
                f"{self._api.peer} cannot start a session of agent {self._agent.agent_id} now: {words}",
                reason=Reason.CONFLICT,
                hint="another session may use the station or phone",
            )
        return ConfigError(
            f"{self._api.peer} cannot start a session of agent {self._agent.agent_id}: {words}",
            hint="check station_id (a number), station_phone_number and sessions.inactivity_timeout_seconds",
        )


def _name_of(answer: dict[str, Any]) -> str:
    """A session's name. Unlike other texts it is taken whole: it is the place to go on from."""
    name = answer.get("sessionid")
    if isinstance(name, int) and not isinstance(name, bool):
        name = str(name)
    if not isinstance(name, str) or not name.isprintable() or len(name) > MAX_SESSION_ID:
        return ""
    return name
