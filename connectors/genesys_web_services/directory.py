"""The directory: what the site's dictionaries say now, and the feed that keeps it fresh.

Shared by all feeds of a connector, so that a thousand agents cost one reading. It explains what
messages only name: a reason code gets its label, and a command may call an agent state by the name
that people see. The feed compares each reading with the one before, by fingerprints that are its
resume state, and tells what differs; the content itself is read anew by each process.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from connectors._wire.json_values import UNREADABLE
from connectors._wire.polling import Poller, Rhythm
from connectors.genesys_web_services import settings_site
from connectors.genesys_web_services.client import AgentHttp
from connectors.genesys_web_services.dictionaries import SOURCES, Entry, entries
from connectors.genesys_web_services.reading import optional
from gateway.clock import Clock
from gateway.commands import Command, Verb
from gateway.contracts import Delivery, Guarantee, Link
from gateway.events import CATALOGUE, Event, Provenance, TimeSource, event_id
from gateway.events.common import Native
from gateway.events.operations import DirectoryChanged

MAX_CHANGED = 1_000
DEADLINE_SLACK_SECONDS = 5.0
_CHANGED = "tieline.directory.changed.v1"
_STATES = "agent_states"


class Directory:
    """The dictionaries as they were last read; empty before the first reading."""

    def __init__(self) -> None:
        self._entries: dict[str, dict[str, Entry]] = {}
        self._readings: dict[str, tuple[datetime, int]] = {}
        self._labels: dict[str, str] = {}
        self._operations: dict[str, str] = {}

    @property
    def dictionaries(self) -> Mapping[str, Sequence[Entry]]:
        """Every dictionary that was read, with its entries in the platform's order."""
        return {name: tuple(found.values()) for name, found in self._entries.items()}

    def reading(self, dictionary: str) -> tuple[datetime, int] | None:
        """When a dictionary was read, and how many entries were left out; None if it was not read yet."""
        return self._readings.get(dictionary)

    def replace(
        self, dictionary: str, found: dict[str, Entry], *, read_at: datetime, left_out: int = 0
    ) -> None:
        """Take over a reading."""
        self._entries[dictionary] = found
        self._readings[dictionary] = (read_at, left_out)
        if dictionary != _STATES:
            return
        self._labels.clear()
        self._operations.clear()
        for entry in found.values():
            operation = entry.details.get("operationName", entry.id)
            for key in ("id", "reason", "operationName"):
                if (value := entry.details.get(key)) is not None:
                    self._labels.setdefault(value.casefold(), entry.name)
            for value in (entry.name, entry.details.get("reason")):
                if value is not None:
                    self._operations.setdefault(value.casefold(), operation)
        # An operation's own name means itself, whatever else bears the same words.
        for entry in found.values():
            operation = entry.details.get("operationName", entry.id)
            self._operations[operation.casefold()] = operation

    def label_of(self, user_state: Mapping[str, Any]) -> str | None:
        """The name that people see for an agent state, by its id or its reason."""
        for key in ("id", "reason", "reasonCode"):
            value = user_state.get(key)
            if isinstance(value, str) and (label := self._labels.get(value.casefold())):
                return label
        return None

    def resolved(self, command: Command) -> Command:
        """The command with the agent state's operation name where it has another name of the state."""
        reason = command.arguments.get("reason")
        if command.verb is not Verb.AGENT_SET_STATE or not isinstance(reason, str):
            return command
        operation = self._operations.get(reason.casefold())
        if operation is None or operation == reason:
            return command
        return msgspec.structs.replace(
            command, arguments={**command.arguments, "reason": operation}
        )


class DirectoryResume(msgspec.Struct, frozen=True, kw_only=True):
    """Fingerprints of the entries that were last told, by dictionary and id, and how many changes of each were told."""

    version: int = 1
    marks: dict[str, dict[str, int]]
    changes: dict[str, int] = msgspec.field(default_factory=dict)


_encode = msgspec.json.Encoder().encode
_decoder = msgspec.json.Decoder(DirectoryResume)


