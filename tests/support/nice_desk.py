"""A consumer of NICE inContact's APIs that hides nothing: tests sign in, join sessions, poll and send commands."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from tests.support.processes import eventually

GATEWAY, FIRST = "gateway@example.com", "agent0001@example.com"
Data = dict[str, Any]
Answer = tuple[int, Any]


def key(name: str = "Tieline@Example", unit: str = "4711") -> str:
    """What stands in the Authorization header of a request for a token."""
    return "basic " + base64.b64encode(f"{name}:{unit}".encode()).decode()


async def ask_token(
    url: str, body: Mapping[str, Any], *, authorization: str | None = None
) -> Answer:
    """A request to the Central service: status and JSON."""
    headers = {"Authorization": authorization if authorization is not None else key()}
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{url}/InContactAuthorizationServer/Token", json=body, headers=headers) as reply,
    ):
        return reply.status, await reply.json()


async def sign_in(url: str, user: str = GATEWAY) -> str:
    """A token of a user, by the password grant."""
    body = {"grant_type": "password", "username": user, "password": "secret", "scope": ""}
    status, answer = await ask_token(url, body)
    assert status == 200, answer
    token: str = answer["access_token"]
    return token


class Desk:
    """Somebody signed in."""

    def __init__(self, url: str, token: str, http: aiohttp.ClientSession) -> None:
        self.url = url
        self.token = token
        self.http = http
        self.version = "23.0"
        self.reason = ""
        """The reason phrase of the last answer."""

    async def request(self, method: str, path: str, body: Any = None) -> Answer:
        """Any request below services/vN/: status and decoded body."""
        address = f"{self.url}/inContactAPI/services/v{self.version}/{path}"
        headers = {"Authorization": f"bearer {self.token}"}
        async with self.http.request(method, address, json=body, headers=headers) as reply:
            text = await reply.text()
            self.reason = reply.reason or ""
            return reply.status, json.loads(text) if text else None

    async def get(self, path: str) -> Answer:
        """GET."""
        return await self.request("GET", path)

    async def post(self, path: str, body: Any = None) -> Answer:
        """POST."""
        return await self.request("POST", path, body)

    async def emit(self, action: str, **fields: Any) -> Data:
        """Let something happen."""
        async with self.http.post(
            f"{self.url}/sim/emit", json={"action": action, **fields}
        ) as reply:
            answer: Data = await reply.json()
            assert reply.status == 200, answer
            return answer

    async def join(self, agent: int) -> Session:
        """Join the session of an agent."""
        status, answer = await self.post("agent-sessions/join", {"asAgentId": str(agent)})
        assert status == 202, self.reason
        return Session(self, answer["sessionId"])

    async def start(self, **body: Any) -> Session:
        """Start an own session."""
        status, answer = await self.post(
            "agent-sessions", {"stationPhoneNumber": "+18015550042", **body}
        )
        assert status == 202, self.reason
        return Session(self, answer["sessionId"])


class Session:
    """A joined session."""

    def __init__(self, desk: Desk, session_id: str) -> None:
        self.desk = desk
        self.first = session_id
        self.id = session_id
        self.events: list[Data] = []

    async def poll(self, timeout: float = 0, *, session_id: str | None = None) -> Answer:
        """One poll; on 200 the next id is taken over and the events are kept."""
        path = f"agent-sessions/{session_id or self.id}/get-next-event?timeout={timeout}"
        status, answer = await self.desk.get(path)
        if status == 200:
            self.id = answer["sessionId"]
            self.events += answer["events"]
        return status, answer

    async def news(self) -> list[Data]:
        """What is there now."""
        status, answer = await self.poll()
        events: list[Data] = answer["events"] if status == 200 else []
        return events

    async def until(self, kind: str, **fields: str) -> Data:
        """Poll until an event of that type with these fields comes."""

        async def look() -> Data | None:
            return next((one for one in await self.news() if _is(one, kind, fields)), None)

        found: Data = await eventually(look, f"{kind} {fields}")
        return found

    async def command(self, path: str, body: Any = None) -> int:
        """POST below the session; the status."""
        return (await self.desk.post(f"agent-sessions/{self.id}/{path}", body))[0]

    async def contact(self, contact: str, path: str, body: Any = None) -> int:
        """POST about a contact; the status."""
        return await self.command(f"interactions/{contact}/{path}", body)


def _is(event: Data, kind: str, fields: Mapping[str, str]) -> bool:
    return event["Type"] == kind and all(event.get(name) == value for name, value in fields.items())


def story(events: list[Data]) -> list[str]:
    """Events in short: type, and the status or state that they tell."""
    told = []
    for event in events:
        words = [event["Type"], event.get("Status") or event.get("CurrentState") or ""]
        if event.get("FinalState") == "True":
            words.append("final")
        if event.get("IsAcw") == "True":
            words.append("acw")
        told.append(" ".join(word for word in words if word))
    return told


@asynccontextmanager
async def desk(url: str, user: str = GATEWAY) -> AsyncIterator[Desk]:
    """Signed in as somebody."""
    token = await sign_in(url, user)
    async with aiohttp.ClientSession() as http:
        yield Desk(url, token, http)
