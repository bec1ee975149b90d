"""The events of one session's change: transitions, parties, recording, supervision, data."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET

from connectors._wire.json_values import moment
from connectors.clarity_connect.mapping.message import Message
from connectors.clarity_connect.mapping.state import SessionKnown
from connectors.clarity_connect.vendor import DIRECTIONS, JOINS, MEDIA, SUPERVISING, word
from gateway.events import Confidence, Data, Provenance
from gateway.events.calls import Call, CallDataChanged, Recording, Supervision
from gateway.events.common import Native, Party
from gateway.events.interactions import Interaction, InteractionDataChanged, InteractionParty
from gateway.states import ConnectionState, is_legal

_C = ConnectionState
_CALL_VERBS = {
    _C.INITIATED: "initiated",
    _C.QUEUED: "queued",
    _C.ALERTING: "offered",
    _C.CONNECTED: "connected",
    _C.HELD: "held",
    _C.CLEARED: "ended",
}
_INTERACTION_VERBS = {
    _C.INITIATED: "created",
    _C.QUEUED: "queued",
    _C.ALERTING: "offered",
    _C.CONNECTED: "accepted",
    _C.CLEARED: "completed",
}
_DATA = ("callNote", "dispositionId", "subDispositionId")
# Told by events of their own, or no news by themselves.
_TOLD_ELSEWHERE = frozenset(
    {*_DATA, "extraItems", "sessionStatus", "isOnHold", "holdStartTime", "isRecording",
     "recordingStartTime", "sessionHasEnded", "endTimeStamp", "activeTimeStamp", "answeredTimeStamp",
     "canBeSilentJoined", "canBeWhisperJoined", *JOINS}
)  # fmt: skip


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What one message changed in a session. `taken_by` is the agent who had taken it before."""

    session: str
    known: SessionKnown
    taken_by: str | None
    before: dict[str, Any]
    previous: ConnectionState | None
    now: ConnectionState | None
    joined: dict[str, str]
    left: dict[str, str]
    offered: list[str]
    clocks: dict[str, float]

    @property
    def is_voice(self) -> bool:
        """Whether it is a call."""
        return media_of(self.known) == "voice"

    def changed(self, name: str) -> bool:
        """Whether a field has another value than before."""
        return self.known.fields.get(name) != self.before.get(name)


def media_of(known: SessionKnown) -> str:
    """The canonical medium of a session."""
    return MEDIA.get(known.modality, known.modality)


def tell(message: Message, change: Change) -> None:
    """All events of a change, in order; none if nothing of interest changed."""
    count = len(message.events)
    moved = change.now is not None and change.now is not change.previous
    passed_on = _is_passed_on(change)
    if passed_on and change.now is not _C.CLEARED:
        _add(message, change, "transferred", data=_data(message, change, agent=change.taken_by))
    over = moved and change.now is _C.CLEARED
    if (moved or passed_on) and not over:
        _tell_transition(message, change)
    offers = change.offered if not (moved and change.now is _C.ALERTING) else change.offered[1:]
    for agent in offers:
        _add(message, change, "offered", data=_data(message, change, agent=agent))
    if change.previous is not _C.CLEARED:
        # Nobody joins what is over: a list that is read later names those who took part.
        _tell_parties(message, change)
    if change.is_voice and not over:
        _tell_legs_that_ended(message, change, passed_on=passed_on)
    _tell_recording(message, change)
    _tell_supervision(message, change)
    _tell_data(message, change)
    if over:
        # The last of all: whoever follows the session lets go of it here.
        _tell_transition(message, change)
    if len(message.events) == count and change.before:
        names = {*change.known.fields, *change.before} - _TOLD_ELSEWHERE
        changed = sorted(name for name in names if change.changed(name))
        if changed:
            _add(message, change, "changed", data=_data(message, change, changed=changed))


def tell_end(message: Message, session: str, known: SessionKnown) -> None:
    """A session vanished from all lists."""
    previous = ConnectionState(known.state) if known.state else None
    change = Change(
        session=session,
        known=known,
        taken_by=known.taken_by,
        before=dict(known.fields),
        previous=previous,
        now=_C.CLEARED,
        joined={},
        left={},
        offered=[],
        clocks={},
    )
    if previous is _C.CLEARED:
        return
    for name in ("isRecording", *JOINS):
        if known.fields.get(name) is True:
            known.fields[name] = False
    _tell_recording(message, change)
    _tell_supervision(message, change)
    verb = "ended" if change.is_voice else "completed"
    _add(message, change, verb, data=_data(message, change), confidence=Confidence.INFERRED)


