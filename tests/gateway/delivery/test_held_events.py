"""The dispatcher and what it holds: failing keys, replayed letters, pauses, beginning again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from gateway.contracts import HoldLimits, Journal, Refusal, Report, Setback, SinkTraits
from gateway.delivery.policy import DispatchPolicy
from gateway.dispatcher import Dispatcher
from gateway.errors import Reason, TielineError
from gateway.events import StoredEvent
from gateway.filters import EventFilter
from gateway.journal import MemoryJournal
from gateway.masking import Masker
from gateway.telemetry import Telemetry
from tests.contract.journal_suite import fill
from tests.support.clock import LeapingClock
from tests.support.journals import memory_journal
from tests.support.scripted import KeyedRecordingSink, RecordingSink, call_event
from tests.support.waiting import until

FAILS = Setback(reason=Reason.SERVER_ERROR, message="it answered 500")
DOWN = Setback(reason=Reason.RATE_LIMITED, message="not now", retry_after_seconds=1.0)
PATIENT = HoldLimits(retry_seconds=1e9, order_seconds=1e9, base_seconds=1.0, cap_seconds=10.0)
QUICK = HoldLimits(retry_seconds=60.0, order_seconds=120.0, base_seconds=1.0, cap_seconds=10.0)


async def journal_of(count: int, *, keys: int = 3) -> MemoryJournal:
    journal = memory_journal()
    await append(journal, 1, count, keys=keys)
    return journal


async def append(journal: Journal, first: int, count: int, *, keys: int = 3) -> None:
    events = [call_event(n, call=f"c{n % keys}") for n in range(first, first + count)]
    await journal.append("main/a1", events, b"r")


def dispatcher_of(
    sink: RecordingSink, journal: Journal, *, holds: HoldLimits = QUICK, batch_events: int = 500
) -> Dispatcher:
    return Dispatcher(
        "crm",
        sink,
        accepts=EventFilter(("tieline.call.*",)),
        mask=Masker(()),
        traits=SinkTraits(batch_events=batch_events, holds=holds),
        journal=journal,
        telemetry=Telemetry(CollectorRegistry()),
        clock=LeapingClock(datetime.now(UTC)),
        policy=DispatchPolicy(),
    )


@asynccontextmanager
async def running(dispatcher: Dispatcher) -> AsyncIterator[Dispatcher]:
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(dispatcher.run())
        yield dispatcher
        task.cancel()


def keys(events: Sequence[StoredEvent]) -> set[str]:
    return {event.envelope.partitionkey for event in events}


def of_key(events: Sequence[StoredEvent], key: str) -> list[int]:
    """Positions of a key's events, in order; those of repetitions without their sign."""
    return [abs(event.position) for event in events if event.envelope.partitionkey == key]


def letters_of(journal: Journal, count: int) -> Callable[[], Awaitable[bool]]:
    async def there() -> bool:
        return len(await journal.dead_letters(sink="crm")) == count

    return there


async def test_a_failing_key_holds_only_itself() -> None:
    """The position passes it, later events of the key wait, everything else arrives."""
    sink, journal = KeyedRecordingSink(), await journal_of(9)
    sink.bad = {"c1": FAILS}
    limits = HoldLimits(retry_seconds=1e9, base_seconds=1e6, cap_seconds=1e6)
    async with running(dispatcher_of(sink, journal, holds=limits)) as dispatcher:
        await until(lambda: len(sink.taken) == 6)
        await append(journal, 10, 3)
        await until(lambda: len(sink.taken) == 8)
        await until(lambda: dispatcher.position == 12)
        assert keys(sink.taken) == {"c0", "c2"}
        (held,) = dispatcher.held()
        assert (held.key, held.events, held.reason) == ("c1", 4, Reason.SERVER_ERROR)


async def test_a_mended_key_gets_what_was_held_in_order_and_then_goes_with_the_others() -> None:
    sink, journal = KeyedRecordingSink(), await journal_of(9)
    sink.bad = {"c1": FAILS}
    async with running(dispatcher_of(sink, journal, holds=PATIENT)) as dispatcher:
        await until(lambda: len(sink.tried) >= 2)
        sink.bad = {}
        await until(lambda: len(sink.taken) == 9)
        await until(lambda: not dispatcher.held())
        await append(journal, 10, 3)
        await until(lambda: len(sink.taken) == 12)
        assert of_key(sink.taken, "c1") == [1, 4, 7, 10]
        assert keys(sink.tried) == {"c1"}
        assert (await journal.held("crm")).events == []


