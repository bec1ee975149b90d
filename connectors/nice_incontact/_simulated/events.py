"""The events of an agent session, as the platform writes them: keys in Pascal case, every scalar a string.

Source: NICE inContact Agent API, "Agent session events". Booleans are "True" and "False", times ISO 8601 in UTC.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from connectors.nice_incontact._simulated.model import (
    LOGGED_OUT,
    Agent,
    Contact,
    Leg,
    Media,
    Monitor,
)

Message = dict[str, Any]
HOSTS = {"IISHost": "SIM-WEB01", "VCHost": "SIM-VC01"}


def flag(value: object) -> str:
    """A boolean."""
    return "True" if value else "False"


def stamp(seconds: float | None) -> str:
    """A time; empty for none."""
    if not seconds:
        return ""
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def event(kind: str, **fields: str | list[Any]) -> Message:
    """An event of that type."""
    return {**HOSTS, "Type": kind, **fields}


def session_start(agent: Agent, business_unit: int) -> Message:
    """AgentSessionStart."""
    session = agent.session
    assert session is not None  # noqa: S101 - only told of an agent who has one
    return event(
        "AgentSessionStart",
        BusNo=str(business_unit),
        AgentId=str(agent.id),
        SessionId=str(session.platform_id),
        StationId=agent.station_id,
        StationPhoneNumber=agent.phone,
        StationCallerId="",
        DialerCampaign="",
        DialerCampaignStartTime="",
        SupervisorPermissionLevel="3" if agent.may_supervise else "0",
        CanMask="True",
        CanRecord="True",
        AgentSchedulePermission="0",
        ScoreRecordingsPermission="0",
        HideAgentStatePermission="False",
        CanMultiPartyConference="True",
        MaxConcurrentChats="3",
        EnabledForMCH="False",
        UseCustomerCard="False",
        ClientConnectorPort="",
        AgentUUId=f"11e60000-{agent.id:012d}",
        EntityMode="0",
    )


def session_end(message: str = "") -> Message:
    """AgentSessionEnd."""
    return event("AgentSessionEnd", Success="True", Message=message)


def agent_state(agent: Agent) -> Message:
    """AgentState."""
    following = agent.next_state
    return event(
        "AgentState",
        CurrentState=agent.state if agent.session else LOGGED_OUT,
        CurrentOutReason=agent.reason,
        NextStates=[{"State": following[0], "OutReason": following[1]}] if following else [],
        StartTimeUTC=stamp(agent.since),
        IsAcw=flag(agent.acw),
        NextIsAcw="False",
        AcwTimeout=str(int(agent.acw_timeout)) if agent.acw else "",
    )


def agent_leg(leg: Leg) -> Message:
    """AgentLeg."""
    return event(
        "AgentLeg",
        AgentLegId=str(leg.id),
        Status=leg.status,
        FinalState=flag(leg.status == "Disconnected"),
    )


def agent_error(command: str, code: str, contact: Contact | None = None) -> Message:
    """AgentError."""
    return event(
        "AgentError",
        Command=command,
        ResultCode=code,
        ContactID=str(contact.id) if contact else "-1",
        Target="AgentLeg",
        ErrorLevel="Error",
    )


def call_contact(contact: Contact, kind: str = "CallContactEvent") -> Message:
    """CallContactEvent, and SupervisorContact, which has the same fields."""
    return event(
        kind,
        ContactID=str(contact.id),
        MasterID=str(contact.master_id),
        ParentContactId=str(contact.parent_id or ""),
        Status=contact.status,
        OriginalState=contact.original_state,
        CallType=contact.call_type,
        DNIS=contact.address if contact.inbound else contact.customer,
        ANI=contact.customer if contact.inbound else contact.address,
        Skill=str(contact.skill.id),
        IsInbound=flag(contact.inbound),
        StartTimeUTC=stamp(contact.started),
        StartTime=stamp(contact.started),
        LastStateChangeTimeUTC=stamp(contact.changed),
        LastStateChangeTime=stamp(contact.changed),
        ScreenPopUrl="",
        ScreenPopUrlVariables=[],
        DisconnectCode=contact.disconnect_code,
        IsLogging=flag(contact.logging),
        Timeout="",
        AllowDispositions="True",
        Label="",
        IsLinked=flag(contact.status == "Joined"),
        TimeZones="",
        FinalState=flag(contact.final),
        OtherInformation="",
        DeliveryType="single-contact",
        CustomData=contact.custom_data,
    )


def contact_event(contact: Contact) -> Message:
    """The event of a contact of any medium."""
    makers = {Media.CHAT: _chat, Media.WORKITEM: _work_item, Media.VOICEMAIL: _voice_mail}
    maker = makers.get(contact.media)
    return maker(contact) if maker else call_contact(contact)


def _chat(contact: Contact) -> Message:
    return event(
        "ChatContactEvent",
        ContactID=str(contact.id),
        RoomId=str(contact.room),
        Status=contact.status,
        Skill=str(contact.skill.id),
        StartTime=stamp(contact.started),
        LastStateChangeTime=stamp(contact.changed),
        ScreenPopUrl="",
        RefusalTimeout="45",
        IsActive=flag(contact.status == "Active"),
        Messages=[
            {"Text": text, "TimeStamp": stamp(at), "PartyType": who}
            for text, who, at in contact.messages
        ],
        FinalState=flag(contact.final),
    )


def chat_text(contact: Contact) -> Message:
    """ChatText: the last message of the room."""
    text, who, at = contact.messages[-1]
    return event(
        "ChatText",
        RoomId=str(contact.room),
        Label=contact.customer if who == "Client" else who,
        Message=text,
        PartyType=who,
        TimeStamp=stamp(at),
    )


def _work_item(contact: Contact) -> Message:
    return event(
        "WorkItemContactEvent",
        ContactID=str(contact.id),
        MasterID=str(contact.master_id),
        Status=contact.status,
        WorkItemId=f"WI-{contact.id}",
        WorkItemPayload='{"order": 17}',
        WorkItemType="Order",
        AgentId=str(contact.agent.id if contact.agent else ""),
        SkillId=str(contact.skill.id),
        StartTimeUTC=stamp(contact.started),
        LastStateChangeTimeUTC=stamp(contact.changed),
        ScreenPopUrl="",
        ScreenPopUrlVariables=[],
        RefusalTimeout="45",
        FinalState=flag(contact.final),
    )


def _voice_mail(contact: Contact) -> Message:
    return event(
        "VoiceMailContactEvent",
        ContactID=str(contact.id),
        MasterID=str(contact.master_id),
        Status=contact.status,
        From=contact.customer,
        To=contact.address,
        Skill=str(contact.skill.id),
        SkillName=contact.skill.name,
        FileName=f"voicemail-{contact.id}.wav",
        FileDuration="31",
        CreatedDate=stamp(contact.started),
        StartTime=stamp(contact.started),
        LastStateChangeTime=stamp(contact.changed),
        FinalState=flag(contact.final),
        IsInbound="True",
        RequireDisposition="False",
        VoiceMailType="Skill",
    )


def supervisor_monitor(monitor: Monitor, *, final: bool) -> Message:
    """SupervisorMonitor."""
    return event(
        "SupervisorMonitor",
        MonitorStartTime=stamp(monitor.began),
        TargetAgentId=str(monitor.target.id),
        FinalState=flag(final),
    )
