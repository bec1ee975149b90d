"""The Bayeux client over HTTP long-polling: a thin shell of aiohttp around `BayeuxSession`.

One task polls; nothing slow stands between an answer and the next connect. Without the
acknowledge extension the next connect leaves at once and events wait in a bounded buffer; when it
is full, polling pauses until there is room (should the session expire meanwhile, that is a gap
like any other). With it the next connect waits until what came is stored, though not for so long
that the server forgets the session; when the buffer is full, events stay with the server.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence

import aiohttp
import msgspec

from connectors._wire import http_errors
from connectors._wire.bayeux import failures
from connectors._wire.bayeux.buffer import ArrivalBuffer
from connectors._wire.bayeux.composing import NETWORK_DELAY_SECONDS
from connectors._wire.bayeux.exchange import Answer, Exchange
from connectors._wire.bayeux.session import RETRY_SECONDS, BayeuxSession
from connectors._wire.bayeux.steps import Failure, Send, Stop, Wait
from connectors._wire.bayeux.values import Arrival, Batch, BayeuxResume, Event
from connectors._wire.cookies import CookieStore
from connectors._wire.http_errors import ClassifyHttp
from gateway.clock import Clock, SystemClock
from gateway.errors import AuthRejected, ConnectionFailed, NotConnected, Reason

EVICTION_SECONDS = 2.0
CONFLICT_AFTER = 3


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How much is read and kept, and how long is waited.

    `retry_seconds` is the shortest pause between attempts that fail, and between connects that acknowledge nothing new.
    `max_storing_seconds` is how long a connect waits for what came before to be stored.
    """

    max_reply_bytes: int = 4 * 1024 * 1024
    max_buffered_messages: int = 10_000
    max_buffered_bytes: int = 16 * 1024 * 1024
    max_batch_messages: int = 1_000
    network_delay_seconds: float = NETWORK_DELAY_SECONDS
    retry_seconds: float = RETRY_SECONDS
    max_storing_seconds: float = 3.0


