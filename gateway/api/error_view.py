"""How the last error of a feed, a sink or a list is shown."""

from __future__ import annotations

from typing import Self

import msgspec

from gateway.errors import TielineError


class ErrorView(msgspec.Struct, frozen=True, kw_only=True):
    """An error that stands. Its texts hold no secrets."""

    reason: str
    message: str
    hint: str = ""

    @classmethod
    def of(cls, error: TielineError | None) -> Self | None:
        """The view of an error; none of none."""
        if error is None:
            return None
        return cls(reason=error.reason.value, message=error.message, hint=error.hint)
