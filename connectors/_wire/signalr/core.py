"""ASP.NET Core SignalR over WebSocket, carried by the library `signalrcore`, behind the face of `SignalRClient`.

This protocol replays nothing: each `open` is a new connection, and if there was one before, the
first batch reports a gap. We negotiate ourselves, with deadlines and a renewal of credentials, and
supervise: the library's own reconnecting stays off, each attempt gets a new object of it, silence
and pings are watched here. Its reader is a thread; what that reads crosses into the loop one frame
at a time, and the thread waits while the buffer is full, so that TCP holds the server back. What is
known of the library stands in `core_library`. Source: dotnet/aspnetcore, `src/SignalR/docs/specs`.
"""

from __future__ import annotations

import asyncio
import itertools
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import aiohttp
import msgspec

from connectors._wire.cookies import CookieStore
from connectors._wire.http_errors import ClassifyHttp
from connectors._wire.signalr.buffer import ArrivalBuffer
from connectors._wire.signalr.core_library import LibraryHub
from connectors._wire.signalr.core_negotiation import read_core_negotiation
from connectors._wire.signalr.exchange import Exchange, Headers
from connectors._wire.signalr.requests import Request
from connectors._wire.signalr.values import (
    Arrival,
    Batch,
    Gap,
    Invocation,
    Limits,
    Loss,
    Negotiated,
    SignalRResume,
    Transport,
)
from gateway.clock import Clock, SystemClock
from gateway.errors import (
    CommandRefused,
    CommandUncertain,
    ConnectionFailed,
    NotConnected,
    NotReady,
    ProtocolViolation,
    Reason,
)

PING_SECONDS = 15.0
SILENCE_SECONDS = 30.0


