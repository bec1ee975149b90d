# ruff: noqa: INP001 - a program that is run by hand, in no package
"""Draws the panels of a Grafana dashboard from a Prometheus server, where there is no Grafana to do it.

    python deploy/pictures/boards.py http://127.0.0.1:9090 deploy/grafana/floor.json floor.png [EPOCH SECONDS]

Titles, places, units and queries are those of the dashboard's file; colours and axes are this program's. Needs
what is in `requirements.txt` of this folder.
"""

from __future__ import annotations

import json
import re
import sys
import time
import urllib.parse
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.dates as mdates
import matplotlib.pyplot as plt
from matplotlib.ticker import FuncFormatter

MINUTES = 4
STEP_SECONDS = 2
GRID = 24
INCHES_PER_COLUMN, INCHES_PER_ROW = 0.72, 0.36
GAP = 0.006
MOST_BARS = 14
MOST_LINES = 12
PAPER, PANEL, INK, FAINT = "#111217", "#181b1f", "#d8d9da", "#8e8e93"
COLOURS = (
    "#73bf69", "#5794f2", "#f2cc0c", "#ff9830", "#b877d9", "#f2495c",
    "#37872d", "#8ab8ff", "#fade2a", "#ffa6b0", "#ca95e5", "#96d98d",
)  # fmt: skip


def ask(server: str, path: str, **parameters: object) -> list[dict[str, Any]]:
    """The series of a query; the server's words if it refuses."""
    url = f"{server}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
    with urllib.request.urlopen(url) as reply:  # noqa: S310 - the operator names the server
        told: dict[str, Any] = json.load(reply)
    found: list[dict[str, Any]] = told["data"]["result"]
    return found


def expression(target: dict[str, Any]) -> str:
    """The query for all gateways and connectors."""
    return re.sub(r"\$(instance|connector)", ".*", target["expr"])


def label(target: dict[str, Any], series: dict[str, Any]) -> str:
    """The legend's text."""
    form = target.get("legendFormat") or " ".join(series["metric"].values())
    return re.sub(r"\{\{(\w+)\}\}", lambda found: series["metric"].get(found[1], ""), form).strip()


def written(value: float, unit: str | None) -> str:
    """A value as the dashboard's unit wants it."""
    if unit == "percentunit":
        return f"{value:.1%}" if value < 1 else "100%"
    if unit == "s":
        return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.1f} s"
    if unit == "bytes":
        for name in ("B", "KiB", "MiB", "GiB"):
            if value < 1024 or name == "GiB":  # noqa: PLR2004 - bytes in a KiB
                return f"{value:.0f} {name}"
            value /= 1024
    if unit == "cps":
        return f"{value:.3g}/s"
    return f"{value:,.0f}" if value == int(value) else f"{value:,.2f}"


