"""Processes that follow a hub are killed and started again: what is in the journal is the truth."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from connectors._wire.signalr.values import Transport
from tests.connectors._wire.signalr.fake_signalr import FakeSignalR, fake_signalr
from tests.connectors._wire.signalr.signalr_child import FileJournal
from tests.support.processes import LineProcess, eventually

pytestmark = pytest.mark.e2e

CHILD = Path(__file__).with_name("signalr_child.py")
ROOT = CHILD.parents[4]


@asynccontextmanager
async def following(
    server: FakeSignalR, transport: Transport, journal: FileJournal
) -> AsyncIterator[None]:
    """A child that is open; killed with SIGKILL at the end."""
    command = [sys.executable, str(CHILD), server.url, "hub", transport, str(journal.path)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    async with LineProcess(command, environment=environment) as child:
        await child.read(timeout_seconds=30)
        yield
        child.process.kill()
        await child.process.wait()


@pytest.mark.parametrize("transport", list(Transport))
async def test_killed_and_started_again_inside_the_window_it_has_everything_once(
    transport: Transport, tmp_path: Path
) -> None:
    journal = FileJournal(tmp_path / "journal")
    published = 0

    async def publish(server: FakeSignalR) -> None:
        nonlocal published
        while True:
            server.publish(published)
            published += 1
            await asyncio.sleep(0.005)

    async with fake_signalr(ring=100_000, DisconnectTimeout=30.0, KeepAliveTimeout=20.0) as server:
        async with following(server, transport, journal):
            publishing = asyncio.create_task(publish(server))
            await eventually(lambda: len(journal.entries()) > 5, "transactions")
        for _ in range(2):
            before = len(journal.entries())
            async with following(server, transport, journal):
                await eventually(
                    lambda least=before + 3: len(journal.entries()) >= least, "transactions"
                )
        publishing.cancel()
        async with following(server, transport, journal):
            await eventually(
                lambda: sum(len(e["messages"]) for e in journal.entries()) >= published,
                "the rest",
            )
        entries = journal.entries()
        assert [args[0] for e in entries for _, args in e["messages"]] == list(range(published))
        keys = [key for e in entries for key, _ in e["messages"]]
        assert len(set(keys)) == published
        assert [e["gap"] for e in entries if e["gap"]] == []
        assert {e["connection_id"] for e in entries} == {"id-1"}
        assert server.count("start") == 1
