"""The sink against brokers that vanish, hang or lose their answers, and after its own death."""

from __future__ import annotations

import asyncio
import os
import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gateway.contracts import Sink
from gateway.errors import ConnectionFailed, DeliveryRetryable, NotConnected, NotReady, Reason
from gateway.events import StoredEvent
from tests.contract.sink_suite import batch_of, by_key
from tests.sinks.kafka import deliver as deliver_script
from tests.sinks.kafka.conftest import MakeSink
from tests.sinks.kafka.tap import Tap
from tests.support.kafka import KafkaBroker, KafkaRecord
from tests.support.processes import free_port

pytestmark = pytest.mark.kafka

OUTAGE_SECONDS = float(os.environ.get("TIELINE_TEST_OUTAGE_SECONDS", "5"))
BATCH = 25


def keyed(records: Sequence[KafkaRecord]) -> dict[str, list[str]]:
    """Ids per key with repetitions, in order of arrival."""
    groups: dict[str, list[str]] = {}
    for record in records:
        groups.setdefault((record.key or b"").decode(), []).append(record.headers["ce_id"].decode())
    return groups


@dataclass
class Progress:
    """How far a stream is."""

    done: int = 0
    halfway: asyncio.Event = field(default_factory=asyncio.Event)


async def deliver_through(sink: Sink, events: Sequence[StoredEvent], progress: Progress) -> None:
    """What the dispatcher does, in short: open, deliver, and start over after an error."""
    done = 0
    while done < len(events):
        try:
            held = await sink.open()
            while held is not None and done < len(events) and events[done].position <= held:
                done += 1
            while done < len(events):
                report = await sink.deliver(events[done : done + BATCH])
                done += report.settled
                progress.done = done
                if done >= len(events) // 2:
                    progress.halfway.set()
        except (ConnectionFailed, DeliveryRetryable):
            await sink.close()
            await asyncio.sleep(0.1)


@pytest.mark.timeout(90 + 2 * OUTAGE_SECONDS)
async def test_a_broker_that_is_killed_in_mid_stream_loses_and_doubles_nothing(
    tmp_path: Path, topic: str, make_sink: MakeSink
) -> None:
    """SIGKILL, an outage longer than the delivery's deadline, and the same data again."""
    events = batch_of(3000, keys=11)
    progress = Progress()
    async with KafkaBroker(tmp_path / "broker") as broker:
        sink = make_sink(
            broker.bootstrap_servers, delivery_timeout_seconds=2, request_timeout_seconds=2
        )
        stream = asyncio.create_task(deliver_through(sink, events, progress), name="stream")
        await progress.halfway.wait()
        await broker.kill()
        before = progress.done
        await asyncio.sleep(OUTAGE_SECONDS)
        assert progress.done <= before + BATCH
        assert not stream.done()
        await broker.start()
        await stream
        records = await broker.read_topic(topic)
    assert keyed(records) == by_key(events)


def others() -> set[asyncio.Task[object]]:
    """Tasks that run now, but for the test's own and the tap's."""
    tasks = {task for task in asyncio.all_tasks() if task is not asyncio.current_task()}
    return {task for task in tasks if "tap" not in repr(task).lower()}


async def test_records_whose_answer_is_lost_are_not_written_again(
    tapped_broker: tuple[KafkaBroker, int], tap: Tap, topic: str, make_sink: MakeSink
) -> None:
    """The delivery fails for its deadline, the next open reads back that they arrived."""
    broker, port = tapped_broker
    sink = make_sink(f"127.0.0.1:{port}", delivery_timeout_seconds=3, request_timeout_seconds=1)
    events = batch_of(60)
    await sink.open()
    await sink.deliver(events[:20])
    tap.produced.clear()
    tap.answers_records = False
    with pytest.raises(NotConnected) as caught:
        await sink.deliver(events[20:40])
    assert caught.value.reason is Reason.TIMEOUT
    assert tap.produced.is_set()
    await tap.cut()
    assert await sink.open() == events[19].position
    assert (await sink.deliver(events[20:])).settled == 40
    assert keyed(await broker.read_topic(topic)) == by_key(events)


async def test_a_broker_that_answers_nothing_costs_no_more_than_the_deadline(
    tapped_broker: tuple[KafkaBroker, int], tap: Tap, topic: str, make_sink: MakeSink
) -> None:
    """Delivery ends in time, closing does not hang, no task is left, and nothing is doubled later."""
    broker, port = tapped_broker
    before = others()
    sink = make_sink(f"127.0.0.1:{port}", delivery_timeout_seconds=2)
    events = batch_of(40)
    await sink.open()
    await sink.deliver(events[:20])
    tap.held = True
    loop = asyncio.get_running_loop()
    started = loop.time()
    with pytest.raises(NotConnected) as caught:
        await sink.deliver(events[20:])
    assert caught.value.reason is Reason.TIMEOUT
    await sink.close()
    assert loop.time() - started < 6
    assert others() <= before
    await tap.cut()
    await sink.open()
    await sink.deliver(events[20:])
    assert keyed(await broker.read_topic(topic)) == by_key(events)


async def test_opening_a_broker_that_answers_nothing_can_be_cancelled(
    tapped_broker: tuple[KafkaBroker, int], tap: Tap, make_sink: MakeSink
) -> None:
    """The caller's limit ends it and nothing is left running."""
    _, port = tapped_broker
    before = others()
    tap.held = True
    sink = make_sink(f"127.0.0.1:{port}")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(sink.open(), timeout=0.5)
    await sink.close()
    assert others() <= before


async def test_opening_without_any_broker_leaves_nothing_running(make_sink: MakeSink) -> None:
    """Again and again, as long as the outage lasts."""
    before = others()
    sink = make_sink(f"127.0.0.1:{free_port()}")
    for _ in range(3):
        with pytest.raises(NotReady):
            await sink.open()
    await sink.close()
    assert others() <= before


async def test_a_process_killed_at_any_moment_neither_loses_nor_doubles(
    kafka: KafkaBroker, topic: str, make_sink: MakeSink
) -> None:
    """Each life reads back what the last one wrote and said to nobody."""
    await kafka.create_topic(topic, partitions=3)
    chance = random.Random(7)
    for _ in range(5):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, deliver_script.__file__, kafka.bootstrap_servers, topic),
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        assert await process.stdout.readline() == b"open\n"
        await asyncio.sleep(chance.uniform(0.05, 0.4))
        process.kill()
        await process.wait()
    sink = make_sink(kafka.bootstrap_servers)
    await sink.open()
    written = await kafka.read_topic(topic)
    assert written
    # More than any of the lives can have got to: one batch was under way in each partition.
    events = batch_of(len(written) + deliver_script.BATCH, keys=deliver_script.KEYS)
    assert (await sink.deliver(events)).settled == len(events)
    assert keyed(await kafka.read_topic(topic)) == by_key(events)
