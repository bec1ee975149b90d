"""The webhook sink: CloudEvents over HTTP, signed by Standard Webhooks.

Sources: CloudEvents specification 1.0.2, JSON event format (structured and batch media types) and HTTP protocol
binding; Standard Webhooks specification 1.0.0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gateway.contracts import HoldLimits, Report, Sink, SinkContext, SinkTraits
from gateway.errors import NotReady, Reason
from gateway.events import StoredEvent, event_id
from sinks.webhook.answers import Judgement, Verdict
from sinks.webhook.client import WebhookClient
from sinks.webhook.delivery import Delivery, Settled
from sinks.webhook.pace import Pace
from sinks.webhook.settings import ContentMode, WebhookSettings

ONE = "application/cloudevents+json; charset=utf-8"
SEVERAL = "application/cloudevents-batch+json; charset=utf-8"
MAX_REQUEST_BYTES = 1 << 20
TRAITS = SinkTraits(batch_events=500, batch_bytes=4 << 20)


class WebhookSink:
    """Posts events to one URL.

    Events behind the settled prefix that the receiver has taken are remembered, until they are part of a prefix: when
    they are offered again, also after a cancelled delivery or a new `open`, they are not posted again. They are those
    of one batch, which may be offered again in parts, so the memory is bounded by the size of a batch. Also a
    `gateway.contracts.KeyedSink`.
    """

    def __init__(self, settings: WebhookSettings, context: SinkContext) -> None:
        self._settings = settings
        self._clock = context.clock
        self._client: WebhookClient | None = None
        self._pace = Pace(settings.max_requests_per_second, context.clock)
        self._outcomes: dict[int, Settled] = {}
        self._outcomes_up_to = 0

    async def open(self) -> int | None:
        """Prepare the connection pool; the receiver cannot say what it holds. Raises ConfigError."""
        await self.close()
        self._client = await WebhookClient.connect(self._settings, self._clock)
        return None

    async def deliver(self, batch: Sequence[StoredEvent]) -> Report:
        """Post what was not taken yet; what stopped it is in the report. Raises NotReady if not open."""
        client = self._opened()
        if not batch:
            return Report(settled=0)
        last = abs(batch[-1].position)
        offered = {event.position for event in batch}
        self._outcomes_up_to = max(last, self._outcomes_up_to) if self._outcomes else last
        self._outcomes = {
            position: outcome
            for position, outcome in self._outcomes.items()
            if position in offered or last < abs(position) <= self._outcomes_up_to
        }
        for event in batch:
            if (refusal := self._oversized(event)) is not None:
                self._outcomes[event.position] = Settled(refusal)

        async def send(events: Sequence[StoredEvent]) -> Judgement:
            return await self._send(client, events)

        delivery = Delivery(batch, self._outcomes, send, clock=self._clock, pace=self._pace)
        if self._settings.mode is ContentMode.STRUCTURED:
            await delivery.one_by_one(self._settings.concurrency)
        else:
            await delivery.in_batches(self._settings.batch_events, MAX_REQUEST_BYTES)
        return delivery.report()

    async def deliver_one(self, event: StoredEvent) -> Report:
        """Post one event that was held. Raises NotReady if not open."""
        client = self._opened()
        outcomes: dict[int, Settled] = {}
        if (refusal := self._oversized(event)) is not None:
            outcomes[event.position] = Settled(refusal)

        async def send(events: Sequence[StoredEvent]) -> Judgement:
            return await self._send(client, events)

        delivery = Delivery([event], outcomes, send, clock=self._clock, pace=self._pace)
        await delivery.one_by_one(1)
        return delivery.report()

    def _opened(self) -> WebhookClient:
        if self._client is None:
            raise NotReady("the webhook is not open", reason=Reason.STOPPED)
        return self._client

    async def _send(self, client: WebhookClient, events: Sequence[StoredEvent]) -> Judgement:
        if self._settings.mode is ContentMode.STRUCTURED:
            envelope, body = events[0].envelope, events[0].structured()
            return await client.post(envelope.id, body, ONE, traceparent=envelope.traceparent)
        message_id = event_id(*(event.envelope.id for event in events))
        body = b"[" + b",".join(event.structured() for event in events) + b"]"
        traces = {event.envelope.traceparent for event in events}
        # A request has one trace; events of several have each its own in the body.
        traceparent = traces.pop() if len(traces) == 1 else None
        return await client.post(message_id, body, SEVERAL, traceparent=traceparent)

    async def close(self) -> None:
        """Close the connections; what is remembered stays for the next `open`."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    def _oversized(self, event: StoredEvent) -> Judgement | None:
        limit = self._settings.max_event_bytes
        if len(event.body) <= limit:
            return None
        message = f"the event has {len(event.body)} bytes, max_event_bytes is {limit}"
        return Judgement(Verdict.REFUSED, Reason.TOO_LARGE, message)


def traits_for(settings: WebhookSettings) -> SinkTraits:
    """How the dispatcher shall treat a webhook with these settings."""
    return replace(
        TRAITS,
        holds=HoldLimits(
            retry_seconds=settings.retry_seconds,
            order_seconds=settings.order_wait_seconds,
            most_events=settings.max_held_events,
        ),
    )


def build(settings: WebhookSettings, context: SinkContext) -> Sink:
    """A webhook sink from its settings."""
    return WebhookSink(settings, context)
