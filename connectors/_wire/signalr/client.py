"""The SignalR client: a shell of aiohttp around `SignalRSession`, the same for all three transports.

One task reads. What it reads waits in a bounded buffer; when that is full, reading pauses, the
messages stay in the server's buffer of about a thousand per topic, and if that runs over, the cursor
tells and the next batch carries a gap. A transport that breaks is made anew on the same connection
for as long as the server keeps it.
"""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import aiohttp
import msgspec

from connectors._wire import http_errors
from connectors._wire.cookies import CookieStore
from connectors._wire.http_errors import ClassifyHttp
from connectors._wire.signalr.buffer import ArrivalBuffer
from connectors._wire.signalr.calls import Calls
from connectors._wire.signalr.channels import Channel, ChannelClosed, Payload, PollingChannel
from connectors._wire.signalr.exchange import Exchange, Headers
from connectors._wire.signalr.frames import UnreadableFrame, read_frame
from connectors._wire.signalr.line import Line
from connectors._wire.signalr.negotiation import ORDER
from connectors._wire.signalr.opening import Opening
from connectors._wire.signalr.session import SignalRSession
from connectors._wire.signalr.troubles import Troubles
from connectors._wire.signalr.values import (
    Arrival,
    Batch,
    Gap,
    Limits,
    SignalRResume,
    Transport,
)
from gateway.clock import Clock, SystemClock
from gateway.errors import AuthRejected, ConnectionFailed, NotConnected, NotReady, Reason