async def test_a_key_that_is_never_mended_ends_as_dead_letters_each_with_an_event() -> None:
    sink, journal = KeyedRecordingSink(), await journal_of(6)
    sink.bad = {"c1": FAILS}
    async with running(dispatcher_of(sink, journal)) as dispatcher:
        await until(letters_of(journal, 2))
        assert not dispatcher.held()
        events = await journal.read(0, 100)
        told = [event for event in events if event.type == "tieline.delivery.dead.v1"]
        assert [event.envelope.partitionkey for event in told] == ["c1", "c1"]
        assert told[0].data()["event"] == events[0].envelope.id
        assert told[0].data()["sink"] == "crm"
    letters = await journal.dead_letters(sink="crm")
    assert [letter.position for letter in letters] == [1, 4]
    assert [letter.sequence for letter in letters] == [1, 4]


async def test_what_is_held_survives_a_restart() -> None:
    """The next process knows the events, their order and how often they were tried."""
    journal = await journal_of(6)
    first = KeyedRecordingSink()
    first.bad = {"c1": FAILS}
    async with running(dispatcher_of(first, journal, holds=PATIENT)) as dispatcher:
        await until(lambda: len(first.tried) >= 2)
        attempts = dispatcher.held()[0].attempts
    second = KeyedRecordingSink()
    second.bad = {"c1": FAILS}
    async with running(dispatcher_of(second, journal, holds=PATIENT)) as dispatcher:
        await until(lambda: bool(dispatcher.held()))
        assert dispatcher.held()[0].attempts >= attempts
        second.bad = {}
        await until(lambda: len(second.taken) == 2)
    assert of_key(second.taken, "c1") == [1, 4]


class FallingSink(KeyedRecordingSink):
    """Takes one batch, then nothing until `mended`."""

    mended = False

    async def deliver(self, batch: Sequence[StoredEvent]) -> Report:
        """As told."""
        self.down = DOWN if self.offers and not self.mended else None
        return await super().deliver(batch)


async def test_while_the_receiver_takes_nothing_no_key_is_tried() -> None:
    sink, journal = FallingSink(), await journal_of(9)
    sink.bad = {"c1": FAILS}
    limits = HoldLimits(base_seconds=600.0, cap_seconds=600.0, retry_seconds=1e6)
    dispatcher = dispatcher_of(sink, journal, holds=limits, batch_events=6)
    async with running(dispatcher):
        await until(lambda: dispatcher.failures > 50)
        assert sink.tried == []
        sink.mended, sink.bad = True, {}
        await until(lambda: len(sink.taken) == 9)
        assert dispatcher.failures == 0
    assert of_key(sink.taken, "c1") == [1, 4, 7]


async def test_an_open_breaker_offers_one_event_at_a_time_until_one_is_taken() -> None:
    sink, journal = KeyedRecordingSink(), await journal_of(9)
    sink.down = DOWN
    async with running(dispatcher_of(sink, journal)) as dispatcher:
        await until(lambda: dispatcher.failures >= 10)
        sink.down = None
        await until(lambda: len(sink.taken) == 9)
    sizes = [len(offer) for offer in sink.offers]
    assert sizes[:5] == [9] * 5
    assert set(sizes[5:-1]) == {1}
    assert sizes[-1] == 8


async def test_a_receiver_that_fails_at_every_key_loses_one_key_at_most_per_pause() -> None:
    """When everything was failing, a key that fails too may be the receiver's fault: the next waits its turn."""
    sink, journal = KeyedRecordingSink(), await journal_of(9, keys=9)
    sink.down = DOWN
    async with running(dispatcher_of(sink, journal, holds=PATIENT)) as dispatcher:
        await until(lambda: dispatcher.failures >= 5)
        sink.down, sink.bad = None, {f"c{n}": FAILS for n in range(9)}
        await until(lambda: len(dispatcher.held()) >= 2)
        failures = dispatcher.failures
        assert failures >= 6
        assert dispatcher.last_error is not None
        sink.bad = {}
        await until(lambda: len(sink.taken) == 9)
        assert dispatcher.last_error is None


