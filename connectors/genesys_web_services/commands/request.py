"""A vendor request as data, what is known when it is made, and how a command's arguments are read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import quote

import msgspec

from connectors.genesys_web_services.mapping.offers import Offers
from connectors.genesys_web_services.mapping.picture import AgentPicture
from gateway.commands import Command, Expectation
from gateway.errors import CommandRefused, Reason

ROOT = "/api/v2"
ME = f"{ROOT}/me"
MAX_SPELLINGS = 4
MAX_KEYS = 100


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """How a contact-centre session is started unless the command says otherwise."""

    channels: tuple[str, ...] = ("voice",)
    place: str | None = None
    login_code: str | None = None
    queue: str | None = None


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """What is known when a request is made.

    Attributes:
        agent: the name that the agent's events carry.
        login: how the agent is logged in unless the command says otherwise.
        devices: ids of the agent's phones, the first one to be used.
        user: id of the agent's user on the platform, if it is known.
        base_url: where the server is, for the URIs of calls that it has not told itself.
        picture: what the platform last said of the agent.
        offers: what the platform last offered to be done.
        max_attachment_bytes: longest content of an attachment.
    """

    agent: str
    login: Login = Login()
    devices: Sequence[str] = ()
    user: str | None = None
    base_url: str = ""
    picture: AgentPicture = msgspec.field(default_factory=AgentPicture)
    offers: Offers = msgspec.field(default_factory=Offers)
    max_attachment_bytes: int = 1024 * 1024


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """A file that is sent as a form, not as JSON."""

    name: str
    content: bytes
    content_type: str


class Spelling(msgspec.Struct, frozen=True):
    """One way to write a request."""

    path: str
    body: dict[str, Any]


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One vendor request.

    Attributes:
        expectation: what decides it once it is accepted; None if the answer itself does.
        others: further spellings of the same request, each sent only after the platform refused the
            one before as something that it does not know.
        transfers: the call and the number, if the platform will end the call to pass it on.
    """

    path: str
    body: dict[str, Any] = msgspec.field(default_factory=dict)
    method: str = "POST"
    upload: Upload | None = None
    expectation: Expectation | None = None
    others: tuple[Spelling, ...] = ()
    transfers: tuple[str, str] | None = None


def spelled(spellings: Iterable[Spelling], **rest: Any) -> Request:
    """A request with its spellings, the preferred one first."""
    first, *others = spellings
    return Request(
        path=first.path, body=first.body, others=tuple(others[: MAX_SPELLINGS - 1]), **rest
    )


def names(
    documented: Sequence[str], advertised: Iterable[str], *, otherwise: Sequence[str] = ()
) -> list[str]:
    """An operation's names in the order in which they are tried.

    First the documented one that the platform advertises for this call or interaction, then the
    other documented ones, and last the words that occur only among the capabilities.
    """
    offered = [name for name in documented if name in advertised]
    return [*offered, *(name for name in documented if name not in offered), *otherwise]


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


def keys(command: Command) -> list[str] | None:
    """Keys to take away; None means all. Raises CommandRefused."""
    every, given = flag(command, "all"), command.arguments.get("keys")
    if every and given is None:
        return None
    listed = given if isinstance(given, list) else []
    if every or not listed or not all(isinstance(key, str) and key for key in listed):
        raise invalid("keys", "expected a list of keys, or all: true instead")
    if len(listed) > MAX_KEYS:
        raise invalid("keys", f"at most {MAX_KEYS} at a time")
    return list(dict.fromkeys(listed))


def segment(name: str, field: str) -> str:
    """A name as one segment of a path; what would walk elsewhere in the path is refused."""
    if name in {".", ".."}:
        raise CommandRefused(f"{field}: {name!r} is no name", reason=Reason.INVALID)
    return quote(name, safe="")


def invalid(name: str, why: str, *, hint: str = "") -> CommandRefused:
    """A refusal that names the argument."""
    return CommandRefused(f"arguments.{name}: {why}", reason=Reason.INVALID, hint=hint)


def target(command: Command, kind: str) -> str:
    """The call or interaction that the command is about. Raises CommandRefused."""
    value = getattr(command.target, kind)
    if not isinstance(value, str) or not value:
        raise CommandRefused(
            f"target.{kind}: missing; {command.verb.value} needs it", reason=Reason.INVALID
        )
    return value


def phone(command: Command, situation: Situation) -> str:
    """The device that is named, or the agent's first phone. Raises CommandRefused."""
    device = text(command, "device") or command.target.device or next(iter(situation.devices), None)
    if device is None:
        raise invalid(
            "device",
            "the agent has no phone that is known",
            hint="log the agent in, or name the device",
        )
    return device


def device_paths(device: str, suffix: str = "") -> tuple[str, str]:
    """The reference gives the paths of devices without /me; servers and clients have them with it."""
    name = segment(device, "arguments.device")
    return f"{ME}/devices/{name}{suffix}", f"{ROOT}/devices/{name}{suffix}"
