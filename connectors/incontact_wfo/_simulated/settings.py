"""What a simulated recorder can be told before it starts."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from connectors._simulation.faults import Fault

Positive = Annotated[int, msgspec.Meta(ge=1)]
NotNegative = Annotated[float, msgspec.Meta(ge=0)]


class SimulatorSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A scenario. Its defaults are a small site where two things happen a second.

    Decode one with `msgspec.convert(mapping, SimulatorSettings)`; a wrong value raises `msgspec.ValidationError`
    that names it.
    """

    seed: int = 1
    """Two simulators with one seed and the same requests live the same lives."""
    agents: Positive = 10
    """Agents 1, 2, ... with the phones 4678, 4679, ... and the user names `agent0001`, `agent0002`, ..."""
    username: str = ""
    """User of HTTP Basic authentication; empty: none is asked for."""
    password: str = "secret"  # noqa: S105 - the password of an account that does not exist
    events_per_second: NotNegative = 2.0
    """Changes a second over all agents. 0: only commands and /sim/emit change anything."""
    lives_begin: Literal["polled", "at_once"] = "polled"
    """Whether lives wait until somebody looks."""
    on_call: tuple[int, ...] = ()
    """Agents who are on a call from the start, and whom only commands and /sim/emit concern."""
    command_grace_seconds: NotNegative = 5.0
    """How long an agent's life leaves the agent alone after a command."""
    blackout_shown: bool = True
    """Whether the state of a recording shows a blackout; no document says so."""
    get_all: bool = True
    """Whether the server has `api/Agent/GetAll`."""
    time_zone: str = "UTC"
    """The zone of the local times that it sends."""
    inactive_seconds: NotNegative = 30.0
    """How long a call that ended is listed under InactiveCalls."""
    faults: tuple[Fault, ...] = ()
    published_limit: Positive = 1_000_000
    """How many changes the oracle remembers."""
