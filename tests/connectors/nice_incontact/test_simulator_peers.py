"""Clients that are not ours judge the simulated platform: the vendor's agent SDK, and a program that reads reports."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from connectors.nice_incontact.simulator import Simulator, SimulatorSettings
from tests.support.line_client import LineClient
from tests.support.nice_clients import agent_sdk, run_tap
from tests.support.nice_desk import FIRST, desk, sign_in

pytestmark = pytest.mark.peers

QUIET = SimulatorSettings(agents=3, events_per_second=0, sessions_open=False)


@asynccontextmanager
async def at_work(simulator: Simulator) -> AsyncIterator[LineClient]:
    """The SDK in a session that it started, available."""
    async with agent_sdk(simulator.url, await sign_in(simulator.url, FIRST), "1001") as client:
        await client.call("session.start", {"stationPhoneNumber": "+18015551001"})
        await client.call("session.poll")
        begun = await client.event("AgentSession")
        assert (begun["status"], begun["data"]["agentId"]) == ("SessionStart", "1001")
        await client.call("state.setAgentState", {"state": "Available"})
        await state(client, "Available")
        yield client


async def state(client: LineClient, wanted: str) -> Any:
    return await client.event(
        "AgentState", lambda data: data["currentState"]["cxoneState"] == wanted
    )


async def status(client: LineClient, wanted: str) -> Any:
    return await client.event("CallContact", lambda data: data["status"] == wanted)


async def talking(client: LineClient) -> str:
    """A call to a number; its contact."""
    await client.call("calls.dialPhone", {"phoneNumber": "+14155553333", "skillId": "501"})
    contact: str = (await status(client, "Active"))["contactId"]
    return contact


async def test_the_sdk_works_through_a_call(simulator: Simulator) -> None:
    """Start, poll, call, hold, mask, record, mute, end, work after it, end of the session."""
    async with at_work(simulator) as client:
        contact = await talking(client)
        for method, wanted in (
            ("voice.holdContact", "Holding"),
            ("voice.resumeContact", "Active"),
            ("voice.maskCall", "Masking"),
            ("voice.unmaskCall", "Active"),
        ):
            await client.call(method, contact)
            assert (await status(client, wanted))["contactId"] == contact
        await client.call("voice.recordCall", contact)
        assert (await status(client, "Active"))["isLogging"] is True
        await client.call("voice.muteAgent")
        assert (await client.event("Mute"))["agentMuted"] is True
        await client.call("voice.endContact", contact)
        assert (await status(client, "Disconnected"))["finalState"] is False
        wrap_up = await state(client, "Unavailable")
        assert (wrap_up["currentState"]["isACW"], wrap_up["currentState"]["acwTimeout"]) == (
            True,
            30,
        )
        await client.call("state.setAgentState", {"state": "Available"})
        assert (await status(client, "Disconnected"))["finalState"] is True
        await state(client, "Available")
        await client.call("session.end", {"forceLogoff": True})
        assert (await client.event("AgentSession"))["status"] == "SessionEnd"


async def test_the_sdk_is_told_everything_once_and_in_order(simulator: Simulator) -> None:
    async with at_work(simulator) as client:
        contact = await talking(client)
        await client.call("voice.holdContact", contact)
        await status(client, "Holding")
        await client.call("session.end", {"forceLogoff": True, "endContacts": True})
        await client.event("AgentSession", lambda data: data["status"] == "SessionEnd")
        raw = [event for line in client.reports if line["event"] == "raw" for event in line["data"]]
    told = [event["ReferenceId"] for event in raw if "ReferenceId" in event]
    assert told == [one.id for one in simulator.ledger.since(0, 1000)]


async def test_the_sdk_consults_and_transfers(simulator: Simulator) -> None:
    async with at_work(simulator) as client, desk(simulator.url, "agent0002@example.com") as other:
        session = await other.start(stationPhoneNumber="+18015551002")
        contact = await talking(client)
        await client.call("voice.holdContact", contact)
        await status(client, "Holding")
        await client.call("calls.consultAgent", "1002")
        ringing = await session.until("CallContactEvent", CallType="Consult", Status="Ringing")
        assert await session.contact(ringing["ContactID"], "accept-consult") == 202
        second = await client.event(
            "CallContact", lambda data: data["callType"] == "Consult" and data["status"] == "Active"
        )
        await client.call("calls.transferContact")
        await client.event(
            "CallContact",
            lambda data: data["contactId"] == second["contactId"] and data["finalState"],
        )
        handed = await session.until("CallContactEvent", CallType="Regular", Status="Active")
        assert handed["MasterID"] == contact


async def test_the_sdk_learns_of_an_end_that_another_client_brought_about(
    simulator: Simulator,
) -> None:
    async with at_work(simulator) as client, desk(simulator.url) as gateway:
        session = await gateway.join(1001)
        assert (await gateway.request("DELETE", f"agent-sessions/{session.id}"))[0] == 202
        ended = await client.event("AgentSession", lambda data: data["status"] == "SessionEnd")
        assert ended["data"]["success"] is True


async def test_the_sdk_takes_other_media(simulator: Simulator) -> None:
    async with at_work(simulator) as client, desk(simulator.url) as gateway:
        for media, kind in (("workitem", "WorkItemContact"), ("voicemail", "VoiceMailContact")):
            await gateway.emit("offer", agent=1001, media=media)
            offered = await client.event(kind, lambda data: data["status"] == "Incoming")
            contact = str(offered.get("contactId") or offered.get("contactID"))
            await client.call("contacts.acceptContact", contact)
            await client.event(kind, lambda data: data["status"] == "Active")
            await client.call("contacts.endContact", contact)
            await client.event(kind, lambda data: data["status"] == "Disconnected")
            await gateway.emit("complete", agent=1001)


async def test_the_sdk_refuses_what_the_platform_refuses(simulator: Simulator) -> None:
    async with at_work(simulator) as client:
        contact = await talking(client)
        assert "error" in await client.attempt("voice.resumeContact", contact)
        assert "error" in await client.attempt("calls.transferContact")


async def test_a_program_that_reads_reports_reads_all_of_them() -> None:
    settings = msgspec.structs.replace(
        QUIET, sessions_open=True, page_rows=2, report_names="camel", acw_seconds=0
    )
    async with Simulator(settings) as running, desk(running.url) as gateway:
        for _ in range(5):
            await gateway.emit("offer", agent=1001)
            await gateway.emit("answer", agent=1001)
            await gateway.emit("hang_up", agent=1001)
        start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=2)
        configuration = {
            "api_key": "key-1000",
            "api_secret": "secret",
            "api_cluster": "b2",
            "api_version": "21.0",
            "auth_domain": "na1",
            "user_agent": "tests",
            "start_date": start.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        streams = [
            "contacts_completed",
            "skills_sla_summary",
            "skills_summary",
            "teams_performance_total",
        ]
        messages = await run_tap(running.url, configuration, streams)
        contacts = [one.id for one in running.world.closed]
    records: dict[str, list[Any]] = {name: [] for name in streams}
    for message in messages:
        if message["type"] == "RECORD":
            records[message["stream"]].append(message["record"])
    assert [row["contactId"] for row in records["contacts_completed"]] == contacts
    sales = [row for row in records["skills_sla_summary"] if row["skillName"] == "Sales"]
    assert {row["contactsWithinSLA"] for row in sales} == {5}
    assert {row["skillId"] for row in records["skills_sla_summary"]} == {501, 502, 503, 504}
    assert [row["inboundHandled"] for row in records["teams_performance_total"]][:2] == [5, 0]
    assert {row["contactsHandled"] for row in records["skills_summary"]} == {5, 0}


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator(QUIET) as running:
        yield running
