"""Resume states encrypted at rest: what lies on the disk, who can read it, and what happens without the key."""

from __future__ import annotations

import base64
import sqlite3
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from gateway.clock import SystemClock
from gateway.errors import ResumeUnreadable
from gateway.journal import JournalNotice, JournalSettings, Notice, SqliteJournal, open_journal
from gateway.journal.sealing import Sealer, is_sealed, key_of
from gateway.journal.view import JournalView
from tests.contract.journal_suite import events
from tests.gateway.journal.test_faults import limit_pages

OLD, NEW = (base64.b64encode(bytes([number]) * 32).decode() for number in (1, 2))
STATE = b'{"connectionToken": "AQAAANCMnd8BFdERjHoAwE/Cl+sBAAAA"}'


@asynccontextmanager
async def opened(folder: Path, *keys: str, told: Any = None) -> AsyncIterator[SqliteJournal]:
    """The journal of a folder, with these keys."""
    settings = JournalSettings(encryption_keys=tuple(map(SecretStr, keys)))
    journal = await open_journal(
        folder / "journal.sqlite",
        settings,
        SystemClock(),
        *([told.append] if told is not None else []),
    )
    try:
        yield journal
    finally:
        await journal.close()


def on_disk(folder: Path) -> bytes:
    """All bytes of all files of the journal, the log included."""
    return b"".join(path.read_bytes() for path in folder.iterdir())


def stored(folder: Path) -> dict[str, bytes]:
    """The states as the file has them."""
    with closing(sqlite3.connect(folder / "journal.sqlite")) as connection:
        return dict(connection.execute("SELECT feed, state FROM resume"))


async def test_a_state_is_nowhere_on_the_disk_in_the_clear_and_is_read_after_a_restart(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path, NEW) as journal:
        await journal.append("cc/signalr", events(0, 3), STATE)
        assert await journal.resume("cc/signalr") == STATE
        assert b"connectionToken" not in on_disk(tmp_path)
    assert b"connectionToken" not in on_disk(tmp_path)
    async with opened(tmp_path, NEW) as journal:
        assert await journal.resume("cc/signalr") == STATE
        assert await journal.resume("cc/other") is None


