"""The rule of tests/conftest.py: in CI no test that needs a peer is skipped."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

WITHOUT_PEERS = """
import pytest
import tests.conftest

tests.conftest.installed = lambda: False

@pytest.mark.{marker}
def test_needs_a_peer():
    pass
"""

WITH_PEERS = """
import tests.conftest

tests.conftest.installed = lambda: True
"""

SKIPS_ITSELF = """
import pytest

@pytest.mark.{marker}
def test_gives_up():
    pytest.skip("the process did not start")
"""


def run(folder: Path, source: str, *, ci: bool) -> subprocess.CompletedProcess[str]:
    """Run one test file under our conftest."""
    file = folder / "test_sample.py"
    file.write_text(source, encoding="utf-8")
    environment = {key: value for key, value in os.environ.items() if key != "CI"}
    return subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-p", "tests.conftest"),
            *("-c", str(ROOT / "pyproject.toml"), str(file)),
        ],
        cwd=ROOT,
        env=environment | ({"CI": "true"} if ci else {}),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("marker", ["kafka", "peers"])
def test_a_missing_peer_fails_in_ci_and_says_what_to_run(tmp_path: Path, marker: str) -> None:
    """Else a change could land without its interoperation ever being tried."""
    result = run(tmp_path, WITHOUT_PEERS.format(marker=marker), ci=True)
    assert result.returncode == 1
    assert "make peers" in result.stdout


def test_a_missing_peer_skips_elsewhere_and_says_what_to_run(tmp_path: Path) -> None:
    """A developer without the peers still sees the rest."""
    result = run(tmp_path, WITHOUT_PEERS.format(marker="kafka"), ci=False)
    assert result.returncode == 0
    assert "1 skipped" in result.stdout
    assert "make peers" in result.stdout


@pytest.mark.parametrize("marker", ["kafka", "peers", "e2e"])
def test_a_test_that_skips_itself_fails_in_ci(tmp_path: Path, marker: str) -> None:
    """Whatever the reason: a marked test that did not run proves nothing."""
    source = SKIPS_ITSELF.format(marker=marker)
    result = run(tmp_path, f"{WITH_PEERS}{source}", ci=True)
    assert result.returncode == 1
    assert "may not be skipped in CI" in result.stdout
