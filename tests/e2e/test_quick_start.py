"""The newcomer's path: the commands of the README, as they are written, lead to events in Kafka."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.kafka import KafkaBroker
from tests.support.processes import free_port

pytestmark = [pytest.mark.e2e, pytest.mark.kafka, pytest.mark.timeout(240)]

ROOT = Path(__file__).parents[2]
SHELL = re.compile(r"^```\n(.*?)^```", re.MULTILINE | re.DOTALL)
NOT_HERE = {"make install", "docker", "make broker"}
"""What makes the environment and the broker: the tests have both."""


def blocks() -> list[str]:
    """The blocks of the quick start, in order."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    section = readme.split("\n## Quick start")[1].split("\n## ")[0]
    return SHELL.findall(section)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What a clone has, with the environment of the tests."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "gateway", "connectors", "sinks", "config"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    return tmp_path


def test_each_block_is_run_or_is_there_already() -> None:
    """Nothing of the quick start is left out unseen."""
    left_out = [block for block in blocks() if block.startswith(tuple(NOT_HERE))]
    assert len(left_out) == len(NOT_HERE)
    assert len(blocks()) == len(NOT_HERE) + 4


async def test_the_commands_of_the_readme_lead_to_events_in_kafka(
    checkout: Path, kafka: KafkaBroker, topic: str
) -> None:
    """Ten events are read, and a command is done; ports and the topic are those of this run."""
    script = "".join(block for block in blocks() if not block.startswith(tuple(NOT_HERE)))
    api = free_port()
    for written, here in {
        "127.0.0.1:9092": kafka.bootstrap_servers,
        "8090": str(free_port()),
        "tieline.events": topic,
    }.items():
        assert written in script
        script = script.replace(written, here)
    environment = os.environ | {
        "PYTHONPATH": str(checkout),
        "TIELINE_GATEWAY__API__PORT": str(api),
        "TIELINE_API": f"http://127.0.0.1:{api}",
    }
    printed = checkout / "printed"
    with printed.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            "bash", "-euo", "pipefail", "-c", script,
            cwd=checkout,
            env=environment,
            stdout=output,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
    try:
        async with asyncio.timeout(150):
            status = await process.wait()
    finally:
        # The shell leads a group that has everything it started.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        said = printed.read_text(encoding="utf-8")
    assert status == 0, said
    events = re.findall(r"^tieline\.\S+\.v1 \S+/\S+ (\{.*\})$", said, re.MULTILINE)
    assert len([json.loads(data) for data in events]) == 10, said
    assert re.search(r"^status +done$", said, re.MULTILINE), said
    assert re.search(r"^gws +agent0001 +not_ready\b", said, re.MULTILINE), said