class CoreClient:
    """One connection at a time to one hub; use it like `SignalRClient`. `url` is the hub's own."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        url: str,
        hub: str,
        *,
        cookies: CookieStore | None = None,
        headers: Headers | None = None,
        query: Callable[[], Mapping[str, str]] | None = None,
        classify_http: ClassifyHttp | None = None,
        identity: str = "",
        tls: ssl.SSLContext | bool = True,
        limits: Limits | None = None,
        clock: Clock | None = None,
        name: str = "signalr",
    ) -> None:
        self._url = url.rstrip("/")
        self._hub_name = hub
        self._cookies = CookieStore() if cookies is None else cookies
        self._headers = headers
        self._query = query
        self._identity = identity
        self._tls = tls
        self._limits = limits or Limits()
        self._clock = clock or SystemClock()
        self._name = name
        self._epoch = self._clock.now().timestamp() - self._clock.monotonic()
        self._exchange = Exchange(
            http,
            url,
            cookies=self._cookies,
            headers=headers,
            query=query,
            classify_http=classify_http,
            max_bytes=self._limits.max_frame_bytes,
            request_seconds=self._limits.request_seconds,
            tls=tls,
        )
        self._buffer = ArrivalBuffer(
            max_messages=self._limits.max_buffered_messages,
            max_bytes=self._limits.max_buffered_bytes,
            max_batch_messages=self._limits.max_batch_messages,
        )
        self._hub: LibraryHub | None = None
        self._opened = asyncio.Event()
        self._ready = asyncio.Event()
        self._progress = asyncio.Event()
        self._watching: asyncio.Task[None] | None = None
        self._ended: ConnectionFailed | None = None
        self._connection_id = ""
        self._ordinal = 0
        self._seen_at = 0.0
        self._calls: dict[str, asyncio.Future[Any]] = {}
        self._numbers = itertools.count()

    @property
    def connection_id(self) -> str:
        """The server's public name for the connection; empty if there is none."""
        return self._connection_id

    @property
    def transport(self) -> Transport | None:
        """WebSocket, or none while there is no connection."""
        return Transport.WEB_SOCKETS if self._hub is not None else None

    @property
    def seen_at(self) -> float:
        """When the server was last heard, in seconds since the epoch; 0 before the first time."""
        return self._seen_at

    async def open(self, resume: SignalRResume | None = None) -> None:
        """Make a new connection; with `resume`, the first batch says what may have been lost since.

        Raises:
            NotReady: the server cannot be reached or cannot serve.
            AuthRejected: the credentials were refused.
            ProtocolViolation: it is no ASP.NET Core SignalR server that we can talk to.
            ConfigError: the library is not installed.
        """
        await self.close()
        self._buffer.clear()
        self._ended = None
        self._opened.clear()
        body = await self._exchange.fetch(Request("negotiate", {"negotiateVersion": "1"}, form={}))
        offer = read_core_negotiation(body, self._exchange.peer)
        query = {"id": offer.token, **(self._query() if self._query else {})}
        hub = self._hub = LibraryHub(
            self._url,
            query,
            await self._socket_headers(),
            tls=self._tls,
            max_bytes=self._limits.max_frame_bytes,
            name=self._name,
            admit=self._admit,
            opened=self._opened.set,
            closed=self._closed,
        )
        try:
            async with asyncio.timeout(self._limits.request_seconds):
                await hub.start()
                await self._opened.wait()
        except TimeoutError:
            await self._let_go()
            raise NotReady(
                f"{self._exchange.peer} does not complete the handshake", reason=Reason.TIMEOUT
            ) from None
        except Exception as error:
            await self._let_go()
            if isinstance(error, ConnectionFailed):
                raise
            # The library raises whatever its sockets raise; what it says may hold the token.
            raise NotReady(
                f"{self._exchange.peer} does not take a WebSocket: {type(error).__name__}",
                reason=Reason.RESET,
            ) from None
        except BaseException:
            await self._let_go()
            raise
        self._connection_id = offer.connection_id
        self._ordinal = 0
        self._seen_at = self._now()
        gap = Gap(Loss.SESSION_LOST, resume.seen_at, self._seen_at) if resume else None
        self._keep(Arrival([], self._resume_state(), gap), 0)
        self._watching = asyncio.create_task(self._watch(), name=f"{self._name} watch")

    async def receive(self) -> Batch:
        """Wait for messages, a gap, or a newer state. Cancelling it loses nothing.

        Raises:
            NotConnected, ProtocolViolation: the connection is gone; all that had come was handed out before.
        """
        while not self._buffer:
            if self._ended is not None:
                raise self._ended
            if self._hub is None:
                raise NotConnected("the client is not open", reason=Reason.STOPPED)
            self._ready.clear()
            await self._ready.wait()
        return self._take_batch()

    def stored(self, batch: Batch) -> None:
        """`batch` is durable; the server wants no acknowledgement."""

    async def invoke(self, hub: str, method: str, args: Sequence[Any] = ()) -> Any:
        """Call a method of the hub; errors as of `SignalRClient.invoke`."""
        if self._hub is None or self._ended is not None:
            raise NotConnected("there is no transport to call on", reason=Reason.STOPPED)
        if len(self._calls) >= self._limits.max_calls:
            raise NotReady("too many calls wait for their answers", reason=Reason.RATE_LIMITED)
        try:
            plain = msgspec.to_builtins(list(args))
        except (TypeError, ValueError) as error:
            raise ProtocolViolation(
                f"the arguments of {hub}.{method} are no JSON values", reason=Reason.INVALID
            ) from error
        number = str(next(self._numbers))
        answer = self._calls[number] = asyncio.get_running_loop().create_future()
        try:
            await self._send(lambda hub: hub.call(number, method, plain))
            async with asyncio.timeout(self._limits.call_seconds):
                return await answer
        except TimeoutError:
            raise CommandUncertain("no answer to the call", reason=Reason.TIMEOUT) from None
        finally:
            self._calls.pop(number, None)
            if answer.done() and not answer.cancelled():
                answer.exception()

    async def drain(self) -> tuple[Batch, ...]:
        """Stop, and give what had not been received yet. What is published from now on is lost."""
        whole = self._hub is not None and self._ended is None
        await self._stop()
        if whole:
            self._buffer.put(Arrival([], self._resume_state()), 0)
        batches = []
        while self._buffer:
            batches.append(self._take_batch())
        return tuple(batches)

    async def close(self, *, end_session: bool = False) -> None:
        """Stop everything; idempotent. This server's connection ends with it in any case."""
        del end_session
        await self._stop()

    def _now(self) -> float:
        return self._epoch + self._clock.monotonic()

    def _resume_state(self) -> SignalRResume:
        return SignalRResume(
            base_url=self._url,
            hubs=(self._hub_name,),
            identity=self._identity,
            negotiated=Negotiated(connection_id=self._connection_id, token=""),
            transport=Transport.WEB_SOCKETS,
            ordinal=self._ordinal,
            seen_at=self._seen_at,
        )

    async def _socket_headers(self) -> dict[str, str]:
        headers = dict(await self._headers(False)) if self._headers else {}
        cookie = self._cookies.header_for(self._url)
        return headers | ({"Cookie": cookie} if cookie else {})

    async def _admit(self, hub: LibraryHub, messages: list[Any]) -> None:
        if hub is not self._hub or self._ended is not None:
            return
        self._seen_at = self._now()
        invocations: list[Invocation] = []
        for message in messages:
            match message.type.name:
                case "invocation":
                    self._ordinal += 1
                    args = message.arguments if isinstance(message.arguments, list) else []
                    key = f"#{self._ordinal}"
                    index = len(invocations)
                    invocations.append(
                        Invocation(self._hub_name, str(message.target), args, "", index, key)
                    )
                case "completion":
                    self._answer(message)
                case "close":
                    self._lose(hub, "ended the connection")
        if invocations:
            size = sum(len(msgspec.json.encode(item.args)) for item in invocations)
            self._keep(Arrival(invocations, self._resume_state()), size)
        while not self._buffer.has_room and hub is self._hub:
            self._progress.clear()
            await self._progress.wait()

    def _answer(self, message: Any) -> None:
        answer = self._calls.get(str(message.invocation_id))
        if answer is None or answer.done():
            return
        if message.error:
            answer.set_exception(CommandRefused(str(message.error)[:300]))
        else:
            answer.set_result(message.result)

    def _closed(self, hub: LibraryHub) -> None:
        if hub.too_large:
            limit = self._limits.max_frame_bytes
            self._lose(hub, f"sends more than {limit} bytes in one message", Reason.TOO_LARGE)
        else:
            self._lose(hub, "closed the connection")

    def _lose(self, hub: LibraryHub, what: str, reason: Reason = Reason.SERVER_CLOSED) -> None:
        if hub is not self._hub or self._ended is not None:
            return
        self._ended = NotConnected(f"{self._exchange.peer} {what}", reason=reason)
        self._abandon_calls()
        self._ready.set()

    def _abandon_calls(self) -> None:
        for answer in self._calls.values():
            if not answer.done():
                answer.set_exception(
                    CommandUncertain("the transport broke before the answer", reason=Reason.RESET)
                )

    async def _watch(self) -> None:
        """Ping, notice silence, renew the state that is stored."""
        hub = self._hub
        if hub is None:
            return
        step = min(PING_SECONDS, SILENCE_SECONDS / 6, self._limits.checkpoint_seconds)
        pinged_at = checkpointed_at = self._now()
        while self._ended is None:
            await self._clock.sleep(step)
            now = self._now()
            if now - checkpointed_at >= self._limits.checkpoint_seconds:
                checkpointed_at = now
                self._keep(Arrival([], self._resume_state()), 0)
            if self._buffer.has_room and now - self._seen_at > SILENCE_SECONDS:
                self._lose(hub, f"has been silent for {SILENCE_SECONDS} s", Reason.TIMEOUT)
            elif now - pinged_at >= PING_SECONDS:
                pinged_at = now
                with suppress(NotConnected):  # noticed by the reader as well
                    await self._send(LibraryHub.ping)

    async def _send(self, send: Callable[[LibraryHub], Awaitable[None]]) -> None:
        hub = self._hub
        if hub is None:
            raise NotConnected("the client is not open", reason=Reason.STOPPED)
        try:
            await send(hub)
        except Exception as error:  # noqa: BLE001 - whatever the library's sockets raise
            raise NotConnected(
                f"{self._exchange.peer} takes nothing: {type(error).__name__}",
                reason=Reason.RESET,
            ) from None

    def _keep(self, arrival: Arrival, size: int) -> None:
        self._buffer.put(arrival, size)
        self._ready.set()

    def _take_batch(self) -> Batch:
        arrival = self._buffer.take()
        self._progress.set()
        resume = msgspec.structs.replace(arrival.resume, cookies=self._cookies.export())
        return Batch(resume.connection_id, arrival.messages, resume, arrival.gap)

    async def _stop(self) -> None:
        watching, self._watching = self._watching, None
        if watching is not None:
            watching.cancel()
            await asyncio.wait({watching})
        await self._let_go()
        if watching is not None and not watching.cancelled():
            watching.result()

    async def _let_go(self) -> None:
        hub, self._hub = self._hub, None
        self._abandon_calls()
        # The reader may wait for room: with no hub it goes on, and ends.
        self._progress.set()
        self._ready.set()
        if hub is not None:
            await hub.close(self._limits.request_seconds)
