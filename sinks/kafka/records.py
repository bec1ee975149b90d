"""Records and record batches in the bytes that brokers take; no I/O.

Source: Apache Kafka documentation, "Message Format": record batch and record of magic 2. A record's length, time and
offset depend on its batch; all that comes behind them does not, and is encoded once. aiokafka's builder is compiled,
but wants a list of pairs for each record, and large deliveries take a third longer with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from struct import Struct

_MAGIC = 2
_NO_EPOCH_OF_THE_LEADER = -1
# Offset, length, epoch of the leader, magic, checksum; the checksum is about all that comes behind it.
_FRAME = Struct(">qiibI")
# Attributes, last offset, first and highest time, producer's id and epoch, first sequence, number of records.
_HEAD = Struct(">hiqqqhii")
_LENGTH_COUNTS_FROM = 12
_BATCH_BYTES = _FRAME.size + _HEAD.size
_RECORD_BYTES = 21
"""What stands before a record's key at most: length, attributes, time and offset."""

_SEVEN_BITS = 0x7F
_MORE = 0x80
_SMALL = 1 << 14
_SEQUENCES = 1 << 31


@dataclass(frozen=True, slots=True)
class Form:
    """How batches are compressed, with the number that says so in their attributes, and their CRC-32C."""

    checksum: Callable[[bytes], int]
    compression: int = 0
    compress: Callable[[bytes], bytes] | None = None


def _varint(number: int) -> bytes:
    """A number with its sign in the last bit, seven bits a byte, the lowest first."""
    rest = number << 1 if number >= 0 else ~(number << 1)
    made = bytearray()
    while rest > _SEVEN_BITS:
        made.append(rest & _SEVEN_BITS | _MORE)
        rest >>= 7
    made.append(rest)
    return bytes(made)


_VARINTS = [_varint(number) for number in range(_SMALL)]


def varint(number: int) -> bytes:
    """A number as records hold it."""
    return _VARINTS[number] if 0 <= number < _SMALL else _varint(number)


def with_length(value: bytes) -> bytes:
    """Bytes behind their length."""
    return varint(len(value)) + value


def header(name: str, value: bytes) -> bytes:
    """One header of a record."""
    return with_length(name.encode()) + with_length(value)


def size_of(content: bytes) -> int:
    """How many bytes a record with this content (key, value and headers) has at most."""
    return len(content) + _RECORD_BYTES


@dataclass(frozen=True, slots=True)
class Writer:
    """Who writes a batch: a producer, and the sequence of the batch's first record in its partition."""

    producer_id: int
    epoch: int
    sequence: int


def record_batch(records: Iterable[tuple[int, bytes]], writer: Writer, form: Form) -> bytes:
    """A batch of records, each given as its time in milliseconds and its content; at least one."""
    parts: list[bytes] = []
    small = _VARINTS
    first = latest = count = 0
    for time, content in records:
        if not count:
            first = latest = time
        elif time > latest:
            latest = time
        since, place = varint(time - first), varint(count)
        length = 1 + len(since) + len(place) + len(content)
        parts += (
            small[length] if length < _SMALL else _varint(length),
            b"\0",
            since,
            place,
            content,
        )
        count += 1
    body = b"".join(parts)
    if form.compress is not None:
        body = form.compress(body)
    checked = (
        _HEAD.pack(
            *(form.compression, count - 1, first, latest),
            *(writer.producer_id, writer.epoch, writer.sequence, count),
        )
        + body
    )
    frame = _FRAME.pack(
        0,
        _BATCH_BYTES + len(body) - _LENGTH_COUNTS_FROM,
        _NO_EPOCH_OF_THE_LEADER,
        _MAGIC,
        form.checksum(checked),
    )
    return frame + checked


def sequence_after(sequence: int, count: int) -> int:
    """The sequence behind so many records: it begins again at 0 behind the largest one."""
    return (sequence + count) % _SEQUENCES
