"""The simulated server's access rules, sessions, agent states and settings."""

from __future__ import annotations

import asyncio
import base64
import json

import msgspec
import pytest

from connectors.genesys_web_services.simulator import (
    FaultKind,
    Simulator,
    SimulatorSettings,
)
from tests.support.gws_desk import Data, Desk, desk, dialled
from tests.support.raw_bayeux import RawBayeux


@pytest.mark.parametrize("credentials", [None, ("agent0001", "wrong"), ("nobody", "secret")])
async def test_without_good_credentials_the_answer_is_403_with_status_code_20(
    simulator: Simulator, credentials: tuple[str, str] | None
) -> None:
    username, password = credentials or (None, "")
    async with RawBayeux("", username=username, password=password) as client:
        status, body, headers = await client.request("GET", f"{simulator.url}/api/v2/me")
    assert status == 403
    assert json.loads(body) == {"statusCode": 20, "statusMessage": "Access denied"}
    assert "WWW-Authenticate" not in headers


async def test_the_cookie_is_enough_after_the_first_request(simulator: Simulator) -> None:
    async with RawBayeux("", username="agent0002") as client:
        await client.request("GET", f"{simulator.url}/api/v2/me")
        client.headers.clear()
        reply = await client.json("GET", f"{simulator.url}/api/v2/me")
    assert reply["user"]["userName"] == "agent0002"


@pytest.mark.parametrize("settings", [SimulatorSettings(csrf=True, csrf_header="X-Odd-Name")])
async def test_with_csrf_a_post_needs_the_token_under_the_name_told_by_a_get(
    simulator: Simulator,
) -> None:
    url = f"{simulator.url}/api/v2/me"
    async with RawBayeux("", username="agent0001") as client:
        _, _, headers = await client.request("GET", url)
        body = {"operationName": "StartContactCenterSession", "channels": ["voice"]}
        status, content, _ = await client.request("POST", url, json=body)
        assert (status, b"CSRF" in content) == (403, True)
        token = {headers["X-CSRF-HEADER"]: headers["X-CSRF-TOKEN"]}
        assert list(token) == ["X-Odd-Name"]
        status, content, _ = await client.request("POST", url, json=body, headers=token)
    assert (status, json.loads(content)) == (200, {"statusCode": 0})


@pytest.mark.parametrize("settings", [SimulatorSettings(http_session_seconds=1e-6)])
async def test_an_unused_http_session_ends(simulator: Simulator) -> None:
    async with RawBayeux("", username="agent0001") as client:
        await client.request("GET", f"{simulator.url}/api/v2/me")
        client.headers.clear()
        status, _, _ = await client.request("GET", f"{simulator.url}/api/v2/me")
    assert status == 403


async def test_an_unknown_path_is_an_error_in_the_servers_own_form(agent: Desk) -> None:
    assert (await agent.rest("GET", "/nowhere"))["statusCode"] == 6


async def test_start_tells_device_and_channels(simulator: Simulator) -> None:
    async with desk(simulator) as fresh:
        reply = await fresh.operate("/me", "StartContactCenterSession", channels=["voice"])
        assert reply == {"statusCode": 0}
        data = await fresh.event()
    assert data["messageType"] == "DeviceStateChangeMessage"
    [device] = data["devices"]
    assert (device["deviceState"], device["userState"]["state"]) == ("Active", "NotReady")


@pytest.mark.parametrize("settings", [SimulatorSettings(unavailable_channels=("chat",))])
async def test_a_channel_that_cannot_start_makes_a_partial_success_by_channel(
    simulator: Simulator,
) -> None:
    async with desk(simulator) as fresh:
        reply = await fresh.operate("/me", "StartContactCenterSession", channels=["voice", "chat"])
    assert reply["statusCode"] == 7
    assert [one["channel"] for one in reply["failed"]] == ["chat"]
    assert reply["succeeded"] == [{"statusCode": 0, "channel": "voice"}]


