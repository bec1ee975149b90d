"""The receivers of the page for consumers, in three languages, run as they stand there on signed requests."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sinks.webhook.signing import Signer
from tests.sinks.webhook.receiver import SECRET
from tests.support.examples import example
from tests.support.processes import PeerError

pytestmark = pytest.mark.peers

BODY = '{"id": "1", "data": {"name": "Zoë"}}'.encode()
ROTATED = "whsec_" + "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB"


def command(language: str, directory: Path) -> list[str]:
    """How the program of a language is run; it is written into the directory."""
    names = {"python": "verify.py", "javascript": "verify.mjs", "java": "Verify.java"}
    program = directory / names[language]
    program.write_text(example(language), encoding="utf-8")
    runner = {"python": sys.executable, "javascript": "node", "java": "java"}[language]
    if shutil.which(runner) is None:
        raise PeerError(f"{runner} is not installed: run `make peers`")
    return [runner, str(program)]


def verdict(arguments: list[str], headers: dict[str, str], body: bytes) -> int:
    """What the program says of a request: 0 or 1."""
    facts = {name.upper().replace("-", "_"): value for name, value in headers.items()}
    done = subprocess.run(
        arguments,
        input=body,
        env={**os.environ, "SECRET": SECRET, **facts},
        capture_output=True,
        check=False,
    )
    assert done.stderr == b""
    return done.returncode


@pytest.mark.parametrize("language", ["python", "javascript", "java"])
def test_a_genuine_request_is_told_from_all_others(language: str, tmp_path: Path) -> None:
    """Signed by us, also while secrets are rotated: yes. Changed, signed by another, or old: no."""
    program = command(language, tmp_path)
    now = datetime.now(UTC)

    def judged(*secrets: str, body: bytes = BODY, at: datetime = now) -> int:
        headers = dict(Signer(secrets).headers("msg_1", BODY, at))
        return verdict(program, headers, body)

    assert judged(SECRET) == 0
    assert judged(ROTATED, SECRET) == 0
    assert judged(SECRET, body=BODY.replace(b"1", b"2")) == 1
    assert judged(ROTATED) == 1
    assert judged(SECRET, at=now - timedelta(minutes=6)) == 1
