"""A consumer of Clarity Connect's Web API that hides nothing: tests sign in, send requests and read the feed."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ssl import SSLContext
from typing import Any, Self

import aiohttp
import spnego
from spnego.channel_bindings import GssChannelBindings

from connectors.clarity_connect.simulator import Simulator, SimulatorSettings
from tests.support.raw_signalr import RawSignalR, Stream

CLIENT_ID = "0224C392-3845-4AC0-B1A0-D63706181BA7"
QUIET = SimulatorSettings(agents=4, events_per_second=0, disconnect_timeout_seconds=5)
"""Nothing happens by itself."""
Data = dict[str, Any]
Answer = tuple[int, Any]


async def sign_in(
    url: str,
    user: str = "CONTOSO\\gateway",
    password: str = "secret",
    *,
    scheme: str = "Negotiate",
    client_id: str = CLIENT_ID,
    grant_type: str = "urn:connect.auth:windows",
    connections: int = 1,
    ssl: SSLContext | bool = True,
    channel_binding: bytes = b"",
) -> tuple[int, Data]:
    """The whole handshake; the last answer's status and JSON, empty for what is none."""
    form = {"grant_type": grant_type, "client_id": client_id}
    bindings = GssChannelBindings(application_data=channel_binding) if channel_binding else None
    connector = aiohttp.TCPConnector(limit_per_host=1, force_close=connections > 1, ssl=ssl)
    async with aiohttp.ClientSession(connector=connector) as http:
        context = spnego.client(
            user,
            password,
            hostname="127.0.0.1",
            protocol=scheme.lower(),
            channel_bindings=bindings,
            options=spnego.NegotiateOptions.use_ntlm,
        )
        token = context.step()
        while token is not None:
            header = f"{scheme} {base64.b64encode(token).decode()}"
            async with http.post(
                f"{url}/webauth/token", data=form, headers={"Authorization": header}
            ) as response:
                body = await response.read()
                offers = response.headers.getall("WWW-Authenticate", [])
            answers = [one for one in offers if one.startswith(f"{scheme} ")]
            if not answers:
                parsed = json.loads(body) if body.startswith(b"{") else {}
                return response.status, parsed
            token = context.step(base64.b64decode(answers[0].partition(" ")[2]))
    raise AssertionError("the handshake did not end")


class Desk:
    """Somebody signed in, with requests and a feed."""

    def __init__(self, simulator: Simulator, token: str) -> None:
        self.simulator = simulator
        self.token = token
        self.http = aiohttp.ClientSession()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.http.close()

    @property
    def headers(self) -> dict[str, str]:
        """With the token."""
        return {"Authorization": f"Bearer {self.token}"}

    async def request(self, method: str, path: str, body: Any = None) -> Answer:
        """Any request below /webapi/api: status and decoded body."""
        url = f"{self.simulator.url}/webapi/api/{path}"
        async with self.http.request(method, url, json=body, headers=self.headers) as response:
            text = await response.text()
            return response.status, json.loads(text) if text else None

    async def get(self, path: str, body: Any = None) -> Answer:
        """GET."""
        return await self.request("GET", path, body)

    async def post(self, path: str, body: Any = None) -> Answer:
        """POST."""
        return await self.request("POST", path, body)

    async def emit(self, action: str, **fields: Any) -> Data:
        """Let something happen."""
        url = f"{self.simulator.url}/sim/emit"
        async with self.http.post(url, json={"action": action, **fields}) as response:
            answer: Data = await response.json()
            assert response.status == 200, answer
            return answer

    @asynccontextmanager
    async def feed(self, transport: str = "webSockets") -> AsyncIterator[Feed]:
        """A started connection."""
        url = f"{self.simulator.url}/webapi/signalr"
        async with (
            RawSignalR(url, transport, headers=self.headers) as client,
            client.connected() as stream,
        ):
            yield Feed(self, client, stream)


class Feed:
    """A connection with subscriptions."""

    def __init__(self, desk: Desk, client: RawSignalR, stream: Stream) -> None:
        self._desk = desk
        self.client = client
        self.stream = stream
        self._kept: list[Data] = []

    async def subscribe(self, path: str, **body: Any) -> str:
        """POST /subscriptions/...; the id."""
        content = {"connectionId": self.client.connection_id, **body}
        status, answer = await self._desk.post(f"v2/subscriptions/{path}", content)
        assert status == 200, answer
        subscription: str = answer["subscriptionId"]
        return subscription

    async def next(self, method: str) -> tuple[str, Data]:
        """The next call of a client method: its subscription and its object."""
        while True:
            for call in self._kept:
                if call["M"] == method:
                    self._kept.remove(call)
                    return call["A"][0], call["A"][1]
            self._kept += (await self.stream.frame()).get("M", ())

    async def nothing_came(self) -> bool:
        """Whether no call is left, by a marker that overtakes nothing on its topic."""
        await self._desk.emit("message", method="marker", data={})
        await self.next("marker")
        return not self._kept


@asynccontextmanager
async def desk(simulator: Simulator, login: str = "gateway") -> AsyncIterator[Desk]:
    """Signed in as somebody."""
    status, answer = await sign_in(simulator.url, f"CONTOSO\\{login}")
    assert status == 200
    async with Desk(simulator, answer["access_token"]) as sat_down:
        yield sat_down
