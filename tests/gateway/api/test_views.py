"""Health, metrics, feeds, connectors, and what every answer has."""

from __future__ import annotations

import asyncio
import logging

import aiohttp
import pytest
import structlog

from gateway.api.runtime import Readiness
from gateway.api.server import ApiServer
from gateway.api.settings import ApiSettings
from gateway.errors import NotReady, TielineError
from tests.gateway.api.conftest import Serve
from tests.support.fake_runtime import FakeRuntime


async def test_health_is_that_the_process_answers(serve: Serve, runtime: FakeRuntime) -> None:
    """It does not depend on readiness."""
    runtime.readiness = Readiness(ok=False, reasons=("stopping",))
    async with (await serve()).get("/healthz") as response:
        assert (response.status, await response.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize(("ok", "status"), [(True, 200), (False, 503)])
async def test_readiness_has_its_reasons(
    serve: Serve, runtime: FakeRuntime, *, ok: bool, status: int
) -> None:
    """503 takes the gateway out of a load balancer."""
    runtime.readiness = Readiness(ok=ok, reasons=() if ok else ("journal_full",))
    async with (await serve()).get("/readyz") as response:
        assert response.status == status
        assert await response.json() == {"ok": ok, "reasons": [] if ok else ["journal_full"]}


async def test_metrics_are_the_text_format(serve: Serve) -> None:
    """The content type is the one that Prometheus asks for."""
    async with (await serve()).get("/metrics") as response:
        assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert "tieline_info 1.0" in await response.text()


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["gws-main/anna", "gws-main/ben"]),
        ("?state=auth_rejected", ["gws-main/ben"]),
        ("?connector=other", []),
        ("?connector=gws-main&state=connected", ["gws-main/anna"]),
    ],
)
async def test_feeds_can_be_chosen(serve: Serve, query: str, names: list[str]) -> None:
    """By connector and state."""
    async with (await serve()).get(f"/v1/feeds{query}") as response:
        items = (await response.json())["items"]
    assert [item["name"] for item in items] == names


async def test_a_feed_says_what_to_do(serve: Serve) -> None:
    """The last error and the operator's action are in it."""
    async with (await serve()).get("/v1/feeds?state=auth_rejected") as response:
        [item] = (await response.json())["items"]
    assert item["operator_action"] == "check the account"
    assert item["last_error"] == {"reason": "auth", "message": "refused", "hint": ""}


async def test_a_connector_shows_its_table(serve: Serve) -> None:
    """Capabilities, guarantee and state."""
    async with (await serve()).get("/v1/connectors") as response:
        [item] = (await response.json())["items"]
    assert (item["guarantee"], item["state"]) == ("resumable", "degraded")
    assert item["commands"][0]["verb"] == "agent.set_state"
    assert item["commands"][0]["arguments"][0]["choices"] == ["ready", "not_ready"]


async def test_what_does_not_exist_is_a_problem(serve: Serve) -> None:
    """404 and 405 are problem documents too; 405 says what is allowed."""
    client = await serve()
    async with client.get("/v2/feeds") as response:
        assert response.status == 404
        assert (await response.json(content_type=None))["type"] == "urn:tieline:problem:not-found"
    async with client.delete("/v1/feeds") as response:
        assert response.status == 405
        assert set(response.headers["Allow"].split(",")) == {"GET", "HEAD"}
    async with client.get("/v1/feeds?page=2") as response:
        assert response.status == 400


async def test_answers_are_counted_by_operation_and_status(runtime: FakeRuntime) -> None:
    """Problems too; paths that do not exist count together, so that nobody can make figures at will."""
    server = ApiServer(runtime, ApiSettings(port=0))
    url = await server.start()
    async with aiohttp.ClientSession(base_url=url) as client:
        for path in ("/healthz", "/healthz", "/v1/feeds?x=1", "/nope", "/nope/2", "/v1/calls/c/7"):
            async with client.get(path):
                pass
    await server.close()
    assert server.figures.requests == {
        ("health", 200): 2,
        ("list_feeds", 400): 1,
        ("", 404): 2,
        ("get_call", 404): 1,
    }


@pytest.mark.parametrize("path", ["/healthz", "/v1/feeds", "/nope", "/v1/connectors?x=1"])
async def test_every_answer_has_the_security_headers(serve: Serve, path: str) -> None:
    """Errors too; the server does not tell what it is made of."""
    async with (await serve()).get(path) as response:
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Cache-Control"] == "no-store"
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]
        assert response.headers["Server"] == "tieline"
        assert "Access-Control-Allow-Origin" not in response.headers


async def test_a_defect_is_logged_and_not_shown(serve: Serve, runtime: FakeRuntime) -> None:
    """The client gets a bare 500, the log gets the trace."""
    runtime.failure = RuntimeError("the password is hunter22")
    with structlog.testing.capture_logs() as logs:
        async with (await serve()).get("/v1/feeds") as response:
            text = await response.text()
    assert response.status == 500
    assert "urn:tieline:problem:internal" in text
    assert "hunter22" not in text
    assert "Traceback" not in text
    assert [entry["event"] for entry in logs] == ["api.failed"]


@pytest.mark.parametrize(
    ("failure", "status"), [(NotReady("later"), 503), (TielineError("what?"), 500)]
)
async def test_our_own_errors_are_told_by_their_class(
    serve: Serve, runtime: FakeRuntime, failure: TielineError, status: int
) -> None:
    """An error that no one should see is a bare 500."""
    runtime.failure = failure
    with structlog.testing.capture_logs():
        async with (await serve()).get("/v1/connectors") as response:
            assert response.status == status
            assert ("what?" in await response.text()) is False


@pytest.mark.parametrize(
    "garbage",
    [
        b"GARBAGE\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n",
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 20_000 + b"\r\n\r\n",
    ],
    ids=["no HTTP", "bad length", "long path", "long header"],
)
async def test_what_is_no_request_gets_no_trace(serve: Serve, garbage: bytes) -> None:
    """The web server's own answer, 400, without a word about our code."""
    url = (await serve())._base_url
    assert url is not None
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(garbage)
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.0 400 "))
    assert b"Traceback" not in answer
    assert b".py" not in answer


async def test_what_is_no_request_is_not_repeated_in_the_log(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    """A header that is too long may begin with a token."""
    caplog.set_level(logging.INFO)
    secret = "tieline_secret"
    header = f"Bearer {secret}{'x' * 9_000}"
    async with (await serve()).get("/v1/feeds", headers={"Authorization": header}) as response:
        assert response.status == 400
    assert "a request is no HTTP: LineTooLong" in caplog.text
    assert secret not in caplog.text


async def test_closing_answers_requests_that_wait(runtime: FakeRuntime) -> None:
    """A client that waits for a verdict gets what is known, and does not hold up the stop."""
    server = ApiServer(runtime, ApiSettings(port=0))
    url = await server.start()
    body = {
        "verb": "agent.set_state",
        "connector": "gws-main",
        "target": {"agent": "anna"},
        "arguments": {"state": "ready"},
    }
    async with aiohttp.ClientSession() as client:
        waiting = asyncio.create_task(
            client.post(f"{url}/v1/commands?wait=30", json=body), name="waiting"
        )
        async with asyncio.timeout(1.5):
            await runtime.waiting.wait()
            await server.close()
            async with await waiting as response:
                assert response.status == 202
    await server.close()
