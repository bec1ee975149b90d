"""Calls: transitions of the agent's leg, recording and masking, data, transfers and conferences.

An event says what the call is now; which transition that is follows from what it was: `Active` is an
answer after `Ringing` and a retrieval after `Holding`. A call that ended talking is told once more
when the platform closes it, after the agent's work on it.
Source: NICE inContact developer portal, "Agent Session Events" (CallContactEvent) and "Using Events".
"""

from __future__ import annotations

from typing import Any

from msgspec import UNSET

from connectors._wire.json_values import identifier
from connectors.nice_incontact.mapping import contacts
from connectors.nice_incontact.mapping.message import Message
from connectors.nice_incontact.mapping.picture import CALL, AgentPicture, Contact
from connectors.nice_incontact.vendor import (
    AGENT_LEG_CALL,
    CONSULT,
    DISCONNECT_CAUSES,
    JOINED,
    MASKING,
    PERSONAL_QUEUE,
    SUCCEEDED,
    TAKE_OVER,
    TRANSFERRED,
)
from gateway.events import Confidence, Provenance
from gateway.events.calls import Call, Recording
from gateway.events.common import Party
from gateway.states import ConnectionState, is_legal

_C = ConnectionState
_VERBS = {
    _C.INITIATED: "initiated",
    _C.QUEUED: "queued",
    _C.ALERTING: "offered",
    _C.CONNECTED: "connected",
    _C.HELD: "held",
    _C.FAILED: "failed",
    _C.CLEARED: "ended",
    _C.UNKNOWN: "changed",
}
_OVER = frozenset({_C.CLEARED, _C.FAILED})


def on_call(message: Message, picture: AgentPicture) -> None:
    """Map an event about a call."""
    name = message.contact
    if name is None:
        message.not_understood("a call contact without ContactID")
        return
    if contacts.repeats(message, picture, name):
        return
    known = picture.contacts.get(name)
    if known is None and name in picture.closed and contacts.state_of(message) in _OVER:
        _CallEvent(message, picture, name, None).tell_afterword()
        return
    _CallEvent(message, picture, name, known).map()


