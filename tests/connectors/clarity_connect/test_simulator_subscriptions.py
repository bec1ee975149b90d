"""What the simulated server pushes: whole entities first, then what changed; alerts; the life of subscriptions."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from unittest.mock import ANY

import msgspec
import pytest

from connectors.clarity_connect.simulator import Simulator
from tests.support.clarity_desk import QUIET, Data, Desk, Feed, desk
from tests.support.raw_bayeux import eventually
from tests.support.raw_signalr import TRANSPORTS


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator(QUIET) as running:
        yield running


@pytest.fixture
async def supervisor(simulator: Simulator) -> AsyncIterator[Desk]:
    async with desk(simulator) as sat_down:
        yield sat_down


@pytest.fixture
async def feed(supervisor: Desk) -> AsyncIterator[Feed]:
    async with supervisor.feed() as running:
        yield running


async def call_in(supervisor: Desk, modality: str = "audio") -> int:
    """A session that waits in queue 1."""
    session: int = (await supervisor.emit("incoming", queue=1, modality=modality))["session"]
    return session


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_subscriber_gets_the_agent_whole_and_then_what_changed(
    supervisor: Desk, transport: str
) -> None:
    async with supervisor.feed(transport) as feed:
        subscription = await feed.subscribe("agents?agentIds=101")
        told, first = await feed.next("onAgents")
        assert told == subscription
        assert (first["id"], first["name"], first["type"]) == (101, "Agent 1", "agent")
        assert set(first["metrics"]) == {"audio", "instantMessage", "message", "agnostic"}
        assert first["currentStatus"]["agentStatus"] == "loggedOut"
        await supervisor.emit("status", agent="agent0001", status="available")
        _, change = await feed.next("onAgents")
    assert change["currentStatus"]["agentStatus"] == "available"
    assert set(change) == {"type", "name", "id", "currentStatus", "referenceId"}
    assert first["referenceId"] != change["referenceId"]


async def test_sessions_are_added_changed_and_removed(supervisor: Desk, feed: Feed) -> None:
    await feed.subscribe("agents?agentIds=101&modalities=audio")
    await feed.next("onAgents")
    session = await call_in(supervisor)
    seen: list[tuple[str, str]] = []
    for action in ("offer", "answer", "hold", "record", "finish", "complete"):
        fields: dict[str, Any] = {"agent": "agent0001"} if action == "offer" else {}
        await supervisor.emit(action, session=session, **fields)
        _, change = await feed.next("onAgents")
        bag = change.get("sessions", {}).get("audio", {})
        seen += [(kind, one["sessionStatus"]) for kind, found in bag.items() for one in found]
    assert seen == [
        ("addedSessions", "NotifyingAgent"),
        ("sessions", "Active"),
        ("sessions", "Active"),
        ("sessions", "AfterCall"),
        ("removedSessions", "AfterCall"),
    ]


async def test_a_queue_tells_its_metrics_and_sessions(supervisor: Desk, feed: Feed) -> None:
    await feed.subscribe("queues?queueIds=1,2")
    firsts = [(await feed.next("onQueues"))[1] for _ in range(2)]
    assert [one["id"] for one in firsts] == [1, 2]
    session = await call_in(supervisor)
    _, change = await feed.next("onQueues")
    assert change["metrics"] == {"audio": {"queuedCount": 1, "currentlyQueuedCount": 1}}
    assert change["sessions"]["audio"]["addedSessions"][0]["sessionId"] == session
    await supervisor.emit("abandon", session=session)
    _, change = await feed.next("onQueues")
    assert change["metrics"]["audio"]["abandonedCount"] == 1
    assert change["metrics"]["audio"]["currentlyQueuedCount"] == 0


async def test_properties_and_modalities_are_filtered(supervisor: Desk, feed: Feed) -> None:
    """Session properties under either of their two names, and by number."""
    await feed.subscribe(
        "queues?queueIds=1&modalities=2",
        metricProperties=["QueuedCount"],
        sessionPropertyType=["queueId", 4],
    )
    _, first = await feed.next("onQueues")
    assert first["metrics"] == {"audio": {"queuedCount": 0}}
    await call_in(supervisor, "message")
    session = await call_in(supervisor)
    _, change = await feed.next("onQueues")
    [added] = change["sessions"]["audio"]["addedSessions"]
    assert set(added) == {"sessionId", "queueId", "customerName"}
    assert added["sessionId"] == session


async def test_sums_over_agents_and_queues(supervisor: Desk, feed: Feed) -> None:
    await feed.subscribe("agents/aggregateBy?teamIds=1,2")
    await feed.subscribe("queues/aggregateBy?modalities=audio")
    _, agents = await feed.next("onAgentsAggregate")
    _, queues = await feed.next("onQueuesAggregate")
    assert agents["entityIds"] == [101, 103, 102, 104]
    assert "currentStatus" not in agents
    assert queues["entityIds"] == [1, 2, 3, 4]
    await call_in(supervisor)
    _, change = await feed.next("onQueuesAggregate")
    assert change["metrics"]["audio"]["queuedCount"] == 1


async def test_groups_of_agents_and_queues(feed: Feed) -> None:
    await feed.subscribe("agents/groupBy?teamIds=1,2&groupIds=1")
    await feed.subscribe("queues/groupBy?businessUnitIds=1,2")
    agents = [(await feed.next("onAgentsGroup"))[1] for _ in range(2)]
    queues = [(await feed.next("onQueuesGroup"))[1] for _ in range(2)]
    assert [(one["groupType"], one["entityIds"]) for one in agents] == [
        ("team", [101, 103]),
        ("team", [102, 104]),
    ]
    assert [(one["groupId"], one["entityIds"]) for one in queues] == [(1, [1, 3]), (2, [2, 4])]


async def test_breakdowns_come_change_and_go(supervisor: Desk, feed: Feed) -> None:
    await feed.subscribe("agents?agentIds=101&includeBreakdowns=true")
    await feed.next("onAgents")
    kinds: list[str] = []
    for _ in range(2):
        session = await call_in(supervisor)
        await supervisor.emit("offer", agent="agent0001", session=session)
        await supervisor.emit("answer", session=session)
        await supervisor.emit("finish", session=session)
        await supervisor.emit("complete", session=session)
    await supervisor.emit("reset", agent="agent0001")
    while "removedBreakdowns" not in kinds:
        _, change = await feed.next("onAgents")
        kinds += [name for name in change if "reakdowns" in name]
    assert kinds == ["addedBreakdowns", "breakdowns", "removedBreakdowns"]


async def test_the_status_history_grows_by_what_is_new(supervisor: Desk, feed: Feed) -> None:
    await feed.subscribe("agents?agentIds=101&includeStatusHistory=true")
    await feed.next("onAgents")
    for status in ("available", "atLunch"):
        await supervisor.emit("status", agent="agent0001", status=status)
    news = [(await feed.next("onAgents"))[1]["statusHistory"] for _ in range(2)]
    assert [[one["agentStatus"] for one in each] for each in news] == [["loggedOut"], ["available"]]
    assert all("endTime" in one for each in news for one in each)


async def test_alerts_are_raised_and_cleared(supervisor: Desk, feed: Feed) -> None:
    """They go to a group, so the client gets a groups token."""
    assert await feed.subscribe("alerts") == "alerts"
    sessions = [await call_in(supervisor) for _ in range(3)]
    _, raised = await feed.next("onAlerts")
    await supervisor.emit("abandon", session=sessions[0])
    _, cleared = await feed.next("onAlerts")
    assert (raised["queueId"], raised["value"], raised["isActive"]) == (1, 3, True)
    assert (cleared["id"], cleared["isActive"]) == (raised["id"], False)
    assert cleared["endTime"] >= cleared["startTime"] == raised["startTime"]
    assert feed.client.groups


async def test_an_alert_that_is_active_is_told_to_who_subscribes_late(
    supervisor: Desk, feed: Feed
) -> None:
    await feed.subscribe("queues?queueIds=1")
    for _ in range(3):
        await call_in(supervisor)
    await feed.subscribe("alerts")
    _, raised = await feed.next("onAlerts")
    assert raised["isActive"]


async def test_updating_tells_everything_anew(supervisor: Desk, feed: Feed) -> None:
    subscription = await feed.subscribe("agents?agentIds=101")
    await feed.next("onAgents")
    body = {"connectionId": feed.client.connection_id, "metricProperties": ["answeredCount"]}
    path = f"v2/subscriptions/{subscription}?agentIds=102"
    assert await supervisor.post(path, body) == (204, None)
    told, first = await feed.next("onAgents")
    assert (told, first["id"]) == (subscription, 102)
    assert first["metrics"]["audio"] == {"answeredCount": 0}


async def test_deleting_ends_it(supervisor: Desk, feed: Feed, simulator: Simulator) -> None:
    subscription = await feed.subscribe("agents?agentIds=101")
    await feed.next("onAgents")
    body = {"connectionId": feed.client.connection_id}
    path = f"v2/subscriptions/{subscription}"
    assert await supervisor.request("DELETE", path, body) == (204, None)
    assert simulator.subscriptions.all == {}
    await supervisor.emit("status", agent="agent0001")
    assert await feed.nothing_came()
    assert (await supervisor.request("DELETE", path, body))[0] == 404


async def test_alerts_are_ended_by_leaving_the_group(supervisor: Desk, feed: Feed) -> None:
    await feed.subscribe("alerts")
    body = {"connectionId": feed.client.connection_id}
    assert (await supervisor.request("DELETE", "v2/subscriptions/alerts", body))[0] == 204
    for _ in range(3):
        await call_in(supervisor)
    assert await feed.nothing_came()


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("agents", None, 401),
        ("agents?agentIds=999", None, 401),
        ("agents/groupBy?agentIds=101", None, 401),
        ("queues", None, 401),
        ("agents?agentIds=101", {}, 500),
        ("agents?agentIds=101", {"connectionId": "unheard-of"}, 404),
        ("agents?agentIds=101&modalities=smoke", None, 400),
        ("agents?agentIds=x", None, 400),
        ("abc123", None, 404),
    ],
)
async def test_wrong_subscriptions_are_refused(
    supervisor: Desk, feed: Feed, path: str, body: Data | None, status: int
) -> None:
    content = {"connectionId": feed.client.connection_id} if body is None else body
    assert (await supervisor.post(f"v2/subscriptions/{path}", content))[0] == status


async def test_an_agent_subscribes_to_itself_only(simulator: Simulator) -> None:
    async with desk(simulator, "agent0001") as agent, agent.feed() as feed:
        await feed.subscribe("agents?agentIds=101")
        body = {"connectionId": feed.client.connection_id}
        assert (await agent.post("v2/subscriptions/agents?agentIds=102", body))[0] == 401
        assert (await agent.post("v2/subscriptions/queues?queueIds=1", body))[0] == 401
        assert (await agent.post("v2/subscriptions/alerts", body))[0] == 401


async def test_somebody_elses_connection_is_refused(simulator: Simulator, feed: Feed) -> None:
    async with desk(simulator, "agent0001") as agent:
        body = {"connectionId": feed.client.connection_id}
        assert (await agent.post("v2/subscriptions/agents?agentIds=101", body))[0] == 401


async def test_subscriptions_end_with_their_connection(simulator: Simulator, feed: Feed) -> None:
    await feed.subscribe("agents?agentIds=101")
    await feed.client.request("POST", "abort")
    await eventually(lambda: not simulator.subscriptions.all)


async def test_a_site_may_send_only_the_properties_that_changed() -> None:
    """A value that is gone is null."""
    chosen = msgspec.structs.replace(QUIET, partial_changes=True)
    async with Simulator(chosen) as running, desk(running) as somebody, somebody.feed() as feed:
        await feed.subscribe("agents?agentIds=101&modalities=audio")
        await somebody.emit("status", agent="agent0001", status="unavailable", reason=2)
        await somebody.emit("status", agent="agent0001", status="available")
        session = await call_in(somebody)
        await somebody.emit("offer", agent="agent0001", session=session)
        await somebody.emit("answer", session=session)
        await somebody.emit("record", session=session)
        changes = [(await feed.next("onAgents"))[1] for _ in range(6)]
    statuses = [one["currentStatus"] for one in changes[:3]]
    assert statuses[1] == {
        "agentStatus": "unavailable",
        "startTime": ANY,
        "reasonCodeName": "At Lunch",
    }
    assert statuses[2] == {"agentStatus": "available", "startTime": ANY, "reasonCodeName": None}
    [recorded] = changes[5]["sessions"]["audio"]["sessions"]
    assert recorded.keys() - {"activeMs"} == {"sessionId", "isRecording"}


@pytest.mark.parametrize(("form", "body"), [("string", str), ("none", type(None))])
async def test_the_answer_to_a_subscription_has_the_form_of_the_site(
    form: str, body: type[object]
) -> None:
    chosen = msgspec.structs.replace(QUIET, subscription_answer=form)
    async with Simulator(chosen) as running, desk(running) as somebody, somebody.feed() as feed:
        content = {"connectionId": feed.client.connection_id}
        status, answer = await somebody.post("v2/subscriptions/agents?agentIds=101", content)
    assert (status, type(answer)) == (200, body)
