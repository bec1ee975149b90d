"""A process that delivers the events of a stream to a topic until it is killed: `deliver.py BROKER TOPIC`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[3]))

from gateway.clock import SystemClock
from gateway.contracts import SinkContext
from sinks.kafka.settings import KafkaSettings
from sinks.kafka.sink import KafkaSink
from tests.contract.sink_suite import batch_of

BATCH = 20
KEYS = 7


async def main(broker: str, topic: str) -> None:
    """Deliver from where the sink says that nothing is left before, for ever."""
    unused: Any = None
    context = SinkContext(
        name="lake",
        journal_id=f"journal-of-{topic}",
        http=unused,
        clock=SystemClock(),
        data_dir=Path.cwd(),
        metrics=unused,
        picture=unused,
    )
    settings = KafkaSettings(bootstrap_servers=[broker], topic=topic)
    sink = KafkaSink(settings, context)
    held = await sink.open()
    print("open", flush=True)  # noqa: T201 - its parent reads it
    done = 0 if held is None else (held + 1) // 2
    while True:
        # Some of what was delivered is offered again, as after a crash that lost the journal's last positions.
        start = max(0, done - BATCH // 2)
        await sink.deliver(batch_of(start + BATCH, keys=KEYS)[start:])
        done = start + BATCH


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
