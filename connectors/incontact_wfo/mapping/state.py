"""What was told last, so that the next reading tells only what differs: the feed's resume state."""

from __future__ import annotations

from datetime import datetime

import msgspec

from connectors._wire.json_values import UNREADABLE
from connectors.incontact_wfo.vendor import RecordingWord
from gateway.states import ConnectionState

MOST_GONE = 1_000
"""Calls that are gone and still remembered by their counts."""


class KnownRecording(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A recording as it was told. `changes` counts the events about it."""

    word: str
    state: RecordingWord
    changes: int = 0


class KnownCall(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A call as it was told.

    Attributes:
        facts: a fingerprint of parties, direction and queue.
        tags: the values of the free fields.
        moves, changes: how many transitions, and other changes, were told.
        begun: what the counts of its recordings begin with, which is not 0 for a call that came back.
    """

    id: str
    state: ConnectionState
    facts: int = 0
    tags: dict[str, str] = {}
    recordings: dict[str, KnownRecording] = {}
    moves: int = 0
    changes: int = 0
    begun: int = 0

    @property
    def told(self) -> int:
        """More than any of its counts."""
        counts = [one.changes for one in self.recordings.values()]
        return 1 + max(self.moves, self.changes, self.begun, *counts)


class State(msgspec.Struct, kw_only=True):
    """Everything that is remembered over a restart.

    Attributes:
        polled_at: when the recorder was last asked for everybody.
        agents: calls by agent and by the call's key; agents without calls are left out.
        marks: fingerprints of the tracker's agents, none before the first whole reading.
        directory_changes: how often a change of the tracker was told.
        gone: calls that the recorder has no more, by agent and key, with what their counts go on with if they come
            back, as after a restart of the recorder: else what is told then would have the ids of what was told before.
    """

    version: int = 1
    polled_at: datetime | None = None
    agents: dict[str, dict[str, KnownCall]] = msgspec.field(default_factory=dict)
    marks: dict[str, int] | None = None
    directory_changes: int = 0
    gone: dict[str, int] = msgspec.field(default_factory=dict)

    def forget(self, agent: str, key: str, known: KnownCall) -> None:
        """A call is not in the recorder any more."""
        place = f"{agent} {key}"
        self.gone.pop(place, None)
        self.gone[place] = known.told
        while len(self.gone) > MOST_GONE:
            del self.gone[next(iter(self.gone))]

    def again(self, agent: str, key: str) -> int:
        """What the counts of a call that is new to us begin with."""
        return self.gone.pop(f"{agent} {key}", 0)


_encode = msgspec.json.Encoder().encode
_decoder = msgspec.json.Decoder(State)


def encode_state(state: State) -> bytes:
    """The form in which it is kept."""
    return _encode(state)


def decode_state(kept: bytes | None) -> State | None:
    """The state that was kept; none if there is none or it cannot be read."""
    if kept is None:
        return None
    try:
        return _decoder.decode(kept)
    except UNREADABLE:
        return None
