"""The tables of settings in the README."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel

from config import reference


def test_the_readme_has_the_settings_of_now() -> None:
    """Run `python -m config.reference` after changing a model."""
    text = reference.README.read_text(encoding="utf-8")
    assert text == reference.replace_tables(text)


def test_every_setting_says_what_it_means() -> None:
    """No row of the tables has an empty meaning."""
    rows = [line for line in reference.render().splitlines() if line.startswith("| `")]
    assert len(rows) > 25
    assert [row for row in rows if row.endswith("|  |")] == []


def test_the_table_follows_nested_models() -> None:
    """A list of models is shown with its items, an optional path as a path."""

    class Inner(BaseModel):
        size: int = 3

    class Outer(BaseModel):
        inner: list[Inner]
        file: Path | None = None

    assert reference.table(Outer, "x.").splitlines()[2:] == [
        "| `x.inner` | list of mappings | required |  |",
        "| `x.inner[].size` | whole number | `3` |  |",
        "| `x.file` | path | none |  |",
    ]
