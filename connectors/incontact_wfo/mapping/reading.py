"""What the recorder says of an agent, read once: calls, recordings, fields. Nothing here raises.

Source: inContact WFO 16.3 help, "Recording API Commands", the body of `api/Agent`. Keys are read
whatever their case; `GetAll` answers with a list of such bodies.
"""

from __future__ import annotations

from typing import Any

import msgspec

from connectors._wire.json_values import fields, flag, identifier, objects, text
from connectors.incontact_wfo.vendor import MEMBERS

_WRAPPERS = ("agents", "result", "data")


class Recording(msgspec.Struct, frozen=True, kw_only=True):
    """One recording of a call. `word` is the recorder's for its state."""

    id: str
    word: str = ""
    duplicate: bool | None = None
    reference: str | None = None


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One call of an agent.

    Attributes:
        key: names it among the agent's calls, over its whole life.
        id: what events call it: the phone system's id where the recorder has it.
        active: it stands under ActiveCall.
        metadata: the recorder's fields by name in lower case, those without a value left out.
    """

    key: str
    id: str
    active: bool
    word: str = ""
    metadata: dict[str, str] = {}
    recordings: tuple[Recording, ...] = ()
    reference: str | None = None


class Agent(msgspec.Struct, frozen=True, kw_only=True):
    """One agent of the tracker. `names` has the values of the identifiers, by kind."""

    id: str
    names: dict[str, str]
    calls: tuple[Call, ...] = ()
    odd: tuple[str, ...] = ()
    """What of it could not be read, in words."""
    payload: Any = None


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What was read at one time.

    Attributes:
        agents: those who are in the tracker.
        gone: ids of agents who were asked for and are not in it.
        everybody: all agents were asked for, not single ones.
        complete: all of them were told.
        found: the recorder found something to answer with.
        odd: parts of the answer that are no agents.
    """

    agents: tuple[Agent, ...] = ()
    gone: tuple[str, ...] = ()
    everybody: bool = True
    complete: bool = True
    found: bool = True
    odd: tuple[Any, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether an agent who is not in it is not in the tracker."""
        return self.everybody and self.complete and not self.odd


def read_all(body: Any) -> Reading:
    """An answer of `api/Agent/GetAll`; a list in an object is one too."""
    listed = body
    if isinstance(body, dict):
        members = fields(body)
        listed = next((members[name] for name in _WRAPPERS if name in members), [body])
    if not isinstance(listed, list):
        return Reading(odd=(body,))
    found = [(entry, read_agent(entry)) for entry in listed]
    odd = tuple(entry for entry, agent in found if agent is None)
    agents = tuple(agent for _, agent in found if agent is not None)
    return Reading(agents=agents, odd=odd)


def read_agent(body: Any) -> Agent | None:
    """One agent's body; none if it names no agent."""
    members = fields(body)
    names = {
        kind: value
        for kind, name in MEMBERS.items()
        if (value := identifier(members.get(name))) is not None
    }
    own = names.get("Id") or names.get("Username") or names.get("SystemUsername")
    if own is None:
        return None
    odd: list[str] = []
    calls: dict[str, Call] = {}
    active = members.get("activecall")
    if isinstance(active, dict):
        _read_call(active, calls, odd, active=True)
    elif active not in (None, "", []):
        odd.append("ActiveCall is no object")
    inactive = members.get("inactivecalls")
    for entry in inactive if isinstance(inactive, list) else ():
        _read_call(entry, calls, odd, active=False)
    return Agent(id=own, names=names, calls=tuple(calls.values()), odd=tuple(odd), payload=body)


def _read_call(entry: Any, calls: dict[str, Call], odd: list[str], *, active: bool) -> None:
    members = fields(entry)
    metadata = {
        name: value
        for name, member in fields(members.get("metadata")).items()
        if (value := text(member)) is not None
    }
    instance = identifier(members.get("callinstance")) or metadata.get("callinstance")
    call_id = metadata.get("callid")
    begun = metadata.get("starttime")
    key = instance or call_id or (begun and f"{metadata.get('deviceid', '')} {begun}")
    if key is None:
        # An object without anything in it is how some servers write that there is no call.
        if members and any(value not in (None, "", [], {}) for value in members.values()):
            odd.append("a call has neither CallInstance nor callid nor starttime")
        return
    recordings: dict[str, Recording] = {}
    for recording in objects(members.get("recordings")):
        name = identifier(recording.get("recordingidentifier"))
        if name is None:
            odd.append(f"a recording of call {key} has no RecordingIdentifier")
            continue
        recordings[name] = Recording(
            id=name,
            word=text(recording.get("recordingstate")) or "",
            duplicate=flag(recording.get("isduplicate")),
            reference=text(recording.get("referenceid")),
        )
    # The same call under ActiveCall and InactiveCalls is active.
    calls.setdefault(
        key,
        Call(
            key=key,
            id=call_id or key,
            active=active,
            word=text(members.get("callstate")) or "",
            metadata=metadata,
            recordings=tuple(recordings.values()),
            reference=text(members.get("referenceid")),
        ),
    )
