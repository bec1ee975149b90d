"""The one table of everything that is fuzzed, by name."""

from __future__ import annotations

from tests.fuzz import core, mappers, wire
from tests.fuzz.target import Target

TARGETS: dict[str, Target] = {
    target.name: target for target in (*wire.TARGETS, *mappers.TARGETS, *core.TARGETS)
}
