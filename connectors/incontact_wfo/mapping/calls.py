"""One call of one agent: what differs between how it was told last and how it is now.

The recorder tells no transitions, so what lies between two readings is not seen; whatever can be
seen of it is told. A call or recording that is simply gone is over, and that is marked as inferred.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
from msgspec import UNSET, UnsetType

from connectors._wire.json_values import fingerprint
from connectors.incontact_wfo.mapping.reading import Agent, Call, Recording
from connectors.incontact_wfo.mapping.state import KnownCall, KnownRecording
from connectors.incontact_wfo.mapping.telling import Cause, Telling
from connectors.incontact_wfo.mapping.times import site_time
from connectors.incontact_wfo.vendor import AGENT_PATH, DIRECTIONS, CallWord, RecordingWord
from gateway.events import calls
from gateway.events.common import Native, Party
from gateway.states import ConnectionState

_C = ConnectionState
_STATES: Mapping[CallWord, ConnectionState] = {
    "alerting": _C.ALERTING,
    "connected": _C.CONNECTED,
    "held": _C.HELD,
    "cleared": _C.CLEARED,
}
_TYPES = {
    _C.ALERTING: "call.offered",
    _C.CONNECTED: "call.connected",
    _C.HELD: "call.held",
    _C.CLEARED: "call.ended",
}
_RECORDING_TYPES: Mapping[RecordingWord, str] = {
    "recording": "recording.started",
    "paused": "recording.paused",
    "stopped": "recording.stopped",
}


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """How the recorder's words are to be read; they are compared whatever their case."""

    calls: dict[str, CallWord]
    recordings: dict[str, RecordingWord]
    tags: tuple[str, ...]
    zone: ZoneInfo


