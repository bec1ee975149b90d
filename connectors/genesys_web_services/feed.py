"""One agent's feed: an HTTP session, a CometD session, and the mapper between them and the gateway.

The order of a fresh start: sign in, open the CometD session, start the contact-centre session if
that is wanted, and only then ask how things stand: so nothing falls between the question and the
feed. When the HTTP session runs out under a running feed, it is renewed beside the poll, which then
goes on in the same CometD session.
Source: Genesys Web Services API reference, "Presence"; CometD documentation for what a session
survives.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import chain
from typing import Any

import msgspec

from connectors._wire.bayeux.http import Limits, LongPollingClient
from connectors._wire.bayeux.values import Batch, BayeuxResume
from connectors._wire.cookies import CookieStore
from connectors._wire.json_values import UNREADABLE
from connectors.genesys_web_services import commands, sending
from connectors.genesys_web_services.client import AgentHttp
from connectors.genesys_web_services.commands import Login, Situation
from connectors.genesys_web_services.directory import Directory
from connectors.genesys_web_services.mapping import AgentPicture, Mapper, Origin
from connectors.genesys_web_services.reading import everything
from connectors.genesys_web_services.renewing import Renewal
from connectors.genesys_web_services.settings import Account, GenesysWebServicesSettings
from connectors.genesys_web_services.vendor import OPTIONAL_TOPICS, SERVICES_TOPIC
from connectors.genesys_web_services.watching import WorkbinWatch
from gateway.commands import Command, Expectation, Outcome, Status, Verb
from gateway.contracts import ConnectorContext, Delivery, Gap, Guarantee, Link
from gateway.errors import (
    CommandUncertain,
    ConnectionFailed,
    NotConnected,
    NotReady,
)
from gateway.events import Event, event_id, source_of

PLATFORM_NAME = "genesys_web_services"
NOTIFICATIONS = "/api/v2/notifications"
_WITH_PHONE = frozenset(
    {
        Verb.CALL_DIAL,
        Verb.AGENT_FORWARD,
        Verb.AGENT_CANCEL_FORWARD,
        Verb.AGENT_SET_DO_NOT_DISTURB,
    }
)


class FeedResume(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of a feed with its events: the CometD session with its cookies, and the agent's picture.

    `owed` is the key of a gap after which the platform was asked how things stand, if what it said is
    not in the picture: the answer is told after this state is encoded.
    """

    version: int = 1
    bayeux: BayeuxResume
    picture: AgentPicture
    owed: str = ""


_encode = msgspec.json.Encoder().encode
_decoder = msgspec.json.Decoder(FeedResume)


