"""Programs of the page for consumers, taken out of it as they stand there."""

from __future__ import annotations

import re
from pathlib import Path

import gateway.schemas

PAGE = Path(gateway.schemas.__file__).parent / "README.md"


def example(name: str) -> str:
    """The program behind the mark of that name."""
    pattern = rf"<!-- example: {name} -->\n```\w+\n(.*?)```"
    found = re.search(pattern, PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found, f"{PAGE.name} has no example {name}"
    return found[1]
