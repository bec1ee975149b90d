"""The gateway tells what the vendor's own client parses, for the same agent in the same run."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.nice_incontact.simulator import Simulator
from gateway.events import Event
from tests.connectors.nice_incontact.harness import connected_to, emit, sign_in, simulated
from tests.support.consumer import FeedConsumer, reference_of
from tests.support.line_client import Line, LineClient
from tests.support.nice_clients import agent_sdk
from tests.support.nice_desk import FIRST
from tests.support.nice_desk import sign_in as token_of

pytestmark = pytest.mark.peers

Told = dict[str, Any]
STATES = {
    "Incoming": "alerting",
    "Ringing": "alerting",
    "Dialing": "initiated",
    "Active": "connected",
    "Masking": "connected",
    "Joined": "connected",
    "Holding": "held",
    "Disconnected": "cleared",
}
AGENT_STATES = {
    "Available": "ready",
    "Unavailable": "not_ready",
    "InboundContact": "busy",
    "OutboundContact": "busy",
}


@asynccontextmanager
async def both(simulator: Simulator) -> AsyncIterator[tuple[LineClient, FeedConsumer]]:
    """The SDK in a session that it started, and the gateway's feed of that agent, which joined it."""
    user = sign_in(simulator.url, username="gateway@example.com")
    async with (
        connected_to(simulator.url, sign_in=user) as connector,
        agent_sdk(simulator.url, await token_of(simulator.url, FIRST), "1001") as client,
        FeedConsumer(connector) as gateway,
    ):
        await client.call("session.start", {"stationPhoneNumber": "+18015551001"})
        await client.call("session.poll")
        await client.event("AgentSession")
        await gateway.event("agent.session.started")
        yield client, gateway


async def work(client: LineClient) -> None:
    """Poll, call, hold, mask, record, mute, end, work after it, end of the session."""

    async def status(wanted: str) -> Any:
        return await client.event("CallContact", lambda data: data["status"] == wanted)

    async def available() -> None:
        await client.call("state.setAgentState", {"state": "Available"})
        await client.event(
            "AgentState", lambda data: data["currentState"]["cxoneState"] == "Available"
        )

    await client.call("state.setAgentState", {"state": "Unavailable", "reason": "Lunch"})
    await available()
    await client.call("calls.dialPhone", {"phoneNumber": "+14155553333", "skillId": "501"})
    contact = (await status("Active"))["contactId"]
    for method, wanted in (
        ("voice.holdContact", "Holding"),
        ("voice.resumeContact", "Active"),
        ("voice.maskCall", "Masking"),
        ("voice.unmaskCall", "Active"),
        ("voice.recordCall", "Active"),
    ):
        await client.call(method, contact)
        await status(wanted)
    for method in ("voice.muteAgent", "voice.unmuteAgent"):
        await client.call(method)
        await client.event("Mute")
    await client.call("voice.endContact", contact)
    await status("Disconnected")
    await available()
    await client.call("session.end", {"forceLogoff": True})
    await client.event("AgentSession", lambda data: data["status"] == "SessionEnd")


def parsed(reports: Iterable[Line], kind: str) -> list[Told]:
    return [line["data"] for line in reports if line["event"] == kind]


def by_reference(gateway: FeedConsumer) -> dict[str, list[Event]]:
    found: dict[str, list[Event]] = {}
    for event in gateway.events:
        if reference := reference_of(event):
            found.setdefault(reference, []).append(event)
    return found


def verbs(events: list[Event]) -> list[str]:
    return [event.type.removeprefix("tieline.").removesuffix(".v1") for event in events]


async def test_the_gateway_and_the_sdk_read_the_same_events() -> None:
    async with (
        simulated(sessions_open=False, agents=2) as simulator,
        both(simulator) as (client, gateway),
    ):
        await work(client)
        await gateway.event("agent.session.ended")
        for_both = [one.id for one in simulator.ledger.since(0, 10_000) if one.copies > 1]
        told = by_reference(gateway)

    raw = [event for batch in parsed(client.reports, "raw") for event in batch]
    assert len(for_both) > 20
    assert {event["ReferenceId"] for event in raw} & told.keys() == set(for_both)

    previous: Told = {}
    for call in parsed(client.reports, "CallContact"):
        same_call(call, previous, told[call["referenceId"]])
        previous = call
    for state in parsed(client.reports, "AgentState"):
        if events := told.get(state["agentStateData"]["ReferenceId"]):
            same_state(state["currentState"], events)
    for kind, verb, field in (
        ("AgentLeg", "agent.leg.changed", "AgentLegId"),
        ("Mute", "call.mute.changed", ""),
    ):
        ours = [event for event in gateway.events if event.type == f"tieline.{verb}.v1"]
        theirs = parsed(client.reports, kind)
        if kind == "Mute":
            assert [event.data.muted for event in ours] == [one["agentMuted"] for one in theirs]  # type: ignore[attr-defined] - data of that type
        else:
            assert [event.data.native.ids[field] for event in ours] == [  # type: ignore[attr-defined] - data of that type
                one["agentLegId"] for one in theirs
            ]
    (begun, ended) = parsed(client.reports, "AgentSession")
    started = next(event for event in gateway.events if "session.started" in event.type)
    assert started.data.native.ids["SessionId"] == begun["data"]["sessionId"]  # type: ignore[attr-defined] - data of that type
    assert ended["data"]["success"] is True


