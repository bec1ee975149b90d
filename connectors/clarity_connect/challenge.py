"""The platform's 401 challenge, and the part of its token that we read. Pure.

The header is not of RFC 7235's form: an address, a comma, and `grant_type="urn:connect.auth:windows"`.
Source: Clarity Connect Web API Version 2, "Finding the Authentication Service", "JSON Web Tokens".
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec

from connectors.clarity_connect.vendor import WINDOWS_GRANT
from gateway.errors import ConfigError, ProtocolViolation, Reason

_CHALLENGE = re.compile(
    r'\s*(https?://[^\s,"]+)\s*,\s*grant_type\s*=\s*"?([^",\s]+)"?\s*', re.IGNORECASE
)
MAX_TOKEN_CHARACTERS = 65_536
_PARTS = 3


class Challenge(NamedTuple):
    """Where tokens are given, and how one asks for them."""

    token_url: str
    grant_type: str


class _Claims(msgspec.Struct):
    """Of the payload only when it begins and ends, in seconds since the epoch."""

    exp: float | None = None
    nbf: float | None = None


def read_challenge(headers: Iterable[str]) -> Challenge | None:
    """The challenge among the `WWW-Authenticate` headers of an answer; none if it is not there."""
    for header in headers:
        found = _CHALLENGE.fullmatch(header)
        if found is not None:
            return Challenge(found[1], found[2])
    return None


def check(challenge: Challenge, *, allowed: frozenset[str], secure: bool) -> Challenge:
    """The challenge, if credentials may be sent where it points.

    Args:
        allowed: hosts, in lower case.
        secure: whether the API itself is reached by TLS; the token host must then be too.

    Raises:
        ConfigError: the host is none of those allowed, or it would get the credentials in the clear.
        ProtocolViolation: its address is none, or it asks for another grant than Windows authentication.
    """
    try:
        parts = urlsplit(challenge.token_url)
    except ValueError as error:
        raise ProtocolViolation("the address of the authentication service is none") from error
    host = (parts.hostname or "").lower()
    if host not in allowed:
        raise ConfigError(
            f"the platform wants us to sign in at {host or 'no host'}, which is not allowed",
            reason=Reason.ADDRESS_FORBIDDEN,
            hint="if it is the customer's authentication service, add it to token_hosts",
        )
    if secure and parts.scheme.lower() != "https":
        raise ConfigError(
            f"the platform wants us to sign in at {host} without TLS",
            reason=Reason.TLS,
            hint="the authentication service needs an https address",
        )
    if parts.username or parts.password:
        raise ProtocolViolation("the address of the authentication service holds credentials")
    if challenge.grant_type.lower() != WINDOWS_GRANT:
        raise ProtocolViolation(
            f"the platform offers no Windows sign-in but {challenge.grant_type[:80]!r}",
            reason=Reason.UNSUPPORTED,
        )
    return challenge


def life_of(token: str) -> tuple[float, float] | None:
    """When a JSON Web Token begins and ends, in the server's time; none if it does not tell.

    The signature is not checked: the token is the platform's, for the platform.
    """
    parts = token.split(".")
    if len(parts) != _PARTS or len(token) > MAX_TOKEN_CHARACTERS:
        return None
    payload = parts[1]
    try:
        decoded = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
        claims = msgspec.json.decode(decoded, type=_Claims)
    except (ValueError, binascii.Error, msgspec.DecodeError):
        return None
    if claims.exp is None or claims.nbf is None or claims.exp <= claims.nbf:
        return None
    return claims.nbf, claims.exp
