"""Scenarios that every journal must pass. A journal's tests subclass `JournalSuite` and supply a harness."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol

import pytest

from gateway.contracts import (
    Appended,
    Burial,
    Held,
    HeldChanges,
    HeldEvent,
    Journal,
    KeyTrouble,
)
from gateway.errors import JournalClosed, JournalError, JournalFull, Reason
from gateway.events import Classification, Event, StoredEvent, event_id, source_of
from gateway.events.calls import Call
from gateway.journal import JournalSettings
from gateway.states import ConnectionState
from tests.support.waiting import until

BEGIN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
HOUR_SECONDS = 3600.0


def event(
    number: int, *, connector: str = "gws", padding: int = 0, identity: str | None = None
) -> Event:
    """An event whose id follows from its number."""
    moment = BEGIN + timedelta(milliseconds=number)
    return Event(
        id=identity or event_id("suite", number),
        source=source_of(connector, "genesys_web_services"),
        type="tieline.call.held.v1",
        subject="call/c1",
        time=moment,
        recordedtime=moment,
        partitionkey="c1",
        data=Call(call="c1", state=ConnectionState.HELD, cause="x" * padding or None),
        dataclassification=Classification.PERSONAL,
    )


def events(first: int, count: int, *, padding: int = 0) -> list[Event]:
    """Events with consecutive numbers."""
    return [event(number, padding=padding) for number in range(first, first + count)]


def ids(stored: Sequence[StoredEvent]) -> list[str]:
    return [one.envelope.id for one in stored]


async def read_all(journal: Journal, after: int = 0, page: int = 7) -> list[StoredEvent]:
    """Everything behind a position, page by page."""
    found: list[StoredEvent] = []
    while part := await journal.read(found[-1].position if found else after, page):
        found += part
    return found


async def fill(journal: Journal, *, first: int = 0, padding: int = 20_000) -> int:
    """Append large events until the journal refuses one; returns how many it took."""
    number = first
    while True:
        try:
            await journal.append("f", events(number, 5, padding=padding), b"%d" % number)
        except JournalFull:
            return number - first
        number += 5


class JournalHarness(Protocol):
    """How to make journals of one kind."""

    async def make(self, settings: JournalSettings | None = None) -> Journal:
        """A new, empty journal."""
        ...

    def advance(self, seconds: float) -> None:
        """Let the journals' clock move on."""
        ...


