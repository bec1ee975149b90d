from __future__ import annotations

import asyncio
import os
import resource
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from gateway.contracts import Sink
from gateway.errors import DeliveryRetryable, NotReady, Reason
from gateway.events import Envelope
from sinks.file import SINK
from sinks.file.settings import FileSettings
from tests.contract.sink_suite import batch_of, stored
from tests.support.clock import LeapingClock
from tests.support.sinks import sink_context

FILE = "events.jsonl"


def make(directory: Path, clock: LeapingClock | None = None, **settings: object) -> Sink:
    """A file sink below a directory."""
    model = FileSettings.model_validate({"path": FILE, **settings})
    return SINK.build(model, sink_context(directory, clock=clock))


def positions(path: Path) -> list[int]:
    return [int(msgspec.json.decode(line)["position"]) for line in path.read_bytes().splitlines()]


async def write(sink: Sink, first: int, count: int) -> None:
    """Deliver events with consecutive positions."""
    report = await sink.deliver([stored(first + i) for i in range(count)])
    assert report.settled == count


def sizes(directory: Path) -> list[int]:
    return [path.stat().st_size for path in directory.iterdir()]


def rotated(directory: Path) -> list[Path]:
    return sorted(path for path in directory.iterdir() if path.name != FILE)


async def test_a_line_is_the_cloudevent_with_its_place(tmp_path: Path) -> None:
    """Every attribute of the event is in the line, with sequence, journal and position as extensions."""
    sink, event = make(tmp_path), stored(7)
    await sink.open()
    await sink.deliver([event])
    await sink.close()
    line = (tmp_path / FILE).read_bytes()
    assert msgspec.json.decode(line) == {
        "journal": "journal-1",
        "position": "00000000000000000007",
        **msgspec.json.decode(event.structured()),
    }
    assert msgspec.json.decode(line, type=Envelope).id == event.envelope.id


async def test_a_body_with_newlines_stays_one_line(tmp_path: Path) -> None:
    """Newlines between the tokens of a body do not break the line."""
    event = stored(7)
    pretty = msgspec.structs.replace(event, body=msgspec.json.format(event.body))
    sink = make(tmp_path)
    await sink.open()
    await sink.deliver([pretty])
    await sink.close()
    assert positions(tmp_path / FILE) == [7]


async def test_a_torn_line_is_removed_and_its_event_written_again(tmp_path: Path) -> None:
    """After a kill in mid-write the file ends with a complete line and open tells its position."""
    sink = make(tmp_path)
    await sink.open()
    await write(sink, 1, 3)
    await sink.close()
    with (tmp_path / FILE).open("ab") as file:
        file.write(b'{"journal":"journal-1","position":"0000')
    sink = make(tmp_path)
    assert await sink.open() == 3
    await write(sink, 2, 4)
    await sink.close()
    assert positions(tmp_path / FILE) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("torn", [b"{", b'{"journal":"jour', b"\0" * 4096])
async def test_a_first_line_that_is_torn_leaves_an_empty_file(tmp_path: Path, torn: bytes) -> None:
    """A file that holds nothing but half a line, or zeros after a loss of power, holds no event."""
    (tmp_path / FILE).write_bytes(torn)
    sink = make(tmp_path)
    assert await sink.open() is None
    await sink.close()
    assert (tmp_path / FILE).read_bytes() == b""


async def test_a_position_of_another_journal_counts_for_nothing(tmp_path: Path) -> None:
    """When the journal began anew, its events are written although the old journal got farther."""
    sink = make(tmp_path)
    await sink.open()
    await write(sink, 100, 2)
    await sink.close()
    again = SINK.build(
        FileSettings(path=Path(FILE)), sink_context(tmp_path, journal_id="journal-2")
    )
    assert await again.open() is None
    await write(again, 100, 1)
    await again.close()
    assert positions(tmp_path / FILE) == [100, 101, 100]


async def test_an_older_event_that_is_not_in_the_file_is_written(tmp_path: Path) -> None:
    """A replayed dead letter has an old position and is not taken for written."""
    sink = make(tmp_path)
    await sink.open()
    await write(sink, 5, 2)
    await write(sink, 2, 1)
    await sink.close()
    assert positions(tmp_path / FILE) == [5, 6, 2]
    sink = make(tmp_path)
    assert await sink.open() == 6
    await sink.close()


