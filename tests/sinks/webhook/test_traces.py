"""Requests carry the trace of what they hold."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from gateway.clock import SystemClock
from gateway.events import StoredEvent
from sinks.webhook import SINK
from sinks.webhook.settings import WebhookSettings
from tests.contract.sink_suite import stored
from tests.sinks.webhook.receiver import SECRET, Receiver
from tests.support.sinks import sink_context

ONE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
OTHER = "00-0af7651916cd43dd8448eb211c80319d-b7ad6b7169203332-01"


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A receiver that takes everything."""
    async with Receiver() as receiver:
        yield receiver


def traced(position: int, traceparent: str | None) -> StoredEvent:
    event = stored(position)
    if traceparent is None:
        return event
    return msgspec.structs.replace(
        event, body=event.body[:-1] + f',"traceparent":"{traceparent}"}}'.encode()
    )


@pytest.mark.parametrize(
    ("mode", "traces", "headers"),
    [
        ("structured", (ONE, None), {ONE, None}),
        ("batched", (ONE, ONE), {ONE}),
        ("batched", (ONE, OTHER), {None}),
        ("batched", (ONE, None), {None}),
        ("batched", (None, None), {None}),
    ],
)
async def test_a_request_has_the_header_if_all_it_holds_is_of_one_trace(
    receiver: Receiver,
    tmp_path: Path,
    mode: str,
    traces: tuple[str | None, ...],
    headers: set[str | None],
) -> None:
    """A receiver's own trace must not go on from that of another event; the body has each event's own."""
    settings = {"url": receiver.url, "secret": SECRET, "allow_private": True, "mode": mode}
    sink = SINK.build(
        WebhookSettings.model_validate(settings), sink_context(tmp_path, clock=SystemClock())
    )
    await sink.open()
    batch = [traced(number + 1, one) for number, one in enumerate(traces)]
    assert (await sink.deliver(batch)).settled == len(batch)
    await sink.close()
    assert {request.headers.get("traceparent") for request in receiver.requests} == headers
    assert {event.get("traceparent") for event in receiver.taken} == set(traces)
