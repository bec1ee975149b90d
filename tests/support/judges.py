"""Programs that judge the files in `deploy/`; `tests/deploy/install` brings them."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.processes import PeerError

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
INSTALLED = ROOT / "tests" / "deploy" / ".installed"
_PLACES = os.pathsep.join(
    [str(INSTALLED / "bin"), str(INSTALLED / "python" / "bin"), os.environ.get("PATH", "")]
)


def program(name: str) -> str:
    """The path of a program; PeerError when it is not installed."""
    found = shutil.which(name, path=_PLACES)
    if found is None:
        raise PeerError(f"{name} is not installed: run `make peers`")
    return found


def from_go(name: str) -> str:
    """The path of a program that only a machine with Go can have: a test without it is skipped, and so fails in CI."""
    if shutil.which(name, path=_PLACES) is None:
        pytest.skip(f"{name} is built from its Go module, and there is no Go here")
    return program(name)


def judge(*arguments: str, text: str | None = None) -> str:
    """Run a program in the repository; returns what it said on both outputs. Fails the test when it objects."""
    done = subprocess.run(
        [program(arguments[0]), *arguments[1:]],
        cwd=ROOT,
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(arguments)}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr
