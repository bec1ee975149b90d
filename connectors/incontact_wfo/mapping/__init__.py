"""Readings of the recorder to canonical events. Pure, but for the memory of what was told last.

Two kinds of reading meet here: everybody, at the poll's rhythm, and one agent, after a command about
him. Each has a ticket, drawn before the recorder was asked; of an agent who was read meanwhile an
older ticket is too late and changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from connectors._wire.json_values import fingerprint
from connectors._wire.telling import ToldOnce
from connectors.incontact_wfo.mapping.calls import CallTeller, Words
from connectors.incontact_wfo.mapping.reading import (
    Agent,
    Call,
    Reading,
    Recording,
    read_agent,
    read_all,
)
from connectors.incontact_wfo.mapping.state import KnownCall, State, decode_state, encode_state
from connectors.incontact_wfo.mapping.telling import Cause, Origin, Telling
from connectors.incontact_wfo.vendor import AGENT_PATH, ALL_AGENTS_PATH, RecordingWord
from gateway.events import Event, Provenance
from gateway.events.calls import Recording as RecordingData
from gateway.events.common import Native
from gateway.events.operations import DirectoryChanged
from gateway.states import ConnectionState

__all__ = [
    "Agent", "Call", "Cause", "Mapper", "Origin", "Reading", "Recording", "State", "Words", "decode_state",
    "encode_state", "read_agent", "read_all",
]  # fmt: skip

MAX_CHANGED = 1_000
MAX_ODD = 100
NOTHING_FOUND = f"the tracker is empty, or this server has no {ALL_AGENTS_PATH} and needs `agents`"


class Mapper:
    """Tells what differs between a reading and what was told last."""

    def __init__(self, origin: Origin, words: Words) -> None:
        self._origin = origin
        self._words = Words(
            calls={word.lower(): meaning for word, meaning in words.calls.items()},
            recordings={word.lower(): meaning for word, meaning in words.recordings.items()},
            tags=words.tags,
            zone=words.zone,
        )
        self._ids: dict[tuple[str, str], str] = {}
        self._tickets: dict[str, int] = {}
        self._tickets_drawn = 0
        self._once = ToldOnce()
        self.state = State()
        self.unknown_words: set[str] = set()
        self.causes: dict[str, Cause] = {}
        """Commands under way, by the agent's id."""
        self.agents = 0
        """How many agents the last whole reading had."""

    def restore(self, state: State | None) -> None:
        """Go on from what was kept, or from nothing."""
        self.state = state or State()
        self._tickets.clear()

    def ticket(self) -> int:
        """To be drawn before the recorder is asked."""
        self._tickets_drawn += 1
        return self._tickets_drawn

    def agent_of(self, identifier: str, value: str) -> str | None:
        """The id of an agent by another identifier, as last read."""
        return self._ids.get((identifier, value.lower()))

    def holder_of(self, call: str | None) -> str | None:
        """The id of the agent who has a call, by the call's id in events."""
        if call is None:
            return None
        for agent, known in self.state.agents.items():
            for key, one in known.items():
                if call in {key, one.id} and one.state is not ConnectionState.CLEARED:
                    return agent
        return None

    def take(
        self,
        reading: Reading,
        ticket: int,
        *,
        received: datetime,
        provenance: Provenance = Provenance.POLLED,
    ) -> list[Event]:
        """The events of one reading.

        Args:
            reading: what the recorder answered.
            ticket: drawn before it was asked.
            received: when the answer was there.
            provenance: how the events came to be known.
        """
        baseline = provenance is Provenance.SNAPSHOT
        telling = Telling(self._origin, received=received, provenance=provenance)
        present = set()
        if reading.whole:
            self._ids.clear()
        for agent in reading.agents:
            present.add(agent.id)
            self._ids |= {(kind, name.lower()): agent.id for kind, name in agent.names.items()}
            if self._tickets.get(agent.id, 0) <= ticket:
                self._tickets[agent.id] = ticket
                self._agent(telling, agent, baseline=baseline)
        if reading.everybody:
            self.state.polled_at = received
        if reading.whole:
            for name in sorted(self.state.agents.keys() - present):
                self._gone(telling, name, ticket)
            self._directory(telling, reading)
        for name in reading.gone:
            self._gone(telling, name, ticket)
        if not reading.found:
            telling.not_understood(ALL_AGENTS_PATH, f"HTTP 404: {NOTHING_FOUND}", None)
        for odd in reading.odd[:MAX_ODD]:
            telling.not_understood(ALL_AGENTS_PATH, "no agent of the tracker", odd)
        return self._once.news(telling.events)

    def claim(
        self, agent: str | None, about: str, state: RecordingWord, *, received: datetime, cause: str
    ) -> list[Event]:
        """What a command brought about by the recorder's word alone, where readings do not show it.

        Args:
            agent: the agent's id, if it is known.
            about: the agent as the command named him.
            state: what became of his recordings.
            received: when the recorder said so.
            cause: the command.
        """
        telling = Telling(self._origin, received=received, provenance=Provenance.LIVE)
        name = "recording.paused" if state == "paused" else "recording.resumed"
        found: list[tuple[KnownCall | None, str | None]] = []
        for call in self.state.agents.get(agent or "", {}).values():
            for recording, known in call.recordings.items():
                if call.state is not ConnectionState.CLEARED and known.state != "stopped":
                    known.state = state
                    known.changes += 1
                    found.append((call, recording))
        for known_call, about_one in found or [(None, None)]:
            call_id = known_call.id if known_call else None
            telling.add(
                name,
                f"recording/{about_one or about}",
                call_id or agent or about,
                RecordingData(
                    call=call_id,
                    agent=agent,
                    recording=about_one,
                    mode="call",
                    reason="blackout",
                    native=Native(type="Blackout", ids={"AgentIdentifier": about}),
                ),
                "claim",
                cause,
                about_one or "",
                inferred=True,
                cause=cause,
            )
        return telling.events

    def _agent(self, telling: Telling, agent: Agent, *, baseline: bool) -> None:
        for why in agent.odd:
            telling.not_understood(AGENT_PATH, why, agent.payload)
        known = self.state.agents.get(agent.id, {})
        cause = self.causes.get(agent.id)
        teller = CallTeller(self._words, telling, agent, baseline=baseline, cause=cause)
        now: dict[str, KnownCall] = {}
        for key in sorted(known.keys() - {call.key for call in agent.calls}):
            if agent.odd:
                # It may be the one that could not be read.
                now[key] = known[key]
            else:
                teller.tell_gone(key, known[key])
                self.state.forget(agent.id, key, known[key])
        for call in agent.calls:
            was = known.get(call.key)
            begun = self.state.again(agent.id, call.key) if was is None else 0
            now[call.key] = teller.tell(call, was, begun=begun)
        self.unknown_words |= teller.unknown_words
        self._remember(agent.id, now)

    def _gone(self, telling: Telling, name: str, ticket: int) -> None:
        """The agent is not in the tracker any more."""
        if self._tickets.get(name, 0) > ticket:
            return
        self._tickets[name] = ticket
        agent = Agent(id=name, names={"Id": name})
        teller = CallTeller(self._words, telling, agent, cause=self.causes.get(name))
        for key, call in self.state.agents.get(name, {}).items():
            teller.tell_gone(key, call)
            self.state.forget(name, key, call)
        self._remember(name, {})

    def _remember(self, agent: str, known: Mapping[str, KnownCall]) -> None:
        if known:
            self.state.agents[agent] = dict(known)
        else:
            self.state.agents.pop(agent, None)

    def _directory(self, telling: Telling, reading: Reading) -> None:
        before = self.state.marks
        after = {agent.id: fingerprint(agent.names) for agent in reading.agents}
        self.state.marks = after
        self.agents = len(after)
        if before is None or before == after:
            return
        changed = sorted(
            name for name in before.keys() | after.keys() if before.get(name) != after.get(name)
        )
        self.state.directory_changes += 1
        telling.add(
            "directory.changed",
            "directory/agents",
            "directory/agents",
            DirectoryChanged(directory="agents", changed=changed[:MAX_CHANGED]),
            "directory",
            self.state.directory_changes,
        )
