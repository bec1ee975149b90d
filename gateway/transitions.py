"""Flags illegal transitions of agent state. Pure.

Legs of calls are judged where they are mapped: only a platform's mapping knows whether a message tells of a transition
or repeats a state. An agent's state is one value on every platform, so it is judged here once for all.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from gateway.events import Event, Provenance
from gateway.events.agents import AgentStateData
from gateway.states import is_legal_for_agent

ILLEGAL_TRANSITION = "illegal_transition"
STATE_CHANGED = "tieline.agent.state.changed.v1"


def flagged(events: Sequence[Event]) -> Sequence[Event]:
    """The same events; those that tell of an illegal transition carry the anomaly `illegal_transition`.

    Only what the platform told live is judged: what a snapshot or a poll tells may skip states. Returns the sequence
    itself when there is nothing to flag.
    """
    surprising = [index for index, event in enumerate(events) if _is_illegal(event)]
    if not surprising:
        return events
    changed = list(events)
    for index in surprising:
        changed[index] = msgspec.structs.replace(changed[index], anomaly=ILLEGAL_TRANSITION)
    return changed


def _is_illegal(event: Event) -> bool:
    if event.type != STATE_CHANGED or event.provenance is not Provenance.LIVE:
        return False
    data = event.data
    return isinstance(data, AgentStateData) and not is_legal_for_agent(
        data.previous_state, data.state
    )
