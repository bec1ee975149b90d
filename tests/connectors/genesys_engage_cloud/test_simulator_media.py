"""Chats, e-mails, work items and workbins of the simulated Workspace API."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.genesys_engage_cloud.simulator import Simulator
from tests.support.engage_desk import WORKSPACE, Data, Desk, workspace


async def offered(agent: Desk, media: str, username: str = "agent0001") -> str:
    """The id of an interaction that was offered."""
    emission = {"agent": username, "action": media}
    await agent.bayeux.json("POST", f"{agent.simulator.url}/sim/emit", emission)
    found: str = (await agent.interaction("Invited"))["interaction"]["id"]
    return found


async def accepted(agent: Desk, media: str, username: str = "agent0001", **data: object) -> str:
    """The path of an interaction that the agent has taken."""
    found = await offered(agent, media, username)
    path = f"media/{media}/interactions/{found}"
    await agent.accepted(f"{path}/accept", **data)
    await agent.interaction("Processing")
    return path


@pytest.mark.parametrize("media", ["chat", "email", "workitem", "outboundpreview"])
async def test_an_interaction_is_offered_on_the_channel_of_its_media(
    agent: Desk, media: str
) -> None:
    emission = {"agent": "agent0001", "action": media}
    await agent.bayeux.json("POST", f"{agent.simulator.url}/sim/emit", emission)
    found = await agent.message(lambda one: "interaction" in one["data"])
    assert found["channel"] == f"{WORKSPACE}/media/{media}"
    interaction = found["data"]["interaction"]
    assert (interaction["mediatype"], interaction["state"]) == (media, "Invited")
    assert interaction["capabilities"] == ["accept", "reject"]
    assert {"key": "ServiceObjective", "type": "int", "value": 0} in interaction["userData"]


@pytest.mark.parametrize(
    ("operation", "data", "state"),
    [
        ("complete", {}, "Completed"),
        ("place-in-queue", {"queue": "other"}, "Completed"),
        ("place-in-queue", {"queue": "__BACK__"}, "InWorkbin"),
        ("transfer-agent", {"agentId": "e0002"}, "Completed"),
    ],
)
@pytest.mark.parametrize("media", ["chat", "email", "workitem"])
async def test_an_interaction_leaves_the_agent(
    agent: Desk, media: str, operation: str, data: Data, state: str
) -> None:
    path = await accepted(agent, media)
    await agent.accepted(f"{path}/{operation}", **data)
    await agent.interaction(state)
    assert agent.simulator.world.agents["agent0001"].interactions == {}


async def test_a_rejected_interaction_is_gone(agent: Desk) -> None:
    found = await offered(agent, "email")
    await agent.accepted(f"media/email/interactions/{found}/reject")
    await agent.interaction("Completed")
    status, _ = await agent.status("POST", f"media/email/interactions/{found}/accept")
    assert status == 500


async def test_properties_of_an_interaction(agent: Desk) -> None:
    path = await accepted(agent, "workitem")

    async def changed() -> Data:
        data = await agent.data("InteractionStateChanged")
        assert data["notificationType"] == "PropertiesUpdated"
        interaction: Data = data["interaction"]
        return interaction

    pairs = [{"key": "Category", "type": "str", "value": "c1"}]
    await agent.accepted(f"{path}/attach-user-data", userData=pairs)
    assert pairs[0] in (await changed())["userData"]
    await agent.accepted(f"{path}/delete-user-data", keys=["Category"])
    assert pairs[0] not in (await changed())["userData"]
    await agent.accepted(f"{path}/set-comment", comment="call back")
    assert (await changed())["comment"] == "call back"


@pytest.mark.parametrize(("username", "key"), [("agent0001", "interactionId"), ("agent0002", "id")])
async def test_a_chat_is_a_log_in_either_spelling(
    simulator: Simulator, username: str, key: str
) -> None:
    async with workspace(simulator, username) as agent:
        path = await accepted(agent, "chat", username, nickname="Ann")
        joined = [(await agent.data("MessageLogUpdated")) for _ in range(2)]
        assert [one["messages"][0]["type"] for one in joined] == ["ParticipantJoined"] * 2
        assert joined[1]["messages"][0]["from"]["nickname"] == "Ann"
        await agent.accepted(f"{path}/send-message", message="hello", visibility="All")
        said = await agent.data("MessageLogUpdated")
        [message] = said["messages"]
        assert (message["type"], message["text"], message["index"]) == ("Text", "hello", 3)
        assert path.endswith(said[key])
        log = (await agent.rest("GET", f"{path}/messages"))["data"]["messages"]
    assert [one["index"] for one in log] == [1, 2, 3]


@pytest.mark.parametrize(
    ("operation", "data", "kind"),
    [
        ("send-typing-started", {}, "TypingStarted"),
        ("send-typing-stopped", {}, "TypingStopped"),
        ("send-url", {"url": "http://example.com"}, "PushUrl"),
        ("send-custom-notification", {"message": "x"}, "CustomNotification"),
        ("invite", {"agentId": "e0002"}, "ParticipantJoined"),
        ("invite-by-queue", {"queue": "q"}, "ParticipantJoined"),
        ("consult", {"agentId": "e0002"}, "ParticipantJoined"),
        ("consult-by-queue", {"queue": "q"}, "ParticipantJoined"),
        ("cancel-consult", {}, "ParticipantLeft"),
        ("remove-from-conference", {"participantId": "p"}, "ParticipantLeft"),
        ("update-nickname", {"nickname": "Bob"}, "NicknameUpdated"),
        ("leave", {"afterAction": "KeepAlive"}, "ParticipantLeft"),
    ],
)
async def test_an_operation_on_a_chat(agent: Desk, operation: str, data: Data, kind: str) -> None:
    path = await accepted(agent, "chat")
    for _ in range(2):
        await agent.data("MessageLogUpdated")
    await agent.accepted(f"{path}/{operation}", **data)
    assert (await agent.data("MessageLogUpdated"))["messages"][0]["type"] == kind


async def test_leaving_a_chat_ends_it_unless_it_is_kept_alive(agent: Desk) -> None:
    path = await accepted(agent, "chat")
    await agent.accepted(f"{path}/leave", afterAction="ForceClose")
    await agent.interaction("Completed")


async def test_a_chat_is_put_on_hold(agent: Desk) -> None:
    path = await accepted(agent, "chat")
    for operation, held in (("put-on-hold", True), ("resume", False)):
        await agent.accepted(f"{path}/{operation}")
        data = await agent.data("InteractionStateChanged")
        assert data["interaction"]["isHeld"] is held


async def test_only_a_chat_is_chatted_with(agent: Desk) -> None:
    path = await accepted(agent, "email")
    body = {"data": {"message": "hello"}}
    assert (await agent.status("POST", f"{path}/send-message", body))[0] == 500


@pytest.mark.parametrize(("operation", "state"), [("send", "Sent"), ("cancel", "Canceled")])
async def test_a_reply_is_an_interaction_of_its_own(
    agent: Desk, operation: str, state: str
) -> None:
    path = await accepted(agent, "email")
    await agent.accepted(f"{path}/reply", body="Dear customer")
    reply = (await agent.interaction("Composing"))["interaction"]
    assert path.endswith(reply["parentInteractionId"])
    assert (reply["interactionType"], reply["interactionSubtype"]) == ("Outbound", "OutboundReply")
    draft = f"media/email/interactions/{reply['id']}"
    await agent.accepted(f"{draft}/save", body="Dear Ms Doe")
    saved = await agent.data("InteractionStateChanged")
    assert (saved["notificationType"], saved["interaction"]["email"]["body"]) == (
        "EmailSaved",
        "Dear Ms Doe",
    )
    await agent.upload(f"{draft}/add-attachment", "a.txt", b"hello")
    attached = await agent.data("InteractionStateChanged")
    assert attached["notificationType"] == "UCSPropertiesUpdated"
    [document] = attached["interaction"]["attachments"]
    path = f"{draft}/attachments/{document['id']}"
    assert (await agent.status("GET", path))[1] == b"hello"
    await agent.accepted(f"{draft}/remove-attachment/{document['id']}")
    removed = await agent.data("InteractionStateChanged")
    assert removed["interaction"]["attachments"] == []
    await agent.accepted(f"{draft}/assign-contact/c1")
    assigned = await agent.data("InteractionStateChanged")
    assert assigned["interaction"]["contactId"] == "c1"
    await agent.accepted(f"{draft}/{operation}")
    assert (await agent.interaction(state))["interaction"]["id"] == reply["id"]


async def test_an_email_is_begun_or_forwarded(agent: Desk) -> None:
    await agent.accepted("media/email/interactions/create", to=["a@example.com"], subject="Hi")
    new = (await agent.interaction("Composing"))["interaction"]
    assert (new["email"]["to"], new["interactionSubtype"]) == (["a@example.com"], "OutboundNew")
    path = await accepted(agent, "email")
    await agent.accepted(f"{path}/forward", to=["b@example.com"])
    forwarded = (await agent.interaction("Composing"))["interaction"]
    assert forwarded["interactionSubtype"] == "OutboundForward"


async def test_monitoring_of_media(agent: Desk) -> None:
    for operation, kind in (("start", "MonitoringStarted"), ("stop", "MonitoringStopped")):
        await agent.accepted(f"media/chat/{operation}-monitoring", agentId="e0002")
        assert (await agent.data("MonitoringStateChanged"))["eventType"] == kind


@pytest.mark.parametrize(
    ("username", "key"), [("agent0001", "notificationType"), ("agent0002", "name")]
)
async def test_a_workbin_that_is_watched_tells_what_comes_and_goes(
    simulator: Simulator, username: str, key: str
) -> None:
    async with workspace(simulator, username) as agent:

        async def told(wanted: str) -> Any:
            return await agent.data("WorkbinsMessage", lambda data: data[key] == wanted)

        await agent.accepted("workbins/get-workbins")
        [workbin] = (await told("EventWorkbins"))["workbins"]
        await agent.accepted(f"workbins/{workbin['id']}/subscribe")
        assert (await told("EventAck"))["operation"] == "SubscribeWorkbinEvents"
        path = await accepted(agent, "workitem", username)
        found = path.rpartition("/")[2]
        await agent.accepted(f"workbins/{workbin['id']}/add-interaction", interactionId=found)
        added = await told("EventWorkbinContentChanged")
        assert (added["workbinContentOperation"], added["interaction"]["state"]) == (
            "Add",
            "InWorkbin",
        )
        await agent.accepted(f"workbins/{workbin['id']}/get-content")
        content = (await told("EventWorkbinContent"))["workbin"]
        assert [one["id"] for one in content["interactions"]] == [found]
        await agent.accepted("workbins/get-contents", workbinIds=workbin["id"])
        assert workbin["id"] in (await told("EventWorkbinsContent"))["workbins"]
        await agent.accepted(f"workbins/interactions/{found}/get-details")
        assert (await told("EventGetInteractionDetails"))["interaction"]["id"] == found
        await agent.accepted(f"{path}/pull")
        assert (await told("EventWorkbinContentChanged"))["workbinContentOperation"] == "Remove"
        await agent.interaction("Processing")


async def test_a_supervisor_manages_interactions_by_snapshot(simulator: Simulator) -> None:
    async with workspace(simulator) as boss, workspace(simulator, "agent0002") as agent:
        path = await accepted(agent, "email", "agent0002")
        found = path.rpartition("/")[2]
        await boss.accepted("media-management/get-snapshot", condition="true")
        snapshot = await boss.data("SnapshotMessage")
        assert [one["id"] for one in snapshot["interactions"]] == [found]
        pairs = [{"key": "Priority", "type": "int", "value": 9}]
        await boss.accepted(
            "media-management/manage-user-data", interactions=[found], updatedUserData=pairs
        )
        assert (await boss.data("SnapshotMessage"))["notificationType"] == "ManageUserData"
        changed = await agent.data("InteractionStateChanged")
        assert pairs[0] in changed["interaction"]["userData"]
        await boss.accepted("media-management/complete", interactions=[found])
        await agent.interaction("Completed")
        await boss.accepted(f"media-management/{snapshot['snapshotId']}/release-snapshot")
        told = await boss.data(
            "SnapshotMessage", lambda data: data["notificationType"] == "SnapshotReleased"
        )
        assert told["snapshotId"] == snapshot["snapshotId"]


async def test_a_campaign_answers_on_the_channel_of_topics(agent: Desk) -> None:
    content = [
        {"key": "GSW_AGENT_REQ_TYPE", "type": "str", "value": "RecordReject"},
        {"key": "GSW_RECORD_HANDLE", "type": "int", "value": 17},
    ]
    await agent.accepted("media/topics/1@place/publish", eventContent=content)
    found = await agent.message(lambda one: "eventContent" in one["data"])
    assert found["channel"] == f"{WORKSPACE}/media/topics"
    pairs = {one["key"]: one["value"] for one in found["data"]["eventContent"]}
    assert pairs == {"GSW_RECORD_HANDLE": 17, "GSW_USER_EVENT": "RecordRejectAcknowledge"}
