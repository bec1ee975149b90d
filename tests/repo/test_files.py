"""What must not be in the repository, and how large its files may be."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.repo.checkout import files, product_files, text

MOST_LINES = 450
MANY_LINES = 400

# Written in parts, so that this file does not hold them.
REGISTRIES = "|".join(
    re.escape(".".join(parts))
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("registry", "npmjs"),
        ("repo1", "maven"),
        ("repo", "maven"),
        ("proxy", "golang"),
    )
)
LEFT_BEHIND = "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X"))
MACHINE_PATHS = (
    r"(?<![\w.~-])/(" + "|".join(("wo" + "rk", "tm" + "p", "ro" + "ot", "ho" + "me")) + ")/"
)
TEXT = {".py", ".md", ".toml", ".yaml", ".json", ".lock", ".xml", ".mjs", ".java", ".txt", ""}


def found(pattern: str, suffixes: set[str]) -> list[str]:
    matcher = re.compile(pattern)
    return [
        f"{path}:{number}"
        for path in files()
        if path.suffix in suffixes and path.name != "LICENSE"
        for number, line in enumerate(text(path).splitlines(), 1)
        if matcher.search(line)
    ]


def test_no_file_names_a_package_registry() -> None:
    """Where packages come from is the machine's business, in lock files too."""
    assert found(REGISTRIES, TEXT) == []


def test_no_file_holds_a_path_of_somebodys_machine() -> None:
    """A path that exists in one place is wrong in every other."""
    assert found(MACHINE_PATHS, TEXT) == []


def test_nothing_is_left_behind_in_code() -> None:
    """A note to oneself is an issue or a line of a checklist, not a comment."""
    assert found(rf"\b({LEFT_BEHIND})\b", {".py", ".mjs", ".java"}) == []


@pytest.mark.parametrize("path", product_files(), ids=str)
def test_a_product_file_is_of_one_idea(path: Path) -> None:
    """Past 450 lines there are two ideas in a file; past 400 it says so, with `pytest -rP`."""
    lines = len(text(path).splitlines())
    if lines > MANY_LINES:
        print(f"{path} has {lines} lines")  # noqa: T201 - shown by pytest -rP
    assert lines <= MOST_LINES
