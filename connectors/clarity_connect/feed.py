"""The feed: a SignalR connection, the subscriptions that belong to it, and the mapper behind them.

The order of a fresh start: sign in, ask which server and which transports, connect, subscribe, and only
then ask how things stand, so that nothing falls between the question and the feed. Subscriptions end
with their connection: a new connection id means to subscribe anew. A server that has ended a connection takes
it back all the same, without them and without a word: so it is asked for them before a connection is gone on with.
Source: Clarity Connect Web API Version 2, "Subscription", "Info", "Specific Server".
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Collection, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
import structlog

from connectors._wire.json_values import UNREADABLE
from connectors._wire.signalr.client import SignalRClient
from connectors._wire.signalr.values import Batch, Loss, SignalRResume
from connectors.clarity_connect.auth import Tokens
from connectors.clarity_connect.client import Api
from connectors.clarity_connect.directory import Directory
from connectors.clarity_connect.keeping import Keeping
from connectors.clarity_connect.mapping import Mapper, Origin, State
from connectors.clarity_connect.opener import Client, Opener, guarantee_of
from connectors.clarity_connect.settings import ClarityConnectSettings
from connectors.clarity_connect.site import Site
from connectors.clarity_connect.subscribing import Made, Reading, Subscriber
from connectors.clarity_connect.trust import trust_of
from gateway.contracts import ConnectorContext, Delivery, Gap, Guarantee, Link
from gateway.errors import (
    CommandUncertain,
    ConnectionFailed,
    NotReady,
    ProtocolViolation,
    Reason,
)
from gateway.events import Event, event_id, source_of

PLATFORM_NAME = "clarity_connect"
KEPT_SERVER_SECONDS = 60.0
"""For so long a restart goes back to the server it was on; later the load balancer is asked again."""


class FeedResume(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of the feed with its events. A secret: it holds the connection token.

    `owed` is the key of a gap after which the platform was asked how things stand, if what it said is
    not in the state yet.
    """

    version: int = 1
    signalr: SignalRResume
    state: State
    server: str = ""
    made: dict[str, Made] = msgspec.field(default_factory=dict)
    owed: str = ""


_log = structlog.get_logger("tieline")
_encode = msgspec.json.Encoder().encode
_decoder = msgspec.json.Decoder(FeedResume)


