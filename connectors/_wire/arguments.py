"""A command's arguments and target, read for a request to a platform. Pure.

The capability table has checked what they are called and of which JSON type they are; here each becomes what a
request can carry, or the command is refused with the field's name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from gateway.commands import Command
from gateway.errors import CommandRefused, Reason

MAX_KEYS = 100


def text(command: Command, name: str) -> str | None:
    """An optional text. Raises CommandRefused."""
    value = command.arguments.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not value:
        raise invalid(name, "expected a text")
    return value


def needed(command: Command, name: str) -> str:
    """A text that must be there. Raises CommandRefused."""
    value = text(command, name)
    if value is None:
        raise invalid(name, "missing")
    return value


def texts(command: Command, name: str) -> list[str] | None:
    """An optional list of texts. Raises CommandRefused."""
    value = command.arguments.get(name)
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(each, str) and each for each in value):
        raise invalid(name, "expected a list of texts")
    return value


def flag(command: Command, name: str) -> bool | None:
    """An optional truth value. Raises CommandRefused."""
    value = command.arguments.get(name)
    if value is not None and not isinstance(value, bool):
        raise invalid(name, "expected true or false")
    return value


def choice(command: Command, name: str, choices: Sequence[str], *, default: str) -> str:
    """One of several words. Raises CommandRefused."""
    value = text(command, name) or default
    if value not in choices:
        raise invalid(name, f"{value!r} is not one of {', '.join(choices)}")
    return value


def data(command: Command, name: str = "data") -> dict[str, Any]:
    """Data to attach. Raises CommandRefused."""
    value = command.arguments.get(name)
    if not isinstance(value, dict) or not value:
        raise invalid(name, "expected an object with at least one key")
    return value


def optional_data(command: Command, name: str = "data") -> dict[str, Any] | None:
    """Data to attach, if there is any. Raises CommandRefused."""
    return None if command.arguments.get(name) is None else data(command, name)


def listed_keys(command: Command, name: str = "keys") -> list[str]:
    """Keys of attached data, each once. Raises CommandRefused."""
    listed = texts(command, name)
    if not listed:
        raise invalid(name, "missing")
    if len(listed) > MAX_KEYS:
        raise invalid(name, f"at most {MAX_KEYS} at a time")
    return list(dict.fromkeys(listed))


def target(command: Command, kind: str) -> str:
    """The part of the target that the command needs. Raises CommandRefused."""
    value = getattr(command.target, kind)
    if not isinstance(value, str) or not value:
        raise CommandRefused(
            f"target.{kind}: missing; {command.verb.value} needs it", reason=Reason.INVALID
        )
    return value


def segment(name: str, field: str) -> str:
    """A name as one segment of a path; what would walk elsewhere in the path is refused."""
    if name in {".", ".."}:
        raise CommandRefused(f"{field}: {name!r} is no name", reason=Reason.INVALID)
    return quote(name, safe="")


def invalid(name: str, why: str, *, hint: str = "") -> CommandRefused:
    """A refusal that names the argument."""
    return CommandRefused(f"arguments.{name}: {why}", reason=Reason.INVALID, hint=hint)
