"""Signed tokens of an OpenID provider: accepted, refused, and judged by keys that change."""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import ValidationError

from gateway.api.oidc import OidcTokens
from gateway.api.problems import Kind, Problem
from gateway.api.settings import ApiSettings, OidcSettings
from gateway.api.tokens import hash_of, new_token
from tests.gateway.api.conftest import Serve
from tests.support.clock import StandingClock
from tests.support.provider import AUDIENCE, ISSUER, Provider, rsa_key

DIAL = {
    "verb": "call.dial",
    "connector": "gws-main",
    "target": {"agent": "anna"},
    "arguments": {"destination": "1"},
}


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    """A provider that listens."""
    async with Provider() as provider:
        yield provider


def oidc(provider: Provider, **more: Any) -> dict[str, Any]:
    """The settings."""
    return {"issuer": ISSUER, "audience": AUDIENCE, "jwks_url": provider.url} | more


def bearer(token: str) -> dict[str, str]:
    """The header."""
    return {"Authorization": f"Bearer {token}"}


async def status(client: aiohttp.ClientSession, token: str, path: str = "/v1/feeds") -> int:
    """Of a request with the token."""
    async with client.get(path, headers=bearer(token)) as response:
        return response.status


async def test_a_signed_token_is_taken_with_its_scopes_and_its_name(
    serve: Serve, provider: Provider
) -> None:
    """The requester is its subject, told apart from tokens of our own; one fetch serves many."""
    client = await serve(oidc=oidc(provider))
    token = provider.token(scope="openid command:call unknown")
    async with client.post("/v1/commands", json=DIAL, headers=bearer(token)) as response:
        assert response.status == 202
        assert (await response.json())["requester"] == "oidc:anna"
    assert await status(client, token) == 403
    assert await status(client, provider.token(scope=["read"])) == 200
    assert provider.asked == 1


async def test_own_tokens_go_on_beside_it(serve: Serve, provider: Provider) -> None:
    """They do not look alike."""
    own = new_token()
    client = await serve(
        oidc=oidc(provider), tokens=[{"name": "grafana", "hash": hash_of(own), "scopes": ["read"]}]
    )
    assert await status(client, own) == 200
    assert provider.asked == 0
    assert await status(client, provider.token(scope="read")) == 200


async def test_a_provider_is_enough_to_listen_beyond_loopback(
    serve: Serve, provider: Provider
) -> None:
    """And nobody gets in without a token."""
    client = await serve(host="0.0.0.0", oidc=oidc(provider))
    async with client.get("/v1/feeds") as response:
        assert response.status == 401
    assert await status(client, provider.token(scope="read")) == 200


def forged(algorithm: str, secret: bytes | None, **claims: Any) -> str:
    """A token that was not made by a library, which would refuse to make it."""
    parts = [{"alg": algorithm, "typ": "JWT", "kid": "k1"}, claims]
    signed = b".".join(_encoded(json.dumps(part).encode()) for part in parts)
    signature = b"" if secret is None else hmac.digest(secret, signed, "sha256")
    return (signed + b"." + _encoded(signature)).decode()


def _encoded(part: bytes) -> bytes:
    return base64.urlsafe_b64encode(part).rstrip(b"=")


@pytest.mark.parametrize(
    ("claims", "detail"),
    [
        ({"exp": 1_000_000_000}, "expired"),
        ({"nbf": 10_000_000_000}, "not valid yet"),
        ({"aud": "another"}, "another audience"),
        ({"aud": None}, "lacks a claim"),
        ({"iss": "https://evil.example"}, "another issuer"),
        ({"iss": None}, "lacks a claim"),
        ({"exp": None}, "lacks a claim"),
        ({"sub": None}, "lacks a claim"),
        ({"sub": ""}, "is no name"),
        ({"sub": "a\nb"}, "is no name"),
        ({"algorithm": "RS512"}, "not allowed"),
        ({"header": {"kid": "k2"}}, "key that the provider does not name"),
    ],
    ids=lambda value: str(next(iter(value.items()))) if isinstance(value, dict) else "",
)
async def test_a_token_that_is_not_for_us_is_refused(
    serve: Serve, provider: Provider, claims: dict[str, Any], detail: str
) -> None:
    """401 with the reason, in the words of the standard."""
    client = await serve(oidc=oidc(provider))
    token = provider.token(**({"scope": "read"} | claims))
    async with client.get("/v1/feeds", headers=bearer(token)) as response:
        problem = await response.json(content_type=None)
    assert (response.status, detail in problem["detail"]) == (401, True), problem
    assert 'error="invalid_token"' in response.headers["WWW-Authenticate"]


