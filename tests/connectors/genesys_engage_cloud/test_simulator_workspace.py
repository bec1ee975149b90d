"""The simulated Workspace API: session, initialization, states, faults of sessions and services."""

from __future__ import annotations

import asyncio
import json

import msgspec
import pytest

from connectors.genesys_engage_cloud.simulator import Fault, FaultKind, Simulator
from tests.support.engage_desk import (
    CHANNELS,
    QUIET,
    WORKSPACE,
    Data,
    Desk,
    client,
    dialled,
    user_token,
    workspace,
)

INITIALIZATION = f"{WORKSPACE}/initialization"
EVERY_MEDIA = {"chat", "email", "workitem", "outboundpreview"}


async def test_the_cookie_is_the_session_and_not_secure(simulator: Simulator) -> None:
    async with client(simulator, WORKSPACE) as desk:
        url = f"{simulator.url}{WORKSPACE}/initialize-workspace"
        _, _, headers = await desk.bayeux.request("POST", url)
        assert headers["Set-Cookie"].startswith("WORKSPACE_SESSIONID=")
        assert "secure" not in headers["Set-Cookie"].lower()
        del desk.bayeux.headers["Authorization"]
        user = (await desk.rest("GET", "userinfo"))["data"]["user"]
    assert user["userName"] == "agent0001"


async def test_without_a_session_the_answer_is_403(simulator: Simulator) -> None:
    async with client(simulator, WORKSPACE) as desk:
        for method, path in (("GET", "current-session"), ("POST", "voice/ready")):
            assert (await desk.status(method, path))[0] == 403
        assert (await desk.status("POST", "notifications", []))[0] == 403


async def test_the_initialization_is_told_before_the_reply_to_the_subscription(
    simulator: Simulator,
) -> None:
    async with client(simulator, WORKSPACE) as desk:
        await desk.rest("POST", "initialize-workspace")
        await desk.bayeux.handshake()
        progress, complete, reply = await desk.bayeux.subscribe(INITIALIZATION)
    assert progress["data"]["messageType"] == "WorkspaceInitializationProgress"
    assert complete["data"]["messageType"] == "WorkspaceInitializationComplete"
    assert complete["data"]["state"] == "Complete"
    assert isinstance(complete["data"]["data"]["user"]["userProperties"], list)
    assert reply["successful"]


@pytest.mark.parametrize("settings", [msgspec.structs.replace(QUIET, initialization_seconds=0.05)])
async def test_an_initialization_may_take_its_time(simulator: Simulator) -> None:
    async with client(simulator, WORKSPACE) as desk:
        await desk.rest("POST", "initialize-workspace")
        await desk.bayeux.handshake()
        progress, *others = await desk.bayeux.subscribe(INITIALIZATION)
        assert progress["data"]["state"] == "Executing"
        desk.keep(others)
        complete = await desk.data("WorkspaceInitializationComplete")
    assert complete["state"] == "Complete"


@pytest.mark.parametrize("settings", [msgspec.structs.replace(QUIET, initialization_fails=True)])
async def test_an_initialization_may_fail(simulator: Simulator) -> None:
    async with client(simulator, WORKSPACE) as desk:
        await desk.rest("POST", "initialize-workspace")
        await desk.bayeux.handshake()
        desk.keep(await desk.bayeux.subscribe(INITIALIZATION))
        states = [one["data"]["state"] for one in desk.unread]
    assert states == ["Executing", "Failed"]


@pytest.mark.parametrize("suffix", ["", "/", "/subscribe"])
async def test_a_subscription_is_taken_on_every_path(simulator: Simulator, suffix: str) -> None:
    async with client(simulator, WORKSPACE) as desk:
        await desk.rest("POST", "initialize-workspace")
        await desk.bayeux.handshake()
        message = desk.bayeux.message("/meta/subscribe", subscription=f"{WORKSPACE}/voice")
        [reply] = await desk.bayeux.send(message, suffix=suffix)
    assert reply["successful"]


async def test_activation_tells_the_dn_then_the_channels(simulator: Simulator) -> None:
    async with workspace(simulator, activate=False) as desk:
        agent = simulator.world.agents["agent0001"]
        body = {"agentId": agent.login, "placeName": agent.place}
        assert await desk.post("activate-channels", **body) == {"status": {"code": 0}}
        dn = (await desk.data("DnStateChanged"))["dn"]
        channels = (await desk.data("ChannelStateChanged"))["media"]["channels"]
    assert (dn["number"], dn["agentState"]) == (agent.number, "NotReady")
    assert {one["name"]: one["state"] for one in channels} == dict.fromkeys(
        ("chat", "email", "workitem", "outboundpreview"), "NotReady"
    )


