"""Whatever arrives, the mapping neither raises nor swallows it."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.events import CATALOGUE, encode
from tests.connectors.clarity_connect.builders import RECEIVED, Feed, verbs

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(
        ["agent", "queue", "Active", "Queued", "available", "2024-01-01T00:00:00Z", "5"]
    )
)
_NAMES = [
    "type", "id", "entityIds", "groupType", "groupId", "metrics", "sessions", "audio", "message",
    "addedSessions", "removedSessions", "sessionId", "sessionStatus", "agentId", "isOnHold",
    "currentStatus", "agentStatus", "agentStatusId", "startTime", "endTime", "statusHistory",
    "isSuspended", "breakdowns", "addedBreakdowns", "removedBreakdowns", "queueId", "isActive",
    "agents", "offers", "items", "extraItems", "key", "value", "name", "isRecording", "count",
]  # fmt: skip
names = st.sampled_from(_NAMES) | st.text(max_size=6)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=8),
    max_leaves=30,
)
methods = st.sampled_from(["onAgents", "onQueues", "onAlerts", "onAgentsGroup", "other", ""])


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(methods, st.lists(values, max_size=3)), max_size=4), values)
def test_no_message_raises_or_loses_its_neighbours(
    messages: list[tuple[str, list[Any]]], read: Any
) -> None:
    feed = Feed()
    for method, args in messages:
        before = feed.mapper.duplicates
        events = feed.push(method, *args)
        assert events or feed.mapper.duplicates > before
        for event in events:
            assert event.type in CATALOGUE
            msgspec.json.decode(encode(event))
    feed.mapper.adopt([read, {"type": "agent", "id": 1, "sessions": read}], occasion="o",
                      received=RECEIVED, reconciled=True)  # fmt: skip
    feed.mapper.adopt_session("7", read, occasion="o", received=RECEIVED, reconciled=True)
    msgspec.json.encode(feed.mapper.state)

    told = feed.status("available", "2024-05-01T00:00:00Z")
    assert "agent.state.changed" in verbs(told) or "agent.state.snapshot" in verbs(told)
