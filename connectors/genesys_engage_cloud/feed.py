"""What the feeds of all v3 APIs have in common: a CometD session, its cookies and token, and what is kept of it.

A feed connects (with a fresh token), hands out batches as deliveries, and tends its session meanwhile:
the token is renewed ahead of its end, the session is told that it is in use. When the CometD client had
to make a new session by itself, what a session needs (subscriptions of statistics, watched objects) is
made again before the batch is handed out.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from connectors._genesys.message import Message, Origin
from connectors._wire.bayeux.http import Limits, LongPollingClient
from connectors._wire.bayeux.values import Batch, BayeuxResume
from connectors._wire.cookies import CookieStore
from connectors._wire.json_values import UNREADABLE
from connectors.genesys_engage_cloud.auth import Credentials, Tokens
from connectors.genesys_engage_cloud.client import ApiHttp
from connectors.genesys_engage_cloud.mapping import AgentPicture
from connectors.genesys_engage_cloud.mapping.provisioning import DirectoryPicture
from connectors.genesys_engage_cloud.settings import GenesysEngageCloudSettings
from gateway.contracts import ConnectorContext, Delivery, Gap, Guarantee, Link
from gateway.errors import AuthRejected, ConnectionFailed, NotReady, Reason
from gateway.events import Event, event_id, source_of

PLATFORM_NAME = "genesys_engage_cloud"
DENIED = frozenset({401, 403})


class FeedResume(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is kept of a feed with its events: the CometD session with its cookies, and the mapping's memory.

    `prepared` is the CometD session for which subscriptions or watches were made. `owed` is the key of a
    gap after which the platform was asked how things stand, if what it said is not in the memory: the
    answer is told after this state is encoded. A secret, for the cookies and the refresh token.
    """

    version: int = 1
    bayeux: BayeuxResume
    refresh_token: str | None = None
    prepared: str = ""
    owed: str = ""
    agent: AgentPicture | None = None
    directory: DirectoryPicture | None = None

    def __repr__(self) -> str:
        return f"FeedResume({self.bayeux!r}, refresh token hidden)"


_encode = msgspec.json.Encoder().encode
_decoder = msgspec.json.Decoder(FeedResume)


