"""E-mails and chats on the simulated server."""

from __future__ import annotations

from tests.support.gws_desk import Data, Desk


async def test_an_email_is_invited_accepted_answered_and_completed(agent: Desk) -> None:
    await agent.sim("POST", "emit", {"agent": "agent0001", "action": "email"})
    invited = await agent.event(lambda data: state_of(data) == "Invited")
    path = f"/me/interactions/{interaction(invited)['id']}"
    assert await agent.operate(path, "Accept") == {"statusCode": 0}
    await agent.event(lambda data: state_of(data) == "Accepted")
    reply = await agent.operate(path, "Reply", queueName="drafts")
    answer = await agent.event(lambda data: state_of(data) == "ReplyCreated")
    assert interaction(answer)["id"] == reply["replyInteractionId"]
    await agent.operate(f"/me/interactions/{reply['replyInteractionId']}", "Send")
    await agent.event(lambda data: state_of(data) == "Sent")
    await agent.operate(path, "Complete")
    await agent.event(lambda data: state_of(data) == "Completed")


async def test_a_chat_repeats_its_events_out_of_order(agent: Desk) -> None:
    await agent.sim("POST", "emit", {"agent": "agent0001", "action": "chat"})
    invited = await agent.event(lambda data: state_of(data) == "Invited")
    path = f"/me/interactions/{interaction(invited)['id']}"
    await agent.operate(path, "Accept", nickname="Anna")
    accepted = await agent.event(lambda data: state_of(data) == "Accepted")
    joined = interaction(accepted)["content"]["events"]
    assert [(one["messageType"], one["nickName"]) for one in joined] == [
        ("PARTY_JOINED", "Customer"),
        ("PARTY_JOINED", "Anna"),
    ]
    orders = []
    for number in range(6):
        await agent.operate(path, "SendMessage", text=f"text {number}")
        data = await agent.event(lambda data: state_of(data) == "PropertiesChanged")
        content = interaction(data)["content"]
        assert content["latestEventId"] == number + 3
        orders.append([one["id"] for one in content["events"]])
    assert any(order != sorted(order) for order in orders)


async def test_an_invitation_must_be_accepted_first(agent: Desk) -> None:
    await agent.sim("POST", "emit", {"agent": "agent0001", "action": "email"})
    invited = await agent.event(lambda data: state_of(data) == "Invited")
    reply = await agent.operate(f"/me/interactions/{interaction(invited)['id']}", "Complete")
    assert reply["statusCode"] == 2


def interaction(data: Data) -> Data:
    """The interaction, nested or flat."""
    nested: Data = data.get("interaction", data)
    return nested


def state_of(data: Data) -> object:
    return interaction(data).get("state")
