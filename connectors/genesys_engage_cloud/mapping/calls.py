"""Call messages: transitions of the agent's leg, parties, attached data, recording, transfers and conferences.

A message says what the call is now and, by its notification type, why it is sent. Which transition it
is follows from the leg's previous state: `Established` is an answer after `Ringing` and a retrieval
after `Held`. Unless the account is configured otherwise, the platform completes a call when it is
released; so `Released` is the end, and a `Completed` may follow it.
Sources: workspace-client-js, `voice-api` (Call); workspace-client-java, `Call`, `CallState`,
`NotificationType`, `ParticipantRole`; agent-api-simulator for `CallRecordingStateChange`.
"""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, UnsetType

from connectors._genesys import standing
from connectors._genesys.changes import attach, recording_verb
from connectors._genesys.message import Message
from connectors._genesys.values import (
    first,
    folded,
    identifier,
    objects,
    seconds,
    text,
)
from connectors.genesys_engage_cloud.mapping.pairs import from_pairs, is_pairs
from connectors.genesys_engage_cloud.mapping.picture import (
    MAX_CALLS,
    MAX_ENDED,
    MAX_PARTICIPANTS,
    AgentPicture,
    Ended,
    Leg,
    put,
)
from connectors.genesys_engage_cloud.mapping.succession import end_former, former_of
from connectors.genesys_engage_cloud.mapping.transfers import Transfers, is_transfer
from connectors.genesys_engage_cloud.operation_ids import SUPERVISION_MODES, verb_of
from connectors.genesys_engage_cloud.vendor import (
    CALL_NOTIFICATIONS,
    CALL_RECOVERED,
    CALL_STATES,
    DATA_CHANGED,
    DESTINATION,
    DIRECTIONS,
    NEW_PARTY,
    OBSERVER,
    PARTICIPANTS_UPDATED,
    RECORDING_CHANGED,
    STATUS_CHANGE,
)
from gateway.commands import Verb
from gateway.events import Confidence
from gateway.events.calls import Call, CallDtmf, Recording, Supervision
from gateway.events.common import Native, Party
from gateway.states import ConnectionState, is_legal

_C = ConnectionState
_BEGINNINGS = frozenset({_C.INITIATED, _C.ALERTING})
_TRANSITIONS = {
    _C.INITIATED: "initiated",
    _C.ALERTING: "offered",
    _C.CONNECTED: "connected",
    _C.HELD: "held",
    _C.CLEARED: "ended",
    _C.UNKNOWN: "changed",
}
_EXTERNAL = frozenset({"inbound", "outbound"})
_IDS = ("connId", "callUuid", "parentConnId", "previousConnId")
_CONFERENCE = 2


def on_call_message(message: Message, picture: AgentPicture) -> None:
    """Map a `CallStateChanged`."""
    call = message.data.get("call")
    if not isinstance(call, dict):
        message.not_understood("a call message without a call")
        return
    call_id = identifier(call.get("id")) or identifier(first(call, "callUuid", "connId"))
    if call_id is None:
        message.not_understood("a call without an id")
        return
    leg = picture.calls.get(call_id)
    ended = picture.ended.get(call_id) if leg is None else None
    known = leg or ended
    if message.repeats(picture, known.last if known else 0):
        return
    _CallMessage(message, picture, call, call_id, leg, ended).map()