class SignalRClient:
    """One SignalR connection of one account.

    `open`, then `receive` and `stored` in turns, at the end `drain` and `close`; all from one task.
    `invoke` may be called from others. `http` is shared by many clients: it must have no
    connection limit (`TCPConnector(limit=0)`) and a `DummyCookieJar`.

    Args:
        base_url: where SignalR is mounted, for example `https://host/signalr`.
        hubs: the hubs to hear; what is published on others is not delivered.
        headers: asked before each request, with True after a 401; gives the headers to send.
        query: asked after `headers`: more query parameters, for servers that want a token there.
        transports: those allowed, by us and by the platform's administrator.
        identity: who we sign in as; a connection kept for another is not resumed.
        verify_process: whether to ask which server process answers before going on with a connection.
        verify_kept: asked with the connection's id each time a kept connection was brought up again, before
            anything is read: whether the server still has what was tied to it. If not, it is lost.
        tls: which certificates are trusted, if not the system's.
        count_messages: whether a cursor that runs ahead of the messages is a gap. Broadcasts that
            leave single connections out make it run ahead too.
    """

    def __init__(
        self,
        http: aiohttp.ClientSession,
        base_url: str,
        hubs: Sequence[str],
        *,
        cookies: CookieStore | None = None,
        headers: Headers | None = None,
        query: Callable[[], Mapping[str, str]] | None = None,
        classify_http: ClassifyHttp | None = None,
        transports: Sequence[Transport] = ORDER,
        identity: str = "",
        verify_process: bool = True,
        verify_kept: Callable[[str], Awaitable[bool]] | None = None,
        count_messages: bool = True,
        tls: ssl.SSLContext | bool = True,
        limits: Limits | None = None,
        clock: Clock | None = None,
        name: str = "signalr",
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._cookies = CookieStore() if cookies is None else cookies
        self._limits = limits or Limits()
        self._clock = clock or SystemClock()
        self._name = name
        self._epoch = self._clock.now().timestamp() - self._clock.monotonic()
        self._session = SignalRSession(
            base_url, hubs, identity=identity, count_messages=count_messages
        )
        self._exchange = Exchange(
            http,
            base_url,
            cookies=self._cookies,
            headers=headers,
            query=query,
            classify_http=classify_http,
            max_bytes=self._limits.max_frame_bytes,
            request_seconds=self._limits.request_seconds,
            tls=tls,
        )
        self._opening = Opening(
            self._exchange,
            self._session,
            hubs,
            transports=tuple(transports),
            spin_pause_seconds=self._limits.retry_seconds,
            max_frame_bytes=self._limits.max_frame_bytes,
            clock=self._clock,
        )
        self._calls = Calls(
            self._exchange,
            self._opening.requests,
            max_calls=self._limits.max_calls,
            call_seconds=self._limits.call_seconds,
        )
        self._buffer = ArrivalBuffer(
            max_messages=self._limits.max_buffered_messages,
            max_bytes=self._limits.max_buffered_bytes,
            max_batch_messages=self._limits.max_batch_messages,
        )
        self._line = Line(
            self._opening,
            self._session,
            peer=self._exchange.peer,
            verify_process=verify_process,
            verify_kept=verify_kept,
            retry_seconds=self._limits.retry_seconds,
            clock=self._clock,
            now=self._now,
            uniform=uniform,
        )
        self._task: asyncio.Task[None] | None = None
        self._ended: ConnectionFailed | None = None
        self._ready = asyncio.Event()
        self._progress = asyncio.Event()
        self._checkpointed_at = 0.0
        self._pinged_at = 0.0

    @property
    def connection_id(self) -> str:
        """The server's public name for the connection; empty if there is none."""
        return self._session.connection_id

    @property
    def transport(self) -> Transport | None:
        """How frames travel now; none while there is no transport."""
        return self._line.channel.kind if self._line.channel else None

    @property
    def seen_at(self) -> float:
        """When the server was last heard, in seconds since the epoch; 0 before the first time."""
        return self._session.seen_at

    @property
    def slow(self) -> bool:
        """Whether the server has been silent for two thirds of what it promised."""
        channel = self._line.channel
        watched = channel is not None and channel.watched
        return watched and self._session.is_slow(self._now())

    @property
    def duplicates(self) -> int:
        """Messages that came again under the same cursor, and were dropped."""
        return self._session.duplicates

    async def open(self, resume: SignalRResume | None = None) -> None:
        """Go on with the connection of `resume`, or make a new one and report a gap.

        The first `receive` returns at once, so that the connection is in the journal before
        anything depends on it. May be called again after an error or `close`. Cancelling it leaves
        nothing open.

        Raises:
            NotReady: the server cannot be reached, cannot serve, or none of the transports comes up.
            AuthRejected: the credentials were refused.
            ProtocolViolation: it is no classic SignalR server (`SpeaksCore`: it is an ASP.NET Core one).
        """
        await self.close()
        self._forget()
        loss = None
        if resume is not None:
            self._cookies.restore(resume.cookies)
            loss = self._session.judge(resume, self._now())
            if loss is None:
                loss = await self._line.take_up(resume)
        early: list[tuple[Arrival, int]] = []
        if resume is None or loss is not None:
            gap = Gap(loss, resume.seen_at, self._now()) if resume and loss else None
            early = await self._line.open_new(gap)
        self._checkpointed_at = self._pinged_at = self._now()
        self._keep(self._session.checkpoint() if not early else None, 0)
        for arrival, size in early:
            self._keep(arrival, size)
        self._task = asyncio.create_task(self._read(), name=f"{self._name} read")
        self._task.add_done_callback(lambda _: self._ready.set())

    async def receive(self) -> Batch:
        """Wait for messages, a gap, or a newer resume state. Cancelling it loses nothing.

        Raises:
            NotConnected, AuthRejected, ProtocolViolation: the connection cannot go on; all that had come was
                handed out before, at last a state that says if it is lost for good. Only `open` and `close` may follow.
        """
        while not self._buffer:
            if self._task is None or self._task.done():
                raise self._end_of(self._task)
            self._ready.clear()
            await self._ready.wait()
        return self._take_batch()

    def stored(self, batch: Batch) -> None:
        """`batch` is durable. The server wants no acknowledgement; the age of what is stored is measured from here."""
        self._checkpointed_at = max(self._checkpointed_at, batch.resume.seen_at)

    async def invoke(self, hub: str, method: str, args: Sequence[Any] = ()) -> Any:
        """Call a method of a hub on the server and wait for what it returns.

        Raises:
            NotConnected: there is no transport now; nothing was sent.
            CommandRefused: the server says the method failed.
            CommandUncertain: it was sent, and no answer came.
            NotReady: too many calls wait already.
            ProtocolViolation: the arguments are no JSON values.
        """
        return await self._calls.invoke(
            self._line.channel, self._session.token, hub=hub, method=method, args=args
        )

    async def drain(self) -> tuple[Batch, ...]:
        """Stop reading. Gives what had not been received yet, the last batch with the state to store.

        What is still on its way comes to whoever resumes, for the cursor is the client's. Call
        `close` afterwards.
        """
        await self._stop()
        batches = []
        if self._session.connection_id and self._ended is None:
            self._buffer.put(self._session.checkpoint(), 0)
        while self._buffer:
            batches.append(self._take_batch())
        return tuple(batches)

    async def close(self, *, end_session: bool = False) -> None:
        """Stop everything; idempotent. The server keeps the connection for a while, unless `end_session`."""
        task = self._task
        await self._stop()
        self._task = None
        if end_session and self._session.connection_id:
            await self._opening.abort(self._session.transport, self._session.token)
        if task is not None and not task.cancelled():
            task.result()

    def _forget(self) -> None:
        self._ended = None
        self._buffer.clear()
        self._line.troubles = Troubles()

    def _now(self) -> float:
        return self._epoch + self._clock.monotonic()

    def _end_of(self, task: asyncio.Task[None] | None) -> BaseException:
        if self._ended is not None:
            return self._ended
        if task is not None and not task.cancelled():
            unexpected = task.exception()
            if unexpected is not None:
                self._task = None
                return unexpected
        return NotConnected("the client is not open", reason=Reason.STOPPED)

    async def _stop(self) -> None:
        task = self._task
        if task is not None and not task.done():
            task.cancel()
            await asyncio.wait({task})
        await self._let_go()

    async def _let_go(self) -> None:
        self._calls.abandon()
        await self._line.let_go()

    async def _read(self) -> None:
        try:
            while True:
                while not self._buffer.has_room:
                    self._progress.clear()
                    await self._progress.wait()
                try:
                    await self._read_one()
                except (NotReady, AuthRejected) as error:
                    await self._let_go()
                    await self._line.recover(error)
        except ConnectionFailed as error:
            self._ended = http_errors.as_lost(error)
            if self._session.lost is not None:
                # Whoever opens next, in this process or another, must not take the connection up again.
                self._keep(self._session.checkpoint(), 0)
        finally:
            await self._let_go()

    async def _read_one(self) -> None:
        channel = self._line.channel
        if channel is None:
            raise NotReady("there is no transport", reason=Reason.RESET)
        negotiated = self._session.negotiated
        patience = negotiated.keep_alive_seconds if negotiated and channel.watched else None
        try:
            async with asyncio.timeout(patience):
                payload = await channel.receive()
        except TimeoutError:
            raise NotReady(
                f"{self._exchange.peer} has been silent for {patience} s", reason=Reason.TIMEOUT
            ) from None
        if payload:
            self._take(channel, payload)
        else:
            self._session.heard(self._now())
            self._line.troubles.heard()
        await self._do_what_is_due()

    def _take(self, channel: Channel, payload: Payload) -> None:
        try:
            frame = read_frame(payload)
        except UnreadableFrame as error:
            raise NotReady(
                f"{self._exchange.peer} sent a frame that cannot be read: {error}",
                reason=Reason.PROTOCOL,
            ) from error
        taken = self._session.take(frame, self._now())
        self._line.troubles.framed(moved=bool(frame.cursor))
        if isinstance(channel, PollingChannel):
            channel.delay_seconds = frame.poll_delay_seconds
        if taken.result is not None:
            self._calls.answered(taken.result)
        self._keep(taken.arrival, len(payload))
        if taken.reconnect:
            raise ChannelClosed(
                f"{self._exchange.peer} asks to reconnect", reason=Reason.SERVER_CLOSED
            )

    async def _do_what_is_due(self) -> None:
        now = self._now()
        if now - self._checkpointed_at >= self._limits.checkpoint_seconds:
            self._checkpointed_at = now
            self._keep(self._session.checkpoint(), 0)
        if now - self._pinged_at >= self._limits.ping_seconds:
            self._pinged_at = now
            try:
                await self._opening.ping()
            except NotReady:
                # Whether the server is there shows on the transport; only refused credentials end this.
                return

    def _keep(self, arrival: Arrival | None, size: int) -> None:
        if arrival is None:
            return
        self._buffer.put(arrival, size)
        self._checkpointed_at = self._now()
        self._ready.set()

    def _take_batch(self) -> Batch:
        """No await in here: cancelling must not come between taking and returning."""
        arrival = self._buffer.take()
        self._progress.set()
        resume = msgspec.structs.replace(arrival.resume, cookies=self._cookies.export())
        return Batch(resume.connection_id, arrival.messages, resume, arrival.gap)
