"""The webhook sink: signed CloudEvents over HTTP, in order per partition key."""

from gateway.contracts import SinkDescriptor
from sinks.webhook.settings import WebhookSettings
from sinks.webhook.sink import TRAITS, build, traits_for

SINK = SinkDescriptor(
    name="webhook",
    settings=WebhookSettings,
    traits=TRAITS,
    build=build,
    traits_for=traits_for,
)
