"""The spool of attachments: bounds, age, restarts, and nothing left of an upload that failed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.attachments import AttachmentSettings, AttachmentSpool
from gateway.errors import AttachmentRefused, ConfigError, Reason
from tests.support.clock import LeapingClock
from tests.support.waiting import until

CHUNK = 64 * 1024


async def chunks(size: int, piece: int = CHUNK) -> AsyncIterator[bytes]:
    for start in range(0, size, piece):
        yield bytes(min(piece, size - start))


async def opened(
    folder: Path, clock: LeapingClock | None = None, **settings: float
) -> AttachmentSpool:
    chosen = AttachmentSettings.model_validate({"min_free_bytes": 0, **settings})
    return await AttachmentSpool.open(folder / "spool", chosen, clock or LeapingClock())


def files(folder: Path) -> list[str]:
    return sorted(path.suffix for path in (folder / "spool").iterdir())


async def test_an_upload_is_kept_with_its_name_type_and_size(tmp_path: Path) -> None:
    spool = await opened(tmp_path)
    stored = await spool.receive(chunks(200_000), name="a b.pdf", media_type="application/pdf")

    assert spool.find(stored.id) == stored
    assert (stored.name, stored.media_type) == ("a b.pdf", "application/pdf")
    assert stored.path.read_bytes() == bytes(200_000)
    assert stored.size_bytes == spool.total_bytes == 200_000


async def test_two_uploads_with_one_name_are_two(tmp_path: Path) -> None:
    spool = await opened(tmp_path)
    one = await spool.receive(chunks(1), name="a.txt", media_type="text/plain")
    two = await spool.receive(chunks(2), name="a.txt", media_type="text/plain")

    assert one.id != two.id
    assert (one.path.stat().st_size, two.path.stat().st_size) == (1, 2)


async def test_an_upload_that_is_too_long_is_refused_before_it_is_read_whole(
    tmp_path: Path,
) -> None:
    spool = await opened(tmp_path, max_bytes=2 * CHUNK)
    asked = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal asked
        while True:
            asked += 1
            yield bytes(CHUNK)

    with pytest.raises(AttachmentRefused, match="max_bytes") as refused:
        await spool.receive(endless(), name="a", media_type="a/b")

    assert refused.value.reason is Reason.TOO_LARGE
    assert asked == 3
    assert files(tmp_path) == []
    assert spool.total_bytes == 0


async def test_a_spool_with_too_many_bytes_refuses_for_now(tmp_path: Path) -> None:
    spool = await opened(tmp_path, max_total_bytes=3 * CHUNK)
    kept = await spool.receive(chunks(2 * CHUNK), name="a", media_type="a/b")
    with pytest.raises(AttachmentRefused) as refused:
        await spool.receive(chunks(2 * CHUNK), name="b", media_type="a/b")

    assert refused.value.reason is Reason.RATE_LIMITED
    assert refused.value.retry_after_seconds is not None
    assert spool.find(kept.id) == kept
    assert spool.discard(kept.id)
    assert (await spool.receive(chunks(2 * CHUNK), name="b", media_type="a/b")).size_bytes


async def test_uploads_on_their_way_count(tmp_path: Path) -> None:
    spool = await opened(tmp_path, max_count=1)
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"a"
        begun.set()
        await go_on.wait()

    first = asyncio.create_task(spool.receive(slow(), name="a", media_type="a/b"), name="first")
    await begun.wait()
    with pytest.raises(AttachmentRefused) as refused:
        await spool.receive(chunks(1), name="b", media_type="a/b")
    go_on.set()

    assert refused.value.reason is Reason.RATE_LIMITED
    assert (await first).size_bytes == 1


async def test_a_cancelled_upload_leaves_nothing(tmp_path: Path) -> None:
    spool = await opened(tmp_path)
    begun = asyncio.Event()

    async def stuck() -> AsyncIterator[bytes]:
        yield b"a"
        begun.set()
        await asyncio.Event().wait()

    upload = asyncio.create_task(spool.receive(stuck(), name="a", media_type="a/b"), name="upload")
    await begun.wait()
    upload.cancel()
    await asyncio.wait([upload])

    assert upload.cancelled()
    assert files(tmp_path) == []
    assert spool.total_bytes == 0


async def test_an_upload_is_removed_at_its_age(tmp_path: Path) -> None:
    clock = LeapingClock()
    spool = await opened(tmp_path, clock, keep_seconds=100)
    stored = await spool.receive(chunks(1), name="a", media_type="a/b")
    clock.advance(99)
    spool.expire()
    young = spool.find(stored.id)
    clock.advance(1)
    old = spool.find(stored.id)
    spool.expire()

    assert (young, old) == (stored, None)
    assert files(tmp_path) == []


async def test_old_uploads_go_without_being_asked_for(tmp_path: Path) -> None:
    clock = LeapingClock()
    spool = await opened(tmp_path, clock, keep_seconds=100)
    await spool.receive(chunks(1), name="a", media_type="a/b")
    running = asyncio.create_task(spool.run(), name="spool")
    await until(lambda: not files(tmp_path))
    running.cancel()
    await asyncio.wait([running])

    assert spool.total_bytes == 0


async def test_a_restart_keeps_what_is_whole_and_removes_the_rest(tmp_path: Path) -> None:
    clock = LeapingClock()
    before = await opened(tmp_path, clock)
    whole = await before.receive(chunks(10), name="a.txt", media_type="text/plain")
    torn = await before.receive(chunks(10), name="b.txt", media_type="text/plain")
    torn.path.write_bytes(b"12345")
    (tmp_path / "spool" / "half.part").write_bytes(b"1")
    (tmp_path / "spool" / "lost.json").write_bytes(b"{")
    after = await opened(tmp_path, clock)

    assert after.find(whole.id) == whole
    assert after.find(torn.id) is None
    assert files(tmp_path) == [".bin", ".json"]


@pytest.mark.parametrize(
    ("name", "media_type", "field"),
    [
        ("../a", "text/plain", "name"),
        ('a"b', "text/plain", "name"),
        ("", "text/plain", "name"),
        ("a\r\nb", "text/plain", "name"),
        ("a\u2028b", "text/plain", "name"),
        ("a" * 256, "text/plain", "name"),
        ("a", "text", "media_type"),
        ("a", "text/plain\r\nX: y", "media_type"),
    ],
)
async def test_what_cannot_stand_in_a_form_is_refused(
    tmp_path: Path, name: str, media_type: str, field: str
) -> None:
    spool = await opened(tmp_path)
    with pytest.raises(AttachmentRefused, match=f"^{field}:") as refused:
        await spool.receive(chunks(1), name=name, media_type=media_type)

    assert refused.value.reason is Reason.INVALID


async def test_a_disk_that_is_nearly_full_takes_no_upload(tmp_path: Path) -> None:
    spool = await opened(tmp_path, min_free_bytes=1 << 60)
    with pytest.raises(AttachmentRefused, match=r"gateway\.data_dir") as refused:
        await spool.receive(chunks(1), name="a", media_type="a/b")

    assert refused.value.reason is Reason.DISK_FULL


async def test_a_folder_that_cannot_be_made_is_a_matter_of_the_settings(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("in the way")
    with pytest.raises(ConfigError, match=r"gateway\.data_dir"):
        await opened(tmp_path)
