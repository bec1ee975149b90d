"""Who may use the API: tokens, scopes, hosts, TLS."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from pydantic import ValidationError

from gateway.api.addresses import host_name, is_loopback
from gateway.api.keyring import Keyring
from gateway.api.server import ApiServer
from gateway.api.settings import ApiSettings
from gateway.api.tokens import hash_of, new_token
from gateway.errors import ConfigError
from tests.gateway.api.conftest import Serve
from tests.support.fake_runtime import FakeRuntime

READER, DIALLER, ADMIN = new_token(), new_token(), new_token()
TOKENS: list[dict[str, Any]] = [
    {"name": "grafana", "hash": hash_of(READER), "scopes": ["read"]},
    {"name": "crm", "token": DIALLER, "scopes": ["command:call"]},
    {"name": "ops", "hash": hash_of(ADMIN), "scopes": ["admin"]},
]
DIAL = {
    "verb": "call.dial",
    "connector": "gws-main",
    "target": {"agent": "anna"},
    "arguments": {"destination": "1"},
}


def bearer(token: str) -> dict[str, str]:
    """The header."""
    return {"Authorization": f"Bearer {token}"}


async def test_with_tokens_configured_loopback_needs_one_too(serve: Serve) -> None:
    """The challenge says how."""
    client = await serve(tokens=TOKENS)
    async with client.get("/v1/feeds") as response:
        assert response.status == 401
        assert response.headers["WWW-Authenticate"] == 'Bearer realm="tieline"'
    async with client.get("/v1/feeds", headers=bearer(READER)) as response:
        assert response.status == 200


@pytest.mark.parametrize(
    "authorization",
    [
        "Bearer wrong",
        "Bearer ",
        "Bearer",
        f"Basic {READER}",
        READER,
        f"Bearer {READER}x",
        "Bearer ü",
    ],
    ids=["wrong", "empty", "no token", "other scheme", "no scheme", "longer", "not ASCII"],
)
async def test_a_wrong_token_is_refused(serve: Serve, authorization: str) -> None:
    """Also a right one in a wrong scheme."""
    client = await serve(tokens=TOKENS)
    async with client.get("/v1/feeds", headers={"Authorization": authorization}) as response:
        assert response.status == 401
        assert 'error="invalid_token"' in response.headers["WWW-Authenticate"]
        assert READER not in await response.text()


@pytest.mark.parametrize(
    ("token", "read", "dial"),
    [(READER, 200, 403), (DIALLER, 403, 202), (ADMIN, 200, 202)],
    ids=["read", "command:call", "admin"],
)
async def test_scopes_limit_a_token(serve: Serve, token: str, read: int, dial: int) -> None:
    """Reading and each family of commands are separate; admin may do all."""
    client = await serve(tokens=TOKENS)
    async with client.get("/v1/connectors", headers=bearer(token)) as response:
        assert response.status == read
    async with client.post("/v1/commands", json=DIAL, headers=bearer(token)) as response:
        assert response.status == dial
        if dial == 403:
            assert 'scope="command:call"' in response.headers["WWW-Authenticate"]


async def test_a_family_does_not_open_another(serve: Serve, runtime: FakeRuntime) -> None:
    """The token for calls sets no agent's state."""
    client = await serve(tokens=TOKENS)
    body = {"verb": "agent.set_state", "connector": "gws-main", "arguments": {"state": "ready"}}
    async with client.post("/v1/commands", json=body, headers=bearer(DIALLER)) as response:
        assert response.status == 403
    assert runtime.records == {}


async def test_the_requester_is_the_token_s_name(serve: Serve) -> None:
    """It is recorded with the command."""
    client = await serve(tokens=TOKENS)
    async with client.post("/v1/commands", json=DIAL, headers=bearer(DIALLER)) as response:
        assert (await response.json())["requester"] == "crm"


@pytest.mark.parametrize(
    ("host", "path", "status"),
    [
        ("127.0.0.1", "/healthz", 200),
        ("127.0.0.1", "/readyz", 200),
        ("127.0.0.1", "/metrics", 200),
        ("127.0.0.1", "/nope", 401),
        ("0.0.0.0", "/healthz", 200),
        ("0.0.0.0", "/readyz", 200),
        ("0.0.0.0", "/metrics", 401),
    ],
)
async def test_what_is_open_without_a_token(
    serve: Serve, host: str, path: str, status: int
) -> None:
    """Probes always, metrics on loopback only."""
    async with (await serve(host=host, tokens=TOKENS)).get(path) as response:
        assert response.status == status


