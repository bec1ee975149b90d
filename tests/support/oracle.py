"""What an observer compares: what a platform says it published with what a file, a topic or a receiver got."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from tests.support.kafka import KafkaBroker, KafkaRecord


class _Native(msgspec.Struct):
    reference: str | None = None


class _Data(msgspec.Struct):
    native: _Native | None = None
    feed: str | None = None
    reason: str | None = None
    resumed: bool | None = None
    recovered: int | None = None
    unrecovered: int | msgspec.UnsetType | None = msgspec.UNSET
    from_time: datetime | None = msgspec.field(default=None, name="from")
    to_time: datetime | None = msgspec.field(default=None, name="to")


class SeenEvent(msgspec.Struct):
    """What the oracle needs of an event, wherever it was seen."""

    id: str
    type: str
    subject: str
    partitionkey: str
    source: str = ""
    recordedtime: datetime | None = None
    sequence: str = ""
    data: _Data = msgspec.field(default_factory=_Data)

    @property
    def reference(self) -> str | None:
        """The platform message that the event came from."""
        return self.data.native.reference if self.data.native else None


@dataclass(frozen=True)
class Published:
    """One message that the platform published, as its oracle tells it."""

    id: str
    agent: str
    fate: str
    resumable: bool
    at_ms: int = 0

    @property
    def number(self) -> int:
        """Its place in the order of publication."""
        return int(self.id.removeprefix("sim-"))


class Lines:
    """The file of a file sink, read further each time: complete lines only, for a torn one is cut off again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._decoder = msgspec.json.Decoder(SeenEvent)
        self._events: list[SeenEvent] = []

    def read(self) -> list[SeenEvent]:
        """All events so far, in order."""
        if not self._path.exists():
            return self._events
        with self._path.open("rb") as file:
            file.seek(self._offset)
            new = file.read()
        whole = new[: new.rfind(b"\n") + 1]
        self._offset += len(whole)
        self._events += map(self._decoder.decode, whole.splitlines())
        return self._events

    def count(self) -> int:
        """How many events there are."""
        return len(self.read())

    def of_type(self, kind: str) -> list[SeenEvent]:
        """The events of one type, by its name without prefix and version."""
        return [event for event in self.read() if event.type == f"tieline.{kind}.v1"]


async def read_topic(
    broker: KafkaBroker, topic: str, *, timeout_seconds: float = 30.0
) -> list[SeenEvent]:
    """All committed records of a topic, each read as a CloudEvent by the CloudEvents SDK. Raises PeerError."""
    records = await broker.read_topic(topic, timeout_seconds=timeout_seconds)
    return [_seen(record) for record in records]


def _seen(record: KafkaRecord) -> SeenEvent:
    message = KafkaMessage(headers=record.headers, key=record.key, value=record.value or b"")
    event = from_binary(message, JSONFormat(), CloudEvent)
    extensions: dict[str, Any] = {
        name: event.get_extension(name) for name in ("partitionkey", "sequence")
    }
    assert (record.key or b"").decode() == extensions["partitionkey"]
    return SeenEvent(
        id=event.get_id(),
        type=event.get_type(),
        subject=event.get_subject() or "",
        data=msgspec.convert(event.get_data(), _Data),
        **extensions,
    )


def references(events: Iterable[SeenEvent]) -> set[str]:
    """The platform messages that events came from."""
    return {event.reference for event in events if event.reference is not None}


def owed(published: Iterable[Published]) -> set[str]:
    """The messages that a client which keeps its sessions must have."""
    return {one.id for one in published if one.resumable}


def doubled(events: Iterable[SeenEvent]) -> list[str]:
    """Ids that occur more than once."""
    return [name for name, times in Counter(event.id for event in events).items() if times > 1]


def out_of_order(events: Sequence[SeenEvent]) -> list[str]:
    """Partition keys whose events do not stand in the journal's order."""
    newest: dict[tuple[str, str], str] = {}
    wrong: list[str] = []
    for event in events:
        # Sequences belong to a source: two platforms may have an agent of the same name.
        key = event.source, event.partitionkey
        if event.sequence <= newest.get(key, ""):
            wrong.append(event.partitionkey)
        newest[key] = event.sequence
    return wrong


def overtaken(events: Iterable[SeenEvent], published: Iterable[Published]) -> list[str]:
    """Messages that stand behind a later one of the same agent."""
    agents = {one.id: (one.agent, one.number) for one in published}
    newest: defaultdict[str, int] = defaultdict(int)
    wrong: list[str] = []
    for event in events:
        agent, number = agents.get(event.reference or "", ("", 0))
        if agent and number < newest[agent]:
            wrong.append(event.reference or "")
        newest[agent] = max(newest[agent], number)
    return wrong
