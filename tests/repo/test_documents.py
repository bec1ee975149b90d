"""Documents: links resolve, records are numbered, the changelog is open, commands and targets exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from config import load
from gateway import cli
from gateway.registry import Registry
from tests.repo.checkout import ROOT, documents, product_files, rows, text

FENCE = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
RECORDS = Path("gateway/adr")
SECTIONS = ("## Context", "## Decision", "## Consequences")


def headings(document: Path) -> set[str]:
    """The anchors of a document, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", FENCE.sub("", text(document)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("document", documents(), ids=str)
def test_links_within_the_repository_resolve(document: Path) -> None:
    """A link leads to a file or folder, and to a heading of it if it names one."""
    broken = []
    for target in LINK.findall(FENCE.sub("", text(document))):
        if re.match(r"[a-z]+:", target):
            continue
        place, _, anchor = target.partition("#")
        path = (ROOT / document.parent / place).resolve() if place else ROOT / document
        if not path.exists() or (anchor and anchor not in headings(path.relative_to(ROOT))):
            broken.append(target)
    assert broken == []


def records() -> list[Path]:
    return sorted(path for path in documents() if path.parent == RECORDS and path.name[0].isdigit())


def test_decision_records_are_numbered_without_holes_and_listed() -> None:
    """A record that is not in the list is not found; a hole is a record that somebody removed."""
    names = [path.name for path in records()]
    assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1))
    listed = [LINK.findall(cells[0]) for cells in rows(RECORDS / "README.md", "# Decision records")]
    assert listed == [[name] for name in names]


@pytest.mark.parametrize("record", records(), ids=lambda path: path.name)
def test_a_decision_record_has_its_number_and_its_parts(record: Path) -> None:
    """Context, decision, consequences, in this order."""
    content = text(record)
    assert re.match(rf"# (ADR )?{record.name[:4]}: ", content)
    places = [content.find(section) for section in SECTIONS]
    assert places == sorted(places)
    assert -1 not in places


def test_the_changelog_has_an_unreleased_section_on_top() -> None:
    """There is a place for the next line, and only sections that Keep a Changelog knows."""
    content = text(Path("CHANGELOG.md"))
    assert re.findall(r"^## (.+)$", content, re.MULTILINE)[0] == "[Unreleased]"
    sections = set(re.findall(r"^### (.+)$", content, re.MULTILINE))
    assert sections <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert re.search(r"^- ", content, re.MULTILINE)


def test_the_configuration_in_the_readme_is_right(tmp_path: Path) -> None:
    """What a reader copies first works, without a warning."""
    block = re.search(r"```yaml\n(.*?)```", text(Path("README.md")), re.DOTALL)
    assert block is not None
    path = tmp_path / "tieline.yaml"
    path.write_text(block[1])
    config = load(path, {"GWS_PASSWORD": "secret"}, registry=Registry())
    assert config.warnings == ()
    assert [sink.name for sink in config.sinks] == ["lake", "log"]


def test_documents_and_hints_name_only_commands_that_exist() -> None:
    """`tieline something`, in a document or in a message to the operator, can be typed."""
    commands = {name.replace("_", "-") for name in cli.MODULES}
    named = {
        (str(document), word)
        for document in (*documents(), *product_files())
        for word in re.findall(r"(?:`|^ *)tieline ([a-z][a-z-]*)\b", text(document), re.MULTILINE)
    }
    assert named
    assert {(document, word) for document, word in named if word not in commands} == set()


def test_documents_name_only_targets_that_exist() -> None:
    """`make something` in a document can be typed."""
    targets = set(re.findall(r"^([a-z-]+):", text(Path("Makefile")), re.MULTILINE))
    named = {
        (str(document), word)
        for document in documents()
        for word in re.findall(r"(?:`|^ *)make ([a-z-]+)\b", text(document), re.MULTILINE)
    }
    assert named
    assert {(document, word) for document, word in named if word not in targets} == set()
