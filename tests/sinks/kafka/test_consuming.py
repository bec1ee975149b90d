"""The consumer of the page for consumers, run as it stands there against a real broker."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from gateway.contracts import Report
from tests.contract.sink_suite import batch_of
from tests.sinks.kafka.conftest import MakeSink
from tests.support.examples import example
from tests.support.kafka import KafkaBroker

pytestmark = pytest.mark.kafka


async def test_the_consumer_of_the_page_reads_what_the_sink_wrote(
    kafka: KafkaBroker, topic: str, make_sink: MakeSink, tmp_path: Path
) -> None:
    sink = make_sink(kafka.bootstrap_servers)
    await sink.open()
    events = batch_of(5)
    assert await sink.deliver(events) == Report(settled=5)
    program = tmp_path / "consumer.py"
    program.write_text(example("kafka"))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(program), kafka.bootstrap_servers, topic, "5"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, complaints = await process.communicate()
    assert process.returncode == 0, complaints.decode()
    shown = [line.split()[:2] for line in output.decode().splitlines()]
    assert shown == [[event.type, event.envelope.subject] for event in events]
