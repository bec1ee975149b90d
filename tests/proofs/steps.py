"""Steps that the stories of several platforms have in common."""

from __future__ import annotations

from typing import Any

from connectors._simulation.faults import Fault, FaultKind
from gateway.commands import Verb
from tests.proofs.centre import Centre


async def call(centre: Centre, **arguments: Any) -> str:
    """A call that the agent dials and that is answered; its id."""
    return await _connected(centre, Verb.CALL_DIAL, **arguments)


async def second_call(centre: Centre, verb: Verb, first: str, **arguments: Any) -> str:
    """The call that a transfer or conference makes about a first one, once it is answered; its id."""
    return await _connected(centre, verb, call=first, **arguments)


async def _connected(centre: Centre, verb: Verb, **command: Any) -> str:
    since = centre.position
    await centre.done(verb, **command)
    initiated = await centre.event("call.initiated", since=since, agent=centre.agent)
    name = str(initiated["call"])
    await centre.event("call.connected", since=since, call=name)
    return name


async def emit(centre: Centre, action: str, **fields: Any) -> dict[str, Any]:
    """Let one thing happen on the platform now."""
    url = f"{centre.simulator.url}/sim/emit"
    async with centre.client.post(url, json={"action": action, **fields}) as answer:
        assert answer.status == 200, await answer.text()
        told: dict[str, Any] = await answer.json()
        return told


async def fall_silent(centre: Centre, *kinds: FaultKind) -> None:
    """The platform takes commands and tells nothing any more, by these faults."""
    for kind in kinds or (FaultKind.STALL,):
        centre.simulator.commit(Fault(kind=kind, for_seconds=60))
