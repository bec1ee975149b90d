"""Checks a request for a command against a platform's capability table, before anything is sent. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.commands import Argument, Capability, CommandRequest
from gateway.errors import CommandRefused, Reason

_KINDS: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
}


def check(request: CommandRequest, capabilities: Sequence[Capability]) -> Capability:
    """The line of the table that the request follows.

    Raises CommandRefused with reason `unsupported` when the platform does not take the verb, and `invalid` when the
    target
    or an argument is missing, unknown, of the wrong kind or not one of the choices; the message names the field.
    """
    capability = next((line for line in capabilities if line.verb is request.verb), None)
    if capability is None:
        known = ", ".join(sorted(line.verb.value for line in capabilities))
        raise CommandRefused(
            f"verb: {request.verb.value} is not supported by this platform",
            reason=Reason.UNSUPPORTED,
            hint=f"it takes {known}",
        )
    for name in capability.target:
        if not getattr(request.target, name):
            raise CommandRefused(
                f"target.{name}: missing; {request.verb.value} needs it", reason=Reason.INVALID
            )
    known_arguments = {argument.name: argument for argument in capability.arguments}
    for name in request.arguments:
        if name not in known_arguments:
            expected = ", ".join(known_arguments) or "no arguments"
            raise CommandRefused(
                f"arguments.{name}: unknown; {request.verb.value} takes {expected}",
                reason=Reason.INVALID,
            )
    for argument in capability.arguments:
        _check_argument(argument, request.arguments)
    return capability


def _check_argument(argument: Argument, given: Mapping[str, Any]) -> None:
    field = f"arguments.{argument.name}"
    if argument.name not in given:
        if argument.required:
            raise CommandRefused(f"{field}: missing", reason=Reason.INVALID)
        return
    value = given[argument.name]
    kinds = _KINDS[argument.kind]
    # bool is an int to Python, and only to Python
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        raise CommandRefused(
            f"{field}: expected {argument.kind}, found {type(value).__name__}",
            reason=Reason.INVALID,
        )
    if argument.choices and value not in argument.choices:
        raise CommandRefused(
            f"{field}: {value!r} is not one of {', '.join(argument.choices)}",
            reason=Reason.INVALID,
        )
