"""Call messages: transitions of the agent's leg, parties, attached data, tones, recording, mute, refused operations.

A message says what the call is now and, by its notification type, why it is sent. Only a status
change is a transition, and which one follows from the leg's previous state: `Established` is an
answer after `Ringing` and a retrieval after `Held`.
Source: Genesys Web Services API reference, "Notifications" (Calls) and "Call Recording API"
(Notifications).
"""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, UnsetType

from connectors._genesys.changes import attach, recording_verb
from connectors.genesys_web_services.mapping import agents, consultations
from connectors.genesys_web_services.mapping.message import Message
from connectors.genesys_web_services.mapping.picture import (
    MAX_CALLS,
    MAX_ENDED,
    MAX_PARTICIPANTS,
    AgentPicture,
    Ended,
    Leg,
    put,
)
from connectors.genesys_web_services.mapping.refusals import (
    add_recording_failure,
    on_refused_operation,
)
from connectors.genesys_web_services.mapping.values import (
    clean,
    first,
    folded,
    identifier,
    last_segment,
    seconds,
    switch,
    text,
)
from connectors.genesys_web_services.vendor import (
    CALL_NOTIFICATIONS,
    CALL_STATES,
    DATA_CHANGED,
    DIRECTIONS,
    DTMF_SENT,
    PARTICIPANTS_UPDATED,
    RECORDING_CHANGED,
    STATUS_CHANGE,
)
from gateway.events import Confidence
from gateway.events.calls import Call, CallDtmf, CallMute, Recording
from gateway.events.common import Native, Party
from gateway.states import ConnectionState, is_legal

_C = ConnectionState
_FOLDED_STATES = {folded(word): state for word, state in CALL_STATES.items()}
_BEGINNINGS = frozenset({_C.INITIATED, _C.QUEUED, _C.ALERTING})
_TRANSITIONS = {
    _C.INITIATED: "tieline.call.initiated.v1",
    _C.QUEUED: "tieline.call.queued.v1",
    _C.ALERTING: "tieline.call.offered.v1",
    _C.CONNECTED: "tieline.call.connected.v1",
    _C.HELD: "tieline.call.held.v1",
    _C.FAILED: "tieline.call.failed.v1",
    _C.CLEARED: "tieline.call.ended.v1",
    _C.UNKNOWN: "tieline.call.changed.v1",
}
_RETRIEVED = "tieline.call.retrieved.v1"
_CHANGED = "tieline.call.changed.v1"
_FAILED = "tieline.call.failed.v1"
_CONFERENCED = "tieline.call.conferenced.v1"
_CALL_FIELDS = frozenset(
    {"ani", "callType", "dnis", "duration", "mute", "recordingState", "userData"}
)
_EXTERNAL = frozenset({"inbound", "outbound"})


def on_call_message(message: Message, picture: AgentPicture) -> None:
    """Map a message of the calls topic."""
    data = message.data
    call = data.get("call")
    if not isinstance(call, dict):
        if text(data.get("errorMessage")):
            on_refused_operation(message, picture)
        else:
            message.not_understood("a call message with neither a call nor an error")
        return
    if not _CALL_FIELDS.isdisjoint(data):
        # One of the reference's samples closes the call too early, and its fields stand beside it.
        call = {name: data[name] for name in _CALL_FIELDS & data.keys()} | call
    call_id = identifier(call.get("id")) or identifier(call.get("callUuid"))
    call_id = call_id or last_segment(call.get("uri"))
    if call_id is None:
        message.not_understood("a call without an id")
        return
    leg = picture.calls.get(call_id)
    ended = picture.ended.get(call_id) if leg is None else None
    known = leg or ended
    tones = message.notification == DTMF_SENT
    if message.repeats(picture, known.last if known else 0, may_repeat=tones):
        return
    _CallMessage(message, picture, call, call_id, leg, ended).map()


