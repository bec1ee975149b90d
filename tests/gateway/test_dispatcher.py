"""The dispatcher: positions, retries, dead letters, isolation, stopping."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from prometheus_client import CollectorRegistry

from gateway.contracts import Journal, Refusal, Report, Setback, SinkTraits
from gateway.delivery.policy import DispatchPolicy
from gateway.dispatcher import Dispatcher
from gateway.errors import ConfigError, DeliveryRetryable, NotReady, Reason
from gateway.events import StoredEvent
from gateway.filters import EventFilter
from gateway.journal import MemoryJournal
from gateway.masking import MASK, Masker
from gateway.telemetry import Telemetry
from tests.support.clock import LeapingClock
from tests.support.journals import memory_journal
from tests.support.scripted import RecordingSink, call_event
from tests.support.waiting import until


async def journal_of(*numbers: int, **event: str) -> MemoryJournal:
    journal = memory_journal()
    await journal.append("main/a1", [call_event(number, **event) for number in numbers], b"r")
    return journal


def dispatcher_of(
    sink: RecordingSink,
    journal: Journal,
    *,
    events: Sequence[str] = ("*",),
    mask: Sequence[str] = (),
    traits: SinkTraits | None = None,
) -> Dispatcher:
    return Dispatcher(
        "lake",
        sink,
        accepts=EventFilter(events),
        mask=Masker(mask),
        traits=traits or SinkTraits(),
        journal=journal,
        telemetry=Telemetry(CollectorRegistry()),
        clock=LeapingClock(),
        policy=DispatchPolicy(),
    )


@asynccontextmanager
async def running(dispatcher: Dispatcher) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(dispatcher.run())
        yield
        task.cancel()


def positions(events: Sequence[StoredEvent]) -> list[int]:
    return [event.position for event in events]


async def test_everything_is_delivered_in_order_and_the_position_is_saved() -> None:
    sink, journal = RecordingSink(), await journal_of(1, 2, 3)
    dispatcher = dispatcher_of(sink, journal)
    async with running(dispatcher):
        await until(lambda: len(sink.taken) == 3)
        await journal.append("main/a1", [call_event(4)], b"r")
        await until(lambda: len(sink.taken) == 4)
        await until(lambda: dispatcher.position == sink.taken[-1].position)

        async def saved() -> bool:
            return await journal.position("lake") == dispatcher.position

        await until(saved)
    assert positions(sink.taken) == sorted(positions(sink.taken))


async def test_a_new_dispatcher_goes_on_where_the_last_one_saved() -> None:
    journal = await journal_of(1, 2)
    first = RecordingSink()
    one = dispatcher_of(first, journal)
    one.finish_at(journal.statistics().last_position)
    await one.run()
    await journal.append("main/a1", [call_event(3)], b"r")
    second = RecordingSink()
    two = dispatcher_of(second, journal)
    two.finish_at(journal.statistics().last_position)
    await two.run()
    assert len(first.taken) == 2
    assert [event.sequence for event in second.taken] == [3]


async def test_what_the_receiver_already_holds_is_not_offered() -> None:
    sink, journal = RecordingSink(), await journal_of(1, 2, 3)
    sink.opens = [2]
    dispatcher = dispatcher_of(sink, journal)
    dispatcher.finish_at(3)
    await dispatcher.run()
    assert positions(sink.taken) == [3]


async def test_a_receiver_that_is_ahead_of_the_journal_is_not_trusted() -> None:
    sink, journal = RecordingSink(), await journal_of(1)
    sink.opens = [7, None]
    dispatcher = dispatcher_of(sink, journal)
    dispatcher.finish_at(1)
    await dispatcher.run()
    assert positions(sink.taken) == [1]
    clock = dispatcher._clock
    assert isinstance(clock, LeapingClock)
    assert clock.slept[0] >= 60.0


async def test_only_matching_events_are_offered_and_the_others_are_passed() -> None:
    journal = await journal_of(1, 2, verb="held")
    await journal.append("main/a1", [call_event(3, verb="ended")], b"r")
    sink = RecordingSink()
    dispatcher = dispatcher_of(sink, journal, events=["tieline.call.held.*"])
    dispatcher.finish_at(3)
    await dispatcher.run()
    assert positions(sink.taken) == [1, 2]
    assert await journal.position("lake") == 3


async def test_the_unsettled_rest_is_offered_again_after_a_wait() -> None:
    sink, journal = RecordingSink(), await journal_of(1, 2, 3)
    sink.script = [Report(settled=1, setback=Setback(reason=Reason.TIMEOUT, message="slow"))]
    dispatcher = dispatcher_of(sink, journal)
    dispatcher.finish_at(3)
    await dispatcher.run()
    assert [positions(offer) for offer in sink.offers] == [[1, 2, 3], [2, 3]]
    assert positions(sink.taken) == [1, 2, 3]


async def test_the_receivers_own_wait_is_honoured() -> None:
    sink, journal = RecordingSink(), await journal_of(1)
    setback = Setback(reason=Reason.RATE_LIMITED, message="busy", retry_after_seconds=90.0)
    sink.script = [Report(settled=0, setback=setback)]
    dispatcher = dispatcher_of(sink, journal)
    dispatcher.finish_at(1)
    await dispatcher.run()
    clock = dispatcher._clock
    assert isinstance(clock, LeapingClock)
    assert max(clock.slept) >= 90.0


async def test_a_failed_sink_is_opened_anew_and_nothing_is_skipped() -> None:
    sink, journal = RecordingSink(), await journal_of(1, 2)
    sink.opens = [NotReady("no broker")]
    sink.script = [DeliveryRetryable("gone in the middle")]
    dispatcher = dispatcher_of(sink, journal)
    dispatcher.finish_at(2)
    await dispatcher.run()
    assert sink.opened == 3
    assert positions(sink.taken) == [1, 2]


async def test_a_sink_that_cannot_work_is_tried_rarely() -> None:
    sink, journal = RecordingSink(), await journal_of(1)
    sink.opens = [ConfigError("no such topic")]
    dispatcher = dispatcher_of(sink, journal)
    dispatcher.finish_at(1)
    await dispatcher.run()
    clock = dispatcher._clock
    assert isinstance(clock, LeapingClock)
    assert clock.slept[0] >= 60.0


async def test_a_defect_in_a_sink_is_survived() -> None:
    sink, journal = RecordingSink(), await journal_of(1)
    sink.script = [ZeroDivisionError("a bug")]
    dispatcher = dispatcher_of(sink, journal)
    dispatcher.finish_at(1)
    await dispatcher.run()
    assert positions(sink.taken) == [1]


async def test_a_refused_event_becomes_a_dead_letter_and_the_others_go_on() -> None:
    sink, journal = RecordingSink(), await journal_of(1, 2, 3)
    refusal = Refusal(index=1, reason=Reason.TOO_LARGE, message="over the limit")
    sink.script = [Report(settled=3, refused=(refusal,))]
    dispatcher = dispatcher_of(sink, journal)
    dispatcher.finish_at(3)
    await dispatcher.run()
    letters = await journal.dead_letters(sink="lake")
    assert [(letter.position, letter.reason) for letter in letters] == [(2, Reason.TOO_LARGE)]
    assert positions(sink.taken) == [1, 3]
    assert dispatcher.refused == 1


async def test_batches_are_cut_by_bytes_but_never_to_nothing() -> None:
    sink, journal = RecordingSink(), await journal_of(1, 2, 3)
    dispatcher = dispatcher_of(sink, journal, traits=SinkTraits(batch_bytes=1))
    dispatcher.finish_at(3)
    await dispatcher.run()
    assert [len(offer) for offer in sink.offers] == [1, 1, 1]


async def test_masked_events_keep_their_ids_and_lose_their_numbers() -> None:
    journal = memory_journal()
    await journal.append("main/a1", [call_event(1)], b"r")
    sink = RecordingSink()
    dispatcher = dispatcher_of(sink, journal, mask=["personal"])
    dispatcher.finish_at(1)
    await dispatcher.run()
    assert sink.taken[0].data() == {"call": "c1", "agent": "a1"}
    assert MASK not in sink.taken[0].body.decode()


async def test_a_sink_whose_receiver_is_silent_is_stuck_until_it_answers() -> None:
    sink, journal = RecordingSink(), await journal_of(1)
    sink.gate.clear()
    dispatcher = dispatcher_of(sink, journal)
    clock = dispatcher._clock
    assert isinstance(clock, LeapingClock)
    async with running(dispatcher):
        await until(lambda: dispatcher._calls._began is not None and dispatcher.is_open)
        assert not dispatcher.stuck
        clock.advance(DispatchPolicy().silent_seconds + 1)
        assert dispatcher.stuck
        sink.gate.set()
        await until(lambda: dispatcher.position == 1)
        assert not dispatcher.stuck


async def test_cancelled_in_mid_delivery_the_batch_is_offered_again() -> None:
    sink, journal = RecordingSink(), await journal_of(1)
    sink.gate.clear()
    async with running(dispatcher_of(sink, journal)):
        await until(lambda: sink.opened)
    sink.gate.set()
    again = dispatcher_of(sink, journal)
    again.finish_at(1)
    await again.run()
    assert positions(sink.taken) == [1]