def _is_passed_on(change: Change) -> bool:
    """Another agent has a session that an agent had taken: at once, or after it was offered once more."""
    new = change.known.fields.get("agentId")
    return new is not None and change.taken_by not in {None, new}


def _tell_legs_that_ended(message: Message, change: Change, *, passed_on: bool) -> None:
    """The call goes on without an agent who took part in it, or who passed it on."""
    gone = {agent: "left" for agent, how in change.left.items() if how not in SUPERVISING}
    if passed_on and change.taken_by is not None and change.taken_by not in change.known.parties:
        gone[change.taken_by] = "transferred"
    for agent, cause in gone.items():
        call = _call(message, change, agent=agent)
        left = msgspec.structs.replace(
            call, state=_C.CLEARED, previous_state=_C.CONNECTED, cause=cause
        )
        _add(message, change, "ended", data=left)


def _tell_transition(message: Message, change: Change) -> None:
    previous, now = change.previous, change.now
    status = word(change.known.fields.get("sessionStatus") or "")
    at = None
    if change.is_voice:
        verb = _CALL_VERBS.get(now, "changed") if now else "changed"
        if now is _C.CONNECTED and previous is _C.HELD:
            verb = "retrieved"
        if status == "transferred":
            verb = "transferred"
    else:
        verb = _INTERACTION_VERBS.get(now, "changed") if now else "changed"
        if previous is _C.HELD and now is _C.CONNECTED:
            verb = "changed"
        verb = {"abandoned": "cancelled", "transferred": "transferred"}.get(status, verb)
    stamp = {
        "connected": "activeTimeStamp",
        "accepted": "activeTimeStamp",
        "held": "holdStartTime",
    }.get(verb)
    if change.now is _C.CLEARED:
        stamp = "endTimeStamp"
    if previous is None and verb in {"initiated", "created"}:
        stamp = "startTimeStamp"
    if stamp and change.changed(stamp):
        at = moment(change.known.fields.get(stamp))
    live = message.provenance is Provenance.LIVE
    moved = now is not previous
    surprising = live and moved and now is not None and not _may_follow(previous, now)
    _add(
        message,
        change,
        verb,
        data=_data(message, change),
        at=at,
        anomaly="illegal_transition" if surprising else UNSET,
    )


def _may_follow(previous: ConnectionState | None, now: ConnectionState) -> bool:
    """Whether a session may go from one state to another.

    It has one status for all its agents, so one that an agent has may be offered to the next, or go back to a queue.
    """
    offered_again = previous in {_C.CONNECTED, _C.HELD} and now in {_C.QUEUED, _C.ALERTING}
    return offered_again or is_legal(previous, now)


def _tell_parties(message: Message, change: Change) -> None:
    for verb, parties in (("party.joined", change.joined), ("party.left", change.left)):
        for agent, how in parties.items():
            role = "observer" if how in SUPERVISING else "agent"
            party = Party(role=role, agent=agent)
            data: Data
            if change.is_voice:
                data = _data(message, change, party=party)
            else:
                data = InteractionParty(
                    interaction=change.session,
                    media=media_of(change.known),
                    party=party,
                    agent=change.known.fields.get("agentId"),
                    native=message.native(state=how, session_id=change.session),
                )
            _add(message, change, verb, data=data)


def _tell_recording(message: Message, change: Change) -> None:
    on, was = change.known.fields.get("isRecording"), change.before.get("isRecording")
    if on is None or bool(on) == bool(was):
        return
    data = Recording(
        call=change.session,
        agent=change.known.fields.get("agentId"),
        mode="call",
        native=message.native(session_id=change.session),
    )
    verb, stamp = ("started", "recordingStartTime") if on else ("stopped", "")
    at = moment(change.known.fields.get(stamp)) if on and change.changed(stamp) else None
    message.add(f"recording.{verb}", f"recording/{change.session}", data, key=change.session, at=at)


