"""The platform's documents say what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from connectors import clarity_connect
from connectors.clarity_connect import PLATFORM
from gateway.events import CATALOGUE
from tests.connectors.clarity_connect.reference import METHODS, TABLES

HERE = Path(__file__).parent
FOLDER = Path(clarity_connect.__file__).parent
README = (FOLDER / "README.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| (.+?) \| (.+?) \| `(\w+\.py)::(\w+)` \|$", re.MULTILINE)


def section(title: str, level: str = "##") -> str:
    return README.split(f"\n{level} {title}\n", 1)[1].split(f"\n{level} ", 1)[0]


def test_every_method_and_table_of_the_vendor_has_a_row() -> None:
    """In the vendor's order, and no other."""
    assert tuple(row[0] for row in ROW.findall(section("Methods", "###"))) == METHODS
    assert tuple(row[0] for row in ROW.findall(section("Tables", "###"))) == TABLES


def test_every_row_names_a_test_that_exists() -> None:
    rows = ROW.findall(section("The vendor's document"))

    assert len(rows) == len(METHODS) + len(TABLES)
    for _name, _here, file, test in rows:
        assert f"def {test}(" in (HERE / file).read_text(encoding="utf-8"), test


def test_every_setting_is_in_the_readme() -> None:
    named = re.findall(r"^\| `(\w+)` \|", section("Settings"), re.MULTILINE)

    assert named == list(PLATFORM.settings.model_fields)


def test_every_event_of_the_table_exists_and_is_in_the_readme() -> None:
    table = "\n".join(line for line in section("Events").splitlines() if line.startswith("|"))
    named = {f"tieline.{name}.v1" for name in re.findall(r"`([a-z]+(?:\.[a-z_]+)+)`", table)}

    assert PLATFORM.events.keys() <= CATALOGUE.keys()
    assert named == PLATFORM.events.keys()


@pytest.mark.parametrize("line", PLATFORM.capabilities, ids=lambda line: line.verb.value)
def test_every_command_is_in_the_readme_with_its_arguments_and_proofs(line: object) -> None:
    capability = next(each for each in PLATFORM.capabilities if each is line)
    (row,) = [
        text
        for text in section("Commands").splitlines()
        if f"| `{capability.verb.value}` |" in text
    ]

    for argument in capability.arguments:
        assert f"`{argument.name}`" in row
    for proof in capability.confirmed_by:
        assert f"`{proof.removeprefix('tieline.').removesuffix('.v1')}`" in row


def test_the_sample_loads() -> None:
    block = yaml.safe_load((FOLDER / "sample.yaml").read_text(encoding="utf-8"))

    assert block.pop("platform") == PLATFORM.name
    assert block.pop("name")
    PLATFORM.settings.model_validate(block)
