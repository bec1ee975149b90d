"""Bringing connections and transports up: negotiate, the transports in their order, start; or reconnect.

Source: SignalR/SignalR 2.2.1, Core `PersistentConnection.cs`; JavaScript client of 2.4: each
transport may take `TransportConnectTimeout` to say that it is initialized, a failure of start is
no reason to try another.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from connectors._wire import http_errors
from connectors._wire.signalr import cursors
from connectors._wire.signalr.channels import (
    STANDING_SECONDS,
    Channel,
    EventStreamChannel,
    PollingChannel,
    WebSocketChannel,
    is_refusal,
)
from connectors._wire.signalr.exchange import Exchange
from connectors._wire.signalr.frames import UnreadableFrame, read_frame
from connectors._wire.signalr.negotiation import read_negotiation, worth_trying
from connectors._wire.signalr.requests import Request, Requests
from connectors._wire.signalr.session import SignalRSession
from connectors._wire.signalr.values import Arrival, Gap, Negotiated, Transport
from connectors._wire.untidy_json import NotJson, decode_untidy
from gateway.clock import Clock
from gateway.errors import AuthRejected, ConnectionFailed, NotReady, Reason

# The server ends a poll after its own time; the answer needs some to get here.
POLL_DELAY_SECONDS = 10.0
ABORT_SECONDS = 2.0

Early = list[tuple[Arrival, int]]


class Opening:
    """What the client does before frames flow, and once they no longer shall."""

    def __init__(
        self,
        exchange: Exchange,
        session: SignalRSession,
        hubs: Sequence[str],
        *,
        transports: tuple[Transport, ...],
        spin_pause_seconds: float,
        max_frame_bytes: int,
        clock: Clock,
    ) -> None:
        self._exchange = exchange
        self._session = session
        self.requests = Requests(hubs)
        self._transports = transports
        self._spin_pause_seconds = spin_pause_seconds
        self._max_frame_bytes = max_frame_bytes
        self._clock = clock

    async def open_new(self, gap: Gap | None, now: Callable[[], float]) -> tuple[Channel, Early]:
        """A new connection on the best transport that comes up, and what came before the start was confirmed."""
        negotiated = await self._negotiate()
        wanted = worth_trying(negotiated, self._transports)
        failures: list[ConnectionFailed] = []
        for transport in wanted:
            self._session.begin(negotiated, transport, now(), gap)
            try:
                channel, early = await self._connect(transport, negotiated, now)
            except AuthRejected as error:
                if error.reason is Reason.AUTH:
                    raise
                failures.append(error)
                continue
            except NotReady as error:
                failures.append(error)
                continue
            try:
                await self._start(transport, negotiated)
            except BaseException:
                await channel.close()
                raise
            return channel, early
        raise self._no_transport(wanted, failures)

    async def reopen(self) -> Channel:
        """The transport of the session's connection, going on after its cursor."""
        session = self._session
        negotiated = session.negotiated
        if negotiated is None:
            raise NotReady("there is no connection", reason=Reason.STOPPED)
        if session.transport is Transport.LONG_POLLING:
            return self._polling(None, negotiated)
        request = self.requests.reconnect(
            session.transport, session.token, session.cursor, session.groups_token
        )
        return await self._stream(session.transport, request, negotiated)

    async def ask_process(self) -> str:
        """The mark of the server process that answers now; empty if it does not tell.

        A new connection's first poll is answered at once, with a cursor that carries the mark.
        """
        negotiated = await self._negotiate()
        request = self.requests.connect(Transport.LONG_POLLING, negotiated.token)
        try:
            body = await self._exchange.fetch(request, seconds=negotiated.connect_seconds)
            position = cursors.read_cursor(read_frame(body.strip()).cursor)
        except UnreadableFrame:
            return ""
        except ConnectionFailed as error:
            if is_refusal(error) or error.reason is Reason.NOT_FOUND:
                # Long polling is switched off; whether the process is the same shows with the next frame.
                return ""
            raise
        await self.abort(Transport.LONG_POLLING, negotiated.token)
        return position.prefix if position is not None and position.counts else ""

    async def ping(self) -> None:
        """Ask nothing, with credentials."""
        await self._exchange.fetch(self.requests.ping())

    async def abort(self, transport: Transport, token: str) -> None:
        """End a connection; if that does not arrive, the server ends it by itself later."""
        try:
            await self._exchange.fetch(self.requests.abort(transport, token), seconds=ABORT_SECONDS)
        except ConnectionFailed:
            return

    async def _negotiate(self) -> Negotiated:
        return read_negotiation(
            await self._exchange.fetch(self.requests.negotiate()), self._exchange.peer
        )

    async def _connect(
        self, transport: Transport, negotiated: Negotiated, now: Callable[[], float]
    ) -> tuple[Channel, Early]:
        request = self.requests.connect(transport, negotiated.token)
        peer = self._exchange.peer
        channel: Channel | None = None
        try:
            async with asyncio.timeout(negotiated.connect_seconds):
                if transport is Transport.LONG_POLLING:
                    channel = self._polling(request, negotiated)
                else:
                    channel = await self._stream(transport, request, negotiated)
                return channel, await self._until_initialized(channel, now)
        except TimeoutError:
            await _close(channel)
            raise NotReady(
                f"{peer} does not bring {transport.value} up", reason=Reason.TIMEOUT
            ) from None
        except BaseException:
            await _close(channel)
            raise

    async def _until_initialized(self, channel: Channel, now: Callable[[], float]) -> Early:
        early: Early = []
        while True:
            payload = await channel.receive()
            if not payload:
                continue
            try:
                frame = read_frame(payload)
            except UnreadableFrame as error:
                raise NotReady(
                    f"{self._exchange.peer} begins {channel.kind.value} with something"
                    f" else than SignalR: {error}",
                    reason=Reason.PROTOCOL,
                ) from error
            taken = self._session.take(frame, now())
            if taken.arrival is not None:
                early.append((taken.arrival, len(payload)))
            if frame.initialized:
                return early

    async def _start(self, transport: Transport, negotiated: Negotiated) -> None:
        body = await self._exchange.fetch(self.requests.start(transport, negotiated.token))
        try:
            answer = decode_untidy(body)
        except NotJson:
            answer = None
        if not isinstance(answer, dict) or answer.get("Response") != "started":
            raise NotReady(
                f"{self._exchange.peer} does not confirm the start", reason=Reason.PROTOCOL
            )

    async def _stream(
        self, transport: Transport, request: Request, negotiated: Negotiated
    ) -> Channel:
        seconds = negotiated.connect_seconds
        if transport is Transport.WEB_SOCKETS:
            socket = await self._exchange.upgrade(request, seconds=seconds)
            return WebSocketChannel(socket, self._exchange)
        response = await self._exchange.stream(request, seconds=seconds)
        return EventStreamChannel(response, self._exchange, max_bytes=self._max_frame_bytes)

    def _polling(self, first: Request | None, negotiated: Negotiated) -> PollingChannel:
        session = self._session
        silence = negotiated.keep_alive_seconds or negotiated.disconnect_seconds
        return PollingChannel(
            self._exchange,
            first,
            lambda: self.requests.poll(session.token, session.cursor, session.groups_token),
            poll_seconds=negotiated.poll_seconds + POLL_DELAY_SECONDS,
            standing_seconds=min(STANDING_SECONDS, silence / 4),
            spin_pause_seconds=self._spin_pause_seconds,
            max_bytes=self._max_frame_bytes,
            clock=self._clock,
        )

    def _no_transport(
        self, wanted: Sequence[Transport], failures: Sequence[ConnectionFailed]
    ) -> ConnectionFailed:
        peer = self._exchange.peer
        if not failures:
            return NotReady(
                f"{peer} and the settings have no transport in common",
                reason=Reason.UNSUPPORTED,
                hint="compare the allowed transports with those the server offers",
            )
        if all(http_errors.is_final(failure) for failure in failures):
            return failures[-1]
        told = "; ".join(
            f"{transport.value}: {failure.message}"
            for transport, failure in zip(wanted, failures, strict=True)
        )
        return NotReady(f"no transport to {peer} comes up ({told})", reason=failures[-1].reason)


async def _close(channel: Channel | None) -> None:
    if channel is not None:
        await channel.close()
