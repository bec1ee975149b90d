"""The guide to a new platform names files and symbols that exist, and its first step can be typed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.repo.checkout import ROOT, files, text

GUIDE = Path("connectors/ADD_A_PLATFORM.md")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
QUOTED = re.compile(r"`([^`\n]+)`")
INVENTED = {"acme_pbx", "UPDATE_GOLDEN"}
TEMPLATE = ("connectors/_template", "tests/connectors/_template")


def quoted() -> set[str]:
    return set(QUOTED.findall(FENCE.sub("", text(GUIDE))))


def sources() -> str:
    """What a symbol of the guide may be defined in: the template, what it builds on, and the contracts."""
    folders = ("connectors/_", "tests/connectors/_template", "tests/contract", "gateway/contracts")
    more = (
        "gateway/commands.py",
        "gateway/errors.py",
        "gateway/events/envelope.py",
        "sinks/file/__init__.py",
    )
    return "\n".join(
        text(path)
        for path in files()
        if path.suffix == ".py" and (str(path).startswith(folders) or str(path) in more)
    )


@pytest.mark.parametrize(
    "name", sorted(n for n in quoted() if re.search(r"\.(py|md|yaml|toml)$", n))
)
def test_a_file_that_the_guide_names_exists(name: str) -> None:
    """Beside the template's files, in its tests, or from the root."""
    as_copied = name.replace("acme_pbx", "_template").removeprefix("pytest ")
    places = [ROOT, *(ROOT / folder for folder in TEMPLATE)]
    assert any((place / as_copied).is_file() for place in places)


@pytest.mark.parametrize(
    "name", sorted(n for n in quoted() if re.fullmatch(r"[A-Z]\w+|test_\w+|[a-z]+_[a-z_]+", n))
)
def test_a_symbol_that_the_guide_names_exists(name: str) -> None:
    """A class, a function, a constant or a member of an enumeration."""
    if name in INVENTED:
        return
    defined = rf"(class|def) {name}\b|^ *{name}\b.*[:=]|import .*\b{name}\b"
    assert re.search(defined, sources(), re.MULTILINE)