def test_beyond_loopback_tokens_are_required() -> None:
    """The settings refuse it, so it cannot start."""
    with pytest.raises(ValidationError, match="expected at least one because"):
        ApiSettings(host="0.0.0.0")


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("LOCALHOST:8080", 200),
        ("127.0.0.1:1", 200),
        ("[::1]:8080", 200),
        ("gateway.internal", 200),
        ("evil.example", 421),
        ("evil.example:8080", 421),
        ("localhost.evil.example", 421),
        ("10.0.0.1", 421),
    ],
)
async def test_a_foreign_host_name_gets_nothing_on_loopback(
    serve: Serve, host: str, status: int
) -> None:
    """A page that makes its own name point to 127.0.0.1 cannot read what is here."""
    client = await serve(allowed_hosts=["gateway.internal"])
    async with client.get("/healthz", headers={"Host": host}) as response:
        assert response.status == status


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("[::1]", True), ("localhost", True),
     ("0.0.0.0", False), ("::", False), ("10.0.0.1", False), ("localhost.example", False)],
)  # fmt: skip
def test_loopback_is_known_by_its_address(host: str, *, loopback: bool) -> None:
    """Any name but localhost is taken for public."""
    assert is_loopback(host) is loopback


def test_a_host_header_has_a_name() -> None:
    """Without port, brackets, case or a final dot."""
    assert host_name("Example.COM.:80") == "example.com"
    assert host_name("[2001:DB8::1]:443") == "2001:db8::1"
    assert host_name("") == ""


def test_tokens_are_random_and_kept_as_hashes() -> None:
    """No two are the same, and the keyring does not hold the text."""
    assert len({new_token() for _ in range(100)}) == 100
    keyring = Keyring(ApiSettings(tokens=TOKENS).tokens)
    assert keyring.caller(DIALLER) is not None
    assert not any(DIALLER in known for known, _ in keyring._known)


async def test_a_port_that_is_taken_is_a_clear_error(serve: Serve, runtime: FakeRuntime) -> None:
    """The message names the setting, the address and the remedy."""
    url = (await serve())._base_url
    assert url is not None
    server = ApiServer(runtime, ApiSettings(port=url.port or 0))
    with pytest.raises(ConfigError, match=rf"cannot listen on 127.0.0.1 port {url.port}: .*choose"):
        await server.start()
    await server.close()


async def test_tls_is_served(runtime: FakeRuntime, tmp_path: Path) -> None:
    """With the certificate of the settings; the browser is told to stay with it."""
    cert, key = certificate(tmp_path)
    server = ApiServer(runtime, ApiSettings(port=0, tls={"cert": cert, "key": key}))
    url = await server.start()
    trusting = ssl.create_default_context(cafile=str(cert))
    async with (
        aiohttp.ClientSession() as client,
        client.get(f"{url}/healthz", ssl=trusting) as response,
    ):
        assert response.status == 200
        assert "Strict-Transport-Security" in response.headers
    await server.close()


def test_a_key_of_another_certificate_is_a_clear_error(tmp_path: Path) -> None:
    """Of the settings: a check finds it, and a reload changes nothing."""
    cert, _ = certificate(tmp_path)
    with pytest.raises(
        ValidationError, match=r"cannot use .*, expected PEM files, and the key that"
    ):
        ApiSettings(port=0, tls={"cert": cert, "key": cert})


async def test_a_renewed_certificate_is_shown_to_new_connections(
    runtime: FakeRuntime, tmp_path: Path
) -> None:
    """A connection that stands goes on, and one with a bad key leaves what was shown."""
    cert, key = certificate(tmp_path)
    settings = ApiSettings(port=0, tls={"cert": cert, "key": key})
    server = ApiServer(runtime, settings)
    url = await server.start()
    first = ssl.create_default_context(cafile=str(cert))
    async with aiohttp.ClientSession() as standing:
        assert await health(standing, url, first) == 200
        certificate(tmp_path)
        server.take_over(settings)
        second = ssl.create_default_context(cafile=str(cert))
        assert await health(standing, url, first) == 200
        key.write_text("no key")
        with pytest.raises(ConfigError, match=r"gateway\.api\.tls: cannot use"):
            server.take_over(settings)
        async with aiohttp.ClientSession() as fresh:
            assert await health(fresh, url, second) == 200
        async with aiohttp.ClientSession() as fresh:
            with pytest.raises(aiohttp.ClientConnectorCertificateError):
                await health(fresh, url, first)
    await server.close()


async def health(client: aiohttp.ClientSession, url: str, trusting: ssl.SSLContext) -> int:
    """The status of the health check, read to its end so that the connection is free again."""
    async with client.get(f"{url}/healthz", ssl=trusting) as response:
        await response.read()
        return response.status


def certificate(directory: Path) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1."""
    cert, key = directory / "cert.pem", directory / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", str(key), "-out", str(cert)],
        check=True, capture_output=True,
    )  # fmt: skip
    return cert, key
