"""An ASP.NET Core SignalR server on PyPI `aiosignalr`, with a control surface for tests.

    python core_server.py PORT

prints {"port": N} once it listens. The hub is at /hub, with `echo` and `fail`; POST
/control/publish {"method", "values": [..]} broadcasts one call for each value.
"""

import asyncio
import json
import sys

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


async def main(port: int) -> None:
    """Serve until killed."""
    server = SignalRServer(Feed, options=ServerOptions(keep_alive_interval=1.0))

    async def publish(request: web.Request) -> web.Response:
        order = await request.json()
        for value in order["values"]:
            await server.lifetime.send_all(order["method"], (value,))
        return web.json_response({})

    app = build_aiohttp_app(server)
    app.router.add_post("/control/publish", publish)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    print(json.dumps({"port": runner.addresses[0][1]}), flush=True)  # noqa: T201
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
