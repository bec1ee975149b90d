"""A feed whose resume state cannot be decrypted: it begins anew, says so, and is whole again."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from pydantic import SecretStr

from gateway.clock import SystemClock
from gateway.contracts import Connector
from gateway.errors import NotConnected
from gateway.journal import JournalSettings, SqliteJournal, open_journal
from tests.support.scripted import ReconcilingConnector, ScriptedFeed, call_event
from tests.support.supervised import Supervised, supervised
from tests.support.waiting import until


@asynccontextmanager
async def journal_with_key(folder: Path, number: int) -> AsyncIterator[SqliteJournal]:
    """The journal of a folder, opened with a key that the number makes."""
    key = SecretStr(base64.b64encode(bytes([number]) * 32).decode())
    settings = JournalSettings(encryption_keys=(key,))
    journal = await open_journal(folder / "journal.sqlite", settings, SystemClock())
    try:
        yield journal
    finally:
        await journal.close()


@asynccontextmanager
async def started_with_another_key(
    folder: Path, connector: ReconcilingConnector
) -> AsyncIterator[Supervised]:
    """A state was left under one key; now the connector runs over the same journal with another."""

    @asynccontextmanager
    async def ready() -> AsyncIterator[Connector]:
        yield connector

    async with journal_with_key(folder, 1) as journal:
        await journal.append("main/a1", [call_event(1)], b"state")
    async with journal_with_key(folder, 2) as journal, supervised(ready(), journal) as run:
        yield run


async def test_a_state_that_cannot_be_read_is_a_gap_with_what_the_snapshot_recovered(
    tmp_path: Path,
) -> None:
    feed = ScriptedFeed()
    connector = ReconcilingConnector(feeds=[feed])
    connector.snapshots = [[call_event(99, verb="ended")]]
    async with started_with_another_key(tmp_path, connector) as run:
        closed = await run.has("feed.gap.closed", reason="resume_unreadable")
        assert closed.data()["recovered"] == 1
        await run.assert_whole(gaps=1)
        assert feed.connected_with == [None]
        feed.give(2, resume=b"new state")
        await until(lambda: feed.committed)
        assert await run.journal.resume("main/a1") == b"new state"


async def test_the_gap_is_closed_later_if_the_snapshot_fails_at_first(tmp_path: Path) -> None:
    """The same gap, not a second one."""
    connector = ReconcilingConnector(feeds=[ScriptedFeed()])
    connector.snapshots = [NotConnected("down"), []]
    async with started_with_another_key(tmp_path, connector) as run:
        await run.has("feed.gap.closed", reason="resume_unreadable")
        await run.assert_whole(gaps=1)
