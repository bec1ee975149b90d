"""Which agents or queues a request is about, and whether its caller may know of them ("Business Unit, Group, Team")."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from connectors.clarity_connect._simulated.model import BY_KEY, Agent, Modality
from connectors.clarity_connect._simulated.routing import Answered, Call, Forbidden
from connectors.clarity_connect._simulated.views import Selection, session_names, status_names
from connectors.clarity_connect._simulated.world import (
    BUSINESS_UNITS,
    GROUP_TEAMS,
    GROUPS,
    TEAM_UNIT,
    TEAMS,
    World,
)

Kind = Literal["agent", "queue"]
Grouping = Literal["team", "group", "businessUnit"]
GROUPINGS: dict[Grouping, str] = {
    "team": "teamids",
    "group": "groupids",
    "businessUnit": "businessunitids",
}
"""In the order in which one wins over the other."""


@dataclass(frozen=True, slots=True)
class Part:
    """A group of entities that is summed up."""

    kind: str
    id: int
    ids: tuple[int, ...]


class Scopes:
    """Resolves ids, teams, groups and business units."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.is_forbidden: Callable[[Agent], bool] = _nobody

    def may_see(self, caller: Agent, kind: Kind, ids: list[int]) -> bool:
        """A supervisor sees everybody; others see themselves."""
        known = self._world.agents if kind == "agent" else self._world.queues
        if self.is_forbidden(caller) or any(each not in known for each in ids):
            return False
        return caller.supervisor or (kind == "agent" and ids == [caller.id])

    def entities(self, call: Call, kind: Kind, *, required: bool = True) -> list[int]:
        """The ids a request names, directly or by what they belong to. Raises Forbidden, as for none at all."""
        named = any(name in call.query for name in (f"{kind}ids", *GROUPINGS.values()))
        ids = call.numbers(f"{kind}ids")
        for part in self._all_parts(call, kind):
            ids += [each for each in part.ids if each not in ids]
        if not named and not required:
            ids = list(self._world.queues)
        if (required and not named) or not self.may_see(call.caller, kind, ids):
            raise Forbidden
        return ids

    def parts(self, call: Call, kind: Kind) -> list[Part]:
        """The groups a request names; teams win over groups, groups over business units."""
        parts = self._all_parts(call, kind)
        if not parts:
            raise Forbidden
        first = parts[0].kind
        parts = [part for part in parts if part.kind == first]
        ids = [each for part in parts for each in part.ids]
        if not call.caller.supervisor or not self.may_see(call.caller, kind, ids):
            raise Forbidden
        return parts

    def _all_parts(self, call: Call, kind: Kind) -> list[Part]:
        return [
            Part(grouping, number, self._members(kind, grouping, number))
            for grouping, name in GROUPINGS.items()
            for number in call.numbers(name)
        ]

    def _members(self, kind: Kind, grouping: Grouping, number: int) -> tuple[int, ...]:
        known = {"team": TEAMS, "group": GROUPS, "businessUnit": BUSINESS_UNITS}[grouping]
        if number not in known:
            raise Forbidden
        teams = {
            "team": (number,),
            "group": GROUP_TEAMS.get(number, ()),
            "businessUnit": tuple(team for team, unit in TEAM_UNIT.items() if unit == number),
        }[grouping]
        world = self._world
        if kind == "agent":
            found = [agent.id for agent in world.workers if agent.team_id in teams]
        else:
            found = [each.id for each in world.queues.values() if set(each.team_ids) & set(teams)]
        return tuple(found)


def _nobody(_caller: Agent) -> bool:
    return False


def selection(call: Call, parts: frozenset[str] | None = None) -> Selection:
    """What a request wants to know, by its query and body. Raises Answered: an unknown modality."""
    content = call.content
    sessions = content.get("sessionproperties") or content.get("sessionpropertytype") or ()
    restricted = call.body is not None and any(
        name in content
        for name in (
            "metricproperties",
            "sessionproperties",
            "sessionpropertytype",
            "statusproperties",
        )
    )
    chosen = parts or frozenset({"metrics", "sessions", "status"})
    return Selection(
        modalities=_modalities(call.query.get("modalities", "")),
        metrics=tuple(str(name).lower() for name in content.get("metricproperties") or ()),
        sessions=session_names(sessions),
        statuses=status_names(content.get("statusproperties") or ()),
        breakdowns=call.flag("includebreakdowns"),
        history=call.flag("includestatushistory"),
        parts=chosen & _asked(content) if restricted and not parts else chosen,
    )


def _asked(content: dict[str, object]) -> frozenset[str]:
    """A body that lists properties of one kind wants nothing of the others."""
    names = {
        "metricproperties": "metrics",
        "sessionproperties": "sessions",
        "sessionpropertytype": "sessions",
        "statusproperties": "status",
    }
    return frozenset(part for name, part in names.items() if content.get(name))


def _modalities(text: str) -> tuple[Modality, ...]:
    names = {key.lower(): modality for key, modality in BY_KEY.items()}
    names |= {str(int(modality)): modality for modality in Modality}
    found = []
    for name in text.split(","):
        if not (key := name.strip().lower()):
            continue
        if key not in names:
            raise Answered(400, f"{name} is no modality")
        found.append(names[key])
    return tuple(found) or tuple(Modality)
