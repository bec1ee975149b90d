"""An ASP.NET Core SignalR server on PyPI `aiosignalr`, with a control surface for tests.

    python core_server.py PORT [--tls FILE] [--authority URL]

prints {"port": N} once it listens. The hub is at /hub, with `echo` and `fail`. With --tls (certificate and key in one
PEM file) it speaks TLS, on the control surface too; with --authority each request to the hub needs an Authorization
header with which that address answers 200, and other answers are passed on.

    POST /control/publish {"method", "values": [..]}: one call for each value on every client
    POST /control/send {"connection", "calls": [[method, [argument, ..]], ..]}: calls on one client, in order
    GET /control/connections: ids of the clients
    POST /control/cut: every client's socket is reset
"""

import argparse
import asyncio
import json
import ssl
import sys

import aiohttp
from aiohttp import web
from aiosignalr.server import Hub, ServerOptions, SignalRServer
from aiosignalr.server.aiohttp_server import build_aiohttp_app


class Feed(Hub):
    """The hub."""

    async def echo(self, value: object) -> object:
        """Give back."""
        return value

    async def fail(self) -> None:
        """Raise."""
        raise ValueError("not today")


class Control:
    """What tests let happen."""

    def __init__(self, server: SignalRServer) -> None:
        self._server = server
        self.sockets: set[asyncio.Transport] = set()

    async def publish(self, request: web.Request) -> web.Response:
        """One call for each value on every client."""
        order = await request.json()
        for value in order["values"]:
            await self._server.lifetime.send_all(order["method"], (value,))
        return web.json_response({})

    async def send(self, request: web.Request) -> web.Response:
        """Calls on one client."""
        order = await request.json()
        for method, arguments in order["calls"]:
            await self._server.lifetime.send_connection(
                order["connection"], method, tuple(arguments)
            )
        return web.json_response({})

    async def connections(self, _request: web.Request) -> web.Response:
        """Who is connected."""
        return web.json_response(list(self._server.lifetime.connections))

    async def cut(self, _request: web.Request) -> web.Response:
        """Reset the sockets of the hub."""
        for socket in self.sockets:
            socket.abort()
        return web.json_response({})


def guard(control: Control, authority: str | None) -> object:
    """Remembers the sockets of the hub, and asks the authority about credentials."""

    @web.middleware
    async def middleware(request: web.Request, handler: object) -> web.StreamResponse:
        if not request.path.startswith("/hub"):
            return await handler(request)
        if authority is not None:
            headers = {"Authorization": request.headers.get("Authorization", "")}
            async with (
                aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=False)) as http,
                http.get(authority, headers=headers) as answer,
            ):
                if answer.status != 200:
                    return web.Response(status=answer.status)
        if request.headers.get("Upgrade"):
            control.sockets.add(request.transport)
            try:
                return await handler(request)
            finally:
                control.sockets.discard(request.transport)
        return await handler(request)

    return middleware


async def main(options: argparse.Namespace) -> None:
    """Serve until killed."""
    server = SignalRServer(Feed, options=ServerOptions(keep_alive_interval=1.0))
    control = Control(server)
    app = build_aiohttp_app(server)
    app.middlewares.append(guard(control, options.authority))
    app.router.add_post("/control/publish", control.publish)
    app.router.add_post("/control/send", control.send)
    app.router.add_get("/control/connections", control.connections)
    app.router.add_post("/control/cut", control.cut)
    tls = None
    if options.tls:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(options.tls)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", options.port, ssl_context=tls)
    await site.start()
    print(json.dumps({"port": runner.addresses[0][1]}), flush=True)  # noqa: T201 - whoever starts it reads its port
    await asyncio.Event().wait()


def options_in(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("--tls")
    parser.add_argument("--authority")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    asyncio.run(main(options_in(sys.argv[1:])))