@pytest.mark.parametrize("content", [b"hello\n", b"hello", b'{"id": 1}\n', b'{"id"'])
async def test_a_last_line_of_somebody_else_is_left_alone(tmp_path: Path, content: bytes) -> None:
    """A file with unknown content is neither cut nor appended to, and the message says what to do."""
    (tmp_path / FILE).write_bytes(content)
    sink = make(tmp_path)
    with pytest.raises(NotReady, match="move the file away") as caught:
        await sink.open()
    await sink.close()
    assert caught.value.reason is Reason.CORRUPT
    assert (tmp_path / FILE).read_bytes() == content


async def test_a_very_long_last_line_is_read(tmp_path: Path) -> None:
    """The position is found when the last line is longer than the part that is read at first."""
    sink = make(tmp_path, rotate_bytes=None)
    await sink.open()
    await sink.deliver([stored(1), stored(2, padding=3 << 20)])
    await sink.close()
    sink = make(tmp_path)
    assert await sink.open() == 2
    await sink.close()


async def test_two_sinks_do_not_share_a_file(tmp_path: Path) -> None:
    """The second is not ready and says why; after the first has closed it works."""
    first, second = make(tmp_path), make(tmp_path)
    await first.open()
    with pytest.raises(NotReady, match="in use by another sink") as caught:
        await second.open()
    assert caught.value.reason is Reason.CONFLICT
    await first.close()
    await second.open()
    await second.close()


async def test_a_full_disk_settles_the_complete_lines(tmp_path: Path) -> None:
    """The lines that fitted are settled, the torn one is cut off, and the rest follows when there is room."""
    sink, events = make(tmp_path), batch_of(10)
    await sink.open()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, limits[1]))
    try:
        report = await sink.deliver(events)
        size = (tmp_path / FILE).stat().st_size
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert 0 < report.settled < 10
    assert report.setback is not None
    assert report.setback.reason is Reason.DISK_FULL
    assert "make room" in report.setback.message
    assert size < 2000
    assert len(positions(tmp_path / FILE)) == report.settled
    assert (await sink.deliver(events[report.settled :])).setback is None
    await sink.close()
    assert positions(tmp_path / FILE) == [event.position for event in events]


