"""What commands and phones do to agents and calls of the simulated platform, and what is told of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import msgspec
import pytest

from connectors.nice_incontact.simulator import Simulator, SimulatorSettings
from tests.support.nice_desk import Desk, Session, desk, story
from tests.support.waiting import until

QUIET = SimulatorSettings(agents=3, events_per_second=0, dial_answer_seconds=0)


@dataclass
class Site:
    """Two agents whose sessions are joined."""

    simulator: Simulator
    gateway: Desk
    first: Session
    second: Session

    async def call(self) -> str:
        """The first agent talks with a caller; the contact's id."""
        await self.gateway.emit("state", agent=1001)
        contact = (await self.gateway.emit("offer", agent=1001))["contact"]
        await self.gateway.emit("answer", agent=1001)
        await self.first.news()
        return str(contact)

    async def available(self) -> None:
        """The second agent is ready."""
        await self.gateway.emit("state", agent=1002)
        await self.second.news()


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with Simulator(QUIET) as running, desk(running.url) as gateway:
        first, second = await gateway.join(1001), await gateway.join(1002)
        await first.news()
        await second.news()
        yield Site(running, gateway, first, second)


async def test_an_incoming_call_is_told_in_the_documented_order(site: Site) -> None:
    await site.gateway.emit("state", agent=1001)
    await site.gateway.emit("offer", agent=1001)
    await site.gateway.emit("answer", agent=1001)
    assert story(await site.first.news()) == [
        "AgentState Available",
        "CallContactEvent Incoming",
        "AgentLeg Dialing",
        "AgentLeg Active",
        "AgentState InboundContact",
        "CallContactEvent Active",
    ]


async def test_a_call_is_over_before_its_contact_is_closed(site: Site) -> None:
    """Disconnected, not final; unavailable for the work after it; final; the next state."""
    contact = await site.call()
    assert await site.first.contact(contact, "end") == 202
    assert story(await site.first.news()) == [
        "CallContactEvent Disconnected",
        "AgentLeg Disconnected final",
        "AgentState Unavailable acw",
    ]
    body = {"primaryDispositionId": 901, "primaryDispositionNotes": "done"}
    assert await site.first.contact(contact, "disposition", body) == 200
    assert story(await site.first.news()) == [
        "CallContactEvent Disconnected final",
        "AgentState Available",
    ]
    assert await site.first.contact(contact, "end") == 404


async def test_work_after_a_call_ends_by_itself() -> None:
    settings = msgspec.structs.replace(QUIET, acw_seconds=0.05)
    async with Simulator(settings) as running, desk(running.url) as gateway:
        session = await gateway.join(1001)
        await gateway.emit("offer", agent=1001)
        await gateway.emit("answer", agent=1001)
        await gateway.emit("hang_up", agent=1001)
        await session.until("AgentState", CurrentState="Available")


async def test_without_work_after_it_a_call_is_final_at_once() -> None:
    settings = msgspec.structs.replace(QUIET, acw_seconds=0)
    async with Simulator(settings) as running, desk(running.url) as gateway:
        session = await gateway.join(1001)
        await session.news()
        await gateway.emit("offer", agent=1001)
        await gateway.emit("answer", agent=1001)
        await session.news()
        await gateway.emit("hang_up", agent=1001)
        assert story(await session.news()) == [
            "CallContactEvent Disconnected final",
            "AgentLeg Disconnected final",
            "AgentState Available",
        ]


async def test_hold_and_retrieve(site: Site) -> None:
    contact = await site.call()
    assert await site.first.contact(contact, "resume") == 409
    assert await site.first.contact(contact, "hold") == 202
    assert await site.first.contact(contact, "hold") == 409
    assert await site.first.contact(contact, "end") == 409
    assert await site.first.contact(contact, "resume") == 202
    assert story(await site.first.news()) == [
        "CallContactEvent Holding",
        "CallContactEvent Active",
    ]