async def test_end_logs_out_and_ends_the_http_session(agent: Desk) -> None:
    await agent.operate("/me", "EndContactCenterSession")
    data = await agent.event(lambda data: "devices" in data)
    assert data["devices"][0]["userState"]["state"] == "LoggedOut"
    agent.bayeux.headers.clear()

    async def status() -> int:
        url = f"{agent.simulator.url}/api/v2/me"
        return (await agent.bayeux.request("GET", url))[0]

    async with asyncio.timeout(5):
        while await status() != 403:
            pass
    assert agent.simulator.bayeux.sessions == []


@pytest.mark.parametrize("path", ["/me/channels/voice", "/me/devices/{device}", "/me"])
async def test_an_agent_state_is_set_by_its_operation_name(agent: Desk, path: str) -> None:
    device = agent.simulator.world.agents["agent0001"].device_id
    reply = await agent.operate(path.format(device=device), "OutToLunch")
    assert reply == {"statusCode": 0}
    data = await agent.event(lambda data: "devices" in data)
    state = data["devices"][0]["userState"]
    assert (state["state"], state["workMode"], state["reason"]) == (
        "NotReady",
        "AuxWork",
        "Lunch",
    )


async def test_a_channel_has_its_own_state(agent: Desk) -> None:
    await agent.operate("/me/channels/email", "Ready")
    data = await agent.event(lambda data: "channels" in data)
    assert data["channels"][0]["channel"] == "email"
    assert data["channels"][0]["userState"]["state"] == "Ready"
    assert "messageType" not in data


async def test_a_state_without_a_session_is_refused(simulator: Simulator) -> None:
    async with desk(simulator) as fresh:
        reply = await fresh.operate("/me/channels/voice", "Ready")
    assert reply["statusCode"] == 2
    assert len(simulator.ledger) == 0


async def test_do_not_disturb_is_told_by_the_device(agent: Desk) -> None:
    await agent.operate("/me", "DoNotDisturbOn")
    data = await agent.event(lambda data: "devices" in data)
    assert data["devices"][0]["doNotDisturb"] == "On"


@pytest.mark.parametrize(
    ("old", "expected"), [("secret", "PasswordChangeSuccessful"), ("wrong", "PasswordChangeError")]
)
async def test_a_changed_password_is_told_on_the_agents_own_topic(
    agent: Desk, old: str, expected: str
) -> None:
    passwords = {
        "oldPassword": base64.b64encode(old.encode()).decode(),
        "newPassword": base64.b64encode(b"better").decode(),
    }
    assert await agent.operate("/me", "ChangePassword", **passwords) == {"statusCode": 0}
    data = await agent.event(lambda data: "notificationType" in data)
    assert data["notificationType"] == expected
    changed = agent.simulator.world.agents["agent0001"].password == "better"
    assert changed is (old == "secret")


async def test_the_snapshot_holds_devices_channels_and_calls(agent: Desk) -> None:
    call = await dialled(agent)
    user = (await agent.rest("GET", "/me?subresources=*"))["user"]
    assert [one["userState"]["state"] for one in user["devices"]] == ["NotReady"]
    assert [one["channel"] for one in user["channels"]] == ["voice", "chat", "email"]
    assert [one["id"] for one in user["calls"]] == [call["id"]]
    assert (await agent.rest("GET", "/me/calls"))["uris"] == [call["uri"]]
    assert (await agent.rest("GET", "/me/calls?fields=*"))["calls"][0]["id"] == call["id"]


def test_a_scenario_is_plain_data() -> None:
    scenario = {
        "agents": 2,
        "events_per_second": 5,
        "ack": True,
        "faults": [{"kind": "stall", "at_seconds": 3, "for_seconds": 2}],
    }
    settings = msgspec.convert(scenario, SimulatorSettings)
    assert settings.faults[0].kind is FaultKind.STALL


@pytest.mark.parametrize("wrong", [{"agents": 0}, {"agent": 1}, {"events_per_second": -1}])
def test_a_wrong_setting_is_refused(wrong: Data) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(wrong, SimulatorSettings)
