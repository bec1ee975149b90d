"""Signed tokens of an OpenID provider, as an alternative to the gateway's own.

The provider's public keys are fetched when the first token comes and kept for `refresh_seconds`. A token that names a
key which is not among them makes the gateway look again, since providers change their keys, but not more often than
every ten seconds: anybody can make up names. If the provider cannot be reached, the keys that are there go on being
used.

Sources: RFC 7519 (JWT), section 4.1; RFC 7517 (JWK), sections 4 and 5; RFC 8725 (best practices), sections 3.1 to 3.9;
RFC 6750, section 3.1 for the answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

import aiohttp
import jwt
import msgspec
import structlog

from gateway.api.callers import Caller
from gateway.api.problems import Kind, Problem, unauthenticated
from gateway.api.scopes import SCOPES
from gateway.api.settings import OidcSettings
from gateway.clock import Clock

PREFIX = "oidc:"
"""Begins the names of callers with signed tokens; no name of a token of our own has a colon."""
_LOOK_AGAIN_SECONDS = 10.0
_FETCH_SECONDS = 5.0
_MOST_BYTES = 256 << 10
_LONGEST_TOKEN = 8_000
_LONGEST_NAME = 255
_PARTS = 3
_log = structlog.get_logger("tieline.api")

_WHY: Mapping[type[jwt.InvalidTokenError], str] = {
    jwt.ExpiredSignatureError: "the token has expired",
    jwt.ImmatureSignatureError: "the token is not valid yet",
    jwt.InvalidAudienceError: "the token is for another audience",
    jwt.InvalidIssuerError: "the token is of another issuer",
    jwt.MissingRequiredClaimError: "the token lacks a claim that is needed",
    jwt.InvalidAlgorithmError: "the token is signed in a way that is not allowed",
}


def is_signed(token: str) -> bool:
    """Whether a token has the form of a signed one: three parts, and ours have no dots."""
    return token.count(".") == _PARTS - 1


class OidcTokens:
    """Tells whose a signed token is."""

    def __init__(self, settings: OidcSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None
        self._keys: dict[str | None, jwt.PyJWK] = {}
        self._fetched: float | None = None
        self._tried: float | None = None
        self._fetching = asyncio.Lock()

    async def close(self) -> None:
        """Release the connection to the provider. Idempotent."""
        if self._session is not None:
            await self._session.close()

    async def caller(self, token: str) -> Caller:
        """Whose token it is. Raises Problem: 401 if it is not accepted, 503 if there are no keys to judge it by."""
        key = await self._key(_header(token))
        settings = self._settings
        try:
            claims = jwt.decode(
                token,
                key.key,
                algorithms=list(settings.algorithms),
                audience=settings.audience,
                issuer=settings.issuer,
                leeway=settings.leeway_seconds,
                options={"require": ["exp", "iss", "aud", settings.name_claim]},
            )
        except jwt.InvalidTokenError as error:
            why = _WHY.get(type(error), "the token's signature is not right")
            raise _refused(why) from None
        except (TypeError, ValueError):
            # The key is of another kind than the algorithm that the token names.
            raise _refused("the token's signature is not right") from None
        return self._caller(claims)

    def _caller(self, claims: Mapping[str, Any]) -> Caller:
        name = claims[self._settings.name_claim]
        if not isinstance(name, str) or not name.isprintable() or not 0 < len(name) < _LONGEST_NAME:
            raise _refused(f"the token's claim {self._settings.name_claim} is no name")
        scopes = _words(claims.get(self._settings.scope_claim))
        return Caller(
            name=PREFIX + name,
            scopes=frozenset(scopes) & frozenset(SCOPES),
            connectors=self._limit(claims, self._settings.connectors_claim),
            agents=self._limit(claims, self._settings.agents_claim),
            expires=datetime.fromtimestamp(claims["exp"] + self._settings.leeway_seconds, UTC),
        )

    @staticmethod
    def _limit(claims: Mapping[str, Any], claim: str | None) -> frozenset[str] | None:
        """What a claim limits the caller to; nothing if the provider was to say so and did not."""
        return None if claim is None else frozenset(_words(claims.get(claim)))

    async def _key(self, header: Mapping[str, Any]) -> jwt.PyJWK:
        if header.get("alg") not in self._settings.algorithms:
            raise _refused("the token is signed in a way that is not allowed")
        name = header.get("kid")
        async with self._fetching:
            if self._is_old() or (self._find(name) is None and self._may_look_again()):
                await self._fetch()
        if self._fetched is None:
            raise Problem(
                Kind.UNAVAILABLE,
                "the provider's keys cannot be read, so signed tokens cannot be judged",
                headers={"Retry-After": f"{_LOOK_AGAIN_SECONDS:.0f}"},
            )
        key = self._find(name)
        if key is None:
            raise _refused("the token is signed with a key that the provider does not name")
        return key

    def _find(self, name: object) -> jwt.PyJWK | None:
        if name is None:
            return next(iter(self._keys.values())) if len(self._keys) == 1 else None
        return self._keys.get(name) if isinstance(name, str) else None

    def _is_old(self) -> bool:
        since = self._fetched
        age = None if since is None else self._clock.monotonic() - since
        return (age is None or age > self._settings.refresh_seconds) and self._may_look_again()

    def _may_look_again(self) -> bool:
        tried = self._tried
        return tried is None or self._clock.monotonic() - tried >= _LOOK_AGAIN_SECONDS

    async def _fetch(self) -> None:
        """Read the keys; if they cannot be read, keep those that are there."""
        self._tried = self._clock.monotonic()
        try:
            self._keys = _usable(await self._read(), self._settings.algorithms)
            self._fetched = self._tried
        except (
            aiohttp.ClientError,
            TimeoutError,
            ValueError,
            msgspec.MsgspecError,
            jwt.PyJWTError,
        ) as error:
            _log.warning(
                "the provider's keys cannot be read",
                url=self._settings.jwks_url,
                error=type(error).__name__,
                keys=len(self._keys),
                hint="check gateway.api.oidc.jwks_url, and that the provider can be reached",
            )

    async def _read(self) -> bytes:
        if self._session is None:
            self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        async with (
            asyncio.timeout(_FETCH_SECONDS),
            self._session.get(
                self._settings.jwks_url, allow_redirects=False, raise_for_status=True
            ) as response,
        ):
            content = await response.content.read(_MOST_BYTES + 1)
            while not response.content.at_eof() and len(content) <= _MOST_BYTES:
                content += await response.content.read(_MOST_BYTES)
        if len(content) > _MOST_BYTES:
            raise ValueError("the list of keys is too long")
        return content


def _usable(content: bytes, algorithms: Collection[str]) -> dict[str | None, jwt.PyJWK]:
    """Public keys for signatures, by their names. Raises MsgspecError, PyJWTError: it is no list of keys."""
    found = msgspec.json.decode(content, type=dict[str, Any])
    return {
        key.key_id: key
        for key in jwt.PyJWKSet.from_dict(found).keys
        if key.key_type != "oct"
        and key.public_key_use in {None, "sig"}
        and key.algorithm_name in _kin(algorithms)
    }


def _kin(algorithms: Collection[str]) -> frozenset[str]:
    """Algorithms and their kin: a key that does not name its own is taken for one of its kind."""
    kinds = {"RS": "RS256", "PS": "RS256"}
    return frozenset(algorithms) | {kinds[name[:2]] for name in algorithms if name[:2] in kinds}


def _header(token: str) -> Mapping[str, Any]:
    if len(token) > _LONGEST_TOKEN:
        raise _refused("the token is too long")
    try:
        return jwt.get_unverified_header(token)
    except jwt.InvalidTokenError:
        raise _refused("the token is not well formed") from None


def _words(claim: object) -> list[str]:
    """A claim that is a list of words, or words in one text."""
    if isinstance(claim, str):
        return claim.split()
    if isinstance(claim, list):
        return [word for word in claim if isinstance(word, str)]
    return []


def _refused(why: str) -> Problem:
    return unauthenticated(why, error="invalid_token")
