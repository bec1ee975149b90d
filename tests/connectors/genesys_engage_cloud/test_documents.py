"""The platform's documents say what the code does, and leave nothing of the vendor's introduction out."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import yaml

from connectors import genesys_engage_cloud
from connectors.genesys_engage_cloud import PLATFORM
from gateway.events import CATALOGUE

FOLDER = Path(genesys_engage_cloud.__file__).parent
TESTS = Path(__file__).parent
README = (FOLDER / "README.md").read_text(encoding="utf-8")
SAMPLE = (FOLDER / "sample.yaml").read_text(encoding="utf-8")
STATEMENTS = "The introduction to the APIs, statement by statement"

# The lines of the introduction that state something about the interface: authentication, CometD, requests
# with their sample, the codes of an answer with their samples, errors that come as notifications.
STATING_LINES = {
    7,
    8,
    *range(9, 18),
    *range(18, 33),
    *range(33, 40),
    43,
    44,
    46,
    *range(48, 58),
    58,
}


def section(title: str) -> str:
    return README.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def statements() -> list[tuple[set[int], str]]:
    """The lines that each row covers, and what holds it."""
    found = []
    for row in section(STATEMENTS).splitlines():
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        if cells[0][:1].isdigit():
            first, _, last = cells[0].partition("-")
            found.append((set(range(int(first), int(last or first) + 1)), cells[2]))
    return found


def test_the_sample_loads_and_is_shown() -> None:
    block = yaml.safe_load(SAMPLE)
    shown = "\n".join(line for line in SAMPLE.splitlines() if not line.startswith("#"))

    assert block.pop("platform") == PLATFORM.name
    assert block.pop("name")
    PLATFORM.settings.model_validate(block)
    assert f"```yaml\n{shown}\n```" in README


def test_every_setting_is_in_the_readme_in_its_order() -> None:
    fields = PLATFORM.settings.model_fields

    assert re.findall(r"^\| `(\w+)` \|", section("Settings"), re.MULTILINE) == list(fields)


def test_every_event_of_the_table_exists_and_is_in_the_readme() -> None:
    named = {
        f"tieline.{name}.v1" for name in re.findall(r"`([a-z]+(?:\.[a-z_]+)+)`", section("Events"))
    }

    assert PLATFORM.events.keys() <= CATALOGUE.keys()
    assert named & CATALOGUE.keys() == PLATFORM.events.keys()


@pytest.mark.parametrize("line", PLATFORM.capabilities, ids=lambda line: line.verb.value)
def test_every_command_is_in_the_readme_with_its_arguments_and_proofs(line: object) -> None:
    capability = next(each for each in PLATFORM.capabilities if each is line)
    (row,) = [
        text
        for text in section("Commands").splitlines()
        if f"| `{capability.verb.value}` |" in text
    ]

    for argument in capability.arguments:
        if argument.name not in {"location", "data", "mode"}:
            assert f"`{argument.name}`" in row
    for proof in capability.confirmed_by:
        assert f"`{proof.removeprefix('tieline.').removesuffix('.v1')}`" in row
    assert ", ".join(capability.target) in row


def test_every_statement_of_the_introduction_is_in_the_table() -> None:
    covered = set().union(*(lines for lines, _ in statements()))

    assert covered == STATING_LINES


@pytest.mark.parametrize("held", [held for _, held in statements()])
def test_the_tests_that_the_table_names_exist(held: str) -> None:
    module, _, name = held.partition(": ")
    tree = ast.parse((TESTS / f"{module}.py").read_text(encoding="utf-8"))
    functions = {
        node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }

    assert name in functions
