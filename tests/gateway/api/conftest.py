"""The API on a real socket, over a runtime in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest

from gateway.api.server import ApiServer
from gateway.api.settings import ApiSettings
from tests.support.fake_runtime import FakeRuntime

Serve = Callable[..., Awaitable[aiohttp.ClientSession]]


@pytest.fixture
def runtime() -> FakeRuntime:
    """A runtime to look into and to make fail."""
    return FakeRuntime()


@pytest.fixture
async def serve(runtime: FakeRuntime) -> AsyncIterator[Serve]:
    """Start the API with settings; returns a client whose base is its URL."""
    async with AsyncExitStack() as stack:

        async def start(**settings: Any) -> aiohttp.ClientSession:
            server = ApiServer(runtime, ApiSettings(**({"port": 0} | settings)))
            url = await server.start()
            stack.push_async_callback(server.close)
            return await stack.enter_async_context(
                aiohttp.ClientSession(base_url=url.replace("0.0.0.0", "127.0.0.1"))
            )

        yield start
