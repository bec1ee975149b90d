"""Cursors: how far each topic of a connection has come, and what a step from one to the next says.

A cursor is a prefix and `key,HEX` for each topic, joined by `|`. `d-` and a random number begin the
cursors of one server process; with a backplane it is `s-`, and the numbers are then positions in a
stream that all connections share, which says nothing about how many messages are ours. A frame holds
its messages topic by topic, in the order of the cursor. Source: SignalR/SignalR 2.2.1, Core
`Messaging/Cursor.cs`, `Messaging/DefaultSubscription.cs`, `Messaging/ScaleoutSubscription.cs`,
`Transports/PersistentResponse.cs`.
"""

from __future__ import annotations

import re

import msgspec

_PREFIX = re.compile(r"d-[0-9A-Fa-f]{1,16}-|s-")
_TOPIC = re.compile(r"((?:\\[\\|,]|[^\\|,])*),([0-9A-Fa-f]{1,16})(?:\||\Z)")
MAX_CURSOR_LENGTH = 65_536


class Cursor(msgspec.Struct, frozen=True):
    """A cursor taken apart; `topics` keeps the order in which it was written."""

    prefix: str
    topics: dict[str, int]

    @property
    def counts(self) -> bool:
        """Whether its numbers count the messages of this connection."""
        return self.prefix.startswith("d-")


class Step(msgspec.Struct, frozen=True):
    """What lies between two cursors of one server process.

    Attributes:
        keys: names of the messages in order, if the cursors account for each of them exactly.
        missing: how many messages fewer came than the cursors went ahead.
        surplus: how many messages more came than the cursors went ahead.
        topics_changed: how many topics were added or removed, by joining and leaving groups.
        restarted: whether a topic went back, so that its numbers begin anew.
    """

    keys: list[str] | None
    missing: int
    surplus: int
    topics_changed: int
    restarted: bool


def read_cursor(text: str) -> Cursor | None:
    """The parts of a cursor; none if it is of no form known, as from servers that count milliseconds."""
    found = _PREFIX.match(text)
    if found is None or len(text) > MAX_CURSOR_LENGTH:
        return None
    topics: dict[str, int] = {}
    position = found.end()
    while position < len(text):
        topic = _TOPIC.match(text, position)
        if topic is None:
            return None
        topics[topic[1]] = int(topic[2], 16)
        position = topic.end()
    return Cursor(found[0], topics)


def step(old: Cursor, new: Cursor, messages: int) -> Step:
    """What a frame with that many messages and the cursor `new` says after `old`."""
    keys: list[str] = []
    restarted = False
    advanced = 0
    for key, index in new.topics.items():
        before = old.topics.get(key)
        if before is None:
            continue
        if index < before:
            restarted = True
        advanced += max(index - before, 0)
        if advanced <= messages:
            keys += [f"{key},{number:X}" for number in range(before, index)]
    exact = advanced == messages and not restarted
    changed = len(old.topics.keys() ^ new.topics.keys())
    return Step(
        keys=keys if exact else None,
        missing=max(advanced - messages, 0),
        surplus=max(messages - advanced, 0),
        topics_changed=changed,
        restarted=restarted,
    )