async def test_a_token_that_the_provider_did_not_sign_is_refused(
    serve: Serve, provider: Provider
) -> None:
    """Not signed at all, signed by somebody else, signed with the public key as a secret, changed, or no token."""
    client = await serve(oidc=oidc(provider))
    good = provider.token(scope="read")
    assert await status(client, good) == 200
    other = Provider()
    other.keys = {"k1": rsa_key()}
    now = time.time()
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "anna", "exp": now + 60, "scope": "read"}
    public = provider.keys["k1"].public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    head, body, signature = good.split(".")
    for token in (
        forged("none", None, **claims),
        forged("HS256", pem, **claims),
        other.token(scope="read"),
        f"{head}.{body}.{signature[::-1]}",
        f"{head}.{body}.",
        "a.b.c",
        "..",
        "x" * 8_100 + "..",
    ):
        assert await status(client, token) == 401


async def test_a_key_of_another_kind_than_the_algorithm_is_refused(
    serve: Serve, provider: Provider
) -> None:
    """A curve's key does not prove a signature by RSA; its own it does."""
    provider.keys["k2"] = ec.generate_private_key(ec.SECP256R1())
    client = await serve(oidc=oidc(provider))
    assert await status(client, provider.token(key="k2", algorithm="ES256", scope="read")) == 200
    assert await status(client, provider.token(header={"kid": "k2"}, scope="read")) == 401


async def test_limits_come_from_claims(serve: Serve, provider: Provider) -> None:
    """A token that was to have the claim and has not sees nothing."""
    client = await serve(oidc=oidc(provider, connectors_claim="tieline_connectors"))
    for claim, seen in ((["gws-main"], 1), ("gws-main other", 1), (["other"], 0), (None, 0)):
        token = provider.token(scope="read", tieline_connectors=claim)
        async with client.get("/v1/connectors", headers=bearer(token)) as response:
            assert len((await response.json())["items"]) == seen


async def caller_of(tokens: OidcTokens, token: str) -> str | Kind:
    """The caller's name, or why there is none."""
    try:
        return (await tokens.caller(token)).name
    except Problem as problem:
        return problem.kind


async def test_new_keys_are_found_and_old_ones_are_dropped(provider: Provider) -> None:
    """By the name that a token says, or when the keys that are kept grow old; but not at every made-up name."""
    clock = StandingClock()
    tokens = OidcTokens(OidcSettings(**oidc(provider)), clock)
    old = provider.token(scope="read")
    assert await caller_of(tokens, old) == "oidc:anna"
    provider.keys = {"k2": rsa_key()}
    new = provider.token(key="k2")
    assert await caller_of(tokens, new) is Kind.UNAUTHENTICATED
    assert provider.asked == 1
    clock.advance(10.0)
    assert await caller_of(tokens, new) == "oidc:anna"
    assert await caller_of(tokens, old) is Kind.UNAUTHENTICATED
    assert provider.asked == 2
    clock.advance(301.0)
    assert await caller_of(tokens, new) == "oidc:anna"
    assert provider.asked == 3
    await tokens.close()


@pytest.mark.parametrize(
    "answer",
    [
        (500, b""),
        (200, b"<html>"),
        (200, b"[]"),
        (200, b'{"keys": 7}'),
        (200, b'{"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}' + b" " * 300_000),
        (302, b""),
    ],
    ids=["error", "no JSON", "no object", "no list", "too long", "elsewhere"],
)
async def test_without_keys_no_token_is_judged_and_with_old_ones_it_is(
    provider: Provider, answer: tuple[int, bytes]
) -> None:
    """503 at first, since a token may be good; keys that were read once are used until there are others."""
    clock = StandingClock()
    tokens = OidcTokens(OidcSettings(**oidc(provider)), clock)
    token = provider.token(scope="read")

    def broken() -> web.Response:
        return web.Response(status=answer[0], body=answer[1], headers={"Location": provider.url})

    provider.answer = broken()
    assert await caller_of(tokens, token) is Kind.UNAVAILABLE
    provider.answer = None
    assert await caller_of(tokens, token) is Kind.UNAVAILABLE
    clock.advance(10.0)
    assert await caller_of(tokens, token) == "oidc:anna"
    provider.answer = broken()
    clock.advance(301.0)
    assert await caller_of(tokens, token) == "oidc:anna"
    assert provider.asked == 3
    await tokens.close()


@pytest.mark.parametrize("url", ["http://login.example/keys", "file:///keys", "https:///keys", ""])
def test_keys_are_read_from_a_place_that_can_be_trusted(url: str) -> None:
    """Who can change them on the way can sign whatever they like."""
    with pytest.raises(ValidationError, match="expected a URL with https"):
        ApiSettings(oidc={"issuer": ISSUER, "audience": AUDIENCE, "jwks_url": url})


@pytest.mark.parametrize("algorithm", ["HS256", "none"])
def test_an_algorithm_without_a_public_key_cannot_be_allowed(algorithm: str) -> None:
    """The settings refuse it."""
    with pytest.raises(ValidationError, match="algorithms"):
        OidcSettings(
            issuer=ISSUER,
            audience=AUDIENCE,
            jwks_url="https://login.example/keys",
            algorithms=[algorithm],  # type: ignore[list-item] - wrong on purpose
        )
