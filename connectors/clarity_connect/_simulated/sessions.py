"""Sessions of the simulated REST API: by agent, by id, transcript, history, extra items, notes, recording."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from connectors.clarity_connect._simulated.contacts import Contacts
from connectors.clarity_connect._simulated.model import Agent, Session
from connectors.clarity_connect._simulated.resources import (
    CALL_FLOW,
    DISPOSITIONS,
    Data,
    listed,
    session_base,
    whole_session,
)
from connectors.clarity_connect._simulated.routing import Answered, Call, Forbidden, Reply, Router
from connectors.clarity_connect._simulated.scope import Scopes
from connectors.clarity_connect._simulated.world import World

MOST_HISTORY = 50
DEFAULT_HISTORY = 3
CHANGES = "GET POST"
"""The documentation has its changing requests as GET with a body."""


class Sessions:
    """Handlers about sessions."""

    def __init__(self, world: World, contacts: Contacts, scopes: Scopes) -> None:
        self._world = world
        self._contacts = contacts
        self._scopes = scopes

    def serve(self, router: Router) -> None:
        """Add the routes."""
        router.add("GET", "v2/sessions", self._of_agent)
        router.add("GET", "v2/sessions/{session}", self._by_id)
        router.add("GET", "v2/sessions/{session}/transcript", self._transcript)
        router.add("GET", "v2/sessions/{session}/gruu", self._gruu)
        router.add("GET", "v2/sessions/customerHistory/{session}", self._history)
        router.add(CHANGES, "v2/sessions/{session}/setextraitems", self._set_extra_item)
        router.add(CHANGES, "v2/sessions/{session}/setextraitem", self._set_extra_item)
        router.add(CHANGES, "v2/sessions/{session}/setcallnotes", self._set_note)
        router.add(CHANGES, "v2/sessions/{session}/setdispositions", self._set_disposition)
        control = "v2/sessions/callcontrol"
        router.add("POST", f"{control}/startRecordingSessions/{{agent}}", self._start_recording)
        router.add("POST", f"{control}/stopRecordingSessions/{{agent}}", self._stop_recording)

    def _of_agent(self, call: Call) -> Reply:
        if not call.flag("activeonly"):
            raise Answered(400, "activeOnly must be true.")
        ids = call.numbers("agentid")
        if len(ids) != 1 or not self._scopes.may_see(call.caller, "agent", ids):
            raise Forbidden
        agent, now = self._world.agents[ids[0]], time.time()
        mine = [one for one in agent.sessions.values() if one.agent is agent and not one.ended]
        return Reply(body=listed(self._brief(one, now) for one in mine))

    def _brief(self, session: Session, now: float) -> Data:
        whole = whole_session(session, self._world.queues.get(session.queue_id), now)
        for name in ("agents", "offers", "sessionDurationMs", "callFlowId", "customerId"):
            whole.pop(name, None)
        return whole

    def _by_id(self, call: Call) -> Reply:
        session = self._find(call)
        now = time.time()
        body: Data = {}
        if call.flag("includecustomerhistory"):
            limit = (call.numbers("customerhistorylimit") or [DEFAULT_HISTORY])[0]
            most = min(limit, MOST_HISTORY) if limit >= 0 else MOST_HISTORY
            body["customerHistory"] = listed(self._earlier(session)[-most:] if most else ())
        if call.flag("includeaftercalloptions"):
            body["aftercallOptions"] = {
                "isManualAfterCallEnabled": True,
                "afterCalltimeSeconds": 10,
                "id": 0,
            }
        if call.flag("includeholdtimerthreshold"):
            body["holdTimerThreshold"] = 10
        sections = {
            "imPrompts": (call.flag("includeimprompts"), self._prompts(session)),
            "ivrData": (call.flag("includeivrdata"), self._ivr(session)),
            "callDispositions": (call.flag("includedispositions"), _dispositions()),
            "transcript": (call.flag("includecurrenttranscript"), session.transcript),
            "extraItems": (call.flag("includeextraitems"), session.extra_items),
            "sessionEventHistory": (call.flag("includesessioneventhistory"), session.events),
        }
        body |= {name: listed(found) for name, (wanted, found) in sections.items() if wanted}
        body["sessionMessages"] = listed(())
        whole = whole_session(session, self._world.queues.get(session.queue_id), now)
        return Reply(body={**body, **whole})

    def _transcript(self, call: Call) -> Reply:
        session = self._find(call)
        start = call.query.get("starttimestamp") or call.query.get("starttimsetamp")
        end, size = call.query.get("endtimestamp"), call.query.get("size")
        if size and bool(start) == bool(end):
            raise Answered(400, "size goes with one of startTimestamp and endTimestamp.")
        lines = session.transcript
        if start:
            lines = [one for one in lines if str(one["timeStamp"]) >= start]
        if end:
            lines = [one for one in lines if str(one["timeStamp"]) <= end]
        if size and size.isdigit():
            lines = lines[: int(size)] if start else lines[-int(size) :]
        return Reply(body=listed(lines))

    def _gruu(self, call: Call) -> Reply:
        session = self._find(call)
        return Reply(body=f"sip:app-01@contoso.example.com;gruu;opaque=srvr:connect:{session.id}")

    def _history(self, call: Call) -> Reply:
        start, end = call.query.get("start"), call.query.get("end")
        limits = call.numbers("limit")
        if limits and bool(start) == bool(end):
            raise Answered(500, "limit goes with one of start and end.")
        limit = limits[0] if limits and 0 <= limits[0] <= MOST_HISTORY else MOST_HISTORY
        earlier = self._earlier(self._find(call))
        if start:
            earlier = [one for one in earlier if one["startTimeStamp"] >= _moment(start)]
        if end:
            earlier = [one for one in earlier if one["startTimeStamp"] <= _moment(end)]
        return Reply(
            body=listed(earlier[:limit] if start else earlier[max(len(earlier) - limit, 0) :])
        )

    def _earlier(self, session: Session) -> list[Data]:
        world = self._world
        return [
            session_base(one, world.queues.get(one.queue_id))
            for one in world.sessions.values()
            if one.customer == session.customer and one is not session and one.ended
        ]

    def _set_extra_item(self, call: Call) -> Reply:
        session, content = self._changeable(call), call.content
        number, name = content.get("extraitemid"), content.get("extraitemname")
        value = content.get("extraitemvalue")
        if (number is None and name is None) or value is None:
            raise Answered(400, "The extra item's id or name, and its value, are required.")
        for item in session.extra_items:
            if item["extraItemId"] == number or (name is not None and item["key"] == name):
                item["value"] = value
                break
        else:
            session.extra_items.append(
                {
                    "extraItemId": number if number is not None else -1,
                    "key": name if name is not None else str(number),
                    "value": value,
                    "type": "extraItem",
                    "id": self._world.next_id(),
                    "isSearchable": False,
                }
            )
        return self._changed(session)

    def _set_note(self, call: Call) -> Reply:
        session = self._changeable(call)
        note = call.content.get("note")
        session.note = str(note) if note is not None else None
        return self._changed(session)

    def _set_disposition(self, call: Call) -> Reply:
        session = self._changeable(call)
        session.disposition_id = call.content.get("dispositionid")
        session.sub_disposition_id = call.content.get("subdispositionid")
        return self._changed(session)

    def _changed(self, session: Session) -> Reply:
        self._world.touch_session(session)
        return Reply(204)

    def _start_recording(self, call: Call) -> Reply:
        return self._record(call, on=True)

    def _stop_recording(self, call: Call) -> Reply:
        return self._record(call, on=False)

    def _record(self, call: Call, *, on: bool) -> Reply:
        agent = self._agent(call)
        if not agent.can_record:
            raise Forbidden
        self._world.leave_alone(agent)
        items = []
        for session in agent.sessions.values():
            if session.agent is not agent or session.ended:
                continue
            allowed = session.can_be_recorded
            if allowed and (session.recorded_at is not None) != on:
                self._contacts.record(session, on=on)
            items.append(
                {
                    "sessionId": session.id,
                    "isRecording": session.recorded_at is not None,
                    "canBeRecorded": allowed,
                    "requestDenied": not allowed,
                    "requestFailed": False,
                }
            )
        return Reply(body=listed(items))

    def _agent(self, call: Call) -> Agent:
        number = call.number("agent")
        if not self._scopes.may_see(call.caller, "agent", [number]):
            raise Forbidden
        return self._world.agents[number]

    def _find(self, call: Call) -> Session:
        session = self._world.sessions.get(call.number("session"))
        if session is None:
            raise Answered(500, "An error has occurred.")
        mine = any(one.agent is call.caller for one in (*session.participants, *session.offers))
        if self._scopes.is_forbidden(call.caller) or not (call.caller.supervisor or mine):
            raise Forbidden
        return session

    def _changeable(self, call: Call) -> Session:
        if not isinstance(call.body, dict):
            raise Answered(400, "The request body is empty.")
        return self._find(call)

    def _prompts(self, session: Session) -> list[Data]:
        text = f"Welcome {session.customer}!"
        return [{"promptName": "CustomerName", "promptValue": text, "type": "imPrompt", "id": 8}]

    def _ivr(self, session: Session) -> list[Data]:
        node = {
            "nodeName": "Main Menu",
            "nodeNote": "Set queue.",
            "duration": 0,
            "type": "ivrNode",
            "id": session.id,
        }
        name = CALL_FLOW["callFlowName"]
        return [
            {"callFlowName": name, "ivrNodes": listed([node]), "type": "ivrData", "id": session.id}
        ]


def _dispositions() -> list[Data]:
    return [
        {
            "dispositionId": number,
            "disposition": name,
            "businessUnitId": 1,
            "subDispositions": listed(
                {"subDispositionId": sub, "subDisposition": text, "id": sub}
                for sub, text in subs.items()
            ),
            "type": "callDisposition",
            "id": number,
        }
        for number, (name, subs) in DISPOSITIONS.items()
    ]


def _moment(text: str) -> str:
    """A time as the query writes it, comparable with a JSON timestamp. Raises Answered."""
    for form in ("%Y-%m-%dT%H:%M:%S.%fZ", "%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d"):
        try:
            moment = datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
        return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
    raise Answered(500, f"{text} is no time.")
