from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.bench.drawing import Bar, Curve, bars, curves
from tests.bench.page import BEGIN, END, pictures, rewritten, tables
from tests.bench.report import Figure, Results, Target

COST = Figure(
    name="processor time of an event",
    value=60,
    unit="µs",
    against="another",
    reference=50,
    targets=(Target(bound=50), Target(bound=1.25, of_ratio=True)),
)


def _results(**parts: list[Figure]) -> Results:
    results = Results()
    for name, figures in parts.items():
        results.add(name, Results.begin(quick=True), figures)
    return results


def test_a_report_that_is_read_is_the_one_that_was_written(tmp_path: Path) -> None:
    path = tmp_path / "bench.json"
    written = _results(sustained=[COST])
    written.write(path)
    assert Results.read(path) == written


def test_a_part_that_is_measured_again_takes_the_place_of_its_older_figures(tmp_path: Path) -> None:
    path = tmp_path / "bench.json"
    newer = Figure(name="newer", value=1, unit="s")
    _results(sustained=[COST], delay=[COST]).write(path)
    results = Results.read(path)
    results.add("delay", Results.begin(quick=False), [newer])
    assert results.parts["delay"].figures == [newer]
    assert results.parts["sustained"].figures == [COST]


def test_each_target_has_its_own_verdict() -> None:
    assert COST.verdict == "at most 50 µs: not met; at most 1.25 x: met"


def test_a_bound_of_the_ratio_is_not_met_without_a_reference() -> None:
    alone = Figure(name="alone", value=1, unit="s")
    assert not Target(bound=1, of_ratio=True).met(alone)


def test_the_page_shows_every_figure_that_is_no_other_programs() -> None:
    page = tables(_results(sustained=[COST]))
    assert (
        "| processor time of an event | 60 µs | another: 50 µs | 1.20 |"
        " at most 50 µs: not met; at most 1.25 x: met |" in page
    )


def test_only_what_stands_between_the_marks_is_rewritten() -> None:
    page = f"before\n{BEGIN}\nold\n{END}\nafter"
    assert rewritten(page, "new") == f"before\n{BEGIN}\nnew\n{END}\nafter"


def test_a_page_without_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="results"):
        rewritten("a page", "new")


def test_a_series_with_two_points_becomes_a_curve_of_its_picture() -> None:
    figures = [
        Figure(name=f"{x}", value=x, unit="ms", series="delay: p50", x=x) for x in (100, 1_000)
    ]
    (picture,) = pictures(figures)
    assert picture == "delay.svg"


def test_pictures_are_well_formed_whatever_the_names() -> None:
    drawn = [
        curves("A & B", "µs", [Curve("<one>", [(0, 1), (10, 2)]), Curve("two", [(10, 3)])]),
        bars("A & B", [("<unit>", [Bar("a&b", 0, "0"), Bar("c", 1, "1")])]),
    ]
    for picture in drawn:
        texts = [one.text for one in ET.fromstring(picture).iter() if one.text]  # noqa: S314 - drawn here
        assert "A & B" in texts
