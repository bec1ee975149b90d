"""The files of this checkout, as git sees them."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PRODUCT = ("gateway", "connectors", "sinks", "config")


@cache
def files() -> tuple[Path, ...]:
    """Everything that is or could be committed, relative to the root."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    paths = sorted({Path(name) for name in listed.split("\0") if name})
    return tuple(path for path in paths if (ROOT / path).is_file())


def product_files() -> list[Path]:
    """The product's Python files."""
    return [path for path in files() if path.suffix == ".py" and path.parts[0] in PRODUCT]


def documents() -> list[Path]:
    """All Markdown files."""
    return [path for path in files() if path.suffix == ".md"]


def text(path: Path) -> str:
    """The content of a file, given relative to the root."""
    return (ROOT / path).read_text(encoding="utf-8")


def rows(document: Path, heading: str) -> list[list[str]]:
    """The cells of the first table below a heading of a document, without the table's own head."""
    _, found, below = f"\n{text(document)}".partition(f"\n{heading}\n")
    assert found, f"{document} has no heading {heading!r}"
    table: list[list[str]] = []
    for line in below.splitlines():
        if line.startswith("|"):
            cells = line.strip().removeprefix("|").removesuffix("|").replace("\\|", "\0").split("|")
            table.append([cell.strip().replace("\0", "|") for cell in cells])
        elif table or line.startswith("#"):
            break
    assert table, f"{document} has no table below {heading!r}"
    return table[2:]


def platforms() -> list[str]:
    """The folders of platforms."""
    return _plugins("connectors")


def sinks() -> list[str]:
    """The folders of sinks."""
    return _plugins("sinks")


def _plugins(package: str) -> list[str]:
    inits = ROOT.joinpath(package).glob("*/__init__.py")
    return sorted(path.parent.name for path in inits if not path.parent.name.startswith("_"))
