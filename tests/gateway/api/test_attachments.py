"""Files that are uploaded for a command to send."""

from __future__ import annotations

import asyncio

import pytest

from gateway.errors import AttachmentRefused, Reason
from tests.gateway.api.conftest import Serve
from tests.support.fake_runtime import ATTACHMENT_BYTES, FakeRuntime

PATH = "/v1/attachments?name=report.pdf&media_type=application/pdf"


async def test_a_file_is_kept_and_found_where_it_says(serve: Serve, runtime: FakeRuntime) -> None:
    """Its size may be beyond that of other bodies; it is found until it is discarded."""
    client = await serve(max_body_bytes=1024)
    async with client.post(PATH, data=b"x" * 100_000) as response:
        document = await response.json()
        location = response.headers["Location"]
    assert response.status == 201
    assert (document["name"], document["media_type"], document["size_bytes"]) == (
        "report.pdf", "application/pdf", 100_000,
    )  # fmt: skip
    async with client.get(location) as response:
        assert await response.json() == document
    async with client.delete(location) as response:
        assert (response.status, await response.read()) == (204, b"")
    for method in ("GET", "DELETE"):
        async with client.request(method, location) as response:
            assert response.status == 404
    assert [(act.act, act.outcome) for act in runtime.acts] == [
        ("attachment.upload", "done"),
        ("attachment.discard", "done"),
        ("attachment.discard", "refused"),
    ]


async def test_what_is_too_large_is_refused(serve: Serve) -> None:
    """413 with its own type."""
    client = await serve()
    async with client.post(PATH, data=b"x" * (ATTACHMENT_BYTES + 1)) as response:
        problem = await response.json(content_type=None)
    assert (response.status, problem["type"]) == (413, "urn:tieline:problem:attachment-too-large")


async def test_a_full_spool_says_when_to_come_again(serve: Serve, runtime: FakeRuntime) -> None:
    """503 and Retry-After."""
    runtime.failure = AttachmentRefused(
        "no room", reason=Reason.RATE_LIMITED, retry_after_seconds=60
    )
    client = await serve()
    async with client.post(PATH, data=b"x") as response:
        problem = await response.json(content_type=None)
    assert (response.status, problem["type"]) == (503, "urn:tieline:problem:attachments-full")
    assert response.headers["Retry-After"] == "60"


@pytest.mark.parametrize("query", ["", "?name=", "?name=a&media_type=pdf", "?name=a&size=1"])
async def test_a_wrong_query_is_a_problem(serve: Serve, query: str) -> None:
    """400, before the body is read."""
    async with (await serve()).post(f"/v1/attachments{query}", data=b"x") as response:
        assert response.status == 400


async def test_a_body_that_stops_coming_is_let_go(serve: Serve, runtime: FakeRuntime) -> None:
    """408, and nothing is kept."""
    url = (await serve(body_timeout_seconds=0.05))._base_url
    assert url is not None
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(
        b"POST " + PATH.encode() + b" HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nx"
    )
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert runtime.uploads == {}
