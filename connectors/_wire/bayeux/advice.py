"""What a server advises about connecting: its times are milliseconds, and later advice amends earlier field by field.

CometD documentation, "Bayeux protocol", advice fields. `hosts` is not followed: credentials would
go to a host that no setting names.
"""

from __future__ import annotations

import math
from typing import Any

import msgspec

TRANSPORT = "long-polling"
WISHES = frozenset({"retry", "handshake", "none"})
DEFAULT_TIMEOUT_MS = 60_000
DEFAULT_MAX_INTERVAL_MS = 10_000
DEFAULT_MULTIPLE_CLIENTS_INTERVAL_MS = 2_000


class Advice(msgspec.Struct, frozen=True):
    """The times in force: how long a poll is held, how soon the next may come, when the server forgets us."""

    interval_ms: int = 0
    timeout_ms: int = DEFAULT_TIMEOUT_MS
    max_interval_ms: int = DEFAULT_MAX_INTERVAL_MS

    def merged(self, raw: Any) -> Advice:
        """These times amended by one message's advice; whatever is no number of milliseconds is left as it was."""
        fields = flattened(raw)
        # With several sessions of one browser the server slows down the next poll only: once it holds a poll again
        # it sends no advice, and the short interval would otherwise never come back.
        if fields.get("multiple-clients") is True:
            fields.pop("interval", None)
        return Advice(
            interval_ms=_milliseconds(fields.get("interval"), self.interval_ms),
            timeout_ms=max(0, _milliseconds(fields.get("timeout"), self.timeout_ms)),
            max_interval_ms=max(0, _milliseconds(fields.get("maxInterval"), self.max_interval_ms)),
        )

    @property
    def interval_seconds(self) -> float:
        """The shortest time between a connect's reply and the next connect; negative: do not connect again."""
        return self.interval_ms / 1000

    @property
    def timeout_seconds(self) -> float:
        """How long the server holds a connect when it has nothing to say."""
        return self.timeout_ms / 1000

    @property
    def max_interval_seconds(self) -> float:
        """How long the server keeps a session that has no connect outstanding, beyond the interval."""
        return self.max_interval_ms / 1000

    @property
    def expiry_seconds(self) -> float:
        """After so long without an answer the server has surely forgotten the session."""
        return self.timeout_seconds + max(0.0, self.interval_seconds) + self.max_interval_seconds


def flattened(raw: Any) -> dict[str, Any]:
    """One message's advice with the part meant for long-polling laid over the general one."""
    if not isinstance(raw, dict):
        return {}
    special = raw.get(TRANSPORT)
    return {**raw, **special} if isinstance(special, dict) else dict(raw)


def reconnect(raw: Any) -> str | None:
    """`retry`, `handshake` or `none` if the advice says one of them."""
    value = flattened(raw).get("reconnect")
    return value if isinstance(value, str) and value in WISHES else None


def one_time_interval_seconds(raw: Any) -> float:
    """The wait before the next connect asked of one of several clients of a browser; 0 if that is not the case."""
    fields = flattened(raw)
    if fields.get("multiple-clients") is not True:
        return 0.0
    return (
        max(0, _milliseconds(fields.get("interval"), DEFAULT_MULTIPLE_CLIENTS_INTERVAL_MS)) / 1000
    )


def _milliseconds(value: Any, otherwise: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return otherwise
    if isinstance(value, float) and not math.isfinite(value):
        return otherwise
    # A day bounds what a wrong server could make us wait; its whole numbers may be larger than any float.
    return int(max(-1, min(value, 86_400_000)))
