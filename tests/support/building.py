"""A connector as the gateway builds it, by itself."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from gateway.clock import SystemClock
from gateway.contracts import AttachmentStore, Connector, ConnectorContext, PlatformDescriptor


@asynccontextmanager
async def built(
    platform: PlatformDescriptor,
    name: str,
    settings: Mapping[str, Any],
    uploads: AttachmentStore | None = None,
) -> AsyncIterator[Connector]:
    """A connector with an HTTP session of its own; at the end its feeds are closed, and it is."""
    model = platform.settings.model_validate(settings)
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), cookie_jar=aiohttp.DummyCookieJar()
    ) as http:
        context = ConnectorContext(name=name, http=http, clock=SystemClock(), attachments=uploads)
        connector = platform.build(model, context)
        try:
            yield connector
        finally:
            for feed in connector.feeds:
                await feed.close()
            await connector.close()
