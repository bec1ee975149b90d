"""The platform's documents say what the code does."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
import yaml

from connectors import clarity_connect
from connectors.clarity_connect import PLATFORM
from gateway.events import CATALOGUE
from tests.connectors.clarity_connect import vendor_document

HERE = Path(__file__).parent
FOLDER = Path(clarity_connect.__file__).parent
README = (FOLDER / "README.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| (.+?) \| (.+?) \| `(\w+\.py)::(\w+)` \|$", re.MULTILINE)


def section(title: str, level: str = "##") -> str:
    return README.split(f"\n{level} {title}\n", 1)[1].split(f"\n{level} ", 1)[0]


@pytest.mark.parametrize(("part", "count"), [("methods", 37), ("tables", 62)])
def test_every_method_and_table_of_the_vendor_has_a_row(part: str, count: int) -> None:
    """In the vendor's order, and no other."""
    recorded = getattr(vendor_document.recorded(), part)
    rows = [row[0] for row in ROW.findall(section(part.capitalize(), "###"))]

    assert len(recorded) == count
    assert [row.casefold() for row in rows] == [name.casefold() for name in recorded]


def test_the_record_is_of_the_document() -> None:
    """Where a copy of the document is at hand its text is read again."""
    folder = os.environ.get("TIELINE_VENDOR_DOCUMENTS")
    if not folder:
        pytest.skip("TIELINE_VENDOR_DOCUMENTS names no folder with the vendor's documents")
    text = (Path(folder) / vendor_document.NAME).read_text(encoding="utf-8")

    assert vendor_document.names_in(text) == vendor_document.recorded()
    assert vendor_document.digest_of(text) == vendor_document.recorded_digest()


DOCUMENT = """\
Creating a Token Request
With this address one posts.
Things
The Things endpoint has things.
GET THING
• The Get Thing method returns one.
• The Get Thing method is accessible off the Connect Web API Root URL at: /x
Request - HTTP GET
The response is specified in detail at: Thing
Batch
Sending
• The request is accessible at the Connect Web API Root URL: /y
Request & Response Dictionary
This section has them all.
Things
Thing
Field Name | Data Type |
---|---|
id | integer |
The Agent's Id
All Things
The response object is made up of Thing objects.
Response
Field Name | Data Type |
---|---|
items | array |
Log Level:
"""


def test_methods_and_tables_are_found_in_a_document() -> None:
    """Headings of chapters, prose and what stands in tables are none of them."""
    found = vendor_document.names_in(DOCUMENT)

    assert found.methods == ("Creating a Token Request", "GET THING", "Sending")
    assert found.tables == ("Thing", "All Things")


def test_every_row_names_a_test_that_exists() -> None:
    rows = ROW.findall(section("The vendor's document"))

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
