"""Bearer tokens: made at random, kept as hashes. Loads nothing, for the command that makes one needs nothing.

A token has 256 random bits, so one round of SHA-256 protects it: there is nothing to guess that a slower hash would
make dearer. Source of the header's form: RFC 6750, sections 2.1 and 3.
"""

from __future__ import annotations

import hashlib
import secrets

HASH_PREFIX = "sha256:"
TOKEN_PREFIX = "tieline_"  # noqa: S105 - lets scanners for leaked secrets know a token; it is none
_RANDOM_BYTES = 32


def new_token() -> str:
    """A token that nobody can guess."""
    return TOKEN_PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)


def hash_of(token: str) -> str:
    """What the configuration keeps of a token."""
    return HASH_PREFIX + hashlib.sha256(token.encode()).hexdigest()


def bearer_token(authorization: str) -> str | None:
    """The token of an Authorization header; None if it is of another scheme."""
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None
