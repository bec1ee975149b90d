"""A file that a command sends to a platform: uploaded to the gateway before, or small and in the command. Pure."""

from __future__ import annotations

import binascii
from base64 import b64decode
from pathlib import Path

import msgspec

from connectors._wire.arguments import invalid, needed, text
from gateway.commands import Argument, Command
from gateway.contracts.attachments import FILE_NAME, MEDIA_TYPE, AttachmentStore

OCTETS = "application/octet-stream"
ARGUMENTS: tuple[Argument, ...] = (
    Argument(
        name="upload",
        kind="string",
        meaning="id of a file that was uploaded to the gateway; or content_base64",
    ),
    Argument(
        name="content_base64",
        kind="string",
        meaning="a small file's content in base64, instead of an upload",
    ),
    Argument(
        name="name",
        kind="string",
        meaning="name of the file; else the upload's, without which it is needed",
    ),
    Argument(
        name="content_type",
        kind="string",
        meaning=f"its media type; else the upload's, or {OCTETS}",
    ),
)
"""How a verb that sends a file takes it."""


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """A file for a platform. Its content is in `path`, which is read in pieces, or in memory if it is small."""

    name: str
    content_type: str
    content: bytes = b""
    path: Path | None = None


def read_upload(command: Command, store: AttachmentStore | None, *, max_bytes: int) -> Upload:
    """The file that the command names or holds. Raises CommandRefused."""
    upload, encoded = text(command, "upload"), text(command, "content_base64")
    if (upload is None) == (encoded is None):
        raise invalid("upload", "either this or content_base64 is needed")
    if upload is not None:
        return _uploaded(command, upload, store, max_bytes)
    return Upload(
        name=_name(needed(command, "name")),
        content_type=_content_type(text(command, "content_type") or OCTETS),
        content=_decoded(encoded or "", max_bytes),
    )


def _uploaded(
    command: Command, upload: str, store: AttachmentStore | None, max_bytes: int
) -> Upload:
    stored = None if store is None else store.find(upload)
    if stored is None:
        raise invalid("upload", "nothing is kept under this id", hint="upload the file again")
    if stored.size_bytes > max_bytes:
        raise _too_long("upload", max_bytes)
    return Upload(
        name=_name(text(command, "name") or stored.name),
        content_type=_content_type(text(command, "content_type") or stored.media_type),
        path=stored.path,
    )


def _decoded(encoded: str, max_bytes: int) -> bytes:
    try:
        # What is clearly too long is not decoded.
        content = b64decode(encoded, validate=True) if len(encoded) <= max_bytes * 2 else b""
    except (binascii.Error, ValueError):
        raise invalid("content_base64", "not base64") from None
    if len(encoded) > max_bytes * 2 or len(content) > max_bytes:
        raise _too_long("content_base64", max_bytes)
    return content


def _too_long(name: str, max_bytes: int) -> Exception:
    return invalid(name, f"longer than {max_bytes} bytes", hint="raise max_attachment_bytes")


def _name(name: str) -> str:
    if not FILE_NAME.fullmatch(name) or not name.isprintable():
        raise invalid("name", "expected a file name without folders and quotes")
    return name


def _content_type(content_type: str) -> str:
    if not MEDIA_TYPE.fullmatch(content_type):
        raise invalid("content_type", "expected a media type such as application/pdf")
    return content_type