async def test_the_breaker_survives_a_restart() -> None:
    """A new process does not storm a receiver that asked to be left alone."""
    journal = await journal_of(3)
    first = KeyedRecordingSink()
    first.down = DOWN
    async with running(dispatcher_of(first, journal)) as dispatcher:
        await until(lambda: dispatcher.failures >= 7)
    second = KeyedRecordingSink()
    second.down = DOWN
    dispatcher = dispatcher_of(second, journal)
    async with running(dispatcher):
        await until(lambda: second.offers)
        assert len(second.offers[0]) == 1
        assert dispatcher.failures >= 7
        assert dispatcher.next_try is not None


async def test_a_receiver_that_works_again_is_forgiven_on_disk_too() -> None:
    journal = await journal_of(3)
    sink = KeyedRecordingSink()
    sink.down = DOWN
    async with running(dispatcher_of(sink, journal)) as dispatcher:
        await until(lambda: dispatcher.failures >= 2)
        sink.down = None
        await until(lambda: len(sink.taken) == 3)
    later = dispatcher_of(KeyedRecordingSink(), journal)
    async with running(later):
        await until(lambda: later.is_open)
        assert (later.failures, later.next_try) == (0, None)


async def refused_by(sink: RecordingSink, journal: Journal, dispatcher: Dispatcher) -> list[int]:
    """Let the sink refuse its first two events; returns the letters."""
    refusals = tuple(Refusal(index=at, reason=Reason.INVALID, message="no") for at in (0, 1))
    sink.script = [Report(settled=3, refused=refusals)]
    async with running(dispatcher):
        await until(letters_of(journal, 2))
    return [letter.id for letter in await journal.dead_letters(sink="crm")]


async def test_a_replayed_letter_is_offered_as_a_repetition_to_a_sink_of_batches() -> None:
    """Its position is negative, so that a receiver that remembers positions takes it all the same."""
    sink, journal = RecordingSink(), await journal_of(3)
    letters = await refused_by(sink, journal, dispatcher_of(sink, journal))
    dispatcher = dispatcher_of(sink, journal)
    async with running(dispatcher):
        await until(lambda: dispatcher.is_open)
        assert await dispatcher.replay([*letters, 999], requester="anna") == 2
        await until(lambda: len(sink.taken) == 3)
        assert [event.position for event in sink.taken] == [3, -1, -2]
        await until(lambda: not dispatcher.held())
    assert await journal.dead_letters() == []
    letter = await journal.dead_letter(letters[0])
    assert letter is not None
    assert (letter.state, letter.settled_by) == ("replayed", "anna")


async def test_a_replayed_letter_that_is_refused_again_is_a_letter_again() -> None:
    sink, journal = RecordingSink(), await journal_of(3)
    letters = await refused_by(sink, journal, dispatcher_of(sink, journal))
    dispatcher = dispatcher_of(sink, journal)
    refusal = Refusal(index=0, reason=Reason.TOO_LARGE, message="still no")
    async with running(dispatcher):
        await until(lambda: dispatcher.is_open)
        sink.script = [Report(settled=1, refused=(refusal,))]
        await dispatcher.replay(letters[:1])
        await until(letters_of(journal, 2))
        again = (await journal.dead_letters(sink="crm"))[-1]
    assert again.id not in letters
    assert (again.position, again.reason) == (1, Reason.TOO_LARGE)


async def test_a_replay_that_a_kill_interrupts_is_done_by_the_next_process() -> None:
    sink, journal = RecordingSink(), await journal_of(3)
    letters = await refused_by(sink, journal, dispatcher_of(sink, journal))
    await journal.exhume("crm", letters, by="anna")
    later = RecordingSink()
    async with running(dispatcher_of(later, journal)):
        await until(lambda: len(later.taken) == 2)
    assert [event.position for event in later.taken] == [-1, -2]


async def test_a_discarded_letter_is_kept_with_who_and_why() -> None:
    sink, journal = RecordingSink(), await journal_of(3)
    dispatcher = dispatcher_of(sink, journal)
    letters = await refused_by(sink, journal, dispatcher)
    assert await dispatcher.discard(letters[:1], requester="anna", note="test calls") == 1
    assert [letter.id for letter in await journal.dead_letters()] == letters[1:]
    letter = await journal.dead_letter(letters[0])
    assert letter is not None
    assert (letter.state, letter.settled_by, letter.note) == ("discarded", "anna", "test calls")


