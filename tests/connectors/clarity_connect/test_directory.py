"""Every reading method of the Web API, against the simulator."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from connectors.clarity_connect.directory import INCLUDES, Directory, Structure
from connectors.clarity_connect.settings import Subscription
from connectors.clarity_connect.simulator import Simulator
from gateway.contracts import DirectoryKind
from gateway.errors import AuthRejected, NotReady, Reason
from tests.connectors.clarity_connect.harness import Consumer, connected_to, emit, simulated


class Site:
    """A simulator, and questions to it."""

    def __init__(self, simulator: Simulator, directory: Directory) -> None:
        self.simulator = simulator
        self.directory = directory

    async def chat(self) -> str:
        """A chat that agent 101 has answered, with a line."""
        await emit(self.simulator, "status", agent="agent0001", status="available")
        await emit(self.simulator, "incoming", modality="instantMessage")
        await emit(self.simulator, "offer", agent="agent0001")
        told = await emit(self.simulator, "answer", agent="agent0001")
        await emit(self.simulator, "say", agent="agent0001")
        return str(told["session"])


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with simulated() as simulator, connected_to(simulator.url) as connector:
        yield Site(simulator, connector.directory)


async def test_base_info(site: Site) -> None:
    told = await site.directory.info()

    assert "webSockets" in told["signalRTransports"]
    assert {"version", "relativeUrl"} <= told["apiVersions"][0].keys()


async def test_base_profile(site: Site) -> None:
    told = await site.directory.profile()

    assert told["id"] == 1
    assert told["hiddenQueues"]["count"] == 1


async def test_mbu_structure(site: Site) -> None:
    structure = await site.directory.structure()

    assert "101" in structure.agents
    assert structure.queues == ["1", "2", "3", "4"]
    everybody = set(structure.agents)
    for wanted in ({"team_ids": (1,)}, {"group_ids": (1,)}, {"business_unit_ids": (1,)}):
        found = structure.agents_of(Subscription(name="x", to="agents", **wanted))  # type: ignore[arg-type] - a table of settings
        assert set(found) <= everybody
    assert structure.agents_of(Subscription(name="x", to="agents")) == structure.agents
    assert structure.agents_of(Subscription(name="x", to="queues")) == []
    assert structure.name_of("101")


def test_the_vendors_structure_is_read() -> None:
    structure = Structure(
        {
            "agents": [{"type": "Agent", "id": 7, "name": "Test", "teamId": 2}],
            "queues": [{"type": "Queue", "id": 9}],
            "groups": [{"id": 4, "teamIds": [2]}],
            "businessUnits": [{"id": 3, "teamIds": [2], "queueIds": [9]}],
        }
    )

    for wanted in ({"team_ids": (2,)}, {"group_ids": (4,)}, {"business_unit_ids": (3,)}):
        assert structure.agents_of(Subscription(name="x", to="agents", **wanted)) == ["7"]  # type: ignore[arg-type] - a table of settings
    assert structure.everyone() == {"agents": ["7"], "queues": ["9"]}


async def test_dashboard_settings(site: Site) -> None:
    assert (await site.directory.dashboard_settings())["templateId"] == 1


async def test_sessions_by_agent(site: Site) -> None:
    assert await site.directory.sessions_of("101") == []
    session = await site.chat()

    (told,) = await site.directory.sessions_of("101")

    assert str(told["sessionId"]) == session
    assert told["modality"] == "InstantMessage"


async def test_transcript(site: Site) -> None:
    session = await site.chat()

    (line,) = await site.directory.transcript(session)
    assert line["message"] == "Hello"
    assert await site.directory.transcript(session, start="2000-01-01T00:00:00.000Z", size=5)
    with pytest.raises(NotReady) as raised:
        await site.directory.transcript(session, size=5)
    assert raised.value.reason is Reason.CLIENT_ERROR


async def test_session_by_id_with_everything(site: Site) -> None:
    session = await site.chat()

    told = await site.directory.session(session, includes=INCLUDES)

    assert {
        "customerHistory", "aftercallOptions", "holdTimerThreshold", "imPrompts", "ivrData",
        "callDispositions", "transcript", "extraItems", "sessionEventHistory", "sessionMessages",
        "agents", "offers",
    } <= told.keys()  # fmt: skip
    assert "imPrompts" not in await site.directory.session(session)


async def test_gruu(site: Site) -> None:
    assert "gruu" in (await site.directory.gruu(await site.chat()) or "")


async def test_customer_history(site: Site) -> None:
    session = await site.chat()

    assert isinstance(await site.directory.customer_history(session), list)
    assert isinstance(
        await site.directory.customer_history(session, start="2016-06-15", limit=3), list
    )


async def test_status_of_an_agent(site: Site) -> None:
    await emit(site.simulator, "status", agent="agent0001", status="atLunch")

    assert (await site.directory.status("101"))["currentStatus"]["agentStatus"] == "atLunch"


async def test_statuses_of_an_agent(site: Site) -> None:
    told = await site.directory.statuses("101")

    assert {"On Break", "At Lunch"} <= {status.get("reasonCodeName") for status in told}


@pytest.mark.parametrize("resource", ["", "metrics", "sessions", "status"])
async def test_agent_by_id_in_every_form(site: Site, resource: str) -> None:
    session = await site.chat()

    told = await site.directory.agent("101", resource=resource)

    assert ("metrics" in told) == (resource in {"", "metrics"})
    assert ("currentStatus" in told) == (resource in {"", "status"})
    assert (session in str(told)) == (resource in {"", "sessions"})


async def test_properties_are_asked_for_by_post(site: Site) -> None:
    told = await site.directory.agent("101", properties={"statusProperties": ["agentStatus"]})

    assert list(told["currentStatus"]) == ["agentStatus"]
    assert "metrics" not in told


async def test_agents_by_id_in_pieces(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.clarity_connect.directory.CHUNK", 2)
    for status in ("available", "atLunch"):
        await emit(site.simulator, "status", agent="agent0001", status=status)

    told = await site.directory.agents(
        ["101", "102", "103"], flags={"includeStatusHistory": "true"}
    )

    assert [agent["id"] for agent in told] == [101, 102, 103]
    assert "statusHistory" in told[0]


async def test_aggregated_agents(site: Site) -> None:
    told = await site.directory.agents_aggregated({"agentIds": "101,102"})

    assert told["entityIds"] == [101, 102]


async def test_grouped_agents(site: Site) -> None:
    told = await site.directory.agents_grouped(
        {"teamIds": "1,2"}, {"metricProperties": ["ronaCount"]}
    )

    assert [(one["groupType"], one["groupId"]) for one in told] == [("team", 1), ("team", 2)]


async def test_strings(site: Site) -> None:
    assert (await site.directory.strings("en-us"))["abandonedCount"] == "Abandoned Count"
    with pytest.raises(NotReady) as raised:
        await site.directory.strings("xx")
    assert raised.value.reason is Reason.NOT_FOUND


async def test_specific_server(site: Site) -> None:
    assert await site.directory.specific_server() == f"{site.simulator.url}/webapi"


async def test_search(site: Site) -> None:
    structure = await site.directory.structure()
    name = structure.name_of("101") or ""

    told = await site.directory.search(name)

    assert told["message"]
    assert await site.directory.sip_of("101", name)
    assert await site.directory.sip_of("999", name) is None


async def test_a_line_is_written_into_the_log(site: Site) -> None:
    await site.directory.write_log("hello", level="verbose", component="auth")

    (line,) = site.simulator.people.client_logs
    assert (line["message"], line["loglevel"], line["component"]) == ("hello", "verbose", "auth")


async def test_an_agent_that_may_not_be_seen_is_forbidden(site: Site) -> None:
    with pytest.raises(AuthRejected):
        await site.directory.agent("9999")


async def test_the_directory_has_the_structure_and_the_reasons() -> None:
    """Under the ids that events use; nothing is asked for while the feed is not connected."""
    async with simulated() as simulator, connected_to(simulator.url) as connector:
        with pytest.raises(NotReady):
            await connector.read_directory(DirectoryKind.AGENTS)
        async with Consumer(connector):
            listings = {
                kind: (await connector.read_directory(kind)).entries
                for kind in connector.directory_kinds
            }
    assert {kind.value for kind in listings} == {
        "agents",
        "teams",
        "groups",
        "business_units",
        "queues",
        "states",
    }
    assert all(listings.values())
    anybody = listings[DirectoryKind.AGENTS][0]
    assert anybody.id.isdecimal()
    assert anybody.name != anybody.id
    assert "teamId" in anybody.details
    assert "At Lunch" in {entry.id for entry in listings[DirectoryKind.STATES]}
