"""What plug-ins export about themselves, and what they are given when they are built."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from gateway.clock import Clock
from gateway.commands import Capability
from gateway.contracts.attachments import AttachmentStore
from gateway.contracts.connector import Connector, Guarantee
from gateway.contracts.sink import Sink

if TYPE_CHECKING:
    import aiohttp
    import pydantic
    from prometheus_client import CollectorRegistry


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorContext:
    """What a connector gets from the gateway besides its settings.

    Attributes:
        name: the configured name.
        http: one session for all (no cookie jar of its own, no connection limit); connectors never close it.
        clock: the time.
        attachments: what was uploaded for commands; none where nothing can be uploaded.
    """

    name: str
    http: aiohttp.ClientSession
    clock: Clock
    attachments: AttachmentStore | None = None


class PictureView(Protocol):
    """Read access to the live picture, for sinks that show figures. Each is a walk over all of it, without I/O."""

    def agents_by_state(self) -> Mapping[tuple[str, str], int]:
        """(connector, agent state) to number of agents."""
        ...

    def calls_by_state(self) -> Mapping[tuple[str, str, str], int]:
        """(connector, connection state, direction) to number of calls."""
        ...

    def alerts_by_rule(self) -> Mapping[tuple[str, str], int]:
        """(connector, rule) to number of alerts that stand."""
        ...

    def group_values(self) -> Mapping[tuple[str, str, str, str], float]:
        """(connector, kind, group, name of the value) to the last value: skills, teams, groups."""
        ...

    def queue_values(self) -> Mapping[tuple[str, str, str], float]:
        """(connector, queue, name of the value) to the last value."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkContext:
    """What a sink gets from the gateway besides its settings.

    `journal_id` belongs to every position that a sink lets its receiver hold: a position from another journal is none.
    """

    name: str
    journal_id: str
    http: aiohttp.ClientSession
    clock: Clock
    data_dir: Path
    metrics: CollectorRegistry
    picture: PictureView


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformDescriptor:
    """What a platform's folder exports as `PLATFORM`.

    `events` maps an event type to full or partial; `build` gets validated settings. `version` dates the tables.
    """

    name: str
    settings: type[pydantic.BaseModel]
    guarantee: Guarantee
    capabilities: tuple[Capability, ...]
    events: Mapping[str, str]
    version: str
    build: Callable[[Any, ConnectorContext], Connector]


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldLimits:
    """How long and how much a sink's dispatcher holds back of keys at whose events the receiver fails.

    Attributes:
        retry_seconds: an event that fails is offered again for so long, counted from its first attempt.
        order_seconds: an event waits so long for events before it with the same key, counted from when it was held.
        base_seconds, cap_seconds: the pauses between attempts grow from one to the other.
        most_events, most_bytes: of all that is held; beyond it the first event of the key held longest gives way.
        at_once: keys that are tried at the same time.
    """

    retry_seconds: float = 900.0
    order_seconds: float = 3600.0
    base_seconds: float = 1.0
    cap_seconds: float = 60.0
    most_events: int = 10_000
    most_bytes: int = 32 << 20
    at_once: int = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkTraits:
    """How the dispatcher shall treat a sink: the largest batch in events and in bytes, and how long to gather one."""

    batch_events: int = 500
    batch_bytes: int = 1 << 20
    linger_seconds: float = 0.0
    holds: HoldLimits = field(default_factory=HoldLimits)


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkDescriptor:
    """What a sink's folder exports as `SINK`. `traits_for` gives the traits of a sink with certain settings."""

    name: str
    settings: type[pydantic.BaseModel]
    traits: SinkTraits
    build: Callable[[Any, SinkContext], Sink]
    traits_for: Callable[[Any], SinkTraits] | None = None
