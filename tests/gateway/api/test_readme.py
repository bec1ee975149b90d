"""The API's README names every route and every problem."""

from __future__ import annotations

from pathlib import Path

import gateway.api
from gateway.api.application import build_api
from gateway.api.problems import Kind
from gateway.api.settings import ApiSettings
from tests.repo.checkout import platforms, rows, text
from tests.support.fake_runtime import FakeRuntime

TEXT = (Path(gateway.api.__file__).parent / "README.md").read_text(encoding="utf-8")


def test_every_problem_is_in_the_table() -> None:
    """With its status and title, in the order of the code; nothing else is in the table."""
    rows = [f"| `{kind.urn}` | {kind.status.value} | {kind.title} |" for kind in Kind]
    table = TEXT.split("<!-- problems", 1)[1].split("<!-- end of problems", 1)[0]
    assert [line for line in table.splitlines() if line.startswith("| `")] == rows


def test_types_of_problems_are_unique() -> None:
    """An enumeration would silently merge two that are the same in all parts."""
    assert len({kind.urn for kind in Kind}) == len(Kind.__members__)


def test_every_route_is_in_the_table() -> None:
    """With its method."""
    routes = {
        (route.method, route.resource.canonical)
        for route in build_api(FakeRuntime(), ApiSettings()).router.routes()
        if route.resource is not None and route.method != "HEAD"
    }
    missing = [route for route in routes if f"| {route[0]} `{route[1]}` |" not in TEXT]
    assert missing == []


def test_every_platform_that_has_lists_says_which() -> None:
    """A client must not have to try."""
    found = {
        name
        for name in platforms()
        if "def read_directory(" in text(Path("connectors") / name / "connector.py")
    }
    table = rows(Path("gateway/api/README.md"), "## The directory")
    assert {cells[0].strip("`") for cells in table} == found
