"""What a dispatcher remembers over restarts beside its position and what it holds: small, written when it changes."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

import msgspec

from gateway.contracts import Journal
from gateway.errors import JournalFull, Reason

NAMESPACE = "sinks"


class Breaker(msgspec.Struct, frozen=True, kw_only=True):
    """The whole receiver is failing: how often in a row, why, when it is tried again, and after how long a wait.

    The wait is None in what earlier versions wrote.
    """

    failures: int
    next_try: datetime
    reason: Reason
    message: str
    wait_seconds: float | None = None


class _Kept(msgspec.Struct, kw_only=True, omit_defaults=True):
    paused: bool = False
    breaker: Breaker | None = None
    rewound_to: int | None = None
    told_letters: int = 0


_decoder = msgspec.json.Decoder(_Kept)


async def forget_sink(journal: Journal, sink: str) -> int:
    """Let go of a sink that is no longer configured; returns how many events it had still to deliver.

    Its dead letters stay, and so does which of them were told. Raises JournalError.
    """
    held = await journal.held(sink)
    undelivered = journal.statistics().lag.get(sink, 0) + len(held.events)
    if content := await journal.get(NAMESPACE, sink):
        told = _Kept(told_letters=msgspec.json.decode(content, type=_Kept).told_letters)
        await journal.put(NAMESPACE, sink, msgspec.json.encode(told) if told.told_letters else None)
    await journal.forget(sink)
    return undelivered


class SinkRecord:
    """One sink's record in the journal.

    Attributes:
        paused: nothing is delivered until somebody says so.
        breaker: None while the receiver takes events.
        rewound_to: up to this position events are offered again because somebody asked for it.
        told_letters: dead letters up to this one have their event in the journal.
    """

    def __init__(self, journal: Journal, sink: str) -> None:
        self._journal = journal
        self._sink = sink
        self.paused = False
        self.breaker: Breaker | None = None
        self.rewound_to: int | None = None
        self.told_letters = 0

    async def restore(self) -> None:
        """Begin with what an earlier process kept; what cannot be read is as if it were not there."""
        kept = await self._journal.get(NAMESPACE, self._sink)
        with suppress(msgspec.MsgspecError):
            found = _decoder.decode(kept or b"{}")
            self.paused, self.breaker = found.paused, found.breaker
            self.rewound_to, self.told_letters = found.rewound_to, found.told_letters

    async def save(self) -> None:
        """Keep it; when the journal has not even room for that, the next change tries again."""
        kept = _Kept(
            paused=self.paused,
            breaker=self.breaker,
            rewound_to=self.rewound_to,
            told_letters=self.told_letters,
        )
        with suppress(JournalFull):
            await self._journal.put(NAMESPACE, self._sink, msgspec.json.encode(kept))
