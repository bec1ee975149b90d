"""`tieline demo` as a user runs it."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import msgspec
import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


async def test_the_demo_accounts_for_everything(tmp_path: Path) -> None:
    """It ends with 0, and its report says: nothing lost, nothing doubled, all delivered, commands done."""
    report = tmp_path / "report.json"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", "demo", "--for", "5", "--report", str(report)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    told = msgspec.json.decode(report.read_bytes())
    assert (told["lost"], told["duplicates"]) == (0, 0)
    assert told["duration_s"] >= 5
    assert len(told["platforms"]) == 5
    for figures in told["platforms"].values():
        assert figures["published"] > 0
        assert figures["journalled"] == figures["published"]
        assert set(figures["delivered"].values()) == {figures["published"]}
        assert figures["commands"].get("done", 0) >= 1, told
