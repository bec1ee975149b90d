"""Agents, their calls and recordings, and who has seen which change of them.

A recorder pushes nothing, so a change counts as published when it happens, as written when an answer
shows it, and as lost when another change takes its place before anybody looked, or when an answer
shows the same as the one before. What an answer is to show carries the number of its newest change
as `ReferenceId`.
Source: inContact WFO 16.3 help, "Recording API Commands", body of `api/Agent`; where the stored copy
ends (states of calls and recordings) the words are chosen.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from connectors._simulation.ledger import Ledger, LostBecause
from connectors.incontact_wfo._simulated.settings import SimulatorSettings

FIRST_PHONE = 4678
NUMBER_OF_USER_FIELDS = 15
_TIMES = "%m/%d/%Y %H:%M:%S"


class Thing:
    """Something that answers show: its newest change, and what the last answer showed of it."""

    def __init__(self, ledger: Ledger, owner: str, topic: str) -> None:
        self._ledger = ledger
        self._owner = owner
        self._topic = topic
        self._pending: int | None = None
        self._shown: object = None
        self.reference: str | None = None

    def changed(self, what: str, at_ms: int) -> None:
        """It changed; an earlier change that nobody saw is lost."""
        self.forget()
        self._pending = self._ledger.record(
            agent=self._owner, topic=self._topic, message_type=what, at_ms=at_ms
        )
        self.reference = f"sim-{self._pending}"

    def show(self, value: object) -> None:
        """An answer shows it like this."""
        if self._pending is not None and value != self._shown:
            self._ledger.written([self._pending])
            self._pending = None
        self.forget()
        self._shown = value

    def forget(self) -> None:
        """A change that nobody saw will not be seen any more."""
        if self._pending is not None:
            self._ledger.lost([self._pending], LostBecause.OVERFLOW)
            self._pending = None


class Recording:
    """One recording. `state`: Recording, Blackout or Stopped."""

    def __init__(self, name: str, thing: Thing) -> None:
        self.id = name
        self.thing = thing
        self.state = "Recording"
        self.blackout = False

    @property
    def live(self) -> bool:
        """Whether it goes on."""
        return self.state != "Stopped"


class Call:
    """One call of an agent."""

    def __init__(self, number: int, thing: Thing, *, outbound: bool, now: datetime) -> None:
        self.instance = str(number)
        self.thing = thing
        self.outbound = outbound
        self.began = now
        self.ended: datetime | None = None
        self.state = "OnCall"
        self.user_fields: dict[str, str] = {}
        self.recordings: list[Recording] = []


class Agent:
    """One agent of the tracker."""

    def __init__(self, number: int) -> None:
        self.id = number
        self.username = f"agent{number:04d}"
        self.phone = str(FIRST_PHONE + number - 1)
        self.active: Call | None = None
        self.inactive: list[Call] = []
        self.left_alone_until = 0.0

    @property
    def names(self) -> dict[str, str]:
        """What the agent can be found by."""
        return {
            "id": str(self.id),
            "phone": self.phone,
            "crmusername": f"crm-{self.username}",
            "systemusername": f"SITE\\{self.username}",
            "username": self.username,
        }

    @property
    def live_recordings(self) -> list[Recording]:
        """The recordings of the active call that go on."""
        return [one for one in self.active.recordings if one.live] if self.active else []


class World:
    """Everything, and everything that can happen to it."""

    def __init__(
        self,
        settings: SimulatorSettings,
        rng: Random,
        ledger: Ledger,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.settings = settings
        self._rng = rng
        self._ledger = ledger
        self._now = now
        self._zone = ZoneInfo(settings.time_zone)
        self._calls = 0
        self.agents = {number: Agent(number) for number in range(1, settings.agents + 1)}
        for number in settings.on_call:
            self.begin(self.agents[number], outbound=False)

    def find(self, kind: str, value: str) -> Agent | None:
        """An agent by AgentIdentifier and Value, whatever their case."""
        kind, value = kind.lower(), value.lower()
        return next(
            (a for a in self.agents.values() if a.names.get(kind, "").lower() == value), None
        )

    def begin(self, agent: Agent, *, outbound: bool) -> Call:
        """A call; one that is active is ended."""
        if agent.active is not None:
            self.end(agent)
        self._calls += 1
        thing = Thing(self._ledger, agent.username, "call")
        call = Call(self._calls, thing, outbound=outbound, now=self._now())
        agent.active = call
        self._changed(thing, "begin")
        return call

    def hold(self, call: Call, *, on: bool) -> None:
        """Hold or retrieve."""
        call.state = "OnHold" if on else "OnCall"
        self._changed(call.thing, call.state)

    def end(self, agent: Agent) -> None:
        """The active call is over, and its recordings are."""
        call = agent.active
        if call is None:
            return
        for recording in agent.live_recordings:
            self.stop(recording)
        call.state, call.ended = "Ended", self._now()
        agent.active = None
        agent.inactive.append(call)
        self._changed(call.thing, "end")

    def record(self, call: Call, agent: Agent) -> Recording:
        """A recording of the active call begins."""
        name = str(uuid.UUID(int=self._rng.getrandbits(128), version=4))
        recording = Recording(name, Thing(self._ledger, agent.username, "recording"))
        call.recordings.append(recording)
        self._changed(recording.thing, "start")
        return recording

    def stop(self, recording: Recording) -> None:
        """A recording ends."""
        recording.state = "Stopped"
        self._changed(recording.thing, "stop")

    def black_out(self, recording: Recording, *, on: bool) -> None:
        """A blackout begins or ends; whether anybody can see that is a setting."""
        recording.blackout = on
        if self.settings.blackout_shown:
            recording.state = "Blackout" if on else "Recording"
            self._changed(recording.thing, "blackout" if on else "blackout over")

    def tag(self, call: Call, fields: dict[str, str]) -> None:
        """Fields of the call's recording get values."""
        if any(call.user_fields.get(name) != value for name, value in fields.items()):
            call.user_fields |= fields
            self._changed(call.thing, "tag")

    def show(self, agent: Agent) -> dict[str, Any]:
        """The agent's body, which somebody now sees."""
        now = self._now()
        for call in [one for one in agent.inactive if self._is_old(one, now)]:
            agent.inactive.remove(call)
            call.thing.forget()
            for recording in call.recordings:
                recording.thing.forget()
        names = agent.names
        return {
            "AgentId": agent.id,
            "BusinessUnit": 1,
            "AgentPhone": agent.phone,
            "SystemUsername": names["systemusername"],
            "CrmUsername": names["crmusername"],
            "ActiveCall": self._call(agent, agent.active) if agent.active else None,
            "InactiveCalls": [self._call(agent, call) for call in agent.inactive],
            "Username": agent.username,
            "DeviceId": agent.phone,
            "DeviceAlias": "",
            "DesktopOnlySessions": [],
        }

    def living(self) -> Iterator[Call]:
        """The active calls."""
        return (agent.active for agent in self.agents.values() if agent.active)

    def _is_old(self, call: Call, now: datetime) -> bool:
        age = (now - call.ended).total_seconds() if call.ended else 0.0
        return age > self.settings.inactive_seconds

    def _call(self, agent: Agent, call: Call) -> dict[str, Any]:
        call.thing.show((call.state, tuple(sorted(call.user_fields.items()))))
        customer = f"555{int(call.instance):07d}"
        users = {
            f"user{n}": call.user_fields.get(f"user{n}", "")
            for n in range(1, NUMBER_OF_USER_FIELDS + 1)
        }
        return {
            "CallInstance": call.instance,
            "Metadata": {
                "deviceid": agent.phone,
                "devicealias": "",
                "gate": "Support",
                "ani": agent.phone if call.outbound else customer,
                "dnis": customer if call.outbound else "8005550100",
                **users,
                **{name: value for name, value in call.user_fields.items() if name not in users},
                "callid": f"{agent.id}-{call.instance}",
                "sgroup": "1",
                "callinstance": call.instance,
                "calldirection": "O" if call.outbound else "I",
                "station": agent.phone,
                "istrunk": "0",
                "sessionid": "",
                "starttime": self._local(call.began),
                "endtime": self._local(call.ended) if call.ended else "",
                "callsegmentid": "1",
                "keepdays": "-1",
                "archiveaction": "-1",
            },
            "CallState": call.state,
            "Recordings": [self._recording(one) for one in call.recordings],
            "ReferenceId": call.thing.reference,
        }

    def _recording(self, recording: Recording) -> dict[str, Any]:
        recording.thing.show(recording.state)
        return {
            "RecordingIdentifier": recording.id,
            "IsDuplicate": False,
            "RecordingState": recording.state,
            "ReferenceId": recording.thing.reference,
        }

    def _local(self, moment: datetime) -> str:
        return moment.astimezone(self._zone).strftime(_TIMES)

    def _changed(self, thing: Thing, what: str) -> None:
        thing.changed(what, int(self._now().timestamp() * 1000))
