"""Polled lists and dictionaries of the simulated platform, in both generations."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import quote

import msgspec
import pytest

from connectors.nice_incontact.simulator import Simulator, SimulatorSettings
from tests.support.nice_desk import Desk, desk

QUIET = SimulatorSettings(agents=4, events_per_second=0, acw_seconds=0)
RANGE = "startDate=2026-01-01T00:00:00Z&endDate=2026-01-01T00:15:00Z"


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator(QUIET) as running:
        yield running


@pytest.fixture
async def older(simulator: Simulator) -> AsyncIterator[Desk]:
    async with desk(simulator.url) as signed_in:
        yield signed_in


@pytest.fixture
async def newer(simulator: Simulator) -> AsyncIterator[Desk]:
    async with desk(simulator.url) as signed_in:
        signed_in.version = "30.0"
        yield signed_in


async def test_agents_states_have_the_time_of_the_poll_in_each_row_or_at_the_top(
    older: Desk, newer: Desk
) -> None:
    _, rows = await older.get("agents/states")
    assert rows.keys() == {"agentStates"}
    assert {"lastPollTime", "isAcw", "mediaName"} <= rows["agentStates"][0].keys()
    _, answer = await newer.get("agents/states")
    assert {"lastPollTime", "totalRecords", "_links"} <= answer.keys()
    assert {"isACW", "mediaTypeName"} <= answer["agentStates"][0].keys()
    assert "lastPollTime" not in answer["agentStates"][0]


async def test_only_what_changed_since_is_told(newer: Desk) -> None:
    _, answer = await newer.get("agents/states")
    assert answer["totalRecords"] == 4
    since = quote(answer["lastPollTime"].replace("Z", "+00:00"))
    await newer.emit("state", agent=1002)
    _, answer = await newer.get(f"agents/states?updatedSince={since}")
    assert [row["agentId"] for row in answer["agentStates"]] == [1002]


async def test_active_contacts_are_none_or_wrapped_or_not(older: Desk, newer: Desk) -> None:
    assert (await older.get("contacts/active"))[0] == 204
    await older.emit("incoming", skill=502)
    _, answer = await older.get("contacts/active")
    (row,) = answer["resultSet"]["activeContacts"]
    assert (row["state"], row["skillName"], row["agentId"]) == ("InQueue", "Support", None)
    _, answer = await newer.get("contacts/active")
    (row,) = answer["activeContacts"]
    assert (row["stateName"], row["mediaTypeId"]) == ("InQueue", 4)
    assert "contactStartDate" in row


async def test_an_active_contact_that_ends_is_in_the_other_list(older: Desk) -> None:
    await older.emit("offer", agent=1001)
    await older.emit("answer", agent=1001)
    assert (await older.get("contacts/completed?updatedSince=2020-01-01T00:00:00Z"))[0] == 204
    await older.emit("hang_up", agent=1001)
    assert (await older.get("contacts/active"))[0] == 204
    _, answer = await older.get("contacts/completed?updatedSince=2020-01-01T00:00:00Z")
    (row,) = answer["completedContacts"]
    assert {"contactStart", "fromAddr", "mediaType", "confSeconds"} <= row.keys()
    assert (await older.get("contacts/completed"))[0] == 400
    _, contact = await older.get(f"contacts/{row['contactId']}")
    assert contact["contactId"] == row["contactId"]


async def test_a_contacts_history_tells_its_states(older: Desk) -> None:
    contact = (await older.emit("offer", agent=1001))["contact"]
    await older.emit("answer", agent=1001)
    _, answer = await older.get(f"contacts/{contact}/statehistory")
    names = [row["contactStateName"] for row in answer["contactStateHistory"]]
    assert names == ["InQueue", "Routing", "Active"]
    assert (await older.get("contacts/1/statehistory"))[0] == 404


async def test_skills_tell_what_happens_in_them(older: Desk, newer: Desk) -> None:
    await older.emit("incoming", skill=501, count=2)
    _, answer = await older.get("skills/501/activity")
    (row,) = answer["resultSet"]["skillActivity"]
    assert (row["queueCount"], row["agentsLoggedIn"]) == (2, 4)
    _, answer = await newer.get("skills/activity")
    assert len(answer["skillActivity"]) == 4
    assert {"inSLA", "earliestQueueTime"} <= answer["skillActivity"][0].keys()


async def test_a_long_list_says_where_it_goes_on(newer: Desk) -> None:
    _, answer = await newer.get("agents/states?top=3")
    assert (len(answer["agentStates"]), answer["totalRecords"]) == (3, 4)
    headers = {"Authorization": f"bearer {newer.token}"}
    async with newer.http.get(answer["_links"]["next"], headers=headers) as reply:
        rest = await reply.json()
    assert [row["agentId"] for row in rest["agentStates"]] == [1004]
    assert "next" not in rest["_links"]


async def test_no_reply_has_more_rows_than_the_server_gives() -> None:
    settings = msgspec.structs.replace(QUIET, page_rows=2)
    async with Simulator(settings) as running, desk(running.url) as somebody:
        somebody.version = "30.0"
        _, answer = await somebody.get("agents/states?top=500")
        assert len(answer["agentStates"]) == 2


async def test_only_the_fields_that_were_asked_for_are_told(older: Desk) -> None:
    _, answer = await older.get("agents/states?fields=agentId,agentStateName")
    assert answer["agentStates"][0].keys() == {"agentId", "agentStateName", "lastPollTime"}


async def test_service_levels_are_in_pascal_case_or_as_texts_in_camel_case(older: Desk) -> None:
    _, answer = await older.get(f"skills/sla-summary?{RANGE}")
    assert answer["serviceLevelSummaries"][0]["TotalContacts"] == 0
    settings = msgspec.structs.replace(QUIET, report_names="camel")
    async with Simulator(settings) as running, desk(running.url) as somebody:
        _, answer = await somebody.get(f"skills/sla-summary?{RANGE}")
        assert answer["serviceLevelSummaries"][0]["totalContacts"] == "0"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"agents/performance?{RANGE}", 200),
        (f"teams/performance-total?{RANGE}", 200),
        ("agents/performance?startDate=2026-01-01T00:01:00Z&endDate=2026-01-01T00:15:00Z", 400),
        ("agents/performance?startDate=2026-01-01T00:15:00Z&endDate=2026-01-01T00:00:00Z", 400),
        ("agents/performance", 400),
        ("skills/summary?startDate=2026-01-01&endDate=2026-02-15", 400),
        (f"skills/summary?{RANGE}", 200),
        ("agents/states?updatedSince=yesterday", 400),
    ],
)
async def test_ranges_of_time_have_their_rules(older: Desk, path: str, status: int) -> None:
    assert (await older.get(path))[0] == status


async def test_dictionaries(older: Desk) -> None:
    _, agents = await older.get("agents")
    assert [row["agentId"] for row in agents["agents"]] == [1000, 1001, 1002, 1003, 1004]
    _, teams = await older.get("teams")
    assert [row["teamName"] for row in teams["teams"]] == ["Blue Team", "Red Team"]
    _, skills = await older.get("skills")
    assert [row["skillId"] for row in skills["skills"]] == [501, 502, 503, 504]
    _, dispositions = await older.get("skills/501/dispositions")
    assert dispositions["dispositions"][0]["dispositionName"] == "Resolved"
    _, codes = await older.get("teams/1/unavailable-codes")
    names = [row["outStateName"] for row in codes["unavailableCodes"]]
    assert names == ["Break", "Lunch", "Meeting", "Training", "Wrap Up"]
    older.version = "12.0"
    _, wrapped = await older.get("teams/1/unavailable-codes")
    assert wrapped == {"resultSet": codes}
    assert (await older.get("teams/9/unavailable-codes"))[0] == 404
    _, states = await older.get("contact-state-descriptions")
    assert "EndContact" in {
        row["ContactStateDescription"] for row in states["contactStateDescriptions"]
    }
