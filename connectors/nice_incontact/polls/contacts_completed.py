"""Contacts that ended, by polling `contacts/completed`: how long they took, and how they ended.

The platform tells a contact here up to a quarter of an hour after its end, and again whenever
something about it changes, such as a disposition. So this is no sign of an end in real time: where
another feed tells the end, this one tells a change of the contact, else the end itself.
Source: NICE inContact Reporting API, "Completed contacts".
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

import msgspec

from connectors._wire.json_values import fingerprint, flag, identifier, moment, number, text
from connectors._wire.telling import Telling
from connectors.nice_incontact.client import Api
from connectors.nice_incontact.pages import Page
from connectors.nice_incontact.polls.contacts import Row, read_contact
from connectors.nice_incontact.polls.listing import ask_since, following, native
from gateway.events.calls import Call
from gateway.events.common import Native, Party
from gateway.events.interactions import Interaction
from gateway.states import ConnectionState

PATH = "contacts/completed"
MAX_HISTORY = timedelta(days=30)
"""The platform keeps no more, whatever is asked for."""
MAX_REMEMBERED = 5_000
_VOLATILE = ("lastupdatetime", "lastpolltime")


class Memory(msgspec.Struct, kw_only=True):
    """Between polls and over restarts: the cursor, and the newest contacts with a fingerprint of what was told."""

    cursor: str | None = None
    told: dict[str, int] = msgspec.field(default_factory=dict)


class ContactsCompleted:
    """The list of contacts that ended.

    `ends_told`: another feed tells the ends of all contacts; of those of agents in `followed` a session does.
    """

    name = "contacts_completed"
    misses = False

    def __init__(
        self, followed: Collection[str], *, ends_told: bool, history_seconds: float
    ) -> None:
        self._followed = frozenset(followed)
        self._ends_told = ends_told
        self._history = timedelta(seconds=history_seconds)
        self._memory = Memory()

    def restore(self, kept: Any) -> None:
        """Go on from `kept`."""
        self._memory = Memory() if kept is None else msgspec.convert(kept, Memory)

    def keep(self) -> Memory:
        """The cursor, and what was told."""
        return self._memory

    async def ask(self, api: Api, now: datetime) -> Page:
        """The contacts that ended or changed since the cursor, within what the platform keeps."""
        oldest = now - MAX_HISTORY
        cursor = self._memory.cursor
        known = moment(cursor)
        if cursor is None or known is None:
            cursor = _stamp(max(now - self._history, oldest))
        elif known < oldest:
            cursor = _stamp(oldest)
        return await ask_since(api, PATH, "completedContacts", cursor=cursor)

    def tell(self, page: Page, telling: Telling, *, fresh: bool) -> None:  # noqa: ARG002 - history is told as it is
        """One event for each contact that is new or changed."""
        memory = self._memory
        memory.cursor = following(page, memory.cursor)
        for row in page.rows:
            contact = read_contact(row)
            if contact is None:
                telling.not_understood(PATH, "a row without contactId", row)
                continue
            content = fingerprint({k: v for k, v in row.items() if k not in _VOLATILE})
            before = memory.told.pop(contact.id, None)
            memory.told[contact.id] = content
            if before != content:
                self._contact(contact, row, content, telling, is_new=before is None)
        while len(memory.told) > MAX_REMEMBERED:
            del memory.told[next(iter(memory.told))]

    def _contact(
        self, contact: Row, row: dict[str, Any], content: int, telling: Telling, *, is_new: bool
    ) -> None:
        ends = is_new and not self._ends_told and contact.agent not in self._followed
        ended = _ended(contact, row)
        at = ended if ended is not None and ended <= telling.received else None
        place = (contact.id, content)
        if contact.voice:
            telling.add(
                "call.ended" if ends else "call.changed",
                f"call/{contact.id}",
                contact.id,
                _call(contact, row),
                *place,
                at=at,
                correlation=contact.id,
            )
            return
        telling.add(
            "interaction.completed" if ends else "interaction.changed",
            f"interaction/{contact.id}",
            contact.id,
            Interaction(
                interaction=contact.id,
                media=contact.media,
                agent=contact.agent,
                queue=contact.skill,
                direction=contact.direction,
                reason=_cause(row),
                native=_native(contact, row),
            ),
            *place,
            at=at,
            correlation=contact.id,
        )


def _call(contact: Row, row: dict[str, Any]) -> Call:
    parties = []
    if contact.agent is not None:
        parties.append(Party(role="agent", agent=contact.agent))
    if contact.customer is not None:
        parties.append(Party(role="customer", number=contact.customer))
    return Call(
        call=contact.id,
        agent=contact.agent,
        state=ConnectionState.CLEARED,
        direction=contact.direction,
        parties=parties,
        queue=contact.skill,
        cause=_cause(row),
        duration_seconds=_seconds(row, "totaldurationseconds"),
        talk_seconds=_seconds(row, "agentseconds"),
        hold_seconds=_seconds(row, "holdseconds"),
        queue_seconds=_seconds(row, "inqueueseconds"),
        native=_native(contact, row),
    )


def _ended(contact: Row, row: dict[str, Any]) -> datetime | None:
    told = moment(row.get("enddate")) or moment(row.get("contactend"))
    length = _seconds(row, "totaldurationseconds")
    if told is None and contact.started is not None and length is not None:
        return contact.started + timedelta(seconds=length)
    return told


def _cause(row: dict[str, Any]) -> str | None:
    if flag(row.get("abandoned")):
        return "abandoned"
    return text(row.get("endreason"))


def _seconds(row: dict[str, Any], name: str) -> float | None:
    found = number(row.get(name))
    return found if found is not None and found >= 0 else None


def _native(contact: Row, row: dict[str, Any]) -> Native:
    return native(
        PATH,
        row,
        state=contact.word,
        reason=text(row.get("endreason")) or "",
        contactId=contact.id,
        masterContactId=contact.master,
        primaryDispositionId=identifier(row.get("primarydispositionid")),
        secondaryDispositionId=identifier(row.get("secondarydispositionid")),
    )


def _stamp(moment_: datetime) -> str:
    return moment_.strftime("%Y-%m-%dT%H:%M:%S.000Z")