class CallTeller:
    """Tells the calls of one agent.

    `baseline`: the first reading ever, in which what is over already is no news; `cause`: the command about the
    agent that is under way.
    """

    def __init__(
        self,
        words: Words,
        telling: Telling,
        agent: Agent,
        *,
        baseline: bool = False,
        cause: Cause | None = None,
    ) -> None:
        self._words = words
        self._telling = telling
        self._agent = agent
        self._baseline = baseline
        self._cause = cause
        self.unknown_words: set[str] = set()

    def tell(self, call: Call, was: KnownCall | None, *, begun: int = 0) -> KnownCall:
        """Tell what differs; returns the call as it is remembered from now on.

        `begun` is what the counts of a call that is new begin with.
        """
        state, inferred = self._state(call)
        known = was or KnownCall(
            id=call.id, state=_C.UNKNOWN, moves=begun, changes=begun, begun=begun
        )
        silent = was is None and state is _C.CLEARED and self._baseline
        if was is None:
            self._move(call, known, None, state, inferred=inferred, silent=silent)
        elif state is not known.state and state is not _C.CLEARED:
            self._move(call, known, known.state, state, inferred=inferred, silent=False)
        self._facts(call, known, is_news=was is not None)
        self._tags(call, known, silent=silent)
        self._recordings(call, known, over=state is _C.CLEARED, silent=silent)
        if was is not None and state is _C.CLEARED and known.state is not _C.CLEARED:
            self._move(call, known, known.state, state, inferred=inferred, silent=False)
        return known

    def tell_gone(self, key: str, known: KnownCall) -> None:
        """The recorder has the call no more: it is over, and so are its recordings."""
        if known.state is _C.CLEARED:
            return
        call = Call(key=key, id=known.id, active=False)
        for name, recording in known.recordings.items():
            self._to(call, Recording(id=name), recording, "stopped", inferred=True)
        self._move(call, known, known.state, _C.CLEARED, inferred=True, silent=False)

    def _state(self, call: Call) -> tuple[ConnectionState, bool]:
        """The call's state, and whether it had to be inferred."""
        word = self._words.calls.get(call.word.lower())
        if not call.active and "endtime" in call.metadata:
            return _C.CLEARED, False
        if word is not None:
            return _STATES[word], False
        if call.word:
            self._unknown("CallState", call.word)
        return (_C.CONNECTED if call.active else _C.UNKNOWN), True

    def _move(
        self,
        call: Call,
        known: KnownCall,
        previous: ConnectionState | None,
        state: ConnectionState,
        *,
        inferred: bool,
        silent: bool,
    ) -> None:
        known.state = state
        known.facts = self._fingerprint(call) if call.metadata else known.facts
        if silent:
            return
        known.moves += 1
        name = _TYPES.get(state, "call.changed")
        if state is _C.CONNECTED and previous is _C.HELD:
            name = "call.retrieved"
        began = self._time(call, "starttime")
        ended = self._time(call, "endtime") if state is _C.CLEARED else None
        duration = (ended - began).total_seconds() if ended and began and ended >= began else None
        at = ended if state is _C.CLEARED else (began if previous is None else None)
        self._add_call(
            name,
            call,
            state=state,
            previous=previous,
            at=at,
            inferred=inferred,
            duration=duration,
            place=("state", known.moves),
        )

    def _facts(self, call: Call, known: KnownCall, *, is_news: bool) -> None:
        facts = self._fingerprint(call)
        if is_news and facts != known.facts:
            known.facts = facts
            known.changes += 1
            self._add_call("call.changed", call, state=known.state, place=("facts", known.changes))

    def _tags(self, call: Call, known: KnownCall, *, silent: bool) -> None:
        tags = {name: call.metadata[name] for name in self._words.tags if name in call.metadata}
        changed = {name: value for name, value in tags.items() if known.tags.get(name) != value}
        changed |= dict.fromkeys(known.tags.keys() - tags.keys(), "")
        known.tags = tags
        if not changed or silent:
            return
        known.changes += 1
        live = next((r.id for r in call.recordings if r.word), None)
        self._add_recording(
            "recording.tagged",
            call,
            live,
            place=("tags", known.changes),
            tags=changed,
            reference=call.reference,
        )

    def _recordings(self, call: Call, known: KnownCall, *, over: bool, silent: bool) -> None:
        for recording in call.recordings:
            self._recording(call, known, recording, over=over, silent=silent)
        listed = {recording.id for recording in call.recordings}
        for name, was in known.recordings.items():
            if name not in listed:
                was.word = ""
                self._to(call, Recording(id=name), was, "stopped", inferred=True)

    def _recording(
        self, call: Call, known: KnownCall, recording: Recording, *, over: bool, silent: bool
    ) -> None:
        word = self._words.recordings.get(recording.word.lower())
        if word is None and recording.word:
            self._unknown("RecordingState", recording.word)
        was = known.recordings.get(recording.id)
        if was is None:
            # A recording that is listed was begun, whatever it does now.
            was = KnownRecording(word=recording.word, state="recording", changes=known.begun)
            known.recordings[recording.id] = was
            if silent:
                was.state = "stopped"
                return
            was.changes += 1
            self._tell_recording(call, recording, was, inferred=word != "recording")
        elif was.word == recording.word and not over:
            # The same word again is no news, even if a command told something else meanwhile.
            return
        was.word = recording.word
        if over:
            self._to(call, recording, was, "stopped", inferred=word != "stopped")
        elif word is not None:
            self._to(call, recording, was, word)

    def _to(
        self,
        call: Call,
        recording: Recording,
        was: KnownRecording,
        state: RecordingWord,
        *,
        inferred: bool = False,
    ) -> None:
        if was.state == state:
            return
        previous, was.state = was.state, state
        was.changes += 1
        self._tell_recording(call, recording, was, inferred=inferred, resumed=previous == "paused")

    def _tell_recording(
        self,
        call: Call,
        recording: Recording,
        now: KnownRecording,
        *,
        inferred: bool,
        resumed: bool = False,
    ) -> None:
        name = _RECORDING_TYPES[now.state]
        if now.state == "recording" and resumed:
            name = "recording.resumed"
        self._add_recording(
            name,
            call,
            recording.id,
            place=("recording", recording.id, now.changes),
            inferred=inferred,
            state=recording.word,
            duplicate=recording.duplicate,
            reference=recording.reference,
        )

    def _add_recording(
        self,
        name: str,
        call: Call,
        recording: str | None,
        *,
        place: tuple[str | int, ...],
        inferred: bool = False,
        state: str = "",
        duplicate: bool | None = None,
        reference: str | None = None,
        tags: dict[str, str] | None = None,
    ) -> None:
        native = self._telling.native(self._agent, call, state=state, reference=reference)
        if duplicate is not None:
            more = {"IsDuplicate": str(duplicate).lower()}
            native = msgspec.structs.replace(native, ids=native.ids | more)
        blackout = name in {"recording.paused", "recording.resumed"}
        self._telling.add(
            name,
            f"recording/{recording or call.key}",
            call.id,
            calls.Recording(
                call=call.id,
                agent=self._agent.id,
                recording=recording,
                mode="call",
                reason="blackout" if blackout else None,
                tags=tags or {},
                native=native,
            ),
            self._agent.id,
            call.key,
            *place,
            inferred=inferred,
            correlation=call.id,
            cause=self._cause_of(name),
        )

    def _cause_of(self, name: str) -> str | UnsetType:
        cause = self._cause
        if cause is None or f"tieline.{name}.v1" not in cause.types:
            return UNSET
        cause.seen = True
        return cause.command

    def _add_call(
        self,
        name: str,
        call: Call,
        *,
        state: ConnectionState,
        place: tuple[str | int, ...],
        previous: ConnectionState | None = None,
        at: datetime | None = None,
        inferred: bool = False,
        duration: float | None = None,
    ) -> None:
        metadata = call.metadata
        self._telling.add(
            name,
            f"call/{call.id}",
            call.id,
            calls.Call(
                call=call.id,
                agent=self._agent.id,
                state=state,
                previous_state=previous,
                direction=DIRECTIONS.get(metadata.get("calldirection", "").lower()),
                parties=self._parties(call, state) if metadata else [],
                queue=metadata.get("gate"),
                duration_seconds=duration,
                native=self._native_of(call),
            ),
            self._agent.id,
            call.key,
            *place,
            at=at,
            inferred=inferred,
            correlation=call.id,
        )

    def _native_of(self, call: Call) -> Native:
        return self._telling.native(self._agent, call, state=call.word, reference=call.reference)

    def _parties(self, call: Call, state: ConnectionState) -> list[Party]:
        """The agent, and who called or was called."""
        metadata = call.metadata
        outbound = DIRECTIONS.get(metadata.get("calldirection", "").lower()) == "outbound"
        other = metadata.get("dnis" if outbound else "ani")
        own = self._agent.names.get("Phone") or metadata.get("deviceid")
        parties = [Party(role="agent", number=own, agent=self._agent.id, state=state)]
        if other is not None:
            parties.append(Party(role="customer", number=other))
        return parties

    def _fingerprint(self, call: Call) -> int:
        return fingerprint([call.metadata.get(n) for n in ("ani", "dnis", "gate", "calldirection")])

    def _time(self, call: Call, name: str) -> datetime | None:
        return site_time(call.metadata.get(name), self._words.zone, self._telling.received)

    def _unknown(self, member: str, word: str) -> None:
        self.unknown_words.add(f"{member} {word}")
        self._telling.not_understood(
            AGENT_PATH, f"{member} {word!r} has no meaning in the settings", {member: word}
        )
