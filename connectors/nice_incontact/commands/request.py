"""A request to the platform, and what is known when it is built."""

from __future__ import annotations

from typing import Any

import msgspec

from connectors._wire import arguments
from connectors.nice_incontact.mapping.picture import (
    CALL,
    INTERACTION,
    AgentPicture,
    Contact,
)
from gateway.commands import Command, Expectation
from gateway.errors import CommandRefused, Reason
from gateway.states import ConnectionState

_C = ConnectionState


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """What a command is built from.

    Attributes:
        agent: whose session carries it out.
        session: path of the session, empty if the agent has none that is followed.
        picture: what the feed told so far.
        login: what a session is started with.
    """

    agent: str
    session: str
    picture: AgentPicture
    login: dict[str, Any] = msgspec.field(default_factory=dict)


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One request, and what decides it.

    Attributes:
        expectation: which event decides; without it the answer itself is the proof.
        over_is_done: an answer that the session is over (404 or 409) means that there is nothing left to do.
        mode: the way of monitoring that it asks for.
        opens: its answer names a session that the feed goes on with.
        tones_on: the call that it sends tones on, of which the platform tells nothing but that it took them.
    """

    path: str
    method: str = "POST"
    body: dict[str, Any] | None = None
    expectation: Expectation | None = None
    over_is_done: bool = False
    mode: str | None = None
    opens: bool = False
    tones_on: str | None = None


class Already(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing is sent: things are as the command wants them, and why that is known."""

    message: str


def refused(why: str, *, reason: Reason = Reason.CONFLICT, hint: str = "") -> CommandRefused:
    """A refusal by our own picture: the platform would refuse it too, with less to say."""
    return CommandRefused(why, reason=reason, hint=hint)


def call_of(command: Command, situation: Situation) -> tuple[str, Contact]:
    """The call that the command is about. Raises CommandRefused: the agent has no such call."""
    return _contact(command, situation, "call", CALL)


def interaction_of(command: Command, situation: Situation) -> tuple[str, Contact]:
    """The interaction that the command is about. Raises CommandRefused: the agent has no such one."""
    return _contact(command, situation, "interaction", INTERACTION)


def _contact(
    command: Command, situation: Situation, kind: str, known_as: str
) -> tuple[str, Contact]:
    name = arguments.target(command, kind)
    contact = situation.picture.contacts.get(name)
    if contact is None and name in situation.picture.closed:
        raise refused(f"target.{kind}: {name} is closed", reason=Reason.GONE)
    if contact is None or contact.kind != known_as:
        held = situation.picture.of_kind(known_as)
        raise refused(
            f"target.{kind}: agent {situation.agent} has no {kind} {name!r}",
            reason=Reason.NOT_FOUND,
            hint=f"there are: {', '.join(held)}" if held else f"the agent has no {kind}",
        )
    return name, contact


def needs(name: str, contact: Contact, *states: ConnectionState, to: str, hint: str = "") -> None:
    """Refuse what the contact's state does not allow. `to` says what it would be for."""
    if contact.state not in states and contact.state is not _C.UNKNOWN:
        wanted = " or ".join(state.value for state in states)
        raise refused(
            f"{contact.kind} {name} is {contact.state.value}; {to} needs it {wanted}", hint=hint
        )


def at_contact(situation: Situation, name: str, operation: str) -> str:
    """The path of an operation on a contact."""
    return f"{situation.session}/interactions/{arguments.segment(name, 'target')}/{operation}"


def integer(command: Command, name: str, low: int, high: int, *, default: int) -> int:
    """A whole number within bounds. Raises CommandRefused."""
    value = command.arguments.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise arguments.invalid(name, f"expected a whole number from {low} to {high}")
    return value


def number(command: Command, name: str, *, required: bool = False) -> int | None:
    """An id of the platform that is a number, given as text. Raises CommandRefused."""
    value = arguments.needed(command, name) if required else arguments.text(command, name)
    if value is None:
        return None
    if not value.isascii() or not value.isdecimal() or len(value) > 18:  # noqa: PLR2004 - longer is no 64-bit number
        raise arguments.invalid(name, "expected an id, which is a number")
    return int(value)
