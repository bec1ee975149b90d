"""What the cluster remembers of our progress: a position, whose journal it belongs to, and what was refused; no I/O.

The position is an offset, all else its metadata: `<journal> <position>:<reason>,...`. The refused ones must be told:
the position passes them, but if the gateway dies before they are dead letters, they would be in neither place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.errors import Reason

REFUSALS_LIMIT = 64
"""How many refusals one position can tell of: brokers take 4,096 bytes (`offset.metadata.max.bytes`)."""


@dataclass(frozen=True, slots=True)
class Held:
    """Everything up to `position` is held, except `refused`, which may not be dead letters yet."""

    position: int | None = None
    refused: Mapping[int, Reason] = field(default_factory=dict)

    @property
    def certain(self) -> int | None:
        """The position up to which nothing is left to do."""
        return min(self.refused) - 1 if self.refused else self.position

    def covers(self, position: int) -> bool:
        """Whether the event at this position was delivered, or refused; a repetition (negative) never was."""
        return self.position is not None and 0 < position <= self.position


def metadata(journal: str, refused: Mapping[int, Reason]) -> str:
    """The metadata to commit with a position."""
    return f"{journal} {','.join(f'{at}:{reason}' for at, reason in sorted(refused.items()))}"


def held(journal: str, committed: tuple[int, str] | None) -> Held | None:
    """What a committed offset says, None if it speaks of another journal."""
    if committed is None:
        return Held()
    offset, text = committed
    owner, _, refusals = text.partition(" ")
    if owner != journal:
        return None
    pairs = (refusal.split(":") for refusal in refusals.split(",") if refusal)
    return Held(offset, {int(position): Reason(reason) for position, reason in pairs})
