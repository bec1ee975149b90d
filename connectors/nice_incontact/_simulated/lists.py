"""Polled lists and dictionaries: real-time, reporting and administration.

Source: NICE inContact RealTime API, Reporting API and Admin API. `updatedSince` returns what changed since; a contact
that ended is in no active list any more. A list is cut at `page_rows`, and says where it goes on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from connectors.nice_incontact._simulated import rows
from connectors.nice_incontact._simulated.events import stamp
from connectors.nice_incontact._simulated.model import (
    ACW_REASONS,
    CONTACT_STATES,
    DISPOSITIONS,
    REASONS,
    TEAMS,
    Contact,
)
from connectors.nice_incontact._simulated.requests import (
    BAD_REQUEST,
    NO_CONTENT,
    NOT_FOUND,
    OK,
    Answered,
    Call,
    Reply,
    Router,
)
from connectors.nice_incontact._simulated.rows import Row
from connectors.nice_incontact._simulated.world import World

REALTIME, REPORTING, ADMIN = "RealTimeApi", "ReportingApi", "AdminApi"
QUARTER_MINUTES = 15
WITHOUT_RESULT_SET = 23.0
LONGEST_SUMMARY = timedelta(days=30)


class Lists:
    """Handlers of lists."""

    def __init__(self, world: World) -> None:
        self._world = world

    def serve(self, router: Router) -> None:
        """Add the routes."""

        def get(path: str, scope: str, handler: Callable[[Call], Reply]) -> None:
            router.add("GET", path, scope, handler)

        get("agents/states", REALTIME, self._agent_states)
        get("agents/{agent}/states", REALTIME, self._agent_states)
        get("contacts/active", REALTIME, self._active)
        get("contacts/completed", REPORTING, self._completed)
        get("contacts/{contact}", REPORTING, self._contact)
        get("contacts/{contact}/state-?history", REPORTING, self._state_history)
        get("skills/activity", REALTIME, self._skill_activity)
        get("skills/{skill}/activity", REALTIME, self._skill_activity)
        get("skills/sla-summary", REPORTING, self._sla)
        get("skills/{skill}/sla-summary", REPORTING, self._sla)
        get("skills/summary", REPORTING, self._summary)
        get("agents/performance", REPORTING, self._performance)
        get("agents/{agent}/performance", REPORTING, self._performance)
        get("teams/performance-total", REPORTING, self._team_performance)
        get("agents", ADMIN, self._agents)
        get("teams", ADMIN, self._teams)
        get("skills", ADMIN, self._skills)
        get("dispositions", ADMIN, self._dispositions)
        get("skills/{skill}/dispositions", ADMIN, self._dispositions)
        get("teams/{team}/unavailable-codes", ADMIN, self._codes)
        get("contact-state-descriptions", ADMIN, self._contact_states)
        get("server-time", ADMIN, lambda _: Reply(OK, {"serverTime": stamp(time.time())}))

    # How lists are told.

    def _older(self, call: Call) -> bool:
        generation = self._world.settings.generation
        return call.older if generation == "by_version" else generation == "g1"

    def _page(self, call: Call, name: str, found: Sequence[Row], *, wrapped: bool = False) -> Reply:
        """A page of a list. `wrapped`: the older shape has it in a `resultSet`."""
        most = min(
            call.number("top", self._world.settings.page_rows), self._world.settings.page_rows
        )
        skip = call.number("skip", 0)
        page = [_chosen(row, call.text("fields")) for row in found[skip : skip + most]]
        older = self._older(call)
        list_itself: Row = {
            "businessUnitId": self._world.settings.business_unit,
            "lastPollTime": stamp(time.time()),
            name: page,
        }
        if older and wrapped:
            return Reply(OK, {"resultSet": list_itself})
        rest = skip + len(page) < len(found)
        links = {"self": self._link(call, skip)}
        if rest:
            links["next"] = self._link(call, skip + len(page))
        return Reply(OK, {"totalRecords": len(found), "_links": links, **list_itself})

    def _link(self, call: Call, skip: int) -> str:
        asked = {str(key): str(value) for key, value in call.parameters.items()} | {"skip": skip}
        return f"{call.address}/{call.path}?{urlencode(asked)}"

    def _since(self, call: Call) -> float:
        since = call.moment("updatedSince")
        return since.timestamp() if since else 0.0

    def _range(self, call: Call) -> tuple[datetime, datetime]:
        start, end = call.moment("startDate"), call.moment("endDate")
        if start is None or end is None:
            raise Answered(BAD_REQUEST, "startDate and endDate are required")
        if end <= start:
            raise Answered(BAD_REQUEST, "endDate must be after startDate")
        return start, end

    # Real time.

    def _agent_states(self, call: Call) -> Reply:
        world, since, older = self._world, self._since(call), self._older(call)
        only = call.parts.get("agent")
        polled_at = stamp(time.time())
        found = [
            rows.agent_state(world, agent, older=older, polled_at=polled_at)
            for agent in world.workers
            if (agent.changed or agent.since) >= since and only in {None, str(agent.id)}
        ]
        if not older:
            return self._page(call, "agentStates", found)
        reply = self._page(call, "agentStates", found)
        return Reply(OK, {"agentStates": reply.body["agentStates"]})

    def _active(self, call: Call) -> Reply:
        since, older = self._since(call), self._older(call)
        found = [
            rows.active_contact(one, older=older)
            for one in self._world.contacts.values()
            if not one.over and one.changed >= since and self._wanted(call, one)
        ]
        if not found:
            return Reply(NO_CONTENT)
        return self._page(call, "activeContacts", found, wrapped=True)

    def _wanted(self, call: Call, contact: Contact) -> bool:
        agent = contact.agent
        known = {
            "mediatypeid": int(contact.media),
            "skillid": contact.skill.id,
            "campaignid": contact.skill.campaign_id,
            "agentid": agent.id if agent else "",
            "teamid": agent.team_id if agent else "",
            "contactid": contact.id,
        }
        return all(call.text(name) in {"", str(value)} for name, value in known.items())

    def _completed(self, call: Call) -> Reply:
        older, world = self._older(call), self._world
        start, end = call.moment("startDate"), call.moment("endDate")
        if start is None and call.moment("updatedSince") is None:
            raise Answered(BAD_REQUEST, "updatedSince, or startDate and endDate are required")
        first = start.timestamp() if start else self._since(call)
        last = end.timestamp() if end else float("inf")
        done = [one for one in world.closed if first <= one.changed <= last]
        done = [one for one in done if self._wanted(call, one)]
        done.sort(key=lambda one: one.changed)
        found = [rows.completed_contact(one, older=older) for one in done]
        if call.number("skip", 0) >= len(found):
            return Reply(NO_CONTENT)
        return self._page(call, "completedContacts", found)

    def _contact(self, call: Call) -> Reply:
        contact = self._known(call)
        older = self._older(call)
        make = rows.completed_contact if contact.final else rows.active_contact
        row = make(contact, older=older)
        return Reply(OK, row if older else {str(contact.id): row})

    def _state_history(self, call: Call) -> Reply:
        contact = self._known(call)
        told = [
            {
                "stateIndex": index,
                "contactId": contact.id,
                "contactStateId": state,
                "contactStateName": CONTACT_STATES[state][0],
                "startDate": stamp(at),
                "agentId": agent,
                "skillId": contact.skill.id,
                "skillName": contact.skill.name,
                "duration": rows.duration(0),
            }
            for index, (state, at, agent) in enumerate(contact.history)
        ]
        return Reply(OK, {"contactStateHistory": told})

    def _known(self, call: Call) -> Contact:
        text = call.parts["contact"]
        number = int(text) if text.isdecimal() else -1
        contact = self._world.contacts.get(number)
        if contact is None:
            contact = next((one for one in self._world.closed if one.id == number), None)
        if contact is None:
            raise Answered(NOT_FOUND, "Invalid contact")
        return contact

    def _skill_activity(self, call: Call) -> Reply:
        world, since, older = self._world, self._since(call), self._older(call)
        only = call.parts.get("skill")
        found = [
            rows.skill_activity(world, skill, older=older)
            for skill in world.skills.values()
            if skill.changed >= since and only in {None, str(skill.id)}
        ]
        return self._page(call, "skillActivity", found, wrapped=True)

    # Reporting.

    def _sla(self, call: Call) -> Reply:
        self._range(call)
        only = call.parts.get("skill")
        found = [
            rows.sla_summary(self._world, skill)
            for skill in self._world.skills.values()
            if only in {None, str(skill.id)}
        ]
        return self._page(call, "serviceLevelSummaries", found)

    def _summary(self, call: Call) -> Reply:
        start, end = self._range(call)
        if end - start > LONGEST_SUMMARY:
            raise Answered(BAD_REQUEST, "The date range may be 30 days at most")
        older = self._older(call)
        found = [
            rows.skill_summary(self._world, one, older=older) for one in self._world.skills.values()
        ]
        return self._page(call, "skillSummaries", found)

    def _performance(self, call: Call) -> Reply:
        self._on_quarters(call)
        only = call.parts.get("agent")
        found = [
            rows.performance([agent], agentId=agent.id, teamId=agent.team_id)
            for agent in self._world.workers
            if agent.history and only in {None, str(agent.id)}
        ]
        return self._page(call, "agentPerformance", found) if found else Reply(NO_CONTENT)

    def _team_performance(self, call: Call) -> Reply:
        self._on_quarters(call)
        found = [
            rows.performance(
                [agent for agent in self._world.workers if agent.team_id == team], teamId=team
            )
            for team in TEAMS
        ]
        return self._page(call, "teamPerformanceTotal", found)

    def _on_quarters(self, call: Call) -> None:
        for moment in self._range(call):
            if moment.minute % QUARTER_MINUTES or moment.second:
                raise Answered(BAD_REQUEST, "startDate and endDate must be on quarter hours")

    # Administration.

    def _agents(self, call: Call) -> Reply:
        found: list[Row] = [
            {
                "agentId": agent.id,
                "userName": agent.username,
                "firstName": agent.first_name,
                "lastName": agent.last_name,
                "emailAddress": agent.username,
                "teamId": agent.team_id,
                "teamName": TEAMS[agent.team_id],
                "isActive": True,
                "isSupervisor": agent.may_supervise,
            }
            for agent in self._world.agents.values()
        ]
        return self._page(call, "agents", found)

    def _teams(self, call: Call) -> Reply:
        found: list[Row] = [
            {"teamId": team, "teamName": name, "isActive": True} for team, name in TEAMS.items()
        ]
        return self._page(call, "teams", found)

    def _skills(self, call: Call) -> Reply:
        found: list[Row] = [
            {
                "skillId": skill.id,
                "skillName": skill.name,
                "mediaTypeId": int(skill.media),
                "mediaTypeName": skill.media.label,
                "campaignId": skill.campaign_id,
                "isActive": True,
                "isOutbound": False,
                "useDisposition": True,
            }
            for skill in self._world.skills.values()
        ]
        return self._page(call, "skills", found)

    def _dispositions(self, call: Call) -> Reply:
        found: list[Row] = [
            {
                "dispositionId": number,
                "dispositionName": name,
                "isActive": True,
                "isPreviewDisposition": False,
            }
            for number, name in DISPOSITIONS.items()
        ]
        return self._page(call, "dispositions", found)

    def _codes(self, call: Call) -> Reply:
        text = call.parts["team"]
        if not text.isdecimal() or int(text) not in TEAMS:
            raise Answered(NOT_FOUND, "Invalid team")
        codes = [
            {
                "outStateId": number,
                "outStateName": name,
                "isActive": True,
                "isAcw": number in ACW_REASONS,
                "agentTimeoutMins": 0,
            }
            for number, name in (REASONS | ACW_REASONS).items()
        ]
        told = {"teamId": int(text), "teamName": TEAMS[int(text)], "unavailableCodes": codes}
        # The method reference has a resultSet here; the vendor's own client, which asks v23, reads none.
        generation = self._world.settings.generation
        wrapped = (
            call.version < WITHOUT_RESULT_SET if generation == "by_version" else generation == "g1"
        )
        return Reply(OK, {"resultSet": told} if wrapped else told)

    def _contact_states(self, _call: Call) -> Reply:
        told: list[dict[str, Any]] = [
            {
                "ContactStateId": number,
                "ContactStateDescription": name,
                "ContactStateCategory": category,
            }
            for number, (name, category) in CONTACT_STATES.items()
        ]
        return Reply(OK, {"contactStateDescriptions": told})


def _chosen(row: Row, wanted: str) -> Row:
    if not wanted:
        return row
    names = {name.strip().lower() for name in wanted.split(",")}
    return {
        name: value
        for name, value in row.items()
        if name.lower() in names or name == "lastPollTime"
    }
