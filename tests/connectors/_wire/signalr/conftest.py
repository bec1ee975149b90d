"""Clients on real sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from connectors._wire.signalr.client import SignalRClient
from connectors._wire.signalr.values import Limits, Transport
from tests.connectors._wire.signalr.fake_signalr import FakeSignalR
from tests.connectors._wire.signalr.harness import RETRY_SECONDS, Make


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(
        connector=connector, cookie_jar=aiohttp.DummyCookieJar()
    ) as session:
        yield session


@pytest.fixture
async def make(http: aiohttp.ClientSession) -> AsyncIterator[Make]:
    """Clients that are closed at the end."""
    clients = []

    def build(
        server: FakeSignalR | str, transport: Transport | None = None, **options: Any
    ) -> SignalRClient:
        url = server if isinstance(server, str) else server.url
        limits = {"retry_seconds": RETRY_SECONDS} | options.pop("limits", {})
        if transport is not None:
            options["transports"] = [transport]
        client = SignalRClient(http, url, ["hub"], limits=Limits(**limits), **options)
        clients.append(client)
        return client

    yield build
    for client in clients:
        await client.close()
