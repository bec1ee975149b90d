"""Exit codes, states and reasons of readiness are in the run book, all of them and no others."""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from gateway import cli, runtime
from gateway.cli import _api
from gateway.states import FeedState
from tests.repo.checkout import rows

RUN_BOOK = Path("deploy/README.md")
COMMANDS = [name.replace("_", "-") for name in cli.MODULES]


def documented_codes(command: str) -> set[int]:
    table = rows(RUN_BOOK, "## Exit codes")
    return {int(cells[1]) for cells in table if command in commands_of(cells)}


def commands_of(cells: list[str]) -> set[str]:
    """The commands that a row is about."""
    return {name.strip(" `") for name in cells[0].split(",")}


def codes_of(module: ModuleType) -> set[int]:
    """The integers that a command's module can return as an exit code; what asks the API shares those of asking."""
    codes = {value for name, value in vars(module).items() if name.startswith("EXIT_")}
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.FunctionDef) and ast.unparse(node.returns or node) == "int":
            codes.update(*map(literals, ast.walk(node)))
    asks = {"guarded", "add_switches"} & vars(module).keys()
    if asks and module is not _api:
        codes |= codes_of(_api)
    return codes


def literals(node: ast.AST) -> Iterator[int]:
    if isinstance(node, ast.Return) and node.value is not None:
        values = (
            [node.value.body, node.value.orelse]
            if isinstance(node.value, ast.IfExp)
            else [node.value]
        )
        for value in values:
            if isinstance(value, ast.Constant) and isinstance(value.value, int):
                yield value.value


@pytest.mark.parametrize("command", COMMANDS)
def test_the_exit_codes_of_a_command_are_documented(command: str) -> None:
    """Whoever writes a unit file can rely on them."""
    module = importlib.import_module(f"gateway.cli.{command.replace('-', '_')}")
    assert documented_codes(command) == codes_of(module)


def test_the_exit_codes_of_every_command_are_documented() -> None:
    """An interruption, a broken pipe, and a wrong command line, which argparse ends with 2."""
    assert documented_codes("any") == codes_of(cli) | {2}


def test_no_other_command_is_documented() -> None:
    """A command that was removed leaves the run book too."""
    table = rows(RUN_BOOK, "## Exit codes")
    assert set().union(*map(commands_of, table)) == {*COMMANDS, "any"}


def test_every_state_of_a_feed_says_what_to_do() -> None:
    """The table is complete, and gives the same advice as the API."""
    table = {
        cells[0].strip("`"): cells[2]
        for cells in rows(RUN_BOOK, "## What each state of a feed asks of you")
    }
    assert set(table) == set(FeedState)
    assert [
        state for state in FeedState if state.operator_action and table[state] == "nothing"
    ] == []


def test_every_reason_of_readiness_is_documented() -> None:
    """A probe that fails says a word; the word is explained."""
    reasons = {
        node.args[0].value
        for node in ast.walk(ast.parse(inspect.getsource(runtime)))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) == "reasons.append"
        and isinstance(node.args[0], ast.Constant)
    }
    documented = {cells[0].strip("`") for cells in rows(RUN_BOOK, "### Reasons in `/readyz`")}
    assert reasons
    assert documented == reasons
