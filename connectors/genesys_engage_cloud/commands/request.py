"""What a command becomes on the wire, which event decides it, and what is known when it is built. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from connectors._wire.arguments import text
from connectors._wire.table import proof
from connectors._wire.upload import Upload
from connectors.genesys_engage_cloud.mapping.picture import AgentPicture
from connectors.genesys_engage_cloud.operation_ids import operation_id
from connectors.genesys_engage_cloud.vendor import VOICE_MEDIUM, WORKSPACE
from gateway.commands import Command, Expectation
from gateway.contracts.attachments import AttachmentStore
from gateway.errors import CommandRefused, Reason

CALL_FAILED = proof("call.failed")


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """How channels are activated unless the command says otherwise."""

    agent_id: str | None = None
    dn: str | None = None
    place: str | None = None
    queue: str | None = None
    work_mode: str | None = None
    channels: tuple[str, ...] = ()


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """What is known when a request is built.

    Attributes:
        agent: the name that the agent's events carry.
        login: how channels are activated unless the command says otherwise.
        picture: what the platform last said of the agent.
        users: the platform's user names of the connector's agents, by the names that events carry.
        uploads: the files that commands may name.
        max_attachment_bytes: longest content of an attachment.
    """

    agent: str
    login: Login = Login()
    picture: AgentPicture = msgspec.field(default_factory=AgentPicture)
    users: Mapping[str, str] = msgspec.field(default_factory=dict)
    uploads: AttachmentStore | None = None
    max_attachment_bytes: int = 10 * 1024 * 1024


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One vendor request, always a POST.

    Attributes:
        expectation: what decides it once it is accepted; none when the answer is the proof.
        upload: a file that is sent as a form; of the body, only the operation's id goes with it.
        part: names it among the requests of one command.
        further: requests that belong to the same command, sent after this one.
        leaves: the CometD session is ended before.
    """

    path: str
    body: dict[str, Any] | None
    expectation: Expectation | None
    upload: Upload | None = None
    part: str = ""
    further: tuple[Request, ...] = ()
    leaves: bool = False


Builder = Callable[[Command, Situation], Request]


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
    upload: Upload | None = None,
    subject: str | None = None,
    refused_by: frozenset[str] = frozenset(),
    where: dict[str, Any] | None = None,
    within: dict[str, dict[str, Any]] | None = None,
) -> Request:
    """A request below the Workspace API. `call.failed` always refutes, if the platform says that it is about this."""
    return Request(
        path=f"{WORKSPACE}/{path}",
        body=body_of(command, data),
        upload=upload,
        expectation=Expectation(
            confirmed_by=frozenset(map(proof, confirmed_by)),
            refused_by=refused_by | {CALL_FAILED},
            subject=subject,
            where=where or {},
            within=within or {},
            cause=command.id,
        ),
    )


def medium(command: Command, situation: Situation, interaction: str) -> str:
    """The medium of an interaction, as the feed has told it or the command says. Raises CommandRefused."""
    given, picture = text(command, "media"), situation.picture
    if given is not None:
        return given
    item, ended = picture.interactions.get(interaction), picture.ended.get(interaction)
    media = item.media if item is not None else ended.media if ended is not None else None
    if media is None or media == "unknown":
        raise CommandRefused(
            "arguments.media: the medium of the interaction is not known", reason=Reason.INVALID
        )
    return media


def is_voice(media: str | None) -> bool:
    """Whether a command that may name a medium is about the phone, as it is without one."""
    return media is None or media == VOICE_MEDIUM
