"""The ids that our commands carry as `operationId`, which the platform echoes in the events they lead to.

They name the command and what was asked, so that an event can be told apart from those of other
programs' operations. Source: workspace-client-js 9.0.96, where every operation takes an `operationId`.
"""

from __future__ import annotations

from typing import Any

from gateway.commands import Verb

_PREFIX = "tieline"
_SEPARATOR = ":"
_PARTS = 3
SUPERVISION_MODES = {
    Verb.SUPERVISION_LISTEN: "listen",
    Verb.SUPERVISION_COACH: "coach",
    Verb.SUPERVISION_BARGE: "barge",
}
"""What the mode of a supervision is after a command that is known by its echo only."""
_VERBS = {verb.value: verb for verb in Verb}


def operation_id(command: str, verb: Verb) -> str:
    """The id under which a command is sent."""
    return _SEPARATOR.join((_PREFIX, verb.value, command))


def command_of(value: Any) -> str | None:
    """The command that an echoed id names, if it is one of ours."""
    parts = _parts(value)
    return parts[2] if parts else None


def verb_of(value: Any) -> Verb | None:
    """What the command of an echoed id asked for."""
    parts = _parts(value)
    return _VERBS.get(parts[1]) if parts else None


def _parts(value: Any) -> list[str] | None:
    if not isinstance(value, str):
        return None
    parts = value.split(_SEPARATOR, _PARTS - 1)
    return parts if len(parts) == _PARTS and parts[0] == _PREFIX and parts[2] else None
