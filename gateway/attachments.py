"""The spool of attachments: files that are uploaded once, and that commands then name by their id.

A command is a small JSON value that is journalled; a file of megabytes does not belong into it. So the file comes
first, in pieces that go to the disk as they arrive, and the connector reads it from there in pieces: memory is the same
for any size. Nothing here is an event, and nothing survives `keep_seconds`.

The bounds are the settings. When the spool is full an upload is refused; the files that are there are never given up
early, for commands may name them.

    <folder>/<id>.part    content on its way; removed at the next start
    <folder>/<id>.bin     content
    <folder>/<id>.json    name, type, size and age; written before the content gets its name
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import secrets
import shutil
from collections.abc import AsyncIterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from gateway.clock import Clock
from gateway.contracts.attachments import FILE_NAME, MEDIA_TYPE, StoredAttachment
from gateway.errors import AttachmentRefused, ConfigError, Reason

_PART, _CONTENT, _FACTS = ".part", ".bin", ".json"
_EXPIRE_EVERY_SECONDS = 60.0
_RETRY_SECONDS = 60.0
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})


class AttachmentSettings(BaseModel):
    """How much the spool of attachments keeps, and how long."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_bytes: int = Field(default=10 << 20, ge=1, description="largest upload, in bytes")
    max_total_bytes: int = Field(
        default=256 << 20, ge=1, description="all uploads together, in bytes; more are refused"
    )
    max_count: int = Field(default=200, ge=1, description="most uploads at a time")
    keep_seconds: float = Field(
        default=3600.0, gt=0, description="age at which an upload is removed, used or not"
    )
    min_free_bytes: int = Field(
        default=512 << 20,
        ge=0,
        description="space on the disk that uploads leave free, for the journal, in bytes",
    )


