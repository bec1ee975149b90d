"""aiocometd 0.4.5 made to run on Python 3.10 and later: a second independent CometD client.

It passes `loop=` to four asyncio calls that no longer take it. The patch gives its three modules
an `asyncio` that drops the argument; a few habits that make it useless against real servers on an
IP address are put right in `connect`. Its other defects stay: it never resumes, has no ack
extension, and takes an interval in milliseconds for seconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from types import ModuleType
from typing import Any

import aiocometd.client
import aiocometd.utils
import aiohttp
from aiocometd.client import Client
from aiocometd.constants import ConnectionType
from aiocometd.extensions import Extension
from aiocometd.transports import long_polling
from aiocometd.transports.registry import register_transport


class _LooplessAsyncio(ModuleType):
    """asyncio, with four functions that ignore `loop`."""

    def __getattr__(self, name: str) -> Any:
        genuine = getattr(asyncio, name)
        if name not in {"Semaphore", "wait", "wait_for", "sleep"}:
            return genuine

        def without_loop(*arguments: Any, loop: object = None, **options: Any) -> Any:
            del loop
            return genuine(*arguments, **options)

        return without_loop


_loopless = _LooplessAsyncio("asyncio")
for _module in (aiocometd.client, aiocometd.utils, long_polling):
    vars(_module)["asyncio"] = _loopless


class _Request(Extension):
    """Adds headers, and asks for the first connect to be answered at once as other clients do."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers
        self._first_connect = True

    async def incoming(self, payload: Any, headers: Any = None) -> None:
        """Nothing to do."""

    async def outgoing(self, payload: Any, headers: Any) -> None:
        headers.update(self._headers)
        for message in payload:
            if message["channel"] == "/meta/connect" and self._first_connect:
                self._first_connect = False
                message["advice"] = {"timeout": 0}


@register_transport(ConnectionType.LONG_POLLING)  # takes the place of the one it derives from
class _Transport(long_polling.LongPollingTransport):
    def _connect_done(self, future: asyncio.Future[dict[str, Any]]) -> None:
        # The original predates CancelledError as a BaseException and lets it escape on every close.
        if not future.cancelled():
            super()._connect_done(future)

    async def _get_http_session(self) -> aiohttp.ClientSession:
        # The default jar drops the session cookie of a server addressed by its IP address.
        if self._http_session is None:
            self._http_session = aiohttp.ClientSession(
                cookie_jar=aiohttp.CookieJar(unsafe=True), json_serialize=self._json_dumps
            )
        return self._http_session


@asynccontextmanager
async def connect(
    url: str, channels: Sequence[str], *, headers: Mapping[str, str] | None = None
) -> AsyncIterator[Client]:
    """An aiocometd client over long-polling, connected and subscribed.

    `await client.receive()` gives `{"channel", "data"}`.
    """
    client = Client(
        url,
        connection_types=[ConnectionType.LONG_POLLING],
        ssl=True,  # its default None is deprecated in aiohttp
        extensions=[_Request(headers or {})],
    )
    await client.open()
    try:
        for channel in channels:
            await client.subscribe(channel)
        yield client
    finally:
        await client.close()
