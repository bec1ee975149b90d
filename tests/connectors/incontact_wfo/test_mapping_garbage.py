"""Whatever the recorder answers, reading it neither raises nor ends calls that it says nothing of."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.events import CATALOGUE, encode
from tests.connectors.incontact_wfo.builders import Site, agent, call, recording, verbs

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(["OnCall", "Recording", "Stopped", "03/01/2026 08:15:00", "1", "7"])
)
_NAMES = [
    "AgentId", "AgentPhone", "Username", "ActiveCall", "InactiveCalls", "CallInstance", "Metadata",
    "CallState", "Recordings", "RecordingIdentifier", "RecordingState", "IsDuplicate", "callid",
    "starttime", "endtime", "user1", "user2", "calldirection", "ani", "gate", "ReferenceId", "Agents",
]  # fmt: skip
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(_NAMES) | st.text(max_size=5), inner, max_size=6)
    ),
    max_leaves=25,
)


@settings(max_examples=200, deadline=None)
@given(st.lists(values, max_size=3))
def test_no_answer_raises_and_the_next_one_is_read(bodies: list[Any]) -> None:
    site = Site()
    for body in bodies:
        for event in site.look(body):
            assert event.type in CATALOGUE
            msgspec.json.decode(encode(event))
        msgspec.json.encode(site.mapper.state)
    told = site.look(
        [agent(call(recording(name="fresh"), callid="f", callinstance="f"), number=99)]
    )
    assert "recording.started" in verbs(told) or site.mapper.state.agents["99"]


@settings(max_examples=100, deadline=None)
@given(values, st.lists(values, max_size=2))
def test_members_of_any_shape_leave_the_other_agents_alone(odd: Any, others: list[Any]) -> None:
    site = Site()
    site.look([agent(call(), number=77)])
    events = site.look(
        [agent(odd, *[o for o in others if isinstance(o, dict)]), agent(call(), number=77)]
    )
    ended = [e for e in events if e.type == "tieline.call.ended.v1"]

    assert [e for e in ended if getattr(e.data, "agent") == "77"] == []  # noqa: B009 - any data
