"""Calls of hub methods on the server: numbered, bounded, and each with one answer or an honest "unknown"."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from connectors._wire.http_errors import as_lost
from connectors._wire.signalr.channels import Channel, WebSocketChannel
from connectors._wire.signalr.exchange import Exchange
from connectors._wire.signalr.frames import Result, UnreadableFrame, read_frame
from connectors._wire.signalr.requests import Requests, call
from gateway.errors import (
    CommandRefused,
    CommandUncertain,
    ConnectionFailed,
    NotConnected,
    NotReady,
    Reason,
)

# The request may have arrived before it failed in one of these ways.
MAYBE_TAKEN = frozenset({Reason.TIMEOUT, Reason.RESET, Reason.SERVER_ERROR, Reason.OTHER})


class Calls:
    """The calls of one client. On a WebSocket answers come as frames, elsewhere in the answer to the POST."""

    def __init__(
        self, exchange: Exchange, requests: Requests, *, max_calls: int, call_seconds: float
    ) -> None:
        self._exchange = exchange
        self._requests = requests
        self._max_calls = max_calls
        self._call_seconds = call_seconds
        self._number = 0
        self._under_way = 0
        self._waiting: dict[str, asyncio.Future[Result]] = {}

    async def invoke(
        self, channel: Channel | None, token: str, *, hub: str, method: str, args: Sequence[Any]
    ) -> Any:
        """Call a method; see `SignalRClient.invoke`."""
        if channel is None:
            raise NotConnected("there is no transport to call on", reason=Reason.STOPPED)
        if self._under_way >= self._max_calls:
            raise NotReady("too many calls wait for their answers", reason=Reason.RATE_LIMITED)
        number = self._number
        text = call(hub, method, args, number)
        self._number += 1
        self._under_way += 1
        try:
            if isinstance(channel, WebSocketChannel):
                result: Result | None = await self._on_socket(channel, text, str(number))
            else:
                result = await self._by_post(channel, token, text)
        finally:
            self._under_way -= 1
        if result is None:
            return None
        if result.error is not None:
            raise CommandRefused(f"{hub}.{method}: {result.error}")
        return result.value

    def answered(self, result: Result) -> None:
        """An answer came on the transport; one that nobody waits for any more is dropped."""
        waiting = self._waiting.pop(result.number, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(result)

    def abandon(self) -> None:
        """The transport is gone, and with it the answers."""
        waiting, self._waiting = self._waiting, {}
        for future in waiting.values():
            if not future.done():
                future.set_exception(
                    CommandUncertain("the transport broke before the answer", reason=Reason.RESET)
                )

    async def _on_socket(self, channel: WebSocketChannel, text: str, number: str) -> Result:
        answer: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            try:
                await channel.send(text)
            except NotReady as error:
                raise as_lost(error) from error
            async with asyncio.timeout(self._call_seconds):
                return await answer
        except TimeoutError:
            raise CommandUncertain("no answer to the call", reason=Reason.TIMEOUT) from None
        finally:
            self._waiting.pop(number, None)
            if answer.done() and not answer.cancelled():
                answer.exception()

    async def _by_post(self, channel: Channel, token: str, text: str) -> Result | None:
        request = self._requests.send(channel.kind, token, text)
        try:
            body = await self._exchange.fetch(request, seconds=self._call_seconds)
        except ConnectionFailed as error:
            if error.reason in MAYBE_TAKEN:
                raise CommandUncertain(error.message, reason=error.reason) from error
            raise
        if not body.strip():
            return None
        try:
            return read_frame(body.strip()).result
        except UnreadableFrame as error:
            raise CommandUncertain(
                "the answer to the call cannot be read", reason=Reason.PROTOCOL
            ) from error
