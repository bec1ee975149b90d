"""What a command becomes on the wire: path, body, and which event decides it. Data and small helpers; pure."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import msgspec

from connectors.genesys_engage_cloud.capabilities import proof
from connectors.genesys_engage_cloud.operation_ids import operation_id
from connectors.genesys_engage_cloud.vendor import WORKSPACE
from gateway.commands import Command, Expectation
from gateway.errors import CommandRefused, Reason

CALL_FAILED = proof("call.failed")
CALL_ENDED = proof("call.ended")
RECORDING_FAILED = proof("recording.failed")


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """How channels are activated unless the command says otherwise."""

    agent_id: str | None = None
    dn: str | None = None
    place: str | None = None
    queue: str | None = None
    work_mode: str | None = None
    channels: tuple[str, ...] = ()


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One vendor request, always a POST.

    Attributes:
        expectation: what decides it once it is accepted; none when the answer is the proof.
        part: names it among the requests of one command.
        further: requests that belong to the same command, sent after this one.
        leaves: the CometD session is ended before.
    """

    path: str
    body: dict[str, Any] | None
    expectation: Expectation | None
    part: str = ""
    further: tuple[Request, ...] = ()
    leaves: bool = False


def body_of(command: Command | None, data: dict[str, Any]) -> dict[str, Any]:
    """Parameters travel in `data`; the operation's id beside it, where it is echoed."""
    given = {name: value for name, value in data.items() if value is not None}
    body: dict[str, Any] = {"data": given} if given else {}
    if command is not None:
        body["operationId"] = operation_id(command.id, command.verb)
    return body


def request(
    command: Command,
    path: str,
    data: dict[str, Any],
    *confirmed_by: str,
    subject: str | None = None,
    refused_by: frozenset[str] = frozenset(),
    where: dict[str, Any] | None = None,
    within: dict[str, dict[str, Any]] | None = None,
) -> Request:
    """A request below the Workspace API. `call.failed` always refutes, if the platform says that it is about this."""
    return Request(
        path=f"{WORKSPACE}/{path}",
        body=body_of(command, data),
        expectation=Expectation(
            confirmed_by=frozenset(map(proof, confirmed_by)),
            refused_by=refused_by | {CALL_FAILED},
            subject=subject,
            where=where or {},
            within=within or {},
            cause=command.id,
        ),
    )


def segment(name: str, field: str) -> str:
    """A name as one segment of a path; what would walk elsewhere in the path is refused."""
    if name in {".", ".."}:
        raise CommandRefused(f"{field}: {name!r} is no name", reason=Reason.INVALID)
    return quote(name, safe="")


def text(command: Command, name: str) -> str | None:
    """An argument that is a text. Raises CommandRefused."""
    value = command.arguments.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not value:
        raise CommandRefused(f"arguments.{name}: expected a text", reason=Reason.INVALID)
    return value


def needed(command: Command, name: str) -> str:
    """An argument that must be there. Raises CommandRefused."""
    value = text(command, name)
    if value is None:
        raise CommandRefused(f"arguments.{name}: missing", reason=Reason.INVALID)
    return value


def texts(command: Command, name: str) -> list[str] | None:
    """An argument that is a list of texts. Raises CommandRefused."""
    value = command.arguments.get(name)
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(each, str) and each for each in value):
        raise CommandRefused(f"arguments.{name}: expected a list of texts", reason=Reason.INVALID)
    return value


def target(command: Command, name: str) -> str:
    """A part of the target that must be there. Raises CommandRefused."""
    value: str | None = getattr(command.target, name)
    if not value:
        raise CommandRefused(
            f"target.{name}: missing; {command.verb.value} needs it", reason=Reason.INVALID
        )
    return value
