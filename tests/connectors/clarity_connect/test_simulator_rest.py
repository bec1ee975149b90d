"""The simulated server's REST API, method by method."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from connectors.clarity_connect.simulator import Simulator
from tests.support.clarity_desk import QUIET, Data, Desk, desk

BAG = {"audio", "instantMessage", "message", "agnostic"}


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator(QUIET) as running:
        yield running


@pytest.fixture
async def supervisor(simulator: Simulator) -> AsyncIterator[Desk]:
    async with desk(simulator) as sat_down:
        yield sat_down


async def active(supervisor: Desk, agent: str = "agent0001", modality: str = "audio") -> int:
    """A session that the agent has answered."""
    await supervisor.emit("status", agent=agent, status="available")
    session: int = (await supervisor.emit("incoming", queue=1, modality=modality))["session"]
    await supervisor.emit("offer", agent=agent, session=session)
    await supervisor.emit("answer", session=session)
    return session


async def test_info(supervisor: Desk) -> None:
    _, info = await supervisor.get("info")
    assert info["signalRTransports"] == ["webSockets", "serverSentEvents", "longPolling"]
    assert {"version": "2", "relativeUrl": "/v2"} in info["apiVersions"]


async def test_the_structure_leaves_empty_lists_out(supervisor: Desk) -> None:
    _, mbu = await supervisor.get("v2/profile/mbu")
    assert set(mbu) == {"agents", "queues", "teams", "groups", "businessUnits"}
    assert all([] not in entity.values() for entities in mbu.values() for entity in entities)
    assert [team["businessUnitId"] for team in mbu["teams"]] == [1, 2]


async def test_the_other_parts_of_the_profile(supervisor: Desk) -> None:
    assert (await supervisor.get("v2/profile"))[1]["type"] == "agent"
    assert (await supervisor.get("v2/profile/dashboardsettings"))[1]["templateId"] == 1


async def test_paths_are_found_in_any_case(supervisor: Desk) -> None:
    assert (await supervisor.get("V2/AGENTSTATUS/101?CURRENTONLY=true"))[0] == 200


async def test_what_does_not_exist_is_a_404_and_another_method_a_405(supervisor: Desk) -> None:
    assert (await supervisor.get("v2/unheard/of"))[0] == 404
    assert (await supervisor.get("v2/subscriptions/alerts"))[0] == 405


async def test_the_status_of_an_agent_has_names_and_ids(supervisor: Desk) -> None:
    await supervisor.emit("status", agent="agent0001", status="unavailable", reason=3)
    status, answer = await supervisor.get("v2/agentStatus/101?currentOnly=true")
    current = answer["currentStatus"]
    assert status == 200
    assert (current["agentStatus"], current["agentStatusId"]) == ("unavailable", 3)
    assert (current["reasonCodeName"], current["reasonCodeId"]) == ("In A Meeting", 3)
    assert (await supervisor.get("v2/agentStatus/101"))[0] == 400


async def test_the_list_of_statuses_has_every_status_and_reason(supervisor: Desk) -> None:
    _, answer = await supervisor.get("v2/agentStatus/list/101")
    assert answer["count"] == len(answer["items"]) == 19 + 4
    assert {item["agentStatusId"] for item in answer["items"]} == {*range(1, 21)} - {13}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"agentStatusId": 3, "reasonCodeId": 1}, ("unavailable", 1, False)),
        ({"reasonCodeId": 2}, ("unavailable", 2, False)),
        ({"agentStatusId": 1}, ("available", None, False)),
        ({"isSuspended": True}, ("loggedOut", None, True)),
        ({"agentStatusId": 2}, ("loggedOut", None, False)),
    ],
)
async def test_setting_a_status(supervisor: Desk, body: Data, expected: tuple[object, ...]) -> None:
    """A status that only sessions bring about is accepted and changes nothing."""
    assert await supervisor.post("v2/agentstatus/update/101", body) == (204, None)
    _, answer = await supervisor.get("v2/agentStatus/101?currentOnly=true")
    current = answer["currentStatus"]
    found = (current["agentStatus"], current.get("reasonCodeId"), current["isSuspended"])
    assert found == expected


@pytest.mark.parametrize(
    "body",
    [
        None,
        {},
        {"agentStatusId": 1, "isSuspended": True},
        {"agentStatusId": 1, "reasonCodeId": 1},
        {"agentStatusId": 13},
        {"isSuspended": "perhaps"},
    ],
)
async def test_a_status_that_contradicts_itself_is_a_400(supervisor: Desk, body: Data) -> None:
    assert (await supervisor.post("v2/agentStatus/update/101", body))[0] == 400


async def test_sessions_of_an_agent(supervisor: Desk) -> None:
    session = await active(supervisor)
    _, answer = await supervisor.get("v2/sessions?agentId=101&activeOnly=true")
    [found] = answer["items"]
    assert (answer["count"], found["sessionId"], found["sessionStatus"]) == (1, session, "Active")
    assert (found["modality"], found["modalityId"], found["queueName"]) == (
        "Audio",
        2,
        "New Orders",
    )
    assert (await supervisor.get("v2/sessions?agentId=102&activeOnly=true"))[1]["count"] == 0
    assert (await supervisor.get("v2/sessions?agentId=101&activeOnly=false"))[0] == 400


INCLUDES = {
    "includeCustomerHistory": "customerHistory",
    "includeImPrompts": "imPrompts",
    "includeIvrData": "ivrData",
    "includeDispositions": "callDispositions",
    "includeCurrentTranscript": "transcript",
    "includeExtraItems": "extraItems",
    "includeSessionEventHistory": "sessionEventHistory",
    "includeAftercallOptions": "aftercallOptions",
    "includeHoldTimerThreshold": "holdTimerThreshold",
}


@pytest.mark.parametrize("include", INCLUDES)
async def test_a_session_includes_what_was_asked_for_and_nothing_else(
    supervisor: Desk, include: str
) -> None:
    session = await active(supervisor)
    _, answer = await supervisor.get(f"v2/sessions/{session}?{include}=true")
    assert {name for name in INCLUDES.values() if name in answer} == {INCLUDES[include]}
    assert answer["agents"]["items"][0]["agentParticipationType"] == "Agent"


async def test_a_session_that_is_offered_held_and_recorded_says_so(supervisor: Desk) -> None:
    session = await active(supervisor)
    await supervisor.emit("hold", session=session)
    await supervisor.emit("record", session=session)
    await supervisor.emit("whisper_join", session=session)
    _, answer = await supervisor.get(f"v2/sessions/{session}")
    assert answer["isOnHold"]
    assert "holdStartTime" in answer
    assert answer["isRecording"]
    assert (answer["isWhisperJoined"], answer["canBeSilentJoined"]) == (True, False)
    assert {one["agentParticipationTypeId"] for one in answer["agents"]["items"]} == {1, 7}
    waiting = (await supervisor.emit("incoming"))["session"]
    await supervisor.emit("offer", agent="agent0002", session=waiting)
    _, offered = await supervisor.get(f"v2/sessions/{waiting}")
    assert offered["offers"]["items"][0]["agentParticipationStatus"] == "Offering"


async def test_an_unknown_session_is_a_500(supervisor: Desk) -> None:
    assert (await supervisor.get("v2/sessions/1"))[0] == 500


async def test_the_transcript_of_an_instant_message(supervisor: Desk) -> None:
    session = await active(supervisor, modality="instantMessage")
    for _ in range(3):
        await supervisor.emit("say", session=session)
    _, answer = await supervisor.get(f"v2/sessions/{session}/transcript")
    assert (answer["count"], answer["items"][0]["type"]) == (3, "imMessage")
    path = f"v2/sessions/{session}/transcript?"
    assert (await supervisor.get(f"{path}size=1"))[0] == 400
    assert (await supervisor.get(f"{path}startTimestamp=2000&endTimestamp=2100&size=1"))[0] == 400
    assert (await supervisor.get(f"{path}startTimestamp=2000&size=2"))[1]["count"] == 2


async def test_the_history_of_a_customer(supervisor: Desk, simulator: Simulator) -> None:
    session = await active(supervisor)
    earlier = await active(supervisor, "agent0002")
    simulator.world.sessions[earlier].customer = simulator.world.sessions[session].customer
    await supervisor.emit("finish", session=earlier)
    await supervisor.emit("complete", session=earlier)
    path = f"v2/sessions/customerHistory/{session}"
    _, answer = await supervisor.get(path)
    assert [one["sessionId"] for one in answer["items"]] == [earlier]
    assert (await supervisor.get(f"{path}?start=2016-6-15 5:30:00.15"))[1]["count"] == 1
    assert (await supervisor.get(f"{path}?end=2016-6-15"))[1]["count"] == 0
    assert (await supervisor.get(f"{path}?limit=10"))[0] == 500


async def test_notes_dispositions_and_extra_items_are_kept(supervisor: Desk) -> None:
    session = await active(supervisor)
    root = f"v2/sessions/{session}"
    item = {"extraItemId": 12, "extraItemName": "Subject", "extraItemValue": "test"}
    assert await supervisor.get(f"{root}/setextraitems", item) == (204, None)
    assert await supervisor.get(f"{root}/setcallnotes", {"note": "called twice"}) == (204, None)
    disposition = {"dispositionId": 4, "subDispositionId": 8}
    assert await supervisor.get(f"{root}/setdispositions", disposition) == (204, None)
    _, answer = await supervisor.get(f"{root}?includeExtraItems=true")
    assert answer["callNote"] == "called twice"
    assert answer["selectedCallDisposition"]["name"] == "Accounts"
    assert answer["selectedCallSubDisposition"]["name"] == "Password Change"
    assert {"Subject", "CallerPhoneNumber"} == {one["key"] for one in answer["extraItems"]["items"]}


@pytest.mark.parametrize("path", ["setextraitems", "setcallnotes", "setdispositions"])
async def test_a_change_without_a_body_is_a_400(supervisor: Desk, path: str) -> None:
    session = await active(supervisor)
    assert (await supervisor.get(f"v2/sessions/{session}/{path}"))[0] == 400


async def test_recording_answers_for_every_session(supervisor: Desk, simulator: Simulator) -> None:
    first, second = await active(supervisor), await active(supervisor)
    simulator.world.sessions[second].can_be_recorded = False
    control = "v2/sessions/callcontrol"
    _, answer = await supervisor.post(f"{control}/startRecordingSessions/101")
    found = {one["sessionId"]: one for one in answer["items"]}
    assert found[first]["isRecording"]
    assert (found[second]["isRecording"], found[second]["requestDenied"]) == (False, True)
    _, answer = await supervisor.post(f"{control}/stopRecordingSessions/101")
    assert not any(one["isRecording"] for one in answer["items"])
    empty = await supervisor.post(f"{control}/startRecordingSessions/102")
    assert empty == (200, {"items": [], "count": 0})
    simulator.world.agents[101].can_record = False
    assert (await supervisor.post(f"{control}/startRecordingSessions/101"))[0] == 401


async def test_unregistering_ends_sessions_and_logs_out(supervisor: Desk) -> None:
    session = await active(supervisor)
    status, _ = await supervisor.post("v2/profile/unregister?sip=agent0001@contoso.example.com")
    assert status == 200
    _, answer = await supervisor.get("v2/agentStatus/101?currentOnly=true")
    assert answer["currentStatus"]["agentStatus"] == "loggedOut"
    assert (await supervisor.get(f"v2/sessions/{session}"))[1]["sessionStatus"] == "Completed"


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_metrics_of_agents_one_several_summed_and_grouped(
    supervisor: Desk, method: str
) -> None:
    await active(supervisor)
    await active(supervisor, "agent0002")
    root = "v2/metrics/agents"
    _, one = await supervisor.request(method, f"{root}/101")
    assert (one["id"], one["type"], set(one["metrics"])) == (101, "agent", BAG)
    assert one["metrics"]["audio"]["answeredCount"] == 1
    assert one["sessions"]["audio"]["sessions"][0]["agentId"] == 101
    _, several = await supervisor.request(method, f"{root}?agentIds=101,102")
    assert [each["id"] for each in several] == [101, 102]
    _, summed = await supervisor.request(method, f"{root}/aggregateBy?agentIds=101,102")
    assert summed["metrics"]["audio"]["answeredCount"] == 2
    assert summed["entityIds"] == [101, 102]
    _, groups = await supervisor.request(method, f"{root}/groupBy?businessUnitIds=1,2")
    assert [(each["groupType"], each["groupId"]) for each in groups] == [
        ("businessUnit", 1),
        ("businessUnit", 2),
    ]


async def test_a_team_wins_over_a_group_when_both_are_named(supervisor: Desk) -> None:
    _, groups = await supervisor.get("v2/metrics/agents/groupBy?groupIds=1,2&teamIds=2")
    assert [(each["groupType"], each["groupId"]) for each in groups] == [("team", 2)]


@pytest.mark.parametrize(
    ("part", "names"),
    [("metrics", {"metrics"}), ("sessions", {"sessions"}), ("status", {"currentStatus"})],
)
async def test_one_part_of_an_agents_metrics(supervisor: Desk, part: str, names: set[str]) -> None:
    await active(supervisor)
    for path in (f"101/{part}", f"{part}?agentIds=101"):
        _, answer = await supervisor.get(f"v2/metrics/agents/{path}")
        one = answer[0] if isinstance(answer, list) else answer
        assert set(one) == {"type", "name", "id"} | names


async def test_a_body_chooses_properties(supervisor: Desk) -> None:
    await active(supervisor)
    body = {"metricProperties": ["takenCount"], "statusProperties": ["agentStatus"]}
    _, answer = await supervisor.post("v2/metrics/agents/101?modalities=audio", body)
    assert answer["metrics"] == {"audio": {"takenCount": 1}}
    assert answer["currentStatus"] == {"agentStatus": "inCall"}
    assert "sessions" not in answer


async def test_breakdowns_and_status_history_come_when_asked_for(supervisor: Desk) -> None:
    await active(supervisor)
    query = "includeBreakdowns=true&includeStatusHistory=true"
    _, answer = await supervisor.get(f"v2/metrics/agents/101?{query}")
    [split] = answer["breakdowns"]
    assert split["metrics"]["audio"]["answeredCount"] == 1
    assert [one["agentStatus"] for one in answer["statusHistory"]] == [
        "loggedOut",
        "available",
        "ringing",
    ]


@pytest.mark.parametrize("path", ["", "/aggregateBy", "/groupBy", "/metrics", "/999"])
async def test_metrics_without_an_entity_or_of_an_unknown_one_are_a_401(
    supervisor: Desk, path: str
) -> None:
    assert (await supervisor.get(f"v2/metrics/agents{path}"))[0] == 401


async def test_the_specific_server_is_this_one(supervisor: Desk, simulator: Simulator) -> None:
    answer = await supervisor.get("v2/metrics/specificserver")
    assert answer == (200, f"{simulator.url}/webapi")


async def test_strings_search_and_client_logs(supervisor: Desk, simulator: Simulator) -> None:
    strings = "v2/resources/dashboard/localization"
    assert (await supervisor.get(f"{strings}/en-us"))[1]["queuedCount"] == "Queued Count"
    assert (await supervisor.get(f"{strings}/xx-xx"))[0] == 404
    _, found = await supervisor.get("v2/search/orders")
    assert [one["queueName"] for one in found["queuesFound"]] == ["New Orders"]
    _, found = await supervisor.get("v2/search/agent0003")
    assert [one["agentId"] for one in found["agentsFound"]] == [103]
    assert (await supervisor.post("v2/clientlogs", {"message": "test"}))[0] == 200
    assert (await supervisor.post("v2/clientlogs", {"message": ""}))[0] == 400
    assert len(simulator.people.client_logs) == 1


async def test_a_batch_answers_each_request_with_its_own_code(supervisor: Desk) -> None:
    _, answers = await supervisor.post(
        "v2/",
        [
            {"method": "GET", "relativeUrl": "../v2/profile"},
            {"method": "POST", "relativeUrl": "../v2/subscriptions/agents/?agentIds=101"},
            {"method": "GET", "relativeUrl": "../v2/metrics/agents"},
            "no request",
        ],
    )
    assert [one["code"] for one in answers] == [200, 500, 401, 400]
    assert answers[1]["body"] == {"message": "Failed to subscribe to agents"}
