"""How a request on one interaction is written. Pure."""

from __future__ import annotations

from typing import Any

from connectors._wire.arguments import segment, target
from connectors._wire.upload import Upload
from connectors.genesys_engage_cloud.commands.request import (
    Builder,
    Request,
    Situation,
    medium,
    request,
)
from gateway.commands import Command


def path_of(command: Command, media: str, operation: str, *more: str) -> str:
    """The path of an operation on the interaction of the target. Raises CommandRefused."""
    name = segment(target(command, "interaction"), "target.interaction")
    place = f"media/{segment(media, 'arguments.media')}/interactions"
    return "/".join((place, name, operation, *more))


def on(
    command: Command,
    media: str,
    operation: str,
    parameters: dict[str, Any],
    *proofs: str,
    more: tuple[str, ...] = (),
    upload: Upload | None = None,
    **decided: Any,
) -> Request:
    """An operation on an interaction of a medium, decided by an event about it unless `decided` says otherwise."""
    name = target(command, "interaction")
    return request(
        command,
        path_of(command, media, operation, *more),
        parameters,
        *proofs,
        upload=upload,
        **{"subject": f"interaction/{name}", **decided},
    )


def on_its_medium(
    command: Command,
    situation: Situation,
    operation: str,
    parameters: dict[str, Any],
    *proofs: str,
    **decided: Any,
) -> Request:
    """The same, on the medium that the interaction has."""
    media = medium(command, situation, target(command, "interaction"))
    return on(command, media, operation, parameters, *proofs, **decided)


def plain(operation: str, *proofs: str) -> Builder:
    """An operation that needs nothing beyond the interaction."""
    return lambda command, situation: on_its_medium(command, situation, operation, {}, *proofs)
