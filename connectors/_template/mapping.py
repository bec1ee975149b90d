"""From changes of the exchange to canonical events. Pure: no I/O, no clock, and no input makes it raise.

A change's place is the log's name and its number there, so reading it twice gives the same ids. What
is not understood becomes `vendor.message`, whole.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET

from connectors._template.vendor import AGENT_STATES, CALL_STATES, DIRECTIONS
from connectors._wire.json_values import clean, fields, identifier, moment, objects, text
from connectors._wire.telling import Telling
from gateway.events import Event, Provenance
from gateway.events.agents import AgentStateData
from gateway.events.calls import Call
from gateway.events.common import Native, Party
from gateway.states import AgentState, ConnectionState, is_legal, is_legal_for_agent

_VERBS = {
    ConnectionState.INITIATED: "call.initiated",
    ConnectionState.ALERTING: "call.offered",
    ConnectionState.CONNECTED: "call.connected",
    ConnectionState.HELD: "call.held",
    ConnectionState.CLEARED: "call.ended",
}
Members = dict[str, Any]


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A place in the exchange's log: everything up to `number` of the log named `log` is told."""

    log: str
    number: int


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """An answer to a poll. `first` is the oldest number that the log still has, `next` where to go on."""

    log: str
    first: int
    next: int
    changes: list[Any]


class State(msgspec.Struct, kw_only=True):
    """The resume state: the place, when it was reached, and what is known there. Changes as events are told."""

    place: Place
    at: datetime
    agents: dict[str, AgentState] = msgspec.field(default_factory=dict)
    calls: dict[str, tuple[str | None, ConnectionState]] = msgspec.field(default_factory=dict)
    """Call to its agent and its state."""


def read_changes(body: Any) -> Changes | None:
    """The answer to a poll; none if it is something else."""
    found = fields(body)
    log, first, following = text(found.get("log")), _whole(found, "first"), _whole(found, "next")
    changes = found.get("changes")
    if log is None or first is None or following is None or not isinstance(changes, list):
        return None
    return Changes(log=log, first=first, next=following, changes=changes)


def read_place(body: Any) -> Place | None:
    """Which place in the log an answer about the whole state stands for; none if it is something else."""
    found = fields(body)
    log, last = text(found.get("log")), _whole(found, "last")
    return None if log is None or last is None else Place(log=log, number=last)


class _Change(NamedTuple):
    """A change by its members, as it came, and what names its occurrence among all of the feed."""

    members: Members
    whole: Any
    place: tuple[str | int, ...]


class Mapper:
    """Tells changes as events, of one feed."""

    def __init__(self, feed: str, source: str, *, keep_payload: bool = False) -> None:
        self._feed = feed
        self._source = source
        self._keep_payload = keep_payload

    def take(
        self, state: State, answer: Changes, received: datetime, provenance: Provenance
    ) -> list[Event]:
        """The changes of an answer, in order; `state` follows them, but for its place."""
        telling = Telling(self._feed, self._source, received=received, provenance=provenance)
        for change in answer.changes:
            members = fields(change)
            number = _whole(members, "number")
            if number is None or not self._tell(
                telling, state, _Change(members, change, (answer.log, number))
            ):
                telling.not_understood("change", "not understood", change)
        return telling.events

    def compare(
        self, state: State, body: Any, received: datetime, provenance: Provenance
    ) -> list[Event]:
        """What the whole state, as it is at `state.place`, says else than `state`, which becomes that."""
        telling = Telling(self._feed, self._source, received=received, provenance=provenance)
        found = fields(body)
        listed = [{**one, "kind": "agent"} for one in objects(found.get("agents"))]
        listed += [{**one, "kind": "call"} for one in objects(found.get("calls"))]
        calls = {identifier(one.get("call")) for one in listed}
        gone = [call for call in state.calls if call not in calls]
        listed += [{"kind": "call", "call": call, "state": "ended"} for call in gone]
        for one in listed:
            if _differs(state, one):
                place = (state.place.log, state.place.number, str(one.get(one["kind"])))
                if not self._tell(telling, state, _Change(one, one, place)):
                    telling.not_understood("state", "not understood", one)
        return telling.events

    def _tell(self, telling: Telling, state: State, change: _Change) -> bool:
        """One change, as an event; false if it is not understood."""
        match change.members.get("kind"):
            case "agent":
                return self._tell_agent(telling, state, change)
            case "call":
                return self._tell_call(telling, state, change)
            case _:
                return False

    def _tell_agent(self, telling: Telling, state: State, change: _Change) -> bool:
        found = change.members
        agent, word = identifier(found.get("agent")), text(found.get("state"))
        if agent is None or word is None:
            return False
        following = AGENT_STATES.get(word, AgentState.UNKNOWN)
        previous = state.agents.get(agent)
        state.agents[agent] = following
        at = moment(found.get("at"))
        snapshot = telling.provenance is Provenance.SNAPSHOT
        telling.add(
            "agent.state.snapshot" if snapshot else "agent.state.changed",
            f"agent/{agent}",
            agent,
            AgentStateData(
                agent=agent,
                state=following,
                previous_state=previous,
                since=at,
                reason=text(found.get("reason")),
                native_state=word,
                native=self._native("agent", word, change),
            ),
            *change.place,
            at=at,
            anomaly=UNSET if is_legal_for_agent(previous, following) else "illegal_transition",
            cause=text(found.get("request")) or UNSET,
        )
        return True

    def _tell_call(self, telling: Telling, state: State, change: _Change) -> bool:
        found = change.members
        call, word = identifier(found.get("call")), text(found.get("state"))
        following = CALL_STATES.get(word or "")
        if call is None or word is None or following is None:
            return False
        known_agent, previous = state.calls.get(call, (None, None))
        agent = identifier(found.get("agent")) or known_agent
        if following is ConnectionState.CLEARED:
            state.calls.pop(call, None)
        else:
            state.calls[call] = (agent, following)
        customer = text(found.get("customer"))
        retrieved = previous is ConnectionState.HELD and following is ConnectionState.CONNECTED
        surprising = telling.provenance is Provenance.LIVE and not is_legal(previous, following)
        telling.add(
            "call.retrieved" if retrieved else _VERBS[following],
            f"call/{call}",
            call,
            Call(
                call=call,
                agent=agent,
                state=following,
                previous_state=previous,
                direction=DIRECTIONS.get(text(found.get("direction")) or ""),
                parties=[Party(role="customer", number=customer)] if customer else [],
                native=self._native("call", word, change),
            ),
            *change.place,
            at=moment(found.get("at")),
            anomaly="illegal_transition" if surprising else UNSET,
            correlation=call,
            cause=text(found.get("request")) or UNSET,
        )
        return True

    def _native(self, kind: str, word: str, change: _Change) -> Native:
        return Native(
            type=kind,
            state=word,
            reference=text(change.members.get("id")),
            payload=clean(change.whole) if self._keep_payload else None,
        )


def _differs(state: State, listed: Members) -> bool:
    word = text(listed.get("state")) or ""
    if listed["kind"] == "agent":
        told = state.agents.get(identifier(listed.get("agent")) or "")
        return told is None or told is not AGENT_STATES.get(word, AgentState.UNKNOWN)
    _, leg = state.calls.get(identifier(listed.get("call")) or "", (None, None))
    return leg is None or leg is not CALL_STATES.get(word)


def _whole(found: Members, name: str) -> int | None:
    value = found.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
