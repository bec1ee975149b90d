"""Whatever arrives, the mapping neither raises nor swallows it."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.nice_incontact.mapping import _HANDLERS
from gateway.events import CATALOGUE, encode
from tests.connectors.nice_incontact.builders import RECEIVED, Session, call, state, verbs

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(
        ["True", "False", "Active", "Holding", "Disconnected", "Incoming", "Available", "77", "-1"]
    )
)
_NAMES = [
    "Type", "ContactID", "ContactId", "Status", "CurrentState", "NextStates", "State", "OutReason",
    "IsAcw", "FinalState", "IsInbound", "CallType", "ScreenPopUrlVariables", "Messages", "RoomId",
    "Message", "SessionId", "TargetAgentId", "AgentMuted", "ResultCode", "Command", "CallbackId",
    "StartTimeUTC", "LastStateChangeTimeUTC", "DisconnectCode", "IsLogging", "CustomData",
]  # fmt: skip
names = st.sampled_from(_NAMES) | st.text(max_size=6)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=8),
    max_leaves=20,
)
events = values | st.builds(
    lambda kind, rest: {"Type": kind, **rest},
    st.sampled_from(sorted(_HANDLERS)),
    st.dictionaries(names, values, max_size=8),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(events, max_size=4), st.lists(events, max_size=4))
def test_no_event_raises_or_loses_its_neighbours(told: list[Any], read: list[Any]) -> None:
    session = Session()
    for one in told:
        before = session.mapper.duplicates
        found = session.push(one)
        assert found or session.mapper.duplicates > before
        for event in found:
            assert event.type in CATALOGUE
            msgspec.json.decode(encode(event))
    for event in session.adopt(*read):
        msgspec.json.decode(encode(event))
    session.mapper.absent(occasion="o", received=RECEIVED)
    msgspec.json.encode(session.mapper.picture)

    found = session.push(
        state("Available", StartTimeUTC="2030-01-01T00:00:00Z"), call("Active", "x1")
    )
    assert {"agent.state.changed", "call.connected"} <= set(verbs(found))