class JournalSuite:
    """Every journal."""

    async def test_reads_what_was_appended(self, harness: JournalHarness) -> None:
        """Events come back complete and in order, in pages, with growing positions and a dense sequence."""
        journal = await harness.make()
        appended = await journal.append("f", events(0, 30), b"r1")
        found = await read_all(journal)
        assert appended == Appended(stored=30, duplicates=0, position=found[-1].position)
        assert ids(found) == [one.id for one in events(0, 30)]
        assert [one.sequence for one in found] == list(range(1, 31))
        assert sorted({one.position for one in found}) == [one.position for one in found]
        assert {(one.type, one.source) for one in found} == {
            ("tieline.call.held.v1", "/tieline/gws/genesys_web_services")
        }
        await journal.close()

    async def test_is_empty_at_the_end(self, harness: JournalHarness) -> None:
        """Behind the last event there is nothing, in a new journal and in a used one."""
        journal = await harness.make()
        assert not await journal.read(0, 10)
        last = (await journal.append("f", events(0, 3), None)).position
        assert not await journal.read(last, 10)
        assert not await journal.read(last + 5, 10)
        await journal.close()

    async def test_keeps_events_and_resume_state_together(self, harness: JournalHarness) -> None:
        """A feed's resume state is that of its last append; None leaves it; other feeds have their own."""
        journal = await harness.make()
        assert await journal.resume("f") is None
        await journal.append("f", events(0, 1), b"one")
        await journal.append("f", events(1, 1), None)
        await journal.append("g", [], b"other")
        assert (await journal.resume("f"), await journal.resume("g")) == (b"one", b"other")
        await journal.append("f", [], b"two")
        assert await journal.resume("f") == b"two"
        await journal.close()

    async def test_leaves_duplicates_out(self, harness: JournalHarness) -> None:
        """An id that is stored already, or twice in one append, is stored once and counted; no sequence is lost."""
        journal = await harness.make()
        await journal.append("f", events(0, 3), None)
        appended = await journal.append(
            "f", [event(2), event(3), event(3), event(0), event(4)], b"r"
        )
        found = await read_all(journal)
        assert appended == Appended(stored=2, duplicates=3, position=found[-1].position)
        assert ids(found) == [one.id for one in events(0, 5)]
        assert [one.sequence for one in found] == [1, 2, 3, 4, 5]
        assert journal.statistics().duplicates == 3
        await journal.close()

    async def test_stores_the_same_event_of_two_appends_once(self, harness: JournalHarness) -> None:
        """Also when both appends are under way at the same time."""
        journal = await harness.make()
        results = await asyncio.gather(
            *[journal.append(f"f{n}", events(0, 4), None) for n in range(5)]
        )
        assert sum(one.stored for one in results) == 4
        assert sum(one.duplicates for one in results) == 16
        assert len(await read_all(journal)) == 4
        await journal.close()

    async def test_takes_ids_of_any_form(self, harness: JournalHarness) -> None:
        """Ids need not be hexadecimal; similar ones are different ones."""
        journal = await harness.make()
        names = ["a", "A" * 32, "a" * 32, "ü", "0" * 32, "0" * 31, " " * 32]
        await journal.append("f", [event(0, identity=name) for name in names], None)
        again = await journal.append("f", [event(1, identity=name) for name in names], None)
        assert ids(await read_all(journal)) == names
        assert again.duplicates == len(names)
        await journal.close()

    async def test_counts_the_sequence_per_source(self, harness: JournalHarness) -> None:
        """Two connectors each have 1, 2, 3 …, however their events mix."""
        journal = await harness.make()
        mixed = [event(n, connector=f"c{n % 2}") for n in range(10)]
        await asyncio.gather(*[journal.append(f"f{n}", [one], None) for n, one in enumerate(mixed)])
        found = await read_all(journal)
        for name in ("c0", "c1"):
            own = [one.sequence for one in found if one.source.startswith(f"/tieline/{name}/")]
            assert own == [1, 2, 3, 4, 5]
        await journal.close()

    async def test_keeps_the_order_of_each_feed(self, harness: JournalHarness) -> None:
        """Concurrent appends of many feeds keep each feed's order."""
        journal = await harness.make()

        async def run(feed: int) -> None:
            for n in range(10):
                await journal.append(f"f{feed}", [event(feed * 100 + n)], b"%d" % n)

        await asyncio.gather(*[run(feed) for feed in range(20)])
        found = ids(await read_all(journal))
        for feed in range(20):
            own = [one.id for one in events(feed * 100, 10)]
            assert [one for one in found if one in own] == own
        await journal.close()

    async def test_refuses_what_cannot_be_encoded(self, harness: JournalHarness) -> None:
        """An event without a JSON form is refused whole; the journal goes on."""
        journal = await harness.make()
        bad = Event(**{name: getattr(event(1), name) for name in Event.__struct_fields__}
                    | {"data": object()})  # fmt: skip
        with pytest.raises(JournalError) as caught:
            await journal.append("f", [event(0), bad], b"r")
        assert caught.value.reason is Reason.INVALID
        assert await journal.resume("f") is None
        assert (await journal.append("f", events(0, 2), None)).stored == 2
        await journal.close()

    async def test_wakes_all_who_wait(self, harness: JournalHarness) -> None:
        """Everybody who waits for news wakes by one append, and can read at once."""
        journal = await harness.make()

        async def follow() -> int:
            await journal.wait(0)
            return len(await journal.read(0, 10))

        waiters = [asyncio.create_task(follow(), name=f"waiter {n}") for n in range(5)]
        await asyncio.sleep(0)
        await journal.append("f", events(0, 2), None)
        assert await asyncio.gather(*waiters) == [2] * 5
        await journal.close()

    async def test_waits_only_for_news(self, harness: JournalHarness) -> None:
        """Waiting returns at once when there is something, and not for less than asked; it can be cancelled."""
        journal = await harness.make()
        last = (await journal.append("f", events(0, 2), None)).position
        await journal.wait(last - 1)
        waiter = asyncio.create_task(journal.wait(last + 1), name="waiter")
        last = (await journal.append("f", events(2, 1), None)).position
        assert not waiter.done()
        cancelled = asyncio.create_task(journal.wait(last), name="cancelled")
        await asyncio.sleep(0)
        cancelled.cancel()
        await journal.append("f", events(3, 1), None)
        await waiter
        with pytest.raises(asyncio.CancelledError):
            await cancelled
        await journal.close()

    async def test_consumers_are_independent(self, harness: JournalHarness) -> None:
        """Each consumer has its own position and lag; an unknown one has none; a forgotten one is unknown."""
        journal = await harness.make()
        await journal.append("f", events(0, 10), None)
        positions = [one.position for one in await journal.read(0, 10)]
        await journal.commit("a", positions[3])
        await journal.commit("b", positions[8])
        await journal.commit("a", positions[4])
        assert await journal.position("a") == positions[4]
        assert await journal.position("b") == positions[8]
        assert await journal.position("c") is None
        assert journal.statistics().lag == {"a": 5, "b": 1}
        await journal.forget("a")
        assert await journal.position("a") is None
        assert journal.statistics().lag == {"b": 1}
        await journal.close()

    async def test_buries_with_the_position(self, harness: JournalHarness) -> None:
        """Dead letters carry their event and reason, per sink, once even if the commit is repeated."""
        journal = await harness.make()
        await journal.append("f", events(0, 3), None)
        stored = await journal.read(0, 3)
        burials = [
            Burial(event=one, reason=Reason.TOO_LARGE, message="1 MiB at most") for one in stored
        ]
        for _ in range(2):
            await journal.commit("crm", stored[1].position, burials[:2])
        await journal.commit("lake", stored[2].position, burials[2:])
        letters = await journal.dead_letters(sink="crm")
        assert [letter.event_id for letter in letters] == ids(stored[:2])
        assert [letter.position for letter in letters] == [one.position for one in stored[:2]]
        first = letters[0]
        assert (first.reason, first.message, first.state) == (
            Reason.TOO_LARGE,
            "1 MiB at most",
            "waiting",
        )
        assert (first.body, first.event_type) == (stored[0].body, stored[0].type)
        assert len(await journal.dead_letters()) == 3
        assert [one.id for one in await journal.dead_letters(after=first.id, limit=1)] == [
            letters[1].id
        ]
        await journal.close()

    async def test_settles_dead_letters_once(self, harness: JournalHarness) -> None:
        """A settled letter waits no longer, cannot be settled again, and its event can be buried anew."""
        journal = await harness.make()
        await journal.append("f", events(0, 2), None)
        stored = await journal.read(0, 2)
        burials = [Burial(event=one, reason=Reason.INVALID, message="no") for one in stored]
        await journal.commit("crm", 2, burials)
        one, two = [letter.id for letter in await journal.dead_letters()]
        assert await journal.discard_dead_letters("lake", [one], by="anna", note="") == 0
        assert await journal.discard_dead_letters("crm", [one, 999], by="anna", note="old") == 1
        assert await journal.discard_dead_letters("crm", [one], by="anna", note="") == 0
        assert [letter.id for letter in await journal.dead_letters()] == [two]
        discarded = await journal.dead_letter(one)
        assert discarded is not None
        assert (discarded.state, discarded.settled_by, discarded.note) == (
            "discarded",
            "anna",
            "old",
        )
        assert discarded.settled is not None
        assert await journal.dead_letter(999) is None
        await journal.commit("crm", 2, burials[:1])
        assert len(await journal.dead_letters()) == 2
        await journal.close()

    async def test_holds_events_beside_the_position(self, harness: JournalHarness) -> None:
        """What a consumer holds is kept in order of position with what is known of its keys, until it is released."""
        journal = await harness.make()
        await journal.append("f", events(0, 3), None)
        stored = await journal.read(0, 3)
        now = BEGIN
        held = [HeldEvent(event=one, key="k", since=now) for one in stored]
        trouble = KeyTrouble(
            key="k",
            attempts=2,
            failing_since=now,
            next_try=now + timedelta(seconds=9),
            reason=Reason.SERVER_ERROR,
            message="it answered 500",
        )
        await journal.commit("crm", 3, held=HeldChanges(held=held[1:], troubles=[trouble]))
        await journal.commit("crm", 3, held=HeldChanges(held=held))
        await journal.commit("lake", 3, held=HeldChanges(held=held[:1]))
        kept = await journal.held("crm")
        assert kept == Held(events=held, troubles=[trouble])
        assert [one.event.body for one in kept.events] == [one.body for one in stored]
        changes = HeldChanges(released=[stored[0].position], recovered=["k"])
        burial = Burial(event=stored[0], reason=Reason.SERVER_ERROR, message="too often")
        await journal.commit("crm", 3, [burial], changes)
        assert await journal.held("crm") == Held(events=held[1:], troubles=[])
        assert await journal.held("lake") == Held(events=held[:1], troubles=[])
        await journal.forget("lake")
        assert await journal.held("lake") == Held(events=[], troubles=[])
        assert await journal.held("crm") == Held(events=held[1:], troubles=[])
        (letter,) = await journal.dead_letters(sink="crm")
        assert (letter.position, letter.sequence) == (stored[0].position, stored[0].sequence)
        await journal.close()

    async def test_exhumes_dead_letters_into_what_is_held(self, harness: JournalHarness) -> None:
        """A replayed letter waits no longer as a letter, but as an event of its key."""
        journal = await harness.make()
        await journal.append("f", events(0, 3), None)
        stored = await journal.read(0, 3)
        burials = [Burial(event=one, reason=Reason.INVALID, message="no") for one in stored]
        await journal.commit("crm", 3, burials[::-1])
        letters = [letter.id for letter in await journal.dead_letters()]
        assert list(await journal.exhume("lake", letters, by="anna")) == []
        exhumed = await journal.exhume("crm", [*letters[:2], 999], by="anna")
        assert [one.event for one in exhumed] == list(stored[1:])
        assert [one.key for one in exhumed] == [one.envelope.partitionkey for one in stored[1:]]
        assert [letter.id for letter in await journal.dead_letters()] == letters[2:]
        assert [one.event for one in (await journal.held("crm")).events] == list(stored[1:])
        replayed = await journal.dead_letter(letters[0])
        assert replayed is not None
        assert (replayed.state, replayed.settled_by) == ("replayed", "anna")
        assert list(await journal.exhume("crm", letters[:2], by="anna")) == []
        await journal.close()

    async def test_saves_a_position_that_lies_before_the_last(
        self, harness: JournalHarness
    ) -> None:
        """An operator may have a sink begin again."""
        journal = await harness.make()
        await journal.append("f", events(0, 5), None)
        await journal.commit("crm", 5)
        await journal.commit("crm", 2)
        assert await journal.position("crm") == 2
        assert journal.statistics().lag["crm"] == 3
        await journal.close()

    async def test_keeps_small_facts(self, harness: JournalHarness) -> None:
        """Facts are kept per namespace, listed by key, replaced and removed."""
        journal = await harness.make()
        await journal.put("a", "k2", b"2")
        await journal.put("a", "k1", b"1")
        await journal.put("b", "k1", b"other")
        await journal.put("a", "k2", b"two")
        assert [tuple(pair) for pair in await journal.items("a")] == [("k1", b"1"), ("k2", b"two")]
        await journal.put("a", "k1", None)
        await journal.put("a", "never", None)
        assert await journal.get("a", "k1") is None
        assert await journal.get("b", "k1") == b"other"
        await journal.close()

    async def test_keeps_the_first_of_many(self, harness: JournalHarness) -> None:
        """Of concurrent puts of one free key exactly one wins, and the others learn its value."""
        journal = await harness.make()
        answers = await asyncio.gather(
            *[journal.put_if_absent("n", "k", b"%d" % n) for n in range(10)]
        )
        winner = await journal.get("n", "k")
        assert winner is not None
        assert answers.count(None) == 1
        assert answers.index(None) == int(winner)
        assert {answer for answer in answers if answer is not None} == {winner}
        await journal.close()

    async def test_trims_by_age_but_never_past_a_consumer(self, harness: JournalHarness) -> None:
        """Old events go when every consumer has them; positions and sequences go on, never reused."""
        journal = await harness.make(JournalSettings(max_age_seconds=HOUR_SECONDS))
        await journal.append("f", events(0, 10), None)
        positions = [one.position for one in await journal.read(0, 10)]
        await journal.commit("slow", positions[3])
        await journal.commit("fast", positions[9])
        harness.advance(2 * HOUR_SECONDS)
        assert await journal.trim() == 4
        assert ids(await read_all(journal)) == [one.id for one in events(4, 6)]
        await journal.commit("slow", positions[9])
        assert await journal.trim() == 6
        assert not await journal.read(0, 10)
        await journal.append("f", events(10, 1), None)
        (next_event,) = await journal.read(0, 10)
        assert next_event.position > positions[9]
        assert next_event.sequence == 11
        statistics = journal.statistics()
        assert (statistics.trimmed, statistics.trimmed_undelivered, statistics.events) == (10, 0, 1)
        await journal.close()

    async def test_keeps_young_events(self, harness: JournalHarness) -> None:
        """What is younger than the age stays, whoever has it."""
        journal = await harness.make(JournalSettings(max_age_seconds=HOUR_SECONDS))
        await journal.append("f", events(0, 5), None)
        harness.advance(HOUR_SECONDS * 0.75)
        await journal.append("f", events(5, 5), None)
        harness.advance(HOUR_SECONDS * 0.5)
        assert await journal.trim() == 5
        assert ids(await read_all(journal)) == [one.id for one in events(5, 5)]
        await journal.close()

    async def test_trims_undelivered_only_when_told_to(self, harness: JournalHarness) -> None:
        """With the operator's leave the policy goes past a consumer, and says how much it cost."""
        journal = await harness.make(
            JournalSettings(max_age_seconds=HOUR_SECONDS, trim_undelivered=True)
        )
        await journal.append("f", events(0, 10), None)
        position = (await journal.read(0, 10))[3].position
        await journal.commit("slow", position)
        harness.advance(2 * HOUR_SECONDS)
        assert await journal.trim() == 10
        assert journal.statistics().trimmed_undelivered == 6
        assert journal.statistics().lag == {"slow": 0}
        await journal.close()

    async def test_is_full_rather_than_dropping(self, harness: JournalHarness) -> None:
        """At its size bound it refuses whole appends until the slowest consumer has moved on."""
        journal = await harness.make(JournalSettings(max_bytes=2 << 20, room_poll_seconds=0.01))
        await journal.commit("slow", 0)
        count = await fill(journal)
        assert count >= 20
        assert journal.statistics().full
        assert await journal.resume("f") == b"%d" % (count - 5)
        assert len(await read_all(journal)) == count
        waiter = asyncio.create_task(journal.wait_for_room(), name="waiter")
        await asyncio.sleep(0.05)
        assert not waiter.done()
        await journal.commit("slow", (await read_all(journal))[-1].position)
        await asyncio.wait_for(waiter, 10)
        assert (await journal.append("f", events(count, 5, padding=20_000), b"r")).stored == 5
        assert not journal.statistics().full
        assert journal.statistics().trimmed > 0
        await journal.close()

    async def test_has_room_when_it_is_not_full(self, harness: JournalHarness) -> None:
        """Nobody waits for nothing."""
        journal = await harness.make()
        await journal.wait_for_room()
        await journal.close()

    async def test_goes_on_after_a_cancelled_append(self, harness: JournalHarness) -> None:
        """A cancelled append may or may not have happened; the same append again makes it certain."""
        journal = await harness.make()
        task = asyncio.create_task(journal.append("f", events(0, 3), b"r"), name="append")
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        again = await journal.append("f", events(0, 3), b"r")
        assert again.stored + again.duplicates == 3
        assert ids(await read_all(journal)) == [one.id for one in events(0, 3)]
        await journal.close()

    async def test_closes_twice_and_refuses_what_comes_later(self, harness: JournalHarness) -> None:
        """Closing is idempotent; afterwards everything says that the journal is closed."""
        journal = await harness.make()
        await journal.append("f", events(0, 1), b"r")
        waiter = asyncio.create_task(journal.wait(1), name="waiter")
        await asyncio.sleep(0)
        await asyncio.gather(journal.close(), journal.close())
        await journal.close()
        with pytest.raises(JournalClosed):
            await waiter
        for late in (
            journal.append("f", events(1, 1), None),
            journal.read(0, 1),
            journal.wait(1),
            journal.commit("c", 1),
            journal.resume("f"),
            journal.get("n", "k"),
            journal.put("n", "k", b"v"),
            journal.trim(),
            journal.wait_for_room(),
        ):
            with pytest.raises(JournalClosed):
                await late

    async def test_finishes_what_was_accepted(self, harness: JournalHarness) -> None:
        """Appends that are under way when the journal is closed are stored or refused, never left hanging."""
        journal = await harness.make()
        tasks = [
            asyncio.create_task(journal.append(f"f{n}", [event(n)], None), name=f"append {n}")
            for n in range(50)
        ]
        await asyncio.sleep(0)
        await journal.close()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(one, Appended | JournalClosed) for one in results)
        assert sum(isinstance(one, Appended) for one in results) == journal.statistics().appended

    async def test_counts(self, harness: JournalHarness) -> None:
        """Statistics tell what happened, and names tell journals apart."""
        journal, other = await harness.make(), await harness.make()
        await journal.append("f", events(0, 4), None)
        await journal.append("f", events(2, 4), None)
        await until(lambda: journal.statistics().appended == 6)
        statistics = journal.statistics()
        assert (statistics.events, statistics.duplicates, statistics.full) == (6, 2, False)
        assert statistics.last_position - statistics.first_position == 5
        assert statistics.commits >= 2
        assert journal.id
        assert journal.id != other.id
        await journal.close()
        await other.close()
