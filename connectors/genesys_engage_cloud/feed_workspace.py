"""One agent's feed: a workspace session, its CometD session, and the mapper between them and the gateway.

The order of a fresh start: a token, `initialize-workspace` (its cookie is the session from here on, for
REST and CometD; no Authorization any more), CometD with all channels subscribed at once, so that
nothing falls between the end of the initialization and a later subscription; then wait until the
workspace is complete, activate channels if that is wanted, and only then ask how things stand.
Sources: workspace-client-js and -java (`initialize`); Introduction to Engage Cloud APIs, "CometD".
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from itertools import chain
from typing import Any

import msgspec

from connectors._genesys.values import folded, mapping, text
from connectors._wire.bayeux.values import Batch
from connectors.genesys_engage_cloud import commands
from connectors.genesys_engage_cloud.commands import Login
from connectors.genesys_engage_cloud.feed import DENIED, FeedResume, not_made
from connectors.genesys_engage_cloud.feed_session import SessionFeed, by_cookie
from connectors.genesys_engage_cloud.mapping import AgentPicture, Asked, Mapper
from connectors.genesys_engage_cloud.settings import Account, GenesysEngageCloudSettings
from connectors.genesys_engage_cloud.vendor import INITIALIZATION_CHANNEL, WORKSPACE
from connectors.genesys_engage_cloud.watching import watch
from gateway.commands import Command, Expectation, Outcome, Status, Verb
from gateway.contracts import ConnectorContext, Gap, Guarantee
from gateway.errors import (
    AuthRejected,
    CommandRefused,
    CommandUncertain,
    ConnectionFailed,
    NotReady,
    Reason,
)
from gateway.events import Event

INITIALIZE = f"{WORKSPACE}/initialize-workspace"
CURRENT_SESSION = f"{WORKSPACE}/current-session"
KEEP_ALIVE = f"{WORKSPACE}/auth-keep-alive"
LOGOUT = f"{WORKSPACE}/logout"
RIVAL_SECONDS = 60.0
"""A session that is lost twice in so short a time has most likely been taken by another program."""
_ON_VOICE = frozenset({"agent", "call", "recording", "supervision"})
"""Families of commands whose failure comes as an error on the voice channel."""


class WorkspaceFeed(SessionFeed):
    """The feed of one agent account."""

    def __init__(
        self,
        settings: GenesysEngageCloudSettings,
        account: Account,
        context: ConnectorContext,
        users: Mapping[str, str],
    ) -> None:
        super().__init__(
            settings,
            context,
            session=f"the workspace session of {account.username!r}",
            what=account.name,
            agent=account.name,
            guarantee=Guarantee.RESUMABLE,
            root=WORKSPACE,
            channels=settings.channels,
            credentials=account.credentials(settings.client),
        )
        self.account = account
        self._users = users
        self._refused_workbins: dict[str, str] = {}
        self._uploads = context.attachments
        self._mapper = Mapper(self.origin)
        self._duplicates = 0
        self._resources: Any = None
        self._owed = ""
        self._user: dict[str, Any] = {}
        self._wants_start = not settings.observe_only
        self._start: Outcome | None = None
        self._lost_at: float | None = None
        self._order = asyncio.Lock()

    @property
    def login(self) -> Login:
        """How this agent's channels are activated unless a command says otherwise."""
        activate, account = self._settings.activate, self.account
        place = account.place or activate.place
        dn = account.dn or activate.dn
        user = self._user
        if place is None and dn is None:
            place = text(user.get("defaultPlace"))
        return Login(
            agent_id=account.agent_id
            or activate.agent_id
            or text(user.get("employeeId"))
            or text(user.get("agentLogin")),
            dn=dn or (text(user.get("agentLogin")) if place is None else None),
            place=place,
            queue=activate.queue,
            work_mode=activate.work_mode,
            channels=activate.channels,
        )

    async def execute(self, command: Command) -> Outcome:
        """Send one command over this agent's session; commands of one agent keep their order."""
        if not self._connected:
            raise NotReady(f"the feed of agent {self.account.name!r} is not connected")
        async with self._order:
            request = commands.build(command, self._situation())
            if request.leaves:
                return await self._leave(request)
            outcome = await self._send_all(request, command)
        if outcome.status is not Status.REFUSED:
            # Who was logged out by command stays out when the feed reconnects.
            self._wants_start = self._wants_start and command.verb is not Verb.AGENT_LOGOUT
        return outcome

    def foresee(self, command: Command) -> Expectation | None:
        """What would decide a command as the agent's picture is now."""
        if not self._connected:
            return None
        return commands.build(command, self._situation()).expectation

    async def ask(self, path: str) -> Any:
        """What the platform answers this agent's session about a resource. Raises NotConnected, NotReady."""
        try:
            return (await self._http.call("GET", path)).data
        except AuthRejected as error:
            # The cookie stands for the session: what is denied to it is not the account's fault.
            raise NotReady(error.message, reason=Reason.FORBIDDEN) from None

    async def snapshot(self) -> list[Event]:
        """What the platform says now, as the events that lead there from what was told last."""
        try:
            resources = await self._current_session()
        except AuthRejected as error:
            raise self._as_lost(error) from None
        # From here on the picture has it; if the process ends before a delivery that says so, it is asked again.
        owed, self._owed = self._owed, ""
        now = self._clock.now()
        return self._mapper.adopt(
            resources,
            reading=f"gap {owed}" if owed else f"comparison {now.isoformat()}",
            received=now,
            reconciled=True,
            heard=self._heard(tuple(self._early)),
        )

    def facts(self) -> dict[str, Any]:
        """Facts without secrets."""
        picture, start = self._mapper.picture, self._start
        return super().facts() | {
            "duplicates": self._duplicates + self._mapper.duplicates,
            "calls": len(picture.calls),
            "interactions": len(picture.interactions),
            "services": dict(picture.services),
            "refused_workbins": dict(self._refused_workbins),
            "activation": None
            if start is None
            else {"status": start.status.value, "message": start.message},
        }

    def _situation(self) -> commands.Situation:
        return commands.Situation(
            agent=self.account.name,
            login=self.login,
            picture=self._mapper.picture,
            users=self._users,
            uploads=self._uploads,
            max_attachment_bytes=self._settings.max_attachment_bytes,
        )

    async def _opened(self, kept: FeedResume | None, *, resumed: bool) -> None:
        if not self._user:
            # An earlier process made the workspace, and was told whose it is.
            self._user = mapping(mapping(await self._current_session()).get("user"))
        if not resumed and self._wants_start:
            await self._activate()
        if not resumed and self._settings.workbins:
            self._refused_workbins = await self._watch()
        if kept is not None and kept.owed:
            self._resources = await self._current_session()
        elif kept is None:
            # A workspace that was just made may have nothing to tell yet, and denies it: then it comes on the feed.
            # Were the session gone, the next poll would say so.
            with suppress(AuthRejected):
                self._resources = await self._current_session()

    async def _watch(self) -> dict[str, str]:
        with by_cookie():
            return await watch(self._http, self._settings.workbins)

    async def _current_session(self) -> Any:
        """How the agent stands."""
        with by_cookie():
            return (await self._http.call("GET", CURRENT_SESSION)).data

    async def _initialize(self, token: str) -> None:
        await self._http.call("POST", INITIALIZE, bearer=token)

    async def _complete(self) -> None:
        """Wait for the end of the initialization. The batches that come meanwhile are delivered later, in order.

        They may be acknowledged at once: should the process die, nothing in the journal refers to this session yet.
        """
        limit = self._settings.initialization_seconds
        try:
            async with asyncio.timeout(limit):
                while True:
                    batch = await self._client.receive()
                    self._early.append(batch)
                    self._client.stored(batch)
                    if any(self._is_complete(topic, data) for topic, data, _ in batch.messages):
                        return
        except TimeoutError:
            raise NotReady(
                f"{self._http.peer} did not complete the workspace within {limit:g} s",
                reason=Reason.TIMEOUT,
                hint="raise initialization_seconds if the platform is slow",
            ) from None

    def _is_complete(self, topic: str, data: Any) -> bool:
        """Whether the message says that the workspace is complete. Raises NotReady: it could not be made."""
        if topic != INITIALIZATION_CHANNEL or not isinstance(data, dict):
            return False
        word = folded(data.get("state"))
        if word == "failed":
            raise not_made(self._http.peer, self._session, "the initialization failed")
        if word != "complete":
            return False
        self._user = mapping(mapping(data.get("data")).get("user")) or self._user
        return True

    async def _activate(self) -> None:
        """Activate channels. If that is refused, the feed looks on all the same, and diagnostics tell."""
        try:
            self._start = await self._send(commands.activate(self.account.name, self.login))
        except CommandRefused as error:
            self._start = Outcome(status=Status.REFUSED, reason=error.reason, message=str(error))
        except CommandUncertain as error:
            self._start = Outcome(status=Status.UNKNOWN, reason=error.reason, message=error.message)

    async def _send_all(self, request: commands.Request, command: Command) -> Outcome:
        """Send what a command consists of, one request after the other."""
        supervised = command.arguments.get("supervised") is True
        waits = command.verb.family in _ON_VOICE or supervised
        if request.expectation is not None and waits:
            self._mapper.asked(
                Asked(
                    command=command.id,
                    call=command.target.call,
                    interaction=command.target.interaction if supervised else None,
                    proofs=sorted(request.expectation.confirmed_by),
                    until=command.deadline.timestamp(),
                )
            )
        outcomes = {request.part: await self._send(request)}
        for further in request.further:
            outcomes[further.part] = await self._send(further)
        outcome = commands.summary(outcomes)
        if outcome.status is Status.REFUSED:
            self._mapper.answered(command.id)
        return outcome

    async def _send(self, request: commands.Request) -> Outcome:
        body = request.body
        if body is not None and not self._settings.operation_ids:
            body = {name: value for name, value in body.items() if name != "operationId"}
        if request.upload is not None:
            reply = await self._http.upload(request.path, request.upload, body or {})
        else:
            reply = await self._http.command("POST", request.path, body)
        if reply.status in DENIED and self._connected:
            await self._lose()
            raise NotReady(f"{self._session} has ended", reason=Reason.SESSION_LOST)
        return commands.outcome_of(request, reply.status, reply.body)

    async def _leave(self, request: commands.Request) -> Outcome:
        """Leave in the vendor's order: the CometD session first, then the workspace."""
        self._wants_start = False
        self._session_gone = True
        self._ended = super()._lost(", as it was told to")
        await self._client.close(end_session=True)
        reply = await self._http.command("POST", LOGOUT, request.body)
        return commands.outcome_of(request, reply.status, reply.body)

    async def _keep_alive(self) -> None:
        reply = await self._http.request("GET", KEEP_ALIVE)
        self._check_alive(reply.status)

    async def _lose(self) -> None:
        await self._end(self._as_lost(AuthRejected("", reason=Reason.SESSION_LOST)))

    def _lost(self, why: str = "") -> ConnectionFailed:
        now, before = self._clock.monotonic(), self._lost_at
        self._lost_at = now
        if before is not None and now - before < RIVAL_SECONDS:
            return AuthRejected(
                f"{self._http.peer} has ended {self._session} again",
                reason=Reason.CONFLICT,
                hint=f"another program may be signed in as {self.account.username!r}",
            )
        return super()._lost(why)

    def _map(self, batch: Batch, received: datetime) -> list[Event]:
        events: list[Event] = []
        for topic, data, ordinal in batch.messages:
            events += self._mapper.map(
                topic, data, session=batch.client_id, ordinal=ordinal, received=received
            )
        return events

    def _also(self, batches: tuple[Batch, ...], received: datetime, gap: Gap | None) -> list[Event]:
        if self._resources is None or self._early or not batches:
            # What came before the answer is mapped before it.
            return []
        resources, self._resources = self._resources, None
        if gap is not None and self._owed:
            # It is asked again for this gap.
            return []
        owed, self._owed = self._owed, ""
        return self._mapper.adopt(
            resources,
            reading=f"gap {owed}" if owed else f"start {batches[-1].client_id}",
            received=received,
            reconciled=bool(owed),
            heard=self._heard(batches),
        )

    def _heard(self, batches: tuple[Batch, ...]) -> list[Any]:
        """The messages that may be newer than an answer: those of these batches, and those that wait behind them."""
        messages = chain(*(batch.messages for batch in batches), self._client.waiting())
        return [event.data for event in messages]

    def _state(self, resume: FeedResume, gap: Gap | None) -> FeedResume:
        if gap is not None:
            # A gap that comes before the last one is made good is one with it: nothing is told under two ids.
            self._owed = self._owed or gap.key
        return msgspec.structs.replace(resume, agent=self._mapper.picture, owed=self._owed)

    def _take_up(self, kept: FeedResume | None) -> None:
        self._duplicates += self._mapper.duplicates
        picture = kept.agent if kept and kept.agent else AgentPicture()
        self._mapper = Mapper(self.origin, picture)
        self._resources = None
        self._owed = kept.owed if kept else ""