async def test_mask_and_unmask_and_record(site: Site) -> None:
    contact = await site.call()
    for path in ("mask", "unmask", "record"):
        assert await site.first.contact(contact, path) == 202
    events = await site.first.news()
    assert [(one["Status"], one["IsLogging"]) for one in events] == [
        ("Masking", "False"),
        ("Active", "False"),
        ("Active", "True"),
    ]
    assert await site.first.contact(contact, "unmask") == 409


async def test_the_leg_is_dialled_muted_and_ended(site: Site) -> None:
    assert await site.first.command("agent-phone/mute") == 409
    assert await site.first.command("agent-phone/dial") == 202
    await site.first.until("AgentLeg", Status="Active")
    assert await site.first.command("agent-phone/dial") == 409
    for path in ("mute", "unmute", "end"):
        assert await site.first.command(f"agent-phone/{path}") == 202
    events = await site.first.news()
    assert [one.get("AgentMuted") or one["Status"] for one in events] == [
        "True",
        "False",
        "Disconnected",
    ]
    assert await site.first.command("agent-phone/end") == 409


async def test_a_call_to_a_number(site: Site) -> None:
    body = {"phoneNumber": "+14155553333", "skillName": "Support"}
    assert await site.first.command("dial-phone", body) == 202
    await site.first.until("CallContactEvent", Status="Active")
    told = story(site.first.events)
    assert told[2:5] == ["AgentLeg Dialing", "AgentLeg Active", "AgentState OutboundContact"]
    assert told[5] == "CallContactEvent Dialing"


@pytest.mark.parametrize(
    ("ending", "code"), [("0000", "BadNumber"), ("1111", "Busy"), ("2222", "NoAnswer")]
)
async def test_a_call_that_fails_says_why(site: Site, ending: str, code: str) -> None:
    body = {"phoneNumber": f"+1415555{ending}", "skillId": "501"}
    assert await site.first.command("dial-phone", body) == 202
    event = await site.first.until("CallContactEvent", Status="Disconnected")
    assert (event["DisconnectCode"], event["FinalState"]) == (code, "True")
    errors = [one for one in site.first.events if one["Type"] == "AgentError"]
    assert [one["ResultCode"] for one in errors] == [code]


@pytest.mark.parametrize(
    "body", [{}, {"phoneNumber": "+1"}, {"phoneNumber": "+1", "skillId": "999"}]
)
async def test_a_call_needs_a_number_and_a_skill(site: Site, body: dict[str, str]) -> None:
    assert await site.first.command("dial-phone", body) == 400


async def test_a_state_is_taken_at_once_or_after_the_call(site: Site) -> None:
    assert await site.first.command("state", {"state": "Unavailable", "reason": "Lunch"}) == 202
    await site.first.until("AgentState", CurrentOutReason="Lunch")
    await site.call()
    assert await site.first.command("state", {"state": "Unavailable", "reason": "Break"}) == 202
    (event,) = await site.first.news()
    assert event["CurrentState"] == "InboundContact"
    assert event["NextStates"] == [{"State": "Unavailable", "OutReason": "Break"}]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"state": "Busy"}, 400),
        ({"state": "Unavailable", "reason": "Holiday"}, 400),
        ({"state": "Unavailable", "reason": "Wrap Up"}, 409),
    ],
)
async def test_a_wrong_state_is_refused(site: Site, body: dict[str, str], status: int) -> None:
    assert await site.first.command("state", body) == status


async def test_a_transfer_needs_two_calls_and_hands_the_caller_over(site: Site) -> None:
    contact = await site.call()
    assert await site.first.command("interactions/transfer-calls") == 409
    await site.available()
    assert await site.first.contact(contact, "hold") == 202
    assert await site.first.command("dial-agent", {"targetAgentId": 1002}) == 202
    await site.gateway.emit("answer", agent=1002)
    await site.first.news()
    await site.second.news()
    assert await site.first.command("interactions/transfer-calls") == 202
    ended = [one for one in await site.first.news() if one["Type"] == "CallContactEvent"]
    assert {one["DisconnectCode"] for one in ended} == {"TransferComplete"}
    await site.second.news()
    handed = [one for one in site.second.events if one.get("Status") == "Active"][-1]
    assert handed["MasterID"] == contact
    assert handed["ContactID"] != contact


