"""Figures beside their references and targets: as a table, and as JSON that several runs can fill part by part."""

from __future__ import annotations

import datetime as dt
import json
import os
import platform
import sqlite3
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

_THREE_DIGITS = 100


@dataclass(frozen=True, kw_only=True)
class Target:
    """What a figure is to reach: a bound of its value, or of its ratio to the reference."""

    bound: float
    at_least: bool = False
    of_ratio: bool = False

    def met(self, figure: Figure) -> bool:
        """Whether the figure reaches it; a ratio without a reference does not."""
        reached = figure.ratio if self.of_ratio else figure.value
        if reached is None:
            return False
        return reached >= self.bound if self.at_least else reached <= self.bound

    def words(self, unit: str) -> str:
        """For a table."""
        comparison = "at least" if self.at_least else "at most"
        return f"{comparison} {readable(self.bound)} " + ("x" if self.of_ratio else unit)


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One measured value and what it is compared with; `ratio` is value by reference.

    `series`, a picture's name and a curve's or bar's, and `x`, what was varied, are for pictures.
    """

    name: str
    value: float
    unit: str
    against: str = ""
    reference: float | None = None
    note: str = ""
    targets: tuple[Target, ...] = ()
    series: str = ""
    x: float | None = None

    @property
    def ratio(self) -> float | None:
        """How many times the reference."""
        return self.value / self.reference if self.reference else None

    @property
    def verdict(self) -> str:
        """The targets and whether each is met; empty without any."""
        return "; ".join(
            f"{target.words(self.unit)}: {'met' if target.met(self) else 'not met'}"
            for target in self.targets
        )

    @classmethod
    def read(cls, told: dict[str, Any]) -> Figure:
        """The figure that `asdict` made this of."""
        known = {name: told[name] for name in cls.__dataclass_fields__ if name in told}
        targets = tuple(Target(**target) for target in known.pop("targets", ()))
        return cls(**known, targets=targets)


@dataclass
class Part:
    """What one part measured, and when and under which load it began."""

    load: float
    began: str
    revision: str
    quick: bool
    figures: list[Figure] = field(default_factory=list)


def this_machine() -> dict[str, Any]:
    """Where it was measured."""
    return {
        "cores": os.cpu_count(),
        "processor": _processor(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "linux": platform.release(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        **{name: version(name) for name in ("aiohttp", "aiokafka", "msgspec", "uvloop")},
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


@dataclass
class Results:
    """What was measured, part by part; a part that is measured again takes the place of its older figures."""

    parts: dict[str, Part] = field(default_factory=dict)
    machine: dict[str, Any] = field(default_factory=this_machine)

    @property
    def figures(self) -> list[Figure]:
        """Those of all parts."""
        return [figure for part in self.parts.values() for figure in part.figures]

    @staticmethod
    def begin(*, quick: bool) -> Part:
        """A part that is measured from now on: how busy the machine is with other things, and what is measured."""
        now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        return Part(round(os.getloadavg()[0], 1), now, _revision(), quick)

    def add(self, name: str, part: Part, figures: Sequence[Figure]) -> None:
        """Keep the figures of a part, in the place of older ones."""
        part.figures += figures
        self.parts[name] = part

    def show(self, console: Console, names: Iterable[str]) -> None:
        """Print the table of these parts."""
        table = Table(title="measured / reference, same run")
        headings = ("figure", "value", "against", "reference", "ratio", "target", "note")
        for heading in headings:
            right = heading in {"value", "reference", "ratio"}
            table.add_column(heading, justify="right" if right else "left", overflow="fold")
        shown = [name for name in names if name in self.parts]
        for figure in [one for name in shown for one in self.parts[name].figures]:
            table.add_row(*cells(figure), figure.verdict, figure.note)
        console.print(table)
        loads = ", ".join(f"{name} {self.parts[name].load:g}" for name in shown)
        console.print(f"load average at the start of each part: {loads}")
        console.print(", ".join(f"{name} {value}" for name, value in self.machine.items()))

    def write(self, path: Path) -> None:
        """The JSON form."""
        parts = {
            name: asdict(part)
            | {"figures": [asdict(one) | {"ratio": one.ratio} for one in part.figures]}
            for name, part in self.parts.items()
        }
        told = {"machine": self.machine, "parts": parts}
        path.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Results:
        """What `write` wrote; nothing where there is no file yet."""
        if not path.exists():
            return cls()
        told = json.loads(path.read_text(encoding="utf-8"))
        parts = {
            name: Part(**part | {"figures": [Figure.read(one) for one in part["figures"]]})
            for name, part in told["parts"].items()
        }
        return cls(parts, told["machine"])


def cells(figure: Figure) -> tuple[str, str, str, str, str]:
    """Name, value, what it is compared with, its value, and the ratio, for a table."""
    return (
        figure.name,
        f"{readable(figure.value)} {figure.unit}",
        figure.against,
        "" if figure.reference is None else f"{readable(figure.reference)} {figure.unit}",
        "" if figure.ratio is None else f"{figure.ratio:.2f}",
    )


def _revision() -> str:
    """The commit, with a plus sign when files differ from it; empty outside a checkout."""
    found = subprocess.run(
        ["git", "describe", "--always", "--dirty=+"],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return found.stdout.strip()


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def readable(value: float) -> str:
    """Three digits, or all of a large whole number."""
    return f"{value:,.0f}" if abs(value) >= _THREE_DIGITS else f"{value:.3g}"
