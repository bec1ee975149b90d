"""The list of events is the catalogue's."""

from __future__ import annotations

from gateway.events import CATALOGUE
from tests.repo import events_reference


def test_the_list_of_events_is_the_one_of_now() -> None:
    """Run `python -m tests.repo.events_reference` after changing the catalogue."""
    text = events_reference.README.read_text(encoding="utf-8")
    assert text == events_reference.replace_list(text)


def test_every_type_is_listed_once() -> None:
    """A consumer finds each type, however the list is laid out."""
    text = events_reference.README.read_text(encoding="utf-8")
    assert [name for name in CATALOGUE if text.count(f"`{name}` |") != 1] == []
