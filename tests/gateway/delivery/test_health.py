"""How long a failing receiver is left alone, also by the next process."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from gateway.backoff import BackoffPolicy
from gateway.delivery.health import ReceiverHealth
from gateway.delivery.record import SinkRecord
from gateway.errors import DeliveryRetryable, Reason
from tests.support.clock import LeapingClock
from tests.support.journals import memory_journal

NOW = datetime(2026, 1, 5, tzinfo=UTC)
POLICY = BackoffPolicy(base_seconds=2.0, cap_seconds=30.0)
DOWN = DeliveryRetryable("it answered 401", reason=Reason.AUTH)


def health_of(record: SinkRecord, now: datetime) -> ReceiverHealth:
    return ReceiverHealth(
        record,
        policy=POLICY,
        breaker_failures=5,
        uniform=lambda _low, high: high,
        clock=LeapingClock(now),
    )


@pytest.mark.parametrize(
    ("later", "left"),
    [
        (timedelta(seconds=0.5), 1.5),
        (timedelta(seconds=9), 0.0),
        (timedelta(days=-1), 2.0),
        (timedelta(days=1), 0.0),
    ],
    ids=["soon", "late", "clock set back", "clock set forward"],
)
async def test_the_next_process_waits_no_longer_than_the_last_one_wanted_to(
    later: timedelta, left: float
) -> None:
    """A signature of a day ahead was refused, and the clock set right: then there is nothing to wait for."""
    record = SinkRecord(memory_journal(), "crm")
    assert await health_of(record, NOW).failed(DOWN) == 2.0
    assert health_of(record, NOW + later).restore() == left


async def test_a_record_of_an_earlier_version_is_bounded_by_the_longest_wait() -> None:
    """It does not tell how long the wait was."""
    record = SinkRecord(memory_journal(), "crm")
    await health_of(record, NOW).failed(DOWN)
    assert record.breaker is not None
    record.breaker = msgspec.structs.replace(record.breaker, wait_seconds=None)
    assert health_of(record, NOW - timedelta(days=1)).restore() == 30.0
