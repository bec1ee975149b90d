"""A Bayeux 1.0 server over long-polling, as a block of simulators (aiohttp on the server's side).

It follows what the CometD project's servers do where the Bayeux specification leaves room: events stand before the
/meta/connect reply, a second /meta/connect of a session answers the first with HTTP 500, a session is known by its
clientId together with the BAYEUX_BROWSER cookie, only /meta/connect stops the clock of `max_interval`.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Protocol

import msgspec
from aiohttp import web

from connectors._simulation.bayeux_session import Recorder, ServerSession, Wake
from connectors._simulation.ledger import LostBecause

BROWSER_COOKIE = "BAYEUX_BROWSER"
Message = dict[str, Any]


class BayeuxOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the server behaves; the defaults are those of Java CometD."""

    timeout_ms: int = 30_000
    """How long a /meta/connect is held."""
    interval_ms: int = 0
    max_interval_ms: int = 10_000
    """How long a session lives without a /meta/connect."""
    multi_session_interval_ms: int = 2_000
    """The interval advised to further sessions with the same cookie."""
    max_sessions_per_browser: int = 1
    """Held /meta/connects per cookie."""
    acknowledge: bool = False
    """Whether the acknowledge extension is offered."""
    max_queue: int = 100_000
    """Messages a session may hold; one more and the session is removed."""


class Tampering(Protocol):
    """What may be done to a feed on its way out."""

    def stalled(self, owner: str) -> bool:
        """Whether nothing may be delivered now."""

    def discards(self, owner: str) -> bool:
        """Whether what is published now is lost."""

    def wanted(self, owner: str) -> int:
        """How many messages a reply must hold before it is worth sending."""

    def body(self, owner: str) -> bytes | None:
        """What to answer to a /meta/connect instead of a proper reply."""

    def frames(self, owner: str, frames: list[bytes]) -> list[bytes]:
        """The encoded messages as they are to go out."""


class _Superseded(Exception):
    """The /meta/connect being held was replaced by another."""


