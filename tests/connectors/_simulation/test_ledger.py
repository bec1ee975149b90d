"""The oracle's bookkeeping."""

from __future__ import annotations

from connectors._simulation.ledger import Fate, Ledger, LostBecause


def publish(ledger: Ledger, count: int = 1) -> list[int]:
    return [ledger.record(agent="a", topic="/t", message_type="M", at_ms=0) for _ in range(count)]


def test_ids_count_from_one_and_name_the_number() -> None:
    ledger = Ledger()
    assert [entry.id for entry in ledger.since(0, 9)] == []
    publish(ledger, 2)
    assert [entry.id for entry in ledger.since(0, 9)] == ["sim-1", "sim-2"]
    assert [entry.id for entry in ledger.since(1, 9)] == ["sim-2"]


def test_a_message_in_two_queues_is_lost_only_when_both_are_gone() -> None:
    ledger = Ledger()
    [number] = publish(ledger)
    ledger.queued(number, 2)
    ledger.lost([number], LostBecause.SESSION_GONE)
    assert ledger.since(0, 1)[0].resumable
    ledger.lost([number], LostBecause.SESSION_GONE)
    assert ledger.since(0, 1)[0].as_record()["lost_by_platform"] is True


def test_what_was_written_to_one_session_is_not_lost_with_another() -> None:
    ledger = Ledger()
    [number] = publish(ledger)
    ledger.queued(number, 2)
    ledger.written([number])
    ledger.lost([number], LostBecause.SESSION_GONE)
    ledger.lost([number], LostBecause.SESSION_GONE)
    assert ledger.since(0, 1)[0].fate is Fate.WRITTEN


def test_an_acknowledged_message_stays_acknowledged() -> None:
    ledger = Ledger()
    [number] = publish(ledger)
    ledger.queued(number, 1)
    ledger.acknowledged([number])
    ledger.written([number])
    ledger.abandoned([number])
    assert ledger.since(0, 1)[0].fate is Fate.ACKNOWLEDGED


def test_the_oldest_messages_are_forgotten_and_counted() -> None:
    ledger = Ledger(limit=3)
    numbers = publish(ledger, 6)
    assert ledger.forgotten == 3
    assert ledger.find(numbers[2]) is None
    assert [entry.id for entry in ledger.since(0, 2)] == ["sim-4", "sim-5"]
    assert publish(ledger) == [7]
    assert len(ledger) == 7


def test_every_message_is_counted_under_one_fate() -> None:
    ledger = Ledger()
    first, second, third, _ = publish(ledger, 4)
    ledger.written([first, second])
    ledger.acknowledged([first])
    ledger.lost([third], LostBecause.NO_SESSION)
    assert ledger.counts() == {
        "lost": 1,
        "uncertain": 0,
        "queued": 1,
        "written": 1,
        "acknowledged": 1,
    }
