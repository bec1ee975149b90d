"""An event whose bytes changed on the disk, in a page that is sound: told, buried, and in nobody's way."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from gateway.clock import SystemClock
from gateway.contracts import Burial, HeldChanges, HeldEvent, SinkTraits
from gateway.delivery.dead_letters import DEAD
from gateway.delivery.policy import DispatchPolicy
from gateway.dispatcher import Dispatcher
from gateway.errors import Reason
from gateway.events import DamagedEvent, StoredEvent
from gateway.filters import EventFilter
from gateway.journal import JournalSettings, SqliteJournal, open_journal, verify
from gateway.journal.view import JournalView
from gateway.masking import Masker
from gateway.picture import Picture
from gateway.telemetry import Telemetry
from tests.support.clock import LeapingClock
from tests.support.scripted import RecordingSink, call_event

EVENTS = [call_event(number) for number in range(1, 6)]
HURT = 3
FLIPS = {
    "a quote": (b'"subject"', b'#subject"'),
    "a letter of a member": (b'"recordedtime"', b'"recordedtima"'),
    "a byte of a text": (b'"agent":"a', b'"agent":"\xe1'),
    "a letter of the type": (b'"tieline.call.held.v1"', b'"tieline.call.helc.v1"'),
}


async def opened(path: Path) -> SqliteJournal:
    return await open_journal(path, JournalSettings(min_free_bytes=0), SystemClock())


def dispatcher_of(
    sink: RecordingSink, journal: SqliteJournal, mask: Sequence[str] = ()
) -> Dispatcher:
    return Dispatcher(
        "lake",
        sink,
        accepts=EventFilter(),
        mask=Masker(mask),
        traits=SinkTraits(),
        journal=journal,
        telemetry=Telemetry(CollectorRegistry()),
        clock=LeapingClock(),
        policy=DispatchPolicy(),
    )


@pytest.fixture(params=FLIPS.values(), ids=list(FLIPS))
async def path(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A closed journal of five events, the third of them with one changed byte."""
    path = tmp_path / "journal.sqlite"
    journal = await opened(path)
    await journal.append("main/a1", EVENTS, b"state")
    await journal.close()
    before, after = request.param
    content = bytearray(path.read_bytes())
    at = content.index(before, content.index(b'"id":"' + EVENTS[HURT - 1].id.encode()))
    content[at : at + len(before)] = after
    path.write_bytes(content)
    return path


def assert_stand_in(events: Sequence[StoredEvent]) -> None:
    assert [event.position for event in events] == [1, 2, 3, 4, 5]
    assert [event.position for event in events if isinstance(event, DamagedEvent)] == [HURT]
    hurt, wanted = events[HURT - 1], EVENTS[HURT - 1]
    assert (hurt.type, hurt.source) == (wanted.type, wanted.source)
    assert hurt.envelope.id == wanted.id
    assert "damaged" in (hurt.envelope.anomaly or "")
    assert hurt.data() == {}


async def test_a_stand_in_takes_its_place_for_every_reader(path: Path) -> None:
    """The ones around it are untouched, whoever reads: the gateway or a command of the shell."""
    journal = await opened(path)
    events = await journal.read(0, 10)
    await journal.close()
    assert_stand_in(events)
    with JournalView(path) as view:
        assert_stand_in(view.events(0, 10))
    (problem,) = verify(path).problems
    assert f"position {HURT}" in problem


async def test_the_picture_goes_on_behind_it(path: Path) -> None:
    """One event less in the picture, and no end of it."""
    journal = await opened(path)
    picture = Picture()
    for event in await journal.read(0, 10):
        picture.apply(event)
    await journal.close()
    assert picture.statistics().position == len(EVENTS)


@pytest.mark.parametrize("mask", [(), ("personal", "content")], ids=["all", "masked"])
async def test_it_becomes_a_dead_letter_and_the_others_are_delivered(
    path: Path, mask: Sequence[str]
) -> None:
    """The letter tells what it was, an event tells of the letter, and a replay leaves it waiting."""
    journal, sink = await opened(path), RecordingSink()
    dispatcher = dispatcher_of(sink, journal, mask)
    dispatcher.finish_at(len(EVENTS) + 1)  # the last is the one that tells of the letter
    await dispatcher.run()
    assert [event.position for event in sink.taken] == [1, 2, 4, 5, 6]
    assert (dispatcher.refused, dispatcher.last_error, sink.opened) == (1, None, 1)
    told = sink.taken[-1]
    assert told.type == DEAD
    assert told.data()["event"] == EVENTS[HURT - 1].id

    (letter,) = await journal.dead_letters()
    assert (letter.position, letter.reason) == (HURT, Reason.CORRUPT)
    assert (letter.event_id, letter.event_type) == (EVENTS[HURT - 1].id, EVENTS[HURT - 1].type)
    assert "bytes at position 3 of the journal are damaged" in letter.message
    assert await dispatcher.replay([letter.id]) == 0
    assert [one.id for one in await journal.dead_letters()] == [letter.id]
    await journal.close()


def cut_short(path: Path, table: str) -> None:
    """Damage what a table keeps of the third event."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            f"UPDATE {table} SET body = substr(body, 1, 40) WHERE position = {HURT}"  # noqa: S608 constants
        )
        connection.commit()


async def test_a_held_event_that_is_damaged_becomes_a_dead_letter(tmp_path: Path) -> None:
    """What was held behind it is delivered."""
    path = tmp_path / "journal.sqlite"
    journal = await opened(path)
    await journal.append("main/a1", EVENTS, None)
    stored, now = await journal.read(0, 10), datetime.now(UTC)
    held = [HeldEvent(event=one, key="c1", since=now) for one in stored[HURT - 1 :]]
    await journal.commit("lake", len(EVENTS), held=HeldChanges(held=held))
    await journal.close()
    cut_short(path, "held")

    journal, sink = await opened(path), RecordingSink()
    dispatcher = dispatcher_of(sink, journal)
    dispatcher.finish_at(len(EVENTS) + 1)
    await dispatcher.run()
    assert sorted(abs(event.position) for event in sink.taken) == [4, 5, 6]
    (letter,) = await journal.dead_letters()
    assert (letter.position, letter.reason) == (HURT, Reason.CORRUPT)
    assert letter.event_id == EVENTS[HURT - 1].id
    assert (await journal.held("lake")).events == []
    await journal.close()


async def test_a_letter_that_is_damaged_does_not_keep_others_from_a_replay(tmp_path: Path) -> None:
    """It goes on waiting, for there is nothing left to deliver."""
    path = tmp_path / "journal.sqlite"
    journal = await opened(path)
    await journal.append("main/a1", EVENTS, None)
    burials = [
        Burial(event=one, reason=Reason.INVALID, message="no") for one in await journal.read(0, 10)
    ]
    await journal.commit("lake", len(EVENTS), burials)
    await journal.close()
    cut_short(path, "dead_letters")

    journal = await opened(path)
    letters = await journal.dead_letters()
    exhumed = await journal.exhume("lake", [letter.id for letter in letters], by="ann")
    assert [one.event.position for one in exhumed] == [1, 2, 4, 5]
    assert [letter.position for letter in await journal.dead_letters()] == [HURT]
    await journal.close()
