"""A vendor request as data, and what is known when it is made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from connectors._wire.arguments import flag, invalid, listed_keys, segment, text
from connectors._wire.upload import Upload
from connectors.genesys_web_services.mapping.offers import Offers
from connectors.genesys_web_services.mapping.picture import AgentPicture
from gateway.commands import Command, Expectation
from gateway.contracts.attachments import AttachmentStore

ROOT = "/api/v2"
ME = f"{ROOT}/me"
MAX_SPELLINGS = 4


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
        uploads: the files that commands may name.
        max_attachment_bytes: longest content of an attachment.
    """

    agent: str
    login: Login = Login()
    devices: Sequence[str] = ()
    user: str | None = None
    base_url: str = ""
    picture: AgentPicture = msgspec.field(default_factory=AgentPicture)
    offers: Offers = msgspec.field(default_factory=Offers)
    uploads: AttachmentStore | None = None
    max_attachment_bytes: int = 10 * 1024 * 1024


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


def keys(command: Command) -> list[str] | None:
    """Keys to take away; None means all. Raises CommandRefused."""
    every, given = flag(command, "all"), command.arguments.get("keys")
    if every and given is None:
        return None
    if every or not given:
        raise invalid("keys", "expected a list of keys, or all: true instead")
    return listed_keys(command)


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
