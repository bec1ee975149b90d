"""The webhook sink: CloudEvents over HTTP, signed by Standard Webhooks.

Sources: CloudEvents specification 1.0.2, JSON event format (structured and batch media types) and HTTP protocol
binding; Standard Webhooks specification 1.0.0.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.contracts import Report, Sink, SinkContext
from gateway.errors import NotReady, Reason
from gateway.events import StoredEvent, event_id
from sinks.webhook.answers import Judgement, Verdict
from sinks.webhook.client import WebhookClient
from sinks.webhook.delivery import Delivery, Settled
from sinks.webhook.settings import ContentMode, WebhookSettings

ONE = "application/cloudevents+json; charset=utf-8"
SEVERAL = "application/cloudevents-batch+json; charset=utf-8"
MAX_REQUEST_BYTES = 1 << 20


class WebhookSink:
    """Posts events to one URL.

    Events behind the settled prefix that the receiver has taken are remembered, until they are part of a prefix: when
    they are offered again, also after a cancelled delivery or a new `open`, they are not posted again. At most one
    batch of them is remembered, so the memory is bounded by the size of a batch.
    """

    def __init__(self, settings: WebhookSettings, context: SinkContext) -> None:
        self._settings = settings
        self._clock = context.clock
        self._client: WebhookClient | None = None
        self._outcomes: dict[int, Settled] = {}

    async def open(self) -> int | None:
        """Prepare the connection pool; the receiver cannot say what it holds. Raises ConfigError."""
        await self.close()
        self._client = await WebhookClient.connect(self._settings, self._clock)
        return None

    async def deliver(self, batch: Sequence[StoredEvent]) -> Report:
        """Post what was not taken yet; what stopped it is in the report. Raises NotReady if not open."""
        client = self._client
        if client is None:
            raise NotReady("the webhook is not open", reason=Reason.STOPPED)
        self._outcomes = {
            event.position: self._outcomes[event.position]
            for event in batch
            if event.position in self._outcomes
        }
        self._refuse_oversized(batch)

        async def send(events: Sequence[StoredEvent]) -> Judgement:
            if self._settings.mode is ContentMode.STRUCTURED:
                return await client.post(events[0].envelope.id, events[0].structured(), ONE)
            message_id = event_id(*(event.envelope.id for event in events))
            body = b"[" + b",".join(event.structured() for event in events) + b"]"
            return await client.post(message_id, body, SEVERAL)

        delivery = Delivery(batch, self._outcomes, send, self._clock)
        if self._settings.mode is ContentMode.STRUCTURED:
            await delivery.one_by_one(self._settings.concurrency)
        else:
            await delivery.in_batches(self._settings.batch_events, MAX_REQUEST_BYTES)
        return delivery.report()

    async def close(self) -> None:
        """Close the connections; what is remembered stays for the next `open`."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    def _refuse_oversized(self, batch: Sequence[StoredEvent]) -> None:
        limit = self._settings.max_event_bytes
        for event in batch:
            if len(event.body) > limit:
                message = f"the event has {len(event.body)} bytes, max_event_bytes is {limit}"
                self._outcomes[event.position] = Settled(
                    Judgement(Verdict.REFUSED, Reason.TOO_LARGE, message)
                )


def build(settings: WebhookSettings, context: SinkContext) -> Sink:
    """A webhook sink from its settings."""
    return WebhookSink(settings, context)
