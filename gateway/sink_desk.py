"""Sinks and dead letters as the API sees them: views of dispatchers, and wishes handed to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from gateway.api.error_view import ErrorView
from gateway.api.sinks import DeadLetterDetail, DeadLetterView, HeldKeyView, SinkView
from gateway.contracts import DeadLetter, Journal
from gateway.delivery.holding import HeldKey
from gateway.dispatcher import Dispatcher

MOST_KEYS_SHOWN = 100


class DispatcherDesk:
    """A `gateway.api.sinks.SinkDesk` over the dispatchers that run; the mapping may change meanwhile."""

    def __init__(self, dispatchers: Mapping[str, Dispatcher], journal: Journal) -> None:
        self._dispatchers = dispatchers
        self._journal = journal

    def names(self) -> Sequence[str]:
        """In the order of the configuration."""
        return list(self._dispatchers)

    def view(self, sink: str) -> SinkView:
        """One sink."""
        dispatcher = self._dispatchers[sink]
        held = dispatcher.held()
        last = self._journal.statistics().last_position
        return SinkView(
            name=sink,
            state=_state(dispatcher),
            position=dispatcher.position,
            lag=max(0, last - dispatcher.position),
            delivered=dispatcher.delivered,
            refused=dispatcher.refused,
            last_error=ErrorView.of(dispatcher.last_error),
            failures=dispatcher.failures,
            next_try=dispatcher.next_try,
            repeating_to=dispatcher.rewound_to,
            held_events=sum(key.events for key in held),
            held_keys=[_key(key) for key in held[:MOST_KEYS_SHOWN]],
        )

    async def pause(self, sink: str) -> None:
        """Deliver nothing more."""
        await self._dispatchers[sink].pause()

    async def resume(self, sink: str) -> None:
        """Go on."""
        await self._dispatchers[sink].unpause()

    async def replay_since(self, sink: str, since: int | datetime) -> int:
        """Begin once more at an earlier place."""
        dispatcher = self._dispatchers[sink]
        if isinstance(since, datetime):
            return await dispatcher.rewind(time=since)
        return await dispatcher.rewind(position=since)

    async def dead_letters(
        self, sink: str | None, after: int, limit: int
    ) -> Sequence[DeadLetterView]:
        """Waiting dead letters."""
        letters = await self._journal.dead_letters(sink=sink, after=after, limit=limit)
        return [DeadLetterView(**_facts(letter)) for letter in letters]

    async def dead_letter(self, number: int) -> DeadLetterDetail | None:
        """One dead letter."""
        letter = await self._journal.dead_letter(number)
        if letter is None:
            return None
        return DeadLetterDetail(**_facts(letter), event=msgspec.Raw(letter.body))

    async def replay(self, ids: Sequence[int], *, requester: str) -> int:
        """Offer dead letters again."""
        return sum(
            [
                await self._dispatchers[sink].replay(its, requester=requester)
                for sink, its in (await self._by_sink(ids)).items()
                if sink in self._dispatchers
            ]
        )

    async def discard(self, ids: Sequence[int], *, requester: str, note: str) -> int:
        """Give dead letters up, also those of sinks that are no more."""
        return sum(
            [
                await self._journal.discard_dead_letters(sink, its, by=requester, note=note)
                for sink, its in (await self._by_sink(ids)).items()
            ]
        )

    async def _by_sink(self, ids: Sequence[int]) -> Mapping[str, Sequence[int]]:
        found: dict[str, list[int]] = {}
        for number in dict.fromkeys(ids):
            letter = await self._journal.dead_letter(number)
            if letter is not None:
                found.setdefault(letter.sink, []).append(number)
        return found


def _state(dispatcher: Dispatcher) -> str:
    if dispatcher.paused:
        return "paused"
    if dispatcher.last_error is not None:
        return "failing"
    return "delivering" if dispatcher.is_open else "opening"


def _key(held: HeldKey) -> HeldKeyView:
    return HeldKeyView(
        key=held.key,
        events=held.events,
        attempts=held.attempts,
        since=held.since,
        next_try=held.next_try,
        reason=None if held.reason is None else held.reason.value,
        message=held.message,
    )


def _facts(letter: DeadLetter) -> dict[str, Any]:
    return {
        "id": letter.id,
        "sink": letter.sink,
        "state": letter.state,
        "event_id": letter.event_id,
        "event_type": letter.event_type,
        "position": letter.position,
        "reason": letter.reason.value,
        "message": letter.message,
        "buried": letter.buried,
        "settled": letter.settled,
        "settled_by": letter.settled_by,
        "note": letter.note,
    }
