"""inContact WFO: the recording of a call, as the vendor's overview shows it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from connectors.incontact_wfo import PLATFORM as DESCRIPTOR
from connectors.incontact_wfo.simulator import Fault, FaultKind, Simulator, SimulatorSettings
from gateway.commands import Verb
from tests.proofs.centre import Centre, Platform, Refusal

PHONE = "4678"


@asynccontextmanager
async def simulated(**settings: Any) -> AsyncIterator[Simulator]:
    """A recorder with one agent on a call."""
    quiet = {"events_per_second": 0, "on_call": [1]}
    async with Simulator(SimulatorSettings(**{**quiet, **settings})) as simulator:
        yield simulator


def block(simulator: Simulator) -> dict[str, Any]:
    """A connector that looks often."""
    return {"base_url": simulator.url, "interval_seconds": 0.2}


async def ready(centre: Centre) -> None:
    """The recorder was looked at."""
    await centre.event("feed.connected")


async def a_recording(centre: Centre) -> None:
    """By the agent's id, and by the extension."""
    await centre.done(Verb.RECORDING_START)
    await centre.done(Verb.RECORDING_TAG, agent=None, device=PHONE, tags={"user2": "1234567890"})
    await centre.done(Verb.RECORDING_PAUSE)
    await centre.done(Verb.RECORDING_RESUME)
    await centre.done(Verb.RECORDING_STOP, agent=None, device=PHONE)


async def silence(centre: Centre) -> None:
    """The answers to commands come too late."""
    centre.simulator.commit(Fault(kind=FaultKind.SLOW, delay_ms=5_000, for_seconds=60))


def calls(simulator: Simulator) -> set[str]:
    """What agents are on; the recorder numbers the calls of each."""
    agents = simulator.world.agents.values()
    return {f"{agent.id}-{agent.active.instance}" for agent in agents if agent.active}


PLATFORM = Platform(
    calls=calls,
    name="incontact_wfo",
    capabilities=DESCRIPTOR.capabilities,
    open=simulated,
    block=block,
    agent="1",
    ready=ready,
    stories=(a_recording,),
    refusals=(
        Refusal(verb=Verb.RECORDING_START, reason="not_found", command={"agent": "9999"}),
        Refusal(verb=Verb.RECORDING_START, reason="invalid", command={"agent": None}),
    ),
    unproven=(Verb.RECORDING_START, {}),
    silence=silence,
)
