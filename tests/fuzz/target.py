"""What one fuzzed reader is: where its inputs come from, what it is given, and what it may raise."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import cached_property
from random import Random
from typing import Any, NamedTuple

from tests.fuzz.mutation import FAR_TOO_DEEP, Words, dumped, mutated

MOST_ROUNDS = 6


class Target(NamedTuple):
    """One reader.

    Attributes:
        name: as `TARGET=` and the folder of its samples have it.
        run: reads one input and checks what came of it; whatever it raises is a finding.
        seeds: real inputs, as JSON values.
        raw: inputs are bytes that need not be JSON; the others are JSON, so every change keeps them so.
    """

    name: str
    run: Callable[[bytes], None]
    seeds: Callable[[], Sequence[Any]]
    raw: bool = False


class Source:
    """Makes inputs of one target: seeds, and changed ones."""

    def __init__(self, target: Target) -> None:
        self._target = target

    @cached_property
    def seeds(self) -> list[Any]:
        """The real inputs."""
        return [*self._target.seeds()]

    @cached_property
    def words(self) -> Words:
        """What they are made of."""
        return Words([[seed] for seed in self.seeds])

    def corpus(self) -> list[bytes]:
        """The real inputs as bytes, and one that is nested beyond every limit."""
        deep = b"[" * FAR_TOO_DEEP + b"]" * FAR_TOO_DEEP
        return [*map(dumped, self.seeds), deep]

    def drawn(self, seed: int, rounds: int) -> bytes:
        """The input of a number, always the same: a real one, or parts of two, with so many changes."""
        random = Random(seed)
        tree = random.choice(self.seeds)
        other = random.choice(self.seeds)
        if rounds and isinstance(tree, list) and isinstance(other, list) and random.randrange(2):
            tree = [*tree[: random.randint(0, len(tree))], *other[random.randint(0, len(other)) :]]
        return self._damaged(dumped(mutated(tree, self.words, random, rounds)), random, rounds)

    def changed(self, data: bytes, seed: int) -> bytes | None:
        """An input made from another one; None if that is no JSON."""
        random = Random(seed)
        try:
            tree = json.loads(data)
        except (ValueError, RecursionError):
            return None
        rounds = random.randint(1, MOST_ROUNDS)
        return self._damaged(dumped(mutated(tree, self.words, random, rounds)), random, rounds)

    def _damaged(self, data: bytes, random: Random, rounds: int) -> bytes:
        """Where bytes need not be JSON, some are cut off, and some have a byte that belongs nowhere."""
        if not self._target.raw or not rounds or random.randrange(4):
            return data
        at = random.randint(0, len(data))
        return (
            data[:at]
            + random.choice([b"", b"\xff", b"\0", b"NaN", b"\\ud83d", b"\n\n"])
            + data[at + random.randrange(3) :]
        )