async def test_a_failed_fsync_settles_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the disk did not confirm is taken back and written anew after the sink was opened again."""
    sink, events = make(tmp_path), batch_of(5)
    await sink.open()

    def failing(_: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", failing)
        with pytest.raises(DeliveryRetryable, match="Input/output error") as caught:
            await sink.deliver(events)
    assert caught.value.reason is Reason.DISK_ERROR
    assert await sink.open() is None
    assert (await sink.deliver(events)).settled == 5
    await sink.close()
    assert positions(tmp_path / FILE) == [event.position for event in events]


@pytest.mark.parametrize(
    ("policy", "expected"), [("always", [1, 2, 3]), ("interval", [1, 1, 2]), ("never", [0, 0, 0])]
)
async def test_fsync_follows_the_policy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, policy: str, expected: list[int]
) -> None:
    """Forced writes: with each batch, at most once an interval, or never."""
    clock, synced = LeapingClock(), []
    sink = make(tmp_path, clock, fsync=policy, fsync_interval_seconds=10)
    await sink.open()
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: (synced.append(fd), real(fd)))
    counts = []
    for position, pause in ((1, 5), (2, 6), (3, 0)):
        await write(sink, position, 1)
        counts.append(len(synced))
        clock.advance(pause)
    monkeypatch.undo()
    await sink.close()
    assert counts == expected


async def test_rotates_by_size_and_keeps_the_newest(tmp_path: Path) -> None:
    """A batch that would make the file too large begins a new one; the oldest rotated files are removed."""
    sink = make(tmp_path, rotate_bytes=2000, keep_files=2)
    await sink.open()
    for position in range(1, 22, 2):
        await write(sink, position, 2)
    await sink.close()
    kept = [positions(path) for path in rotated(tmp_path)]
    assert len(kept) == 2
    held = [*kept[0], *kept[1], *positions(tmp_path / FILE)]
    assert held == list(range(held[0], 23))
    assert max(sizes(tmp_path)) <= 2000


async def test_rotates_with_each_period(tmp_path: Path) -> None:
    """Lines of two hours never stand in one file, and names tell the time and the last position."""
    clock = LeapingClock(datetime(2026, 1, 2, 3, 59, tzinfo=UTC))
    sink = make(tmp_path, clock, rotate_seconds=3600)
    await sink.open()
    await write(sink, 1, 1)
    await write(sink, 2, 1)
    clock.advance(120)
    await write(sink, 3, 1)
    await sink.close()
    assert [path.name for path in rotated(tmp_path)] == [
        "events.20260102T040100Z.00000000000000000002.jsonl"
    ]
    assert positions(rotated(tmp_path)[0]) == [1, 2]
    assert positions(tmp_path / FILE) == [3]


async def test_rotates_after_a_restart_in_a_later_period(tmp_path: Path) -> None:
    """A file whose last line is from an earlier period is not continued."""
    clock = LeapingClock()
    sink = make(tmp_path, clock, rotate_seconds=3600)
    await sink.open()
    await write(sink, 1, 1)
    await sink.close()
    yesterday = clock.now().timestamp() - 86400
    os.utime(tmp_path / FILE, (yesterday, yesterday))
    sink = make(tmp_path, clock, rotate_seconds=3600)
    assert await sink.open() == 1
    await write(sink, 2, 1)
    await sink.close()
    assert positions(tmp_path / FILE) == [2]


async def test_knows_its_position_right_after_a_rotation(tmp_path: Path) -> None:
    """Killed between the renaming and the first line of the new file, it looks into the rotated one."""
    sink = make(tmp_path)
    await sink.open()
    await write(sink, 1, 4)
    await sink.close()
    (tmp_path / FILE).rename(tmp_path / "events.20260102T030405Z.00000000000000000004.jsonl")
    sink = make(tmp_path)
    assert await sink.open() == 4
    await sink.close()


async def test_follows_its_path_when_the_file_is_moved_away(tmp_path: Path) -> None:
    """After an outside tool renamed the file, the next lines are in a new one at the path."""
    sink = make(tmp_path)
    await sink.open()
    await write(sink, 1, 2)
    (tmp_path / FILE).rename(tmp_path / "moved")
    await write(sink, 3, 1)
    await sink.close()
    assert positions(tmp_path / "moved") == [1, 2]
    assert positions(tmp_path / FILE) == [3]


async def test_new_files_get_the_configured_permissions(tmp_path: Path) -> None:
    """Others than owner and group may not read events unless the operator says so."""
    sink = make(tmp_path)
    await sink.open()
    await sink.close()
    assert (tmp_path / FILE).stat().st_mode & 0o007 == 0


CHILD = """
import asyncio, sys
from pathlib import Path
from sinks.file import SINK
from sinks.file.settings import FileSettings
from tests.contract.sink_suite import stored
from tests.support.sinks import sink_context

async def main() -> None:
    sink = SINK.build(FileSettings(path="events.jsonl"), sink_context(Path(sys.argv[1])))
    position = (await sink.open() or 0) + 1
    while True:
        batch = [stored(position + i, padding=2000) for i in range(50)]
        report = await sink.deliver(batch)
        position += report.settled
        print(position - 1, flush=True)

asyncio.run(main())
"""


async def opened(sink: Sink) -> int | None:
    """What a sink finds at open."""
    position = await sink.open()
    await sink.close()
    return position


def test_sigkill_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """Killed at any moment, the file holds every settled event once, and the next process goes on behind them."""
    settled = 0
    for round_ in range(4):
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        for _ in range(3 + round_):
            settled = int(child.stdout.readline())
        time.sleep(0.003 * round_)  # varies where in a write the kill hits
        child.send_signal(signal.SIGKILL)
        rest, _ = child.communicate()
        settled = max([settled, *map(int, rest.split("\n")[:-1])])
    last = asyncio.run(opened(make(tmp_path)))
    assert last is not None
    assert last >= settled
    assert positions(tmp_path / FILE) == list(range(1, last + 1))
