"""Rows of the polled lists, in both generations of their shape.

Source: NICE inContact RealTime API and Reporting API, method reference of v23.0 (older) and OpenAPI documents (newer).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from connectors.nice_incontact._simulated.events import stamp
from connectors.nice_incontact._simulated.model import (
    CAMPAIGNS,
    CONTACT_STATES,
    REASON_IDS,
    STATE_IDS,
    TEAMS,
    UNAVAILABLE,
    Agent,
    Contact,
    Skill,
)
from connectors.nice_incontact._simulated.world import World

Row = dict[str, Any]
ON_HOLD = 6


def agent_state(world: World, agent: Agent, *, older: bool, polled_at: str) -> Row:
    """One agent, as agents/states has it; in the older shape each row has the time of the poll."""
    contact = next(iter(agent.contacts.values()), None)
    row: Row = {
        "agentId": agent.id,
        "agentStateId": STATE_IDS.get(agent.state, 0),
        "agentStateName": agent.state,
        "businessUnitId": world.settings.business_unit,
        "contactId": contact.id if contact else 0,
        "isActive": True,
        "isOutbound": bool(contact and not contact.inbound),
        "firstName": agent.first_name,
        "lastName": agent.last_name,
        "userName": agent.username,
        "fromAddress": contact.customer if contact else "",
        "toAddress": contact.address if contact else "",
        "lastUpdateTime": stamp(agent.changed or agent.since),
        "openContacts": len(agent.contacts),
        "outStateId": REASON_IDS.get(agent.reason, 0) if agent.state == UNAVAILABLE else 0,
        "outStateDescription": agent.reason,
        "skillId": contact.skill.id if contact else 0,
        "skillName": contact.skill.name if contact else "",
        "startDate": stamp(agent.since),
        "stationId": agent.station_id,
        "stationPhoneNumber": agent.phone,
        "teamId": agent.team_id,
        "teamName": TEAMS[agent.team_id],
        "isAcw" if older else "isACW": agent.acw,
    }
    medium = contact.media if contact else None
    if older:
        row |= {"mediaName": medium.label if medium else "", "mediaType": int(medium or 0)}
        row["lastPollTime"] = polled_at
    else:
        row |= {"mediaTypeName": medium.label if medium else "", "mediaTypeId": int(medium or 0)}
        row["agentStateCategory"] = "Working" if contact else agent.state
        row["sessionStartTime"] = stamp(agent.history[0][2]) if agent.history else ""
    return row


def active_contact(contact: Contact, *, older: bool) -> Row:
    """One contact, as contacts/active has it."""
    agent, state = contact.agent, CONTACT_STATES[contact.state_id]
    row: Row = {
        "contactId": contact.id,
        "masterContactId": contact.master_id,
        "agentId": agent.id if agent else None,
        "firstName": agent.first_name if agent else "",
        "lastName": agent.last_name if agent else "",
        "teamId": agent.team_id if agent else None,
        "teamName": TEAMS[agent.team_id] if agent else "",
        "skillId": contact.skill.id,
        "skillName": contact.skill.name,
        "campaignId": contact.skill.campaign_id,
        "campaignName": CAMPAIGNS[contact.skill.campaign_id],
        "pointOfContactId": 8800 + contact.skill.id,
        "isOutbound": not contact.inbound,
        "lastUpdateTime": stamp(contact.changed),
    }
    to, source = (
        (contact.address, contact.customer)
        if contact.inbound
        else (contact.customer, contact.address)
    )
    if older:
        row |= {
            "contactStart": stamp(contact.started),
            "state": state[0],
            "contactStateId": contact.state_id,
            "mediaType": int(contact.media),
            "mediaName": contact.media.label,
            "fromAddr": source,
            "toAddr": to,
        }
    else:
        row |= {
            "contactStartDate": stamp(contact.started),
            "stateName": state[0],
            "stateId": contact.state_id,
            "contactStateCategory": state[1],
            "mediaTypeId": int(contact.media),
            "mediaTypeName": contact.media.label,
            "fromAddress": source,
            "toAddress": to,
        }
    return row


def completed_contact(contact: Contact, *, older: bool) -> Row:
    """One contact, as contacts/completed has it. Durations are seconds."""
    row = active_contact(contact, older=older)
    ended = contact.ended or contact.changed
    answered = contact.answered
    talked = ended - answered if answered else 0.0
    row |= {
        "contactEnd" if older else "endDate": stamp(ended),
        "abandoned": answered is None and contact.inbound,
        "abandonSeconds": 0 if answered else round(ended - contact.started),
        "ACWSeconds" if older else "acwSeconds": round(contact.changed - ended),
        "agentSeconds": round(talked),
        "holdCount": sum(state == ON_HOLD for state, _, _ in contact.history),
        "holdSeconds": round(contact.hold_seconds),
        "inQueueSeconds": round((answered or ended) - contact.started),
        "isLogged": contact.logging,
        "isRefused": contact.disconnect_code == "NoAnswer",
        "isTakeover": contact.call_type == "TakeOver",
        "serviceLevelFlag": 0 if answered else 1,
        "totalDurationSeconds": round(ended - contact.started),
        "transferIndicatorName": "None",
        "primaryDispositionId": contact.disposition,
        "dispositionNotes": contact.notes,
        "confSeconds" if older else "conferenceSeconds": 0,
    }
    if not older:
        row |= {"endReason": contact.disconnect_code, "divisionNo": 1}
    return row


def skill_activity(world: World, skill: Skill, *, older: bool) -> Row:
    """One skill, as skills/activity has it."""
    agents = [agent for agent in world.workers if agent.logged_in]
    waiting = world.waiting(skill)
    active = [one for one in world.contacts.values() if one.skill is skill and one.agent]
    working = sum(bool(agent.contacts) and not agent.acw for agent in agents)
    row: Row = {
        "serverTime": stamp(time.time()),
        "businessUnitId": world.settings.business_unit,
        "agentsACW": sum(agent.acw for agent in agents),
        "agentsAvailable": sum(agent.state == "Available" for agent in agents),
        "agentsIdle": 0,
        "agentsLoggedIn": len(agents),
        "agentsUnavailable": sum(agent.state == UNAVAILABLE and not agent.acw for agent in agents),
        "agentsWorking": working,
        "campaignId": skill.campaign_id,
        "campaignName": CAMPAIGNS[skill.campaign_id],
        "contactsActive": len(active),
        "queueCount": len(waiting),
        "skillQueueCount": len(waiting),
        "personalQueueCount": 0,
        "parkedCount": 0,
        "serviceLevel": service_level(skill),
        "serviceLevelGoal": 90,
        "serviceLevelThreshold": 30,
        "skillId": skill.id,
        "skillName": skill.name,
        "isOutbound": False,
        "mediaTypeId": int(skill.media),
        "mediaTypeName": skill.media.label,
        "emailFromAddress": "",
        "isNaturalCalling": False,
    }
    if not older:
        oldest = min((one.started for one in waiting), default=None)
        row |= {
            "earliestQueueTime": stamp(oldest),
            "inSLA": skill.within_sla,
            "outSLA": skill.out_of_sla,
            "isActive": True,
        }
    return row


def service_level(skill: Skill) -> int:
    """Percent within the threshold."""
    return round(100 * skill.within_sla / skill.total) if skill.total else 100


def sla_summary(world: World, skill: Skill) -> Row:
    """One skill, as skills/sla-summary has it in both generations."""
    return _reported(
        world,
        {
            "BusinessUnitId": world.settings.business_unit,
            "SkillId": skill.id,
            "SkillName": skill.name,
            "ContactsWithinSLA": skill.within_sla,
            "ContactsOutOfSLA": skill.out_of_sla,
            "TotalContacts": skill.total,
            "ServiceLevel": service_level(skill),
        },
    )


def skill_summary(world: World, skill: Skill, *, older: bool) -> Row:
    """One skill, as skills/summary has it: the older names are in Pascal case, one of them misspelt."""
    agents = [agent for agent in world.workers if agent.logged_in]
    available = sum(agent.state == "Available" for agent in agents)
    pascal = world.settings.report_names == "pascal"
    row: Row = {
        "BusinessUnitId": world.settings.business_unit,
        "SkillId": skill.id,
        "SkillName": skill.name,
        "MediaTypeId": int(skill.media),
        "CampaignId": skill.campaign_id,
        "AgentsAvaliable" if older and pascal else "AgentsAvailable": available,
        "AgentsLoggedIn": len(agents),
        "ContactsHandled": skill.total,
        "ContactsOffered": skill.total,
        "ContactsQueued": len(world.waiting(skill)),
        "AverageHandleTime": 180 if older else "PT3M",
        "AverageSpeedToAnswer": 12 if older else "PT12S",
        "ServiceLevel": service_level(skill),
    }
    return _reported(world, row) if older else _camel(row)


def _reported(world: World, row: Row) -> Row:
    """The reference has Pascal case and numbers; what was seen in use has camel case, and each value as a text."""
    if world.settings.report_names == "pascal":
        return row
    return {name: str(value) for name, value in _camel(row).items()}


def _camel(row: Row) -> Row:
    return {name[0].lower() + name[1:]: value for name, value in row.items()}


DURATIONS = (
    "inboundTime",
    "inboundTalkTime",
    "outboundTime",
    "totalTalkTime",
    "acwTime",
    "loginTime",
)
"""Figures of performance that are told in ISO 8601."""


def figures(agent: Agent) -> dict[str, float]:
    """What an agent did, durations in seconds."""
    counted = agent.counts
    inbound, outbound = counted.get("inboundHandled", 0), counted.get("outboundHandled", 0)
    return {
        "agentOffered": counted.get("offered", 0),
        "inboundHandled": inbound,
        "inboundTime": 60 * inbound,
        "inboundTalkTime": 50 * inbound,
        "outboundHandled": outbound,
        "outboundTime": 40 * outbound,
        "totalHandled": inbound + outbound,
        "totalTalkTime": 50 * inbound + 40 * outbound,
        "acwTime": 10 * inbound,
        "refused": counted.get("refused", 0),
        "loginTime": time.time() - agent.history[0][2] if agent.history else 0,
    }


def performance(agents: Sequence[Agent], **of_whom: int) -> Row:
    """What agents did in all, as agents/performance and teams/performance-total have it: every value a text."""
    summed: dict[str, float] = {}
    for agent in agents:
        for name, value in figures(agent).items():
            summed[name] = summed.get(name, 0) + value
    offered = summed.get("agentOffered", 0)
    row: Row = {name: str(value) for name, value in of_whom.items()}
    for name, value in summed.items():
        row[name] = duration(value) if name in DURATIONS else str(int(value))
    refused = round(100 * summed.get("refused", 0) / offered, 1) if offered else 0.0
    return row | {"percentRefused": str(refused), "workingRate": "0.0", "occupancy": "0.0"}


def duration(seconds: float) -> str:
    """ISO 8601."""
    whole = int(seconds)
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    told = f"{hours}H" * bool(hours) + f"{minutes}M" * bool(minutes) + f"{left}S" * bool(left)
    return f"PT{told or '0S'}"
