"""`tieline check-config`, with the plug-ins that exist."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.cli import main

GOOD = """\
gateway: {data_dir: data}
sinks:
  - {name: log, kind: file, path: events.jsonl, events: ["tieline.call.*"], mask: [content]}
"""


def written(tmp_path: Path, text: str) -> str:
    """A file with the text."""
    path = tmp_path / "tieline.yaml"
    path.write_text(text)
    return str(path)


def test_a_right_file_is_summed_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 0, the parts on standard output, warnings on standard error."""
    assert main(["check-config", written(tmp_path, GOOD)]) == 0
    out, err = capsys.readouterr()
    assert "tieline.yaml: OK" in out
    assert "sink log: file gets tieline.call.*, masked: content" in out
    assert "warning: connectors: found no connector" in err


def test_what_is_masked_by_default_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A sink without `mask` does not get texts, and the summary shows it."""
    assert main(["check-config", written(tmp_path, GOOD.replace(", mask: [content]", ""))]) == 0
    assert "sink log: file gets tieline.call.*, masked: texts" in capsys.readouterr().out


def test_a_wrong_file_gives_all_its_errors(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 1; also the errors of plug-ins that do not exist."""
    text = GOOD.replace("kind: file", "kind: fiel").replace("data_dir", "data_dri")
    assert main(["check-config", written(tmp_path, text)]) == 1
    err = capsys.readouterr().err
    assert "sinks[0].kind: found 'fiel', expected a kind that can be used" in err
    assert "did you mean file?" in err
    assert (
        "gateway.data_dri: found an unknown key, expected a known one; did you mean data_dir?"
        in err
    )


def test_a_file_that_is_not_there_was_not_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2."""
    assert main(["check-config", str(tmp_path / "no.yaml")]) == 2
    assert "no.yaml: no such file" in capsys.readouterr().err


def test_probing_a_sink_without_a_probe_is_no_failure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever has a probe is tried; the rest is named."""
    assert main(["check-config", "--probe", written(tmp_path, GOOD)]) == 0
    assert "  sink log: OK: " in capsys.readouterr().out