class _CallEvent:
    """One event about one call, on its way through the steps below, which add events in this order."""

    def __init__(
        self, message: Message, picture: AgentPicture, name: str, known: Contact | None
    ) -> None:
        self.message = message
        self.picture = picture
        self.name = name
        self.previous = None if known is None else known.state
        self.was_status = "" if known is None else known.status
        self.state = contacts.state_of(message)
        self.status = (message.text("status") or self.was_status).lower()
        self.contact = known or Contact(kind=CALL, state=self.state)
        self._learn()

    def map(self) -> None:
        message, contact = self.message, self.contact
        before = len(message.events)
        self._transition()
        self._conference()
        self._recording()
        contact.state, contact.status = self.state, self.status
        if self.state not in _OVER:
            contacts.tell_data(message, self.name, contact, contacts.data_of(message))
        if len(message.events) == before:
            self._add("changed")
        contacts.remember(message, self.picture, self.name, contact)

    def tell_afterword(self) -> None:
        """A call that a reading found ended is told once more: the platform says how, which the reading could not."""
        self.previous = self.state
        self._add("changed", cause=self._cause())
        self.picture.closed[self.name] = self.message.print

    def _learn(self) -> None:
        """Take over what the event tells of the call."""
        message, contact = self.message, self.contact
        contact.call_type = (message.text("calltype") or contact.call_type).lower()
        inbound = message.flag("isinbound")
        if contact.call_type == CONSULT:
            contact.direction = "consult"
        elif contact.call_type == AGENT_LEG_CALL or (
            contact.call_type == PERSONAL_QUEUE and inbound is False
        ):
            contact.direction = "internal"
        elif inbound is not None:
            contact.direction = "inbound" if inbound else "outbound"
        number = message.text("ani" if inbound else "dnis") if inbound is not None else None
        contact.number = number or contact.number
        contact.skill = message.text("skill") or contact.skill
        contact.master = identifier(message.told.get("masterid")) or contact.master
        parent = identifier(message.told.get("parentcontactid"))
        contact.parent = parent if parent not in {None, "0"} else contact.parent
        manual = message.flag("isrequiremanualaccept")
        contact.manual = contact.manual if manual is None else manual

    def _transition(self) -> None:
        previous, now = self.previous, self.state
        if now is previous:
            return
        cause = self._cause()
        if now is _C.CLEARED and self._code() == TRANSFERRED:
            at = contacts.changed_at(self.message)
            self._add("transferred", state=previous, related=self._related(), at=at)
        retrieved = previous is _C.HELD and now is _C.CONNECTED
        dialled = previous is _C.INITIATED and not self.contact.failed
        failed = now is _C.CLEARED and dialled and self._code() not in SUCCEEDED
        verb = "retrieved" if retrieved else "failed" if failed else _VERBS[now]
        surprising = (
            self.message.provenance is Provenance.LIVE
            and not is_legal(previous, now)
            and not self._is_handed_over()
        )
        self._add(
            verb,
            state=now,
            cause=cause if now in _OVER else None,
            at=contacts.changed_at(self.message),
            anomaly="illegal_transition" if surprising else UNSET,
        )

    def _is_handed_over(self) -> bool:
        """A call that was transferred or taken over has a contact of its own, which begins in its middle."""
        contact = self.contact
        return self.previous is None and (
            contact.parent is not None or contact.call_type == TAKE_OVER
        )

    def _conference(self) -> None:
        if self.status == JOINED and self.was_status != JOINED:
            self._add(
                "conferenced",
                state=self.state,
                related=self._related(),
                at=contacts.changed_at(self.message),
            )

    def _recording(self) -> None:
        """`Masking` is a state of the recording, not of the call; `IsLogging` tells recording on request only."""
        contact, message = self.contact, self.message
        logging = message.flag("islogging")
        if logging is not None and logging != contact.logging:
            contact.logging = logging
            self._recording_event("started" if logging else "stopped", "on_demand")
        masked = self.status == MASKING
        if masked != contact.masked and self.state not in _OVER:
            contact.masked = masked
            self._recording_event("paused" if masked else "resumed", "mask", moved=True)

    def _recording_event(self, verb: str, reason: str, *, moved: bool = False) -> None:
        message = self.message
        data = Recording(
            call=self.name,
            agent=message.origin.agent,
            mode="call",
            reason=reason,
            native=message.native(state=message.text("status")),
        )
        at = contacts.changed_at(message) if moved else None
        message.add(f"recording.{verb}", f"recording/{self.name}", data, key=self.name, at=at)

    def _code(self) -> str:
        return (self.message.text("disconnectcode") or "").lower()

    def _cause(self) -> str | None:
        code = self._code()
        return None if code in SUCCEEDED else DISCONNECT_CAUSES.get(code, code)

    def _related(self) -> str | None:
        """The other call of a consultation, a transfer or a conference."""
        if self.contact.parent is not None:
            return self.contact.parent
        calls = self.picture.contacts
        return next(
            (
                other
                for other in self.picture.of_kind(CALL)
                if other != self.name and calls[other].parent == self.name
            ),
            next((other for other in self.picture.of_kind(CALL) if other != self.name), None)
            if self.status == JOINED or self._code() == TRANSFERRED
            else None,
        )

    def _parties(self) -> list[Party]:
        contact = self.contact
        own = Party(role="agent", agent=self.message.origin.agent, state=self.state)
        if contact.number is None:
            return [own]
        role = "customer" if contact.direction in {"inbound", "outbound"} else "destination"
        return [own, Party(role=role, number=contact.number)]

    def _add(
        self,
        verb: str,
        *,
        state: ConnectionState | None = None,
        cause: str | None = None,
        related: str | None = None,
        **more: Any,
    ) -> None:
        message, contact = self.message, self.contact
        data = Call(
            call=self.name,
            agent=message.origin.agent,
            state=state or self.state,
            previous_state=self.previous,
            direction=contact.direction,
            parties=self._parties(),
            queue=contact.skill,
            cause=cause,
            related_call=related or contact.parent,
            native=message.native(
                state=message.text("status"), reason=message.text("disconnectcode")
            ),
        )
        message.add(
            f"call.{verb}",
            f"call/{self.name}",
            data,
            key=self.name,
            confidence=Confidence.OBSERVED,
            **more,
        )


def on_conference(message: Message, picture: AgentPicture) -> None:
    """The number of a conference: told of the calls that are joined in it."""
    joined = [name for name in picture.of_kind(CALL) if picture.contacts[name].status == JOINED]
    if not joined:
        message.not_understood("a Conference without a joined call")
        return
    for name in joined:
        contact = picture.contacts[name]
        data = Call(
            call=name,
            agent=message.origin.agent,
            state=contact.state,
            previous_state=contact.state,
            direction=contact.direction,
            queue=contact.skill,
            native=message.native(state=message.text("conferenceno")),
        )
        message.add("call.changed", f"call/{name}", data, key=name)
