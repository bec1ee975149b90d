"""Which events a reader of the stream gets. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import translate

import msgspec

from gateway.events import StoredEvent
from gateway.filters import EventFilter


class _AgentData(msgspec.Struct):
    """What is needed of an event's data to know whose it is."""

    agent: str | None = None


class _Body(msgspec.Struct):
    data: _AgentData


_whose = msgspec.json.Decoder(_Body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What was asked for; equal choices share their work.

    Attributes:
        types: globs of types; empty: all.
        subjects: globs of subjects, e.g. `agent/*`; empty: all.
        connectors: names; empty: all.
        only_connectors, only_agents: the limits of the reader's credentials; None: no limit.
    """

    types: frozenset[str] = frozenset()
    subjects: frozenset[str] = frozenset()
    connectors: frozenset[str] = frozenset()
    only_connectors: frozenset[str] | None = None
    only_agents: frozenset[str] | None = None


class Selection:
    """A choice, ready to judge events."""

    def __init__(self, choice: Choice) -> None:
        self._agents = choice.only_agents
        self._nothing = False
        connectors = choice.connectors
        if choice.only_connectors is not None:
            connectors = (
                connectors & choice.only_connectors if connectors else choice.only_connectors
            )
            self._nothing = not connectors
        self._wanted = EventFilter(sorted(choice.types) or ("*",), sorted(connectors))
        self._subject = _one_of(choice.subjects)

    def __call__(self, event: StoredEvent) -> bool:
        """Whether the reader gets the event."""
        return (
            self._wanted(event)
            and not self._nothing
            and (self._subject is None or bool(self._subject.match(event.envelope.subject)))
            and (self._agents is None or _concerns(event, self._agents))
        )


def _concerns(event: StoredEvent, agents: frozenset[str]) -> bool:
    """Whether the event is about one of these agents, or says that it is theirs."""
    kind, _, name = event.envelope.subject.partition("/")
    if kind == "agent":
        return name in agents
    try:
        return _whose.decode(event.body).data.agent in agents
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return False


def _one_of(globs: Iterable[str]) -> re.Pattern[str] | None:
    patterns = [translate(glob) for glob in sorted(globs)]
    return re.compile("|".join(patterns)) if patterns else None
