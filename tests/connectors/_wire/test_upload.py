"""Files on their way to a platform: from a command or an upload into a form that is sent in pieces."""

from __future__ import annotations

import base64
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import BodyPartReader, web
from aiohttp.test_utils import TestServer

from connectors._wire.forms import form_of, upload_timeout
from connectors._wire.upload import Upload, read_upload
from gateway.commands import Command, Target, Verb
from gateway.errors import CommandRefused, Reason
from tests.support.attachments import Uploads

NOW = datetime(2024, 1, 2, tzinfo=UTC)
MIB = 1 << 20


def command(**arguments: Any) -> Command:
    return Command(
        id="k1",
        verb=Verb.INTERACTION_ADD_ATTACHMENT,
        connector="c",
        target=Target(agent="a", interaction="i"),
        requester="test",
        created=NOW,
        deadline=NOW,
        arguments=arguments,
    )


@pytest.fixture
def uploads(tmp_path: Path) -> Uploads:
    store = Uploads()
    file = tmp_path / "file"
    file.write_bytes(b"hello")
    store.keep(file)
    return store


def test_an_upload_is_sent_under_its_own_name_and_type(uploads: Uploads, tmp_path: Path) -> None:
    read = read_upload(command(upload="u1"), uploads, max_bytes=5)

    assert read == Upload(name="report.pdf", content_type="application/pdf", path=tmp_path / "file")


def test_a_command_may_give_an_upload_another_name_and_type(uploads: Uploads) -> None:
    read = read_upload(
        command(upload="u1", name="b.txt", content_type="text/plain"), uploads, max_bytes=5
    )

    assert (read.name, read.content_type) == ("b.txt", "text/plain")


def test_a_small_file_may_be_in_the_command() -> None:
    encoded = base64.b64encode(b"hello").decode()
    read = read_upload(command(content_base64=encoded, name="a"), None, max_bytes=5)

    assert read == Upload(name="a", content_type="application/octet-stream", content=b"hello")


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({}, "arguments.upload"),
        ({"upload": "u1", "content_base64": "aGVsbG8="}, "arguments.upload"),
        ({"upload": "u2"}, "arguments.upload: nothing is kept"),
        ({"upload": "u1", "name": "../a"}, "arguments.name"),
        ({"content_base64": "aGVsbG8="}, "arguments.name: missing"),
        ({"content_base64": "a*", "name": "a"}, "arguments.content_base64"),
        ({"upload": "u1", "content_type": "text"}, "arguments.content_type"),
    ],
)
def test_what_cannot_be_sent_is_refused_by_its_field(
    uploads: Uploads, arguments: dict[str, Any], field: str
) -> None:
    with pytest.raises(CommandRefused, match=field):
        read_upload(command(**arguments), uploads, max_bytes=5)


@pytest.mark.parametrize(
    "arguments", [{"upload": "u1"}, {"content_base64": "aGVsbG8=", "name": "a"}]
)
def test_a_file_that_is_too_long_is_refused(uploads: Uploads, arguments: dict[str, Any]) -> None:
    with pytest.raises(CommandRefused, match="max_attachment_bytes"):
        read_upload(command(**arguments), uploads, max_bytes=4)


class Taker:
    """A server that counts what it gets and keeps nothing of it."""

    def __init__(self) -> None:
        self.fields: dict[str, str] = {}
        self.size = 0
        self.name: str | None = None
        self.length: int | None = None

    async def take(self, request: web.Request) -> web.Response:
        """Read a form."""
        self.length = request.content_length
        async for part in await request.multipart():
            assert isinstance(part, BodyPartReader)
            if part.filename is None:
                self.fields[str(part.name)] = await part.text()
                continue
            self.name = part.filename
            while chunk := await part.read_chunk():
                self.size += len(chunk)
        return web.Response()


async def post(upload: Upload, **fields: str) -> Taker:
    taker = Taker()
    application = web.Application()
    application.router.add_post("/", taker.take)
    async with (
        TestServer(application) as server,
        aiohttp.ClientSession() as http,
        form_of(upload, "attachment", **fields) as form,
        http.post(server.make_url("/"), data=form, timeout=upload_timeout(10)) as reply,
    ):
        assert reply.status == 200
    return taker


async def test_a_form_has_its_other_fields_and_the_file_under_its_name(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"hello")
    taker = await post(
        Upload(name="Übersicht 1.pdf", content_type="application/pdf", path=file),
        operationId="o1",
    )

    assert taker.fields == {"operationId": "o1"}
    assert (taker.name, taker.size) == ("Übersicht 1.pdf", 5)
    assert taker.length is not None


async def test_a_form_is_written_as_browsers_write_them() -> None:
    """The file comes first, and its disposition before its type."""
    upload = Upload(name="a.txt", content_type="text/plain", content=b"hello")
    async with form_of(upload, "attachment", operationId="o1") as form:
        written = (await form.as_bytes()).decode().split(f"--{form.boundary}\r\n")

    assert written[1].splitlines()[:2] == [
        'Content-Disposition: form-data; name="attachment"; filename="a.txt"',
        "Content-Type: text/plain",
    ]
    assert 'name="operationId"' in written[2]


async def test_a_large_file_takes_no_more_memory_than_a_small_one(tmp_path: Path) -> None:
    file = tmp_path / "file"
    with file.open("wb") as large:
        large.truncate(64 * MIB)
    tracemalloc.start()
    try:
        taker = await post(Upload(name="a", content_type="a/b", path=file))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert taker.size == 64 * MIB
    assert peak < 8 * MIB


async def test_a_file_that_is_gone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandRefused, match=r"arguments\.upload") as refused:
        async with form_of(
            Upload(name="a", content_type="a/b", path=tmp_path / "gone"), "attachment"
        ):
            pass

    assert refused.value.reason is Reason.NOT_FOUND
