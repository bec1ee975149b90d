"""Our client against CometD servers that are not ours, with and without their acknowledge extension."""

from __future__ import annotations

import asyncio
import random
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from connectors._wire.bayeux.http import LongPollingClient
from connectors._wire.bayeux.values import Batch
from gateway.errors import Reason
from tests.connectors._wire.bayeux_child import FileJournal
from tests.support.peers import CometdServer, java_server, nodejs_server
from tests.support.processes import eventually

pytestmark = [pytest.mark.peers, pytest.mark.timeout(120)]

CHILD = Path(__file__).with_name("bayeux_child.py")
ROOT = CHILD.parents[3]
CHANNEL = "/events"
Serve = Callable[..., AbstractAsyncContextManager[CometdServer]]

both = pytest.mark.parametrize("serve", [nodejs_server, java_server], ids=["nodejs", "java"])
with_and_without = pytest.mark.parametrize("ack", [False, True], ids=["no ack", "ack"])


@asynccontextmanager
async def client_of(server: CometdServer) -> AsyncIterator[LongPollingClient]:
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(
        connector=connector, cookie_jar=aiohttp.DummyCookieJar()
    ) as http:
        client = LongPollingClient(http, server.url, subscriptions=[CHANNEL])
        try:
            yield client
        finally:
            await client.close()


async def collect(client: LongPollingClient, count: int) -> list[Batch]:
    batches: list[Batch] = []
    async with asyncio.timeout(30):
        while sum(len(batch.messages) for batch in batches) < count:
            batches.append(await client.receive())
            client.stored(batches[-1])
    return batches


