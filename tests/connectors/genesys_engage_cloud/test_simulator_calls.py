"""Calls of the simulated Workspace API."""

from __future__ import annotations

import msgspec
import pytest

from connectors.genesys_engage_cloud.simulator import Simulator
from tests.support.engage_desk import QUIET, Data, Desk, dialled, workspace


async def test_a_dialled_call_is_answered_by_itself(agent: Desk) -> None:
    pairs = [{"key": "Case", "type": "str", "value": "17"}]
    await agent.accepted("voice/make-call", destination="+14155550100", userData=pairs)
    data = await agent.call("Dialing")
    call = data["call"]
    assert (data["notificationType"], call["callType"]) == ("StateChange", "Outbound")
    assert (call["dnis"], call["ani"], call["phoneNumber"]) == (
        "+14155550100",
        "70001",
        "+14155550100",
    )
    assert pairs[0] in call["userData"]
    assert call["participants"] == [{"number": "+14155550100", "role": "RoleDestination"}]
    assert (await agent.call("Established"))["call"]["id"] == call["id"]


async def test_the_other_dialect_says_status_change_and_completed(simulator: Simulator) -> None:
    async with workspace(simulator, "agent0002") as agent:
        call = await dialled(agent)
        await agent.accepted(f"voice/calls/{call}/release")
        assert (await agent.call("Released"))["notificationType"] == "StatusChange"
        assert (await agent.call("Completed"))["call"]["capabilities"] == []


@pytest.mark.parametrize("number", ["70001", "9900"])
async def test_what_cannot_be_dialled_is_accepted_and_comes_as_an_error(
    agent: Desk, number: str
) -> None:
    body = {"data": {"destination": number}, "operationId": "op-7"}
    reply = await agent.rest("POST", "voice/make-call", body)
    assert reply == {"status": {"code": 1}, "operationId": "op-7"}
    data = await agent.data("EventError")
    assert data["error"] == {"errorCode": 415, "errorMessage": "Invalid Destination DN"}
    assert data["operationId"] == "op-7"


async def test_an_incoming_call_from_ringing_to_released(agent: Desk) -> None:
    emission = {"agent": "agent0001", "action": "incoming", "number": "+16505550100"}
    made = await agent.bayeux.json("POST", f"{agent.simulator.url}/sim/emit", emission)
    call = (await agent.call("Ringing"))["call"]
    assert (call["id"], call["callType"], call["ani"]) == (made["call"], "Inbound", "+16505550100")
    nested = next(one for one in call["userData"] if one["key"] == "Journey")
    assert nested["type"] == "kvlist"
    for operation, state in (
        ("answer", "Established"),
        ("hold", "Held"),
        ("retrieve", "Established"),
        ("release", "Released"),
    ):
        await agent.accepted(f"voice/calls/{call['id']}/{operation}")
        assert (await agent.call(state))["call"]["id"] == call["id"]


@pytest.mark.parametrize(
    ("operation", "data", "notification", "expected"),
    [
        ("hold", {}, "StateChange", {"state": "Held"}),
        ("release", {}, "StateChange", {"state": "Released"}),
        ("clear", {}, "StateChange", {"state": "Released"}),
        ("send-dtmf", {"dtmfDigits": "12"}, "StateChange", {"state": "Established"}),
        ("start-recording", {}, "CallRecordingStateChange", {"recordingState": "Recording"}),
        ("single-step-transfer", {"destination": "5002"}, "StateChange", {"state": "Released"}),
        (
            "single-step-conference",
            {"destination": "5002"},
            "ParticipantsUpdated",
            {
                "participants": [
                    {"number": "5001", "role": "RoleDestination"},
                    {"number": "5002", "role": "RoleNewParty"},
                ]
            },
        ),
    ],
)
async def test_an_operation_on_a_call(
    agent: Desk, operation: str, data: Data, notification: str, expected: Data
) -> None:
    call = await dialled(agent)
    await agent.accepted(f"voice/calls/{call}/{operation}", **data)
    told = await agent.data("CallStateChanged")
    assert told["notificationType"] == notification
    assert expected.items() <= told["call"].items()