class ApiFeed(ABC):
    """One CometD session with one of the APIs, as `gateway.contracts.Feed` describes it."""

    def __init__(
        self,
        settings: GenesysEngageCloudSettings,
        context: ConnectorContext,
        *,
        what: str,
        agent: str,
        guarantee: Guarantee,
        root: str,
        channels: Sequence[str],
        credentials: Credentials,
        bearer_on_feed: bool,
    ) -> None:
        self.name = f"{context.name}/{what}"
        self.guarantee = guarantee
        self._settings = settings
        self._clock = context.clock
        self.origin = Origin(
            feed=self.name,
            source=source_of(context.name, PLATFORM_NAME),
            agent=agent,
            keep_payload=settings.keep_payload,
        )
        self._cookies = CookieStore()
        self._http = ApiHttp(
            context.http,
            base_url=settings.base_url,
            api_key=settings.api_key.get_secret_value(),
            cookies=self._cookies,
            clock=context.clock,
            timeout_seconds=settings.request_timeout_seconds,
            max_reply_bytes=settings.max_reply_bytes,
        )
        self._tokens = Tokens(
            credentials,
            self._http,
            context.clock,
            refresh_ahead_seconds=settings.refresh_ahead_seconds,
            who=f"account {credentials.username!r}" if credentials.username else "the client",
        )
        self._bearer_on_feed = bearer_on_feed
        self._client = LongPollingClient(
            context.http,
            f"{settings.base_url}{root}/notifications",
            subscriptions=channels,
            cookies=self._cookies,
            headers=self._headers,
            classify_http=self._classify,
            offer_ack=settings.acknowledge,
            # The vendor documents a path for each type of message, and its clients use them.
            append_type=True,
            limits=Limits(
                max_reply_bytes=settings.max_reply_bytes,
                max_buffered_messages=settings.max_buffered_messages,
            ),
            clock=context.clock,
            name=self.name,
        )
        self._connected = False
        self._prepared = ""
        self._early: list[Batch] = []
        self._unreadable: bytes | None = None
        self._last: BayeuxResume | None = None
        self._tending: asyncio.Task[None] | None = None
        self._receiving: asyncio.Task[Batch] | None = None
        self._renewed = asyncio.Event()
        self._ended: ConnectionFailed | None = None
        self._refused_topics: dict[str, str] = {}

    @property
    def connected(self) -> bool:
        """Whether it is connected now."""
        return self._connected

    async def connect(self, resume: bytes | None) -> Link:
        """Go on with the kept session or make a new one, as the contract says."""
        await self.close()
        kept = self._restore(resume)
        try:
            await self._open(kept)
            resumed = kept is not None and self._client.client_id == kept.bayeux.client_id
            await self._opened(kept, resumed=resumed)
            await self._prepare_for(self._client.client_id)
        except BaseException as error:
            # Also when cancelled: nothing is left open.
            await self._client.close()
            if isinstance(error, ConnectionFailed):
                raise self._as_lost(error) from None
            raise
        self._connected = True
        self._tending = asyncio.create_task(self._tend(), name=f"{self.name} upkeep")
        return Link(session=event_id("session", self._client.client_id)[:16], resumed=resumed)

    async def receive(self) -> Delivery:
        """The next batch, mapped. A batch stays in `_early` until it is returned, so cancelling loses nothing.

        A refresh token that can be used only once is handed over by itself, without waiting for events.
        """
        try:
            if not self._early:
                await self._next()
            if not self._early:
                return self._delivery(())
            await self._prepare_for(self._early[0].client_id)
        except ConnectionFailed as error:
            self._connected = False
            ended, self._ended = self._ended, None
            raise ended or self._as_lost(error) from None
        return self._delivery((self._early.pop(0),))

    async def _next(self) -> None:
        """Wait for a batch, or for a refresh token that must be kept."""
        if self._tokens.repeatable or self._last is None:
            self._early.append(await self._client.receive())
            return
        if self._receiving is None:
            self._receiving = asyncio.create_task(
                self._client.receive(), name=f"{self.name} receive"
            )
        renewed = asyncio.create_task(self._renewed.wait(), name=f"{self.name} token news")
        try:
            await asyncio.wait({self._receiving, renewed}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            renewed.cancel()
        if self._receiving.done():
            receiving, self._receiving = self._receiving, None
            self._early.append(receiving.result())

    async def _stop_receiving(self) -> None:
        """End the waiting of `_next`; what it has is kept."""
        receiving, self._receiving = self._receiving, None
        if receiving is None:
            return
        receiving.cancel()
        await asyncio.wait({receiving})
        if not receiving.cancelled() and receiving.exception() is None:
            self._early.append(receiving.result())

    async def _prepare_for(self, session: str) -> None:
        if session != self._prepared:
            await self._prepare()
            self._prepared = session

    async def commit(self, delivery: Delivery) -> None:
        """The delivery is durable: the platform may forget its messages with the next poll."""
        for batch in delivery.receipt:
            self._client.stored(batch)

    async def drain(self) -> Delivery | None:
        """Take what the platform holds; without acknowledgement this is what makes a planned stop lossless."""
        await self._stop_receiving()
        drained = await self._client.drain()
        batches = (*self._early, *drained)
        self._early.clear()
        return self._delivery(batches) if batches else None

    async def close(self) -> None:
        """Stop polling and tending. The sessions live on at the platform."""
        self._connected = False
        await self._stop_receiving()
        self._early.clear()
        tending, self._tending = self._tending, None
        if tending is not None and tending is not asyncio.current_task():
            tending.cancel()
            await asyncio.wait({tending})
        await self._client.close()
        if tending is not None and tending.done() and not tending.cancelled():
            tending.result()

    @abstractmethod
    async def _open(self, kept: FeedResume | None) -> None:
        """Make the CometD client connected, with a session of the API below it."""

    async def _opened(self, kept: FeedResume | None, *, resumed: bool) -> None:  # noqa: B027 - most feeds need nothing here
        """What follows before the first delivery."""

    async def _prepare(self) -> None:  # noqa: B027 - most feeds need nothing here
        """Make what a new CometD session needs. May be repeated after a failure."""

    @abstractmethod
    async def snapshot(self) -> list[Event]:
        """What the platform says now, as the events that lead there from what was told last."""

    @abstractmethod
    def _map(self, batch: Batch, received: datetime) -> list[Event]:
        """The events of a batch."""

    def _also(self, batches: tuple[Batch, ...], received: datetime, gap: Gap | None) -> list[Event]:
        """Further events of a delivery, after those of its messages."""
        del batches, received, gap
        return []

    @abstractmethod
    def _state(self, resume: FeedResume, gap: Gap | None) -> FeedResume:
        """The resume state with the memory of the mapping; `gap` is that of the delivery it belongs to."""

    @abstractmethod
    def _take_up(self, kept: FeedResume | None) -> None:
        """Begin with the kept memory of the mapping."""

    async def _keep_alive(self) -> None:  # noqa: B027 - most feeds need nothing here
        """Tell the platform that the session is in use, where it wants that."""

    def _headers(self) -> Mapping[str, str]:
        headers = self._http.key_headers()
        if self._bearer_on_feed:
            headers["Authorization"] = f"Bearer {self._tokens.current}"
        return headers

    @abstractmethod
    def _classify(
        self, status: int, headers: Mapping[str, str], body: bytes
    ) -> ConnectionFailed | None:
        """What an answer to the poll that is no Bayeux means."""

    def _as_lost(self, error: ConnectionFailed) -> ConnectionFailed:
        """The error that ends the feed, as the supervisor shall see it."""
        return error

    async def _tend(self) -> None:
        """Renew the token and keep the session alive until the feed is closed, or one of them is refused."""
        keep_alive_at = self._clock.monotonic() + self._settings.keep_alive_seconds
        this = asyncio.current_task()
        while self._tending is this:
            pause = keep_alive_at - self._clock.monotonic()
            if self._bearer_on_feed or not self._tokens.repeatable:
                pause = min(pause, self._tokens.renewal_in_seconds)
            await self._clock.sleep(max(pause, 0.0))
            try:
                if self._bearer_on_feed or not self._tokens.repeatable:
                    await self._valid_token()
                if self._clock.monotonic() >= keep_alive_at:
                    keep_alive_at = self._clock.monotonic() + self._settings.keep_alive_seconds
                    await self._keep_alive()
            except AuthRejected as error:
                await self._end(self._as_lost(error))
                return
            except ConnectionFailed:
                # The server cannot serve now; the poll notices as well, and the next turn asks again.
                continue

    async def _valid_token(self) -> None:
        fetched = self._tokens.fetched
        await self._tokens.valid()
        if self._tokens.fetched != fetched and not self._tokens.repeatable:
            self._renewed.set()

    async def _end(self, error: ConnectionFailed) -> None:
        """End the session from beside the poll: the next `receive` raises the error."""
        self._ended = error
        await self._client.close()

    def _restore(self, resume: bytes | None) -> FeedResume | None:
        """Take up the kept state. The one in memory may be ahead of the journal, so it is not used."""
        kept: FeedResume | None = None
        self._unreadable = None
        if resume is not None:
            try:
                kept = _decoder.decode(resume)
            except UNREADABLE:
                self._unreadable = resume
        self._take_up(kept)
        self._last = kept.bayeux if kept else None
        self._prepared = kept.prepared if kept else ""
        self._ended = None
        self._refused_topics.clear()
        if kept is not None:
            self._cookies.restore(kept.bayeux.cookies)
            self._tokens.restore(kept.refresh_token)
        return kept

    def _delivery(self, batches: tuple[Batch, ...]) -> Delivery:
        received = self._clock.now()
        events: list[Event] = []
        gap: Gap | None = None
        for batch in batches:
            if batch.gap is not None and gap is None:
                gap = Gap(
                    key=self._gap_key(),
                    reason=batch.gap.reason.value,
                    since=datetime.fromtimestamp(batch.gap.since, UTC) if batch.gap.since else None,
                )
            events += self._map(batch, received)
            for refusal in batch.refused:
                self._refused_topics[refusal.channel] = refusal.error
                events.append(self._report(refusal.channel, refusal.error, batch, received))
            self._last = batch.resume
        last = batches[-1].resume if batches else self._last
        assert last is not None  # noqa: S101 - without a batch there was one before, see `_next`
        self._renewed.clear()
        if self._unreadable is not None:
            gap = gap or Gap(key=event_id(self.name, self._unreadable.hex()), reason="corrupt")
            self._unreadable = None
        events += self._also(batches, received, gap)
        resume = FeedResume(
            bayeux=last,
            refresh_token=None if self._tokens.repeatable else self._tokens.refresh_token,
            prepared=self._prepared,
        )
        return Delivery(
            events=tuple(events), resume=_encode(self._state(resume, gap)), gap=gap, receipt=batches
        )

    def _report(self, topic: str, error: str, batch: Batch, received: datetime) -> Event:
        message = Message(
            self.origin,
            topic,
            {},
            session=batch.client_id,
            ordinal=f"topic {topic}",
            received=received,
        )
        message.not_understood(f"the subscription was refused: {error}")
        return message.events[0]

    def _gap_key(self) -> str:
        """The same for the same interruption, also after a crash: made of how far the feed had come."""
        last = self._last
        if last is None:
            return event_id(self.name, "gap", self._client.client_id)
        return event_id(self.name, "gap", last.client_id, last.ack, last.ordinal, last.side_ordinal)

    def facts(self) -> dict[str, Any]:
        """Facts without secrets, bounded by the number of channels."""
        return {
            "connected": self._connected,
            "acknowledge": self._client.ack_enabled,
            "last_poll": datetime.fromtimestamp(self._client.seen_at, UTC).isoformat()
            if self._client.seen_at
            else None,
            "tokens_fetched": self._tokens.fetched,
            "refused_topics": dict(self._refused_topics),
        }


def not_made(peer: str, what: str, why: str) -> NotReady:
    """The error of a session that the platform could not make."""
    return NotReady(f"{peer} could not make {what}: {why}", reason=Reason.SERVER_ERROR)
