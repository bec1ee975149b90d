"""Changes to JSON that keep it JSON: real messages with wrong values, wrong types, and members in wrong places.

Random bytes hardly ever get past the first brace. What comes from here is nearly a message, so it reaches the code
behind.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

DEEP = 60
FAR_TOO_DEEP = 3_000
LARGE = 2**100
ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**53 + 1, 2**63, 2**64, -(2**70), 10**400, 1.5, -0.0, 1e308, 1e-308,
    float("inf"), float("nan"), "", " ", "0", "-1", "1.5", "true", "null", "NaN", "\0", "\n", "/", "//", ".", "..",
    "é", "\ud83d", "\U0001f600", "²", "\u0661", "x" * 300, "9" * 5_000, "1970-01-01T00:00:00Z", "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999999-23:59", "2024-02-30T00:00:00Z", "2024-01-01", "24:00", "1e999", "0x10", "$", "{}", "[]",
    [], {}, [[]], [{}], {"": None},
)  # fmt: skip
"""Values at which readers stumble: ends of ranges, empty ones, and texts that look like something else."""

Holder = list[Any] | dict[str, Any]
Place = tuple[Holder, Any]


class Words:
    """What real inputs are made of: names of members, and whole parts to put elsewhere."""

    def __init__(self, trees: Sequence[Any]) -> None:
        names: dict[str, None] = {}
        parts: list[Any] = []
        for tree in trees:
            for holder, key in places(tree):
                parts.append(holder[key])
                if isinstance(holder, dict):
                    names[key] = None
        self.names = [*names] or ["a"]
        self.parts = parts or [None]


def places(tree: Any) -> Iterator[Place]:
    """Every place within a tree that holds a value, without recursion: trees may be deep."""
    waiting = [tree]
    while waiting:
        holder = waiting.pop()
        if not isinstance(holder, list | dict):
            continue
        keys = holder if isinstance(holder, dict) else range(len(holder))
        for key in keys:
            yield holder, key
            waiting.append(holder[key])


def mutated(tree: Any, words: Words, random: Random, rounds: int) -> Any:
    """A copy of a JSON value with so many changes."""
    box = [json.loads(dumped(tree))]
    for _ in range(rounds):
        holder, key = random.choice([*places(box)])
        random.choice(_CHANGES)(holder, key, words, random)
        box = box or [None]
    return box[0]


def dumped(tree: Any) -> bytes:
    """The bytes of a tree; NaN, infinity and halves of characters are written as some servers write them."""
    return json.dumps(tree).encode()


def _odd(holder: Holder, key: Any, words: Words, random: Random) -> None:
    del words
    holder[key] = json.loads(dumped(random.choice(ODD)))


def _elsewhere(holder: Holder, key: Any, words: Words, random: Random) -> None:
    holder[key] = json.loads(dumped(random.choice(words.parts)))


def _leave_out(holder: Holder, key: Any, words: Words, random: Random) -> None:
    del words, random
    del holder[key]


def _rename(holder: Holder, key: Any, words: Words, random: Random) -> None:
    if isinstance(holder, dict):
        name = random.choice(words.names)
        shape = random.randrange(6)
        name = {0: name.lower(), 1: name.upper(), 2: ""}.get(shape, name)
        holder[name] = holder.pop(key)
    else:
        holder[key] = {random.choice(words.names): holder[key]}


def _add(holder: Holder, key: Any, words: Words, random: Random) -> None:
    value = holder[key]
    part = json.loads(dumped(random.choice(words.parts)))
    if isinstance(value, dict):
        value[random.choice(words.names)] = part
    elif isinstance(value, list):
        value.insert(random.randint(0, len(value)), part)
    else:
        holder[key] = part


def _repeat(holder: Holder, key: Any, words: Words, random: Random) -> None:
    value = json.loads(dumped(holder[key]))
    if isinstance(holder, list):
        holder.insert(random.randint(0, len(holder)), value)
    else:
        holder[random.choice(words.names)] = value


def _swap(holder: Holder, key: Any, words: Words, random: Random) -> None:
    del words
    other = random.choice([*holder]) if isinstance(holder, dict) else random.randrange(len(holder))
    holder[key], holder[other] = holder[other], holder[key]


def _other_type(holder: Holder, key: Any, words: Words, random: Random) -> None:
    value = holder[key]
    if isinstance(value, str):
        other: Any = [len(value), [value], {random.choice(words.names): value}, value[::-1]]
    elif isinstance(value, bool) or value is None:
        other = [str(value), str(value).lower(), int(bool(value)), [value]]
    elif isinstance(value, int | float):
        larger = value * 1_000 if abs(value) < LARGE else value
        other = [str(value), -value, [value], larger, larger / 3 if abs(larger) < LARGE else 0.5]
    elif isinstance(value, list):
        other = [
            dict(enumerate(map(str, range(len(value))))),
            value[0] if value else None,
            str(len(value)),
        ]
    else:
        other = [[*value.values()], [*value], next(iter(value.values()), None)]
    holder[key] = json.loads(dumped(random.choice(other)))


def _text(holder: Holder, key: Any, words: Words, random: Random) -> None:
    del words
    value = holder[key]
    if not isinstance(value, str):
        holder[key] = random.choice([str(value)[:500], random.choice(ODD[17:40])])
        return
    at = random.randint(0, len(value))
    noise = random.choice(
        ["", "\0", "|", ",", "-", "/", "é", "\ud800", "0", " ", "%s", "'", '"', value]
    )
    holder[key] = (value[:at] + noise + value[at + random.randint(0, 3) :])[:20_000]


def _deep(holder: Holder, key: Any, words: Words, random: Random) -> None:
    name = random.choice(words.names)
    levels = random.choice([2, DEEP])
    for _ in range(levels):
        holder[key] = {name: holder[key]} if random.randrange(2) else [holder[key]]


_CHANGES = (
    _odd, _odd, _elsewhere, _elsewhere, _leave_out, _rename, _add, _add, _repeat, _swap, _other_type, _other_type,
    _text, _deep,
)  # fmt: skip
