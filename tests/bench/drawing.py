"""Small SVG pictures: curves over a logarithmic axis, and groups of bars. Legible on light and on dark ground."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 640, 300
LEFT, RIGHT, TOP, BOTTOM = 64, 20, 60, 48
COLOURS = ("#2f7ed8", "#d9822b", "#3a9d5d")
STYLE = (
    "<style>text{font:12px system-ui,sans-serif;fill:#333}.t{font-size:14px;font-weight:600}"
    ".g{stroke:#999;stroke-opacity:.35;fill:none}.b{fill:#fff}"
    "@media(prefers-color-scheme:dark){text{fill:#ddd}.b{fill:#161b22}}</style>"
)
BAR_HEIGHT, BAR_GAP, GROUP_HEAD = 20, 6, 30
LABEL_WIDTH = 170


class Curve(NamedTuple):
    """Points in the order of x; an x of 0 is drawn at the left end."""

    name: str
    points: Sequence[tuple[float, float]]


class Bar(NamedTuple):
    """One bar; `shown` is its value as text."""

    name: str
    value: float
    shown: str


def curves(title: str, unit: str, drawn: Sequence[Curve]) -> str:
    """Curves with one pair of axes: x logarithmic, y from zero."""
    xs = sorted({x for curve in drawn for x, _ in curve.points})
    highest = _round_up(max(y for curve in drawn for _, y in curve.points))
    width, height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def place(x: float) -> float:
        first, last = _logarithm(xs[0], xs), _logarithm(xs[-1], xs)
        return LEFT + width * (_logarithm(x, xs) - first) / ((last - first) or 1)

    def level(y: float) -> float:
        return TOP + height * (1 - y / highest)

    parts = []
    for share in (0, 0.25, 0.5, 0.75, 1):
        y = level(share * highest)
        parts.append(f'<path class="g" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>')
        parts.append(_text(LEFT - 6, y + 4, f"{share * highest:g}", anchor="end"))
    parts += [_text(place(x), HEIGHT - BOTTOM + 18, _short(x), anchor="middle") for x in xs]
    parts.append(_text(LEFT - 6, TOP - 12, unit, anchor="end"))
    for number, curve in enumerate(drawn):
        colour = COLOURS[number % len(COLOURS)]
        path = "L".join(f"{place(x):.1f} {level(y):.1f}" for x, y in curve.points)
        parts.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [
            f'<circle cx="{place(x):.1f}" cy="{level(y):.1f}" r="3.5" fill="{colour}"/>'
            for x, y in curve.points
        ]
        if len(drawn) > 1:
            at = LEFT + number * 200
            parts.append(
                f'<rect x="{at}" y="{HEIGHT - 18}" width="12" height="12" fill="{colour}"/>'
            )
            parts.append(_text(at + 18, HEIGHT - 8, curve.name))
    return _picture(title, HEIGHT, parts)


def bars(title: str, groups: Sequence[tuple[str, Sequence[Bar]]]) -> str:
    """Groups of bars below each other, each group with a scale of its own."""
    parts = []
    y = TOP - 20.0
    width = WIDTH - LABEL_WIDTH - RIGHT - 90
    for unit, drawn in groups:
        parts.append(_text(LABEL_WIDTH, y + 18, unit))
        y += GROUP_HEAD
        most = max(bar.value for bar in drawn) or 1
        for number, bar in enumerate(drawn):
            colour = COLOURS[number % len(COLOURS)]
            length = max(1.0, width * bar.value / most)
            parts.append(_text(LABEL_WIDTH - 8, y + 14, bar.name, anchor="end"))
            parts.append(
                f'<rect x="{LABEL_WIDTH}" y="{y:.0f}" width="{length:.1f}" height="{BAR_HEIGHT}" fill="{colour}"/>'
            )
            parts.append(_text(LABEL_WIDTH + length + 6, y + 14, bar.shown))
            y += BAR_HEIGHT + BAR_GAP
    return _picture(title, round(y + 16), parts)


def _picture(title: str, height: int, parts: Sequence[str]) -> str:
    inside = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">\n'
        f"<title>{escape(title)}</title>{STYLE}\n"
        f'<rect class="b" width="{WIDTH}" height="{height}" rx="6"/>\n'
        f'<text class="t" x="16" y="24">{escape(title)}</text>\n{inside}\n</svg>\n'
    )


def _text(x: float, y: float, text: str, *, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _logarithm(x: float, xs: Sequence[float]) -> float:
    """Of x, and for 0 one step to the left of the smallest other."""
    smallest = min(one for one in xs if one > 0)
    return math.log10(x) if x > 0 else math.log10(smallest) - 1


def _round_up(value: float) -> float:
    """The next 1, 2, 4 or 8 times a power of ten."""
    power = 10 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 4, 8, 10) if step * power >= value)


def _short(x: float) -> str:
    for size, letter in ((1_000_000, "M"), (1_000, "k")):
        if x >= size:
            return f"{x / size:g}{letter}"
    return f"{x:g}"