class AgentFeed:
    """The feed of one agent account, as `gateway.contracts.Feed` describes it."""

    def __init__(
        self,
        settings: GenesysWebServicesSettings,
        account: Account,
        context: ConnectorContext,
        directory: Directory,
    ) -> None:
        self.account = account
        self.name = f"{context.name}/{account.username}"
        self.guarantee = Guarantee.RESUMABLE
        self._settings = settings
        self._clock = context.clock
        self._uploads = context.attachments
        self._origin = Origin(
            feed=self.name,
            source=source_of(context.name, PLATFORM_NAME),
            agent=account.name,
            keep_payload=settings.keep_payload,
            label_of=directory.label_of,
        )
        self._topics = settings.topics_of(account)
        self._cookies = CookieStore()
        self._http = AgentHttp(
            context.http,
            base_url=settings.base_url,
            username=account.username,
            password=account.password.get_secret_value(),
            cookies=self._cookies,
            clock=context.clock,
            timeout_seconds=settings.request_timeout_seconds,
            max_reply_bytes=settings.max_reply_bytes,
        )
        self._watch = WorkbinWatch(self._http, settings.workbins)
        self._renewal = Renewal(
            self._http,
            self._watch,
            clock=context.clock,
            name=self.name,
            username=account.username,
        )
        self._client = LongPollingClient(
            context.http,
            settings.base_url + NOTIFICATIONS,
            subscriptions=self._topics,
            cookies=self._cookies,
            headers=self._http.csrf_headers,
            classify_http=self._renewal.classify,
            offer_ack=settings.acknowledge,
            limits=Limits(
                max_reply_bytes=settings.max_reply_bytes,
                max_buffered_messages=settings.max_buffered_messages,
            ),
            clock=context.clock,
            name=self.name,
        )
        self._mapper = Mapper(self._origin)
        self._duplicates = 0
        self._connected = False
        # What the first delivery of a session has to tell beside its messages.
        self._resources: dict[str, Any] | None = None
        self._owed = ""
        self._unreadable: bytes | None = None
        self._last: BayeuxResume | None = None
        self._wants_start = not settings.observe_only
        self._start: Outcome | None = None
        self._refused_topics: dict[str, str] = {}
        self._order = asyncio.Lock()

    @property
    def login(self) -> Login:
        """How this agent is logged in unless a command says otherwise."""
        start = self._settings.start_session
        return Login(
            channels=start.channels,
            place=self.account.place or start.place,
            login_code=self.account.login_code or start.login_code,
            queue=start.queue,
        )

    async def connect(self, resume: bytes | None) -> Link:
        """Sign in, then go on with the kept session or open a new one, as the contract says."""
        await self.close()
        kept = self._restore(resume)
        before = self._http.sessions
        await self._http.sign_in()
        await self._client.open(kept.bayeux if kept else None)
        resumed = kept is not None and self._client.client_id == kept.bayeux.client_id
        try:
            if not resumed and self._wants_start:
                await self._start_session()
            if not resumed or self._http.sessions != before:
                await self._watch.subscribe()
            if kept is None or kept.owed:
                self._resources = await self._read()
        except BaseException:
            # Also when cancelled: nothing is left open.
            await self._client.close()
            raise
        self._connected = True
        self._renewal.begin()
        return Link(session=event_id("session", self._client.client_id)[:16], resumed=resumed)

    async def receive(self) -> Delivery:
        """The next batch, mapped. Between taking it and returning there is no await, so cancelling loses nothing."""
        if not self._connected:
            raise NotConnected(f"the feed of agent {self.account.name!r} is not connected")
        try:
            batch = await self._client.receive()
        except ConnectionFailed:
            self._connected = False
            raise
        return self._delivery((batch,))

    async def commit(self, delivery: Delivery) -> None:
        """The delivery is durable: the platform may forget its messages with the next poll."""
        for batch in delivery.receipt:
            self._client.stored(batch)

    async def drain(self) -> Delivery | None:
        """Take what the platform holds; without acknowledgement this is what makes a planned stop lossless."""
        batches = await self._client.drain()
        return self._delivery(batches) if batches else None

    async def close(self) -> None:
        """Stop polling and renewing. Both sessions live on at the platform."""
        self._connected = False
        try:
            await self._renewal.close()
        finally:
            await self._client.close()

    async def execute(self, command: Command) -> Outcome:
        """Send one command over this agent's HTTP session; commands of one agent keep their order."""
        if not self._connected:
            raise NotReady(f"the feed of agent {self.account.name!r} is not connected")
        async with self._order:
            devices = await self._phones(ask=command.verb in _WITH_PHONE)
            request = commands.build(command, self._situation(devices))
            outcome = await sending.carry_out(
                self._http,
                self._mapper,
                request,
                sent=self._clock.now(),
                reference=command.id if self._settings.send_reference else None,
            )
            await self._watch.keep()
        if outcome.status is not Status.REFUSED:
            # Who was logged out by command stays out when the feed reconnects.
            self._wants_start = self._wants_start and command.verb is not Verb.AGENT_LOGOUT
        return outcome

    def foresee(self, command: Command) -> Expectation | None:
        """What would decide a command as the agent's picture is now."""
        if not self._connected:
            return None
        expected = commands.build(command, self._situation(self._known_phones())).expectation
        if expected is None or not self._settings.send_reference:
            return expected
        return msgspec.structs.replace(expected, cause=command.id)

    async def snapshot(self) -> list[Event]:
        """What the platform says now, as the events that lead there from what was told last."""
        await self._watch.subscribe()
        resources = await self._read()
        # From here on the picture has it; if the process ends before a delivery that says so, it is asked again.
        owed, self._owed = self._owed, ""
        now = self._clock.now()
        return self._mapper.adopt(
            resources,
            reading=f"gap {owed}" if owed else f"comparison {now.isoformat()}",
            received=now,
            reconciled=True,
            heard=[event.data for event in self._client.waiting()],
        )

    def diagnostics(self) -> Mapping[str, Any]:
        """Facts without secrets, bounded by the number of topics."""
        picture = self._mapper.picture
        start = self._start
        return {
            "connected": self._connected,
            "acknowledge": self._client.ack_enabled,
            "last_poll": datetime.fromtimestamp(self._client.seen_at, UTC).isoformat()
            if self._client.seen_at
            else None,
            "duplicates": self._duplicates + self._mapper.duplicates,
            "calls": len(picture.calls),
            "interactions": len(picture.interactions),
            "refused_topics": dict(self._refused_topics),
            "services": dict(picture.services),
            "workbins": dict(self._watch.state),
            "session_start": None
            if start is None
            else {"status": start.status.value, "message": start.message},
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
        self._duplicates += self._mapper.duplicates
        self._mapper = Mapper(self._origin, kept.picture if kept else None)
        self._last = kept.bayeux if kept else None
        self._owed = kept.owed if kept else ""
        self._resources = None
        self._renewal.forget()
        self._refused_topics.clear()
        if kept is not None:
            self._cookies.restore(kept.bayeux.cookies)
        return kept

    async def _read(self) -> dict[str, Any]:
        found = await everything(self._http, services=SERVICES_TOPIC in self._topics)
        # The request may have opened a new HTTP session, and a watch ends with the old one.
        await self._watch.keep()
        return found | {"workbins": await self._watch.contents()}

    async def _start_session(self) -> None:
        """Log the agent in. If the platform refuses, the feed looks on all the same, and diagnostics tell."""
        request = commands.start_session(self.account.name, self.login)
        try:
            reply = await self._http.post(request.path, request.body)
            self._start = commands.outcome_of(request, *reply)
        except CommandUncertain as error:
            self._start = Outcome(status=Status.UNKNOWN, reason=error.reason, message=error.message)

    def _situation(self, devices: list[str]) -> Situation:
        return Situation(
            agent=self.account.name,
            login=self.login,
            devices=devices,
            user=self._http.user,
            base_url=self._settings.base_url,
            picture=self._mapper.picture,
            offers=self._mapper.offers,
            uploads=self._uploads,
            max_attachment_bytes=self._settings.max_attachment_bytes,
        )

    async def _phones(self, *, ask: bool) -> list[str]:
        """The agent's phones, the active ones first; if none has been told, the platform is asked."""
        known = self._known_phones()
        if known or not ask:
            return known
        reply = await self._http.get(f"{commands.ME}/devices?fields=*")
        listed = reply.get("devices")
        items = listed if isinstance(listed, list) else []
        ids = (item.get("id") for item in items if isinstance(item, dict))
        return [name for name in ids if isinstance(name, str)]

    def _known_phones(self) -> list[str]:
        devices = self._mapper.picture.devices
        return sorted(devices, key=lambda name: devices[name].active is False)

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
            for topic, data, ordinal in batch.messages:
                events += self._mapper.map(
                    topic, data, session=batch.client_id, ordinal=ordinal, received=received
                )
            for refusal in batch.refused:
                self._refused_topics[refusal.channel] = refusal.error
                if refusal.channel in OPTIONAL_TOPICS:
                    continue
                events.append(
                    self._mapper.report(
                        refusal.channel,
                        f"the subscription was refused: {refusal.error}",
                        session=batch.client_id,
                        received=received,
                    )
                )
            self._last = batch.resume
        last = batches[-1]
        if self._unreadable is not None:
            gap = gap or Gap(key=event_id(self.name, self._unreadable.hex()), reason="corrupt")
            self._unreadable = None
        if self._resources is not None and not (self._owed and gap):
            owed, self._owed = self._owed, ""
            events += self._mapper.adopt(
                self._resources,
                reading=f"gap {owed}" if owed else f"start {last.client_id}",
                received=received,
                reconciled=bool(owed),
                heard=[
                    event.data
                    for event in chain(
                        *(batch.messages for batch in batches), self._client.waiting()
                    )
                ],
            )
        self._resources = None
        if gap is not None:
            # A gap that comes before the last one is made good is one with it: nothing is told under two ids.
            self._owed = self._owed or gap.key
        return Delivery(
            events=tuple(events),
            resume=_encode(
                FeedResume(bayeux=last.resume, picture=self._mapper.picture, owed=self._owed)
            ),
            gap=gap,
            receipt=batches,
        )

    def _gap_key(self) -> str:
        """The same for the same interruption, also after a crash: made of how far the feed had come."""
        last = self._last
        if last is None:
            return event_id(self.name, "gap", self._client.client_id)
        return event_id(self.name, "gap", last.client_id, last.ack, last.ordinal, last.side_ordinal)
