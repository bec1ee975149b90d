"""The unit, judged by systemd's own tools."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from gateway.cli.run import EXIT_CONFIG, EXIT_JOURNAL
from tests.support.judges import DEPLOY, judge

UNIT = DEPLOY / "systemd" / "tieline.service"
# systemd's own measure, from 0 to 10; a service without any hardening has 9.6.
WORST_EXPOSURE = 1.5


def setting(name: str) -> str:
    """The value of a setting of the unit."""
    (value,) = re.findall(rf"^{name}=(.*)$", UNIT.read_text(encoding="utf-8"), re.MULTILINE)
    return str(value)


@pytest.mark.peers
def test_systemd_understands_every_line(tmp_path: Path) -> None:
    """The program of the unit is not on this machine: one that is takes its place."""
    here = tmp_path / UNIT.name
    text = UNIT.read_text(encoding="utf-8").replace("/opt/tieline/venv/bin/tieline", sys.executable)
    here.write_text(text.replace("file:/opt/tieline/deploy/README.md", "file:/etc/hostname"))
    said = judge("systemd-analyze", "verify", "--man=no", str(here))
    assert "tieline.service" not in said, said


@pytest.mark.peers
def test_the_service_is_confined() -> None:
    said = judge("systemd-analyze", "security", "--offline=true", str(UNIT))
    exposure = re.search(r"exposure level for tieline.service: ([\d.]+)", said)
    assert exposure, said
    assert float(exposure[1]) <= WORST_EXPOSURE


def test_the_run_book_and_the_unit_agree() -> None:
    """The stop takes what the drain may take, and codes that a restart does not mend end it."""
    assert setting("TimeoutStopSec") == str(25 + 15)
    prevented = set(setting("RestartPreventExitStatus").split())
    assert prevented == {str(EXIT_CONFIG), str(EXIT_JOURNAL)}
