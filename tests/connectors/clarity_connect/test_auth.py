"""Signing in: what is refused, what is renewed, and that nothing loops."""

from __future__ import annotations

import base64
import json
import ssl
from pathlib import Path

import pytest
from aiohttp import web
from pydantic import ValidationError

from connectors._simulation.faults import Fault, FaultKind
from connectors.clarity_connect import challenge
from connectors.clarity_connect.challenge import Challenge
from connectors.clarity_connect.windows import WindowsPost
from gateway.errors import AuthRejected, ConfigError, NotReady, ProtocolViolation, Reason
from tests.connectors.clarity_connect.harness import CLIENT_ID, Consumer, connected_to, simulated
from tests.connectors.clarity_connect.test_simulator_tls import served
from tests.support.certificates import certificate

SAMPLE = 'https://41.ccdev2015.internal/webauth/token,grant_type="urn:connect.auth:windows"'
GRANT = "urn:connect.auth:windows"


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (SAMPLE, Challenge("https://41.ccdev2015.internal/webauth/token", GRANT)),
        (f"http://h:81/t , grant_type={GRANT}", Challenge("http://h:81/t", GRANT)),
        ("Bearer", None),
        ("ftp://h/t,grant_type=x", None),
        ("https://h/t", None),
    ],
)
def test_the_challenge_is_read(header: str, found: Challenge | None) -> None:
    assert challenge.read_challenge(["Negotiate", header]) == found


@pytest.mark.parametrize(
    ("url", "grant", "error", "reason"),
    [
        ("https://evil.example.com/t", GRANT, ConfigError, Reason.ADDRESS_FORBIDDEN),
        ("http://good/t", GRANT, ConfigError, Reason.TLS),
        ("https://good/t", "password", ProtocolViolation, Reason.UNSUPPORTED),
        ("https://u:p@good/t", GRANT, ProtocolViolation, Reason.PROTOCOL),
    ],
)
def test_credentials_go_nowhere_else(
    url: str, grant: str, error: type[Exception], reason: Reason
) -> None:
    with pytest.raises(error) as raised:
        challenge.check(Challenge(url, grant), allowed=frozenset({"good"}), secure=True)

    assert raised.value.reason is reason  # type: ignore[attr-defined] - both have one


def token(**claims: float) -> str:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"e30.{payload}.c2ln"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (token(exp=1472842278, nbf=1472841978), (1472841978.0, 1472842278.0)),
        (token(exp=5), None),
        (token(exp=5, nbf=9), None),
        ("a.b", None),
        ("a.!!!.c", None),
        ("a.e30.c", None),
    ],
)
def test_the_life_of_a_token_is_read(text: str, found: tuple[float, float] | None) -> None:
    assert challenge.life_of(text) == found


@pytest.mark.parametrize("scheme", ["Negotiate", "NTLM"])
async def test_the_account_signs_in_and_the_token_is_used(scheme: str) -> None:
    async with (
        simulated(signing_schemes=[scheme]) as simulator,
        connected_to(simulator.url) as connector,
    ):
        assert "gateway" in await connector.probe()


@pytest.mark.parametrize("username", ["CONTOSO\\gateway", "CONTOSO\\nobody"])
async def test_a_wrong_password_or_account_is_rejected_with_a_hint(username: str) -> None:
    async with (
        simulated() as simulator,
        connected_to(simulator.url, username=username, password="wrong") as connector,
    ):
        with pytest.raises(AuthRejected) as raised:
            await connector.feeds[0].connect(None)

    assert raised.value.reason is Reason.AUTH
    assert "password" in raised.value.hint
    assert "wrong" not in str(raised.value)


async def test_an_unknown_client_id_gives_the_feed_up() -> None:
    async with (
        simulated() as simulator,
        connected_to(simulator.url, client_id="nope") as connector,
    ):
        with pytest.raises(ConfigError) as raised:
            await connector.feeds[0].connect(None)

    assert "invalid_clientId" in raised.value.message
    assert "API Management" in raised.value.hint


async def test_a_server_that_is_not_there_is_not_ready() -> None:
    async with connected_to("http://127.0.0.1:9") as connector:
        with pytest.raises(NotReady):
            await connector.feeds[0].connect(None)


