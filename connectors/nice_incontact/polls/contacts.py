"""What a row of a list says of a contact, in both generations of its fields. Pure.

Source: NICE inContact RealTime API, "Active contacts"; Reporting API, "Completed contacts" and
"Contact state descriptions".
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from connectors._wire.json_values import flag, identifier, moment, number, text
from connectors.nice_incontact.vendor import CONTACT_CATEGORIES, CONTACT_STATES, MEDIA, MEDIA_NAMES
from gateway.states import ConnectionState

VOICE = "voice"
_NOBODY = frozenset({"0", "-1"})


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A contact as a list has it. `word` is the platform's for its state; numbers are the customer's and ours."""

    id: str
    media: str
    state: ConnectionState
    word: str = ""
    agent: str | None = None
    skill: str | None = None
    direction: str | None = None
    customer: str | None = None
    own: str | None = None
    master: str | None = None
    started: datetime | None = None
    updated: datetime | None = None

    @property
    def voice(self) -> bool:
        """Whether it is a call."""
        return self.media == VOICE


def read_contact(row: dict[str, Any]) -> Row | None:
    """The contact of a row, whose keys are in lower case; none if it names none."""
    name = _someone(row, "contactid")
    if name is None:
        return None
    word = _first(row, "statename", "state", "currentcontactstate", "contactstatename")
    outbound = flag(row.get("isoutbound"))
    source = _first(row, "fromaddress", "fromaddr")
    to = _first(row, "toaddress", "toaddr")
    return Row(
        id=name,
        media=_media(row),
        state=_state(word, _first(row, "contactstatecategory")),
        word=word or "",
        agent=_someone(row, "agentid"),
        skill=_someone(row, "skillid"),
        direction=None if outbound is None else "outbound" if outbound else "inbound",
        customer=to if outbound else source,
        own=source if outbound else to,
        master=_someone(row, "mastercontactid"),
        started=moment(row.get("contactstartdate")) or moment(row.get("contactstart")),
        updated=moment(row.get("lastupdatetime")),
    )


def _first(row: dict[str, Any], *names: str) -> str | None:
    return next((found for name in names if (found := text(row.get(name)))), None)


def _someone(row: dict[str, Any], name: str) -> str | None:
    found = identifier(row.get(name))
    return None if found in _NOBODY else found


def _media(row: dict[str, Any]) -> str:
    """By number, else by name; a contact that says neither counts as a call."""
    for name in ("mediatypeid", "mediatype"):
        found = number(row.get(name))
        if found is not None:
            return MEDIA.get(int(found), str(int(found)))
    word = _first(row, "mediatypename", "medianame", "mediatype")
    return VOICE if word is None else MEDIA_NAMES.get(_folded(word), word.lower())


def _state(word: str | None, category: str | None) -> ConnectionState:
    found = CONTACT_STATES.get(_folded(word or ""))
    if found is None:
        found = CONTACT_CATEGORIES.get(_folded(category or ""), ConnectionState.UNKNOWN)
    return found


def _folded(word: str) -> str:
    return "".join(letter for letter in word.lower() if letter.isalnum())
