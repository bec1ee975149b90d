"""Call control on the simulated server: what is accepted, what the feed tells."""

from __future__ import annotations

import pytest

from connectors.genesys_web_services.simulator import Simulator
from tests.support.gws_desk import Desk, desk, dialled


@pytest.mark.parametrize("destination", ["+14155550100", {"phoneNumber": "+14155550100"}])
async def test_a_dialled_call_is_answered_by_itself(agent: Desk, destination: object) -> None:
    device = agent.simulator.world.agents["agent0001"].device_id
    await agent.operate(f"/me/devices/{device}/calls", "Dial", destination=destination)
    data = await agent.call("Dialing")
    assert data["messageType"] == "CallStateChangeMessage"
    assert data["notificationType"] == "StatusChange"
    assert data["phoneNumber"] == "50001"
    assert data["call"]["callType"] == "Outbound"
    assert data["call"]["participants"] == ["+14155550100"]
    assert data["call"]["duration"] == "0"
    assert data["metrics"]["eventProcessing"]["serverGenerationTimestamp"] > 1e12
    data = await agent.call("Established")
    assert "Hold" in data["call"]["capabilities"]


async def test_hold_retrieve_hang_up(agent: Desk) -> None:
    call = await dialled(agent)
    path = f"/me/calls/{call['id']}"
    for operation, state in (
        ("Hold", "Held"),
        ("Retrieve", "Established"),
        ("Hangup", "Released"),
    ):
        assert await agent.operate(path, operation) == {"statusCode": 0}
        data = await agent.call(state)
    assert data["call"]["capabilities"] == []
    assert (await agent.operate(path, "Hangup"))["statusCode"] == 6


async def test_recording_goes_through_its_states(agent: Desk) -> None:
    call = await dialled(agent)
    assert "recordingState" not in call
    for operation, state in (
        ("StartCallRecording", "Recording"),
        ("PauseCallRecording", "Paused"),
        ("ResumeCallRecording", "Recording"),
        ("StopCallRecording", "Stopped"),
    ):
        await agent.operate(f"/me/calls/{call['id']}", operation)
        data = await agent.event(lambda data: "call" in data)
        assert data["notificationType"] == "CallRecordingStateChange"
        assert data["call"]["recordingState"] == state
    assert "StartCallRecording" in data["call"]["capabilities"]


async def test_data_dtmf_and_mute_have_their_notifications(agent: Desk) -> None:
    call = await dialled(agent)
    path = f"/me/calls/{call['id']}"
    await agent.operate(path, "AttachUserData", userData={"Note": {"deep": 1}})
    data = await agent.event(lambda data: "call" in data)
    assert data["notificationType"] == "AttachedDataChanged"
    assert data["call"]["userData"]["Note"] == {"deep": 1}
    await agent.operate(path, "SendDtmf", digits="12")
    assert (await agent.event(lambda data: "call" in data))["notificationType"] == "DtmfSent"
    await agent.operate(path, "MuteCall")
    data = await agent.event(lambda data: "call" in data)
    assert (data["call"]["mute"], "UnmuteCall" in data["call"]["capabilities"]) == ("On", True)


async def test_a_consultation_and_its_transfer(agent: Desk) -> None:
    call = await dialled(agent)
    await agent.operate(
        f"/me/calls/{call['id']}", "InitiateTransfer", destination={"phoneNumber": "60001"}
    )
    states = []
    while "Established" not in states:
        data = await agent.event(lambda data: "call" in data)
        states.append(data["call"]["state"])
    assert states == ["Held", "Dialing", "Established"]
    assert data["call"]["callType"] == "Consult"
    reply = await agent.operate(
        f"/me/calls/{call['id']}", "CompleteTransfer", consultCallUri=data["call"]["uri"]
    )
    assert reply == {"statusCode": 0}
    released = [(await agent.call("Released"))["call"]["id"] for _ in range(2)]
    assert released == [call["id"], data["call"]["id"]]


async def test_a_conference_ends_the_consultation_and_updates_the_participants(agent: Desk) -> None:
    call = await dialled(agent)
    path = f"/me/calls/{call['id']}"
    await agent.operate(path, "InitiateConference", destination="60001")
    await agent.call("Established")
    await agent.operate(path, "CompleteConference")
    data = await agent.event(lambda data: data["notificationType"] == "ParticipantsUpdated")
    assert data["call"]["id"] == call["id"]
    assert data["call"]["participants"] == ["+14155550100", "60001"]


async def test_an_operation_that_the_state_forbids_is_refused_at_once(agent: Desk) -> None:
    call = await dialled(agent)
    reply = await agent.operate(f"/me/calls/{call['id']}", "Retrieve")
    assert reply["statusCode"] == 2
    assert "Established" in reply["statusMessage"]


async def test_a_missing_parameter_is_refused_at_once(agent: Desk) -> None:
    call = await dialled(agent)
    reply = await agent.operate(f"/me/calls/{call['id']}", "SingleStepTransfer")
    assert reply["statusCode"] == 1


async def test_what_fails_in_the_switch_fails_on_the_feed(agent: Desk) -> None:
    device = agent.simulator.world.agents["agent0001"].device_id
    reply = await agent.operate(f"/me/devices/{device}/calls", "Dial", destination="9900")
    assert reply == {"statusCode": 0}
    data = await agent.event(lambda data: "errorMessage" in data)
    assert "call" not in data
    assert data["deviceUri"].endswith(device)
    assert {"connectionId", "callUuid"} <= data.keys()


async def test_of_two_equal_commands_the_second_fails_on_the_feed(agent: Desk) -> None:
    call = await dialled(agent)
    world, telephony = agent.simulator.world, agent.simulator.telephony
    body = {"operationName": "Hold"}
    outcomes = [telephony.operate(world.agents["agent0001"], call["id"], body) for _ in range(2)]
    for outcome in outcomes:
        assert outcome.then is not None
        outcome.then()
    await agent.call("Held")
    assert "Hold" in (await agent.event())["errorMessage"]


async def test_every_second_agent_speaks_the_newer_dialect(simulator: Simulator) -> None:
    async with desk(simulator, "agent0002") as newer:
        await newer.sim("POST", "emit", {"agent": "agent0002", "action": "incoming"})
        data = await newer.call("Ringing")
    assert data["call"]["id"] == data["call"]["callUuid"]
    assert set(data["call"]["participants"][0]) >= {"phoneNumber", "e164Number"}
    assert "extensions" in data
