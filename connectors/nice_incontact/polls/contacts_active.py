"""Contacts under way, by polling `contacts/active`.

Most polls ask what changed. A contact that is over is in no such answer, so now and then all are
listed: who is not in that list has ended. Calls become `call` events, all others `interaction` events.
Source: NICE inContact RealTime API, "Active contacts".
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec import UNSET

from connectors._wire.json_values import fingerprint
from connectors._wire.telling import Telling
from connectors.nice_incontact.client import Api
from connectors.nice_incontact.pages import Page
from connectors.nice_incontact.polls.contacts import Row, read_contact
from connectors.nice_incontact.polls.listing import ask_since, following, native
from gateway.events.calls import Call
from gateway.events.common import Party
from gateway.events.interactions import Interaction
from gateway.states import ConnectionState

PATH = "contacts/active"
ALL = "all"
"""Beside the rows: whether all contacts were asked for."""
_C = ConnectionState
_CALL_VERBS = {
    _C.INITIATED: "initiated",
    _C.QUEUED: "queued",
    _C.ALERTING: "offered",
    _C.CONNECTED: "connected",
    _C.HELD: "held",
    _C.FAILED: "failed",
    _C.CLEARED: "ended",
    _C.UNKNOWN: "changed",
}
_INTERACTION_VERBS = {
    _C.INITIATED: "created",
    _C.QUEUED: "queued",
    _C.ALERTING: "offered",
    _C.CONNECTED: "accepted",
    _C.CLEARED: "completed",
}


class Known(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A contact as it was told. `facts` is a fingerprint of what is no transition; `told` counts the events."""

    media: str
    state: ConnectionState
    agent: str | None = None
    skill: str | None = None
    direction: str | None = None
    facts: int = 0
    told: int = 0


class Memory(msgspec.Struct, kw_only=True):
    """Between polls and over restarts."""

    cursor: str | None = None
    whole_at: datetime | None = None
    contacts: dict[str, Known] = msgspec.field(default_factory=dict)


class ContactsActive:
    """The list of contacts. Of those with an agent in `followed` a session tells, sooner and more."""

    name = "contacts_active"
    misses = True

    def __init__(self, followed: Collection[str], *, whole_every_seconds: float) -> None:
        self._followed = frozenset(followed)
        self._whole_every = timedelta(seconds=whole_every_seconds)
        self._memory = Memory()

    def restore(self, kept: Any) -> None:
        """Go on from `kept`, with a whole list."""
        self._memory = Memory() if kept is None else msgspec.convert(kept, Memory)
        self._memory.whole_at = None

    def keep(self) -> Memory:
        """What was told."""
        return self._memory

    async def ask(self, api: Api, now: datetime) -> Page:
        """What changed, or all of it when that is due."""
        memory = self._memory
        due = memory.whole_at is None or now - memory.whole_at >= self._whole_every
        cursor = None if due else memory.cursor
        page = await ask_since(api, PATH, "activeContacts", cursor=cursor)
        return msgspec.structs.replace(page, facts={**page.facts, ALL: cursor is None})

    def tell(self, page: Page, telling: Telling, *, fresh: bool) -> None:  # noqa: ARG002 - a contact is new or not
        """Transitions; of a whole list also the ends of those who are not in it."""
        memory = self._memory
        present, odd = set(), False
        for row in page.rows:
            contact = read_contact(row)
            if contact is None:
                odd = True
                telling.not_understood(PATH, "a row without contactId", row)
                continue
            present.add(contact.id)
            self._contact(contact, row, telling)
        memory.cursor = following(page, memory.cursor)
        if not page.facts.get(ALL):
            return
        memory.whole_at = telling.received
        if odd or not page.whole:
            return
        for name in sorted(memory.contacts.keys() - present):
            _Teller(telling, name, memory.contacts.pop(name)).end()

    def _contact(self, contact: Row, row: dict[str, Any], telling: Telling) -> None:
        contacts = self._memory.contacts
        was = contacts.get(contact.id)
        if contact.agent in self._followed:
            # The agent's session tells of it from now on; what it takes over is no end.
            contacts.pop(contact.id, None)
            return
        if was is None and contact.state is _C.CLEARED:
            return
        known = was or Known(media=contact.media, state=_C.UNKNOWN)
        _Teller(telling, contact.id, known).move(contact, row, previous=was.state if was else None)
        if contact.state is _C.CLEARED:
            contacts.pop(contact.id, None)
        else:
            contacts[contact.id] = known


