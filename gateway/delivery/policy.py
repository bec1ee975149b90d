"""Times of a dispatcher."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.backoff import BackoffPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatchPolicy:
    """Pauses and limits of one sink.

    Attributes:
        backoff: between attempts.
        open_seconds, deliver_seconds, close_seconds: limits of one call to the sink.
        config_error_wait_seconds: a sink whose settings cannot work is looked at again this rarely.
        silent_seconds: an attempt that lasts longer counts as failing when a stop asks.
        breaker_failures: after so many failures in a row one event at a time is offered, until one is taken.
    """

    backoff: BackoffPolicy = field(
        default_factory=lambda: BackoffPolicy(base_seconds=0.25, cap_seconds=30.0)
    )
    open_seconds: float = 30.0
    deliver_seconds: float = 120.0
    close_seconds: float = 10.0
    config_error_wait_seconds: float = 60.0
    silent_seconds: float = 10.0
    breaker_failures: int = 5
