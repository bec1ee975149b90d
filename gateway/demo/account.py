"""The account at the end: published, journalled, delivered, lost, doubled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from gateway.contracts import Journal
from gateway.demo.receiver import Received
from gateway.events import source_of

_READ = 2_000


class _Line(Received):
    source: str


@dataclass(slots=True)
class PlatformAccount:
    """One platform's figures. Counted are platform messages, of which some give more than one event."""

    published: int = 0
    journalled: int = 0
    delivered: dict[str, int] = field(default_factory=dict)
    commands: Counter[str] = field(default_factory=Counter)
    events: int = 0


@dataclass(slots=True)
class Account:
    """The whole report."""

    duration_s: float
    platforms: dict[str, PlatformAccount] = field(default_factory=dict)
    lost: int = 0
    duplicates: int = 0

    def as_report(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "duration_s": round(self.duration_s, 1),
            "platforms": {
                name: {
                    "published": part.published,
                    "journalled": part.journalled,
                    "delivered": part.delivered,
                    "commands": dict(part.commands),
                    "events": part.events,
                }
                for name, part in self.platforms.items()
            },
            "lost": self.lost,
            "duplicates": self.duplicates,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """References seen in one place, by event source; ids that came more than once."""

    references: Mapping[str, set[str]]
    doubled: int
    events: Counter[str]


async def read_journal(journal: Journal, *, up_to: int | None = None) -> Ledger:
    """What the journal holds, or what of it a consumer at position `up_to` has had."""
    references: dict[str, set[str]] = {}
    events: Counter[str] = Counter()
    position = 0
    while batch := await journal.read(position, _READ):
        for event in batch:
            if up_to is not None and event.position > up_to:
                return Ledger(references=references, doubled=0, events=events)
            events[event.source] += 1
            line = msgspec.json.decode(event.body, type=_Line)
            if line.reference is not None:
                references.setdefault(event.source, set()).add(line.reference)
        position = batch[-1].position
    return Ledger(references=references, doubled=0, events=events)


def read_file(path: Path) -> Ledger:
    """What a file sink wrote."""
    references: dict[str, set[str]] = {}
    ids: Counter[str] = Counter()
    events: Counter[str] = Counter()
    with path.open("rb") as lines:
        for text in lines:
            line = msgspec.json.decode(text, type=_Line)
            ids[line.id] += 1
            events[line.source] += 1
            if line.reference is not None:
                references.setdefault(line.source, set()).add(line.reference)
    return Ledger(references=references, doubled=sum(n - 1 for n in ids.values()), events=events)


def settle(
    duration_s: float,
    published: Mapping[tuple[str, str], set[str]],
    journal: Ledger,
    sinks: Mapping[str, Ledger],
    commands: Mapping[str, Counter[str]],
) -> Account:
    """Compare. `published` is by (connector, platform); `sinks` by name."""
    account = Account(duration_s=duration_s, duplicates=sum(led.doubled for led in sinks.values()))
    for (connector, platform), told in published.items():
        source = source_of(connector, platform)
        held = journal.references.get(source, set())
        part = PlatformAccount(
            published=len(told),
            journalled=len(held & told),
            commands=commands.get(connector, Counter()),
            events=journal.events[source],
        )
        account.lost += len(told - held)
        for name, ledger in sinks.items():
            got = ledger.references.get(source, set())
            part.delivered[name] = len(got & told)
            account.lost += len((held & told) - got)
        account.platforms[platform] = part
    return account
