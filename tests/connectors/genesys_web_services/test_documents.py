"""The platform's documents say what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from connectors import genesys_web_services
from connectors.genesys_web_services import PLATFORM
from gateway.events import CATALOGUE

FOLDER = Path(genesys_web_services.__file__).parent
README = (FOLDER / "README.md").read_text(encoding="utf-8")
SAMPLE = (FOLDER / "sample.yaml").read_text(encoding="utf-8")


def section(title: str) -> str:
    return README.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def test_the_sample_loads() -> None:
    block = yaml.safe_load(SAMPLE)

    assert block.pop("platform") == PLATFORM.name
    assert block.pop("name")
    PLATFORM.settings.model_validate(block)


def test_the_readme_shows_the_sample() -> None:
    shown = "\n".join(line for line in SAMPLE.splitlines() if not line.startswith("#"))

    assert f"```yaml\n{shown}\n```" in README


def test_every_setting_is_in_the_readme_and_described() -> None:
    fields = PLATFORM.settings.model_fields

    assert re.findall(r"^\| `(\w+)` \|", section("Settings"), re.MULTILINE) == list(fields)
    assert all(field.description for field in fields.values())


def test_every_event_of_the_table_exists_and_is_in_the_readme() -> None:
    named = {
        f"tieline.{name}.v1" for name in re.findall(r"`([a-z]+(?:\.[a-z_]+)+)`", section("Events"))
    }

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
    assert ", ".join(capability.target) in row


def test_the_quality_list_has_only_done_and_exempt_with_a_reason() -> None:
    rules = yaml.safe_load((FOLDER / "quality.yaml").read_text(encoding="utf-8"))["rules"]

    for name, rule in rules.items():
        status = rule if isinstance(rule, str) else rule["status"]
        assert status == "done" or (status == "exempt" and rule["reason"]), name
