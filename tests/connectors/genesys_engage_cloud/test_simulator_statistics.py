"""The simulated Statistics API."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import msgspec
import pytest

from connectors.genesys_engage_cloud.simulator import Fault, FaultKind, Simulator
from tests.support.engage_desk import QUIET, Data, Desk, client, user_token

STATISTICS = "/statistics/v3"
CHANNELS = (f"{STATISTICS}/service", f"{STATISTICS}/updates")
WANTED = [
    {"statisticId": "a", "objectId": "e0001", "objectType": "Agent", "name": "CallsAnswered"},
    {"statisticId": "b", "objectId": "e0001", "objectType": "Agent", "name": "AgentState"},
    {"objectId": "g", "objectType": "GroupAgents", "definition": {"category": "CurrentNumber"}},
]


@pytest.fixture
async def desk(simulator: Simulator) -> AsyncIterator[Desk]:
    async with client(simulator, STATISTICS) as opened:
        await opened.bayeux.handshake()
        opened.keep(await opened.bayeux.subscribe(*CHANNELS))
        yield opened


async def subscribe(desk: Desk, identity: str = "sub-1", query: str = "") -> Data:
    body = {"operationId": identity, "data": {"statistics": WANTED}}
    reply: Data = await desk.rest("POST", f"subscriptions{query}", body)
    return reply


def inner(data: Data) -> Data:
    """An update's content, bare or wrapped."""
    content: Data = data.get("data", data)
    return content


async def update(desk: Desk) -> list[Data]:
    found = await desk.message(lambda one: "statistics" in inner(one["data"]))
    assert found["channel"] == f"{STATISTICS}/updates"
    statistics: list[Data] = inner(found["data"])["statistics"]
    return statistics


async def test_the_handshake_sets_the_cookie_and_the_service_is_told(desk: Desk) -> None:
    assert "STATISTICS_SESSIONID" in desk.bayeux.cookies
    found = await desk.message()
    assert found["channel"] == f"{STATISTICS}/service"
    assert inner(found["data"]) == {"serviceState": "Available"} | (
        {} if "data" in found["data"] else {"referenceId": found["data"]["referenceId"]}
    )


async def test_the_operation_id_is_the_subscription(desk: Desk) -> None:
    reply = await subscribe(desk, "mine")
    assert reply["status"]["code"] == 0
    assert reply["data"]["subscriptionId"] == "mine"
    ids = [one["statisticId"] for one in reply["data"]["statistics"]]
    assert ids[:2] == ["a", "b"]
    assert {one["subscriptionId"] for one in await update(desk)} == {"mine"}


async def test_updates_come_again_and_again_with_values_of_any_type(desk: Desk) -> None:
    await subscribe(desk)
    for _ in range(3):
        first, second, third = await update(desk)
        assert isinstance(first["value"], int)
        assert isinstance(second["value"], str)
        assert isinstance(third["value"], int)
        assert first["statisticId"] == "a"


@pytest.mark.parametrize("form", ["bare", "wrapped"])
async def test_an_update_is_bare_or_wrapped(form: str) -> None:
    settings = msgspec.convert({"agents": 1, "statistics_form": form}, type(QUIET))
    async with Simulator(settings) as simulator, client(simulator, STATISTICS) as desk:
        await desk.bayeux.handshake()
        desk.keep(await desk.bayeux.subscribe(*CHANNELS))
        await subscribe(desk)
        found = await desk.message(lambda one: "statistics" in inner(one["data"]))
    assert ("data" in found["data"]) is (form == "wrapped")
    assert found["data"]["referenceId"].startswith("sim-")


async def test_quiet_subscriptions_show_no_statistics(desk: Desk) -> None:
    assert "statistics" not in (await subscribe(desk, query="?verbose=OFF"))["data"]


