"""The simulator's statistics, dictionaries, services and workbins, by plain requests."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from connectors.genesys_web_services._simulated.workbins import id_of
from connectors.genesys_web_services.simulator import Simulator, SimulatorSettings

PERIOD_MS = 1000


class Person:
    """One account that asks the simulator."""

    def __init__(self, http: aiohttp.ClientSession, url: str, username: str) -> None:
        self._http = http
        self._url = url
        credentials = base64.b64encode(f"{username}:secret".encode()).decode()
        self._headers = {"Authorization": f"Basic {credentials}"}

    async def get(self, path: str) -> dict[str, Any]:
        """What the server answers."""
        async with self._http.get(f"{self._url}{path}", headers=self._headers) as reply:
            found: dict[str, Any] = await reply.json()
            return found

    async def post(self, path: str, **body: Any) -> dict[str, Any]:
        """What the server answers to an operation."""
        async with self._http.post(f"{self._url}{path}", headers=self._headers, json=body) as reply:
            found: dict[str, Any] = await reply.json()
            return found


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    settings = SimulatorSettings(
        agents=2, events_per_second=0, supervisors=1, statistics_period_ms=PERIOD_MS
    )
    async with Simulator(settings) as running:
        yield running


@pytest.fixture
async def supervisor(simulator: Simulator) -> AsyncIterator[Person]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        yield Person(http, simulator.url, "agent0001")


@pytest.fixture
async def agent(simulator: Simulator) -> AsyncIterator[Person]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        yield Person(http, simulator.url, "agent0002")


async def test_a_range_of_values_comes_newest_first_and_as_many_as_wanted(agent: Person) -> None:
    newest = (await agent.get("/api/v1/stats/9001/ServiceLevel"))["statistics"][0]["values"]
    three = await agent.get("/api/v1/stats/9001/ServiceLevel?numValues=3")
    begin = newest[0]["time"] - 5 * PERIOD_MS
    ranged = await agent.get(
        f"/api/v1/stats/9001/ServiceLevel?from={begin}&to={begin + 2 * PERIOD_MS}"
    )

    def times(reply: dict[str, Any]) -> list[int]:
        return [value["time"] for value in reply["statistics"][0]["values"]]

    assert len(newest) == 1
    assert [a - b for a, b in zip(times(three), times(three)[1:], strict=False)] == [PERIOD_MS] * 2
    assert times(ranged) == [begin + 2 * PERIOD_MS, begin + PERIOD_MS, begin]


@pytest.mark.parametrize(
    ("path", "code"),
    [("404", 6), ("9001/Nothing", 6), ("9001/ServiceLevel?from=yesterday", 2)],
)
async def test_what_has_no_statistics_is_refused(agent: Person, path: str, code: int) -> None:
    assert (await agent.get(f"/api/v1/stats/{path}"))["statusCode"] == code


@pytest.mark.parametrize("name", ["queues", "skills", "devices"])
async def test_some_dictionaries_are_for_supervisors(
    agent: Person, supervisor: Person, name: str
) -> None:
    assert (await agent.get(f"/api/v2/{name}?fields=*"))["statusCode"] == 5
    assert (await supervisor.get(f"/api/v2/{name}?fields=*"))[name]


async def test_a_list_is_of_uris_without_fields(simulator: Simulator, agent: Person) -> None:
    reply = await agent.get("/api/v2/users")

    ids = [one.id for one in simulator.world.agents.values()]
    assert reply["uris"] == [f"{simulator.world.base}/users/{one}" for one in ids]


async def test_a_service_is_shown_as_a_list_of_one(simulator: Simulator, agent: Person) -> None:
    simulator.dictionaries.set_service("Voice", "Inactive")

    reply = await agent.get("/api/v2/services/voice")

    assert [(one["name"], one["state"]) for one in reply["service"]] == [("Voice", "Inactive")]


async def test_who_watches_a_workbin_hears_of_it_until_the_watch_ends(
    simulator: Simulator, agent: Person
) -> None:
    path = f"/api/v2/workbins/{id_of('Drafts')}"

    assert await agent.post(path, operationName="Subscribe") == {"status": 0}
    assert simulator.workbins.watchers("Drafts") == ["agent0002"]
    await agent.post(path, operationName="Unsubscribe")
    assert simulator.workbins.watchers("Drafts") == []


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("bm9uZQ==", {"operationName": "Subscribe"}, 6),
        (id_of("Drafts"), {"operationName": "Watch"}, 2),
        (id_of("Drafts"), {}, 2),
    ],
)
async def test_what_cannot_be_watched_is_refused(
    agent: Person, path: str, body: dict[str, Any], code: int
) -> None:
    assert (await agent.post(f"/api/v2/workbins/{path}", **body))["statusCode"] == code


async def test_a_watch_ends_with_its_http_session(simulator: Simulator, agent: Person) -> None:
    await agent.post(f"/api/v2/workbins/{id_of('Drafts')}", operationName="Subscribe")
    simulator._sessions.end_all("agent0002")

    assert simulator.workbins.watchers("Drafts") == []


async def test_what_is_parked_is_content_of_its_workbin(
    simulator: Simulator, agent: Person
) -> None:
    owner = simulator.world.agents["agent0001"]
    email = simulator.media.invite(owner, "email")
    simulator.media.park(owner, email, "Drafts")

    reply = await agent.get(f"/api/v2/me/workbins/{id_of('Drafts')}/interactions?fields=*")

    assert [one["InteractionId"] for one in reply["interactions"]] == [email.id]
