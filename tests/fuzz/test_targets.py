"""Every target for a moment, and every input that ever made one fail; the long run is `make fuzz`."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.table import TARGETS
from tests.fuzz.target import Source

SAMPLES = Path(__file__).parent / "samples"
FOUND = sorted(SAMPLES.glob("*/*"))
MOST_ROUNDS = 6


@cache
def source(name: str) -> Source:
    return Source(TARGETS[name])


@pytest.mark.parametrize("name", TARGETS)
def test_real_inputs_are_read(name: str) -> None:
    """The seeds, and one that is nested too deeply for every reader."""
    corpus = source(name).corpus()
    assert len(corpus) > 2
    for data in corpus:
        TARGETS[name].run(data)


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32), rounds=st.integers(1, MOST_ROUNDS))
def test_changed_inputs_do_no_harm(name: str, seed: int, rounds: int) -> None:
    """Wrong values, wrong types and members in wrong places raise nothing that the target does not expect."""
    TARGETS[name].run(source(name).drawn(seed, rounds))


@pytest.mark.parametrize("name", [name for name, target in TARGETS.items() if target.raw])
@settings(max_examples=20, deadline=None)
@given(data=st.binary(max_size=100))
def test_any_bytes_do_no_harm(name: str, data: bytes) -> None:
    """What is not even JSON is no worse."""
    TARGETS[name].run(data)


@pytest.mark.parametrize("path", FOUND, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_what_was_found_once_stays_mended(path: Path) -> None:
    """Each sample raised something, or broke what its target promises, before it was mended."""
    TARGETS[path.parent.name].run(path.read_bytes())