def same_call(call: Told, before: Told, events: list[Event]) -> None:
    """What the SDK parsed of a call, and our events of the same message."""
    first, told = events[0], verbs(events)
    data: Any = first.data
    assert data.call == call["contactId"]
    assert data.native.ids["MasterID"] == call["masterId"]
    assert data.agent == "1001"
    if isinstance(getattr(data, "direction", None), str):
        assert data.direction == ("inbound" if call["isInbound"] else "outbound")
    if isinstance(getattr(data, "state", None), str):
        assert data.state == STATES[call["status"]]
    assert ("recording.started" in told) == (
        call["isLogging"] and not before.get("isLogging", False)
    )
    assert ("recording.paused" in told) == (call["status"] == "Masking")
    assert ("call.ended" in told) == (
        call["status"] == "Disconnected" and before["status"] != "Disconnected"
    )
    if call["status"] != before.get("status") and told[0] != "call.initiated":
        assert first.time == datetime.fromisoformat(call["lastStateChangeTimeUtc"])


def same_state(state: Told, events: list[Event]) -> None:
    """What the SDK parsed of the agent's state, and our event of the same message."""
    data: Any = events[0].data
    assert data.native_state == state["cxoneState"]
    assert (data.reason or "") == state["reason"]
    assert data.state == ("after_contact" if state["isACW"] else AGENT_STATES[state["cxoneState"]])
    assert round(data.since.timestamp() * 1000) == state["startTime"]


SESSION = {"AgentSessionStart", "AgentSessionEnd", "RemoteAgentSessionEnd"}


def recorded() -> list[Told]:
    """All recorded messages but those that begin and end a session."""
    answers = [
        answer
        for path in sorted((Path(__file__).parent / "fixtures").glob("*.json"))
        for answer in json.loads(path.read_text(encoding="utf-8"))
    ]
    events = [event for answer in answers for event in answer["events"]]
    return [event for event in events if event.get("Type") not in SESSION]


async def test_the_sdk_can_read_every_recorded_message_and_means_the_same_contact() -> None:
    messages = recorded()
    async with (
        simulated(sessions_open=False, agents=2) as simulator,
        both(simulator) as (client, gateway),
    ):
        for message in messages:
            await emit(simulator, "event", type=message["Type"], data=message)
        await emit(simulator, "event", data={"eventName": "the last", "data": "{}"})
        await client.event("raw", lambda batch: batch[-1].get("eventName") == "the last")
        await client.call("session.id")  # Its answer comes after all that was parsed.
        (last,) = list(simulator.ledger.since(len(simulator.ledger) - 1, 1))
        await gateway.until(lambda: last.id in gateway.references(), "the last message")
        told = by_reference(gateway)

    raw = {
        event["ReferenceId"]: event
        for batch in parsed(client.reports, "raw")
        for event in batch
        if "ReferenceId" in event
    }
    for reference, event in raw.items():
        contact = event.get("ContactID") or event.get("ContactId")
        if contact not in {None, "-1"}:
            ours = {one.data.native.ids.get("ContactID") for one in told.get(reference, [])}  # type: ignore[attr-defined] - data of contacts
            assert ours <= {contact}, event["Type"]
    calls = parsed(client.reports, "CallContact")
    assert len(calls) == sum(message["Type"] == "CallContactEvent" for message in messages)
    for call in calls:
        for one in told.get(call["referenceId"], []):
            data: Any = one.data
            assert data.call == call["contactId"]
            if one.type in {"tieline.call.connected.v1", "tieline.call.held.v1"}:
                assert data.state == STATES[call["status"]]
    kinds = {line["event"] for line in client.reports}
    assert kinds >= {
        *("VoiceMailContact", "WorkItemContact", "VoiceMailPlayBack", "Indicator", "PageOpen"),
        *(
            "PopURL",
            "RunApp",
            "MchAgentSettingsChange",
            "PromiseKeeper",
            "AgentAssist",
            "Conference",
        ),
    }
