"""The mapping: events of an agent session in, canonical events out; no I/O, no clock.

`Mapper` keeps one agent's picture and sends every event to the file that knows its type. It takes
any JSON value and never raises: what it cannot place becomes a `vendor.message` that keeps the whole
of it. A set of current states, which the platform sends for an old session id, is adopted: what
differs from the picture is told, what is missing in it is told as ended.
Source: NICE inContact developer portal, "Agent Session Events" and "Using Events".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import UNSET

from connectors._wire.json_values import fields, identifier, text
from connectors.nice_incontact.mapping import (
    agents,
    calls,
    interactions,
    others,
    supervision,
)
from connectors.nice_incontact.mapping.message import Message, Origin
from connectors.nice_incontact.mapping.picture import AgentPicture
from connectors.nice_incontact.vendor import SIGNALS
from gateway.events import Confidence, Event, Provenance, event_id
from gateway.events.calls import CallDtmf

__all__ = ["AgentPicture", "Mapper", "Origin", "is_end", "is_start"]

_Handler = Callable[[Message, AgentPicture], None]
START, END, LEG, MUTE = "agentsessionstart", "agentsessionend", "agentleg", "mute"
_HANDLERS: dict[str, _Handler] = {
    START: agents.on_session_start,
    END: agents.on_session_end,
    "remoteagentsessionend": agents.on_remote_end,
    "agentstate": agents.on_state,
    LEG: agents.on_leg,
    "agenterror": agents.on_error,
    MUTE: agents.on_mute,
    "callcontactevent": calls.on_call,
    "conference": calls.on_conference,
    **dict.fromkeys(interactions.MEDIA_OF, interactions.on_interaction),
    "chattext": interactions.on_chat_text,
    "voicemailplaybackevent": interactions.on_playback,
    "promisekeeper": interactions.on_callback,
    "promisekeeperstatus": interactions.on_callback_status,
    "supervisorcontact": supervision.on_contact,
    "supervisormonitor": supervision.on_monitor,
    "takeover": supervision.on_take_over,
    **{name.lower(): others.on_signal for name in SIGNALS},
    **dict.fromkeys(
        ("pageopen", "popurl", "runapp", "indicator", "agentassist"), others.on_contact_data
    ),
    "mchagentsettingschangeevent": others.on_thresholds,
    **dict.fromkeys(("customevent", "hoursofoperation", "naturalcallingskilllist"), others.on_note),
}
_RESTATED = frozenset({"tieline.call.changed.v1", "tieline.interaction.changed.v1"})


def is_start(event: Any) -> bool:
    """Whether it is an AgentSessionStart, which heads every set of current states."""
    return _type(event) == START


def is_end(event: Any) -> bool:
    """Whether it is an AgentSessionEnd."""
    return _type(event) == END


def _type(event: Any) -> str:
    return (text(fields(event).get("type")) or "").lower()


class Mapper:
    """Maps the events of one agent, in the order in which the platform sent them.

    Attributes:
        picture: what is remembered between events; plain data that goes into the resume state.
        duplicates: events that the platform sent twice and that led to nothing the second time.
    """

    def __init__(self, origin: Origin, picture: AgentPicture | None = None) -> None:
        self.origin = origin
        self.picture = AgentPicture() if picture is None else picture
        self.duplicates = 0

    def map(self, told: Sequence[Any], *, cursor: str, received: datetime) -> list[Event]:
        """The events of one answer.

        Args:
            told: its events; an AgentSessionStart may stand behind events of its session.
            cursor: the session id that was polled with: it names the answer.
            received: when the gateway got it.
        """
        found: list[Event] = []
        for index, event in _started_first(told):
            message = Message(self.origin, event, place=(cursor, index), received=received)
            found += self._mapped(message)
        return found

    def adopt(
        self, told: Sequence[Any], *, occasion: str, received: datetime, reconciled: bool
    ) -> list[Event]:
        """The events that lead from the picture to a set of current states.

        `occasion` names the reading, such as a gap: adopting anew on the same occasion, from the same picture, gives
        the same ids to the same changes.
        """
        provenance = Provenance.RECONCILED if reconciled else Provenance.SNAPSHOT
        present = {name for event in told for name in _contacts(event)}
        found: list[Event] = []
        ordered = _started_first(told)
        starts = [event for _, event in ordered if is_start(event)]
        for event in starts:
            found += self._mapped(self._reading(event, occasion, received, provenance))
        if LEG not in map(_type, told):
            # Not told of, it may have ended or not: whatever comes next of it is news.
            self.picture.leg = None
        if MUTE not in map(_type, told):
            self.picture.muted = None
        missing = self._reading({}, occasion, received, provenance)
        for name in [known for known in self.picture.contacts if known not in present]:
            agents.end_contact(missing, self.picture, name, cause=agents.ABSENT)
        found += missing.events
        for _, event in ordered:
            if not is_start(event):
                found += self._mapped(self._reading(event, occasion, received, provenance))
        return _distinct(found, self.origin)

    def absent(
        self,
        *,
        occasion: str,
        received: datetime,
        reconciled: bool = False,
        live: bool = False,
        reason: str | None = None,
    ) -> list[Event]:
        """The agent has no session: tell its end, if one was known, and that the agent is logged off.

        `live` says that the session ended under the feed, which did not hear its last event.
        """
        provenance = Provenance.RECONCILED if reconciled else Provenance.SNAPSHOT
        message = self._reading({}, occasion, received, Provenance.LIVE if live else provenance)
        if self.picture.session is not None:
            agents.end_session(
                message,
                self.picture,
                reason=reason or self.picture.parting,
                confidence=Confidence.INFERRED,
            )
        else:
            agents.logged_off(message, self.picture)
        return message.events

    def tones_sent(self, call: str, *, command: str, received: datetime) -> list[Event]:
        """Tones that the platform has taken from a command: inferred, for it tells nothing of them ever.

        The digits stay with the command: they may be a card's number.
        """
        message = Message(self.origin, {}, place=("tones", command), received=received)
        message.add(
            "call.dtmf.sent",
            f"call/{call}",
            CallDtmf(call=call, agent=self.origin.agent),
            key=call,
            confidence=Confidence.INFERRED,
            cause=command,
        )
        return message.events

    def expect_mode(self, mode: str | None) -> None:
        """A command asks to monitor in this way, None if it was refused: the next event about it confirms that."""
        monitor = self.picture.monitor
        if monitor is not None:
            self.picture.monitor = msgspec.structs.replace(monitor, asked=mode)

    def _reading(
        self, event: Any, occasion: str, received: datetime, provenance: Provenance
    ) -> Message:
        return Message(
            self.origin, event, place=(occasion,), received=received, provenance=provenance
        )

    def _mapped(self, message: Message) -> list[Event]:
        handler = _HANDLERS.get(message.kind.lower())
        if not isinstance(message.payload, dict):
            message.not_understood("the event is not an object")
        elif handler is None:
            message.not_understood(
                f"unknown type {message.kind!r}" if message.kind else "an event without Type"
            )
        else:
            try:
                handler(message, self.picture)
            except Exception as error:  # noqa: BLE001 - one event must not stop the feed for ever
                message.events.clear()
                message.not_understood(f"the mapping failed: {type(error).__name__}")
        self.duplicates += message.duplicate and message.provenance is Provenance.LIVE
        return message.events


def _started_first(told: Iterable[Any]) -> list[tuple[int, Any]]:
    """The events with their places; the beginning of the session before what happened in it."""
    return sorted(enumerate(told), key=lambda entry: not is_start(entry[1]))


def _contacts(event: Any) -> list[str]:
    """Names under which a contact event may be known."""
    told = fields(event)
    if "contact" not in (text(told.get("type")) or "").lower():
        return []
    names = (told.get("contactid"), told.get("workitemid"), told.get("roomid"))
    return [name for value in names if (name := identifier(value))]


def _distinct(events: list[Event], origin: Origin) -> list[Event]:
    """Restatements left out, and ids that tell apart events of different states in one reading."""
    seen: dict[tuple[str, str], int] = {}
    found = []
    for event in events:
        if event.type in _RESTATED:
            continue
        key = (event.type, event.subject)
        seen[key] = seen.get(key, -1) + 1
        name = event.id if seen[key] == 0 else event_id(origin.feed, event.id, seen[key])
        found.append(msgspec.structs.replace(event, id=name, anomaly=UNSET))
    return found