def _tell_supervision(message: Message, change: Change) -> None:
    for name, mode in JOINS.items():
        on, was = change.known.fields.get(name), change.before.get(name)
        if on is None or bool(on) == bool(was):
            continue
        agent = change.known.fields.get("agentId")
        kind = "SilentJoin" if mode == "listen" else "WhisperJoin"
        supervisor = next((a for a, how in change.known.parties.items() if how == kind), None)
        data = Supervision(
            supervisor=supervisor,
            agent=agent,
            call=change.session,
            mode=mode,
            scope="call",
            native=message.native(session_id=change.session),
        )
        verb = "started" if on else "stopped"
        message.add(f"supervision.{verb}", f"agent/{agent or ''}", data, key=change.session)


def _tell_data(message: Message, change: Change) -> None:
    now, was = change.known.fields, change.before
    values = {name: now[name] for name in _DATA if name in now and change.changed(name)}
    removed = [name for name in _DATA if name in was and name not in now]
    items, old = now.get("extraItems", {}), was.get("extraItems", {})
    values |= {key: value for key, value in items.items() if old.get(key, UNSET) != value}
    removed += [key for key in old if key not in items]
    if not values and not removed:
        return
    native = message.native(session_id=change.session)
    agent = now.get("agentId")
    data: Data
    if change.is_voice:
        data = CallDataChanged(
            call=change.session, agent=agent, changed=list(values), removed=removed, values=values,
            native=native,
        )  # fmt: skip
    else:
        data = InteractionDataChanged(
            interaction=change.session, media=media_of(change.known), agent=agent,
            changed=list(values), removed=removed, values=values, native=native,
        )  # fmt: skip
    _add(message, change, "data.changed", data=data)


def _data(
    message: Message,
    change: Change,
    *,
    agent: str | None = None,
    party: Party | None = None,
    changed: list[str] | None = None,
) -> Data:
    """What is told of the session. `agent` is whose part it is about: by default of the one who has it."""
    if change.is_voice:
        return _call(message, change, agent=agent, party=party)
    return Interaction(
        interaction=change.session,
        media=media_of(change.known),
        agent=agent or change.known.fields.get("agentId"),
        queue=_queue(change),
        reason=_cause(change),
        direction=_direction(change),
        changed=changed or [],
        native=_native(message, change),
    )


def _call(
    message: Message,
    change: Change,
    *,
    agent: str | None = None,
    party: Party | None = None,
) -> Call:
    known = change.known
    told = known.fields
    parties = [
        Party(role="customer", number=told.get("customerPhone"), name=told.get("customerName"))
    ]
    parties += [
        Party(role="observer" if how in SUPERVISING else "agent", agent=a)
        for a, how in known.parties.items()
    ]
    if not known.parties and told.get("agentId"):
        parties.append(Party(role="agent", agent=told["agentId"], name=told.get("agentName")))
    ended = change.now is _C.CLEARED
    queued, active = change.clocks.get("queuedMs"), change.clocks.get("activeMs")
    return Call(
        call=change.session,
        agent=agent or told.get("agentId"),
        state=change.now,
        previous_state=change.previous,
        direction=_direction(change),
        parties=parties,
        party=party,
        queue=_queue(change),
        cause=_cause(change),
        queue_seconds=queued / 1000 if queued else None,
        talk_seconds=active / 1000 if active and ended else None,
        native=_native(message, change),
    )


def _queue(change: Change) -> str | None:
    """The queue; numbers below 1 stand for sessions that no queue had."""
    queue: str | None = change.known.fields.get("queueId")
    return None if queue is None or queue == "0" or queue.startswith("-") else queue


def _direction(change: Change) -> str | None:
    return DIRECTIONS.get(word(change.known.fields.get("sessionType") or ""))


def _cause(change: Change) -> str | None:
    status = change.known.fields.get("sessionStatus")
    return word(status) if status and change.now is _C.CLEARED else None


def _native(message: Message, change: Change) -> Native:
    told = change.known.fields
    return message.native(
        state=told.get("sessionStatus"),
        session_id=change.session,
        call_flow_id=told.get("callFlowId"),
    )


def _add(message: Message, change: Change, verb: str, *, data: Data, **more: Any) -> None:
    noun = "call" if change.is_voice else "interaction"
    message.add(f"{noun}.{verb}", f"{noun}/{change.session}", data, key=change.session, **more)
