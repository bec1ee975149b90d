"""The life of agent sessions: start, join, end.

Source: NICE inContact Agent API, "Agent Sessions"; FAQ, "Agent API Questions". Getting events is the feed's, which
holds requests; these answer at once.
"""

from __future__ import annotations

from connectors.nice_incontact._simulated.calls import Calls
from connectors.nice_incontact._simulated.model import DISCONNECTED, UNAVAILABLE, Agent
from connectors.nice_incontact._simulated.requests import (
    ACCEPTED,
    BAD_REQUEST,
    CONFLICT,
    FORBIDDEN,
    NOT_FOUND,
    Answered,
    Call,
    Reply,
    Router,
)
from connectors.nice_incontact._simulated.sessions import AgentSession, AgentSessions
from connectors.nice_incontact._simulated.world import World

SHORTEST, LONGEST, USUAL = 30, 300, 300


class SessionCalls:
    """Handlers about sessions as such."""

    def __init__(self, world: World, calls: Calls, sessions: AgentSessions) -> None:
        self._world = world
        self._calls = calls
        self._sessions = sessions

    def serve(self, router: Router) -> None:
        """Add the routes."""
        router.add("POST", "agent-sessions", "AgentApi", self._start)
        router.add("POST", "agent-sessions/join", "AgentApi", self._join)
        router.add("DELETE", "agent-sessions/{sid}", "AgentApi", self._end)

    def end_inactive(self, session: AgentSession) -> None:
        """Nobody uses it: it ends, or as soon as the contacts that are open have ended."""
        agent = session.agent
        if agent.contacts and not session.force_logout:
            if agent.next_state != (UNAVAILABLE, ""):
                self._world.ask_for_state(agent, UNAVAILABLE, "")
            return
        self._calls.end_all(agent)
        self._calls.end_leg(agent)
        self._world.log_out(agent)

    def session(self, call: Call) -> AgentSession:
        """The session a path names. Raises Answered: nobody knows it, or it is over."""
        found = self._sessions.find(call.parts["sid"])
        if found is None:
            raise Answered(NOT_FOUND, "Invalid agent session")
        session = found[0]
        self._check_right(call, session.agent)
        if session.ended_at is not None:
            raise Answered(NOT_FOUND, "Invalid agent session")
        return session

    def _check_right(self, call: Call, agent: Agent) -> None:
        caller = call.caller.agent
        if caller is None or (caller is not agent and not caller.may_impersonate):
            raise Answered(FORBIDDEN, "Forbidden")

    def _whose(self, call: Call) -> Agent:
        named = call.text("asAgentId")
        caller = call.caller.agent
        if caller is None:
            raise Answered(FORBIDDEN, "Forbidden")
        if not named:
            return caller
        agent = self._world.agents.get(int(named)) if named.isdecimal() else None
        if agent is None:
            raise Answered(BAD_REQUEST, "Invalid parameter 'asAgentId'")
        self._check_right(call, agent)
        return agent

    def _start(self, call: Call) -> Reply:
        agent = self._whose(call)
        station, phone = call.text("stationId"), call.text("stationPhoneNumber")
        timeout = call.number("inactivityTimeout", 0)
        if timeout and not SHORTEST <= timeout <= LONGEST:
            raise Answered(BAD_REQUEST, "Invalid parameter 'inactivityTimeout'")
        if not station and not phone:
            raise Answered(BAD_REQUEST, "InvalidPhoneNumberOrStation")
        if station and not phone and not station.isdecimal():
            raise Answered(BAD_REQUEST, "Invalid parameter 'stationId', must be type Int32")
        if agent.session is not None:
            raise Answered(CONFLICT, "Agent session is already started")
        for other in self._world.agents.values():
            if other.session is not None and phone and other.phone == phone:
                raise Answered(BAD_REQUEST, "PhoneNumberInUse")
            if other.session is not None and station and not phone and other.station_id == station:
                raise Answered(BAD_REQUEST, "StationIDInUse")
        session = self._world.log_in(agent, station="" if phone else station, phone=phone)
        session.timeout_seconds = timeout or USUAL
        session.force_logout = call.flag("inactivityForceLogout")
        first = self._sessions.join(session, _owner(call), started=True)
        self._world.leave_alone(agent)
        self._world.greet(agent)
        return Reply(ACCEPTED, {"sessionId": first})

    def _join(self, call: Call) -> Reply:
        agent = self._whose(call)
        if agent.session is None:
            raise Answered(CONFLICT, "Invalid agent session")
        joined = self._sessions.join(agent.session, _owner(call), started=False)
        return Reply(ACCEPTED, {"sessionId": joined})

    def _end(self, call: Call) -> Reply:
        agent = self.session(call).agent
        if agent.contacts and not call.flag("endContacts") and not call.flag("forceLogoff"):
            raise Answered(CONFLICT, "Contacts are still open")
        waiting = any(
            one.call_type == "PersonalQueue" and one.status != DISCONNECTED
            for one in agent.contacts.values()
        )
        if waiting and not call.flag("ignorePersonalQueue"):
            raise Answered(CONFLICT, "The personal queue is not empty")
        self._calls.end_all(agent)
        self._calls.end_leg(agent)
        self._world.leave_alone(agent)
        self._world.log_out(agent)
        return Reply(ACCEPTED)


def _owner(call: Call) -> str:
    return call.caller.agent.username if call.caller.agent else ""