class Board:
    """One dashboard on one sheet."""

    def __init__(self, server: str, path: Path, at: float) -> None:
        self._server = server
        self._at = at
        self._board = json.loads(path.read_text(encoding="utf-8"))
        self._panels = self._board["panels"]
        self._rows = max(one["gridPos"]["y"] + one["gridPos"]["h"] for one in self._panels)
        self._figure = plt.figure(
            figsize=(GRID * INCHES_PER_COLUMN, (self._rows + 2) * INCHES_PER_ROW), facecolor=PAPER
        )

    def draw(self, picture: Path) -> None:
        """All panels."""
        self._figure.text(
            0.01, 1 - 0.6 / (self._rows + 2), self._board["title"], fontsize=15, va="center"
        )
        for panel in self._panels:
            kind = panel["type"]
            if kind == "row":
                self._figure.text(
                    0.01, self._bottom(panel) + 0.002, panel["title"], color=FAINT, fontsize=11
                )
                continue
            axes = self._axes(panel)
            getattr(self, f"_{kind}")(axes, panel, panel["fieldConfig"]["defaults"].get("unit"))
        self._figure.savefig(picture, dpi=80, facecolor=PAPER)

    def _bottom(self, panel: dict[str, Any]) -> float:
        place = panel["gridPos"]
        return 1 - (place["y"] + place["h"] + 1.4) / (self._rows + 2)

    def _axes(self, panel: dict[str, Any]) -> plt.Axes:
        place, high = panel["gridPos"], self._rows + 2
        left, width = place["x"] / GRID, place["w"] / GRID
        bottom, height = self._bottom(panel), place["h"] / high
        frame = self._figure.add_axes(
            (left + GAP, bottom + GAP, width - 2 * GAP, height - 2 * GAP), facecolor=PANEL
        )
        frame.set_xticks([])
        frame.set_yticks([])
        for spine in frame.spines.values():
            spine.set_color("#2c3235")
        title = 1.3 / high
        self._figure.text(
            left + 2 * GAP, bottom + height - 0.55 * title - GAP, panel["title"],
            fontsize=9.5, fontweight="bold", va="center",
        )  # fmt: skip
        axes = self._figure.add_axes(
            (left + 0.035, bottom + 0.9 / high, width - 0.045, height - title - 1.2 / high),
            facecolor=PANEL,
        )
        axes.spines[["top", "right"]].set_visible(False)
        return axes

    def _now(self, panel: dict[str, Any]) -> list[tuple[str, float]]:
        return [
            (label(target, series), float(series["value"][1]))
            for target in panel["targets"]
            for series in ask(self._server, "query", query=expression(target), time=self._at)
        ]

    def _stat(self, axes: plt.Axes, panel: dict[str, Any], unit: str | None) -> None:
        axes.axis("off")
        found = self._now(panel)
        shown = written(found[0][1], unit) if found else "no data"
        place = axes.get_position()
        middle = place.x0 - 0.035 + (place.width + 0.045) / 2
        self._figure.text(
            middle, place.y0 + place.height * 0.45, shown,
            fontsize=22, color=COLOURS[0], ha="center", va="center", fontweight="bold",
        )  # fmt: skip

    def _timeseries(self, axes: plt.Axes, panel: dict[str, Any], unit: str | None) -> None:
        span = {"start": self._at - 60 * MINUTES, "end": self._at, "step": STEP_SECONDS}
        lines = [
            (label(target, series), series["values"])
            for target in panel["targets"]
            for series in ask(self._server, "query_range", query=expression(target), **span)
        ]
        lines = [line for line in lines if any(value != "NaN" for _, value in line[1])]
        lines.sort(key=lambda line: -max(float(v) for _, v in line[1] if v != "NaN"))
        if len(lines) > MOST_LINES // 2:
            lines = [line for line in lines if any(float(v) for _, v in line[1])] or lines[:1]
        if not lines:
            axes.text(0.5, 0.5, "none", ha="center", transform=axes.transAxes, color=FAINT)
        for number, (name, values) in enumerate(lines[:MOST_LINES]):
            axes.plot(
                [datetime.fromtimestamp(moment, UTC) for moment, _ in values],
                [float(value) for _, value in values],
                color=COLOURS[number % len(COLOURS)], linewidth=1.3, label=name,
            )  # fmt: skip
        axes.xaxis.set_major_formatter(mdates.DateFormatter("%H:%M"))
        axes.xaxis.set_major_locator(mdates.MinuteLocator())
        begins, ends = (datetime.fromtimestamp(self._at - 60 * m, UTC) for m in (MINUTES, 0))
        axes.set_xlim(begins, ends)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: written(value, unit)))
        axes.set_ylim(bottom=0)
        axes.grid(color="#2c3235", linewidth=0.6)
        axes.tick_params(labelsize=7.5, length=0, colors=FAINT)
        if lines:
            axes.legend(fontsize=7, frameon=False, loc="upper left", ncols=1 + (len(lines) > 6))  # noqa: PLR2004 - what fits in a column

    def _piechart(self, axes: plt.Axes, panel: dict[str, Any], unit: str | None) -> None:
        found = self._now(panel)
        axes.pie(
            [value for _, value in found],
            labels=[f"{name}  {written(value, unit)}" for name, value in found],
            colors=COLOURS,
            textprops={"fontsize": 8},
            radius=0.95,
        )

    def _bargauge(self, axes: plt.Axes, panel: dict[str, Any], unit: str | None) -> None:
        found = sorted(self._now(panel), key=lambda one: one[1])[-MOST_BARS:]
        place = axes.get_position()
        axes.set_position((place.x0 + 0.12, place.y0, place.width - 0.15, place.height))
        axes.barh([name for name, _ in found], [value for _, value in found], color=COLOURS[1])
        for row, (_, value) in enumerate(found):
            axes.text(value, row, f" {written(value, unit)}", va="center", fontsize=7.5)
        axes.tick_params(labelsize=7.5, length=0, colors=FAINT)
        axes.set_xticks([])

    def _table(self, axes: plt.Axes, panel: dict[str, Any], unit: str | None) -> None:
        axes.axis("off")
        found = ask(self._server, "query", query=expression(panel["targets"][0]), time=self._at)[
            :MOST_BARS
        ]
        if not found:
            axes.text(0.5, 0.5, "nothing", ha="center", transform=axes.transAxes, color=FAINT)
            return
        names = sorted(found[0]["metric"])
        rows = [
            [
                *(one["metric"].get(name, "")[:22] for name in names),
                written(float(one["value"][1]), unit),
            ]
            for one in found
        ]
        table = axes.table(
            rows, colLabels=[*names, "value"], loc="upper center", edges="horizontal"
        )
        table.auto_set_font_size(False)
        table.set_fontsize(7.5)
        for cell in table.get_celld().values():
            cell.set_edgecolor("#2c3235")
            cell.set_text_props(color=INK)


if __name__ == "__main__":
    mpl.rcParams.update({"text.color": INK, "font.family": "DejaVu Sans"})
    moment = float(sys.argv[4]) if len(sys.argv) > 4 else time.time()  # noqa: PLR2004 - the optional argument
    Board(sys.argv[1], Path(sys.argv[2]), moment).draw(Path(sys.argv[3]))
