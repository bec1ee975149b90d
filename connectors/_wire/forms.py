"""Forms with a file, as web servers take them (RFC 7578). The file is read from the disk in pieces while it is sent."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import hdrs
from multidict import CIMultiDict

from connectors._wire.upload import Upload
from gateway.errors import CommandRefused, Reason


@asynccontextmanager
async def form_of(
    upload: Upload, field: str, **others: str
) -> AsyncIterator[aiohttp.MultipartWriter]:
    """A form with the file under `field`, good for one request. Raises CommandRefused: the file is gone.

    The file comes first, and in each part the disposition does, as browsers write them: some servers take no other.
    """
    try:
        file = (
            io.BytesIO(upload.content)
            if upload.path is None
            else await asyncio.to_thread(upload.path.open, "rb")
        )
    except OSError as error:
        raise CommandRefused(
            "arguments.upload: the file is no longer kept",
            reason=Reason.NOT_FOUND,
            hint="upload it again",
        ) from error
    with file, aiohttp.MultipartWriter("form-data") as form:
        # Servers take the name as it is, not percent-encoded; it holds nothing that could end it.
        _add(form, field, file, f'; filename="{upload.name}"', upload.content_type)
        for name, value in others.items():
            _add(form, name, value, "", "text/plain; charset=utf-8")
        yield form


def _add(
    form: aiohttp.MultipartWriter, name: str, value: Any, file_name: str, content_type: str
) -> None:
    part = form.append(
        value, CIMultiDict({hdrs.CONTENT_DISPOSITION: f'form-data; name="{name}"{file_name}'})
    )
    # Whatever was put there first, it stands behind the disposition now.
    part.headers.popall(hdrs.CONTENT_TYPE, None)
    part.headers[hdrs.CONTENT_TYPE] = content_type


def upload_timeout(seconds: float) -> aiohttp.ClientTimeout:
    """For requests that take as long as the file is large: only silence counts. The command's deadline ends them."""
    return aiohttp.ClientTimeout(total=None, sock_connect=seconds, sock_read=seconds)
