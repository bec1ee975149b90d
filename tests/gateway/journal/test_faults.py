"""Kills, full disks and failed syncs, with real processes and the real file system."""

from __future__ import annotations

import asyncio
import json
import random
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.clock import SystemClock
from gateway.errors import JournalError, JournalFull, Reason
from gateway.journal import JournalNotice, JournalSettings, Notice, open_journal, space, verify
from tests.contract.journal_suite import event, events, fill, ids, read_all
from tests.gateway.journal.programs import DEAD_EVENTS, FEED_NUMBERS, FEEDS
from tests.support.processes import guarded
from tests.support.waiting import until

ROOT = Path(__file__).parents[3]


@asynccontextmanager
async def running(program: str, path: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """One of the programs, killed at the end if it still runs."""
    process = await asyncio.create_subprocess_exec(
        *guarded([sys.executable, "-m", "tests.gateway.journal.programs", program, str(path)]),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def said(process: asyncio.subprocess.Process) -> list[dict[str, Any]]:
    """Everything it still says."""
    output, _ = await process.communicate()
    return [json.loads(line) for line in output.splitlines() if line.endswith(b"}")]


async def test_a_killed_process_loses_nothing_it_acknowledged(tmp_path: Path) -> None:
    """After each of several SIGKILLs all acknowledged events are there, and each resume state is exactly theirs."""
    path = tmp_path / "journal.sqlite"
    generator = random.Random(7)
    for _ in range(4):
        acknowledged = dict.fromkeys(range(FEEDS), 0)
        async with running("append_for_ever", path) as process:
            assert process.stdout is not None
            for _ in range(generator.randint(100, 1_500)):
                fact = json.loads(await process.stdout.readline())
                acknowledged[fact["feed"]] = fact["number"]
            process.kill()
            for fact in await said(process):
                acknowledged[fact["feed"]] = fact["number"]
        assert verify(path).problems == []
        await check_feeds(path, acknowledged)


async def check_feeds(path: Path, acknowledged: dict[int, int]) -> None:
    journal = await open_journal(path, JournalSettings(), SystemClock())
    stored = ids(await read_all(journal, page=1_000))
    expected = 0
    for feed, number in acknowledged.items():
        state = await journal.resume(f"f{feed}")
        covered = int(state) if state else 0
        assert covered >= number
        own = events(feed * FEED_NUMBERS, covered)
        assert {one.id for one in own} <= set(stored)
        expected += covered
    assert len(stored) == len(set(stored)) == expected
    await journal.close()


async def test_a_file_that_may_not_grow_is_full(tmp_path: Path) -> None:
    """At a limit of the system nothing is half written; when it is lifted the journal goes on by itself."""
    path = tmp_path / "journal.sqlite"
    async with running("outgrow_a_limit", path) as process:
        at_limit, after = await said(process)
    assert at_limit["stored"] > 50
    assert (at_limit["full"], at_limit["refused_again"], at_limit["waited"]) == (True, True, True)
    assert after == {"full": False}
    assert verify(path).problems == []
    journal = await open_journal(path, JournalSettings(), SystemClock())
    assert ids(await read_all(journal)) == [one.id for one in events(0, at_limit["stored"] + 1)]
    await journal.close()


async def test_a_full_disk_is_no_reason_not_to_start(tmp_path: Path) -> None:
    """What a killed process left in its log is read although it cannot be written to the file; appends wait."""
    path = tmp_path / "journal.sqlite"
    async with running("die_with_a_log", path) as process:
        assert await said(process) == []
    async with running("open_on_a_full_disk", path) as process:
        full, after = await said(process)
    assert full == {"held": DEAD_EVENTS, "stored": 0, "full": True}
    assert after == {"held": DEAD_EVENTS + 1}
    assert verify(path).problems == []


async def test_a_failed_sync_is_not_acknowledged(tmp_path: Path) -> None:
    """When fsync fails the append fails and is not visible; what was acknowledged before stays."""
    path = tmp_path / "journal.sqlite"
    async with running("fail_to_sync", path) as process:
        (fact,) = await said(process)
    assert fact == {"stored": 10, "reason": "disk_error", "visible": 10, "read": 10, "resume": "9"}
    assert verify(path).problems == []


def limit_pages(pages: int) -> Any:
    def limit(connection: sqlite3.Connection) -> None:
        connection.execute(f"PRAGMA max_page_count = {pages}")

    return limit


async def test_sqlite_out_of_pages_is_full(tmp_path: Path) -> None:
    """When SQLite says full, appends are refused whole and told once; room is found again without help."""
    told: list[JournalNotice] = []
    settings = JournalSettings(room_poll_seconds=0.02)
    journal = await open_journal(tmp_path / "j.sqlite", settings, SystemClock(), told.append)
    await journal._call(limit_pages(400))
    count = await fill(journal)
    for _ in range(3):
        with pytest.raises(JournalFull):
            await journal.append("f", events(count, 5, padding=20_000), b"never")
    assert [one.notice for one in told] == [Notice.FULL]
    assert await journal.resume("f") == b"%d" % (count - 5)
    waiters = [asyncio.create_task(journal.wait_for_room(), name=f"w{n}") for n in range(3)]
    done, _ = await asyncio.wait(waiters, timeout=0.2)
    assert not done
    await journal._call(limit_pages(100_000))
    await asyncio.gather(*waiters)
    await journal.append("f", events(count, 5, padding=20_000), b"more")
    assert [one.notice for one in told] == [Notice.FULL, Notice.ROOM]
    assert len(await read_all(journal)) == count + 5
    await journal.close()


async def test_the_reserve_is_for_positions(tmp_path: Path) -> None:
    """Events stop when the disk's reserve is reached; positions and facts are still saved."""
    path = tmp_path / "j.sqlite"
    journal = await open_journal(path, JournalSettings(), SystemClock())
    await journal.append("f", events(0, 3), b"r")
    await journal.close()
    journal = await open_journal(path, JournalSettings(min_free_bytes=1 << 60), SystemClock())
    with pytest.raises(JournalFull) as caught:
        await journal.append("f", events(3, 3), b"r2")
    assert "min_free_bytes" in caught.value.message
    await journal.commit("crm", 2)
    await journal.put("n", "k", b"v")
    assert await journal.trim() == 0
    assert (await journal.position("crm"), await journal.get("n", "k")) == (2, b"v")
    assert await journal.resume("f") == b"r"
    await journal.close()


def a_disk_of(size_bytes: int) -> Callable[[Path], int]:
    """A measure of a disk that holds nothing but this folder."""

    def free(folder: Path) -> int:
        return size_bytes - sum(file.stat().st_size for file in folder.iterdir())

    return free


async def test_delivered_events_make_way_on_a_small_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the disk is smaller than the size bound, old delivered events go before it is full; others never."""
    monkeypatch.setattr(space, "disk_free_bytes", a_disk_of(12 << 20))
    settings = JournalSettings(min_free_bytes=0)
    journal = await open_journal(tmp_path / "j.sqlite", settings, SystemClock())
    await journal._call(lambda connection: connection.execute("PRAGMA wal_autocheckpoint = 100"))
    for number in range(0, 1_200, 10):
        await journal.append("f", events(number, 10, padding=20_000), b"%d" % number)
        await journal.commit("lake", number)
    trimmed = journal.statistics().trimmed
    assert trimmed > 300
    assert journal.statistics().trimmed_undelivered == 0
    await fill(journal, first=1_200)
    found = await read_all(journal)
    assert [one.sequence for one in found][-1] - found[0].sequence == len(found) - 1
    assert found[0].position <= 1_191
    await journal.close()


async def test_a_bad_value_harms_nobody_else(tmp_path: Path) -> None:
    """Of appends in one transaction only the one that cannot be stored fails."""
    journal = await open_journal(tmp_path / "j.sqlite", JournalSettings(), SystemClock())
    bad: Any = ["not", "bytes"]

    async def append(feed: int) -> int | Reason:
        try:
            state = bad if feed == 5 else b"r"
            return (await journal.append(f"f{feed}", [event(feed)], state)).stored
        except JournalError as error:
            return error.reason

    results = await asyncio.gather(*[append(feed) for feed in range(10)])
    assert results == [1] * 5 + [Reason.INVALID] + [1] * 4
    found = await read_all(journal)
    assert ids(found) == [event(feed).id for feed in range(10) if feed != 5]
    assert [one.sequence for one in found] == list(range(1, 10))
    await journal.close()


async def test_a_group_is_stored_as_far_as_it_fits(tmp_path: Path) -> None:
    """Of concurrent appends at the size bound the first ones are stored and all behind them refused."""
    settings = JournalSettings(max_bytes=2 << 20)
    journal = await open_journal(tmp_path / "j.sqlite", settings, SystemClock())
    await journal.commit("slow", 0)
    results = await asyncio.gather(
        *[journal.append("f", events(2 * n, 2, padding=20_000), b"%d" % n) for n in range(80)],
        return_exceptions=True,
    )
    stored = [n for n, result in enumerate(results) if not isinstance(result, JournalFull)]
    assert stored == list(range(len(stored)))
    assert 20 < len(stored) < 80
    assert await journal.resume("f") == b"%d" % (len(stored) - 1)
    assert len(await read_all(journal)) == 2 * len(stored)
    assert journal.statistics().full
    await journal.close()


async def test_a_full_queue_makes_appends_wait(tmp_path: Path) -> None:
    """Far more appends than the queue holds all get through, in order, and none is refused."""
    settings = JournalSettings(queue_events=10, group_events=5)
    journal = await open_journal(tmp_path / "j.sqlite", settings, SystemClock())
    tasks = [
        asyncio.create_task(journal.append("f", events(3 * n, 3), b"%d" % n), name=f"append {n}")
        for n in range(100)
    ]
    await asyncio.sleep(0)
    assert journal._writer._events <= 10
    for task in tasks[50:60]:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    stored = [n for n, result in enumerate(results) if not isinstance(result, BaseException)]
    assert stored == [*range(50), *range(60, 100)]
    found = ids(await read_all(journal))
    assert found == [one.id for n in stored for one in events(3 * n, 3)]
    assert (journal._writer._events, journal._writer._bytes) == (0, 0)
    await journal.close()


async def test_an_append_larger_than_the_queue_passes(tmp_path: Path) -> None:
    """The bounds never lock a single large append out."""
    settings = JournalSettings(queue_events=5, queue_bytes=1_000, group_events=5)
    journal = await open_journal(tmp_path / "j.sqlite", settings, SystemClock())
    results = await asyncio.gather(
        *[journal.append("f", events(20 * n, 20), None) for n in range(3)]
    )
    assert [one.stored for one in results] == [20] * 3
    await journal.close()


async def test_reopens_where_it_was(tmp_path: Path) -> None:
    """Everything survives a close and an open: name, events, duplicates, counters, positions, letters, facts."""
    path = tmp_path / "j.sqlite"
    journal = await open_journal(path, JournalSettings(), SystemClock())
    await journal.append("f", events(0, 10), b"r")
    await journal.commit("crm", 7)
    await journal.put("n", "k", b"v")
    name = journal.id
    await journal.close()
    journal = await open_journal(path, JournalSettings(), SystemClock())
    assert journal.id == name
    assert ids(await read_all(journal)) == [one.id for one in events(0, 10)]
    assert await journal.resume("f") == b"r"
    assert await journal.position("crm") == 7
    assert await journal.get("n", "k") == b"v"
    appended = await journal.append("f", events(5, 10), b"r2")
    assert (appended.stored, appended.duplicates) == (5, 5)
    assert [one.sequence for one in await read_all(journal)] == list(range(1, 16))
    await journal.close()


async def test_gives_space_back(tmp_path: Path) -> None:
    """After a large trim the file is small again."""
    path = tmp_path / "j.sqlite"
    settings = JournalSettings(max_age_seconds=0.001)
    journal = await open_journal(path, settings, SystemClock())
    for start in range(0, 2_000, 200):
        await journal.append("f", events(start, 200, padding=2_000), b"r")
    large = path.stat().st_size + path.with_name("j.sqlite-wal").stat().st_size
    assert await journal.trim() == 2_000
    await until(lambda: path.stat().st_size < large / 4)
    await journal.close()
    assert verify(path).problems == []


async def test_small_appends_that_still_fit_do_not_unsay_that_the_journal_is_full(
    tmp_path: Path,
) -> None:
    """A large append was refused and would be again: nobody is told that there is room, or woken for nothing."""
    told: list[JournalNotice] = []
    settings = JournalSettings(max_bytes=2 << 20, room_poll_seconds=0.01)
    journal = await open_journal(tmp_path / "j", settings, SystemClock(), told.append)
    await journal.commit("slow", 0)
    number = await fill(journal, padding=100_000)
    waiter = asyncio.create_task(journal.wait_for_room(), name="waiter")
    for small in range(number + 100, number + 120):
        assert (await journal.append("g", [event(small)], None)).stored == 1
        assert journal.statistics().full
    assert not waiter.done()
    assert [one.notice for one in told] == [Notice.FULL]
    await journal.commit("slow", (await read_all(journal))[-1].position)
    await asyncio.wait_for(waiter, 10)
    assert (await journal.append("f", events(number, 5, padding=100_000), None)).stored == 5
    assert not journal.statistics().full
    await journal.close()
