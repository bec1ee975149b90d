"""The wiring: what a start does with what an earlier configuration left."""

from __future__ import annotations

import asyncio
import resource
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import yaml

from config import load
from gateway import app
from gateway.app import Gateway
from gateway.clock import SystemClock
from gateway.errors import JournalFull
from gateway.journal import JournalSettings, MemoryJournal, SqliteJournal, open_journal
from gateway.lifecycle import StopSignal
from gateway.registry import Registry
from tests.support.processes import LineProcess
from tests.support.scripted import call_event
from tests.support.waiting import until

LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
from gateway.cli import main
sys.exit(main())
"""


def configured(directory: Path, *sinks: dict[str, str]) -> Path:
    """The file of a gateway without connectors on port zero."""
    path = directory / "tieline.yaml"
    gateway = {"data_dir": "data", "api": {"port": 0}, "journal": {"min_free_bytes": 0}}
    path.write_text(yaml.safe_dump({"gateway": gateway, "sinks": list(sinks)}))
    return path


async def run_once(directory: Path, *sinks: dict[str, str]) -> None:
    """Start a gateway without connectors on port zero, and stop it when it is up."""
    path = configured(directory, *sinks)
    stop = StopSignal()
    clean = await Gateway(load(path, {}, registry=Registry())).run(
        stop, lambda: stop.request("test")
    )
    assert clean


@asynccontextmanager
async def journal_in(directory: Path) -> AsyncIterator[SqliteJournal]:
    """The journal that the gateway of `run_once` has."""
    data = directory / "data"
    data.mkdir(exist_ok=True)
    journal = await open_journal(
        data / "journal.sqlite", JournalSettings(min_free_bytes=0), SystemClock()
    )
    yield journal
    await journal.close()


async def test_a_sink_that_is_no_longer_configured_lets_go_of_its_events(tmp_path: Path) -> None:
    async with journal_in(tmp_path) as journal:
        await journal.append("main/a1", [call_event(1)], b"r")
        await journal.commit("gone", 0)
    await run_once(tmp_path, {"name": "log", "kind": "file", "path": "events.jsonl"})
    async with journal_in(tmp_path) as journal:
        lag = journal.statistics().lag
    assert set(lag) == {"log", "gateway/picture"}
    assert lag["log"] == 0


async def test_a_sink_may_be_called_picture(tmp_path: Path) -> None:
    async with journal_in(tmp_path) as journal:
        await journal.append("main/a1", [call_event(1)], b"r")
    await run_once(tmp_path, {"name": "picture", "kind": "file", "path": "events.jsonl"})
    assert (tmp_path / "data" / "events.jsonl").read_text().count("\n") == 1


@asynccontextmanager
async def on_a_full_disk(directory: Path) -> AsyncIterator[LineProcess]:
    """The gateway as a process that may not make its files larger; it has said so."""
    arguments = [sys.executable, "-c", LIMITED, "run", "--config", str(configured(directory))]
    async with LineProcess(arguments) as gateway:
        await until(lambda: '"condition": "full"' in gateway.complaints, seconds=40.0)
        yield gateway
        gateway.process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(gateway.process.wait(), 40.0) == 0


@pytest.mark.slow
async def test_a_start_on_a_full_disk_waits_for_room(tmp_path: Path) -> None:
    """Did it end like one whose journal is broken, no service manager would start it again."""
    async with on_a_full_disk(tmp_path) as gateway:
        unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        resource.prlimit(gateway.process.pid, resource.RLIMIT_FSIZE, unlimited)
        await until(lambda: '"gateway started"' in gateway.complaints, seconds=40.0)


@pytest.mark.slow
async def test_a_start_that_waits_for_room_ends_at_a_signal(tmp_path: Path) -> None:
    """A stop that is asked for meanwhile is a clean one."""
    async with on_a_full_disk(tmp_path):
        pass


class FullJournal(MemoryJournal):
    """A journal that has no room even for housekeeping, as on a full disk."""

    trims = 0

    async def trim(self) -> int:
        """Find no room."""
        self.trims += 1
        raise JournalFull("no room")

    async def put(self, namespace: str, key: str, value: bytes | None) -> None:
        """Find no room."""
        raise JournalFull(f"no room for {namespace} {key} {value!r}")


async def test_a_full_disk_ends_neither_retention_nor_the_watchdog(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both would end the gateway with them, a minute after the disk was full; retention tries again."""
    monkeypatch.setattr(app, "_TRIM_EVERY_SECONDS", 0.01)
    gateway, journal = Gateway(load(configured(tmp_path), {}, registry=Registry())), FullJournal()
    await gateway._prove_life(journal)
    retention = asyncio.create_task(gateway._trim(journal))
    await until(lambda: journal.trims > 2 or retention.done())
    assert not retention.done()
    retention.cancel()