class BayeuxServer:
    """Sessions, subscriptions and long polls. The caller mounts `handle` and calls `sweep` now and then."""

    def __init__(
        self,
        options: BayeuxOptions,
        recorder: Recorder,
        tampering: Tampering,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.options = options
        self._recorder = recorder
        self._tampering = tampering
        self._monotonic = monotonic
        self._sessions: dict[str, ServerSession] = {}
        self._by_owner: dict[str, list[ServerSession]] = {}
        self._held_by_browser: Counter[str] = Counter()
        self.handshakes = 0
        self.connects = 0
        self.on_subscribed: Callable[[ServerSession], None] | None = None
        self.may_subscribe: Callable[[str, str], bool] = lambda _owner, _channel: True
        """Whether an owner may subscribe to a channel."""

    @property
    def sessions(self) -> list[ServerSession]:
        """Every live session."""
        return list(self._sessions.values())

    @property
    def owners(self) -> frozenset[str]:
        """Who has a session."""
        return frozenset(self._by_owner)

    @property
    def held(self) -> int:
        """How many /meta/connects are being held."""
        return self._held_by_browser.total()

    @property
    def sweep_seconds(self) -> float:
        """How often to call `sweep`."""
        return min(self.options.max_interval_ms / 4000, 1.0)

    def publish(
        self, owner: str, channel: str, frame: bytes, number: int, *, context: object = None
    ) -> None:
        """Queue an encoded message for every session of `owner` that subscribed to the channel.

        With a `context`, only for the sessions that were made on that HTTP session.
        """
        sessions = self._by_owner.get(owner)
        if sessions and context is not None:
            sessions = [session for session in sessions if session.context == context]
        if not sessions:
            self._recorder.lost((number,), LostBecause.NO_SESSION)
            return
        if self._tampering.discards(owner):
            self._recorder.lost((number,), LostBecause.STALLED)
            return
        now = self._monotonic()
        copies = 0
        for session in tuple(sessions):
            if self._is_expired(session, now) or not session.listens_to(channel):
                continue
            if len(session) >= self.options.max_queue:
                self.remove(session)
                continue
            session.offer(frame, number)
            copies += 1
            if session.held is not None and self._is_ready(session):
                session.wake(Wake.MESSAGES)
        if copies:
            self._recorder.queued(number, copies)
        else:
            live = any(not session.removed for session in sessions)
            why = LostBecause.NO_SUBSCRIPTION if live else LostBecause.NO_SESSION
            self._recorder.lost((number,), why)

    def wake(self) -> None:
        """Look again at every held poll, because a fault ended."""
        for session in self.sessions:
            if session.held is not None and self._is_ready(session):
                session.wake(Wake.MESSAGES)

    def forget(self, *, owner: str | None = None, context: object = None) -> int:
        """Remove the sessions of an owner, or made on an HTTP session, or all; returns how many."""
        doomed = [
            session
            for session in self.sessions
            if owner in {None, session.owner} and (context is None or session.context == context)
        ]
        for session in doomed:
            self.remove(session)
        return len(doomed)

    def sweep(self) -> None:
        """Remove the sessions whose time is up."""
        now = self._monotonic()
        for session in self.sessions:
            self._is_expired(session, now)

    def remove(self, session: ServerSession, *, by_client: bool = False) -> None:
        """End a session."""
        if self._sessions.pop(session.client_id, None) is None:
            return
        mine = self._by_owner[session.owner]
        mine.remove(session)
        if not mine:
            del self._by_owner[session.owner]
        session.remove(LostBecause.SESSION_GONE, by_client=by_client)

    def release_all(self) -> None:
        """Answer every held poll now, because the server is about to stop."""
        for session in self.sessions:
            session.wake(Wake.TIMEOUT)

    async def handle(
        self, request: web.Request, owner: str, context: object, *, withheld: bool = False
    ) -> web.Response:
        """Answer one HTTP request of Bayeux messages; `withheld` if the caller won't pass the answer on."""
        if request.method != "POST":
            return web.Response(status=400)
        try:
            content = msgspec.json.decode(await request.read())
        except (msgspec.DecodeError, UnicodeDecodeError):
            return web.Response(status=400)
        messages = content if isinstance(content, list) else [content]
        if not messages or not all(isinstance(message, dict) for message in messages):
            return web.Response(status=400)
        channels = [message.get("channel") for message in messages]
        if "/meta/handshake" in channels:
            if len(messages) > 1:
                return web.Response(status=500)
            return self._handshake(request, messages[0], owner, context)
        try:
            return await self._exchange(request, messages, owner, withheld=withheld)
        except _Superseded:
            return web.Response(status=500)

    def _handshake(
        self, request: web.Request, message: Message, owner: str, context: object
    ) -> web.Response:
        self.handshakes += 1
        cookie = request.cookies.get(BROWSER_COOKIE)
        session = ServerSession(
            client_id=secrets.token_hex(20),
            browser_id=cookie or secrets.token_hex(20),
            owner=owner,
            context=context,
            recorder=self._recorder,
        )
        extensions = message.get("ext")
        wants_ack = isinstance(extensions, dict) and bool(extensions.get("ack"))
        session.acknowledging = self.options.acknowledge and wants_ack
        self._sessions[session.client_id] = session
        self._by_owner.setdefault(owner, []).append(session)
        self._start_clock(session)
        reply = _reply(message)
        reply |= {
            "successful": True,
            "version": "1.0",
            "minimumVersion": "1.0",
            "supportedConnectionTypes": ["long-polling"],
            "clientId": session.client_id,
            "advice": self._advice(),
        }
        if session.acknowledging:
            reply["ext"] = {"ack": True}
        response = _respond([msgspec.json.encode(reply)])
        if not cookie:
            response.set_cookie(BROWSER_COOKIE, session.browser_id, path="/", httponly=True)
        return response

    async def _exchange(
        self, request: web.Request, messages: list[Message], owner: str, *, withheld: bool
    ) -> web.Response:
        browser_id = request.cookies.get(BROWSER_COOKIE)
        replies: list[Message] = []
        session: ServerSession | None = None
        connected = False
        for message in messages:
            session = self._find(message.get("clientId"), browser_id, owner)
            reply = _reply(message)
            replies.append(reply)
            if session is None:
                _refuse(reply, "402::session_unknown")
                if message.get("channel") == "/meta/connect":
                    reply["advice"] = {"reconnect": "handshake", "interval": 0}
                continue
            if session.expires_at is not None:
                self._start_clock(session)
            if message.get("channel") == "/meta/connect":
                connected = True
                await self._connect(session, message, reply, may_hold=len(messages) == 1)
            else:
                self._command(session, message, reply)
        if session is None:
            return _respond([msgspec.json.encode(reply) for reply in replies])
        transport = request.transport
        is_open = transport is not None and not transport.is_closing() and not withheld
        return self._deliver(session, replies, connected=connected, is_open=is_open)

    def _deliver(
        self, session: ServerSession, replies: list[Message], *, connected: bool, is_open: bool
    ) -> web.Response:
        owner = session.owner
        if connected:
            self._start_clock(session)
            if (body := self._tampering.body(owner)) is not None:
                return web.Response(body=body, content_type="application/json")
        frames: list[bytes] = []
        deliverable = not session.removed and not self._tampering.stalled(owner)
        if session.acknowledging and connected:
            number = session.close_batch() if deliverable else session.batch - 1
            for reply in replies:
                if reply["channel"] == "/meta/connect":
                    reply["ext"] = {"ack": number}
        if deliverable and (connected or not session.acknowledging):
            frames = self._tampering.frames(owner, session.drain(connection_open=is_open))
        return _respond([*frames, *(msgspec.json.encode(reply) for reply in replies)])

    async def _connect(
        self, session: ServerSession, message: Message, reply: Message, *, may_hold: bool
    ) -> None:
        self.connects += 1
        if session.held is not None:
            session.wake(Wake.SUPERSEDED)
            self._release(session)
        session.expires_at = None
        reply["successful"] = True
        timeout_ms = self._timeout_ms(session, message, reply)
        if not may_hold or timeout_ms <= 0 or self._is_ready(session):
            return
        held = self._held_by_browser
        if 0 <= self.options.max_sessions_per_browser <= held[session.browser_id]:
            interval = self.options.multi_session_interval_ms
            reply["advice"] = self._advice() | {"multiple-clients": True, "interval": interval}
            return
        await self._hold(session, timeout_ms / 1000)
        if session.disconnected:
            reply["advice"] = {"reconnect": "none"}
        elif session.removed:
            _refuse(reply, "402::session_unknown")
            reply["advice"] = {"reconnect": "handshake", "interval": 0}

    def _timeout_ms(self, session: ServerSession, message: Message, reply: Message) -> float:
        """How long to hold, by the client's advice; takes the client's acknowledgement on the way."""
        advice, extensions = message.get("advice"), message.get("ext")
        timeout_ms: float = self.options.timeout_ms
        if isinstance(advice, dict):
            reply["advice"] = self._advice()
            if isinstance(wanted := advice.get("timeout"), int | float) and wanted >= 0:
                timeout_ms = wanted
        if session.acknowledging and isinstance(extensions, dict):
            if isinstance(acknowledged := extensions.get("ack"), int):
                session.acknowledge(acknowledged)
            if len(session) > session.fresh and not self._tampering.stalled(session.owner):
                return 0  # a batch was lost on its way: it goes out again at once
        return timeout_ms

    async def _hold(self, session: ServerSession, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Wake] = loop.create_future()
        session.held = future
        self._held_by_browser[session.browser_id] += 1
        timer = loop.call_later(seconds, _expire, future)
        try:
            if await future is Wake.SUPERSEDED:
                raise _Superseded
        finally:
            timer.cancel()
            if session.held is future:
                self._release(session)

    def _release(self, session: ServerSession) -> None:
        session.held = None
        self._held_by_browser[session.browser_id] -= 1
        if not self._held_by_browser[session.browser_id]:
            del self._held_by_browser[session.browser_id]

    def _command(self, session: ServerSession, message: Message, reply: Message) -> None:
        channel = message.get("channel")
        if channel in {"/meta/subscribe", "/meta/unsubscribe"}:
            wanted = message.get("subscription")
            reply["subscription"] = wanted
            channels: list[Any] = wanted if isinstance(wanted, list) else [wanted]
            if not wanted:
                _refuse(reply, "403::subscription_missing")
            elif not all(_is_subscribable(each) for each in channels):
                _refuse(reply, "403::subscription_invalid")
            elif channel == "/meta/subscribe" and not all(
                self.may_subscribe(session.owner, each) for each in channels
            ):
                _refuse(reply, f"403:{wanted}:create_denied")
            else:
                reply["successful"] = True
                if channel == "/meta/unsubscribe":
                    session.unsubscribe(channels)
                else:
                    session.subscribe(channels)
                    if self.on_subscribed is not None:
                        self.on_subscribed(session)
        elif channel == "/meta/disconnect":
            reply["successful"] = True
            self.remove(session, by_client=True)
        elif not isinstance(channel, str) or not channel:
            _refuse(reply, "400::channel_missing")
        else:
            _refuse(reply, f"403:{channel}:publish_denied")

    def _find(self, client_id: object, browser_id: str | None, owner: str) -> ServerSession | None:
        session = self._sessions.get(client_id) if isinstance(client_id, str) else None
        if session is None or session.browser_id != browser_id or session.owner != owner:
            return None
        return None if self._is_expired(session, self._monotonic()) else session

    def _is_ready(self, session: ServerSession) -> bool:
        owner = session.owner
        return session.fresh >= self._tampering.wanted(owner) and not self._tampering.stalled(owner)

    def _is_expired(self, session: ServerSession, now: float) -> bool:
        if session.expires_at is not None and now > session.expires_at:
            self.remove(session)
        return session.removed

    def _start_clock(self, session: ServerSession) -> None:
        patience_ms = self.options.interval_ms + self.options.max_interval_ms
        session.expires_at = self._monotonic() + patience_ms / 1000

    def _advice(self) -> Message:
        options = self.options
        return {
            "reconnect": "retry",
            "interval": options.interval_ms,
            "timeout": options.timeout_ms,
        }


def _expire(future: asyncio.Future[Wake]) -> None:
    if not future.done():
        future.set_result(Wake.TIMEOUT)


def _reply(message: Message) -> Message:
    reply = {"channel": message.get("channel"), "successful": False}
    if "id" in message:
        reply["id"] = message["id"]
    return reply


def _refuse(reply: Message, error: str) -> None:
    reply["successful"] = False
    reply["error"] = error


def _respond(frames: list[bytes]) -> web.Response:
    body = b"[" + b",".join(frames) + b"]"
    return web.Response(body=body, content_type="application/json", charset="utf-8")


def _is_subscribable(channel: object) -> bool:
    return isinstance(channel, str) and channel.startswith("/") and not channel.startswith("/meta/")
