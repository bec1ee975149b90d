"""The Kafka sink: CloudEvents in binary mode, effectively once for readers of committed records."""

from gateway.contracts import SinkDescriptor, SinkTraits
from sinks.kafka.settings import KafkaSettings
from sinks.kafka.sink import build

SINK = SinkDescriptor(
    name="kafka",
    settings=KafkaSettings,
    # A transaction takes many turns of the loop, which are long when feeds are busy: a large one keeps up with them.
    traits=SinkTraits(batch_events=4000, batch_bytes=4 << 20),
    build=build,
)
