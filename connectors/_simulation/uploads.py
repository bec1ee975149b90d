"""Forms with one file, as simulated platforms take them (RFC 7578)."""

from __future__ import annotations

from dataclasses import dataclass, field

from aiohttp import BodyPartReader, web


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """The file, and the form's other fields, all of which are texts."""

    name: str
    content: bytes
    content_type: str
    fields: dict[str, str] = field(default_factory=dict)


async def read_file(request: web.Request, name: str, *, most: int) -> UploadedFile:
    """The file under `name`. Raises ValueError, worded as what is wrong: no form, no such file, or too long."""
    if not request.content_type.startswith("multipart/"):
        raise ValueError("a form is expected")
    fields: dict[str, str] = {}
    found: tuple[str, bytes, str] | None = None
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader):
            continue
        content = bytearray()
        while chunk := await part.read_chunk():
            content += chunk
            if len(content) > most:
                raise ValueError(f"{part.name} is too long")
        if part.filename is None:
            fields[part.name or ""] = content.decode("utf-8", "replace")
        elif part.name == name:
            kind = part.headers.get("Content-Type", "application/octet-stream")
            found = part.filename, bytes(content), kind
    if found is None:
        raise ValueError(f"{name} is missing")
    return UploadedFile(*found, fields)
