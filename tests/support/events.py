"""Short ways to make stored events of the families that tests need most."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.events import CATALOGUE, Event, StoredEvent, encode, event_id, source_of
from gateway.events.agents import AgentChannel, AgentSession, AgentStateData
from gateway.events.calls import Call
from gateway.events.common import MediaReadiness
from gateway.events.envelope import Data
from gateway.events.interactions import Interaction
from gateway.events.operations import Alert, MetricObject, Metrics, QueueState
from gateway.states import AgentState, ConnectionState

BEGIN = datetime(2026, 1, 2, 3, 0, tzinfo=UTC)
CONNECTOR = "gws"


def moment(position: int) -> str:
    """The time of the event at a position, as it stands in its body."""
    return (BEGIN + timedelta(seconds=position)).strftime("%Y-%m-%dT%H:%M:%SZ")


def new_event(
    number: int, name: str, data: Data, *, subject: str = "call/c1", connector: str = CONNECTOR
) -> Event:
    """An event of any type that no journal has yet; `name` is the type without `tieline.` and version."""
    kind = f"tieline.{name}.v1"
    time = BEGIN + timedelta(seconds=number)
    return Event(
        id=event_id("test", connector, number),
        source=source_of(connector, "genesys_web_services"),
        type=kind,
        subject=subject,
        time=time,
        recordedtime=time,
        partitionkey=subject.partition("/")[2],
        data=data,
        dataclassification=CATALOGUE[kind].classification,
    )


def make_event(
    position: int, name: str, data: Data, *, subject: str = "call/c1", connector: str = CONNECTOR
) -> StoredEvent:
    """A stored event of any type; `name` is the type without `tieline.` and version."""
    event = new_event(position, name, data, subject=subject, connector=connector)
    return StoredEvent(
        position=position,
        sequence=position,
        type=event.type,
        source=event.source,
        body=encode(event),
    )


def agent_state(
    position: int, agent: str, state: str, *, connector: str = CONNECTOR, **fields: Any
) -> StoredEvent:
    """agent.state.changed; `media` as {medium: state}."""
    media = fields.pop("media", {})
    data = AgentStateData(
        agent=agent,
        state=AgentState(state),
        media=[MediaReadiness(media=name, state=AgentState(s)) for name, s in media.items()],
        **fields,
    )
    return make_event(
        position, "agent.state.changed", data, subject=f"agent/{agent}", connector=connector
    )


def agent_session(position: int, agent: str, verb: str) -> StoredEvent:
    """agent.session.started or .ended."""
    data = AgentSession(agent=agent)
    return make_event(position, f"agent.session.{verb}", data, subject=f"agent/{agent}")


def agent_channel(position: int, agent: str, media: str, state: str | None) -> StoredEvent:
    """agent.channel.changed."""
    data = AgentChannel(agent=agent, media=media, state=AgentState(state) if state else None)
    return make_event(position, "agent.channel.changed", data, subject=f"agent/{agent}")


def call(
    position: int,
    verb: str,
    call_id: str,
    agent: str | None = None,
    *,
    state: str | None = None,
    **fields: Any,
) -> StoredEvent:
    """call.<verb>; without `state` the event tells none."""
    data = Call(
        call=call_id, agent=agent, state=ConnectionState(state) if state else None, **fields
    )
    return make_event(position, f"call.{verb}", data, subject=f"call/{call_id}")


def interaction(position: int, verb: str, interaction_id: str, **fields: Any) -> StoredEvent:
    """interaction.<verb> of a chat, unless `media` says otherwise."""
    data = Interaction(interaction=interaction_id, media=fields.pop("media", "chat"), **fields)
    return make_event(
        position, f"interaction.{verb}", data, subject=f"interaction/{interaction_id}"
    )


def queue_metrics(
    position: int, queue: str, values: dict[str, float], *, kind: str = "queue", **fields: Any
) -> StoredEvent:
    """queue.metrics.observed."""
    data = Metrics(
        object=MetricObject(kind=kind, id=queue),
        values=values,
        observed_at=BEGIN + timedelta(seconds=position),
        **fields,
    )
    return make_event(position, "queue.metrics.observed", data, subject=f"queue/{queue}")


def group_metrics(position: int, kind: str, group: str, values: dict[str, float]) -> StoredEvent:
    """group.metrics.observed."""
    data = Metrics(
        object=MetricObject(kind=kind, id=group),
        values=values,
        observed_at=BEGIN + timedelta(seconds=position),
    )
    return make_event(position, "group.metrics.observed", data, subject=f"group/{group}")


def agent_metrics(
    position: int, agent: str, values: dict[str, float], *, window: str | None = None
) -> StoredEvent:
    """agent.metrics.observed."""
    data = Metrics(
        object=MetricObject(kind="agent", id=agent),
        values=values,
        observed_at=BEGIN + timedelta(seconds=position),
        window=window,
    )
    return make_event(position, "agent.metrics.observed", data, subject=f"agent/{agent}")


def queue_state(position: int, queue: str, **fields: Any) -> StoredEvent:
    """queue.state.changed."""
    data = QueueState(queue=queue, **fields)
    return make_event(position, "queue.state.changed", data, subject=f"queue/{queue}")


def alert(
    position: int, verb: str, name: str, rule: str | None = None, **fields: Any
) -> StoredEvent:
    """alert.raised or .cleared, about a queue."""
    data = Alert(alert=name, rule=rule, about="queue/q1", **fields)
    return make_event(position, f"alert.{verb}", data, subject=f"alert/{name}")
