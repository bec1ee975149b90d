"""What is known of each command: durable in the journal, remembered for a while, told to the sinks as events.

Three things are kept in the journal: the record of a command by its id, the id by its idempotency key, and the events
that tell of its verdict. The key is written first and the events last, so a process that dies in between leaves a key
without a command, which the next request with that key overwrites, or a verdict that is not told yet, which the next
process tells.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from gateway import audit, command_events
from gateway.clock import Clock
from gateway.commands import Command, CommandRecord, Outcome
from gateway.contracts import Journal
from gateway.errors import JournalFull, Reason, TielineError
from gateway.events import Event
from gateway.telemetry import Telemetry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

OMITTED = "[omitted]"
_NAMESPACE = "commands"
_KEYS = "idempotency"
_KEPT_ARGUMENT_BYTES = 4096
_TELL_AT_ONCE = 500


class KeyReused(TielineError):
    """An idempotency key came again with another request."""

    default_reason = Reason.CONFLICT


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long settled commands are remembered, with their idempotency keys.

    Attributes:
        keep_seconds: for this long.
        most_kept: but no more than so many; the oldest are forgotten early.
        most_untold: verdicts at the end of a process whose events may be missing, at the most.
    """

    keep_seconds: float
    most_kept: int
    most_untold: int


class CommandLog:
    """All commands that are under way or remembered."""

    def __init__(
        self,
        *,
        journal: Journal,
        telemetry: Telemetry,
        clock: Clock,
        retention: Retention,
        platform: Callable[[str], str],
    ) -> None:
        self._journal = journal
        self._telemetry = telemetry
        self._clock = clock
        self._retention = retention
        self._platform = platform
        self._records: dict[str, CommandRecord] = {}
        self._settled: dict[str, asyncio.Event] = {}
        self._keys: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    @property
    def in_flight(self) -> int:
        """Commands without a verdict."""
        return len(self._settled)

    def get(self, command_id: str) -> CommandRecord | None:
        """A command that is remembered."""
        return self._records.get(command_id)

    def newest(self) -> Iterator[CommandRecord]:
        """All that are remembered, the newest first."""
        return reversed(self._records.values())

    async def wait_final(self, command_id: str, seconds: float) -> CommandRecord | None:
        """The record once its verdict stands, or as it is after that time."""
        settled = self._settled.get(command_id)
        if settled is not None:
            try:
                async with asyncio.timeout(seconds):
                    await settled.wait()
            except TimeoutError:
                pass
        return self._records.get(command_id)

    async def restore(self) -> list[CommandRecord]:
        """Remember what the last process kept; returns what has no verdict yet, oldest first."""
        kept = [
            msgspec.json.decode(value, type=CommandRecord)
            for _, value in await self._journal.items(_NAMESPACE)
        ]
        kept.sort(key=lambda record: record.command.created)
        self._records = {record.command.id: record for record in kept}
        open_ones = [record for record in kept if not record.final]
        self._settled = {record.command.id: asyncio.Event() for record in open_ones}
        final = sorted((record for record in kept if record.final), key=lambda each: each.updated)
        await self._tell_again(final[-self._retention.most_untold :])
        return open_ones

    @asynccontextmanager
    async def holding(self, key: str | None) -> AsyncIterator[None]:
        """One request with a key at a time: the second finds what the first has made."""
        if key is None:
            yield
            return
        async with self._keys[key]:
            yield

    async def known(self, key: str | None, digest: str) -> CommandRecord | None:
        """The command that was made with the key. Raises KeyReused: it was made for another request."""
        kept = await self._journal.get(_KEYS, key) if key is not None else None
        if kept is None:
            return None
        command_id, earlier_digest = msgspec.json.decode(kept, type=tuple[str, str])
        record = self._records.get(command_id)
        if record is not None and earlier_digest != digest:
            raise KeyReused(
                "Idempotency-Key: used before for another request",
                hint="use a new key for a new command",
            )
        return record

    async def add(self, record: CommandRecord, key: str | None) -> None:
        """Remember a new command; durable when it returns. Raises JournalFull: nothing is remembered."""
        command_id = record.command.id
        self._settled[command_id] = asyncio.Event()
        try:
            if key is not None:
                value = msgspec.json.encode([command_id, record.digest])
                await self._journal.put(_KEYS, key, value)
            await self._journal.put(_NAMESPACE, command_id, msgspec.json.encode(record))
        except BaseException:
            del self._settled[command_id]
            raise
        self._records[command_id] = record

    async def update(self, record: CommandRecord) -> CommandRecord:
        """Remember what is known now, and tell it; waits for room if the journal has none."""
        record = msgspec.structs.replace(record, updated=self._clock.now())
        if record.final:
            record = msgspec.structs.replace(record, command=_without_bulk(record.command))
        command_id = record.command.id
        self._records[command_id] = record
        while True:
            try:
                await self._journal.put(_NAMESPACE, command_id, msgspec.json.encode(record))
                await self._tell(record)
                break
            except JournalFull:
                await self._journal.wait_for_room()
        self._telemetry.command_settled(record)
        if record.final and (settled := self._settled.pop(command_id, None)):
            settled.set()
        return record

    async def settle(self, record: CommandRecord, outcome: Outcome) -> CommandRecord:
        """Remember what the platform answered, or the verdict."""
        return await self.update(msgspec.structs.replace(record, outcome=outcome))

    async def forget_old(self) -> None:
        """Forget settled commands by age and number."""
        horizon = self._clock.now() - timedelta(seconds=self._retention.keep_seconds)
        settled = [record for record in self._records.values() if record.final]
        too_many = max(0, len(settled) - self._retention.most_kept)
        for number, record in enumerate(settled):
            if number < too_many or record.updated < horizon:
                await self._forget(record)
        for key in [key for key, lock in self._keys.items() if not lock.locked()]:
            del self._keys[key]

    async def _forget(self, record: CommandRecord) -> None:
        command = record.command
        await self._journal.put(_NAMESPACE, command.id, None)
        key = key_of(command.requester, command.idempotency_key)
        if key is not None:
            await self._journal.put(_KEYS, key, None)
        del self._records[command.id]

    async def _tell(self, record: CommandRecord) -> None:
        if events := self._events(record):
            await self._journal.append(f"command/{record.command.id}", events, None)

    def _events(self, record: CommandRecord) -> list[Event]:
        platform = self._platform(record.command.connector)
        told = command_events.told(record, platform)
        events = [] if told is None else [told]
        if record.final:
            events.append(audit.of_verdict(record, platform))
        return events

    async def _tell_again(self, records: Iterable[CommandRecord]) -> None:
        """Append the events of verdicts once more: the journal leaves out those that it has."""
        events = [event for record in records for event in self._events(record)]
        for start in range(0, len(events), _TELL_AT_ONCE):
            try:
                await self._journal.append("commands", events[start : start + _TELL_AT_ONCE], None)
            except JournalFull:
                # Not worth holding up the start: the verdicts themselves are kept.
                return


def key_of(requester: str, idempotency_key: str | None) -> str | None:
    """What an idempotency key is kept under: one caller's key says nothing about another's.

    A key has no spaces, so the last one ends the caller's name, whatever is in it.
    """
    return None if idempotency_key is None else f"{requester} {idempotency_key}"


def _without_bulk(command: Command) -> Command:
    """The command without large arguments: a settled one is kept for a day, by number and not by size."""
    return msgspec.structs.replace(
        command,
        arguments={
            name: OMITTED if len(msgspec.json.encode(value)) > _KEPT_ARGUMENT_BYTES else value
            for name, value in command.arguments.items()
        },
    )