class DirectoryFeed:
    """Reads the dictionaries and tells what changed, as `gateway.contracts.Feed` describes it."""

    def __init__(
        self,
        settings: settings_site.Directory,
        directory: Directory,
        http: AgentHttp,
        *,
        name: str,
        source: str,
        clock: Clock,
        request_timeout_seconds: float,
    ) -> None:
        self.name = name
        self.guarantee = Guarantee.POLLED
        self._settings = settings
        self._directory = directory
        self._http = http
        self._source = source
        self._clock = clock
        count = len(settings.dictionaries)
        self._poller = Poller(
            Rhythm(
                interval_seconds=settings.refresh_seconds,
                deadline_seconds=count * request_timeout_seconds + DEADLINE_SLACK_SECONDS,
            ),
            clock=clock,
            peer=http.peer,
        )
        self._marks: dict[str, dict[str, int]] = {}
        self._changes: dict[str, int] = {}
        self._connected = False
        self._unavailable: dict[str, str] = {}
        self._left_out: dict[str, int] = {}

    async def connect(self, resume: bytes | None) -> Link:
        """Sign in; the first reading follows at once."""
        self._connected = False
        kept = _read(resume)
        await self._http.sign_in()
        self._marks = dict(kept.marks) if kept else {}
        self._changes = dict(kept.changes) if kept else {}
        self._poller.restart()
        self._connected = True
        session = event_id("session", self.name, self._clock.now().isoformat())[:16]
        return Link(session=session, resumed=kept is not None)

    async def receive(self) -> Delivery:
        """The next reading, with what differs from the one before. Cancelled, it is read again."""
        answers = await self._poller.poll(self._ask)
        # No await from here on: what is remembered as told is also returned.
        events = [event for name, answer in answers.items() for event in self._take(name, *answer)]
        state = DirectoryResume(marks=self._marks, changes=self._changes)
        return Delivery(events=tuple(events), resume=_encode(state))

    async def commit(self, delivery: Delivery) -> None:
        """The platform knows no acknowledgement."""

    async def drain(self) -> Delivery | None:
        """The platform holds nothing for us."""
        return None

    async def close(self) -> None:
        """Nothing is held open between two readings."""
        self._connected = False

    def diagnostics(self) -> Mapping[str, Any]:
        """Facts without secrets and without people's names: how much there is, and what is not given to us."""
        return {
            "connected": self._connected,
            "entries": {name: len(found) for name, found in self._directory.dictionaries.items()},
            "left_out": dict(self._left_out),
            "unavailable": dict(self._unavailable),
        }

    async def _ask(self) -> dict[str, tuple[dict[str, Any], str]]:
        """Every dictionary; changes nothing."""
        return {
            name: await optional(self._http, SOURCES[name].path)
            for name in self._settings.dictionaries
        }

    def _take(self, name: str, reply: dict[str, Any], why: str) -> list[Event]:
        self._unavailable.pop(name, None)
        if why:
            # What was read before stands: a dictionary that cannot be read has not become empty.
            self._unavailable[name] = why
            return []
        found = entries(name, reply, personal=self._settings.personal)
        most = self._settings.max_entries
        self._left_out[name] = max(0, len(found) - most)
        found = dict(list(found.items())[:most])
        self._directory.replace(
            name, found, read_at=self._clock.now(), left_out=self._left_out[name]
        )
        before, after = self._marks.get(name), {key: one.mark for key, one in found.items()}
        self._marks[name] = after
        if before is None or before == after:
            return []
        changed = sorted(
            key for key in before.keys() | after.keys() if before.get(key) != after.get(key)
        )
        return [self._changed(name, changed)]

    def _changed(self, name: str, changed: list[str]) -> Event:
        now = self._clock.now()
        subject = f"directory/{name}"
        count = self._changes[name] = self._changes.get(name, 0) + 1
        return Event(
            id=event_id(self.name, name, count, _CHANGED),
            source=self._source,
            type=_CHANGED,
            subject=subject,
            time=now,
            recordedtime=now,
            partitionkey=subject,
            data=DirectoryChanged(
                directory=name,
                changed=changed[:MAX_CHANGED],
                native=Native(type=SOURCES[name].path.partition("?")[0]),
            ),
            dataclassification=CATALOGUE[_CHANGED].classification,
            timesource=TimeSource.GATEWAY,
            provenance=Provenance.POLLED,
        )


def _read(resume: bytes | None) -> DirectoryResume | None:
    """The kept fingerprints; without them the first reading is the base of later differences."""
    if resume is None:
        return None
    try:
        return _decoder.decode(resume)
    except UNREADABLE:
        return None
