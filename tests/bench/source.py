"""A lean platform: the REST sign-in and the CometD feed of Genesys Web Services, serving prepared messages.

A process of its own, because what it costs must not be counted as the gateway's: `python -m tests.bench.source
--agents 50`. It prints one JSON line with its URL and ends when its standard input is closed. It speaks the acknowledge
extension and trusts its only client to lose nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import ssl
import sys
import time
from base64 import b64decode
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import uvloop
from aiohttp import web

from tests.bench.tape import Tape, record

TICK_SECONDS = 0.001
MAX_REPLY_MESSAGES = 200
COOKIE = "BENCHSESSION"


@dataclass
class Session:
    """One agent's CometD session."""

    tape: Tape | None
    waiting: asyncio.Future[None] | None = None
    queue: list[bytes] = field(default_factory=list)
    acknowledged: int = 0

    def wake(self) -> None:
        """Answer the held poll."""
        if self.waiting is not None and not self.waiting.done():
            self.waiting.set_result(None)


class Source:
    """Serves feeds in one of two ways: as fast as they are asked for, or at a pace."""

    def __init__(self, agents: int, messages: int, hold_seconds: float, *, greets: bool) -> None:
        self._hold_seconds = hold_seconds
        self._greets = greets
        self._tapes = record(agents, messages) if agents else {}
        self._sessions: dict[str, Session] = {}
        self._flood_until = 0.0
        self._batch = 0
        self._sent = 0
        self._earlier = 0
        self._running: asyncio.Task[None] | None = None

    def app(self) -> web.Application:
        """The server."""
        app = web.Application()
        app.router.add_get("/api/v2/me", self._me)
        app.router.add_post("/api/v2/notifications", self._notifications)
        app.router.add_post("/bench/run", self._run)
        app.router.add_get("/bench/state", self._state)
        app.router.add_post("/bench/hold", self._hold_bare)
        return app

    async def _me(self, request: web.Request) -> web.Response:
        name = b64decode(request.headers["Authorization"].split()[1]).decode().partition(":")[0]
        reply = web.json_response({"statusCode": 0, "user": {"userName": name}})
        reply.set_cookie(COOKIE, name)
        return reply

    async def _notifications(self, request: web.Request) -> web.Response:
        messages: list[dict[str, Any]] = msgspec.json.decode(await request.read())
        replies = []
        events = b""
        for message in messages:
            channel = message["channel"]
            reply: dict[str, Any] = {"channel": channel, "id": message["id"], "successful": True}
            if channel == "/meta/handshake":
                name = request.cookies[COOKIE]
                self._sessions[name] = session = Session(self._tapes.get(name))
                if self._greets and session.tape is not None:
                    session.queue.append(session.tape.next(1))
                reply |= {
                    "clientId": name,
                    "version": "1.0",
                    "supportedConnectionTypes": ["long-polling"],
                    "ext": {"ack": True},
                }
            elif channel == "/meta/subscribe":
                reply["subscription"] = message["subscription"]
            elif channel == "/meta/connect":
                session = self._sessions[message["clientId"]]
                hold = message.get("advice", {}).get("timeout") != 0
                events = await self._events(session, hold=hold)
                session.acknowledged += 1
                reply["ext"] = {"ack": session.acknowledged}
                reply["advice"] = {
                    "reconnect": "retry",
                    "interval": 0,
                    "timeout": int(self._hold_seconds * 1000),
                }
            replies.append(msgspec.json.encode(reply))
        body = b"[" + events + b",".join(replies) + b"]"
        return web.Response(body=body, content_type="application/json")

    async def _events(self, session: Session, *, hold: bool) -> bytes:
        if not hold:
            return b""
        if not session.queue and not self._flooding(session):
            await self._held(session)
        if session.tape is not None and self._flooding(session):
            self._sent += self._batch
            return session.tape.next(self._batch)
        taken = session.queue[:MAX_REPLY_MESSAGES]
        del session.queue[:MAX_REPLY_MESSAGES]
        return b"".join(taken)

    def _flooding(self, session: Session) -> bool:
        return session.tape is not None and time.monotonic() < self._flood_until

    async def _held(self, session: Session) -> None:
        loop = asyncio.get_running_loop()
        session.waiting = loop.create_future()
        timer = loop.call_later(self._hold_seconds, session.wake)
        await session.waiting
        timer.cancel()
        session.waiting = None

    async def _hold_bare(self, request: web.Request) -> web.Response:
        await request.read()
        await asyncio.sleep(self._hold_seconds)
        return web.json_response([{"channel": "/meta/connect", "successful": True}])

    async def _run(self, request: web.Request) -> web.Response:
        """`{"seconds", "batch"}` floods, `{"seconds", "per_second"}` keeps a pace."""
        wanted = await request.json()
        self._earlier += self._sent
        self._sent = 0
        begun = time.time_ns()
        if "batch" in wanted:
            self._batch = wanted["batch"]
            self._flood_until = time.monotonic() + wanted["seconds"]
            for session in self._sessions.values():
                session.wake()
            pause = asyncio.sleep(wanted["seconds"])
            self._running = asyncio.create_task(pause, name="flood")
        else:
            pace = self._pace(wanted["per_second"], wanted["seconds"])
            self._running = asyncio.create_task(pace, name="pace")
        return web.json_response({"begun_ns": begun})

    async def _pace(self, per_second: float, seconds: float) -> None:
        sessions = [session for session in self._sessions.values() if session.tape is not None]
        began = time.monotonic()
        choose = random.Random(1).choice
        while (passed := time.monotonic() - began) < seconds:
            for _ in range(int(passed * per_second) - self._sent):
                session = choose(sessions)
                if session.tape is not None:
                    session.queue.append(session.tape.next(1))
                session.wake()
                self._sent += 1
            await asyncio.sleep(TICK_SECONDS)

    async def _state(self, _request: web.Request) -> web.Response:
        done = self._running is None or self._running.done()
        if done and self._running is not None:
            self._running.result()
        return web.json_response(
            {
                "sent": self._sent,
                "total": self._earlier + self._sent,
                "done": done,
                "sessions": len(self._sessions),
            }
        )


async def _serve(source: Source, pem: Path | None) -> None:
    tls = None
    if pem is not None:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(pem)
    await serve(source.app(), tls)


async def serve(app: web.Application, tls: ssl.SSLContext | None = None) -> None:
    """Serve on a free port, print the URL as one JSON line, and end with the standard input."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=4096, ssl_context=tls).start()
    host, port = runner.addresses[0][:2]
    scheme = "http" if tls is None else "https"
    sys.stdout.write(json.dumps({"url": f"{scheme}://{host}:{port}"}) + "\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


def main() -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--agents", type=int, required=True, help="how many have messages")
    parser.add_argument("--messages", type=int, default=300, help="on each one's tape")
    parser.add_argument("--hold", type=float, default=30.0, help="seconds that a poll is held")
    parser.add_argument("--greet", action="store_true", help="one message for each new session")
    parser.add_argument("--tls", type=Path, metavar="PEM", help="certificate and key")
    chosen = parser.parse_args()
    source = Source(chosen.agents, chosen.messages, chosen.hold, greets=chosen.greet)
    uvloop.run(_serve(source, chosen.tls))


if __name__ == "__main__":
    main()
