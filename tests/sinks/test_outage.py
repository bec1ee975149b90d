"""Sinks under the real dispatcher while a receiver fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
from prometheus_client import CollectorRegistry

from gateway.clock import SystemClock
from gateway.contracts import Journal, Sink, SinkDescriptor
from gateway.delivery.policy import DispatchPolicy
from gateway.dispatcher import Dispatcher
from gateway.events import CATALOGUE, Event, event_id, source_of
from gateway.events.calls import Call
from gateway.filters import EventFilter
from gateway.masking import Masker
from gateway.states import ConnectionState
from gateway.telemetry import Telemetry
from sinks import file, webhook
from sinks.file.settings import FileSettings
from sinks.webhook.settings import WebhookSettings
from tests.sinks.webhook.receiver import SECRET, Receiver
from tests.support.clock import LeapingClock
from tests.support.events import BEGIN
from tests.support.journals import memory_journal
from tests.support.sinks import sink_context
from tests.support.waiting import until

KIND = "tieline.call.held.v1"
COUNT = 300


def call_event(number: int) -> Event:
    """One of a few calls is held; the number is in the id."""
    key = f"call-{number % 7}"
    return Event(
        id=event_id("outage", number),
        source=source_of("gws", "genesys_web_services"),
        type=KIND,
        subject=f"call/{key}",
        time=BEGIN,
        recordedtime=BEGIN,
        partitionkey=key,
        data=Call(call=key, state=ConnectionState.HELD),
        dataclassification=CATALOGUE[KIND].classification,
    )


@asynccontextmanager
async def dispatched(
    name: str, kind: SinkDescriptor, sink: Sink, journal: Journal
) -> AsyncIterator[Dispatcher]:
    """A dispatcher at work, whose pauses are over at once."""
    dispatcher = Dispatcher(
        name,
        sink,
        accepts=EventFilter(),
        mask=Masker(()),
        traits=kind.traits,
        journal=journal,
        telemetry=Telemetry(CollectorRegistry()),
        clock=LeapingClock(),
        policy=DispatchPolicy(),
    )
    task = asyncio.create_task(dispatcher.run(), name=name)
    try:
        yield dispatcher
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_an_outage_of_a_receiver_loses_nothing_and_delays_nobody(tmp_path: Path) -> None:
    """While the webhook fails the file gets everything; afterwards the webhook has all, once and in order per key."""
    journal = memory_journal()
    events = [call_event(number) for number in range(COUNT)]
    await journal.append("feed", events, None)
    failing = True

    def answer(event: dict[str, Any]) -> int:
        return 503 if failing and event["partitionkey"] != "call-0" else 200

    async with Receiver() as receiver:
        receiver.answer = answer
        hook = webhook.SINK.build(
            WebhookSettings.model_validate(
                {"url": receiver.url, "secret": SECRET, "allow_private": True}
            ),
            sink_context(tmp_path, clock=SystemClock()),
        )
        log = file.SINK.build(FileSettings(path=Path("e.jsonl")), sink_context(tmp_path))
        async with (
            dispatched("crm", webhook.SINK, hook, journal) as crm,
            dispatched("log", file.SINK, log, journal) as lake,
        ):
            await until(lambda: lake.position == COUNT)
            await until(lambda: len(receiver.attempts) > 50)
            assert crm.position < COUNT
            failing = False
            await until(lambda: crm.position == COUNT)
        assert crm.refused == 0
        ordered = [event.id for event in events]
        taken = [event["id"] for event in receiver.taken]
        assert sorted(taken) == sorted(ordered)
        for key in range(7):
            mine = [event.id for event in events if event.partitionkey == f"call-{key}"]
            assert [one for one in taken if one in set(mine)] == mine
    written = [
        msgspec.json.decode(line)["id"] for line in (tmp_path / "e.jsonl").read_bytes().splitlines()
    ]
    assert written == ordered
