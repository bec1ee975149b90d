"""Commands over HTTP: accepted, followed, repeated, refused."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from gateway.commands import Outcome, Status
from gateway.errors import CommandRefused, JournalFull, Reason
from tests.gateway.api.conftest import Serve
from tests.support.fake_runtime import FakeRuntime

READY = {
    "verb": "agent.set_state",
    "connector": "gws-main",
    "target": {"agent": "anna"},
    "arguments": {"state": "ready"},
}


async def post(
    client: aiohttp.ClientSession, body: Any, path: str = "/v1/commands", **headers: str
) -> tuple[int, dict[str, Any], aiohttp.ClientResponse]:
    """Send a command; status, document and response."""
    async with client.post(path, json=body, headers=headers) as response:
        return response.status, await response.json(content_type=None), response


async def test_a_command_is_accepted_and_found_where_it_says(serve: Serve) -> None:
    """202, a Location, and the same document there."""
    client = await serve()
    status, document, response = await post(client, READY)
    assert (status, document["status"], document["final"]) == (202, "accepted", False)
    assert document["requester"] == "local"
    async with client.get(response.headers["Location"]) as found:
        assert await found.json() == document


async def test_wait_answers_when_the_verdict_stands(serve: Serve, runtime: FakeRuntime) -> None:
    """200 with the outcome, long before the waiting time is over."""
    client = await serve()
    waiting = asyncio.create_task(post(client, READY, "/v1/commands?wait=30"), name="waiting")
    async with asyncio.timeout(10):
        await runtime.submitted.wait()
        runtime.settle("command-1", Outcome(status=Status.DONE, evidence="event-9"))
        status, document, _ = await waiting
    assert status == 200
    assert (document["status"], document["final"]) == ("done", True)
    assert document["evidence"] == "event-9"


async def test_wait_ends_with_what_is_known(serve: Serve) -> None:
    """202 after the time, and never longer than the settings allow."""
    client = await serve(max_wait_seconds=0.01)
    assert (await post(client, READY, "/v1/commands?wait=300"))[0] == 202


async def test_a_command_can_be_waited_for_later(serve: Serve, runtime: FakeRuntime) -> None:
    """GET takes `wait` too, and shows a refusal with its reason."""
    client = await serve()
    _, _, response = await post(client, READY)
    outcome = Outcome(status=Status.REFUSED, reason=Reason.CONFLICT, message="not logged in")
    runtime.settle("command-1", outcome)
    async with client.get(response.headers["Location"] + "?wait=30") as found:
        document = await found.json()
    assert (document["status"], document["reason"], document["message"]) == (
        "refused", "conflict", "not logged in",
    )  # fmt: skip


async def test_the_same_key_gives_the_same_command(serve: Serve, runtime: FakeRuntime) -> None:
    """Bare and quoted forms of the header name one key."""
    client = await serve()
    _, first, _ = await post(client, READY, **{"Idempotency-Key": "k-1"})
    _, second, _ = await post(client, READY, **{"Idempotency-Key": '"k-1"'})
    assert first == second
    assert len(runtime.records) == 1


async def test_the_same_key_for_another_command_is_refused(serve: Serve) -> None:
    """422, with the type that says so."""
    client = await serve()
    await post(client, READY, **{"Idempotency-Key": "k-1"})
    other = READY | {"arguments": {"state": "not_ready"}}
    status, document, _ = await post(client, other, **{"Idempotency-Key": "k-1"})
    assert (status, document["type"]) == (422, "urn:tieline:problem:idempotency-key-reused")


@pytest.mark.parametrize(
    ("change", "kind", "field"),
    [
        ({"connector": "nope"}, "unknown-connector", "connector"),
        ({"verb": "call.hold"}, "unsupported-command", "verb"),
        ({"target": {}}, "invalid-command", "target.agent"),
        ({"arguments": {}}, "invalid-command", "arguments.state"),
        ({"arguments": {"state": "asleep"}}, "invalid-command", "arguments.state"),
        ({"arguments": {"state": "ready", "x": 1}}, "invalid-command", "arguments.x"),
        ({"verb": "call.explode"}, "invalid-request", "verb"),
        ({"verb": None}, "invalid-request", "verb"),
        ({"target": {"agnet": "anna"}}, "invalid-request", "target"),
        ({"target": {"agent": 7}}, "invalid-request", "target.agent"),
        ({"arguments": []}, "invalid-request", "arguments"),
        ({"deadline_seconds": 0}, "invalid-request", "deadline_seconds"),
        ({"connector": ""}, "invalid-request", "connector"),
        ({"extra": 1}, "invalid-request", ""),
    ],
)
async def test_a_wrong_command_names_its_field(
    serve: Serve, runtime: FakeRuntime, change: dict[str, Any], kind: str, field: str
) -> None:
    """422 with the type of the problem and the field; nothing is sent."""
    status, document, response = await post(await serve(), READY | change)
    assert response.headers["Content-Type"].startswith("application/problem+json")
    assert (status, document["status"]) == (422, 422)
    assert document["type"] == f"urn:tieline:problem:{kind}"
    assert document["errors"][0]["field"] == field
    assert document["errors"][0]["detail"]
    assert runtime.records == {}


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        (b"", 400, "malformed-json"),
        (b"{", 400, "malformed-json"),
        (b"\xff", 400, "malformed-json"),
        (b"[" * 50_000, 422, "invalid-request"),
        (b'{"arguments": ' + b'{"a": ' * 10_000, 400, "malformed-json"),
        (b"[]", 422, "invalid-request"),
        (b"{}", 422, "invalid-request"),
        (b'"' + b"x" * 70_000 + b'"', 413, "too-large"),
    ],
    ids=["empty", "cut", "binary", "deep list", "deep object", "list", "no fields", "large"],
)
async def test_a_body_that_is_no_command_is_a_problem(
    serve: Serve, body: bytes, status: int, kind: str
) -> None:
    """Whatever the bytes, the answer is a problem document of the right type."""
    client = await serve()
    headers = {"Content-Type": "application/json"}
    async with client.post("/v1/commands", data=body, headers=headers) as response:
        document = json.loads(await response.read())
        assert (response.status, document["type"]) == (status, f"urn:tieline:problem:{kind}")


async def test_a_body_without_its_length_is_bounded_too(serve: Serve) -> None:
    """A chunked body ends at the limit."""

    async def endless() -> Any:
        for _ in range(100):
            yield b" " * 1024

    client = await serve(max_body_bytes=8192)
    headers = {"Content-Type": "application/json"}
    async with client.post("/v1/commands", data=endless(), headers=headers) as response:
        assert response.status == 413


async def test_a_slow_body_ends_in_time(serve: Serve) -> None:
    """A client that never sends the rest is told so and cut off."""
    client = await serve(body_timeout_seconds=0.05)
    url = client._base_url
    assert url is not None
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(
        b"POST /v1/commands HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Content-Length: 100\r\n\r\n{"
    )
    async with asyncio.timeout(10):
        answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"urn:tieline:problem:body-timeout" in answer
    writer.close()
    await writer.wait_closed()


async def test_only_json_is_taken(serve: Serve) -> None:
    """A form of a web page, which needs no leave of ours to be sent, is refused."""
    client = await serve()
    async with client.post("/v1/commands", data=json.dumps(READY)) as response:
        assert response.status == 415


@pytest.mark.parametrize(
    ("query", "part"),
    [
        ("wait=soon", "wait: expected a number"),
        ("wait=-1", "wait: expected a number"),
        ("wait=nan", "wait: expected a number"),
        ("wait=inf", "wait: expected a number"),
        ("wait=1&wait=2", "wait: given more than once"),
        ("weit=1", "weit: unknown, expected wait"),
    ],
)
async def test_a_wrong_query_is_a_problem(
    serve: Serve, runtime: FakeRuntime, query: str, part: str
) -> None:
    """400, naming the parameter; nothing is sent."""
    status, document, _ = await post(await serve(), READY, f"/v1/commands?{query}")
    assert (status, document["type"]) == (400, "urn:tieline:problem:invalid-query")
    assert part in document["detail"]
    assert runtime.records == {}


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, '""'])
async def test_a_wrong_idempotency_key_is_a_problem(serve: Serve, key: str) -> None:
    """400, before anything is sent."""
    status, document, _ = await post(await serve(), READY, **{"Idempotency-Key": key})
    assert (status, document["type"]) == (400, "urn:tieline:problem:invalid-header")


@pytest.mark.parametrize(
    ("failure", "status", "kind", "retry"),
    [
        (JournalFull("no room"), 503, "journal-full", "5"),
        (CommandRefused("too many", reason=Reason.RATE_LIMITED), 429, "rate-limited", "1"),
        (CommandRefused("not ready", reason=Reason.STOPPED), 503, "unavailable", "1"),
        (CommandRefused("no"), 409, "command-refused", None),
    ],
)
async def test_a_refusal_of_the_gateway_says_whether_to_try_again(
    serve: Serve,
    runtime: FakeRuntime,
    failure: Exception,
    status: int,
    kind: str,
    retry: str | None,
) -> None:
    """Retry-After where it helps."""
    runtime.failure = failure
    got, document, response = await post(await serve(), READY)
    assert (got, document["type"]) == (status, f"urn:tieline:problem:{kind}")
    assert response.headers.get("Retry-After") == retry


async def test_the_newest_commands_come_first(serve: Serve) -> None:
    """At most `limit` of them."""
    client = await serve()
    for _ in range(3):
        await post(client, READY)
    async with client.get("/v1/commands?limit=2") as response:
        items = (await response.json())["items"]
    assert [item["id"] for item in items] == ["command-3", "command-2"]
    async with client.get("/v1/commands?limit=0") as response:
        assert response.status == 400


async def test_an_unknown_command_is_not_found(serve: Serve) -> None:
    """Also with `wait`."""
    client = await serve()
    for path in ("/v1/commands/nope", "/v1/commands/nope?wait=5"):
        async with client.get(path) as response:
            assert response.status == 404
            assert (await response.json(content_type=None))["type"].endswith(":not-found")
