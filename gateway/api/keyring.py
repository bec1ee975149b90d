"""The tokens that are configured, compared in constant time."""

from __future__ import annotations

import hmac
from collections.abc import Sequence

from gateway.api.callers import Caller
from gateway.api.settings import TokenSettings
from gateway.api.tokens import hash_of


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


def _caller(token: TokenSettings) -> Caller:
    return Caller(
        name=token.name,
        scopes=frozenset(token.scopes),
        connectors=None if token.connectors is None else frozenset(token.connectors),
        agents=None if token.agents is None else frozenset(token.agents),
        expires=token.expires,
    )
