"""Logs: whoever reads a warning is told what to do about it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from gateway.errors import REMEDIES, Reason
from tests.repo.checkout import product_files, text

LEVELS = {"warning", "error"}
LOGGERS = {"_log", "log"}
REMEDY = ("hint=", "**_described(", '"hint":', "please report this")


def warnings() -> Iterator[tuple[str, str]]:
    """Place and source of every function that logs at a level which somebody must look at."""
    for path in product_files():
        source = text(path)
        for function in ast.walk(ast.parse(source)):
            if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            for node in ast.walk(function):
                if isinstance(node, ast.Attribute) and node.attr in LEVELS:
                    owner = node.value
                    name = owner.attr if isinstance(owner, ast.Attribute) else ""
                    name = owner.id if isinstance(owner, ast.Name) else name
                    if name in LOGGERS:
                        segment = ast.get_source_segment(source, function) or ""
                        yield f"{path}:{function.name}", segment
                        break


def test_every_warning_says_what_to_do() -> None:
    """By a hint of its own, by that of the error, or by asking for a report of our defect."""
    found = dict(warnings())
    assert len(found) > 10
    assert [place for place, source in found.items() if not any(r in source for r in REMEDY)] == []


def test_every_reason_has_a_remedy() -> None:
    """For errors that have no hint of their own."""
    assert REMEDIES.keys() == set(Reason)
    assert all(remedy[0].islower() and not remedy.endswith(".") for remedy in REMEDIES.values())
