"""All stories of a platform, one after the other."""

from __future__ import annotations

from collections import defaultdict
from importlib import import_module
from pathlib import Path

from gateway.commands import Verb
from tests.proofs.centre import Platform, opened

FOLDER = Path(__file__).parent
NAMES = sorted(
    path.stem
    for path in FOLDER.glob("*.py")
    if (FOLDER.parents[1] / "connectors" / path.stem).is_dir()
)
"""Platforms that have a module here."""


def platform(name: str) -> Platform:
    """The part of a platform."""
    found: Platform = import_module(f"tests.proofs.{name}").PLATFORM
    return found


async def proofs(name: str, directory: Path) -> dict[Verb, set[str]]:
    """What proved each verb. Raises AssertionError: a command was not done, or its proof is none."""
    part = platform(name)
    found: defaultdict[Verb, set[str]] = defaultdict(set)
    for story in part.stories:
        place = directory / story.__name__
        place.mkdir()
        async with opened(part, place, story) as centre:
            await story(centre)
        for verb, kinds in centre.proven.items():
            found[verb] |= kinds
    return dict(found)
