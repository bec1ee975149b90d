"""What no mapping may stumble over: any JSON, and objects that are nearly messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from hypothesis import strategies as st

from gateway.events import CATALOGUE, Event, encode
from gateway.events.operations import VendorMessage

scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20)
)
json_values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4)
    ),
    max_leaves=12,
)
DEPTH = 3
_DEFECTS = ("the mapping failed", "could not be mapped")


def near_messages(
    words: Mapping[str, Sequence[str]], names: Sequence[str]
) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with a platform's names, and values that are now right (`words`) and now anything."""

    @st.composite
    def objects(draw: st.DrawFn, depth: int = DEPTH) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name in draw(st.lists(st.sampled_from(names), unique=True, max_size=10)):
            if name in words and draw(st.booleans()):
                found[name] = draw(st.sampled_from(words[name]))
            elif depth and draw(st.booleans()):
                inner = objects(depth - 1)
                found[name] = draw(inner | st.lists(inner, max_size=2))
            else:
                found[name] = draw(scalars)
        return found

    return objects()


def check_events(events: Sequence[Event]) -> None:
    """Each can be encoded, has the data of its type, and none tells of a defect."""
    for event in events:
        body = msgspec.json.decode(encode(event))
        msgspec.convert(body["data"], CATALOGUE[event.type].data)
        if isinstance(event.data, VendorMessage):
            why = event.data.why
            assert not any(defect in why for defect in _DEFECTS), why
