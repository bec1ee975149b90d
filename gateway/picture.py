"""The live picture: who and what is where now, folded from the journal's events.

Pure: events in, answers out. An event is applied once, by its journal position, so that reading again is harmless. Only
events that change the picture are opened, and only as far as it needs. Everything is bounded: beyond a limit the entry
that was touched least recently gives way, which is counted.

Not safe for threads: fold and readers belong to one event loop.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Self

import msgspec

from gateway.errors import JournalCorrupt
from gateway.events import StoredEvent, connector_of
from gateway.picture_alerts import AlertEntry, StandingAlerts
from gateway.picture_data import (
    AgentEntry,
    CallData,
    CallEntry,
    ChannelData,
    InteractionData,
    InteractionEntry,
    MediumEntry,
    PictureLimits,
    PictureStatistics,
    QueueEntry,
    SessionData,
    StateData,
    decoder_of,
    direction_of,
    foremost,
    legs_after,
)
from gateway.picture_queues import MeasuredQueues
from gateway.picture_tables import Table
from gateway.states import AgentState, ConnectionState

# 2: queues stand by their kind; 3: alerts
SNAPSHOT_VERSION = 3

_Handler = Callable[[StoredEvent], None]

_session = decoder_of(SessionData)
_agent_state = decoder_of(StateData)
_channel = decoder_of(ChannelData)
_call = decoder_of(CallData)
_interaction = decoder_of(InteractionData)

_CALL_STATES: dict[str, ConnectionState | None] = {
    "initiated": ConnectionState.INITIATED,
    "queued": ConnectionState.QUEUED,
    "offered": ConnectionState.ALERTING,
    "connected": ConnectionState.CONNECTED,
    "held": ConnectionState.HELD,
    "retrieved": ConnectionState.CONNECTED,
    "ended": ConnectionState.CLEARED,
    "transferred": None,
    "conferenced": None,
    "party.joined": None,
    "party.left": None,
    "failed": None,  # of an operation perhaps, and the call lives on
    "changed": None,
}
"""The state that a type means where the event does not tell it."""
_INTERACTION_PLACED = (
    "created",
    "offered",
    "accepted",
    "transferred",
    "queued",
    "parked",
    "pulled",
)
_INTERACTION_OVER = ("rejected", "revoked", "cancelled", "completed")


class _Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    version: int
    position: int
    agents: list[AgentEntry]
    calls: list[CallEntry]
    interactions: list[InteractionEntry]
    queues: list[QueueEntry]
    alerts: list[AlertEntry]


_snapshot_decoder = msgspec.msgpack.Decoder(_Snapshot)


class Picture:
    """Agents, calls, interactions, queues and alerts of all connectors. Also a `gateway.contracts.PictureView`.

    Attributes:
        agent_table, call_table, interaction_table, alert_table: entries by connector and id, to be read in pages.
        queue_table: entries by `gateway.picture_data.place_of`.
    """

    def __init__(self, limits: PictureLimits | None = None) -> None:
        limits = limits or PictureLimits()
        self._position = 0
        self.agent_table: Table[AgentEntry] = Table(limits.agents)
        self.call_table: Table[CallEntry] = Table(limits.calls)
        self.interaction_table: Table[InteractionEntry] = Table(limits.interactions)
        self._queues = MeasuredQueues(limits.queues, limits.values_per_queue)
        self.queue_table = self._queues.table
        self._alerts = StandingAlerts(limits.alerts)
        self.alert_table = self._alerts.table
        self._undecodable = 0
        self._handlers = self._make_handlers()

    @property
    def position(self) -> int:
        """The journal position up to which events are in the picture."""
        return self._position

    def apply(self, event: StoredEvent) -> None:
        """Fold one event. Events up to `position` are ignored."""
        if event.position <= self._position:
            return
        self._position = event.position
        handler = self._handlers.get(event.type)
        if handler is None:
            return
        try:
            handler(event)
        except msgspec.MsgspecError:
            self._undecodable += 1

    def agents(self) -> list[AgentEntry]:
        """All agents that were heard of, those logged off included."""
        return list(self.agent_table.values())

    def calls(self) -> list[CallEntry]:
        """The calls that are alive."""
        return list(self.call_table.values())

    def interactions(self) -> list[InteractionEntry]:
        """The interactions that are not over."""
        return list(self.interaction_table.values())

    def queues(self) -> list[QueueEntry]:
        """All queues that were heard of."""
        return self._queues.queues()

    def alerts_by_rule(self) -> Mapping[tuple[str, str], int]:
        """(connector, rule) to number of alerts that stand; an alert without a rule counts under its own name."""
        return self._alerts.by_rule()

    def agents_by_state(self) -> Mapping[tuple[str, str], int]:
        """(connector, agent state) to number of agents."""
        return Counter((a.connector, a.state.value) for a in self.agent_table.values())

    def calls_by_state(self) -> Mapping[tuple[str, str, str], int]:
        """(connector, connection state, direction) to number of calls."""
        return Counter((c.connector, c.state.value, c.direction) for c in self.call_table.values())

    def queue_values(self) -> Mapping[tuple[str, str, str], float]:
        """(connector, queue, name of the value) to the last value; `open` is 1 or 0."""
        return self._queues.queue_values()

    def group_values(self) -> Mapping[tuple[str, str, str, str], float]:
        """(connector, kind, group, name of the value) to the last value, of everything measured but queues."""
        return self._queues.group_values()

    def statistics(self) -> PictureStatistics:
        """Figures, for metrics."""
        return PictureStatistics(
            position=self._position,
            agents=len(self.agent_table),
            calls=len(self.call_table),
            interactions=len(self.interaction_table),
            queues=len(self.queue_table),
            alerts=len(self._alerts.table),
            evicted={
                "agents": self.agent_table.evicted,
                "calls": self.call_table.evicted,
                "interactions": self.interaction_table.evicted,
                "queues": self.queue_table.evicted,
                "alerts": self._alerts.table.evicted,
                "values": self._queues.values_left_out,
            },
            undecodable=self._undecodable,
        )

    def snapshot(self) -> bytes:
        """The whole picture with its position, to be given to `load` or `restore`."""
        return msgspec.msgpack.encode(
            _Snapshot(
                version=SNAPSHOT_VERSION,
                position=self._position,
                agents=self.agents(),
                calls=self.calls(),
                interactions=self.interactions(),
                queues=self._queues.all(),
                alerts=self._alerts.all(),
            )
        )

    def load(self, snapshot: bytes) -> None:
        """Replace the content by a snapshot's. Raises JournalCorrupt, and then nothing has changed."""
        try:
            loaded = _snapshot_decoder.decode(snapshot)
        except msgspec.MsgspecError as error:
            raise JournalCorrupt("the snapshot of the picture cannot be read") from error
        if loaded.version != SNAPSHOT_VERSION:
            raise JournalCorrupt(f"the snapshot of the picture has version {loaded.version}")
        self.clear()
        self._position = loaded.position
        for agent in loaded.agents:
            self.agent_table.put((agent.connector, agent.agent), agent)
        for call in loaded.calls:
            self.call_table.put((call.connector, call.call), call)
        for one in loaded.interactions:
            self.interaction_table.put((one.connector, one.interaction), one)
        self._queues.load(loaded.queues)
        self._alerts.load(loaded.alerts)

    @classmethod
    def restore(cls, snapshot: bytes, limits: PictureLimits | None = None) -> Self:
        """A new picture from a snapshot. Raises JournalCorrupt."""
        picture = cls(limits)
        picture.load(snapshot)
        return picture

    def clear(self) -> None:
        """Forget everything, the position included."""
        self._position = 0
        for table in (
            self.agent_table,
            self.call_table,
            self.interaction_table,
            self.queue_table,
            self._alerts.table,
        ):
            table.clear()

    def _make_handlers(self) -> dict[str, _Handler]:
        def name(noun: str, verb: str) -> str:
            return f"tieline.{noun}.{verb}.v1"

        def for_call(verb: str, state: ConnectionState | None) -> _Handler:
            joined = {"party.joined": 1, "party.left": -1}.get(verb, 0)
            return lambda event: self._apply_call(event, state, joined)

        def for_interaction(state: str | None, *, placed: bool) -> _Handler:
            return lambda event: self._apply_interaction(event, state, placed=placed)

        return {
            name("agent", "session.started"): self._apply_session_started,
            name("agent", "session.ended"): self._apply_session_ended,
            name("agent", "state.changed"): self._apply_agent_state,
            name("agent", "state.snapshot"): self._apply_agent_state,
            name("agent", "channel.changed"): self._apply_channel,
            **self._queues.handlers,
            **self._alerts.handlers,
            name("interaction", "changed"): for_interaction(None, placed=False),
            name("interaction", "session.ended"): for_interaction("session_ended", placed=False),
            **{name("call", verb): for_call(verb, state) for verb, state in _CALL_STATES.items()},
            **{
                name("interaction", verb): for_interaction(verb, placed=True)
                for verb in _INTERACTION_PLACED
            },
            **{name("interaction", verb): self._remove_interaction for verb in _INTERACTION_OVER},
        }

    def _agent(self, event: StoredEvent, agent: str, time: str) -> AgentEntry:
        connector = connector_of(event.source)
        known = self.agent_table.get((connector, agent))
        return known or AgentEntry(connector=connector, agent=agent, since=time)

    def _change_agent(self, entry: AgentEntry, **changes: Any) -> None:
        entry = msgspec.structs.replace(entry, **changes)
        self.agent_table.put((entry.connector, entry.agent), entry)

    def _apply_session_started(self, event: StoredEvent) -> None:
        seen = _session(event.body)
        entry = self._agent(event, seen.data.agent, seen.time)
        if entry.state is AgentState.LOGGED_OFF:
            # Logged on, and nobody has said yet as what.
            self._change_agent(entry, state=AgentState.UNKNOWN, since=seen.time, reason=None)
        else:
            self._change_agent(entry)

    def _apply_session_ended(self, event: StoredEvent) -> None:
        seen = _session(event.body)
        entry = self._agent(event, seen.data.agent, seen.time)
        since = entry.since if entry.state is AgentState.LOGGED_OFF else seen.time
        self._change_agent(
            entry, state=AgentState.LOGGED_OFF, since=since, reason=seen.data.reason, media=()
        )

    def _apply_agent_state(self, event: StoredEvent) -> None:
        seen = _agent_state(event.body)
        data = seen.data
        entry = self._agent(event, data.agent, seen.time)
        began = entry.since if entry.state is data.state else seen.time
        self._change_agent(
            entry,
            state=data.state,
            since=data.since or began,
            reason=data.reason,
            media=data.media or entry.media,
        )

    def _apply_channel(self, event: StoredEvent) -> None:
        seen = _channel(event.body)
        data = seen.data
        entry = self._agent(event, data.agent, seen.time)
        before = next((m for m in entry.media if m.media == data.media), None)
        state = data.state or (before.state if before else AgentState.UNKNOWN)
        medium = MediumEntry(media=data.media, state=state, reason=data.reason)
        others = tuple(m for m in entry.media if m.media != data.media)
        self._change_agent(entry, media=(*others, medium))

    def _apply_call(self, event: StoredEvent, implied: ConnectionState | None, joined: int) -> None:
        seen = _call(event.body)
        data = seen.data
        connector = connector_of(event.source)
        key = (connector, data.call)
        known = self.call_table.get(key)
        state = data.state or implied
        if known is None:
            # What comes behind the end of a call, or fails before its begin, must not bring it to life.
            if implied in {None, ConnectionState.CLEARED} or state is ConnectionState.CLEARED:
                return
            known = CallEntry(connector=connector, call=data.call)
        legs = known.legs if state is None else legs_after(known.legs, data.agent, state, seen.time)
        if not legs:
            self.call_table.pop(key)
            return
        leg = foremost(legs)
        parties = len(data.parties) or max(0, known.parties + joined)
        direction = known.direction if data.direction is None else direction_of(data.direction)
        entry = CallEntry(
            connector=connector,
            call=data.call,
            state=leg.state,
            since=leg.since,
            direction=direction,
            agents=tuple(one.agent for one in legs if one.agent is not None),
            queue=data.queue or known.queue,
            parties=parties,
            legs=legs,
        )
        self.call_table.put(key, entry)

    def _apply_interaction(self, event: StoredEvent, state: str | None, *, placed: bool) -> None:
        seen = _interaction(event.body)
        data = seen.data
        connector = connector_of(event.source)
        key = (connector, data.interaction)
        known = self.interaction_table.get(key)
        if known is None:
            if not placed:
                return
            known = InteractionEntry(
                connector=connector, interaction=data.interaction, media=data.media
            )
        away = state in {"queued", "parked"}
        agent = None if away else data.agent or known.agent
        workbin = data.workbin.id if data.workbin else None
        entry = InteractionEntry(
            connector=connector,
            interaction=data.interaction,
            media=data.media,
            state=state or known.state,
            since=seen.time if state not in {None, known.state} else known.since,
            direction=known.direction if data.direction is None else direction_of(data.direction),
            agent=agent,
            queue=data.queue or (None if placed else known.queue),
            workbin=workbin or (None if placed else known.workbin),
        )
        self.interaction_table.put(key, entry)

    def _remove_interaction(self, event: StoredEvent) -> None:
        seen = _interaction(event.body)
        self.interaction_table.pop((connector_of(event.source), seen.data.interaction))
