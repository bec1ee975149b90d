from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.clock import SystemClock
from gateway.contracts import Sink
from gateway.events import StoredEvent
from sinks.webhook import SINK
from sinks.webhook.settings import WebhookSettings
from tests.contract.sink_suite import RefusingReceiverSuite
from tests.sinks.webhook.receiver import SECRET, Receiver
from tests.support.sinks import sink_context


class WebhookHarness:
    """A receiver on a socket that can answer 503 from some event on, and 422 to single ones."""

    secrets = (SECRET, SECRET.removeprefix("whsec_"), "token-in", "Bearer of-the-header")

    def __init__(self, receiver: Receiver, directory: Path, **settings: object) -> None:
        self.receiver = receiver
        self.directory = directory
        self.settings = settings
        self.left: int | None = None
        self.refused: set[str] = set()
        receiver.answer = self._answer

    def _answer(self, event: dict[str, Any]) -> int:
        if event["id"] in self.refused:
            return 422
        if self.left is not None:
            if self.left == 0:
                return 503
            self.left -= 1
        return 200

    def _make(self, **settings: object) -> Sink:
        model = WebhookSettings.model_validate(
            {
                "url": self.receiver.url,
                "secret": SECRET,
                "headers": {"Authorization": "Bearer of-the-header"},
                **self.settings,
                **settings,
            }
        )
        return SINK.build(model, sink_context(self.directory, clock=SystemClock()))

    def make(self) -> Sink:
        """A sink that may post to loopback."""
        return self._make(allow_private=True)

    def make_unready(self) -> Sink:
        """A sink that may not post to loopback, where its receiver is."""
        return self._make(allow_private=False)

    async def received(self) -> list[StoredEvent]:
        """The events that were answered with 2xx."""
        return [
            StoredEvent(
                position=0,
                sequence=int(event["sequence"]),
                type=event["type"],
                source=event["source"],
                body=msgspec.json.encode(event),
            )
            for event in self.receiver.taken
        ]

    async def fail_after(self, count: int) -> None:
        """Answer 503 after some events."""
        self.left = count

    async def recover(self) -> None:
        """Answer 200 again."""
        self.left = None

    async def refuse(self, event: StoredEvent) -> None:
        """Answer 422 to this event."""
        self.refused.add(event.envelope.id)

    async def until_busy(self) -> None:
        """The receiver has got a request."""
        await self.receiver.busy.wait()


class TestWebhookContract(RefusingReceiverSuite):
    """The webhook sink keeps the contract of sinks."""

    @pytest.fixture
    async def harness(self, tmp_path: Path) -> AsyncIterator[WebhookHarness]:
        """One event a request, several requests at a time."""
        async with Receiver() as receiver:
            yield WebhookHarness(receiver, tmp_path)


class TestBatchedWebhookContract(RefusingReceiverSuite):
    """The webhook sink keeps the contract of sinks with several events a request."""

    @pytest.fixture
    async def harness(self, tmp_path: Path) -> AsyncIterator[WebhookHarness]:
        """Four events a request."""
        async with Receiver() as receiver:
            yield WebhookHarness(receiver, tmp_path, mode="batched", batch_events=4)
