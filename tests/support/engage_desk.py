"""An agent's desktop on the simulated Genesys Engage Cloud: tokens, REST and the feeds, by hand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from connectors.genesys_engage_cloud.simulator import Simulator, SimulatorSettings
from tests.support.raw_bayeux import Message, RawBayeux

Data = dict[str, Any]
QUIET = SimulatorSettings(
    agents=3,
    events_per_second=0,
    command_delay_ms=5,
    dial_answer_seconds=0.05,
    statistics_seconds=0.05,
    object_change_seconds=0.05,
)
WORKSPACE = "/workspace/v3"
CHANNELS = tuple(
    f"{WORKSPACE}/{name}"
    for name in (
        "initialization",
        "voice",
        "media",
        "media/*",
        "workbins",
        "media-management",
        "contacts",
        "statistics",
    )
)


def basic(simulator: Simulator) -> str:
    """The client's own credentials."""
    settings = simulator.settings
    return aiohttp.encode_basic_auth(settings.client_id, settings.client_secret)


async def oauth(simulator: Simulator, **form: str) -> tuple[int, Data]:
    """Status and body of the token endpoint."""
    headers = {"x-api-key": simulator.settings.api_key, "Authorization": basic(simulator)}
    url = f"{simulator.url}/auth/v3/oauth/token"
    async with (
        aiohttp.ClientSession() as http,
        http.post(url, data=form, headers=headers) as response,
    ):
        body: Data = await response.json()
        return response.status, body


async def user_token(simulator: Simulator, username: str = "agent0001") -> str:
    """An access token of a user, by the password grant."""
    account = f"{simulator.settings.tenant}\\{username}"
    status, body = await oauth(
        simulator, grant_type="password", username=account, password="secret", scope="*"
    )
    assert status == 200, body
    token: str = body["access_token"]
    return token


class Desk:
    """One client of one of the APIs: REST, and the feed as far as it was read."""

    def __init__(self, simulator: Simulator, bayeux: RawBayeux, root: str) -> None:
        self.simulator = simulator
        self.bayeux = bayeux
        self.root = root
        self.unread: list[Message] = []

    async def rest(self, method: str, path: str, body: object = None) -> Any:
        """The JSON reply of a REST call below the API's root."""
        return await self.bayeux.json(method, f"{self.simulator.url}{self.root}/{path}", body)

    async def status(self, method: str, path: str, body: object = None) -> tuple[int, bytes]:
        """Status and body of a REST call."""
        url = f"{self.simulator.url}{self.root}/{path}"
        options = {} if body is None else {"json": body}
        status, content, _ = await self.bayeux.request(method, url, **options)
        return status, content

    async def post(self, path: str, **data: object) -> Data:
        """POST a command with its parameters; the reply."""
        reply: Data = await self.rest("POST", path, {"data": data})
        return reply

    async def accepted(self, path: str, **data: object) -> None:
        """POST a command that must be accepted."""
        reply = await self.post(path, **data)
        assert reply["status"]["code"] == 1, reply

    async def upload(self, path: str, name: str, content: bytes) -> None:
        """POST a form with a file, which must be accepted."""
        form = aiohttp.FormData()
        form.add_field("attachment", content, filename=name)
        url = f"{self.simulator.url}{self.root}/{path}"
        _, body, _ = await self.bayeux.request("POST", url, data=form)
        assert json.loads(body)["status"]["code"] == 1, body

    async def message(self, wanted: Callable[[Message], bool] = lambda _message: True) -> Message:
        """The next message that is wanted, with its channel; others before it are skipped."""
        async with asyncio.timeout(10):
            while True:
                while self.unread:
                    found = self.unread.pop(0)
                    if wanted(found):
                        return found
                self.keep(await self.bayeux.connect())

    def keep(self, replies: list[Message]) -> None:
        """Remember what of a reply is a message of the platform."""
        self.unread += [one for one in replies if "successful" not in one]

    async def data(self, kind: str, wanted: Callable[[Data], bool] = lambda _data: True) -> Data:
        """The data of the next message of this messageType that is wanted."""
        found = await self.message(
            lambda one: one["data"].get("messageType") == kind and wanted(one["data"])
        )
        data: Data = found["data"]
        return data

    async def call(self, state: str) -> Data:
        """The next call message in that state."""
        return await self.data("CallStateChanged", lambda data: data["call"]["state"] == state)

    async def interaction(self, state: str) -> Data:
        """The next interaction message in that state."""
        return await self.data(
            "InteractionStateChanged", lambda data: data["interaction"]["state"] == state
        )


@asynccontextmanager
async def client(
    simulator: Simulator, root: str, username: str = "agent0001"
) -> AsyncIterator[Desk]:
    """A client with key and token; no session begins by itself."""
    async with RawBayeux(f"{simulator.url}{root}/notifications") as bayeux:
        bayeux.headers["x-api-key"] = simulator.settings.api_key
        bayeux.headers["Authorization"] = f"Bearer {await user_token(simulator, username)}"
        yield Desk(simulator, bayeux, root)


@asynccontextmanager
async def workspace(
    simulator: Simulator, username: str = "agent0001", *, activate: bool = True
) -> AsyncIterator[Desk]:
    """A workspace, subscribed to everything; with `activate` its agent is not ready on all channels."""
    async with client(simulator, WORKSPACE, username) as desk:
        assert (await desk.rest("POST", "initialize-workspace"))["status"]["code"] == 1
        del desk.bayeux.headers["Authorization"]
        await desk.bayeux.handshake()
        desk.keep(await desk.bayeux.subscribe(*CHANNELS))
        if activate:
            agent = simulator.world.agents[username]
            reply = await desk.post("activate-channels", agentId=agent.login, dn=agent.number)
            assert reply == {"status": {"code": 0}}
            await desk.data("ChannelStateChanged")
        yield desk


async def dialled(desk: Desk, number: str = "5001") -> str:
    """The id of a call that the agent made and that was answered."""
    await desk.accepted("voice/make-call", destination=number)
    data = await desk.call("Established")
    found: str = data["call"]["id"]
    return found
