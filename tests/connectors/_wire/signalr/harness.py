"""What the tests of the SignalR client share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from connectors._wire.signalr.client import SignalRClient
from connectors._wire.signalr.values import Batch, Loss, SignalRResume, Transport
from gateway.errors import ConnectionFailed

Make = Callable[..., SignalRClient]
RETRY_SECONDS = 0.1  # a twentieth of the real pause: times here are scaled, not skipped
each_transport = pytest.mark.parametrize("transport", list(Transport))
each_stream = pytest.mark.parametrize(
    "transport", [Transport.WEB_SOCKETS, Transport.SERVER_SENT_EVENTS]
)


async def opened(client: SignalRClient, resume: SignalRResume | None = None) -> Batch:
    """Open and take the announcement of the connection."""
    async with asyncio.timeout(10):
        await client.open(resume)
        batch = await client.receive()
    client.stored(batch)
    return batch


async def collect(client: SignalRClient, count: int) -> list[Batch]:
    """Receive and store until that many messages have come."""
    batches: list[Batch] = []
    async with asyncio.timeout(15):
        while sum(len(batch.messages) for batch in batches) < count:
            batch = await client.receive()
            client.stored(batch)
            batches.append(batch)
    return batches


def values(batches: list[Batch]) -> list[Any]:
    return [message.args[0] for batch in batches for message in batch.messages]


def losses(batches: list[Batch]) -> list[Loss]:
    return [batch.gap.reason for batch in batches if batch.gap]


async def ended(client: SignalRClient) -> ConnectionFailed:
    """The error that ends receiving."""
    async with asyncio.timeout(15):
        while True:
            try:
                await client.receive()
            except ConnectionFailed as error:
                return error
