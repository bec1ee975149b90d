"""The Prometheus sink: agents, calls and queues as metrics with bounded labels."""

from gateway.contracts import SinkDescriptor, SinkTraits
from sinks.prometheus.settings import PrometheusSettings
from sinks.prometheus.sink import build

SINK = SinkDescriptor(
    name="prometheus",
    settings=PrometheusSettings,
    traits=SinkTraits(batch_events=1000),
    build=build,
)