async def test_a_conference_joins_two_calls(site: Site) -> None:
    await site.call()
    body = {"phoneNumber": "+14155553333", "skillId": "501"}
    assert await site.first.command("dial-phone", body) == 202
    await site.first.until("CallContactEvent", Status="Active", IsInbound="False")
    assert await site.first.command("interactions/conference-calls") == 202
    assert story(await site.first.news()) == [
        "CallContactEvent Joined",
        "CallContactEvent Joined",
        "Conference",
    ]


async def test_a_consultation_rings_is_accepted_and_ends(site: Site) -> None:
    await site.call()
    await site.available()
    assert await site.first.command("consult-agent", {"targetAgentId": 1002}) == 202
    ringing = await site.second.until("CallContactEvent", CallType="Consult", Status="Ringing")
    assert await site.second.contact(ringing["ContactID"], "accept-consult") == 202
    assert "AgentState InboundConsult" in story(await site.second.news())
    await site.first.until("CallContactEvent", CallType="Consult", Status="Active")
    assert await site.first.command("consult-agent", {"targetAgentId": 1002}) == 409


@pytest.mark.parametrize("target", [1002, 1003])
async def test_an_agent_who_is_out_or_whom_no_caller_waits_for_cannot_be_called(
    site: Site, target: int
) -> None:
    if target == 1002:
        await site.call()
        site.simulator.world.log_out(site.simulator.world.agents[1002])
    assert await site.first.command("dial-agent", {"targetAgentId": target}) == 409


async def test_a_supervisor_listens_coaches_barges_in_and_takes_over(site: Site) -> None:
    """Agent 1001 is the supervisor."""
    await site.available()
    await site.gateway.emit("offer", agent=1002)
    await site.gateway.emit("answer", agent=1002)
    assert await site.first.command("coach") == 409
    assert await site.first.command("monitor", {"targetAgentId": 1002}) == 202
    assert await site.first.command("coach") == 202
    assert await site.first.command("barge") == 202
    assert story(await site.first.news()) == [
        "AgentLeg Dialing",
        "AgentLeg Active",
        "SupervisorMonitor",
        "SupervisorContact Active",
        "SupervisorContact Active",
        "SupervisorContact Joined",
    ]
    assert await site.first.command("take-over") == 202
    told = story(await site.first.news())
    assert told[:2] == ["TakeOver", "SupervisorMonitor final"]
    assert told[-1] == "CallContactEvent Active"
    assert await site.second.command("monitor", {"targetAgentId": 1001}) == 403


async def test_listening_ends_with_the_call(site: Site) -> None:
    await site.available()
    await site.gateway.emit("offer", agent=1002)
    await site.gateway.emit("answer", agent=1002)
    assert await site.first.command("monitor", {"targetAgentId": 1002}) == 202
    await site.gateway.emit("hang_up", agent=1002)
    assert "SupervisorMonitor final" in story(await site.first.news())


async def test_data_is_put_to_a_contact(site: Site) -> None:
    contact = await site.call()
    body = {"indicatorName": "crm", "data": "case=17|vip=yes"}
    assert await site.first.contact(contact, "custom-data", body) == 202
    (event,) = await site.first.news()
    assert event["CustomData"] == "case=17|vip=yes"
    wrong = body | {"data": "|".join(f"k{index}=v" for index in range(21))}
    assert await site.first.contact(contact, "custom-data", wrong) == 400


@pytest.mark.parametrize(
    ("duration", "status"), [(60, 400), (61, 202), (15_000, 202), (15_001, 400)]
)
async def test_tones_have_their_limits(site: Site, duration: int, status: int) -> None:
    await site.call()
    body = {"dtmfSequence": "12#", "toneDurationMS": duration, "toneSpacingMS": 100}
    assert await site.first.command("send-dtmf", body) == status


