"""What a subscriber sees of an entity, and what changed in it: the Realtime Data Response ("Agent Metrics").

A view is whole. A difference between two views holds the metrics that changed, sessions as added, changed and removed,
the current status when anything in it changed, and what is new in the status history and in the breakdowns by queue.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.clarity_connect._simulated.model import (
    AVAILABLE,
    Agent,
    Counters,
    Modality,
    Queue,
    Session,
)
from connectors.clarity_connect._simulated.resources import (
    SESSION_PROPERTIES,
    STATUS_PROPERTIES,
    Data,
    session_model,
    status,
)
from connectors.clarity_connect._simulated.world import World

AGENT_METRICS = {
    Modality.INSTANT_MESSAGE: ("ronaCount", "answeredCount", "takenCount", "heldCount"),
    Modality.AUDIO: (
        "ronaCount",
        "answeredCount",
        "takenCount",
        "heldCount",
        "directInboundCallCount",
        "directOutboundCallCount",
    ),
    Modality.MESSAGE: ("ronaCount", "answeredCount", "takenCount", "closedTodayMessageCount"),
}
AGENT_ALWAYS = ("transferredCount", "longestHandleTime")
QUEUE_METRICS = (
    "queuedCount",
    "answeredCount",
    "abandonedCount",
    "abandonedBeforeSLACount",
    "abandonedAfterSLACount",
)
WAITING = frozenset({"Queued", "ReEnqueued", "NotifyingAgent"})
RUNNING_CLOCKS = frozenset({"queuedMs", "activeMs"})
"""They change by themselves, which is no news."""
AGNOSTIC = ("available", "unavailable", "directInboundDial", "directOutboundDial", "afterCall")


@dataclass(frozen=True, slots=True)
class Selection:
    """What of an entity a subscriber wants; an empty tuple is everything."""

    modalities: tuple[Modality, ...] = tuple(Modality)
    metrics: tuple[str, ...] = ()
    sessions: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    breakdowns: bool = False
    history: bool = False
    parts: frozenset[str] = frozenset({"metrics", "sessions", "status"})

    def keep_metrics(self, bag: Mapping[str, Any]) -> Data:
        """The metrics that were asked for."""
        return {
            name: value
            for name, value in bag.items()
            if not self.metrics or name.lower() in self.metrics
        }


@dataclass(slots=True)
class View:
    """An entity as a subscriber was last told of it."""

    metrics: dict[str, Data] = field(default_factory=dict)
    sessions: dict[str, dict[int, Data]] = field(default_factory=dict)
    status: Data | None = None
    history: list[Data] = field(default_factory=list)
    breakdowns: dict[int, Data] = field(default_factory=dict)


def agent_view(world: World, agent: Agent, chosen: Selection) -> View:
    """An agent, as far as it was asked for."""
    view = View(sessions=_sessions(agent.sessions.values(), chosen))
    if "metrics" in chosen.parts:
        active = _active(agent.sessions.values(), frozenset({"Active", "AfterCall"}))
        view.metrics = _bags(
            {
                modality: _agent_bag(agent.metrics[modality], modality, active.get(modality, 0))
                for modality in chosen.modalities
            },
            _durations(agent),
            chosen,
        )
    if "status" in chosen.parts:
        view.status = {
            name: value
            for name, value in status(agent).items()
            if not chosen.statuses or name.lower() in chosen.statuses
        }
        view.history = list(agent.history) if chosen.history else []
    if chosen.breakdowns:
        for queue_id, split in agent.by_queue.items():
            bags = {
                modality.key: chosen.keep_metrics(_agent_bag(split[modality], modality, None))
                for modality in chosen.modalities
                if modality in split
            }
            name = world.queues[queue_id].name
            view.breakdowns[queue_id] = {"queueId": queue_id, "queueName": name, "metrics": bags}
    return view


def queue_view(world: World, queue: Queue, chosen: Selection) -> View:
    """A queue, as far as it was asked for."""
    view = View(sessions=_sessions(queue.sessions.values(), chosen))
    if "metrics" in chosen.parts:
        waiting = _active(queue.sessions.values(), WAITING)
        active = _active(queue.sessions.values(), frozenset({"Active"}))
        bags = {}
        for modality in chosen.modalities:
            counted = queue.metrics[modality]
            bags[modality] = {
                **{name: int(counted[name]) for name in QUEUE_METRICS},
                "currentlyQueuedCount": waiting.get(modality, 0),
                "currentlyActiveCount": active.get(modality, 0),
            }
        members = [one for one in world.workers if one.team_id in queue.team_ids]
        agnostic = {
            "agentsOnline": sum(one.logged_in for one in members),
            "agentsAvailable": sum(one.status_id == AVAILABLE for one in members),
        }
        view.metrics = _bags(bags, agnostic, chosen)
    return view


def total(views: Iterable[View]) -> View:
    """Views summed up: metrics added, sessions put together."""
    result = View()
    for view in views:
        for key, bag in view.metrics.items():
            _add(result.metrics.setdefault(key, {}), bag)
        for key, sessions in view.sessions.items():
            result.sessions.setdefault(key, {}).update(sessions)
    return result


def whole(view: View) -> Data:
    """The Realtime Data Response of a view, as REST answers it and a subscription begins."""
    data: Data = {"metrics": view.metrics} if view.metrics else {}
    bags = {
        key: {"sessions": list(found.values())} for key, found in view.sessions.items() if found
    }
    if bags:
        data["sessions"] = bags
    if view.status is not None:
        data["currentStatus"] = view.status
    if view.history:
        data["statusHistory"] = view.history
    if view.breakdowns:
        data["breakdowns"] = list(view.breakdowns.values())
    return data


def difference(before: View, after: View, *, partial: bool = False) -> Data:
    """What of `after` is news to somebody who knows `before`; empty when nothing is.

    A session or a status that changed is whole, or, if `partial`, holds only what is news; a value that is gone is
    null then.
    """
    data: Data = {}
    metrics = {key: _news(before.metrics.get(key, {}), bag) for key, bag in after.metrics.items()}
    if metrics := {key: bag for key, bag in metrics.items() if bag}:
        data["metrics"] = metrics
    sessions = {}
    for key in {**before.sessions, **after.sessions}:
        bag = _session_news(
            before.sessions.get(key, {}), after.sessions.get(key, {}), partial=partial
        )
        if bag:
            sessions[key] = bag
    if sessions:
        data["sessions"] = sessions
    if after.status is not None and after.status != before.status:
        data["currentStatus"] = (
            _changed(before.status or {}, after.status) if partial else after.status
        )
    if after.history[-1:] != before.history[-1:]:
        known = len(before.history) if before.history else 0
        fresh = after.history[known:] if after.history[:known] == before.history else []
        data["statusHistory"] = fresh or after.history[-1:]
    added = [one for key, one in after.breakdowns.items() if key not in before.breakdowns]
    changed = [
        one
        for key, one in after.breakdowns.items()
        if key in before.breakdowns and one != before.breakdowns[key]
    ]
    gone = [one for key, one in before.breakdowns.items() if key not in after.breakdowns]
    kinds = {"addedBreakdowns": added, "breakdowns": changed, "removedBreakdowns": gone}
    return data | {name: found for name, found in kinds.items() if found}


def _session_news(before: dict[int, Data], after: dict[int, Data], *, partial: bool) -> Data:
    added = [one for key, one in after.items() if key not in before]
    changed = [
        {"sessionId": key, **_changed(before[key], one)} if partial else one
        for key, one in after.items()
        if key in before and _without_clocks(one) != _without_clocks(before[key])
    ]
    gone = [one for key, one in before.items() if key not in after]
    kinds = {"addedSessions": added, "sessions": changed, "removedSessions": gone}
    return {name: found for name, found in kinds.items() if found}


def _changed(before: Data, after: Data) -> Data:
    return _news(before, after) | {name: None for name in before if name not in after}


def _without_clocks(session: Data) -> Data:
    return {name: value for name, value in session.items() if name not in RUNNING_CLOCKS}


def _news(before: Data, after: Data) -> Data:
    return {name: value for name, value in after.items() if before.get(name) != value}


def _sessions(sessions: Iterable[Session], chosen: Selection) -> dict[str, dict[int, Data]]:
    found: dict[str, dict[int, Data]] = {}
    if "sessions" not in chosen.parts:
        return found
    now = time.time()
    for session in sessions:
        if session.modality not in chosen.modalities:
            continue
        model = session_model(session, now)
        kept = {
            name: value
            for name, value in model.items()
            if name == "sessionId" or not chosen.sessions or name.lower() in chosen.sessions
        }
        found.setdefault(session.modality.key, {})[session.id] = kept
    return found


def _active(sessions: Iterable[Session], states: frozenset[str]) -> dict[Modality, int]:
    found: dict[Modality, int] = {}
    for session in sessions:
        if session.status in states:
            found[session.modality] = found.get(session.modality, 0) + 1
    return found


def _agent_bag(counted: Counters, modality: Modality, active: int | None) -> Data:
    names = (*AGENT_METRICS[modality], *AGENT_ALWAYS)
    bag: Data = {name: int(counted[name]) for name in names}
    if active is not None:
        bag["currentlyActiveCount"] = active
    return bag


def _durations(agent: Agent) -> Data:
    """Times in each status so far, without the running one, in milliseconds."""
    found = {}
    for name in AGNOSTIC:
        seconds, times = agent.durations.get(name, (0.0, 0))
        milliseconds = int(seconds * 1000)
        average = milliseconds / times if times else 0
        key = f"{name.removesuffix('Dial')}Time"
        found[key] = {"total": milliseconds, "average": average, "count": times}
    return found


def _bags(
    by_modality: Mapping[Modality, Data], agnostic: Data, chosen: Selection
) -> dict[str, Data]:
    bags = {modality.key: chosen.keep_metrics(bag) for modality, bag in by_modality.items()}
    bags["agnostic"] = chosen.keep_metrics(agnostic)
    return {key: bag for key, bag in bags.items() if bag}


def _add(into: Data, bag: Mapping[str, Any]) -> None:
    for name, value in bag.items():
        if isinstance(value, dict):
            inner = into.setdefault(name, {"total": 0, "average": 0, "count": 0})
            inner["total"] += value["total"]
            inner["count"] += value["count"]
            inner["average"] = inner["total"] / inner["count"] if inner["count"] else 0
        else:
            into[name] = into.get(name, 0) + value


def numbered(names: Iterable[object], known: tuple[str, ...]) -> tuple[str, ...]:
    """Property names in lower case; a number stands for the name in that place, from 1."""
    found = []
    for name in names:
        text = str(name)
        place = int(text) if text.isdigit() else 0
        found.append((known[place - 1] if 0 < place <= len(known) else text).lower())
    return tuple(found)


def session_names(names: Iterable[object]) -> tuple[str, ...]:
    """The session properties of a request."""
    return numbered(names, SESSION_PROPERTIES)


def status_names(names: Iterable[object]) -> tuple[str, ...]:
    """The status properties of a request; the times have a second name."""
    renamed = {"utcstarttime": "starttime", "utcendtime": "endtime"}
    return tuple(renamed.get(name, name) for name in numbered(names, STATUS_PROPERTIES))
