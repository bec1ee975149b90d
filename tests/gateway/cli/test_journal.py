"""The commands that look into a journal: inspect, verify, salvage, tail, dead letters."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.cli import main
from gateway.clock import SystemClock
from gateway.contracts import Burial
from gateway.errors import Reason
from gateway.journal import JournalSettings, open_journal
from tests.support.scripted import call_event


@pytest.fixture
async def journal(tmp_path: Path) -> Path:
    """A closed journal with three events, a consumer and a dead letter."""
    path = tmp_path / "journal.sqlite"
    opened = await open_journal(path, JournalSettings(min_free_bytes=0), SystemClock())
    events = [call_event(1), call_event(2, verb="ended"), call_event(3)]
    await opened.append("main/a1", events, b"state")
    refused = (await opened.read(0, 10))[1]
    burial = Burial(event=refused, reason=Reason.TOO_LARGE, message="over the limit")
    await opened.commit("lake", 2, [burial])
    await opened.close()
    return path


def test_inspect_tells_what_a_journal_holds(
    journal: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert main(["journal", "inspect", str(journal)]) == 0
    told = capsys.readouterr().out
    assert "3 events" in told
    assert "lake" in told
    assert "tieline.call.ended.v1" in told
    assert "main/a1" in told


def test_the_data_directory_serves_as_well_as_the_file(
    journal: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["journal", "verify", str(journal.parent)]) == 0
    assert "sound, 3 events" in capsys.readouterr().out


def test_a_damaged_journal_is_told_with_the_way_out_and_can_be_salvaged(
    journal: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = bytearray(journal.read_bytes())
    at = whole.index(b'"subject":"call/c1"')
    whole[at : at + 9] = b'"sub\x00\x00\x00\x00\x00'
    journal.write_bytes(whole)
    assert main(["journal", "verify", str(journal)]) == 1
    assert "tieline journal salvage" in capsys.readouterr().out
    saved = tmp_path / "saved.sqlite"
    assert main(["journal", "salvage", str(journal), str(saved)]) == 1
    assert "lost" in capsys.readouterr().out
    assert main(["journal", "verify", str(saved)]) == 0
    assert "2 events" in capsys.readouterr().out


def test_a_missing_journal_is_named_with_the_remedy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["journal", "inspect", str(tmp_path / "none.sqlite")]) == 2
    assert "gateway.data_dir" in capsys.readouterr().err


def test_tail_prints_the_newest_events_as_cloudevents(
    journal: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["events", "tail", str(journal), "--last", "2"]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [event["type"] for event in events] == [
        "tieline.call.ended.v1",
        "tieline.call.held.v1",
    ]
    assert events[0]["specversion"] == "1.0"


def test_tail_can_be_narrowed_to_types(journal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["events", "tail", str(journal), "--type", "tieline.call.ended.*"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_dead_letters_are_listed_with_their_reason(
    journal: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert main(["dead-letters", "list", str(journal)]) == 0
    assert "too_large" in capsys.readouterr().out
    assert main(["dead-letters", "list", str(journal), "--sink", "other"]) == 0
    assert "no dead letters" in capsys.readouterr().out