@pytest.mark.parametrize("wrong", [{"agentId": "nobody"}, {"dn": "1"}, {"placeName": "elsewhere"}])
async def test_a_wrong_login_cannot_activate(simulator: Simulator, wrong: Data) -> None:
    async with workspace(simulator, activate=False) as desk:
        body = {"agentId": simulator.world.agents["agent0001"].login} | wrong
        status, content = await desk.status("POST", "activate-channels", {"data": body})
    assert (status, json.loads(content)["status"]["code"]) == (500, 500)


@pytest.mark.parametrize(
    ("path", "data", "expected"),
    [
        ("ready", {}, {"agentState": "Ready", "agentWorkMode": "AutoIn"}),
        ("ready", {"agentWorkMode": "ManualIn"}, {"agentWorkMode": "ManualIn"}),
        ("not-ready", {"agentWorkMode": "AfterCallWork"}, {"agentWorkMode": "AfterCallWork"}),
        (
            "not-ready",
            {"reasonCode": "Lunch"},
            {"reasons": [{"key": "ReasonCode", "type": "str", "value": "Lunch"}]},
        ),
        ("dnd-on", {}, {"dnd": True}),
        ("dnd-off", {}, {"dnd": False}),
        ("set-forward", {"forwardTo": "5005"}, {"forwardTo": "5005"}),
        ("cancel-forward", {}, {"agentState": "NotReady"}),
        ("logout", {}, {"agentState": "LoggedOut"}),
        ("login", {}, {"agentState": "NotReady"}),
        ("deactivate", {}, {"agentState": "LoggedOut"}),
        ("activate", {}, {"agentState": "NotReady"}),
    ],
)
async def test_a_state_of_the_voice_channel(
    agent: Desk, path: str, data: Data, expected: Data
) -> None:
    await agent.accepted(f"voice/{path}", **data)
    dn = (await agent.data("DnStateChanged"))["dn"]
    assert expected.items() <= dn.items()


async def test_a_reason_beside_the_data_is_taken_too(agent: Desk) -> None:
    """The vendor's JavaScript client writes it there."""
    body = {"data": {"agentWorkMode": "AuxWork"}, "reasonCode": "Lunch"}
    await agent.rest("POST", "voice/not-ready", body)
    dn = (await agent.data("DnStateChanged"))["dn"]
    assert (dn["agentWorkMode"], dn["reasons"][0]["value"]) == ("AuxWork", "Lunch")


async def test_a_command_needs_no_body(agent: Desk) -> None:
    assert (await agent.rest("POST", "voice/ready"))["status"]["code"] == 1
    assert (await agent.data("DnStateChanged"))["dn"]["agentState"] == "Ready"


async def test_an_agent_who_is_out_is_refused(simulator: Simulator) -> None:
    async with workspace(simulator, activate=False) as desk:
        assert (await desk.status("POST", "voice/ready"))[0] == 500
        assert (await desk.status("POST", "media/chat/ready"))[0] == 500
    assert simulator.world.agents["agent0001"].voice.state == "LoggedOut"


async def test_the_operation_id_is_echoed_in_reply_and_message(agent: Desk) -> None:
    reply = await agent.rest("POST", "voice/ready", {"operationId": "op-1"})
    assert reply == {"status": {"code": 1}, "operationId": "op-1"}
    assert (await agent.data("DnStateChanged"))["operationId"] == "op-1"
    await agent.accepted("voice/not-ready")
    assert "operationId" not in await agent.data("DnStateChanged")


@pytest.mark.parametrize(
    ("path", "names", "state"),
    [
        ("media/ready", EVERY_MEDIA, "Ready"),
        ("media/chat/ready", {"chat"}, "Ready"),
        ("media/email/not-ready", {"email"}, "NotReady"),
        ("media/logout", EVERY_MEDIA, "LoggedOut"),
        ("media/workitem/logout", {"workitem"}, "LoggedOut"),
        ("media/activate", EVERY_MEDIA, "NotReady"),
        ("media/deactivate", EVERY_MEDIA, "LoggedOut"),
    ],
)
async def test_a_state_of_media_channels(
    agent: Desk, path: str, names: set[str], state: str
) -> None:
    await agent.accepted(path)
    told: dict[str, str] = {}
    while told.keys() != names:
        [channel] = (await agent.data("ChannelStateChanged"))["media"]["channels"]
        told[channel["name"]] = channel["state"]
    assert set(told.values()) == {state}


