"""The simulated Provisioning API."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import msgspec
import pytest

from connectors.genesys_engage_cloud.simulator import Simulator
from tests.support.engage_desk import QUIET, Data, Desk, client

PROVISIONING = "/provisioning/v3"


@pytest.fixture
async def desk(simulator: Simulator) -> AsyncIterator[Desk]:
    async with client(simulator, PROVISIONING) as opened:
        reply = await opened.rest("POST", "initialize-provisioning")
        assert reply["data"]["sessionId"] == opened.bayeux.cookies["PROVISIONING_SESSIONID"]
        del opened.bayeux.headers["Authorization"]
        await opened.bayeux.handshake()
        await opened.bayeux.subscribe("/*")
        yield opened


async def told(desk: Desk, channel: str) -> Data:
    """The inner message of the next one about this."""
    found = await desk.message(lambda one: one["data"]["channel"] == channel)
    data: Data = found["data"]["data"]
    return data


async def test_the_result_of_an_operation_comes_under_its_id(desk: Desk) -> None:
    reply = await desk.rest("POST", "operations/get-users?_aioId=one&limit=2&offset=1")
    assert reply == {"status": {"code": 1}}
    result = await told(desk, "operations")
    assert result["id"] == "one"
    body = json.loads(result["data"]["data"])
    assert [one["userName"] for one in body["data"]["users"]] == ["agent0002", "agent0003"]
    assert body["data"]["totalCount"] == 3


@pytest.mark.parametrize("settings", [msgspec.structs.replace(QUIET, provisioning_data="map")])
async def test_a_result_may_be_an_object_instead_of_text(desk: Desk) -> None:
    await desk.rest("POST", "operations/get-used-skills?_aioId=two")
    result = await told(desk, "operations")
    skills = result["data"]["data"]["data"]["skills"]
    assert {"DBID", "name"} == skills[0].keys()


async def test_a_watched_object_tells_its_changes_until_nobody_watches(desk: Desk) -> None:
    await desk.rest("PUT", "users/101", {"data": {"lastName": "Unseen"}})
    reply = await desk.rest("POST", "operations/watch-objects", {"data": {"types": ["users"]}})
    assert reply["status"]["code"] == 0
    await desk.rest("PUT", "users/101", {"data": {"lastName": "Seen"}})
    change = await told(desk, "objects")
    body = json.loads(change["data"]["data"])
    assert (change["id"], change["path"]) == ("101", "/objects/users/101")
    assert (body["data"]["operation"], body["data"]["object"]["lastName"]) == ("update", "Seen")
    await desk.rest("DELETE", "operations/watch-objects")
    before = len(desk.simulator.ledger)
    await desk.rest("PUT", "users/101", {"data": {"lastName": "Unseen"}})
    assert len(desk.simulator.ledger) == before


async def test_users_are_made_read_and_removed(desk: Desk) -> None:
    made = (await desk.post("users", userName="new", firstName="N"))["data"]["user"]
    assert (await desk.rest("GET", f"objects/users/{made['DBID']}"))["data"]["user"] == made
    assert (await desk.rest("GET", "users/me"))["data"]["user"]["userName"] == "agent0001"
    await desk.rest("DELETE", f"users/{made['DBID']}")
    assert (await desk.status("GET", f"users/{made['DBID']}"))[0] == 404


@pytest.mark.parametrize("kind", ["skills", "agent-groups", "dns", "dn-groups", "users"])
async def test_objects_are_listed_with_their_count(desk: Desk, kind: str) -> None:
    data = (await desk.rest("GET", f"objects/{kind}"))["data"]
    assert data["totalCount"] == len(data[kind]) > 0


async def test_logout_ends_the_session(desk: Desk) -> None:
    assert (await desk.rest("POST", "logout"))["status"]["code"] == 0
    assert (await desk.status("POST", "operations/inactivity"))[0] == 403
    assert desk.simulator.provisioning.feed.sessions == []


async def test_an_operation_needs_its_id_and_must_exist(desk: Desk) -> None:
    assert (await desk.status("POST", "operations/get-users"))[0] == 400
    assert (await desk.status("POST", "operations/paint-users?_aioId=x"))[0] == 501
    assert (await desk.rest("POST", "operations/inactivity"))["status"]["code"] == 0
