"""Files that change while the gateway runs: in the three ways of those who rotate secrets, and while being written."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from config.files import Files, signature
from gateway.errors import ConfigError, TielineError
from gateway.secret_watch import STILL_SECONDS, SecretWatch

CHECK_SECONDS = 5.0


class Steps:
    """A clock whose sleeps end when the test says so."""

    def __init__(self) -> None:
        self.asked: asyncio.Queue[float] = asyncio.Queue()
        self._over: asyncio.Queue[None] = asyncio.Queue()

    async def sleep(self, seconds: float) -> None:
        """Tell the test, and wait for it."""
        self.asked.put_nowait(seconds)
        await self._over.get()

    async def asleep(self) -> float:
        """Wait until the watch sleeps; for how long it would."""
        async with asyncio.timeout(30):
            return await self.asked.get()

    def wake(self) -> None:
        """End the sleep."""
        self._over.put_nowait(None)


class Watched:
    """A directory with secrets, a watch over them, and what was taken over."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "secret"
        self.path.write_text("one")
        self.clock = Steps()
        self.taken: list[str] = []
        self.refused: list[TielineError] = []
        self.error: TielineError | None = None
        self._files: Files = {}
        self._read()
        self.watch = SecretWatch(
            lambda: self._files,
            self._take_over,
            clock=self.clock,  # type: ignore[arg-type]  # the watch only sleeps
            check_seconds=CHECK_SECONDS,
            tell_refused=self.refused.append,
        )

    def _read(self) -> None:
        self._files = {self.path: signature(self.path)}

    async def _take_over(self) -> None:
        if self.error is not None:
            raise self.error
        self._read()
        self.taken.append(self.path.read_text())

    async def look(self) -> None:
        """One look, to its end, whatever pauses it makes."""
        self.clock.wake()
        while await self.clock.asleep() != CHECK_SECONDS:
            self.clock.wake()


@asynccontextmanager
async def watching(folder: Path) -> AsyncIterator[Watched]:
    """A watch at work, asleep before its first look."""
    watched = Watched(folder)
    task = asyncio.create_task(watched.watch.run(), name="secrets")
    try:
        assert await watched.clock.asleep() == CHECK_SECONDS
        yield watched
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.wait([task])


def written_anew(path: Path) -> None:
    """Another content of the same file."""
    path.write_text("two!")


def renamed_into_place(path: Path) -> None:
    """Another file of the same size under the same name."""
    (path.parent / "new").write_text("two")
    (path.parent / "new").replace(path)


@pytest.mark.parametrize("change", [written_anew, renamed_into_place])
async def test_a_changed_file_is_taken_over_once(
    tmp_path: Path, change: Callable[[Path], None]
) -> None:
    async with watching(tmp_path) as watched:
        await watched.look()
        assert watched.taken == []
        change(watched.path)
        await watched.look()
        await watched.look()
        assert watched.taken == [watched.path.read_text()]


async def test_a_link_that_is_turned_above_the_file_is_a_change(tmp_path: Path) -> None:
    """As Kubernetes does it: the path never changes, nor does the file that it led to."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "secret").write_text(name)
    (tmp_path / "..data").symlink_to("one")
    (tmp_path / "secret").symlink_to("..data/secret")
    async with watching(tmp_path) as watched:
        (tmp_path / "..new").symlink_to("two")
        (tmp_path / "..new").replace(tmp_path / "..data")
        await watched.look()
        assert watched.taken == ["two"]


async def test_a_file_that_is_being_written_is_left_until_it_stands_still(tmp_path: Path) -> None:
    """Half a password is a wrong one, and locks an account."""
    async with watching(tmp_path) as watched:
        watched.path.write_text("")
        watched.clock.wake()
        for part in ("pass", "password"):
            assert await watched.clock.asleep() == STILL_SECONDS
            assert watched.taken == []
            watched.path.write_text(part)
            watched.clock.wake()
        assert await watched.clock.asleep() == STILL_SECONDS
        await watched.look()
        assert watched.taken == ["password"]


async def test_a_file_that_is_refused_is_told_once_and_tried_again_when_it_changes(
    tmp_path: Path,
) -> None:
    async with watching(tmp_path) as watched:
        watched.error = ConfigError("an empty file")
        watched.path.unlink()
        for _ in range(3):
            await watched.look()
        assert watched.refused == [watched.error]
        watched.error = None
        watched.path.write_text("three")
        await watched.look()
        assert (watched.taken, len(watched.refused)) == (["three"], 1)


async def test_a_file_that_is_put_back_is_no_change(tmp_path: Path) -> None:
    async with watching(tmp_path) as watched:
        kept = tmp_path / "kept"
        watched.path.rename(kept)
        watched.clock.wake()
        assert await watched.clock.asleep() == STILL_SECONDS
        kept.rename(watched.path)
        await watched.look()
        assert (watched.taken, watched.refused) == ([], [])


def test_what_leads_nowhere_has_no_signature(tmp_path: Path) -> None:
    assert signature(tmp_path / "missing") is None
    assert signature(Path("\0")) is None
    os.mkfifo(tmp_path / "pipe")
    assert signature(tmp_path / "pipe") is not None
