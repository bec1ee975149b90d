"""The gateway tells what the vendor's own client reports, for the same agent in the same run."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.genesys_engage_cloud.simulator import Simulator
from tests.connectors.genesys_engage_cloud.harness import Consumer, connected_to
from tests.support.engage_desk import user_token
from tests.support.genesys_clients import Line, VendorClient, vendor_client

pytestmark = pytest.mark.peers

Told = tuple[str, str, str]
PAIRS = [{"key": "Case", "type": "str", "value": "17"}]


def reported(line: Line) -> Told | None:
    """What a line of the vendor's client is about: type, call and state."""
    data: dict[str, Any] = line["data"]
    if line["event"] == "CallStateChanged":
        return "CallStateChanged", data["call"]["id"], data["call"]["state"]
    if line["event"] == "DnStateChanged":
        return "DnStateChanged", data["dn"]["number"], data["dn"]["agentState"]
    return None


def told(consumer: Consumer) -> list[Told]:
    """The same of our events: the first event of each message of the platform."""
    found: dict[str, Told] = {}
    for event in consumer.events:
        native = getattr(event.data, "native", None)
        if native is None or event.provenance.value != "live":
            continue
        if native.type == "CallStateChanged":
            about = (native.type, native.ids.get("id", ""), native.state)
        elif native.type == "DnStateChanged":
            number = native.ids.get("device", "70001")
            about = (native.type, number, native.state.partition("/")[0])
        else:
            continue
        found.setdefault(native.reference, about)
    return list(found.values())


async def session(client: VendorClient) -> None:
    """What an agent does: states, a call with hold, data, recording and transfer, another that is released."""
    user = await client.call("user")
    await client.call("activateChannels", user["agentLogin"], None, user["defaultPlace"])
    await client.event("DnStateChanged")
    await client.call("voice.ready")
    await client.event("DnStateChanged")
    await client.call("voice.notReady", "AuxWork", "Lunch")
    await client.event("DnStateChanged")
    await client.call("voice.makeCall", "5001", {"userData": PAIRS})
    call = (await client.call_in_state("Established"))["id"]
    await client.call("voice.holdCall", call)
    await client.call_in_state("Held")
    await client.call("voice.retrieveCall", call)
    await client.call_in_state("Established")
    await client.call("voice.attachUserData", call, PAIRS)
    await client.event("CallStateChanged")
    for verb in ("start", "pause", "resume", "stop"):
        await client.call(f"voice.{verb}Recording", call)
        await client.event("CallStateChanged")
    await client.call("voice.initiateTransfer", call, "5002")
    await client.call_in_state("Held")
    consult = (await client.call_in_state("Established"))["id"]
    await client.call("voice.completeTransfer", consult, call)
    for _ in range(2):
        await client.call_in_state("Released")
    await client.call("voice.makeCall", "5003")
    call = (await client.call_in_state("Established"))["id"]
    await client.call("voice.releaseCall", call)
    await client.call_in_state("Released")


async def test_the_workspace_client_and_the_gateway_agree(simulator: Simulator) -> None:
    async with (
        connected_to(simulator.url) as connector,
        Consumer(connector) as consumer,
        vendor_client("workspace", simulator.url, "sim-key") as client,
    ):
        await client.call("initialize", {"token": await user_token(simulator)})
        await session(client)
        theirs = [found for line in client.reports if (found := reported(line))]
        await consumer.until(lambda: len(told(consumer)) >= len(theirs), "as many as they have")

    assert told(consumer) == theirs
    verbs = consumer.verbs()
    for verb in (
        "call.held", "call.retrieved", "call.data.changed", "call.transferred", "call.ended",
        "recording.started", "recording.paused", "recording.resumed", "recording.stopped",
    ):  # fmt: skip
        assert verb in verbs
    assert consumer.gaps == []


async def test_the_statistics_client_and_the_gateway_agree(simulator: Simulator) -> None:
    """Both have a subscription of their own; the service's state and the names they get are the same."""
    watched = {"objects": [{"type": "Agent", "ids": ["e0001"], "statistics": ["HandleTime"]}]}
    wanted = [
        {"statisticId": "a", "objectId": "e0001", "objectType": "Agent", "name": "HandleTime"}
    ]
    async with (
        connected_to(simulator.url, agents=0, statistics=watched) as connector,
        Consumer(connector) as consumer,
        vendor_client("statistics", simulator.url, "sim-key") as client,
    ):
        await client.call("initialize", await user_token(simulator))
        await client.call("createSubscription", "sub-1", wanted)
        data = await client.event("Updates")
        (theirs,) = data.get("data", data)["statistics"]
        ours = await consumer.event("agent.metrics.observed")
        simulator.statistics.tell_service(available=False)
        await client.event(
            "ServiceChange", lambda data: data.get("data", data)["serviceState"] == "Unavailable"
        )
        await consumer.event("service.state.changed", state="down")

    assert list(ours.data.values) == [theirs["name"]]  # type: ignore[attr-defined]  # metrics have them
    assert ours.subject == f"agent/{theirs['objectId']}"


@pytest.mark.parametrize("form", ["string"])
async def test_the_provisioning_client_and_the_gateway_agree(
    simulator: Simulator, form: str
) -> None:
    """Both ask for the users; the vendor's client reads the form with JSON in a text."""
    assert simulator.settings.provisioning_data == form
    watched = {"watch": ["users"], "read": ["get-users"]}
    async with (
        connected_to(simulator.url, agents=0, provisioning=watched) as connector,
        Consumer(connector) as consumer,
        vendor_client("provisioning", simulator.url, "sim-key") as client,
    ):
        await client.call("initialize", {"token": await user_token(simulator)})
        await client.call("operations.getUsers", {"limit": 100}, {"callback": "users"})
        theirs = [user["userName"] for user in (await client.event("users"))["users"]]
        ours = await consumer.event("directory.changed", directory="users")
        simulator.provisioning.change()
        await consumer.until(lambda: consumer.verbs().count("directory.changed") > 1, "a change")

    assert ours.data.changed == theirs  # type: ignore[attr-defined]  # a directory has it
