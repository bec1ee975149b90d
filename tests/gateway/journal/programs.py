"""Programs that tests start as processes of their own: `python -m tests.gateway.journal.programs NAME PATH`."""

from __future__ import annotations

import asyncio
import ctypes
import errno
import json
import os
import platform
import random
import resource
import signal
import struct
import sys
from pathlib import Path
from typing import Any

from gateway.clock import SystemClock
from gateway.errors import JournalError, JournalFull
from gateway.journal import JournalSettings, SqliteJournal, open_journal
from tests.contract.journal_suite import event

FEEDS = 20
FEED_NUMBERS = 1_000_000
PADDING = 2_000
LIMIT_BYTES = 2 << 20
DEAD_EVENTS = 200


def say(**facts: Any) -> None:
    """Tell the test, at once."""
    print(json.dumps(facts), flush=True)  # noqa: T201 the test reads it


async def append_for_ever(path: Path) -> None:
    """Twenty feeds append batches; what is acknowledged is printed, and only then."""
    journal = await open_journal(path, JournalSettings(), SystemClock())
    generator = random.Random(len(await journal.read(0, 1_000_000)))

    async def run(feed: int) -> None:
        state = await journal.resume(f"f{feed}")
        number = int(state) if state else 0
        while True:
            count = generator.randint(0, 5)
            batch = [
                event(feed * FEED_NUMBERS + number + n, connector=f"c{feed}") for n in range(count)
            ]
            number += count
            await journal.append(f"f{feed}", batch, b"%d" % number)
            say(feed=feed, number=number)

    await asyncio.gather(*[run(feed) for feed in range(FEEDS)])


async def _append_until_refused(journal: SqliteJournal, number: int) -> tuple[int, JournalError]:
    while True:
        try:
            await journal.append("f", [event(number, padding=PADDING)], b"%d" % number)
        except JournalError as error:
            return number, error
        number += 1


async def outgrow_a_limit(path: Path) -> None:
    """Append until the system refuses to let the file grow; lift the limit; go on."""
    settings = JournalSettings(room_poll_seconds=0.05)
    journal = await open_journal(path, settings, SystemClock())
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT_BYTES, hard))
    stored, error = await _append_until_refused(journal, 0)
    again, _ = await _append_until_refused(journal, stored)
    waiter = asyncio.create_task(journal.wait_for_room(), name="waiter")
    done, _ = await asyncio.wait([waiter], timeout=0.3)
    say(
        stored=stored,
        refused_again=again == stored,
        full=isinstance(error, JournalFull) and journal.statistics().full,
        waited=not done,
    )
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    await waiter
    await journal.append("f", [event(stored, padding=PADDING)], b"%d" % stored)
    say(full=journal.statistics().full)
    await journal.close()


async def die_with_a_log(path: Path) -> None:
    """Append, and be killed before any of it is in the file proper."""
    journal = await open_journal(path, JournalSettings(), SystemClock())
    for number in range(DEAD_EVENTS):
        await journal.append("f", [event(number, padding=PADDING)], b"%d" % number)
    os.kill(os.getpid(), signal.SIGKILL)


async def open_on_a_full_disk(path: Path) -> None:
    """Open what a killed process left although no file may grow; append; lift the limit; append again."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    file = await asyncio.to_thread(path.stat)
    # The index of the log has room, the file and its log have not.
    resource.setrlimit(resource.RLIMIT_FSIZE, (max(file.st_size, 64 << 10), hard))
    settings = JournalSettings(room_poll_seconds=0.05)
    journal = await open_journal(path, settings, SystemClock())
    held = len(await journal.read(0, DEAD_EVENTS * 2))
    number, error = await _append_until_refused(journal, DEAD_EVENTS)
    say(held=held, stored=number - DEAD_EVENTS, full=isinstance(error, JournalFull))
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    await journal.wait_for_room()
    await journal.append("f", [event(number, padding=PADDING)], b"%d" % number)
    say(held=len(await journal.read(0, DEAD_EVENTS * 2)))
    await journal.close()


def refuse_to_sync() -> None:
    """Make every fsync of the calling thread fail with EIO from now on, by a filter in the kernel.

    Source: Linux manual pages seccomp(2) and prctl(2); numbers of the calls from the kernel's tables.
    """
    numbers = {"x86_64": (74, 75), "aarch64": (82, 83)}[platform.machine()]
    load_number, jump_equal, give = 0x20, 0x15, 0x06
    allow, fail = 0x7FFF0000, 0x00050000 | errno.EIO
    program = struct.pack("HBBI", load_number, 0, 0, 0)
    program += struct.pack("HBBI", jump_equal, 1, 0, numbers[0])
    program += struct.pack("HBBI", jump_equal, 0, 1, numbers[1])
    program += struct.pack("HBBI", give, 0, 0, fail)
    program += struct.pack("HBBI", give, 0, 0, allow)
    buffer = ctypes.create_string_buffer(program, len(program))
    filter_ = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    no_new_privileges, set_seccomp, mode_filter = 38, 22, 2
    if libc.prctl(no_new_privileges, 1, 0, 0, 0) or libc.prctl(set_seccomp, mode_filter, filter_):
        raise OSError(ctypes.get_errno(), "the kernel takes no filter")


async def fail_to_sync(path: Path) -> None:
    """Append, then let the writer's fsync fail, and append again."""
    journal = await open_journal(path, JournalSettings(), SystemClock())
    for number in range(10):
        await journal.append("f", [event(number)], b"%d" % number)
    await journal._call(lambda _: refuse_to_sync_later(journal))
    number, error = await _append_until_refused(journal, 10)
    say(
        stored=number,
        reason=error.reason,
        visible=journal.statistics().last_position,
        read=len(await journal._reader.events(0, 100)),
        resume=(await journal.resume("f") or b"").decode(),
    )
    await journal.close()


def refuse_to_sync_later(journal: SqliteJournal) -> None:
    """Refuse after the running transaction: the filter is set by the next housekeeping of the same thread."""
    step = journal._store.step

    def once() -> Any:
        journal._store.step = step  # type: ignore[method-assign] # the fault sits where the thread passes by
        refuse_to_sync()
        return step()

    journal._store.step = once  # type: ignore[method-assign] # as above


PROGRAMS = {
    "append_for_ever": append_for_ever,
    "outgrow_a_limit": outgrow_a_limit,
    "fail_to_sync": fail_to_sync,
    "die_with_a_log": die_with_a_log,
    "open_on_a_full_disk": open_on_a_full_disk,
}

if __name__ == "__main__":
    asyncio.run(PROGRAMS[sys.argv[1]](Path(sys.argv[2])))
