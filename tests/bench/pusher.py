"""The messages of `tests.bench.source` for a receiver that has no CometD: one HTTP client for each agent.

`python -m tests.bench.pusher --agents 50 --to http://127.0.0.1:4195/post`: each request carries what a poll would have
carried, as one JSON array, and is sent until it is answered with 200. It takes the orders of `tests.bench.source`.
"""

from __future__ import annotations

import argparse
import asyncio
from http import HTTPStatus

import aiohttp
import uvloop
from aiohttp import web

from tests.bench.source import Session, Source, serve

RETRY_SECONDS = 0.1


class Pusher(Source):
    """Sends where a source waits to be asked."""

    def __init__(self, agents: int, messages: int, to: str) -> None:
        super().__init__(agents, messages, 30.0, greets=False)
        self._to = to
        for name, tape in self._tapes.items():
            self._sessions[name] = Session(tape)
        self._tasks: list[asyncio.Task[None]] = []

    def app(self) -> web.Application:
        """The orders."""
        app = super().app()
        app.on_startup.append(self._begin)
        app.on_cleanup.append(self._end)
        return app

    async def _begin(self, _app: web.Application) -> None:
        self._http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        self._tasks = [
            asyncio.create_task(self._push(name, session), name=name)
            for name, session in self._sessions.items()
        ]

    async def _end(self, _app: web.Application) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)
        await self._http.close()

    async def _push(self, name: str, session: Session) -> None:
        while True:
            events = await self._events(session, hold=True)
            body = b"[" + events.removesuffix(b",") + b"]"
            if events:
                await self._deliver(name, body)

    async def _deliver(self, name: str, body: bytes) -> None:
        while not await self._taken(name, body):  # noqa: ASYNC110 - a receiver that is down tells nobody when it is back
            await asyncio.sleep(RETRY_SECONDS)

    async def _taken(self, name: str, body: bytes) -> bool:
        headers = {"Agent": name, "Content-Type": "application/json"}
        try:
            async with self._http.post(self._to, data=body, headers=headers) as reply:
                await reply.read()
                return reply.status == HTTPStatus.OK
        except aiohttp.ClientError:
            return False


def main() -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--agents", type=int, required=True)
    parser.add_argument("--messages", type=int, default=300, help="on each one's tape")
    parser.add_argument("--to", required=True, metavar="URL")
    chosen = parser.parse_args()
    uvloop.run(serve(Pusher(chosen.agents, chosen.messages, chosen.to).app()))


if __name__ == "__main__":
    main()