class _CallMessage:
    """One message about one call, on its way through the steps below, which add events in this order."""

    __slots__ = (
        "before", "call", "call_id", "consultation", "direction", "ended", "first_seen", "former", "leg", "message",
        "native", "own_number", "participants", "picture", "state",
    )  # fmt: skip

    def __init__(
        self,
        message: Message,
        picture: AgentPicture,
        call: dict[str, Any],
        call_id: str,
        leg: Leg | None,
        ended: Ended | None,
    ) -> None:
        word = text(call.get("state"))
        self.message = message
        self.picture = picture
        self.call = call
        self.call_id = call_id
        self.ended = ended
        self.first_seen = leg is None
        self.former = former_of(picture, call) if leg is None else None
        if word is not None:
            self.state = CALL_STATES.get(folded(word), _C.UNKNOWN)
        else:
            self.state = _C.UNKNOWN if leg is None else leg.state
        self.leg = Leg(state=self.state) if leg is None else leg
        self.before = self.leg.state
        kind = folded(call.get("callType"))
        self.direction = (kind if kind in DIRECTIONS else "unknown") if kind else self.leg.direction
        ids = {"id": call_id}
        ids |= {name: value for name in _IDS if (value := text(call.get(name))) is not None}
        self.native: Native = message.native(state=word, ids=ids)
        self.own_number = next(iter(picture.devices), None)
        self.participants = self._read_participants()
        self.consultation = Transfers(picture).consultation_of(self.leg)

    def map(self) -> None:
        before = len(self.message.events)
        if self.former is not None:
            end_former(self.message, self.picture, self.former, self.call_id, self.native)
        self._tell_transfer()
        moved = self._transition()
        self._parties()
        self._recording()
        self._attached_data()
        self._answer()
        notification = self.message.notification
        if notification and notification not in CALL_NOTIFICATIONS:
            self.message.not_understood(f"unknown notification type {notification!r} of a call")
        elif len(self.message.events) == before:
            self._add("call.changed", self._data())
        self._remember()
        if moved:
            standing.refresh(self.message, self.picture, observed=False)

    def _tell_transfer(self) -> None:
        """A transfer, before the end of the call that it led to: what is over can no longer be transferred."""
        if self.state is not _C.CLEARED or self.first_seen:
            if self.state is not self.before:
                Transfers(self.picture).forget(self.call_id)
            return
        transfers = Transfers(self.picture)
        handover = transfers.on_end(self.message, self.call_id, self.leg, self.direction)
        echoed = is_transfer(self.message)
        if handover is not None:
            original, consult = handover
            leg = self.picture.calls.get(original)
            self._add(
                "call.transferred",
                self._data(
                    call=original,
                    previous=self.before if leg is self.leg else None,
                    related=consult,
                ),
                call=original,
                confidence=Confidence.OBSERVED if echoed else Confidence.INFERRED,
            )
        elif echoed and self.direction != "consult":
            self._add("call.transferred", self._data(previous=self.before))

    def _transition(self) -> bool:
        previous = self._previous()
        notification = self.message.notification
        told = not notification or notification in STATUS_CHANGE | {CALL_RECOVERED}
        goes_on = self.former is not None
        if self.state is previous or (
            previous is None and not told and not goes_on and notification in CALL_NOTIFICATIONS
        ):
            return self.first_seen and self.ended is None
        retrieved = previous is _C.HELD and self.state is _C.CONNECTED
        legal = goes_on or notification == CALL_RECOVERED or is_legal(previous, self.state)
        self._add(
            "call.retrieved" if retrieved else f"call.{_TRANSITIONS[self.state]}",
            self._data(
                previous=previous,
                parties=self._everyone(),
                duration=seconds(self.call.get("duration")) if self.state is _C.CLEARED else None,
            ),
            confidence=Confidence.OBSERVED if told or goes_on else Confidence.INFERRED,
            anomaly=UNSET if legal else "illegal_transition",
        )
        return True

    def _previous(self) -> ConnectionState | None:
        if not self.first_seen:
            return self.leg.state
        # A call that comes back to the agent may have the id it had: it begins anew.
        return None if self.ended is None or self.state in _BEGINNINGS else _C.CLEARED

    def _parties(self) -> None:
        before, after = self.leg.participants, self.participants
        if self.message.notification == PARTICIPANTS_UPDATED and not self.first_seen:
            for number in after:
                if number not in before:
                    self._add("call.party.joined", self._data(party=self._party(number)))
            for number in before:
                if number not in after:
                    self._add(
                        "call.party.left",
                        self._data(party=self._party(number, before.get(number))),
                    )
        if (
            self.state is _C.CONNECTED
            and not self.first_seen
            and _talkers(before) < _CONFERENCE <= _talkers(after)
        ):
            self._add(
                "call.conferenced",
                self._data(
                    parties=self._everyone(),
                    related=self.consultation,
                ),
                confidence=Confidence.INFERRED,
            )

    def _recording(self) -> None:
        word = text(self.call.get("recordingState"))
        if word is None:
            return
        now, before = folded(word), self.leg.recording
        told = self.message.notification == RECORDING_CHANGED
        self.leg.recording = now
        verb = recording_verb(now, before, told=told)
        if verb is None:
            return
        self._add(
            f"recording.{verb}",
            Recording(
                call=self.call_id, agent=self.message.origin.agent, mode="call", native=self.native
            ),
            subject=f"recording/{self.call_id}",
        )

    def _attached_data(self) -> None:
        attached = self.call.get("userData")
        over = self.first_seen and self.ended is not None and self.state not in _BEGINNINGS
        if not is_pairs(attached) or over:
            return
        after, before = from_pairs(attached), self.leg.data
        if after == before and self.message.notification != DATA_CHANGED:
            return
        change = attach(self.leg, after)
        if not change.is_none:
            self._add(
                "call.data.changed",
                change.of_call(self.call_id, self.message.origin.agent, self.native),
            )

    def _answer(self) -> None:
        """What a message says only by the command that it answers: tones were sent, supervision changed."""
        verb = verb_of(self.message.data.get("operationId"))
        agent = self.message.origin.agent
        if verb is Verb.CALL_SEND_DTMF:
            self._add(
                "call.dtmf.sent", CallDtmf(call=self.call_id, agent=agent, native=self.native)
            )
        elif verb is not None and verb in SUPERVISION_MODES:
            self._add(
                "supervision.changed",
                Supervision(
                    supervisor=agent,
                    call=self.call_id,
                    mode=SUPERVISION_MODES[verb],
                    scope="call",
                    native=self.native,
                ),
                subject=f"agent/{agent}",
            )

    def _remember(self) -> None:
        leg, picture = self.leg, self.picture
        over = self.first_seen and self.ended is not None and self.state not in _BEGINNINGS
        if self.state is _C.CLEARED or over:
            picture.calls.pop(self.call_id, None)
            put(picture.ended, self.call_id, Ended(last=self.message.print), MAX_ENDED)
            return
        leg.state = self.state
        leg.uuid = identifier(self.call.get("callUuid")) or leg.uuid
        leg.connection = identifier(self.call.get("connId")) or leg.connection
        leg.parent = identifier(self.call.get("parentConnId")) or leg.parent
        leg.direction = self.direction
        leg.participants = self.participants
        leg.last = self.message.print
        if self.first_seen:
            picture.ended.pop(self.call_id, None)
            put(picture.calls, self.call_id, leg, MAX_CALLS)

    def _read_participants(self) -> dict[str, str]:
        """The other parties' numbers with their roles."""
        listed = self.call.get("participants")
        if not isinstance(listed, list):
            return self.leg.participants
        found: dict[str, str] = {}
        for item in objects(listed)[:MAX_PARTICIPANTS]:
            number = identifier(first(item, "number", "phoneNumber", "digits"))
            if number is not None and number != self.own_number:
                found.setdefault(number, folded(item.get("role")))
        return found

    def _everyone(self) -> list[Party]:
        own = Party(
            role="agent", number=self.own_number, agent=self.message.origin.agent, state=self.state
        )
        return [own, *map(self._party, self.participants or self._caller())]

    def _caller(self) -> list[str]:
        """Before anyone is listed, the number that called or was called."""
        name = {"inbound": "ani", "outbound": "dnis"}.get(self.direction or "")
        number = identifier(
            first(self.call, *((name, "phoneNumber") if name else ("phoneNumber",)))
        )
        return [number] if number is not None and number != self.own_number else []

    def _party(self, number: str, role: str | None = None) -> Party:
        role = role or self.participants.get(number, "")
        if role == OBSERVER:
            return Party(role="observer", number=number)
        if role != NEW_PARTY and self.direction in _EXTERNAL:
            return Party(role="customer", number=number)
        known = role in {NEW_PARTY, DESTINATION}
        return Party(role="destination" if known else "unknown", number=number)

    def _data(
        self,
        *,
        call: str | None = None,
        previous: ConnectionState | None = None,
        parties: list[Party] | None = None,
        party: Party | None = None,
        related: str | None = None,
        duration: float | None = None,
    ) -> Call:
        return Call(
            call=call or self.call_id,
            agent=self.message.origin.agent,
            state=self.state,
            previous_state=previous,
            direction=self.direction,
            parties=parties or [],
            party=party,
            related_call=related or self._related() or self.former,
            duration_seconds=duration,
            native=self.native,
        )

    def _related(self) -> str | None:
        """The call that a consultation is about."""
        parent = identifier(self.call.get("parentConnId")) or self.leg.parent
        if parent is None:
            return None
        return self.picture.call_of(None, parent) or parent

    def _add(
        self,
        name: str,
        data: Any,
        *,
        call: str | None = None,
        subject: str | None = None,
        confidence: Confidence = Confidence.OBSERVED,
        anomaly: str | UnsetType = UNSET,
    ) -> None:
        call_id = call or self.call_id
        self.message.add(
            f"tieline.{name}.v1",
            subject or f"call/{call_id}",
            call_id,
            data,
            correlation=call_id,
            confidence=confidence,
            anomaly=anomaly,
        )


def _talkers(participants: dict[str, str]) -> int:
    return sum(role != OBSERVER for role in participants.values())
