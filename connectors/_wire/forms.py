"""Forms with a file, as web servers take them (RFC 7578). The file is read from the disk in pieces while it is sent."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from connectors._wire.upload import Upload
from gateway.errors import CommandRefused, Reason


@asynccontextmanager
async def form_of(upload: Upload, field: str, **others: str) -> AsyncIterator[aiohttp.FormData]:
    """A form with the file under `field`, good for one request. Raises CommandRefused: the file is gone."""
    # Servers take the name as it is, not percent-encoded; it holds nothing that could end it.
    form = aiohttp.FormData(quote_fields=False)
    for name, value in others.items():
        form.add_field(name, value)
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
    with file:
        form.add_field(field, file, filename=upload.name, content_type=upload.content_type)
        yield form


def upload_timeout(seconds: float) -> aiohttp.ClientTimeout:
    """For requests that take as long as the file is large: only silence counts. The command's deadline ends them."""
    return aiohttp.ClientTimeout(total=None, sock_connect=seconds, sock_read=seconds)
