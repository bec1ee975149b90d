"""The list of events in `gateway/events/README.md`, made from the catalogue.

`python -m tests.repo.events_reference` writes it anew.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from itertools import groupby

import msgspec

from gateway.events import CATALOGUE, Data, EventType
from tests.repo.checkout import ROOT

README = ROOT / "gateway" / "events" / "README.md"
BEGIN = "<!-- events: made by `python -m tests.repo.events_reference` -->"
END = "<!-- end of events -->"


def render() -> str:
    """Every type, by noun and by the data that it carries."""
    parts = []
    for noun, entries in groupby(CATALOGUE.values(), key=lambda entry: entry.noun):
        parts.append(f"### {noun}")
        parts += [
            _group(data, list(same)) for data, same in groupby(entries, lambda entry: entry.data)
        ]
    return "\n\n".join(parts)


def _group(data: type[Data], entries: list[EventType]) -> str:
    meaning = inspect.getdoc(data)
    assert meaning is not None
    rows = [
        f"| `{entry.name}` | `{entry.subject}/<id>` | {entry.classification.value} |"
        for entry in entries
    ]
    return "\n".join(
        [
            meaning.splitlines()[0],
            "",
            "| Type | Subject | Classification |",
            "|---|---|---|",
            *rows,
            "",
            f"Data: {', '.join(_fields(data))}",
        ]
    )


def _fields(data: type[Data]) -> Iterator[str]:
    for field in msgspec.structs.fields(data):
        yield f"**`{field.encode_name}`**" if field.required else f"`{field.encode_name}`"


def replace_list(text: str) -> str:
    """The README's text with the list of now."""
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n\n{render()}\n\n{END}{tail}"


if __name__ == "__main__":
    README.write_text(replace_list(README.read_text(encoding="utf-8")), encoding="utf-8")
