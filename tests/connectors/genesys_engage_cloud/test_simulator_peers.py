"""The vendor's own clients (npm, one process each) run a session against the simulator."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp.test_utils import make_mocked_request

from connectors.genesys_engage_cloud.simulator import Fault, FaultKind, Simulator
from tests.support.engage_desk import user_token
from tests.support.genesys_clients import VendorClient, vendor_client
from tests.support.peers import INSTALLED
from tests.support.raw_bayeux import eventually

pytestmark = pytest.mark.peers

PAIRS = [{"key": "Case", "type": "str", "value": "17"}]


async def begun(simulator: Simulator, client: VendorClient) -> VendorClient:
    """A workspace whose agent is active on all channels."""
    await client.call("initialize", {"token": await user_token(simulator)})
    user = await client.call("user")
    assert (user["userName"], user["agentLogin"]) == ("agent0001", "80001")
    # The client subscribes to voice only now, in a request of its own.
    await eventually(
        lambda: any("/workspace/v3/voice" in one.subscriptions for one in simulator.bayeux.sessions)
    )
    assert (await client.call("activateChannels", "80001", None, user["defaultPlace"]))[
        "status"
    ] == {"code": 0}
    await state(client, "NotReady")
    return client


async def state(client: VendorClient, wanted: str) -> None:
    await client.event("DnStateChanged", lambda data: data["dn"]["agentState"] == wanted)


async def talking(client: VendorClient, number: str = "5001") -> str:
    await client.call("voice.makeCall", number, {"userData": PAIRS})
    await client.call_in_state("Dialing")
    identity: str = (await client.call_in_state("Established"))["id"]
    return identity


async def test_a_workspace_session(simulator: Simulator) -> None:
    """Initialise, states, a call with hold, data, recording, transfer and release, the end."""
    async with vendor_client("workspace", simulator.url, "sim-key") as client:
        await begun(simulator, client)
        await client.call("voice.ready")
        await state(client, "Ready")
        await client.call("voice.notReady", "AuxWork", "Lunch")
        dn = (await client.event("DnStateChanged"))["dn"]
        assert (dn["agentWorkMode"], dn["reasons"][0]["value"]) == ("AuxWork", "Lunch")
        await client.call("voice.dndOn")
        assert (await client.event("DnStateChanged"))["dn"]["dnd"] is True
        await client.call("voice.setForward", "5009")
        assert (await client.event("DnStateChanged"))["dn"]["forwardTo"] == "5009"

        call = await talking(client)
        assert list(await client.call("voice.calls")) == [call]
        await client.call("voice.holdCall", call)
        await client.call_in_state("Held")
        await client.call("voice.retrieveCall", call)
        await client.call_in_state("Established")
        await client.call(
            "voice.attachUserData", call, [{"key": "Note", "type": "str", "value": "x"}]
        )
        attached = await client.event("CallStateChanged")
        assert attached["notificationType"] == "AttachedDataChanged"
        assert {"Case", "Note"} <= {one["key"] for one in attached["call"]["userData"]}
        for verb, expected in (
            ("start", "Recording"),
            ("pause", "Paused"),
            ("resume", "Recording"),
            ("stop", "Stopped"),
        ):
            await client.call(f"voice.{verb}Recording", call)
            recorded = await client.event("CallStateChanged")
            assert recorded["call"]["recordingState"] == expected
        await client.call("voice.initiateTransfer", call, "5002")
        await client.call_in_state("Held")
        consult = (await client.call_in_state("Established"))["id"]
        await client.call("voice.completeTransfer", consult, call)
        ended = [(await client.call_in_state("Released"))["id"] for _ in range(2)]
        assert ended == [consult, call]

        call = await talking(client)
        await client.call("voice.releaseCall", call)
        await client.call_in_state("Released")
        await client.call("voice.sendUserEvent", PAIRS, "uuid-1")
        assert (await client.event("EventUserEvent"))["data"]["userData"] == PAIRS
        await _told_everything(simulator, client)
        await client.call("destroy")
        await eventually(lambda: not simulator.workspace.sessions.alive)
    assert simulator.bayeux.sessions == []


async def _told_everything(simulator: Simulator, client: VendorClient) -> None:
    """What the client reports is what was published on voice, message for message."""
    published = [
        one.message_type
        for one in simulator.ledger.since(0, 1000)
        if one.topic == "/workspace/v3/voice"
    ]
    reported = [one["event"] for one in client.reports]
    assert reported == published


async def test_more_operations_of_the_workspace_client(simulator: Simulator) -> None:
    async with vendor_client("workspace", simulator.url, "sim-key") as client:
        await begun(simulator, client)
        call = await talking(client)
        await client.call("voice.initiateConference", call, "5002")
        consult = (await client.event("CallStateChanged", _consult_is_up))["call"]["id"]
        await client.call("voice.alternateCalls", consult, call)
        await client.call_in_state("Established")
        await client.call("voice.alternateCalls", call, consult)
        await client.call_in_state("Established")
        await client.call("voice.completeConference", consult, call)
        joined = await client.event(
            "CallStateChanged", lambda data: data["notificationType"] == "ParticipantsUpdated"
        )
        assert len(joined["call"]["participants"]) == 2
        await client.call("voice.deleteFromConference", call, "5002")
        await client.event("CallStateChanged", lambda data: len(data["call"]["participants"]) == 1)
        await client.call("voice.sendDTMF", call, "12")
        await client.call("voice.updateUserData", call, PAIRS)
        await client.call("voice.deleteUserDataPair", call, "Case")
        await client.call("voice.singleStepTransfer", call, "5003")
        await client.call_in_state("Released")
        refused = await client.attempt("voice.holdCall", call)
        assert refused["status"] == 500
        [target] = await client.call("targets.search", "agent0002", 5)
        assert target["number"] == "70002"
        wanted = [{"objectId": "e0001", "objectType": "Agent", "name": "Calls"}]
        opened = await client.call("reporting.subscribe", wanted)
        peeked = await client.call("reporting.peek", opened["data"]["subscriptionId"])
        assert peeked["data"]["statistics"][0]["name"] == "Calls"
        await client.call("destroy")


def _consult_is_up(data: dict[str, dict[str, str]]) -> bool:
    return (data["call"]["callType"], data["call"]["state"]) == ("Consult", "Established")


async def test_the_workspace_client_comes_back_after_a_402_without_its_subscriptions(
    simulator: Simulator,
) -> None:
    """That is how it is: whoever depends on a feed has to subscribe again."""
    async with vendor_client("workspace", simulator.url, "sim-key") as client:
        await begun(simulator, client)
        simulator.strike(Fault(FaultKind.SESSION_UNKNOWN))
        await eventually(lambda: simulator.bayeux.handshakes == 2)
        [session] = simulator.bayeux.sessions
        assert session.subscriptions == frozenset()


async def test_a_statistics_session(simulator: Simulator) -> None:
    """Subscribe, updates, peek, delete."""
    wanted = [
        {"statisticId": "a", "objectId": "e0001", "objectType": "Agent", "name": "HandleTime"},
        {"statisticId": "b", "objectId": "e0001", "objectType": "Agent", "name": "AgentState"},
    ]
    async with vendor_client("statistics", simulator.url, "sim-key") as client:
        await client.call("initialize", await user_token(simulator))
        opened = await client.call("createSubscription", "sub-1", wanted)
        assert opened["data"]["subscriptionId"] == "sub-1"
        for _ in range(3):
            data = await client.event("Updates")
            first, _second = data.get("data", data)["statistics"]
            assert (first["subscriptionId"], first["name"]) == ("sub-1", "HandleTime")
        peeked = await client.call("peekSubscriptionStats", "sub-1", ["a", "b"])
        assert [one["statisticId"] for one in peeked["data"]["statistics"]] == ["a", "b"]
        one = await client.call("getStatValue", "HandleTime", "e0001", "Agent")
        assert one["data"]["statistic"]["objectId"] == "e0001"
        assert (await client.call("deleteSubscription", "sub-1"))["status"]["code"] == 0
        simulator.commit(Fault(FaultKind.SERVICE_UNAVAILABLE, service="STATS", for_seconds=0.1))
        for expected in ("Unavailable", "Available"):
            await client.event(
                "ServiceChange",
                lambda data, state=expected: data.get("data", data)["serviceState"] == state,
            )
        references = [one["data"]["referenceId"] for one in client.reports]
        written = [one.id for one in simulator.ledger.since(0, 1000) if one.id in set(references)]
        assert references == written
        await client.call("destroy")
        await eventually(lambda: not simulator.statistics.feed.sessions)


async def test_a_provisioning_session(simulator: Simulator) -> None:
    """An operation with its result, a change of an object that is watched."""
    async with vendor_client("provisioning", simulator.url, "sim-key") as client:
        await client.call("initialize", {"token": await user_token(simulator)})
        await client.call("operations.getUsers", {"limit": 2}, {"callback": "users"})
        users = await client.event("users")
        assert [one["userName"] for one in users["users"]] == ["agent0001", "agent0002"]
        await client.call("operations.getUsedSkills", {"callback": "skills"})
        assert (await client.event("skills"))["skills"]
        assert (await client.call("objects.getSkills", {}))["totalCount"] == 5
        await client.call("destroy")
        await eventually(lambda: not simulator.provisioning.sessions.alive)


CODE = {
    "workspace": ("genesys-workspace-client-js", "/workspace/v3"),
    "statistics": ("genesys-statistics-client-js", "/statistics/v3"),
    "provisioning": ("genesys-provisioning-client-js", "/provisioning/v3"),
}
PAIR = re.compile(r"'(/[^']*)', '(GET|POST|PUT|DELETE)'")
NOT_SIMULATED = (
    "/doc",
    "/capacity-rules",
    "/email-settings",
    "/export-",
    "/import-",
    "/login",
    "/objects/{object_type}/permissions",
    "/operations/delete-users",
    "/options",
    "/recording/",
    "/settings",
    "/statistic-definitions",
    "/temporary-storage",
    "/whitelist",
)


def calls_of(kind: str) -> Iterator[tuple[str, str]]:
    """Every method and path in a client's code."""
    package, _ = CODE[kind]
    folder = Path(INSTALLED) / "node" / "node_modules" / package / "src" / "internal"
    for path in folder.rglob("*.js"):
        for found, method in PAIR.findall(path.read_text(encoding="utf-8")):
            yield method, found


@pytest.mark.parametrize("kind", CODE)
async def test_every_path_of_a_client_has_an_answer(simulator: Simulator, kind: str) -> None:
    """What is not simulated is listed; anything else would be a hole that nobody sees."""
    unknown = []
    found = sorted(set(calls_of(kind)))
    assert found
    for method, path in found:
        if path.startswith(NOT_SIMULATED):
            continue
        target = CODE[kind][1] + re.sub(r"\{.*?\}", "x", path)
        match = await simulator.app.router.resolve(make_mocked_request(method, target))
        if match.http_exception is not None:
            unknown.append(f"{method} {path}")
    assert unknown == []
