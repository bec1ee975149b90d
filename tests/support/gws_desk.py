"""An agent's desktop on the simulated Genesys Web Services server: REST and the feed, by hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from connectors.genesys_web_services.simulator import Simulator, SimulatorSettings
from tests.support.raw_bayeux import RawBayeux

Data = dict[str, Any]
QUIET = SimulatorSettings(
    agents=3, events_per_second=0, command_delay_ms=5, dial_answer_seconds=0.05
)
LIVELY = SimulatorSettings(agents=3, events_per_second=800)
TOPICS = ("/v2/me", "/v2/me/calls", "/v2/me/devices", "/v2/me/channels", "/v2/me/interactions")


class Desk:
    """An agent's desktop: REST, and the feed as far as it was read."""

    def __init__(self, simulator: Simulator, bayeux: RawBayeux) -> None:
        self.simulator = simulator
        self.bayeux = bayeux
        self.unread: list[Data] = []

    async def rest(self, method: str, path: str, body: object = None) -> Any:
        """The JSON reply of a REST call below the API's root."""
        return await self.bayeux.json(method, f"{self.simulator.url}/api/v2{path}", body)

    async def sim(self, method: str, path: str, body: object = None) -> Any:
        """The JSON reply of the simulator's own surface."""
        return await self.bayeux.json(method, f"{self.simulator.url}/sim/{path}", body)

    async def event(self, wanted: Callable[[Data], bool] = lambda _data: True) -> Data:
        """The next message's data that is wanted; others before it are skipped."""
        async with asyncio.timeout(10):
            while True:
                while self.unread:
                    data = self.unread.pop(0)
                    if wanted(data):
                        return data
                replies = await self.bayeux.connect()
                self.unread += [one["data"] for one in replies if "successful" not in one]

    async def call(self, state: str) -> Data:
        """The next call message in that state."""
        return await self.event(lambda data: data.get("call", {}).get("state") == state)

    async def operate(self, path: str, operation: str, **arguments: object) -> Data:
        """POST an operation; the reply."""
        reply: Data = await self.rest("POST", path, {"operationName": operation, **arguments})
        return reply


@asynccontextmanager
async def desk(
    simulator: Simulator, username: str = "agent0001", **handshake: Any
) -> AsyncIterator[Desk]:
    """A signed-in, subscribed desktop."""
    url = f"{simulator.url}/api/v2/notifications"
    async with RawBayeux(url, username=username) as bayeux:
        await bayeux.handshake(**handshake)
        await bayeux.subscribe(*TOPICS)
        yield Desk(simulator, bayeux)


async def dialled(agent: Desk, number: str = "+14155550100") -> Data:
    """A call that the agent made and that was answered."""
    device = agent.simulator.world.agents["agent0001"].device_id
    reply = await agent.operate(f"/me/devices/{device}/calls", "Dial", destination=number)
    assert reply == {"statusCode": 0}
    data = await agent.call("Established")
    call: Data = data["call"]
    return call
