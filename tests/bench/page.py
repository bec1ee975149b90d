"""`python -m tests.bench.page r.json`: from a report, the pictures beside the README and the tables for it.

Writes `pictures/*.svg` and replaces what stands between the two marks in README.md.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.bench import drawing
from tests.bench.drawing import Bar, Curve
from tests.bench.parts import PARTS
from tests.bench.report import Figure, Results, cells, readable
from tests.bench.rivals import RIVALS

HERE = Path(__file__).parent
README = HERE / "README.md"
PICTURES = HERE / "pictures"
BEGIN, END = "<!-- results -->", "<!-- end of results -->"
RIVAL_FIGURES = {
    "messages to Kafka, sustained": "messages/s",
    "delay at 1,000/s, p50": "p50 ms",
    "delay at 1,000/s, p99": "p99 ms",
    "processor time per message": "µs/message",
    "resident memory under that load": "MiB",
    "lost at kill -9": "lost at kill -9",
    "doubled at kill -9": "doubled at kill -9",
}

UNITS = {"feeds": "µs", "journal": "µs", "delay": "ms", "memory": "MiB"}
TITLES = {
    "peers": "Beside others: the same messages, the same broker",
    "feeds": "Processor time per event, by feeds",
    "journal": "Processor time per event, by events in the journal",
    "delay": "Platform to Kafka reader, by events a second",
    "memory": "Resident memory, by idle sessions",
}
RIVAL_BARS = {
    "messages a second": "messages/s",
    "p99 ms": "p99 ms at 1,000/s",
    "µs per message": "µs of processor per message",
    "MiB": "MiB resident",
    "lost": "lost at kill -9",
}


def tables(results: Results) -> str:
    """The Markdown between the marks."""
    lines = ["| Figure | Value | Reference | Ratio | Target |", "|---|---|---|---|---|"]
    notes = []
    for name in _measured(results):
        for figure in results.parts[name].figures:
            if figure.series.startswith("peers:"):
                continue
            title, value, against, reference, ratio = cells(figure)
            beside = f"{against}: {reference}" if reference else ""
            lines.append(f"| {title} | {value} | {beside} | {ratio} | {figure.verdict} |")
            if figure.note:
                notes.append(f"- {title}: {figure.note}.")
    machine = ", ".join(f"{name} {value}" for name, value in results.machine.items())
    shown = [f"![{title}](pictures/{name}.svg)" for name, title in _drawn(results)]
    return "\n".join(
        [
            f"Machine: {machine}.",
            "",
            *lines,
            "",
            *_rivals(results),
            *[line for one in shown for line in (one, "")],
            "How each part was measured: load average when it began, commit, time.",
            "",
            *_circumstances(results),
            "",
            "<details><summary>Notes of the figures</summary>",
            "",
            *notes,
            "",
            "</details>",
        ]
    )


def rewritten(page: str, between: str) -> str:
    """The page with something else between the marks. Raises ValueError where they are missing."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page needs a line {BEGIN} and a line {END}")
    return f"{before}{BEGIN}\n{between}\n{END}{after}"


def _rivals(results: Results) -> list[str]:
    part = results.parts.get("peers")
    if part is None:
        return []
    lines = [
        "| " + " | ".join(["Program (feed)", *RIVAL_FIGURES.values()]) + " |",
        "|" + "---|" * (len(RIVAL_FIGURES) + 1),
    ]
    for kind in RIVALS:
        title = f"{kind.name} ({kind.feed})"
        own = {
            one.name.removeprefix(f"{title}: "): one
            for one in part.figures
            if one.name.startswith(f"{title}: ")
        }
        row = [readable(own[name].value) if name in own else "" for name in RIVAL_FIGURES]
        lines.append(f"| {title} | " + " | ".join(row) + " |")
    notes = [f"- {one.name}: {one.note}." for one in part.figures if one.note]
    return [*lines, "", *notes, ""]


def _measured(results: Results) -> list[str]:
    """The parts that there are, in the order of a whole run."""
    return [name for name in PARTS if name in results.parts]


def _circumstances(results: Results) -> list[str]:
    lines = ["| Part | Load | Commit | Began | Rounds |", "|---|---|---|---|---|"]
    for name in _measured(results):
        part = results.parts[name]
        rounds = "short" if part.quick else "long"
        lines.append(f"| `{name}` | {part.load:g} | {part.revision} | {part.began} | {rounds} |")
    return lines


def _drawn(results: Results) -> list[tuple[str, str]]:
    """Name and title of the pictures of what the report has."""
    made = pictures(results.figures)
    return [(name, title) for name, title in TITLES.items() if f"{name}.svg" in made]


def pictures(figures: Sequence[Figure]) -> dict[str, str]:
    """SVG by file name, of what there is."""
    made = {}
    for name, unit in UNITS.items():
        if found := _curves(figures, name):
            made[f"{name}.svg"] = drawing.curves(TITLES[name], unit, found)
    groups = [
        (title, found)
        for series, title in RIVAL_BARS.items()
        if (found := _bars(figures, f"peers: {series}"))
    ]
    if groups:
        made["peers.svg"] = drawing.bars(TITLES["peers"], groups)
    return made


def _curves(figures: Iterable[Figure], name: str) -> list[Curve]:
    """Those of one picture: the series is its name and the curve's."""
    found: dict[str, list[tuple[float, float]]] = {}
    for one in figures:
        picture, _, curve = one.series.partition(": ")
        if picture == name and one.x is not None:
            found.setdefault(curve, []).append((one.x, one.value))
    return [Curve(curve, sorted(points)) for curve, points in found.items() if len(points) > 1]


def _bars(figures: Iterable[Figure], series: str) -> list[Bar]:
    return [
        Bar(one.name.partition(":")[0], one.value, readable(one.value))
        for one in figures
        if one.series == series
    ]


def main(argv: Sequence[str] | None = None) -> int:
    """Write both; returns the exit code."""
    parser = argparse.ArgumentParser(prog="tests.bench.page", description=__doc__)
    parser.add_argument("report", type=Path)
    chosen = parser.parse_args(argv)
    results = Results.read(chosen.report)
    PICTURES.mkdir(exist_ok=True)
    for name, text in pictures(results.figures).items():
        (PICTURES / name).write_text(text, encoding="utf-8")
    text = README.read_text(encoding="utf-8")
    README.write_text(rewritten(text, tables(results)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