class Child:
    """One life after another of the following process, on one journal."""

    def __init__(self, server: CometdServer, journal: Path) -> None:
        self.server = server
        self.journal = FileJournal(journal)
        self.process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start and wait until it is open."""
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, str(CHILD), self.server.url, CHANNEL, str(self.journal.path)),
            cwd=ROOT,
            env={"PYTHONPATH": str(ROOT), "PATH": ""},
            stdout=asyncio.subprocess.PIPE,
        )
        assert self.process.stdout is not None
        line = await asyncio.wait_for(self.process.stdout.readline(), 20)
        assert line == b"open\n"

    async def stop(self, number: signal.Signals) -> None:
        """Signal and wait."""
        assert self.process is not None
        self.process.send_signal(number)
        code = await asyncio.wait_for(self.process.wait(), 20)
        assert code == (0 if number is signal.SIGTERM else -number)

    def events(self) -> list[tuple[str, int, Any]]:
        """(session, ordinal, data) in the order of the journal."""
        return [
            (entry["client_id"], ordinal, data)
            for entry in self.journal.entries()
            for ordinal, data in entry["events"]
        ]

    def gaps(self) -> list[tuple[str, bool]]:
        """(reason, suspected)."""
        found = (entry["gap"] for entry in self.journal.entries())
        return [(gap["reason"], gap["suspected"]) for gap in found if gap]

    async def has(self, number: int) -> None:
        """Wait until that event is in the journal."""
        await eventually(
            lambda: any(data == number for _, _, data in self.events()),
            f"event {number} in the journal",
            timeout_seconds=20,
        )


@asynccontextmanager
async def child_of(server: CometdServer, folder: Path) -> AsyncIterator[Child]:
    child = Child(server, folder / "journal")
    try:
        yield child
    finally:
        if child.process is not None and child.process.returncode is None:
            child.process.kill()
            await child.process.wait()


class Publisher:
    """Publishes consecutive numbers at a rate until stopped."""

    def __init__(self, server: CometdServer, per_second: float) -> None:
        self.server = server
        self.pause = 1 / per_second
        self.published = 0
        self._task = asyncio.create_task(self._run(), name="publisher")
        self._stopped = False

    async def stop(self) -> int:
        """How many there were."""
        self._stopped = True
        await self._task
        return self.published

    async def _run(self) -> None:
        while not self._stopped:
            await self.server.publish(CHANNEL, [self.published])
            self.published += 1
            await asyncio.sleep(self.pause)


@both
@with_and_without
async def test_everything_published_is_received_once_and_in_order(serve: Serve, ack: bool) -> None:  # noqa: FBT001 - a parameter
    async with serve(ack=ack) as server, client_of(server) as client:
        await client.open()
        client.stored(await client.receive())
        assert client.ack_enabled is ack
        total = 1_000
        for start in range(0, total, 20):
            await server.publish(CHANNEL, list(range(start, start + 20)))
        await server.deliver("/direct", ["d"])
        batches = await collect(client, total + 1)
        events = [event for batch in batches for event in batch.messages]
        assert [event.data for event in events] == [*range(total), "d"]
        assert [event.ordinal for event in events] == list(range(1, total + 2))
        assert events[-1].channel == "/direct"
        assert not [batch.gap for batch in batches if batch.gap]


@both
@with_and_without
async def test_a_session_expired_by_the_server_is_one_gap_and_is_replaced(
    serve: Serve,
    ack: bool,  # noqa: FBT001 - a parameter
) -> None:
    async with serve(ack=ack) as server, client_of(server) as client:
        await client.open()
        client.stored(await client.receive())
        await server.publish(CHANNEL, [1])
        first = await collect(client, 1)
        await server.expire()
        await eventually(server.sessions, "the next session")
        await eventually(
            lambda: _subscribed(server), "the subscription of the next session", timeout_seconds=20
        )
        await server.publish(CHANNEL, [2])
        batches = await collect(client, 1)
        gaps = [batch.gap for batch in batches if batch.gap]
        assert [(gap.reason, gap.suspected) for gap in gaps] == [(Reason.SESSION_LOST, False)]
        assert batches[-1].client_id != first[-1].client_id


async def _subscribed(server: CometdServer) -> bool:
    return any(CHANNEL in session.subscriptions for session in await server.sessions())


@both
async def test_killed_at_random_moments_nothing_is_lost_with_acknowledgement(
    serve: Serve, tmp_path: Path
) -> None:
    """Every event is in the journal, each under one number, through twelve kills at 100 events a second."""
    moments = random.Random(7)
    async with serve(ack=True) as server, child_of(server, tmp_path) as child:
        await child.start()
        publisher = Publisher(server, per_second=100)
        for _ in range(12):
            await asyncio.sleep(moments.uniform(0.1, 0.8))
            await child.stop(signal.SIGKILL)
            await child.start()
        total = await publisher.stop()
        await child.has(total - 1)
        await child.stop(signal.SIGKILL)
        events = child.events()
        assert len({client_id for client_id, _, _ in events}) == 1
        by_number = {ordinal: data for _, ordinal, data in events}
        assert by_number == {number + 1: number for number in range(total)}
        assert all(by_number[ordinal] == data for _, ordinal, data in events)
        assert child.gaps() == []


@both
async def test_killed_without_acknowledgement_the_session_resumes_and_says_what_it_cannot_know(
    serve: Serve, tmp_path: Path
) -> None:
    async with serve(ack=False) as server, child_of(server, tmp_path) as child:
        await child.start()
        await server.publish(CHANNEL, [0])
        await child.has(0)
        await child.stop(signal.SIGKILL)
        await server.publish(CHANNEL, [1])
        await server.publish(CHANNEL, [2])
        await child.start()
        await server.publish(CHANNEL, [3])
        await child.has(3)
        assert len({client_id for client_id, _, _ in child.events()}) == 1
        assert child.gaps() == [("stopped", True)]
        assert [ordinal for _, ordinal, _ in child.events()] == list(
            range(1, len(child.events()) + 1)
        )


@both
@with_and_without
async def test_stopped_on_purpose_nothing_is_lost_and_there_is_no_gap(
    serve: Serve,
    ack: bool,  # noqa: FBT001 - a parameter
    tmp_path: Path,
) -> None:
    moments = random.Random(11)
    async with serve(ack=ack) as server, child_of(server, tmp_path) as child:
        await child.start()
        publisher = Publisher(server, per_second=100)
        for _ in range(6):
            await asyncio.sleep(moments.uniform(0.1, 0.6))
            await child.stop(signal.SIGTERM)
            assert child.journal.resume().clean  # type: ignore[union-attr] # a child that was open has stored one
            await child.start()
        total = await publisher.stop()
        await child.has(total - 1)
        await child.stop(signal.SIGTERM)
        numbers = {(ordinal, data) for _, ordinal, data in child.events()}
        assert numbers == {(number + 1, number) for number in range(total)}
        assert child.gaps() == []


@both
@with_and_without
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
async def test_started_again_past_the_window_there_is_exactly_one_gap(
    serve: Serve,
    ack: bool,  # noqa: FBT001 - a parameter
    how: signal.Signals,
    tmp_path: Path,
) -> None:
    async with (
        serve(ack=ack, timeout_ms=1_000, max_interval_ms=1_000) as server,
        child_of(server, tmp_path) as child,
    ):
        await child.start()
        await server.publish(CHANNEL, [0])
        await child.has(0)
        await child.stop(how)
        await server.publish(CHANNEL, [1])

        async def expired() -> bool:
            return not await server.sessions()

        await eventually(expired, "the session has expired", timeout_seconds=20)
        await child.start()
        await eventually(lambda: _subscribed(server), "the next session")
        await server.publish(CHANNEL, [2])
        await child.has(2)
        assert child.gaps() == [("session_lost", False)]
        sessions = [client_id for client_id, _, _ in child.events()]
        assert sessions[0] != sessions[-1]
