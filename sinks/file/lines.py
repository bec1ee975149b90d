"""The lines of a file sink, without I/O: one CloudEvent each, which carries its place in the journal.

The extension attributes `journal` and `position` let a sink that was killed find out how far its file got: a position
counts only in the journal it belongs to. They are put in front of the first member, so that no event is parsed to be
written; `position` is text padded with zeros, like `sequence`.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from gateway.events import StoredEvent

POSITION_DIGITS = 20
_OPENING = b'{"journal":'


class _Head(msgspec.Struct):
    journal: str
    position: str
    id: str


_head_decoder = msgspec.json.Decoder(_Head)


class LineFormat:
    """Makes and reads the lines of one journal."""

    def __init__(self, journal_id: str) -> None:
        self._journal_id = journal_id
        self._prefix = _OPENING + msgspec.json.encode(journal_id) + b',"position":"'

    def line_of(self, event: StoredEvent) -> bytes:
        """The line of an event, with its newline."""
        structured = event.structured()
        if b"\n" in structured:
            # A newline can only stand between the tokens of JSON: inside a text it is escaped.
            structured = structured.replace(b"\n", b" ")
        # A repetition (negative) says nothing about how far the file is.
        position = str(max(0, event.position)).zfill(POSITION_DIGITS).encode()
        return b"".join((self._prefix, position, b'",', structured[1:], b"\n"))

    def read_tail(self, chunk: bytes, offset: int) -> Tail:
        """Read the last bytes of a file, which start at `offset` in it."""
        end = chunk.rfind(b"\n") + 1
        lines = chunk[:end].split(b"\n")[:-1]
        if offset and lines:
            del lines[0]  # its beginning lies before the chunk
        heads = [_read_head(line) for line in lines]
        return Tail(
            length=offset + end,
            held={
                int(head.position): head.id
                for head in heads
                if head is not None and head.journal == self._journal_id
            },
            readable=(not heads or heads[-1] is not None) and _is_torn_line(chunk[end:]),
            complete=not offset or bool(lines),
        )


def _is_torn_line(rest: bytes) -> bool:
    """Whether what follows the last newline may be cut off: the begin of a line of ours, or the zeros of a crash."""
    return rest[: len(_OPENING)] == _OPENING[: len(rest)] or not rest.strip(b"\0")


def _read_head(line: bytes) -> _Head | None:
    try:
        head = _head_decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return head if head.position.isdecimal() else None


@dataclass(frozen=True, slots=True)
class Tail:
    """What the end of a file holds.

    Attributes:
        length: of the file up to its last complete line.
        held: position and id of the events of our journal in the lines that were seen.
        readable: false when the last line, complete or torn, is not one of a file sink: nobody knows how far such a
            file got, and nothing of it may be cut off.
        complete: false when not even one line fitted into what was read.
    """

    length: int
    held: dict[int, str]
    readable: bool
    complete: bool
