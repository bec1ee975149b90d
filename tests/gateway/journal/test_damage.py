"""Damaged files: found at open, told by verify, salvaged."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gateway.clock import SystemClock
from gateway.contracts import Burial
from gateway.errors import JournalCorrupt, JournalError, Reason
from gateway.journal import JournalSettings, SqliteJournal, open_journal, salvage, verify
from gateway.journal.schema import PAGE_BYTES
from tests.contract.journal_suite import event, events, ids, read_all

COUNT = 400


async def opened(path: Path) -> SqliteJournal:
    return await open_journal(path, JournalSettings(), SystemClock())


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """A journal with something of everything, closed."""
    path = tmp_path / "journal.sqlite"
    journal = await opened(path)
    for start in range(0, COUNT, 50):
        await journal.append("f", events(start, 50, padding=500), b"resume %d" % start)
    stored = await journal.read(0, 10)
    await journal.commit("crm", 10, [Burial(event=stored[4], reason=Reason.INVALID, message="no")])
    await journal.put("pictures", "p", b"picture")
    await journal.close()
    return path


def page_of(path: Path, text: str) -> int:
    """The first page behind the first that holds a text."""
    content = path.read_bytes()
    return content.index(text.encode(), PAGE_BYTES) // PAGE_BYTES


def overwrite(path: Path, page: int, *, count: int = 1, content: bytes = b"\xa5") -> None:
    with path.open("r+b") as file:
        file.seek(page * PAGE_BYTES)
        file.write(content * PAGE_BYTES * count)


def middle_page(path: Path) -> int:
    """The page with the event in the middle."""
    return page_of(path, event(COUNT // 2).id)


async def assert_refused(path: Path) -> None:
    with pytest.raises(JournalCorrupt) as caught:
        await opened(path)
    assert str(path) in caught.value.message
    assert f"tieline journal verify {path}" in caught.value.hint


async def test_a_sound_journal_is_sound(path: Path) -> None:
    """Verify reads everything and finds nothing."""
    report = verify(path)
    assert report.problems == []
    assert (report.sound, report.events, report.last_position) == (True, COUNT, COUNT)
    assert (report.feeds, report.consumers, report.dead_letters) == (1, {"crm": 10}, 1)


async def test_verify_looks_at_a_journal_in_use(path: Path) -> None:
    """Verify reads beside a running gateway."""
    journal = await opened(path)
    await journal.append("f", events(COUNT, 5), None)
    assert verify(path).events == COUNT + 5
    await journal.close()


async def test_an_overwritten_header_is_refused(path: Path) -> None:
    """A file that does not begin like a database is refused, told, and salvaged without a loss."""
    with path.open("r+b") as file:
        file.write(b"garbage!" * 8)
    await assert_refused(path)
    assert not verify(path).sound
    await assert_salvaged(path, lost=0)


async def test_an_overwritten_first_page_is_salvaged(path: Path) -> None:
    """The first page is the same in all journals, so its loss costs nothing."""
    overwrite(path, 0)
    await assert_refused(path)
    await assert_salvaged(path, lost=0)


async def test_an_overwritten_page_in_the_middle_is_refused(path: Path) -> None:
    """A bad page is found at open; the salvage loses its events only."""
    overwrite(path, middle_page(path))
    await assert_refused(path)
    report = verify(path)
    assert any("cannot be read" in problem for problem in report.problems)
    assert report.events >= COUNT - 10
    await assert_salvaged(path, lost=10)


async def test_a_truncated_file_is_refused(path: Path) -> None:
    """A file that lost its end is refused with the lengths; what is left is salvaged."""
    with path.open("r+b") as file:
        pages = file.seek(0, 2) // PAGE_BYTES
        file.truncate(pages * 3 // 4 * PAGE_BYTES)
    await assert_refused(path)
    assert not verify(path).sound
    await assert_salvaged(path, lost=COUNT // 2)


async def assert_salvaged(path: Path, *, lost: int) -> None:
    """The new file is sound, is another journal, holds all but `lost` events at most, and goes on."""
    out = path.with_name("salvaged.sqlite")
    report = salvage(path, out)
    assert COUNT - lost <= report.events <= COUNT
    assert sum(one.last - one.first + 1 for one in report.lost) == COUNT - report.events
    checked = verify(out)
    assert checked.problems == []
    assert checked.events == report.events
    journal = await opened(out)
    found = await read_all(journal)
    assert journal.statistics().events == len(found)
    assert set(ids(found)) <= {one.id for one in events(0, COUNT)}
    assert await journal.position("crm") == 10
    assert await journal.get("pictures", "p") == b"picture"
    assert len(await journal.dead_letters()) == 1
    expected = None if report.lost else b"resume %d" % (COUNT - 50)
    assert await journal.resume("f") == expected
    again = await journal.append("f", events(0, COUNT + 1, padding=500), None)
    assert again.duplicates == report.events
    assert (await journal.read(COUNT, 1))[0].position == COUNT + 1
    await journal.close()


async def test_a_salvaged_journal_is_another_one(path: Path) -> None:
    """Receivers that remember positions must not take the copy for the original."""
    out = path.with_name("salvaged.sqlite")
    salvage(path, out)
    journal, copy = await opened(path), await opened(out)
    assert journal.id != copy.id
    await journal.close()
    await copy.close()


async def test_salvage_overwrites_nothing(path: Path) -> None:
    """An existing file is left alone."""
    out = path.with_name("precious")
    out.write_bytes(b"mine")
    with pytest.raises(JournalError):
        salvage(path, out)
    assert out.read_bytes() == b"mine"


async def test_a_journal_in_use_is_not_salvaged(path: Path) -> None:
    """The gateway must be stopped first."""
    journal = await opened(path)
    with pytest.raises(JournalError) as caught:
        salvage(path, path.with_name("out"))
    assert caught.value.reason is Reason.CONFLICT
    await journal.close()


async def test_a_second_process_is_refused(path: Path) -> None:
    """Only one may have the journal; the refusal leaves the first one undisturbed."""
    journal = await opened(path)
    with pytest.raises(JournalError) as caught:
        await opened(path)
    assert caught.value.reason is Reason.CONFLICT
    assert "in use" in caught.value.message
    assert (await journal.append("f", [event(COUNT)], None)).stored == 1
    await journal.close()
    await (await opened(path)).close()


async def test_another_database_is_refused(tmp_path: Path) -> None:
    """A database of something else is neither damaged nor touched."""
    path = tmp_path / "other.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE mine (a)")
        connection.commit()
    with pytest.raises(JournalError) as caught:
        await opened(path)
    assert caught.value.reason is Reason.UNSUPPORTED
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("mine",)]


async def test_a_newer_format_is_refused(path: Path) -> None:
    """A journal of a later version names both versions."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(JournalError) as caught:
        await opened(path)
    assert caught.value.reason is Reason.UNSUPPORTED
    assert "99" in caught.value.message


async def test_a_missing_folder_is_no_damage(tmp_path: Path) -> None:
    """The error names the path."""
    with pytest.raises(JournalError) as caught:
        await opened(tmp_path / "missing" / "journal.sqlite")
    assert not isinstance(caught.value, JournalCorrupt)
    assert "missing" in caught.value.message


async def test_damage_while_running_stops_the_journal(path: Path) -> None:
    """When a page turns bad under the gateway, reads of it fail as damaged; nothing is invented."""
    settings = JournalSettings(cache_events=1)
    journal = await open_journal(path, settings, SystemClock())
    overwrite(path, middle_page(path))
    with pytest.raises(JournalCorrupt):
        await read_all(journal, page=COUNT)
    await journal.close()
