"""Files that are uploaded first and sent by a command that names them; read and written piece by piece."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta

from gateway.api.operations import Audits, Call, Operation, Reply, Response, Row
from gateway.api.problems import Kind, Problem
from gateway.api.runtime import ApiRuntime
from gateway.contracts.attachments import StoredAttachment

SCOPE = "command:interaction"
_CHUNK_BYTES = 64 << 10


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """Parameters of an upload; the content is the body."""

    name: Annotated[
        str,
        Meta(
            max_length=255,
            pattern=r'^[^"/\\\x00-\x1f\x7f]+$',
            description="file name as the receiver shall see it, without folders and quotes",
        ),
    ]
    media_type: Annotated[
        str,
        Meta(
            max_length=255,
            pattern=r"^[A-Za-z0-9!#$&^_.+-]{1,127}/[A-Za-z0-9!#$&^_.+-]{1,127}$",
            description="kind of content, such as `application/pdf`, without parameters",
        ),
    ] = "application/octet-stream"


class Which(msgspec.Struct, frozen=True, kw_only=True):
    """Names one attachment."""

    id: Annotated[str, Meta(min_length=1, max_length=64, description="the attachment's id")]


class AttachmentView(msgspec.Struct, frozen=True, kw_only=True):
    """A file that is kept until `expires` for commands that name its `id`."""

    id: str
    name: str
    media_type: str
    size_bytes: int
    expires: datetime


class Attachments:
    """Handlers over one runtime."""

    def __init__(self, runtime: ApiRuntime, *, silence_seconds: float) -> None:
        self._runtime = runtime
        self._silence_seconds = silence_seconds

    async def upload(self, call: Call[Upload, None]) -> Reply:
        """Keep the body as a file."""
        asked = call.parameters
        stored = await self._runtime.upload(
            self._pieces(call.request), name=asked.name, media_type=asked.media_type
        )
        location = call.request.app.router["get_attachment"].url_for(id=stored.id)
        return Reply(value=_view(stored), status=201, headers={"Location": str(location)})

    async def get(self, call: Call[Which, None]) -> Reply:
        """What is known of a file; its content is not given back."""
        stored = self._runtime.attachment(call.parameters.id)
        if stored is None:
            raise _unknown()
        return Reply(value=_view(stored))

    async def discard(self, call: Call[Which, None]) -> web.Response:
        """Remove a file."""
        if not self._runtime.discard_attachment(call.parameters.id):
            raise _unknown()
        return web.Response(status=204)

    async def _pieces(self, request: web.Request) -> AsyncIterator[bytes]:
        """The body as it comes. A large one takes its time, but a client that falls silent is let go."""
        while True:
            try:
                async with asyncio.timeout(self._silence_seconds):
                    piece = await request.content.read(_CHUNK_BYTES)
            except TimeoutError:
                raise Problem(
                    Kind.BODY_TIMEOUT,
                    f"nothing more of the body came for {self._silence_seconds:g} seconds",
                    headers={"Connection": "close"},
                ) from None
            if not piece:
                return
            yield piece


def operations(runtime: ApiRuntime, *, silence_seconds: float) -> Sequence[Row]:
    """The rows."""
    attachments = Attachments(runtime, silence_seconds=silence_seconds)
    return (
        Operation(
            id="upload_attachment",
            method="POST",
            path="/v1/attachments",
            tag="attachments",
            summary="Upload a file for a command to send",
            handle=attachments.upload,
            scope=SCOPE,
            honours=frozenset({"connectors", "agents"}),
            audits=Audits(act="attachment.upload", object="attachment/-"),
            parameters=Upload,
            body_media_type="application/octet-stream",
            responses={
                201: Response(
                    type=AttachmentView,
                    description="it is kept",
                    headers={"Location": "path of the attachment"},
                )
            },
            problems=(
                Kind.BODY_TIMEOUT,
                Kind.ATTACHMENT_TOO_LARGE,
                Kind.INVALID_ATTACHMENT,
                Kind.ATTACHMENTS_FULL,
            ),
        ),
        Operation(
            id="get_attachment",
            method="GET",
            path="/v1/attachments/{id}",
            tag="attachments",
            summary="What is known of an uploaded file",
            handle=attachments.get,
            scope=SCOPE,
            honours=frozenset({"connectors", "agents"}),
            parameters=Which,
            responses={200: Response(type=AttachmentView, description="it is kept")},
        ),
        Operation(
            id="discard_attachment",
            method="DELETE",
            path="/v1/attachments/{id}",
            tag="attachments",
            summary="Remove an uploaded file before its time",
            handle=attachments.discard,
            scope=SCOPE,
            honours=frozenset({"connectors", "agents"}),
            audits=Audits(act="attachment.discard", object="attachment/{id}"),
            parameters=Which,
            responses={204: Response(type=None, description="it is gone")},
        ),
    )


def _view(stored: StoredAttachment) -> AttachmentView:
    return AttachmentView(
        id=stored.id,
        name=stored.name,
        media_type=stored.media_type,
        size_bytes=stored.size_bytes,
        expires=stored.expires,
    )


def _unknown() -> Problem:
    return Problem(Kind.NOT_FOUND, "there is no such attachment, or it is too old by now")