class ClarityFeed:
    """The one feed of a connector, as `gateway.contracts.Feed` describes it."""

    def __init__(self, settings: ClarityConnectSettings, context: ConnectorContext) -> None:
        self.name = f"{context.name}/signalr"
        self._guarantee = Guarantee.RESUMABLE
        self._settings = settings
        self._clock = context.clock
        tls = trust_of(settings)
        self.tokens = Tokens(context.http, settings, context.clock, tls=tls)
        self.api = Api(context.http, settings, self.tokens, tls=tls)
        self.directory = Directory(self.api)
        self._site = Site(settings, self.api, self.directory)
        self._subscriber = Subscriber(settings, self.api, self.directory, context.clock)
        self._opener = Opener(
            settings,
            context,
            self.tokens,
            verify_kept=self._subscriber.are_kept,
            tls=tls,
            name=self.name,
        )
        self._origin = Origin(
            feed=self.name,
            source=source_of(context.name, PLATFORM_NAME),
            keep_payload=settings.keep_payload,
        )
        self._mapper = Mapper(self._origin, settings.methods)
        self._client: Client | None = None
        self._connected = False
        self._stored: SignalRResume | None = None
        self._keeping = Keeping()
        self._owed = ""
        self._unreadable: bytes | None = None
        self._reading: Reading | None = None
        self._restate = False
        self._duplicates = 0
        self._following: asyncio.Task[None] | None = None
        self._not_followed = ""

    @property
    def guarantee(self) -> Guarantee:
        """What the feed promises: less where the server turned out to speak ASP.NET Core SignalR."""
        return self._guarantee

    @property
    def connected(self) -> bool:
        """Whether the feed is up."""
        return self._connected

    @property
    def state(self) -> State:
        """What was told so far."""
        return self._mapper.state

    async def connect(self, resume: bytes | None) -> Link:
        """Sign in, then go on with the kept connection or open a new one, as the contract says."""
        await self.close()
        kept = self._restore(resume)
        await self.tokens.headers()
        try:
            await self._site.choose_server(self._kept_server(kept))
            transports = await self._site.transports()
            client = self._client = await self._opener.open(
                kept.signalr if kept else None, self._site.addresses(), transports
            )
            self._guarantee = guarantee_of(client)
            resumed = kept is not None and client.connection_id == kept.signalr.connection_id
            if not resumed:
                self._subscriber.made.clear()
            await self._subscriber.subscribe(client.connection_id)
            if kept is None or kept.owed:
                self._reading = await self._subscriber.read(self._mapper.state.sessions)
        except CommandUncertain as error:
            await self.close()
            raise NotReady(error.message, reason=error.reason) from error
        except BaseException:
            # Also when cancelled: nothing is left open.
            await self.close()
            raise
        self._connected = True
        if self._settings.structure_seconds:
            self._following = asyncio.create_task(
                self._follow(client.connection_id), name=f"{self.name} structure"
            )
        if self._settings.client_logs and not resumed:
            await self._write_log()
        return Link(session=event_id("session", client.connection_id)[:16], resumed=resumed)

    async def receive(self) -> Delivery:
        """The next batch, mapped. Between taking it and returning there is no await, so cancelling loses nothing."""
        if self._following is not None and self._following.done():
            self._following.result()
        try:
            batch = await self._required().receive()
        except ConnectionFailed:
            self._connected = False
            raise
        return self._delivery((batch,), last=False)

    async def commit(self, delivery: Delivery) -> None:
        """The delivery is durable. The platform wants no acknowledgement; the age of what is kept is measured."""
        client = self._client
        if client is not None and delivery.resume is not None:
            client.stored(delivery.receipt)

    async def drain(self) -> Delivery | None:
        """Take what was read already; what is on its way comes to whoever resumes."""
        batches = await self._required().drain()
        return self._delivery(batches, last=True) if batches else None

    async def close(self) -> None:
        """Let go of the connection; the platform keeps it for a while."""
        self._connected = False
        following, self._following = self._following, None
        if following is not None:
            following.cancel()
            await asyncio.wait({following})
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def snapshot(self) -> list[Event]:
        """What the platform says now, as the events that lead there from what was told last."""
        return await self._compare(self._read())

    async def snapshot_of(self, subjects: Collection[str]) -> list[Event]:
        """The same of some agents, calls and interactions only, unless more is to be made good."""
        if self._owed or self._restate:
            return await self.snapshot()
        named: dict[str, list[str]] = {}
        for subject in sorted(subjects):
            kind, _, name = subject.partition("/")
            named.setdefault(kind, []).append(name)
        sessions = [*named.get("call", ()), *named.get("interaction", ())]
        return await self._compare(self._subscriber.read_some(named.get("agent", ()), sessions))

    async def _read(self) -> Reading:
        if self._restate:
            self._restate = False
            await self._subscriber.ask_again(self._required().connection_id)
        return await self._subscriber.read(self._mapper.state.sessions)

    async def _compare(self, asked: Awaitable[Reading]) -> list[Event]:
        try:
            reading = await asked
        except CommandUncertain as error:
            raise NotReady(error.message, reason=error.reason) from error
        # From here on the state has it; if the process ends before a delivery that says so, it is asked again.
        self._keeping.owe()
        owed, self._owed = self._owed, ""
        now = self._clock.now()
        occasion = f"gap {owed}" if owed else f"comparison {now.isoformat()}"
        return self._adopt(reading, occasion, now, reconciled=True)

    def diagnostics(self) -> Mapping[str, Any]:
        """Facts without secrets, bounded by the number of subscriptions and of methods that were seen."""
        client, state = self._client, self._mapper.state
        seen = client.seen_at if client else 0.0
        return {
            "connected": self._connected,
            "server": self.api.peer,
            "transport": client.transport.value if client and client.transport else None,
            "transports_offered": list(self._site.offered),
            "slow": isinstance(client, SignalRClient) and client.slow,
            "last_heard": datetime.fromtimestamp(seen, UTC).isoformat() if seen else None,
            "duplicates": self._duplicates
            + self._mapper.duplicates
            + (client.duplicates if isinstance(client, SignalRClient) else 0),
            "tokens": self.tokens.renewals,
            "subscriptions": sorted({made.name for made in self._subscriber.made.values()}),
            "refused_subscriptions": dict(self._subscriber.refused),
            "structure_not_read": self._not_followed or None,
            "unmapped_methods": dict(self._mapper.sightings.counts),
            "agents": len(state.agents),
            "sessions": len(state.sessions),
            "alerts": len(state.alerts),
        }

    def _restore(self, resume: bytes | None) -> FeedResume | None:
        """Take up the kept state. The one in memory may be ahead of the journal, so it is not used."""
        kept: FeedResume | None = None
        self._unreadable = None
        if resume is not None:
            try:
                kept = _decoder.decode(resume)
            except UNREADABLE:
                self._unreadable = resume
        sightings = self._mapper.sightings
        self._duplicates += self._mapper.duplicates
        self._mapper = Mapper(self._origin, self._settings.methods, kept.state if kept else None)
        self._mapper.sightings = sightings
        self._stored = kept.signalr if kept else None
        self._keeping.owe()
        self._owed = kept.owed if kept else ""
        self._subscriber.restore(dict(kept.made) if kept else {})
        self._reading = None
        self._restate = False
        return kept

    def _kept_server(self, kept: FeedResume | None) -> str:
        """The server the connection was on, as long as it may still have it."""
        if kept is None:
            return ""
        away = self._clock.now().timestamp() - kept.signalr.seen_at
        return kept.server if away < KEPT_SERVER_SECONDS else ""

    async def _follow(self, connection: str) -> None:
        """See now and then which agents and queues there are. That it fails ends no feed: it is tried again."""
        while True:
            await self._clock.sleep(self._settings.structure_seconds)
            try:
                changed = await self._subscriber.follow(connection)
            except (ConnectionFailed, CommandUncertain) as error:
                self._not_followed = error.message
                continue
            self._not_followed = ""
            if changed:
                self._keeping.owe()

    def _adopt(
        self, reading: Reading, occasion: str, received: datetime, *, reconciled: bool
    ) -> list[Event]:
        mapper = self._mapper
        events: list[Event] = []
        for session, told in reading.sessions.items():
            events += mapper.adopt_session(
                session, told, occasion=occasion, received=received, reconciled=reconciled
            )
        events += mapper.adopt(
            reading.agents, occasion=occasion, received=received, reconciled=reconciled
        )
        return events

    async def _write_log(self) -> None:
        """A line in the platform's log is a courtesy: that it fails is no fault of the feed."""
        try:
            await self.directory.write_log("Tieline connected", component="api")
        except (ConnectionFailed, CommandUncertain):
            return

    def _required(self) -> Client:
        if self._client is None:
            raise ProtocolViolation("the feed is not connected", reason=Reason.STOPPED)
        return self._client

    def _delivery(self, batches: tuple[Batch, ...], *, last: bool) -> Delivery:
        received = self._clock.now()
        events: list[Event] = []
        gap: Gap | None = None
        for batch in batches:
            if batch.gap is not None:
                self._restate = self._restate or batch.gap.reason is Loss.BUFFER_FULL
                gap = gap or Gap(
                    key=self._gap_key(),
                    reason=batch.gap.reason.value,
                    since=datetime.fromtimestamp(batch.gap.since, UTC) if batch.gap.since else None,
                    unrecovered=batch.gap.missing,
                )
            for message in batch.messages:
                events += self._mapper.map(
                    message.hub,
                    message.method,
                    message.args,
                    connection=batch.connection_id,
                    key=message.key,
                    received=received,
                    subscriptions=self._subscriber.names,
                )
        self._log_sightings()
        newest = batches[-1]
        if self._subscriber.untold:
            self._keeping.owe()
        for name, why in self._subscriber.untold.items():
            place = (newest.connection_id, f"subscription {name}")
            said = f"the subscription was refused: {why}"
            events.append(self._mapper.report(name, said, place=place, received=received))
        self._subscriber.untold.clear()
        if self._unreadable is not None:
            gap = gap or Gap(key=event_id(self.name, self._unreadable.hex()), reason="corrupt")
            self._unreadable = None
        if self._reading is not None and not (self._owed and gap):
            owed, self._owed = self._owed, ""
            occasion = f"gap {owed}" if owed else f"start {newest.connection_id}"
            events += self._adopt(self._reading, occasion, received, reconciled=bool(owed))
        self._reading = None
        if gap is not None:
            # A gap before the last one is made good is one with it: nothing is told under two ids.
            self._owed = self._owed or gap.key
        if last or gap is not None or not all(map(_is_replayed, batches)):
            self._keeping.owe()
        resume = self._resume_state(newest.resume, sum(len(batch.messages) for batch in batches))
        return Delivery(events=tuple(events), resume=resume, gap=gap, receipt=newest)

    def _resume_state(self, signalr: SignalRResume, messages: int) -> bytes | None:
        """What another process needs to go on behind so many further messages; none while what is stored will do."""
        now = self._clock.monotonic()
        if not self._keeping.is_due(messages, now):
            return None
        kept = FeedResume(
            signalr=signalr,
            state=self._mapper.state,
            server=self.api.root,
            made=self._subscriber.made,
            owed=self._owed,
        )
        encoded = _encode(kept)
        self._keeping.written(len(encoded), now)
        self._stored = signalr
        return encoded

    def _log_sightings(self) -> None:
        """Names that only the traffic tells: the operator maps them, or leaves them as vendor messages."""
        untold = self._mapper.sightings.untold
        for name in untold:
            _log.warning(
                "first sight of a client method",
                feed=self.name,
                method=name,
                hint="name it in methods, or leave it: its calls are kept as vendor.message",
            )
        untold.clear()

    def _gap_key(self) -> str:
        """The same for the same interruption, also after a crash: made of how far the stored state had come."""
        kept = self._stored
        if kept is None:
            return event_id(self.name, "gap", self._required().connection_id)
        return event_id(self.name, "gap", kept.connection_id, kept.cursor, kept.ordinal, kept.epoch)


def _is_replayed(batch: Batch) -> bool:
    """Whether a process that goes on from an older state gets the same messages under the same keys.

    A key without a cursor counts on from the stored state, and a connection that is lost must be known as such.
    """
    resume = batch.resume
    counted = resume.negotiated.token and any(one.key.startswith("#") for one in batch.messages)
    return not counted and resume.lost is None