async def test_a_recording_through_its_states(agent: Desk) -> None:
    call = await dialled(agent)
    for operation, state in (
        ("start", "Recording"),
        ("pause", "Paused"),
        ("resume", "Recording"),
        ("stop", "Stopped"),
    ):
        await agent.accepted(f"voice/calls/{call}/{operation}-recording")
        told = await agent.data("CallStateChanged")
        assert told["call"]["recordingState"] == state


async def test_user_data_is_attached_updated_and_deleted(agent: Desk) -> None:
    call = await dialled(agent)

    async def values() -> Data:
        data = await agent.data("CallStateChanged")
        assert data["notificationType"] == "AttachedDataChanged"
        return {one["key"]: one["value"] for one in data["call"]["userData"]}

    first = [{"key": "a", "type": "str", "value": "1"}, {"key": "b", "type": "int", "value": 2}]
    await agent.accepted(f"voice/calls/{call}/attach-user-data", userData=first)
    assert {"a": "1", "b": 2}.items() <= (await values()).items()
    second = [{"key": "a", "type": "str", "value": "3"}]
    await agent.accepted(f"voice/calls/{call}/update-user-data", userData=second)
    assert (await values())["a"] == "3"
    await agent.accepted(f"voice/calls/{call}/delete-user-data-pair", key="b")
    assert "b" not in await values()


async def consulted(agent: Desk, operation: str = "initiate-transfer") -> tuple[str, str]:
    """A call and the consultation made from it."""
    original = await dialled(agent)
    await agent.accepted(f"voice/calls/{original}/{operation}", destination="5002")
    assert (await agent.call("Held"))["call"]["id"] == original
    dialing = (await agent.call("Dialing"))["call"]
    assert (dialing["callType"], dialing["parentConnId"]) == ("Consult", original)
    await agent.call("Established")
    return original, dialing["id"]


async def test_a_transfer_in_two_steps_ends_both_calls(agent: Desk) -> None:
    original, consult = await consulted(agent)
    await agent.accepted(f"voice/calls/{consult}/complete-transfer", parentConnId=original)
    ended = [(await agent.call("Released"))["call"]["id"] for _ in range(2)]
    assert ended == [consult, original]


async def test_a_transfer_names_its_calls_the_right_way_round(agent: Desk) -> None:
    original, consult = await consulted(agent)
    path = f"voice/calls/{original}/complete-transfer"
    assert (await agent.status("POST", path, {"data": {"parentConnId": consult}}))[0] == 500


async def test_a_conference_in_two_steps_joins_the_parties(agent: Desk) -> None:
    original, consult = await consulted(agent, "initiate-conference")
    await agent.accepted(f"voice/calls/{consult}/complete-conference", parentConnId=original)
    assert (await agent.call("Released"))["call"]["id"] == consult
    joined = await agent.data(
        "CallStateChanged", lambda data: data["notificationType"] == "ParticipantsUpdated"
    )
    assert [one["number"] for one in joined["call"]["participants"]] == ["5001", "5002"]
    path = f"voice/calls/{original}/delete-from-conference"
    await agent.accepted(path, dnToDrop="5002")
    left = await agent.data("CallStateChanged")
    assert [one["number"] for one in left["call"]["participants"]] == ["5001"]


@pytest.mark.parametrize(
    ("operation", "key", "expected"),
    [
        ("alternate", "heldConnId", ["Held", "Established"]),
        ("reconnect", "heldConnId", ["Released", "Established"]),
        ("merge", "otherConnId", ["Released", "Established"]),
    ],
)
async def test_two_calls_at_once(
    agent: Desk, operation: str, key: str, expected: list[str]
) -> None:
    original, consult = await consulted(agent)
    await agent.accepted(f"voice/calls/{consult}/{operation}", **{key: original})
    told = [(await agent.data("CallStateChanged"))["call"]["state"] for _ in range(2)]
    assert told == expected


async def test_a_ringing_call_is_redirected(agent: Desk) -> None:
    emission = {"agent": "agent0001", "action": "incoming"}
    made = await agent.bayeux.json("POST", f"{agent.simulator.url}/sim/emit", emission)
    await agent.accepted(f"voice/calls/{made['call']}/redirect", destination="5005")
    assert (await agent.call("Released"))["call"]["id"] == made["call"]


