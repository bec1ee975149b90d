"""Figures beside their references: as a table, and as JSON."""

from __future__ import annotations

import os
import platform
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

_THREE_DIGITS = 100


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One measured value and what it is compared with; `ratio` is value by reference."""

    name: str
    value: float
    unit: str
    against: str = ""
    reference: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """How many times the reference."""
        return self.value / self.reference if self.reference else None


@dataclass
class Results:
    """What a run measured, in order, with the machine's load when each part began."""

    figures: list[Figure] = field(default_factory=list)
    loads: dict[str, float] = field(default_factory=dict)

    def begin(self, part: str) -> None:
        """Note how busy the machine is with other things."""
        self.loads[part] = round(os.getloadavg()[0], 1)

    def add(self, figures: Sequence[Figure]) -> None:
        """Keep figures."""
        self.figures += figures

    def show(self, console: Console) -> None:
        """Print the table."""
        table = Table(title="measured / reference, same run")
        for heading in ("figure", "value", "against", "reference", "ratio", "note"):
            right = heading in {"value", "reference", "ratio"}
            table.add_column(heading, justify="right" if right else "left", overflow="fold")
        for figure in self.figures:
            table.add_row(
                figure.name,
                f"{_readable(figure.value)} {figure.unit}",
                figure.against,
                "" if figure.reference is None else f"{_readable(figure.reference)} {figure.unit}",
                "" if figure.ratio is None else f"{figure.ratio:.2f}",
                figure.note,
            )
        console.print(table)
        loads = ", ".join(f"{part} {load:g}" for part, load in self.loads.items())
        console.print(f"load average at the start of each part: {loads}")
        console.print(", ".join(f"{name} {value}" for name, value in machine().items()))

    def as_report(self) -> dict[str, Any]:
        """The JSON form."""
        figures = [asdict(figure) | {"ratio": figure.ratio} for figure in self.figures]
        return {"machine": machine(), "loads": self.loads, "figures": figures}


def machine() -> dict[str, Any]:
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


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _readable(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= _THREE_DIGITS else f"{value:.3g}"
