"""The webhook sink: signed CloudEvents over HTTP, in order per partition key."""

from gateway.contracts import SinkDescriptor, SinkTraits
from sinks.webhook.settings import WebhookSettings
from sinks.webhook.sink import build

SINK = SinkDescriptor(
    name="webhook",
    settings=WebhookSettings,
    traits=SinkTraits(batch_events=500, batch_bytes=4 << 20),
    build=build,
)