class _CallMessage:
    """One message about one call, on its way through the steps below, which add events in this order."""

    __slots__ = (
        "call", "call_id", "direction", "ended", "first_seen", "leg", "message", "native",
        "numbers", "own_number", "picture", "related", "state",
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
        if word is not None:
            self.state = CALL_STATES.get(word) or _FOLDED_STATES.get(folded(word), _C.UNKNOWN)
        else:
            self.state = _C.UNKNOWN if leg is None else leg.state
        self.leg = Leg(state=self.state) if leg is None else leg
        kind = text(call.get("callType"))
        if kind is not None:
            self.direction: str | None = DIRECTIONS.get(kind) or "unknown"
        else:
            self.direction = self.leg.direction
        if self.first_seen and self.ended is None:
            self.leg.related = consultations.original_of(picture, self.direction)
        self.related = consultations.partner_of(picture, call_id, self.leg)
        ids: dict[str, str] = {"id": call_id}
        for name in ("callUuid", "connId", "deviceUri", "uri"):
            if (value := text(call.get(name))) is not None:
                ids[name] = value
        self.native: Native = message.native(state=word, ids=ids)
        self.own_number = text(message.data.get("phoneNumber"))
        self.numbers = self._participants()

    def map(self) -> None:
        message, leg = self.message, self.leg
        before = len(message.events)
        if error := text(message.data.get("errorMessage")):
            self._add(
                _FAILED, self._data(state=leg.state if not self.first_seen else None, cause=error)
            )
            leg.transfer_to = None
            add_recording_failure(message, self.call_id, error, self.native)
        moved = self._transition()
        self._parties()
        self._recording()
        self._mute()
        if message.notification == DTMF_SENT:
            digits = first(message.data, "digits", "dtmfDigits") or first(
                self.call, "digits", "dtmfDigits"
            )
            self._add("tieline.call.dtmf.sent.v1", self._dtmf(digits))
        self._attached_data()
        if message.notification and message.notification not in CALL_NOTIFICATIONS:
            message.not_understood(f"unknown notification type {message.notification!r} of a call")
        elif len(message.events) == before:
            self._add(_CHANGED, self._data(state=self.state))
        self._remember()
        if moved:
            agents.refresh(message, self.picture, observed=False)

    def _transition(self) -> bool:
        previous = self._previous()
        notification = self.message.notification
        told = not notification or notification in STATUS_CHANGE
        if self.state is previous or (
            previous is None and not told and notification in CALL_NOTIFICATIONS
        ):
            return self.first_seen and self.ended is None
        if self.state is _C.CLEARED and (
            transfer := consultations.transferred(
                self.message, self.picture, self.call_id, self.leg
            )
        ):
            consultations.add_transferred(self.message, transfer, self.native)
        retrieved = previous is _C.HELD and self.state is _C.CONNECTED
        self._add(
            _RETRIEVED if retrieved else _TRANSITIONS[self.state],
            self._data(
                state=self.state,
                previous=previous,
                parties=self._everyone(),
                duration=seconds(self.call.get("duration")) if self.state is _C.CLEARED else None,
            ),
            confidence=Confidence.OBSERVED if told else Confidence.INFERRED,
            anomaly=UNSET if is_legal(previous, self.state) else "illegal_transition",
        )
        return True

    def _previous(self) -> ConnectionState | None:
        if not self.first_seen:
            return self.leg.state
        # A call that comes back to the agent has the id it had: it begins anew, unless this is old
        # news.
        if self.ended is None or (self.state in _BEGINNINGS and not self._is_late()):
            return None
        return _C.CLEARED

    def _is_late(self) -> bool:
        now, then = self.message.told_at, self.ended.told_at if self.ended else None
        return now is not None and then is not None and now < then

    def _parties(self) -> None:
        if self.message.notification != PARTICIPANTS_UPDATED or self.first_seen:
            return
        before, after = self.leg.participants, self.numbers
        for number in after:
            if number not in before:
                self._add(
                    "tieline.call.party.joined.v1",
                    self._data(state=self.state, party=self._party(number)),
                )
        for number in before:
            if number not in after:
                self._add(
                    "tieline.call.party.left.v1",
                    self._data(state=self.state, party=self._party(number)),
                )
        if len(after) > 1 and set(after) - set(before):
            self.related = self.related or consultations.ended_consultation(
                self.picture, self.call_id
            )
            self._add(_CONFERENCED, self._data(state=self.state, parties=self._everyone()))

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
            f"tieline.recording.{verb}.v1",
            Recording(
                call=self.call_id, agent=self.message.origin.agent, mode="call", native=self.native
            ),
            subject=f"recording/{self.call_id}",
        )

    def _mute(self) -> None:
        muted = switch(self.call.get("mute"))
        if muted is None or muted == (self.leg.muted or False):
            return
        self.leg.muted = muted
        self._add(
            "tieline.call.mute.changed.v1",
            CallMute(
                call=self.call_id, agent=self.message.origin.agent, muted=muted, native=self.native
            ),
        )

    def _dtmf(self, digits: str | None) -> CallDtmf:
        return CallDtmf(
            call=self.call_id, agent=self.message.origin.agent, digits=digits, native=self.native
        )

    def _attached_data(self) -> None:
        after = self.call.get("userData")
        before = self.leg.data
        told = self.message.notification == DATA_CHANGED
        if not isinstance(after, dict) or self._is_over() or (after == before and not told):
            return
        change = attach(self.leg, clean(after))
        if not change.is_none:
            self._add(
                "tieline.call.data.changed.v1",
                change.of_call(self.call_id, self.message.origin.agent, self.native),
            )

    def _is_over(self) -> bool:
        """Whether this is only an afterword to a call that ended, which must not tell all its data again."""
        return self.ended is not None and self._previous() is _C.CLEARED

    def _remember(self) -> None:
        message, leg, picture = self.message, self.leg, self.picture
        if self.state is _C.CLEARED or (self._is_over() and self._is_late()):
            picture.calls.pop(self.call_id, None)
            told_at = message.told_at or leg.told_at
            if self.ended is not None and (told_at or 0) < (self.ended.told_at or 0):
                told_at = self.ended.told_at
            gone = Ended(message.print, told_at)
            if self.related is not None and not self.first_seen:
                gone = consultations.ending(message, leg, told_at)
            put(picture.ended, self.call_id, gone, MAX_ENDED)
            return
        leg.state = self.state
        leg.uuid = text(self.call.get("callUuid")) or leg.uuid
        leg.connection = text(self.call.get("connId")) or leg.connection
        leg.direction = self.direction
        if isinstance(self.call.get("participants"), list):
            leg.participants = self.numbers
        leg.last = message.print
        leg.told_at = message.told_at
        if self.first_seen:
            picture.ended.pop(self.call_id, None)
            put(picture.calls, self.call_id, leg, MAX_CALLS)

    def _participants(self) -> list[str]:
        """The other parties' numbers; the reference shows texts, newer servers send objects."""
        listed = self.call.get("participants")
        if not isinstance(listed, list):
            return self.leg.participants
        numbers: list[str] = []
        for item in listed[:MAX_PARTICIPANTS]:
            if isinstance(item, dict):
                number = first(
                    item,
                    "phoneNumber",
                    "e164Number",
                    "E164digits",
                    "digits",
                    "formattedPhoneNumber",
                    "number",
                )
            else:
                number = text(item)
            if number is not None and number != self.own_number and number not in numbers:
                numbers.append(number)
        return numbers

    def _everyone(self) -> list[Party]:
        own = Party(
            role="agent", number=self.own_number, agent=self.message.origin.agent, state=self.state
        )
        return [own, *map(self._party, self.numbers or self._caller())]

    def _caller(self) -> list[str]:
        """Before anyone is listed, the number that called or was called."""
        name = {"inbound": "ani", "outbound": "dnis"}.get(self.direction or "")
        number = text(self.call.get(name)) if name else None
        return [number] if number is not None and number != self.own_number else []

    def _party(self, number: str) -> Party:
        if self.direction in _EXTERNAL:
            return Party(role="customer", number=number)
        role = "destination" if number == text(self.call.get("dnis")) else "unknown"
        return Party(role=role, number=number)

    def _data(
        self,
        *,
        state: ConnectionState | None,
        previous: ConnectionState | None = None,
        parties: list[Party] | None = None,
        party: Party | None = None,
        cause: str | None = None,
        duration: float | None = None,
    ) -> Call:
        return Call(
            call=self.call_id,
            agent=self.message.origin.agent,
            state=state,
            previous_state=previous,
            direction=self.direction,
            parties=parties or [],
            party=party,
            cause=cause,
            duration_seconds=duration,
            related_call=self.related,
            native=self.native,
        )

    def _add(
        self,
        type_name: str,
        data: Any,
        *,
        subject: str | None = None,
        confidence: Confidence = Confidence.OBSERVED,
        anomaly: str | UnsetType = UNSET,
    ) -> None:
        call_id = self.call_id
        self.message.add(
            type_name,
            subject or f"call/{call_id}",
            call_id,
            data,
            correlation=call_id,
            confidence=confidence,
            anomaly=anomaly,
        )