class LongPollingClient:
    """One Bayeux session of one account.

    `open`, then `receive` and `stored` in turns, at the end `drain` and `close`; all from one
    task. `http` is shared by many clients: it must have no connection limit
    (`TCPConnector(limit=0)`, for each client holds a connection) and a `DummyCookieJar`.
    `headers` is asked before each request. `append_type` adds the type of the message to the
    URL's path, as official clients do.
    """

    def __init__(
        self,
        http: aiohttp.ClientSession,
        url: str,
        *,
        subscriptions: Sequence[str],
        cookies: CookieStore | None = None,
        headers: Callable[[], Mapping[str, str]] | None = None,
        classify_http: ClassifyHttp | None = None,
        offer_ack: bool = True,
        append_type: bool = False,
        limits: Limits | None = None,
        clock: Clock | None = None,
        name: str = "bayeux",
    ) -> None:
        self._subscriptions = tuple(subscriptions)
        self._cookies = CookieStore() if cookies is None else cookies
        self._offer_ack = offer_ack
        self._limits = limits or Limits()
        self._clock = clock or SystemClock()
        self._exchange = Exchange(
            http,
            url,
            cookies=self._cookies,
            headers=headers,
            classify_http=classify_http,
            append_type=append_type,
            max_reply_bytes=self._limits.max_reply_bytes,
            network_delay_seconds=self._limits.network_delay_seconds,
            clock=self._clock,
        )
        self._name = name
        self._epoch = self._clock.now().timestamp() - self._clock.monotonic()
        self._session = self._new_session(None)
        self._task: asyncio.Task[None] | None = None
        self._ended: ConnectionFailed | None = None
        self._buffer = ArrivalBuffer(
            max_messages=self._limits.max_buffered_messages,
            max_bytes=self._limits.max_buffered_bytes,
            max_batch_messages=self._limits.max_batch_messages,
        )
        self._ready = asyncio.Event()
        self._progress = asyncio.Event()
        self._sealed = False
        self._draining = False
        self._patient = True
        self._on_its_way: Send | None = None
        self._evictions = 0

    @property
    def client_id(self) -> str:
        """The server's name for the session; empty if there is none. It is as good as a password."""
        return self._session.client_id

    @property
    def ack_enabled(self) -> bool:
        """Whether the server keeps events until they are stored here."""
        return self._session.ack_enabled

    @property
    def seen_at(self) -> float:
        """When the server last answered a connect, in seconds since the epoch; 0 before the first."""
        return self._session.seen_at

    def waiting(self) -> Iterator[Event]:
        """The events that came and were not received yet, oldest first. They stay where they are."""
        return self._buffer.waiting()

    async def open(self, resume: BayeuxResume | None = None) -> None:
        """Handshake, subscribe and connect once; or go on with the session of `resume`, if the server still has it.

        If it has not, a new session is made and the first batch reports the gap. The first
        `receive` returns at once, so that the session is in the journal before anything depends
        on it. After a clean end without acknowledgement nothing is even sent before that first
        batch is stored: a poll that a crash leaves behind would otherwise look like a clean end.
        May be called again after an error or `close`. Cancelling it leaves nothing open.

        Raises:
            NotReady: the server cannot be reached or cannot serve.
            AuthRejected: the credentials were refused, or every subscription.
            ProtocolViolation: it is no Bayeux server that we can talk to.
            NotConnected: it refused for good.
        """
        await self.close()
        self._forget()
        self._session = self._new_session(resume)
        if resume is not None:
            self._cookies.restore(resume.cookies)
        if resume is not None and resume.clean and not resume.ack_enabled:
            self._sealed = True
            self._keep(self._session.announce(), 0)
        else:
            while not self._session.connected:
                await self._open_further()
            if self._session.ended is not None:
                raise self._session.ended
            if self._subscriptions and not self._session.subscribed:
                raise AuthRejected(
                    f"{self._exchange.peer} refused every subscription", reason=Reason.FORBIDDEN
                )
        self._task = asyncio.create_task(self._poll(), name=f"{self._name} poll")
        self._task.add_done_callback(lambda _: self._ready.set())

    async def receive(self) -> Batch:
        """Wait for events, a gap, or a new session. Cancelling it loses nothing.

        Raises:
            NotConnected, AuthRejected, ProtocolViolation: the session cannot go on; all that had come was
                handed out before. Only `open` and `close` may follow.
        """
        while not self._buffer:
            if self._task is None or self._task.done():
                raise self._end_of(self._task)
            self._ready.clear()
            await self._ready.wait()
        return self._take_batch()

    def stored(self, batch: Batch) -> None:
        """`batch` is durable: the server may forget its events. Call it in the order of the batches."""
        self._session.stored(batch.mark)
        self._sealed = False
        self._progress.set()

    async def drain(self) -> tuple[Batch, ...]:
        """Stop polling so that nothing is lost and the session stays alive on the server for another process.

        Gives what had not been received yet, the last batch with the resume state to store. That
        is `clean` unless something may have been lost on the way. Without a session left there
        may be no batch. Call `close` afterwards.
        """
        self._draining = True
        self._progress.set()
        clean = await self._stop_polling()
        batches = []
        while self._buffer:
            batches.append(self._take_batch())
        if clean:
            mark = self._session.resume_state(clean=True)
            last = self._batch_of(Arrival([], self._session.mark, mark))
            if batches and batches[-1].client_id == last.client_id:
                final = batches[-1]
                batches[-1] = msgspec.structs.replace(final, resume=last.resume, mark=last.mark)
            else:
                batches.append(last)
        return tuple(batches)

    async def close(self, *, end_session: bool = False) -> None:
        """Stop everything; idempotent. The session lives on at the server unless `end_session`."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})
        farewell = self._session.disconnect() if end_session else None
        if farewell is not None:
            # Whether it arrives is of no consequence: the server forgets the session by itself later.
            await self._exchange.post(farewell)
        if task is not None and not task.cancelled():
            task.result()

    def _new_session(self, resume: BayeuxResume | None) -> BayeuxSession:
        return BayeuxSession(
            self._subscriptions,
            offer_ack=self._offer_ack,
            resume=resume,
            network_delay_seconds=self._limits.network_delay_seconds,
            retry_seconds=self._limits.retry_seconds,
        )

    def _forget(self) -> None:
        self._ended = None
        self._buffer.clear()
        self._sealed = self._draining = False
        self._on_its_way = None
        self._evictions = 0

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

    async def _open_further(self) -> None:
        step = self._session.next_step(self._now())
        match step:
            case Stop(error):
                raise error
            case Wait(until):
                await self._clock.sleep(until - self._now())
            case Send():
                outcome = await self._exchange.post(step)
                if isinstance(outcome, Failure):
                    again = outcome.stale and self._session.failures == 0
                    self._session.failed(step, outcome, self._now())
                    if not again:
                        raise outcome.error
                    return
                self._take_answer(step, outcome)
                if self._session.trouble is not None:
                    raise self._session.trouble

    async def _poll(self) -> None:
        try:
            while not self._draining:
                await self._until_wanted()
                if not self._draining:
                    await self._go_on()
        except ConnectionFailed as error:
            self._ended = http_errors.as_lost(error)

    async def _until_wanted(self) -> None:
        while self._sealed and not self._draining:
            await self._progressed()
        if self._session.ack_enabled:
            if self._session.unstored:
                await self._until_stored()
            return
        while not self._buffer.has_room and not self._draining:
            await self._progressed()

    async def _until_stored(self) -> None:
        patience = max(
            self._limits.retry_seconds,
            min(
                self._limits.max_storing_seconds,
                self._session.advice.max_interval_seconds / 3,
            ),
        )
        self._patient = True
        # Nothing has to be cancelled, so a timer is enough; a timeout would cost each poll more.
        timer = asyncio.get_running_loop().call_later(patience, self._lose_patience)
        try:
            while self._session.unstored and self._patient and not self._draining:
                await self._progressed()
        finally:
            timer.cancel()

    def _lose_patience(self) -> None:
        self._patient = False
        self._progress.set()

    async def _progressed(self) -> None:
        self._progress.clear()
        await self._progress.wait()

    async def _go_on(self) -> None:
        step = self._session.next_step(self._now())
        match step:
            case Stop(error):
                raise error
            case Wait(until):
                await self._clock.sleep(until - self._now())
            case Send():
                self._on_its_way = step
                outcome = await self._exchange.post(step)
                self._on_its_way = None
                self._take(step, outcome)

    def _take(self, step: Send, outcome: Answer | Failure) -> None:
        if isinstance(outcome, Answer):
            self._evictions = 0
            self._take_answer(step, outcome)
        else:
            evicted = outcome.status == failures.DUPLICATE_CONNECT and step.held
            if evicted and self._draining:
                return
            self._session.failed(step, outcome, self._now())
            if http_errors.is_final(outcome.error):
                raise outcome.error
            self._evictions = self._evictions + 1 if evicted else 0
            if self._evictions >= CONFLICT_AFTER:
                raise NotConnected(
                    f"{self._exchange.peer} answers every connect with HTTP 500",
                    reason=Reason.CONFLICT,
                    hint="another process may be using this session",
                )
        if self._session.expired(self._now()):
            raise self._session.trouble or NotConnected(
                "the session expired", reason=Reason.SESSION_LOST
            )

    def _take_answer(self, step: Send, answer: Answer) -> None:
        arrival = self._session.received(
            step, answer.messages, self._now(), accept=self._buffer.has_room
        )
        if arrival is not None:
            self._keep(arrival, answer.size)

    def _keep(self, arrival: Arrival, size: int) -> None:
        self._buffer.put(arrival, size)
        self._ready.set()

    def _take_batch(self) -> Batch:
        """No await in here: cancelling must not come between taking and returning."""
        arrival = self._buffer.take()
        if not self._session.ack_enabled:
            # With acknowledgements polling waits for what is stored, not for room.
            self._progress.set()
        return self._batch_of(arrival)

    def _batch_of(self, arrival: Arrival) -> Batch:
        return Batch(
            client_id=arrival.mark.client_id,
            messages=arrival.events,
            resume=msgspec.structs.replace(arrival.resume, cookies=self._cookies.export()),
            mark=arrival.mark,
            gap=arrival.gap,
            refused=arrival.refused,
        )

    async def _stop_polling(self) -> bool:
        """End the poll task; whether the session is left whole."""
        task = self._task
        if task is None or task.done():
            return False
        step = self._on_its_way
        if step is None or self._session.ack_enabled:
            # With acknowledgement, events written to a connect that is broken off are re-sent. The server does not
            # notice that it is, and a connect which it believes to hold keeps the session.
            task.cancel()
            await asyncio.wait({task})
        elif step.held:
            await self._end_held_connect(task)
        else:
            await asyncio.wait({task})
        return self._ended is None and self._session.untroubled

    async def _end_held_connect(self, task: asyncio.Task[None]) -> None:
        """A second connect, not held, makes the server end the first; what they bring is taken as it comes."""
        second = self._session.connect(hold=False)
        outcome = await self._exchange.post(second)
        try:
            self._take(second, outcome)
        except ConnectionFailed as error:
            self._ended = http_errors.as_lost(error)
        done, _ = await asyncio.wait(
            {task}, timeout=min(EVICTION_SECONDS, self._limits.network_delay_seconds)
        )
        if not done:
            task.cancel()
            await asyncio.wait({task})
            self._session.suspect(Reason.STOPPED, self._now())
