"""Who may read the journal: resume states hold what opens the platforms' sessions."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from gateway.clock import SystemClock
from gateway.journal import JournalSettings, open_journal
from tests.support.scripted import call_event


def modes_in(folder: Path) -> dict[str, int]:
    """The permissions of each file."""
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}


async def test_no_other_account_may_read_the_files_of_the_journal(tmp_path: Path) -> None:
    """Whatever the process's mask is: the file, its log and what stands beside it are the gateway's alone."""
    before = os.umask(0)
    try:
        journal = await open_journal(tmp_path / "journal.sqlite", JournalSettings(), SystemClock())
        await journal.append("cc/signalr", [call_event(1)], b"connection token")
        modes = modes_in(tmp_path)
        await journal.close()
    finally:
        os.umask(before)

    assert {"journal.sqlite", "journal.sqlite-wal"} <= modes.keys()
    assert {name: oct(mode) for name, mode in modes.items() if mode & 0o077} == {}
