"""Whatever the exchange sends, each change is told or kept, and nothing makes the mapping raise."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors._template.mapping import State
from gateway.events import Provenance
from tests.connectors._template.reading import MAPPER, NOW, beginning, told
from tests.support.garbage import check_events, json_values, near_messages

WORDS = {
    "kind": ("agent", "call"),
    "agent": ("100", "101"),
    "call": ("c1", "c2"),
    "state": ("away", "available", "ringing", "talking", "held", "ended"),
    "direction": ("in", "out"),
}
NEAR = near_messages(WORDS, [*WORDS, "number", "id", "at", "request"])


@settings(max_examples=30, deadline=None)
@given(st.lists(NEAR, max_size=2) | st.lists(json_values, max_size=2))
def test_whatever_comes_each_change_is_told_or_kept(changes: list[Any]) -> None:
    state = beginning()
    events = told(changes, state)
    check_events(events)
    assert len(events) == len(changes)
    msgspec.json.decode(msgspec.json.encode(state), type=State)


@settings(max_examples=15, deadline=None)
@given(st.lists(NEAR, max_size=2), json_values)
def test_whatever_the_state_is_it_is_compared(listed: list[Any], odd: Any) -> None:
    state = beginning()
    for body in ({"agents": listed, "calls": listed}, {"agents": odd, "calls": odd}, odd):
        check_events(MAPPER.compare(state, body, NOW, Provenance.RECONCILED))
