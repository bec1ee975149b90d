"""The import contracts cover what there is; import-linter itself checks them in `make check`."""

from __future__ import annotations

import tomllib
from typing import Any

from tests.repo.checkout import ROOT, platforms


def contracts() -> dict[str, dict[str, Any]]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return {entry["id"]: entry for entry in project["tool"]["importlinter"]["contracts"]}


def listed(layers: list[str]) -> list[str]:
    return [name.strip(" ()") for layer in layers for name in layer.split("|")]


def test_every_module_of_the_core_has_its_layer() -> None:
    """A module in no layer could import anything: give a new one its place in pyproject.toml."""
    folder = ROOT / "gateway"
    packages = {path.parent.name for path in folder.glob("*/__init__.py")}
    modules = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    core = {f"gateway.{name}" for name in packages | modules}
    names = listed(contracts()["layers"]["layers"])
    assert len(names) == len(set(names))
    assert core ^ {name for name in names if name.startswith("gateway.")} == set()


def test_every_platform_is_kept_from_the_others() -> None:
    """A platform's folder that is not in the contract would be free to import another's."""
    assert set(platforms()) <= set(listed(contracts()["platforms"]["layers"]))


def test_no_contract_has_exceptions() -> None:
    """An ignore list only ever grows."""
    excused = [
        name
        for name, contract in contracts().items()
        if contract.keys() & {"ignore_imports", "exhaustive_ignores"}
    ]
    assert excused == []