@pytest.mark.parametrize(
    ("media", "kind"),
    [
        ("chat", "ChatContactEvent"),
        ("workitem", "WorkItemContactEvent"),
        ("voicemail", "VoiceMailContactEvent"),
    ],
)
async def test_other_media_are_accepted_or_rejected(site: Site, media: str, kind: str) -> None:
    await site.gateway.emit("state", agent=1001)
    contact = str((await site.gateway.emit("offer", agent=1001, media=media))["contact"])
    assert await site.first.contact(contact, "accept") == 202
    assert await site.first.contact(contact, "reject") == 409
    await site.first.until(kind, Status="Active")
    await site.gateway.emit("hang_up", agent=1001)
    await site.gateway.emit("complete", agent=1001)
    contact = str((await site.gateway.emit("offer", agent=1001, media=media))["contact"])
    assert await site.first.contact(contact, "reject") == 202
    await site.first.until("AgentState", CurrentOutReason="Refused")


async def test_a_call_is_taken_at_the_phone_only(site: Site) -> None:
    contact = str((await site.gateway.emit("offer", agent=1001))["contact"])
    assert await site.first.contact(contact, "accept") == 409


async def test_who_does_not_answer_is_unavailable_and_the_contact_waits_again() -> None:
    settings = msgspec.structs.replace(QUIET, refusal_seconds=0.05)
    async with Simulator(settings) as running, desk(running.url) as gateway:
        session = await gateway.join(1001)
        await gateway.emit("offer", agent=1001)
        await session.until("AgentState", CurrentOutReason="Refused")
        await until(lambda: len(running.world.waiting()) == 1)


async def test_texts_of_a_chat_are_told(site: Site) -> None:
    contact = str((await site.gateway.emit("offer", agent=1001, media="chat"))["contact"])
    assert await site.first.contact(contact, "send-chat-text", {"chatText": "hi"}) == 409
    assert await site.first.contact(contact, "accept") == 202
    assert await site.first.contact(contact, "send-chat-text", {"chatText": "hi"}) == 202
    text = await site.first.until("ChatText")
    assert (text["Message"], text["PartyType"]) == ("hi", "Agent")


@pytest.mark.parametrize(("media", "word"), [("chat", "chat"), ("voicemail", "voicemail")])
async def test_other_media_are_passed_on_to_an_agent_or_a_skill(
    site: Site, media: str, word: str
) -> None:
    for body in ({"targetAgentId": 1002}, {"targetSkillId": 502}):
        contact = str((await site.gateway.emit("offer", agent=1001, media=media))["contact"])
        path = f"transfer-{word}-to-{'agent' if 'targetAgentId' in body else 'skill'}"
        assert await site.first.contact(contact, path, body) == 409
        assert await site.first.contact(contact, "accept") == 202
        assert await site.first.contact(contact, path, body) == 202
        told = [one for one in await site.first.news() if one.get("ContactID") == contact]
        assert (told[-1]["Status"], told[-1]["FinalState"]) == ("Disconnected", "True")
    offered = next(one for one in await site.second.news() if one.get("Status") == "Incoming")
    assert offered["ContactID"] != contact
    (waiting,) = site.simulator.world.waiting()
    assert waiting.skill.id == 502


async def test_administrators_change_states_and_send_events(site: Site) -> None:
    body = {"state": "Unavailable", "outStateId": 12}
    assert (await site.gateway.post("agents/1001/state", body))[0] == 200
    told = {"eventName": "greeting", "data": "{}"}
    assert (await site.gateway.request("PUT", "agents/1001/custom-event", told))[0] == 200
    first, second = await site.first.news()
    assert first["CurrentOutReason"] == "Lunch"
    assert (second["eventName"], second["data"]) == ("greeting", "{}")
    site.simulator.world.log_out(site.simulator.world.agents[1002])
    assert (await site.gateway.post("agents/1002/state", body))[0] == 404