async def test_do_not_disturb_of_media(agent: Desk) -> None:
    await agent.accepted("media/chat/dnd-on")
    [channel] = (await agent.data("ChannelStateChanged"))["media"]["channels"]
    assert (channel["name"], channel["dnd"], channel["available"]) == ("chat", True, False)


async def test_the_session_can_be_asked_for_what_it_holds(agent: Desk) -> None:
    await agent.accepted("voice/make-call", destination="5001")
    call = (await agent.call("Established"))["call"]
    user = (await agent.rest("GET", "current-session"))["data"]["user"]
    assert user["activeSession"]["dn"]["agentState"] == "NotReady"
    assert [one["id"] for one in user["activeSession"]["calls"]] == [call["id"]]
    assert (await agent.rest("GET", "voice/calls"))["data"]["calls"][0]["connId"] == call["id"]


async def test_logout_tells_it_and_ends_the_session(agent: Desk) -> None:
    assert (await agent.rest("POST", "logout"))["status"]["code"] == 0
    assert (await agent.data("DnStateChanged"))["dn"]["agentState"] == "LoggedOut"
    async with asyncio.timeout(5):
        while (await agent.status("GET", "auth-keep-alive"))[0] != 403:
            pass
    assert agent.simulator.bayeux.sessions == []


@pytest.mark.parametrize("steals", [True, False])
async def test_a_second_session_steals_the_first_where_the_settings_say_so(*, steals: bool) -> None:
    settings = msgspec.structs.replace(QUIET, one_session_per_agent=steals)
    async with Simulator(settings) as simulator, workspace(simulator) as first:
        async with workspace(simulator, activate=False) as second:
            assert (await second.status("GET", "auth-keep-alive"))[0] == 200
        status, _ = await first.status("GET", "auth-keep-alive")
    assert status == (403 if steals else 200)


async def test_a_forgotten_bayeux_session_is_402_and_the_workspace_lives_on(agent: Desk) -> None:
    agent.simulator.strike(Fault(FaultKind.SESSION_UNKNOWN, agent="agent0001"))
    [reply] = await agent.bayeux.connect()
    assert reply["error"].startswith("402")
    await agent.bayeux.handshake()
    replies = await agent.bayeux.subscribe(*CHANNELS)
    assert replies[-1]["successful"]
    assert "WorkspaceInitializationComplete" in {one["data"]["messageType"] for one in replies[:-1]}


async def test_an_expired_session_is_403_everywhere(agent: Desk) -> None:
    agent.simulator.strike(Fault(FaultKind.SESSION_EXPIRY))
    assert (await agent.status("GET", "current-session"))[0] == 403
    assert (await agent.status("POST", "notifications", [{"channel": "/meta/connect"}]))[0] == 403


@pytest.mark.parametrize(
    ("service", "path", "channel"),
    [
        ("VOICE", "voice/ready", "voice"),
        ("IXN", "media/ready", "media"),
        ("UCS", "ucs/contacts/search", "contacts"),
    ],
)
async def test_a_service_that_is_down_says_so_and_refuses(
    agent: Desk, service: str, path: str, channel: str
) -> None:
    fault = Fault(FaultKind.SERVICE_UNAVAILABLE, for_seconds=0.2, service=service)
    agent.simulator.commit(fault)
    found = await agent.message(lambda one: one["data"]["messageType"] == "ServiceStateChanged")
    assert found["channel"] == f"{WORKSPACE}/{channel}"
    assert (found["data"]["serviceName"], found["data"]["serviceState"]) == (service, "UNAVAILABLE")
    assert (await agent.status("POST", path))[0] == 503
    data = await agent.data("ServiceStateChanged")
    assert (data["serviceName"], data["serviceState"]) == (service, "AVAILABLE")


async def test_calls_are_told_again_when_the_voice_service_is_back(agent: Desk) -> None:
    call = await dialled(agent)
    agent.simulator.commit(Fault(FaultKind.SERVICE_UNAVAILABLE, for_seconds=0.05, service="VOICE"))
    told = await agent.data(
        "CallStateChanged", lambda data: data["notificationType"] == "CallRecovered"
    )
    assert (told["call"]["id"], told["call"]["state"]) == (call, "Established")


async def test_a_pardon_brings_services_back(agent: Desk) -> None:
    agent.simulator.commit(Fault(FaultKind.SERVICE_UNAVAILABLE))
    for _ in range(4):
        assert (await agent.data("ServiceStateChanged"))["serviceState"] == "UNAVAILABLE"
    agent.simulator.pardon()
    assert not agent.simulator.world.down