@pytest.mark.parametrize("size_bytes", [100, 200_000])
async def test_the_first_opening_with_a_key_encrypts_what_was_stored_without_one(
    tmp_path: Path, size_bytes: int
) -> None:
    """Nothing of it remains, neither in the log nor in pages that a large state has left."""
    state = STATE * (size_bytes // len(STATE))
    async with opened(tmp_path) as journal:
        await journal.append("cc/signalr", events(0, 3), state)
    assert b"connectionToken" in on_disk(tmp_path)
    async with opened(tmp_path, NEW) as journal:
        assert b"connectionToken" not in on_disk(tmp_path)
        assert await journal.resume("cc/signalr") == state


async def test_an_older_key_still_reads_and_is_not_needed_after_one_opening(tmp_path: Path) -> None:
    async with opened(tmp_path, OLD) as journal:
        await journal.append("f", events(0, 1), STATE)
    async with opened(tmp_path, NEW, OLD) as journal:
        assert await journal.resume("f") == STATE
    async with opened(tmp_path, NEW) as journal:
        assert await journal.resume("f") == STATE


@pytest.mark.parametrize("keys", [(), (NEW,)])
async def test_without_its_key_a_state_is_refused_with_the_remedy_and_the_journal_works(
    tmp_path: Path, keys: Iterable[str]
) -> None:
    async with opened(tmp_path, OLD) as journal:
        await journal.append("f", events(0, 3), STATE)
        await journal.append("g", events(3, 1), STATE)
    told: list[JournalNotice] = []
    async with opened(tmp_path, *keys, told=told) as journal:
        with pytest.raises(ResumeUnreadable, match="encrypted with another key") as raised:
            await journal.resume("f")
        assert "gateway.journal.encryption_keys" in raised.value.hint
        assert len(await journal.read(0, 10)) == 4
        await journal.append("g", events(4, 1), b"anew")
        assert await journal.resume("g") == b"anew"
    assert [(one.notice, one.events) for one in told] == [(Notice.RESUME_UNREADABLE, 2)]
    async with opened(tmp_path, NEW, OLD) as journal:
        assert await journal.resume("f") == STATE


async def test_a_state_of_one_feed_is_not_taken_for_that_of_another(tmp_path: Path) -> None:
    async with opened(tmp_path, NEW) as journal:
        await journal.append("f", events(0, 1), STATE)
    with closing(sqlite3.connect(tmp_path / "journal.sqlite")) as connection, connection:
        connection.execute("UPDATE resume SET feed = 'g'")
    async with opened(tmp_path, NEW) as journal:
        with pytest.raises(ResumeUnreadable, match="not what was written"):
            await journal.resume("g")


@pytest.mark.parametrize("place", [0, 5, 10, 26, 40, -1])
def test_a_changed_byte_is_noticed_wherever_it_is(place: int) -> None:
    """In the magic it makes a state that no platform wrote, which the feed refuses; elsewhere it is refused here."""
    sealer = Sealer([key_of(NEW)])
    sealed = bytearray(sealer.seal("f", STATE))
    sealed[place] ^= 1
    if not is_sealed(bytes(sealed)):
        assert sealer.unseal("f", bytes(sealed)) == sealed
        return
    with pytest.raises(ResumeUnreadable):
        sealer.unseal("f", bytes(sealed))


def test_a_state_that_is_cut_off_is_refused() -> None:
    sealer = Sealer([key_of(NEW)])
    sealed = sealer.seal("f", STATE)
    for length in range(4, len(sealed)):
        with pytest.raises(ResumeUnreadable):
            sealer.unseal("f", sealed[:length])


def test_the_same_state_is_never_stored_twice_the_same_way() -> None:
    """Neither in one process nor after a restart: a nonce that came again would give both away."""
    first, second = Sealer([key_of(NEW)]), Sealer([key_of(NEW)])
    sealed = [sealer.seal("f", STATE) for sealer in (first, second) for _ in range(100)]
    assert len({one[8:32] for one in sealed}) == len(sealed)
    assert {second.unseal("f", one) for one in sealed} == {STATE}


async def test_keys_change_while_the_journal_is_open(tmp_path: Path) -> None:
    """What is stored comes under the new key at once, even if the old one is not among them."""
    async with opened(tmp_path, OLD) as journal:
        await journal.append("f", events(0, 1), STATE)
        await journal.append("g", events(1, 1), STATE)
        await journal.take_keys([key_of(NEW)])
        await journal.append("g", events(2, 1), b"later")
        assert (await journal.resume("f"), await journal.resume("g")) == (STATE, b"later")
    async with opened(tmp_path, NEW) as journal:
        assert (await journal.resume("f"), await journal.resume("g")) == (STATE, b"later")
        await journal.take_keys([])
    assert stored(tmp_path) == {"f": STATE, "g": b"later"}


async def test_of_appends_that_share_a_transaction_each_feed_reads_its_last_state(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path, NEW) as journal:
        for number in range(20):
            await journal.append(f"f{number % 4}", events(number, 1), b"%d" % number)
        assert [await journal.resume(f"f{n}") for n in range(4)] == [b"16", b"17", b"18", b"19"]


async def test_a_disk_without_room_for_the_encryption_does_not_keep_the_journal_shut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """States wait in the clear for their next writing: the gateway has to start, to make room."""
    async with opened(tmp_path) as journal:
        await journal.append("f", events(0, 1), STATE * 4000)
        await journal.append("g", events(1, 1), STATE * 4000)

    def without_room(connection: sqlite3.Connection, *_sealers: Sealer) -> None:
        limit_pages(1)(connection)
        connection.execute("CREATE TABLE wanted (filler)")
        connection.execute("INSERT INTO wanted VALUES (zeroblob(10000000))")

    monkeypatch.setattr("gateway.journal.resealing.reseal", without_room)
    async with opened(tmp_path, NEW) as journal:
        assert await journal.resume("f") == STATE * 4000
    monkeypatch.undo()
    async with opened(tmp_path, NEW) as journal:
        assert await journal.resume("g") == STATE * 4000
    assert b"connectionToken" not in on_disk(tmp_path)


async def test_the_look_from_outside_tells_what_is_encrypted(tmp_path: Path) -> None:
    async with opened(tmp_path) as journal:
        await journal.append("f", events(0, 1), STATE)
    with JournalView(tmp_path / "journal.sqlite") as view:
        assert view.feeds() == [("f", len(STATE), False)]
    async with opened(tmp_path, NEW):
        pass
    with JournalView(tmp_path / "journal.sqlite") as view:
        assert [(feed, sealed) for feed, _, sealed in view.feeds()] == [("f", True)]


def test_a_key_is_taken_in_base64_or_hexadecimal() -> None:
    key = bytes(range(224, 256))
    texts = [
        base64.b64encode(key).decode(),
        base64.urlsafe_b64encode(key).decode(),
        key.hex(),
        f" {base64.b64encode(key).decode()}\n",
    ]
    assert {key_of(text) for text in texts} == {key}


@pytest.mark.parametrize("text", ["", "correct horse", OLD[:-4], OLD + OLD, "é" * 44, "zz" * 32])
def test_anything_else_is_no_key_and_is_not_repeated(text: str) -> None:
    with pytest.raises(ValidationError, match="openssl rand -base64 32") as raised:
        JournalSettings(encryption_keys=(SecretStr(text),))
    assert not text or text not in str(raised.value)
