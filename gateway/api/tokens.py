"""Bearer tokens: made at random, kept as hashes, compared in constant time.

A token has 256 random bits, so one round of SHA-256 protects it: there is nothing to guess that a slower hash would
make dearer. Source of the header's form: RFC 6750, sections 2.1 and 3.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence

from gateway.api.callers import Caller
from gateway.api.settings import TokenSettings

HASH_PREFIX = "sha256:"
TOKEN_PREFIX = "tieline_"  # noqa: S105 - lets scanners for leaked secrets know a token; it is none
_RANDOM_BYTES = 32


def new_token() -> str:
    """A token that nobody can guess."""
    return TOKEN_PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)


def hash_of(token: str) -> str:
    """What the configuration keeps of a token."""
    return HASH_PREFIX + hashlib.sha256(token.encode()).hexdigest()


class Keyring:
    """The tokens that are configured."""

    def __init__(self, tokens: Sequence[TokenSettings]) -> None:
        self._known = [
            (
                token.hash or hash_of(token.token.get_secret_value() if token.token else ""),
                _caller(token),
            )
            for token in tokens
        ]

    @property
    def empty(self) -> bool:
        """Whether no tokens are configured."""
        return not self._known

    def caller(self, token: str) -> Caller | None:
        """Whose token it is; None if it is none of ours. It may have expired.

        Every known token is compared, so that the time tells nothing.
        """
        presented = hash_of(token).encode()
        found: Caller | None = None
        for known, caller in self._known:
            if hmac.compare_digest(known.encode(), presented):
                found = caller
        return found


def bearer_token(authorization: str) -> str | None:
    """The token of an Authorization header; None if it is of another scheme."""
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _caller(token: TokenSettings) -> Caller:
    return Caller(
        name=token.name,
        scopes=frozenset(token.scopes),
        connectors=None if token.connectors is None else frozenset(token.connectors),
        agents=None if token.agents is None else frozenset(token.agents),
        expires=token.expires,
    )
