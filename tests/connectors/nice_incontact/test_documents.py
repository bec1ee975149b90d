"""The platform's documents say what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from connectors import nice_incontact
from connectors.nice_incontact import PLATFORM
from gateway.events import CATALOGUE

FOLDER = Path(nice_incontact.__file__).parent
README = (FOLDER / "README.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return README.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def test_every_setting_is_in_the_readme() -> None:
    named = re.findall(r"^\| `(\w+)` \|", section("Settings"), re.MULTILINE)

    assert named == list(PLATFORM.settings.model_fields)


def test_every_event_of_the_table_exists_and_is_in_the_readme() -> None:
    found = section("Events") + (section("Polling") if "\n## Polling\n" in README else "")
    table = "\n".join(line for line in found.splitlines() if line.startswith("|"))
    named = {f"tieline.{name}.v1" for name in re.findall(r"`([a-z]+(?:\.[a-z_]+)+)`", table)}

    assert PLATFORM.events.keys() <= CATALOGUE.keys()
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


def test_every_way_to_sign_in_has_its_row() -> None:
    rows = re.findall(r"^\| `(\w+)` \| `", section("Signing in"), re.MULTILINE)
    method = PLATFORM.settings.model_fields["sign_in"].annotation
    assert method is not None
    choices = method.model_fields["method"].annotation.__args__

    assert tuple(rows) == choices


def test_the_sample_loads() -> None:
    block = yaml.safe_load((FOLDER / "sample.yaml").read_text(encoding="utf-8"))

    assert block.pop("platform") == "nice_incontact"
    assert block.pop("name")
    PLATFORM.settings.model_validate(block)