@pytest.mark.parametrize("query", ["statisticIds=a&statisticIds=b", "statisticIds=a,b", ""])
async def test_values_are_peeked_at_with_ids_repeated_or_joined(desk: Desk, query: str) -> None:
    await subscribe(desk)
    reply = await desk.rest("GET", f"subscriptions/sub-1/statistic-values?{query}")
    ids = {one["statisticId"] for one in reply["data"]["statistics"]}
    assert {"a", "b"} <= ids
    assert len(ids) == (2 if query else 3)


async def test_a_deleted_subscription_is_gone(desk: Desk) -> None:
    await subscribe(desk)
    assert (await desk.rest("DELETE", "subscriptions/sub-1"))["status"]["code"] == 0
    assert (await desk.status("GET", "subscriptions/sub-1/statistic-values"))[0] == 404
    assert (await desk.status("DELETE", "subscriptions/sub-1"))[0] == 404


async def test_values_without_a_subscription(desk: Desk) -> None:
    reply = await desk.rest("GET", "statistic-values/CallsAnswered?objectId=e0001&objectType=Agent")
    one = reply["data"]["statistic"]
    many = await desk.rest("POST", "operations/get-statistic-ex", {"data": {"statistics": WANTED}})
    assert many["data"]["statistics"][0]["value"] == one["value"]


@pytest.mark.parametrize(
    "body",
    [
        {"data": {"statistics": WANTED}},
        {"operationId": "x", "data": {}},
        {"operationId": "x", "data": {"statistics": [{"objectId": "e0001"}]}},
    ],
)
async def test_what_is_no_subscription_is_refused(desk: Desk, body: Data) -> None:
    assert (await desk.status("POST", "subscriptions", body))[0] == 400


async def test_every_request_needs_the_token(desk: Desk) -> None:
    del desk.bayeux.headers["Authorization"]
    assert (await desk.status("POST", "subscriptions", {}))[0] == 401
    assert (await desk.status("POST", "notifications", []))[0] == 401


async def test_an_expired_token_ends_no_session(desk: Desk) -> None:
    simulator = desk.simulator
    await subscribe(desk)
    simulator.strike(Fault(FaultKind.TOKEN_EXPIRY))
    assert (await desk.status("POST", "notifications", []))[0] == 401
    desk.bayeux.headers["Authorization"] = f"Bearer {await user_token(simulator)}"
    await update(desk)


async def test_a_channel_that_does_not_exist_is_no_bayeux_reply(desk: Desk) -> None:
    message = desk.bayeux.message("/meta/subscribe", subscription=f"{STATISTICS}/nonsense")
    status, body = await desk.status("POST", "notifications", [message])
    content = json.loads(body)
    assert status == 500
    assert content.keys() == {"timestamp", "status", "error", "message", "path"}


async def test_a_first_subscription_may_be_earlier_than_the_cookie(simulator: Simulator) -> None:
    async with client(simulator, STATISTICS) as desk:
        await desk.bayeux.handshake()
        del desk.bayeux.cookies["STATISTICS_SESSIONID"]
        assert (await subscribe(desk))["status"]["code"] == 0
    [session] = simulator.statistics.sessions.alive
    assert list(session.state.subscriptions) == ["sub-1"]


async def test_subscriptions_die_with_the_cometd_session(desk: Desk) -> None:
    await subscribe(desk)
    desk.simulator.strike(Fault(FaultKind.SESSION_UNKNOWN))
    [reply] = await desk.bayeux.connect()
    assert reply["error"].startswith("402")
    await desk.bayeux.handshake()
    assert (await desk.status("GET", "subscriptions/sub-1/statistic-values"))[0] == 404


async def test_the_service_goes_and_comes(desk: Desk) -> None:
    await desk.message()
    fault = Fault(FaultKind.SERVICE_UNAVAILABLE, for_seconds=0.2, service="STATS")
    desk.simulator.commit(fault)
    assert inner((await desk.message())["data"])["serviceState"] == "Unavailable"
    assert (await desk.status("POST", "subscriptions", {}))[0] == 503
    assert inner((await desk.message())["data"])["serviceState"] == "Available"