async def test_a_token_host_that_is_not_allowed_gets_no_request() -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=401, headers={"WWW-Authenticate": SAMPLE})

    app = web.Application()
    app.router.add_get("/webapi/api/info", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    try:
        async with connected_to(f"http://{host}:{port}") as connector:
            with pytest.raises(ConfigError) as raised:
                await connector.feeds[0].connect(None)
    finally:
        await runner.cleanup()

    assert raised.value.reason is Reason.ADDRESS_FORBIDDEN
    assert "token_hosts" in raised.value.hint


async def test_no_known_scheme_is_a_rejection() -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=401, headers={"WWW-Authenticate": "Basic"})

    app = web.Application()
    app.router.add_post("/token", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    try:
        windows = WindowsPost(username="u", password="p", timeout_seconds=5)
        with pytest.raises(AuthRejected, match="no Windows authentication"):
            await windows.post(f"http://{host}:{port}/token", {})
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("scheme", ["NTLM", "Negotiate"])
async def test_the_handshake_is_bound_to_the_tls_channel(tmp_path: Path, scheme: str) -> None:
    """A host with extended protection takes no handshake that was made for another."""
    path, digest = certificate(tmp_path)
    trust = ssl.create_default_context(cafile=str(path))
    windows = WindowsPost(
        username="CONTOSO\\gateway",
        password="secret",
        schemes=(scheme,),
        timeout_seconds=10,
        ssl=trust,
    )
    form = {"grant_type": GRANT, "client_id": CLIENT_ID}
    async with served(path, digest) as url:
        status, body = await windows.post(f"{url}/webauth/token", form)

    assert status == 200
    assert "access_token" in json.loads(body)


async def test_an_expired_token_is_renewed_once_on_rest() -> None:
    async with simulated() as simulator, connected_to(simulator.url) as connector:
        await connector.probe()
        tokens = connector._feed.tokens
        simulator.tokens.expire_all()

        assert await connector.directory.profile()
        assert tokens.renewals == 2


async def test_a_lack_of_rights_is_no_reason_to_sign_in_again_and_again() -> None:
    async with simulated() as simulator, connected_to(simulator.url) as connector:
        await connector.probe()
        tokens = connector._feed.tokens
        simulator.commit(Fault(kind=FaultKind.FORBIDDEN))

        for _ in range(5):
            with pytest.raises(AuthRejected) as raised:
                await connector.directory.status("101")

        assert raised.value.reason is Reason.FORBIDDEN
        assert "business units" in raised.value.hint
        assert tokens.renewals == 2


async def test_a_feed_without_any_rights_is_rejected() -> None:
    async with simulated() as simulator, connected_to(simulator.url) as connector:
        simulator.commit(Fault(kind=FaultKind.FORBIDDEN))

        with pytest.raises(AuthRejected) as raised:
            await connector.feeds[0].connect(None)

    assert raised.value.reason is Reason.FORBIDDEN
    assert raised.value.hint


@pytest.mark.parametrize("transport", ["webSockets", "serverSentEvents", "longPolling"])
async def test_the_feed_outlives_its_tokens_on_every_transport(transport: str) -> None:
    """Tokens of two seconds: every route meets expired ones, and renewal comes ahead or at the 401."""
    async with (
        simulated(token_seconds=2, events_per_second=50) as simulator,
        connected_to(simulator.url, transports=[transport]) as connector,
        Consumer(connector) as consumer,
    ):
        tokens = connector._feed.tokens
        simulator.tokens.expire_all()
        for _ in range(4):
            await connector.directory.info()
            count = len(consumer.events)
            await consumer.until(
                lambda count=count: len(consumer.events) > count + 40, "more events"
            )

        assert consumer.gaps == []
        assert 2 <= tokens.renewals < 12


async def test_a_disabled_transport_is_not_tried() -> None:
    async with (
        simulated(transports=["longPolling"]) as simulator,
        connected_to(simulator.url) as connector,
        Consumer(connector),
    ):
        assert connector.diagnostics()["transport"] == "longPolling"


async def test_no_common_transport_gives_the_feed_up_with_a_hint() -> None:
    async with (
        simulated(transports=["longPolling"]) as simulator,
        connected_to(simulator.url, transports=["webSockets"]) as connector,
    ):
        with pytest.raises(ConfigError) as raised:
            await connector.feeds[0].connect(None)

    assert raised.value.reason is Reason.UNSUPPORTED
    assert "administrator" in raised.value.hint


async def test_no_secret_is_told() -> None:
    async with (
        simulated() as simulator,
        connected_to(simulator.url) as connector,
        Consumer(connector),
    ):
        told = json.dumps(connector.diagnostics()) + repr(connector._settings)

        assert "'secret'" not in told
        assert connector._feed.tokens.token not in told


async def test_certificates_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    """Before anything is sent."""
    (tmp_path / "no.pem").write_text("nothing")
    for path in (tmp_path / "no.pem", tmp_path / "absent.pem"):
        with pytest.raises(ValidationError, match="ca_file"):
            async with connected_to("https://127.0.0.1:1", ca_file=str(path)):
                pass


async def test_only_trusted_servers_are_talked_to(tmp_path: Path) -> None:
    """The site has a certificate of its own: unknown it is refused, named in `ca_file` all of REST and feed work."""
    path, digest = certificate(tmp_path)
    async with served(path, digest) as url:
        async with connected_to(url) as connector:
            with pytest.raises(NotReady) as raised:
                await connector.feeds[0].connect(None)
        assert raised.value.reason is Reason.TLS
        async with (
            connected_to(url, ca_file=str(path)) as connector,
            Consumer(connector) as consumer,
        ):
            await consumer.event("queue.metrics.observed")
