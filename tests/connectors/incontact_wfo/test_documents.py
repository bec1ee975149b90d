"""The platform's documents say what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from connectors import incontact_wfo
from connectors.incontact_wfo import PLATFORM
from tests.connectors.incontact_wfo.reference import STATEMENTS

HERE = Path(__file__).parent
E2E = HERE.parent.parent / "e2e"
README = (Path(incontact_wfo.__file__).parent / "README.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| (.+?) \| (.+?) \| `(\w+\.py)::(\w+)` \|$", re.MULTILINE)


def section(title: str) -> str:
    return README.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def test_every_statement_of_the_vendors_overview_has_a_row() -> None:
    """In the overview's order, and no other."""
    assert tuple(row[0] for row in ROW.findall(section("The vendor's overview"))) == STATEMENTS


@pytest.mark.parametrize("row", ROW.findall(section("The vendor's overview")), ids=lambda r: r[0])
def test_every_row_names_a_test_that_exists(row: tuple[str, str, str, str]) -> None:
    _statement, _here, file, test = row
    path = HERE / file if (HERE / file).exists() else E2E / file
    assert f"def {test}(" in path.read_text(encoding="utf-8")


def test_every_setting_is_in_the_readme() -> None:
    named = re.findall(r"^\| `(\w+)` \|", section("Settings"), re.MULTILINE)

    assert named == list(PLATFORM.settings.model_fields)


def test_every_event_of_the_table_is_in_the_readme() -> None:
    table = "\n".join(line for line in section("Events").splitlines() if line.startswith("|"))
    named = {f"tieline.{name}.v1" for name in re.findall(r"`([a-z]+(?:\.[a-z_]+)+)`", table)}

    assert named == PLATFORM.events.keys()


@pytest.mark.parametrize("line", PLATFORM.capabilities, ids=lambda line: line.verb.value)
def test_every_command_is_in_the_readme_with_its_arguments_and_proofs(line: object) -> None:
    capability = next(each for each in PLATFORM.capabilities if each is line)
    (row,) = [
        text
        for text in section("Commands").splitlines()
        if text.startswith(f"| `{capability.verb.value}` |")
    ]

    for argument in capability.arguments:
        assert f"`{argument.name}`" in row
    for proof in capability.confirmed_by:
        assert f"`{proof.removeprefix('tieline.').removesuffix('.v1')}`" in row
