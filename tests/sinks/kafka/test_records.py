"""Record batches are what an independent implementation of the format reads."""

from __future__ import annotations

import pytest
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import decode_varint
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sinks.kafka.producer import FORMS
from sinks.kafka.records import (
    Writer,
    header,
    record_batch,
    sequence_after,
    varint,
    with_length,
)

Row = tuple[int, bytes, bytes, list[tuple[str, bytes]]]

ROWS = st.lists(
    st.tuples(
        st.integers(min_value=0, max_value=2**45),
        st.binary(max_size=40),
        st.integers(min_value=0, max_value=20_000).map(bytes),
        st.lists(st.tuples(st.text(max_size=20), st.binary(max_size=200)), max_size=4),
    ),
    min_size=1,
    max_size=12,
)


def content(row: Row) -> bytes:
    _, key, value, headers = row
    named = b"".join(header(name, text) for name, text in headers)
    return with_length(key) + with_length(value) + varint(len(headers)) + named


@pytest.mark.parametrize("compression", FORMS)
@settings(suppress_health_check=[HealthCheck.too_slow])
@given(rows=ROWS)
def test_a_batch_is_read_back_as_it_was_written(compression: str, rows: list[Row]) -> None:
    """Times, keys, values and headers, in order, in any compression; times need not grow."""
    made = record_batch(
        [(row[0], content(row)) for row in rows], Writer(2**40, 7, 2**31 - 2), FORMS[compression]
    )
    records = MemoryRecords(made)
    batch = records.next_batch()
    assert batch is not None
    assert not records.has_next()
    assert batch.validate_crc()
    assert not batch.is_control_batch
    assert not batch.is_transactional
    assert batch.producer_id == 2**40
    assert batch.next_offset == len(rows)
    found = [(one.timestamp, one.key, one.value, list(one.headers)) for one in batch]
    assert found == rows


@given(st.integers(min_value=-(2**62), max_value=2**62))
def test_a_number_is_read_back(number: int) -> None:
    """Small ones come from a table, all others are made."""
    made = varint(number)
    assert decode_varint(bytearray(made)) == (number, len(made))


def test_sequences_begin_again_behind_the_largest() -> None:
    """Brokers expect 0 behind 2,147,483,647."""
    assert sequence_after(0, 5) == 5
    assert sequence_after(2**31 - 1, 1) == 0
    assert sequence_after(2**31 - 3, 5) == 2