async def test_a_paused_sink_is_offered_nothing_also_after_a_restart() -> None:
    sink, journal = RecordingSink(), await journal_of(3)
    dispatcher = dispatcher_of(sink, journal)
    async with running(dispatcher):
        await until(lambda: len(sink.taken) == 3)
        await dispatcher.pause()
        await append(journal, 4, 2)
        assert dispatcher.paused
        assert dispatcher.stuck
    later = dispatcher_of(sink, journal)
    async with running(later):
        await until(lambda: later.paused)
        assert len(sink.taken) == 3
        await later.unpause()
        await until(lambda: len(sink.taken) == 5)
        assert not later.paused


async def test_a_sink_that_waits_for_its_receiver_can_be_paused() -> None:
    sink, journal = KeyedRecordingSink(), await journal_of(3)
    sink.down = DOWN
    dispatcher = dispatcher_of(sink, journal)
    async with running(dispatcher):
        await until(lambda: dispatcher.failures >= 2)
        await dispatcher.pause()
        sink.down = None
        await dispatcher.unpause()
        await until(lambda: len(sink.taken) == 3)


async def test_a_rewound_sink_gets_again_what_it_had_marked_as_repetition_then_what_is_new() -> (
    None
):
    sink, journal = RecordingSink(), await journal_of(6)
    dispatcher = dispatcher_of(sink, journal)
    async with running(dispatcher):
        await until(lambda: len(sink.taken) == 6)
        await until(lambda: dispatcher.position == 6)
        assert await dispatcher.rewind(position=3) == 3
        await until(lambda: len(sink.taken) == 9)
        await append(journal, 7, 1)
        await until(lambda: len(sink.taken) == 10)
        assert dispatcher.rewound_to is None
    assert [event.position for event in sink.taken[6:]] == [-4, -5, -6, 7]


async def test_a_receiver_that_holds_more_does_not_shorten_a_repetition() -> None:
    sink, journal = RecordingSink(), await journal_of(6)
    dispatcher = dispatcher_of(sink, journal)
    async with running(dispatcher):
        await until(lambda: dispatcher.position == 6)
        await dispatcher.pause()
        await dispatcher.rewind(position=0)
        assert dispatcher.position == 0
    later = RecordingSink()
    later.opens = [6]
    again = dispatcher_of(later, journal)
    async with running(again):
        await again.unpause()
        await until(lambda: len(later.taken) == 6)


async def test_a_sink_can_begin_again_with_a_time() -> None:
    journal = memory_journal()
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for number in range(20):
        event = msgspec.structs.replace(
            call_event(number), recordedtime=start + timedelta(minutes=number)
        )
        await journal.append("main/a1", [event], None)
    sink = RecordingSink()
    dispatcher = dispatcher_of(sink, journal)
    async with running(dispatcher):
        await until(lambda: dispatcher.position == 20)
        assert await dispatcher.rewind(time=start + timedelta(minutes=12)) == 12
        await until(lambda: len(sink.taken) == 28)


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({}, "either"),
        ({"position": 1, "time": datetime.now(UTC)}, "either"),
        ({"position": 99}, "the journal ends there"),
        ({"position": -1}, "retention"),
        ({"time": datetime(2026, 1, 1)}, "offset"),  # noqa: DTZ001 - the mistake that is tested
    ],
)
async def test_a_place_that_is_none_is_refused(wish: dict[str, object], said: str) -> None:
    sink, journal = RecordingSink(), await journal_of(3)
    dispatcher = dispatcher_of(sink, journal)
    async with running(dispatcher):
        await until(lambda: dispatcher.position == 3)
        with pytest.raises(TielineError) as caught:
            await dispatcher.rewind(**wish)  # type: ignore[arg-type]  # wrong on purpose
    assert caught.value.reason is Reason.INVALID
    assert said in str(caught.value)


async def test_a_full_journal_keeps_no_sink_from_burying() -> None:
    """The event of a dead letter waits for room by itself; the sink goes on, which is what makes room."""
    journal = memory_journal(max_bytes=20_000)
    await journal.commit("crm", 0)
    numbers = await fill(journal, padding=0)
    sink = RecordingSink()
    refusal = Refusal(index=0, reason=Reason.INVALID, message="no")
    sink.script = [Report(settled=numbers, refused=(refusal,))]
    dispatcher = dispatcher_of(sink, journal)
    async with running(dispatcher):
        await until(letters_of(journal, 1))
        await until(lambda: dispatcher.position >= numbers)

        async def told() -> bool:
            events = await journal.read(0, 1000)
            return any(event.type == "tieline.delivery.dead.v1" for event in events)

        await append(journal, 1000, 1)
        await until(told)
