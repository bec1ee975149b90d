"""Connectors, feeds and sinks that do what a test tells them, through the real contracts."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from datetime import UTC, datetime

from gateway.commands import Command, Expectation, Outcome
from gateway.contracts import Delivery, Feed, Gap, Guarantee, Hold, Link, Report, Setback
from gateway.events import CATALOGUE, Event, StoredEvent, event_id, source_of
from gateway.events.calls import Call

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


def call_event(
    number: int, *, verb: str = "held", call: str = "c1", connector: str = "main", agent: str = "a1"
) -> Event:
    """An event about a call; `number` makes the occurrence."""
    entry = CATALOGUE[f"tieline.call.{verb}.v1"]
    return Event(
        id=event_id(connector, number, entry.name),
        source=source_of(connector, "scripted"),
        type=entry.name,
        subject=f"call/{call}",
        time=EPOCH,
        recordedtime=EPOCH,
        partitionkey=call,
        correlationid=call,
        data=Call(call=call, agent=agent),
        dataclassification=entry.classification,
    )


class ScriptedFeed:
    """Yields what the test puts in: deliveries, or errors to raise."""

    guarantee = Guarantee.RESUMABLE

    def __init__(self, name: str = "main/a1") -> None:
        self.name = name
        self.inbox: asyncio.Queue[Delivery | Exception] = asyncio.Queue()
        self.connects: list[Link | Exception] = []
        self.connected_with: list[bytes | None] = []
        self.committed: list[Delivery] = []
        self.final: Delivery | None = None
        self.drained = 0
        self.closed = 0

    def give(
        self, *numbers: int, resume: bytes | None = b"r", gap: Gap | None = None, **event: str
    ) -> Delivery:
        """Put a delivery of call events into the inbox."""
        events = tuple(call_event(number, **event) for number in numbers)
        delivery = Delivery(events=events, resume=resume, gap=gap)
        self.inbox.put_nowait(delivery)
        return delivery

    async def connect(self, resume: bytes | None) -> Link:
        """Raise or return what `connects` holds next, a fresh link when it is empty."""
        self.connected_with.append(resume)
        answer = self.connects.pop(0) if self.connects else Link(session="s1", resumed=False)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def receive(self) -> Delivery:
        """The next of the inbox."""
        item = await self.inbox.get()
        if isinstance(item, Exception):
            raise item
        return item

    async def commit(self, delivery: Delivery) -> None:
        """Remember what was acknowledged."""
        self.committed.append(delivery)

    async def drain(self) -> Delivery | None:
        """What the test left as the last delivery."""
        self.drained += 1
        return self.final

    async def close(self) -> None:
        """Count."""
        self.closed += 1


class ScriptedConnector:
    """A connector over scripted feeds that answers commands as told."""

    platform = "scripted"

    def __init__(self, name: str = "main", feeds: Sequence[Feed] = ()) -> None:
        self.name = name
        self.feeds = list(feeds)
        self.commands: list[Command] = []
        self.answers: list[Outcome | Exception] = []
        self.release = asyncio.Event()
        self.release.set()

    async def execute(self, command: Command) -> Outcome:
        """Remember the command; answer with the next of `answers` once `release` is set."""
        self.commands.append(command)
        await self.release.wait()
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def close(self) -> None:
        """Nothing to release."""


class ForeseeingConnector(ScriptedConnector):
    """A connector that knows what will decide a command: `foreseen`, or it raises that."""

    foreseen: Expectation | Exception | None = None

    def foresee(self, _command: Command) -> Expectation | None:
        """What the test says."""
        if isinstance(self.foreseen, Exception):
            raise self.foreseen
        return self.foreseen


class ReconcilingConnector(ScriptedConnector):
    """A connector that can also read the platform's state."""

    def __init__(self, name: str = "main", feeds: Sequence[Feed] = ()) -> None:
        super().__init__(name, feeds)
        self.snapshots: list[Sequence[Event] | Exception] = []

    async def snapshot(self, feed: Feed) -> Sequence[Event]:
        """The next of `snapshots`."""
        assert feed in self.feeds
        answer = self.snapshots.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


class PartlyReconcilingConnector(ReconcilingConnector):
    """A connector that can also read single agents and calls; `asked` is for which it was."""

    def __init__(self, name: str = "main", feeds: Sequence[Feed] = ()) -> None:
        super().__init__(name, feeds)
        self.asked: list[set[str]] = []

    async def snapshot_of(self, feed: Feed, subjects: Collection[str]) -> Sequence[Event]:
        """The next of `snapshots`."""
        self.asked.append(set(subjects))
        return await self.snapshot(feed)


class RecordingSink:
    """Takes everything unless the script says otherwise."""

    def __init__(self) -> None:
        self.taken: list[StoredEvent] = []
        self.offers: list[list[StoredEvent]] = []
        self.script: list[Report | Exception] = []
        self.opens: list[int | Exception | None] = []
        self.opened = 0
        self.closed = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def open(self) -> int | None:
        """Raise or return what `opens` holds next."""
        self.opened += 1
        answer = self.opens.pop(0) if self.opens else None
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def deliver(self, batch: Sequence[StoredEvent]) -> Report:
        """Follow the script, else take all."""
        await self.gate.wait()
        self.offers.append(list(batch))
        answer = self.script.pop(0) if self.script else Report(settled=len(batch))
        if isinstance(answer, Exception):
            raise answer
        refused = {refusal.index for refusal in answer.refused}
        self.taken += [
            event for at, event in enumerate(batch[: answer.settled]) if at not in refused
        ]
        return answer

    async def close(self) -> None:
        """Count."""
        self.closed += 1


class KeyedRecordingSink(RecordingSink):
    """A sink whose receiver fails at the events of some keys, and takes them one by one once they are mended."""

    def __init__(self) -> None:
        super().__init__()
        self.bad: dict[str, Setback] = {}
        self.down: Setback | None = None
        self.tried: list[StoredEvent] = []

    async def deliver(self, batch: Sequence[StoredEvent]) -> Report:
        """Take what is not of a bad key; hold the others."""
        await self.gate.wait()
        self.offers.append(list(batch))
        if self.down is not None:
            return Report(settled=0, setback=self.down)
        held: dict[str, Hold] = {}
        holds: list[Hold] = []
        for index, event in enumerate(batch):
            key = event.envelope.partitionkey
            if key in self.bad:
                holds.append(Hold(index=index, setback=None if key in held else self.bad[key]))
                held[key] = holds[-1]
            else:
                self.taken.append(event)
        return Report(settled=len(batch), held=tuple(holds))

    async def deliver_one(self, event: StoredEvent) -> Report:
        """Take it if its key is mended."""
        self.tried.append(event)
        if self.down is not None:
            return Report(settled=0, setback=self.down)
        setback = self.bad.get(event.envelope.partitionkey)
        if setback is not None:
            return Report(settled=1, held=(Hold(index=0, setback=setback),))
        self.taken.append(event)
        return Report(settled=1)
