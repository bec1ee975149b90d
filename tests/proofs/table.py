"""The table of proofs in the API's README: for every verb, what proved it on each platform."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path

import gateway.api
from gateway.commands import Verb

README = Path(gateway.api.__file__).parent / "README.md"
BEGIN = "<!-- proofs: made by `python -m tests.proofs` -->"
END = "<!-- end of proofs -->"

Proofs = Mapping[Verb, AbstractSet[str]]


def render(proofs: Mapping[str, Proofs]) -> str:
    """The table, with a column for each platform."""
    verbs = [verb for verb in Verb if any(verb in found for found in proofs.values())]
    lines = [
        f"| Verb | {' | '.join(f'`{name}`' for name in proofs)} |",
        f"|---|{'---|' * len(proofs)}",
    ]
    lines += [
        f"| `{verb.value}` | {' | '.join(_cell(found.get(verb, ())) for found in proofs.values())} |"
        for verb in verbs
    ]
    return "\n".join(lines)


def published() -> dict[str, dict[str, str]]:
    """The columns of the README's table: platform to verb to cell."""
    _, _, rest = README.read_text(encoding="utf-8").partition(BEGIN)
    table, _, _ = rest.partition(END)
    rows = [
        [
            cell.strip().strip("`") if place == 0 else cell.strip()
            for place, cell in enumerate(line.strip("|").split("|"))
        ]
        for line in table.strip().splitlines()
        if not line.startswith("|---")
    ]
    head, *body = rows
    return {
        name.strip("`"): {row[0]: row[place] for row in body if row[place]}
        for place, name in enumerate(head)
        if place
    }


def column(found: Proofs) -> dict[str, str]:
    """A platform's column, as `published` gives it."""
    return {verb.value: _cell(kinds) for verb, kinds in found.items()}


def write(proofs: Mapping[str, Proofs]) -> None:
    """Put the table into the README."""
    text = README.read_text(encoding="utf-8")
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    README.write_text(f"{head}{BEGIN}\n\n{render(proofs)}\n\n{END}{tail}", encoding="utf-8")


def _cell(kinds: AbstractSet[str] | tuple[()]) -> str:
    return ", ".join(f"`{kind}`" if "." in kind else kind for kind in sorted(kinds))
