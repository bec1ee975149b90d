"""The gateway beside other programs that do its job: on the same broker, from the same messages, one after the other.

Messages are counted, not events: the others write each message as it came, the gateway about one and a half events of
each.
"""

from __future__ import annotations

import asyncio
import time
from typing import NamedTuple

import psutil

from tests.bench import bare_kafka
from tests.bench.bare_kafka import Record
from tests.bench.pipeline import REPLY_MESSAGES, WARM_UP_SECONDS, cores_used, delays
from tests.bench.report import Figure, percentile
from tests.bench.rig import Busy, Rig, Source
from tests.bench.rivals import RIVALS, Rival, missing

PACE_PER_SECOND = 1_000
STABLE_SECONDS = 2.0
SETTLE_TRIES = 120
MIB = 2**20


class _Flood(NamedTuple):
    messages_per_second: float
    microseconds: float
    resident: int
    note: str


async def measure(shared: Rig, *, quick: bool) -> list[Figure]:
    """Rate, processor time, memory, delay, and what kill -9 does, of each program."""
    if absent := missing():
        raise SystemExit(f"{', '.join(absent)} missing: run tests/bench/install")
    figures = []
    for kind in RIVALS:
        flood = await _flood(kind(shared, await shared.topic()), 5.0 if quick else 12.0)
        ours = await _delays(kind(shared, await shared.topic()), 6.0 if quick else 15.0)
        lost, doubled, note = await _killed(kind(shared, await shared.topic()), quick=quick)
        name = f"{kind.name} ({kind.feed})"
        figures += [
            Figure(
                name=f"{name}: messages to Kafka, sustained",
                value=flood.messages_per_second,
                unit="messages/s",
                note=flood.note,
                series="peers: messages a second",
            ),
            Figure(
                name=f"{name}: processor time per message",
                value=flood.microseconds,
                unit="µs",
                series="peers: µs per message",
            ),
            Figure(
                name=f"{name}: resident memory under that load",
                value=flood.resident / MIB,
                unit="MiB",
                series="peers: MiB",
            ),
            *(
                Figure(
                    name=f"{name}: delay at {PACE_PER_SECOND:,}/s, p{round(share * 100)}",
                    value=percentile(ours, share),
                    unit="ms",
                    series=f"peers: p{round(share * 100)} ms",
                )
                for share in (0.5, 0.99)
            ),
            Figure(
                name=f"{name}: lost at kill -9",
                value=lost,
                unit="messages",
                note=note,
                series="peers: lost",
            ),
            Figure(
                name=f"{name}: doubled at kill -9",
                value=doubled,
                unit="records",
                series="peers: doubled",
            ),
        ]
    return figures


async def _flood(rival: Rival, seconds: float) -> _Flood:
    shared = rival.shared
    async with rival.tapes() as platform:
        await rival.start(platform.url)
        try:
            await _warm_up(rival, platform)
            busy = Busy(_processes(rival, platform))
            begun_ns = await platform.run(seconds=seconds, batch=REPLY_MESSAGES)
            await platform.done()
            await _settled(rival)
            shares, spent = busy.shares(), busy.seconds()
            resident = rival.process.memory_info().rss
        finally:
            rival.kill()
    ours = [
        record
        for record in await bare_kafka.read_all(shared, rival.topic)
        if (stamp := _stamp(rival, record)) is not None and stamp >= begun_ns
    ]
    messages = len({rival.reference(record) for record in ours})
    took = max(record.timestamp_ms for record in ours) / 1000 - begun_ns / 1e9
    note = f"{messages:,} messages, {len(ours):,} records; cores used: {cores_used(shares)}"
    return _Flood(messages / took, 1e6 * spent["program"] / messages, resident, note)


async def _delays(rival: Rival, seconds: float) -> list[float]:
    async with rival.tapes() as platform:
        await rival.start(platform.url)
        began_ns = time.time_ns()

        async def send() -> None:
            await platform.run(seconds=seconds, per_second=PACE_PER_SECOND)
            await platform.done()

        def stamp(value: bytes) -> int | None:
            made = _stamp(rival, Record(b"", value, [], 0))
            return made if made is not None and made >= began_ns else None

        try:
            await _warm_up(rival, platform)
            began_ns = time.time_ns()  # the reader begins with what came before, and passes it by
            return await delays(rival.shared, rival.topic, send, stamp)
        finally:
            rival.kill()


async def _killed(rival: Rival, *, quick: bool) -> tuple[int, int, str]:
    """Lost messages, doubled records, and how it was: killed in the middle of a paced run, started again at once."""
    seconds = 12.0 if quick else 20.0
    loop = asyncio.get_running_loop()
    async with rival.platform() as platform:
        await rival.start(platform.url)
        try:
            await _warm_up(rival, platform)
            await platform.run(seconds=seconds, per_second=PACE_PER_SECOND)
            await asyncio.sleep(seconds / 3)
            rival.kill()
            away = loop.time()
            await rival.start(platform.url)
            away = loop.time() - away
            await platform.done()
            await _settled(rival)
            sent = int((await platform.state())["total"])
        finally:
            rival.kill()
    records = await bare_kafka.read_all(rival.shared, rival.topic)
    arrived = {name for record in records if (name := rival.reference(record))}
    named = [record for record in records if rival.reference(record)]
    doubled = len(named) - len({rival.identity(record) for record in named})
    note = f"of {sent:,} messages at {PACE_PER_SECOND:,}/s; listening again after {away:.1f} s"
    return sent - len(arrived), doubled, note


async def _warm_up(rival: Rival, platform: Source) -> None:
    """Let the program do its job for a moment, as compilers at run time need."""
    await platform.run(seconds=WARM_UP_SECONDS, batch=REPLY_MESSAGES)
    await platform.done()
    await _settled(rival)


async def _settled(rival: Rival) -> None:
    """Wait until nothing more has been written to the topic for a while."""
    await rival.drain()
    async with bare_kafka.consumer(rival.shared, rival.topic) as reader:
        last, since = -1, 0.0
        loop = asyncio.get_running_loop()
        for _ in range(SETTLE_TRIES):
            total = sum((await reader.end_offsets(reader.assignment())).values())
            if total != last:
                last, since = total, loop.time()
            elif loop.time() - since > STABLE_SECONDS:
                return
            await asyncio.sleep(0.25)
        raise AssertionError(f"{rival.name} writes and writes")


def _stamp(rival: Rival, record: Record) -> int | None:
    name = rival.reference(record)
    return int(name.partition("-")[0]) if name else None


def _processes(rival: Rival, platform: Source) -> dict[str, psutil.Process]:
    return {
        "program": rival.process,
        "source": psutil.Process(platform.process.process.pid),
        "broker": psutil.Process(rival.shared.broker._process.pid),
    }
