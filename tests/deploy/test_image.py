"""The image: what a linter says of the Dockerfile, and that it gets every file it names and nothing else."""

from __future__ import annotations

import re

import pytest

from tests.support.judges import ROOT, judge

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


@pytest.mark.peers
def test_the_linter_finds_no_fault() -> None:
    judge("hadolint", "Dockerfile")


def test_the_ignore_file_lets_in_what_is_copied_and_nothing_else() -> None:
    copied = {
        source
        for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
        for source in line.split()[:-1]
    }
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert {line[1:] for line in lines if line.startswith("!")} == copied
    assert all((ROOT / source).exists() for source in copied)


def test_the_image_has_no_rights_and_gets_signals_itself() -> None:
    assert re.search(r"^USER 10001:10001$", DOCKERFILE, re.MULTILINE)
    assert re.search(r'^ENTRYPOINT \["tieline"\]$', DOCKERFILE, re.MULTILINE)
