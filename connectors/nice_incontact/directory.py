"""The business unit's lists: agents, teams, skills, unavailable codes, dispositions. Each is read when it is asked for.

Source: NICE inContact Admin API, "Agents", "Teams", "Skills", "Unavailable codes of a team" and "Dispositions".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from connectors._wire.json_values import clean, identifier, text
from connectors.nice_incontact.client import Api
from connectors.nice_incontact.polls.listing import ask_all
from gateway.clock import Clock
from gateway.contracts import DirectoryEntry, DirectoryKind, DirectoryListing

MAX_ENTRIES = 100_000
MAX_TEAMS = 500
"""Unavailable codes are a team's; of more teams than this only the codes of the first ones are read."""
_LISTS = {
    DirectoryKind.AGENTS: ("agents", "agents", "agentid"),
    DirectoryKind.TEAMS: ("teams", "teams", "teamid"),
    DirectoryKind.SKILLS: ("skills", "skills", "skillid"),
    DirectoryKind.DISPOSITIONS: ("dispositions", "dispositions", "dispositionid"),
}
"""Path, name of the rows, and the id of a row."""
_NAMES = ("skillname", "teamname", "dispositionname")
_DETAILS = {
    name.lower(): name
    for name in (
        "userName", "teamId", "teamName", "isActive", "isSupervisor", "reportToId", "profileName", "mediaTypeId",
        "mediaTypeName", "campaignId", "campaignName", "isOutbound", "useDisposition", "classification",
        "isPreviewDisposition", "isAcw", "agentTimeoutMins", "outStateId",
    )
}  # fmt: skip


class Directory:
    """Questions about the lists; each raises as `Api.page`."""

    def __init__(self, api: Api, clock: Clock) -> None:
        self._api = api
        self._clock = clock

    @property
    def kinds(self) -> frozenset[DirectoryKind]:
        """The lists there are."""
        return frozenset({*_LISTS, DirectoryKind.STATES})

    async def read(self, kind: DirectoryKind) -> DirectoryListing:
        """One list, as the platform has it now."""
        if kind is DirectoryKind.STATES:
            return await self._states()
        path, rows, key = _LISTS[kind]
        page = await ask_all(self._api, path, rows)
        entries = []
        for row in page.rows:
            name = identifier(row.get(key))
            if name is not None:
                entries.append(
                    DirectoryEntry(id=name, name=_name(kind, row) or name, details=_details(row))
                )
        return self._listing(entries)

    async def _states(self) -> DirectoryListing:
        """Unavailable codes by name, which is what events and commands call them; a name that two teams have is one."""
        teams = await ask_all(self._api, "teams", "teams")
        found: dict[str, dict[str, Any]] = {}
        for team in teams.rows[:MAX_TEAMS]:
            number = identifier(team.get("teamid"))
            if number is None:
                continue
            path = f"teams/{number}/unavailable-codes"
            for row in (await ask_all(self._api, path, "unavailableCodes")).rows:
                name = text(row.get("outstatename"))
                if name is not None:
                    details = found.setdefault(name, {**_details(row), "teams": []})
                    details["teams"].append(number)
        return self._listing(
            [DirectoryEntry(id=name, name=name, details=details) for name, details in found.items()]
        )

    def _listing(self, entries: Sequence[DirectoryEntry]) -> DirectoryListing:
        return DirectoryListing(
            entries=entries[:MAX_ENTRIES],
            read_at=self._clock.now(),
            left_out=max(0, len(entries) - MAX_ENTRIES),
        )


def _name(kind: DirectoryKind, row: dict[str, Any]) -> str | None:
    if kind is DirectoryKind.AGENTS:
        whole = [part for key in ("firstname", "lastname") if (part := text(row.get(key)))]
        return " ".join(whole) or text(row.get("username"))
    return next((found for key in _NAMES if (found := text(row.get(key)))), None)


def _details(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: clean(row[low])
        for low, name in _DETAILS.items()
        if row.get(low) not in (None, "", [], {})
    }