async def test_a_fault_concerns_whom_it_names(simulator: Simulator) -> None:
    async with workspace(simulator) as first, workspace(simulator, "agent0002") as second:
        simulator.commit(Fault(FaultKind.SERVER_ERROR, agent="agent0002", status=502, times=1))
        assert (await first.status("GET", "auth-keep-alive"))[0] == 200
        assert (await second.status("GET", "auth-keep-alive"))[0] == 502
        assert (await second.status("GET", "auth-keep-alive"))[0] == 200


async def test_a_token_without_a_user_has_no_workspace(simulator: Simulator) -> None:
    async with client(simulator, WORKSPACE) as desk:
        desk.bayeux.headers["Authorization"] = f"Bearer {await user_token(simulator)}x"
        assert (await desk.status("POST", "initialize-workspace"))[0] == 401


async def test_unknown_paths_and_bodies_are_errors_in_the_envelope(agent: Desk) -> None:
    status, content = await agent.status("POST", "voice/stand-on-one-leg")
    assert (status, json.loads(content)["status"]["code"]) == (404, 404)
    status, content = await agent.status("POST", "voice/ready", ["not", "an", "object"])
    assert (status, json.loads(content)["status"]["code"]) == (400, 400)


async def test_configuration_and_directory(agent: Desk) -> None:
    found = (await agent.rest("GET", "configuration?types=actionCodes,agentGroups"))["data"]
    assert found.keys() == {"actionCodes", "agentGroups"}
    dns = (await agent.rest("GET", "configuration/places/SIP_Server_Place1/dns"))["data"]["dns"]
    assert [one["number"] for one in dns] == ["70001"]
    targets = (await agent.rest("GET", "targets?searchTerm=agent0002"))["data"]["targets"]
    assert [one["number"] for one in targets] == ["70002"]
    assert (await agent.rest("GET", "users"))["data"]["totalCount"] == 3
    assert (await agent.status("GET", "targets/agent/e0009"))[0] == 404


async def test_reporting_is_polled(agent: Desk) -> None:
    wanted = [{"objectId": "e0001", "objectType": "Agent", "name": "CallsAnswered"}]
    reply = await agent.post("reporting/subscriptions", statistics=wanted)
    assert reply["status"]["code"] == 0
    identity = reply["data"]["subscriptionId"]
    peeked = (await agent.rest("GET", f"reporting/subscriptions/{identity}"))["data"]
    [statistic] = peeked["statistics"]
    assert statistic["name"] == "CallsAnswered"
    assert statistic["value"].keys() == {
        *("intValue", "stringValue", "timestamp", "tag", "intervalLength")
    }
    assert (await agent.rest("DELETE", f"reporting/subscriptions/{identity}"))["status"][
        "code"
    ] == 0
    assert (await agent.status("GET", f"reporting/subscriptions/{identity}"))[0] == 404


async def test_contacts_are_kept(agent: Desk) -> None:
    made = (await agent.post("ucs/contacts/create", attributes={"LastName": "Doe"}))["data"]
    assert (await agent.post("ucs/contacts/search"))["data"]["contacts"] == [made]
    assert (await agent.post(f"ucs/contacts/{made['id']}/get-details"))["data"] == made
    await agent.post(f"ucs/contacts/{made['id']}/delete")
    assert (await agent.status("POST", f"ucs/contacts/{made['id']}/get-details"))[0] == 404


async def test_a_supervisor_sets_the_state_of_another(simulator: Simulator) -> None:
    async with workspace(simulator) as boss, workspace(simulator, "agent0002") as agent:
        await boss.accepted("supervisor/voice/ready", userName="agent0002", dn="70002")
        assert (await agent.data("DnStateChanged"))["dn"]["agentState"] == "Ready"


async def test_favourites_are_kept(agent: Desk) -> None:
    target = {"id": "e0002", "type": "agent"}
    await agent.post("targets/personal-favorites/save", target=target, category="Mine")
    assert (await agent.rest("GET", "targets/personal-favorites"))["data"]["targets"] == [target]
    await agent.post("targets/personal-favorites/delete/agent/e0002")
    assert (await agent.rest("GET", "targets/personal-favorites"))["data"]["targets"] == []
    await agent.post("targets/recents/add", target=target)
    assert (await agent.rest("GET", "targets/recents"))["data"]["targets"] == [target]


async def test_what_is_not_simulated_says_so(agent: Desk) -> None:
    assert (await agent.status("POST", "ucs/responses/search"))[0] == 501