class _Facts(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    media_type: str
    size_bytes: int
    expires: datetime


class AttachmentSpool:
    """The uploads of one gateway. Content is written by threads of the loop's executor; all else takes no time."""

    def __init__(self, folder: Path, settings: AttachmentSettings, clock: Clock) -> None:
        self._folder = folder
        self._settings = settings
        self._clock = clock
        self._kept: dict[str, StoredAttachment] = {}
        self._arriving: dict[str, int] = {}
        """Bytes so far of the uploads that are on their way."""

    @classmethod
    async def open(
        cls, folder: Path, settings: AttachmentSettings, clock: Clock
    ) -> AttachmentSpool:
        """The spool with what an earlier process kept. Raises ConfigError: the folder cannot be used."""
        spool = cls(folder, settings, clock)
        try:
            found = await asyncio.to_thread(spool._read_folder)
        except OSError as error:
            raise ConfigError(
                f"the folder for attachments cannot be used: {error.strerror}",
                hint="check gateway.data_dir",
            ) from error
        spool._kept = {stored.id: stored for stored in found}
        spool.expire()
        return spool

    @property
    def max_bytes(self) -> int:
        """The largest upload that is taken."""
        return self._settings.max_bytes

    @property
    def total_bytes(self) -> int:
        """What is kept and what is on its way, in bytes."""
        kept = sum(stored.size_bytes for stored in self._kept.values())
        return kept + sum(self._arriving.values())

    def find(self, attachment_id: str) -> StoredAttachment | None:
        """An upload by its id; none if it is not known, discarded or too old."""
        stored = self._kept.get(attachment_id)
        return None if stored is None or stored.expires <= self._clock.now() else stored

    async def receive(
        self, chunks: AsyncIterable[bytes], *, name: str, media_type: str
    ) -> StoredAttachment:
        """Keep what `chunks` brings, writing each before the next is asked for.

        Cancelled, or when `chunks` raises, nothing is kept. Raises AttachmentRefused with reason `invalid` (the name
        or the type), `too_large`, `rate_limited` (the spool is full: later), `disk_full` or `disk_error`.
        """
        _check(name, media_type)
        attachment_id = secrets.token_urlsafe(24)
        if len(self._kept) + len(self._arriving) >= self._settings.max_count:
            raise _full(f"there are {self._settings.max_count} attachments already")
        self._arriving[attachment_id] = 0
        kept = False
        try:
            size = await self._write(attachment_id, chunks)
            stored = StoredAttachment(
                id=attachment_id,
                name=name,
                media_type=media_type,
                size_bytes=size,
                path=self._path(attachment_id, _CONTENT),
                expires=self._clock.now() + timedelta(seconds=self._settings.keep_seconds),
            )
            self._settle(stored)
            self._kept[attachment_id] = stored
            kept = True
        except OSError as error:
            raise _of_disk(error) from error
        finally:
            del self._arriving[attachment_id]
            if not kept:
                self._remove(attachment_id)
        return stored

    def discard(self, attachment_id: str) -> bool:
        """Remove an upload before its time; whether there was one."""
        if self._kept.pop(attachment_id, None) is None:
            return False
        self._remove(attachment_id)
        return True

    def expire(self) -> None:
        """Remove what is too old."""
        now = self._clock.now()
        for stored in [each for each in self._kept.values() if each.expires <= now]:
            self.discard(stored.id)

    async def run(self) -> None:
        """Remove what grows too old, until cancelled."""
        while True:
            await self._clock.sleep(_EXPIRE_EVERY_SECONDS)
            self.expire()

    async def _write(self, attachment_id: str, chunks: AsyncIterable[bytes]) -> int:
        file = self._open(attachment_id)
        try:
            async for chunk in chunks:
                self._arriving[attachment_id] += len(chunk)
                self._check_room(self._arriving[attachment_id])
                await asyncio.to_thread(file.write, chunk)
        finally:
            # Waits for a write that was cancelled, which goes on in its thread.
            file.close()
        return self._arriving[attachment_id]

    def _check_room(self, size: int) -> None:
        settings = self._settings
        if size > settings.max_bytes:
            raise AttachmentRefused(
                f"the attachment is longer than {settings.max_bytes} bytes",
                reason=Reason.TOO_LARGE,
                hint="raise gateway.attachments.max_bytes",
            )
        if self.total_bytes > settings.max_total_bytes:
            raise _full(f"the attachments would be longer than {settings.max_total_bytes} bytes")

    def _open(self, attachment_id: str) -> BinaryIO:
        if shutil.disk_usage(self._folder).free < self._settings.min_free_bytes:
            raise OSError(errno.ENOSPC, "no room")
        return self._path(attachment_id, _PART).open("xb")

    def _settle(self, stored: StoredAttachment) -> None:
        facts = _Facts(
            name=stored.name,
            media_type=stored.media_type,
            size_bytes=stored.size_bytes,
            expires=stored.expires,
        )
        self._path(stored.id, _FACTS).write_bytes(msgspec.json.encode(facts))
        self._path(stored.id, _PART).rename(stored.path)

    def _remove(self, attachment_id: str) -> None:
        for suffix in (_PART, _CONTENT, _FACTS):
            # What cannot be removed now is removed by the next start.
            with contextlib.suppress(OSError):
                self._path(attachment_id, suffix).unlink(missing_ok=True)

    def _read_folder(self) -> list[StoredAttachment]:
        """What is whole; the rest is removed."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = []
        for name in {path.stem for path in self._folder.iterdir()}:
            stored = self._read(name)
            if stored is None:
                self._remove(name)
            else:
                found.append(stored)
        return found

    def _read(self, attachment_id: str) -> StoredAttachment | None:
        content = self._path(attachment_id, _CONTENT)
        try:
            facts = msgspec.json.decode(self._path(attachment_id, _FACTS).read_bytes(), type=_Facts)
            whole = content.stat().st_size == facts.size_bytes
        except (OSError, msgspec.DecodeError):
            return None
        if not whole:
            return None
        return StoredAttachment(
            id=attachment_id,
            name=facts.name,
            media_type=facts.media_type,
            size_bytes=facts.size_bytes,
            path=content,
            expires=facts.expires,
        )

    def _path(self, attachment_id: str, suffix: str) -> Path:
        return self._folder / f"{attachment_id}{suffix}"


def _check(name: str, media_type: str) -> None:
    if not FILE_NAME.fullmatch(name) or not name.isprintable():
        raise AttachmentRefused(
            "name: expected a file name of at most 255 characters without folders and quotes",
            reason=Reason.INVALID,
        )
    if not MEDIA_TYPE.fullmatch(media_type):
        raise AttachmentRefused(
            "media_type: expected a type and a subtype such as application/pdf",
            reason=Reason.INVALID,
        )


def _full(why: str) -> AttachmentRefused:
    return AttachmentRefused(
        why,
        reason=Reason.RATE_LIMITED,
        hint="discard those that are sent, or try again later",
        retry_after_seconds=_RETRY_SECONDS,
    )


def _of_disk(error: OSError) -> AttachmentRefused:
    full = error.errno in _NO_ROOM
    return AttachmentRefused(
        "there is no room for attachments on the disk"
        if full
        else f"the attachment cannot be kept: {error.strerror or type(error).__name__}",
        reason=Reason.DISK_FULL if full else Reason.DISK_ERROR,
        hint="free space in gateway.data_dir" if full else "check gateway.data_dir",
        retry_after_seconds=_RETRY_SECONDS,
    )