async def test_an_operation_at_the_wrong_time_is_accepted_and_comes_as_an_error(
    agent: Desk,
) -> None:
    call = await dialled(agent)
    await agent.accepted(f"voice/calls/{call}/retrieve")
    data = await agent.data("EventError")
    assert (data["connId"], data["dn"]) == (call, "70001")
    assert "retrieve" in data["error"]["errorMessage"]


@pytest.mark.parametrize(
    ("path", "status"),
    [("voice/calls/none/hold", 500), ("voice/calls/{call}/sing", 501)],
)
async def test_what_does_not_exist_is_refused_at_once(agent: Desk, path: str, status: int) -> None:
    call = await dialled(agent)
    assert (await agent.status("POST", path.format(call=call)))[0] == status


async def test_a_call_waits_for_complete_where_the_settings_say_so() -> None:
    settings = msgspec.structs.replace(QUIET, auto_complete_calls=False)
    async with Simulator(settings) as simulator, workspace(simulator) as agent:
        call = await dialled(agent)
        await agent.accepted(f"voice/calls/{call}/release")
        assert (await agent.call("Released"))["call"]["capabilities"] == ["complete"]
        pairs = [{"key": "Disposition", "type": "str", "value": "sold"}]
        await agent.accepted(f"voice/calls/{call}/complete", userData=pairs)
        told = (await agent.call("Completed"))["call"]
        assert pairs[0] in told["userData"]
        assert simulator.world.agents["agent0001"].calls == {}


async def test_a_user_event_comes_back(agent: Desk) -> None:
    pairs = [{"key": "Screen", "type": "str", "value": "7"}]
    await agent.accepted("voice/send-user-event", userData=pairs, callUuid="u1")
    data = await agent.data("EventUserEvent")
    assert (data["userData"], data["callUuid"]) == (pairs, "u1")


async def test_a_supervisor_listens_to_a_call_and_stops(simulator: Simulator) -> None:
    async with workspace(simulator) as boss, workspace(simulator, "agent0002") as other:
        await dialled(other)
        request = {
            "phoneNumberToMonitor": "70002",
            "monitoringMode": "Mute",
            "monitoringNextCallType": "OneCall",
            "monitoringScope": "Call",
        }
        await boss.accepted("voice/start-monitoring", **request)
        started = await boss.data("MonitoringStateChanged")
        assert (started["eventType"], started["monitorMode"]) == ("MonitoringStarted", "Mute")
        assert started["event"] == {"otherDN": "70002", "monitorNextCallType": "OneCall"}
        call = (await boss.call("Ringing"))["call"]
        await boss.accepted(f"voice/calls/{call['id']}/answer")
        await boss.call("Established")
        for mode in ("coaching", "barge-in", "listen-in"):
            await boss.accepted(f"voice/calls/{call['id']}/switch-to-{mode}")
            told = await boss.data("CallStateChanged")
            assert told["notificationType"] == "ParticipantsUpdated"
        await boss.accepted("voice/stop-monitoring", phoneNumber="70002")
        assert (await boss.data("MonitoringStateChanged"))["eventType"] == "MonitoringStopped"


async def test_a_call_that_was_transferred_here_goes_on_under_another_id(agent: Desk) -> None:
    url = f"{agent.simulator.url}/sim/emit"
    await agent.bayeux.json("POST", url, {"agent": "agent0001", "action": "consulted"})
    call = (await agent.call("Ringing"))["call"]
    assert call["callType"] == "Consult"
    await agent.accepted(f"voice/calls/{call['id']}/answer")
    await agent.call("Established")
    await agent.bayeux.json("POST", url, {"agent": "agent0001", "action": "inherit"})
    told = (await agent.data("CallStateChanged"))["call"]
    assert (told["previousConnId"], told["callType"]) == (call["id"], "Inbound")
    await agent.accepted(f"voice/calls/{told['id']}/release")
    assert "previousConnId" not in (await agent.call("Released"))["call"]