class _Teller:
    """Tells one contact, and writes down what it told."""

    def __init__(self, telling: Telling, name: str, known: Known) -> None:
        self._telling = telling
        self._name = name
        self._known = known

    def move(self, contact: Row, row: dict[str, Any], *, previous: ConnectionState | None) -> None:
        """From what is known to what a row says."""
        known, now = self._known, contact.state
        facts = fingerprint([contact.skill, contact.customer, contact.own, contact.direction])
        agent_before = known.agent
        known.skill = contact.skill or known.skill
        known.direction = contact.direction or known.direction
        is_new = previous is None
        handed = not is_new and agent_before is not None and contact.agent != agent_before
        known.agent = contact.agent
        known.state = now
        if handed and contact.media == "voice":
            self._call("party.left", contact, row, agent=agent_before, state=_C.CLEARED)
        if is_new or now is not previous or handed:
            self._transition(contact, row, previous, handed=handed)
        elif facts != known.facts or known.agent != agent_before:
            self._change(contact, row)
        known.facts = facts

    def end(self) -> None:
        """The whole list has it no more."""
        known = self._known
        previous, known.state = known.state, _C.CLEARED
        row = Row(
            id=self._name,
            media=known.media,
            state=_C.CLEARED,
            agent=known.agent,
            skill=known.skill,
            direction=known.direction,
        )
        self._transition(row, {}, previous, handed=False, inferred=True)

    def _transition(
        self,
        contact: Row,
        row: dict[str, Any],
        previous: ConnectionState | None,
        *,
        handed: bool,
        inferred: bool = False,
    ) -> None:
        now = contact.state
        at = contact.started if previous is None and now in {_C.INITIATED, _C.QUEUED} else None
        at = at or contact.updated
        if not contact.voice:
            verb = _INTERACTION_VERBS.get(now, "changed")
            if previous is _C.HELD and now is _C.CONNECTED:
                verb = "changed"
            if handed and now is _C.CONNECTED:
                verb = "transferred"
            self._interaction(verb, contact, row, at=at, inferred=inferred)
            return
        verb = _CALL_VERBS[now]
        if previous is _C.HELD and now is _C.CONNECTED and not handed:
            verb = "retrieved"
        self._call(
            verb,
            contact,
            row,
            agent=contact.agent,
            state=now,
            previous=None if handed else previous,
            at=at,
            inferred=inferred,
        )

    def _change(self, contact: Row, row: dict[str, Any]) -> None:
        if contact.voice:
            self._call("changed", contact, row, agent=contact.agent, state=contact.state)
        else:
            self._interaction("changed", contact, row)

    def _call(
        self,
        verb: str,
        contact: Row,
        row: dict[str, Any],
        *,
        agent: str | None,
        state: ConnectionState,
        previous: ConnectionState | None = None,
        at: datetime | None = None,
        inferred: bool = False,
    ) -> None:
        parties = []
        if agent is not None:
            parties.append(Party(role="agent", agent=agent, state=state))
        if contact.customer is not None:
            parties.append(Party(role="customer", number=contact.customer))
        data = Call(
            call=self._name,
            agent=agent,
            state=state,
            previous_state=previous,
            direction=contact.direction or self._known.direction,
            parties=parties,
            party=parties[0] if verb == "party.left" else None,
            queue=contact.skill or self._known.skill,
            native=self._native(contact, row),
        )
        self._add(f"call.{verb}", f"call/{self._name}", data, at=at, inferred=inferred)

    def _interaction(
        self,
        verb: str,
        contact: Row,
        row: dict[str, Any],
        *,
        at: datetime | None = None,
        inferred: bool = False,
    ) -> None:
        data = Interaction(
            interaction=self._name,
            media=contact.media,
            agent=contact.agent,
            queue=contact.skill or self._known.skill,
            direction=contact.direction or self._known.direction,
            native=self._native(contact, row),
        )
        self._add(
            f"interaction.{verb}", f"interaction/{self._name}", data, at=at, inferred=inferred
        )

    def _native(self, contact: Row, row: dict[str, Any]) -> Any:
        return native(
            PATH, row, state=contact.word, contactId=self._name, masterContactId=contact.master
        )

    def _add(
        self,
        name: str,
        subject: str,
        data: Call | Interaction,
        *,
        at: datetime | None,
        inferred: bool,
    ) -> None:
        self._known.told += 1
        telling = self._telling
        self._telling.add(
            name,
            subject,
            self._name,
            data,
            self._name,
            self._known.told,
            at=at if at is not None and at <= telling.received else None,
            inferred=inferred,
            correlation=self._name,
            anomaly=UNSET,
        )
