"""Reading replies: whatever arrives, sound messages come out and nothing crashes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors._wire.bayeux.advice import Advice, one_time_interval_seconds, reconnect
from connectors._wire.bayeux.messages import Message, UnreadableReply, read_reply

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
KEYS = st.sampled_from(
    ["channel", "id", "data", "successful", "error", "advice", "ext", "clientId"]
)
MESSAGE_LIKE = st.dictionaries(KEYS, JSON)


def event(number: int) -> dict[str, Any]:
    return {"channel": "/v2/me", "data": {"number": number}}


def test_an_array_and_a_single_object_read_the_same() -> None:
    assert read_reply(b'{"channel":"/a","data":1}') == read_reply(b'[{"channel":"/a","data":1}]')


@pytest.mark.parametrize("body", [b"", b"<html>", b"12", b'"x"', b"null", b"[1,", b"[" * 100_000])
def test_what_is_no_reply_is_unreadable(body: bytes) -> None:
    with pytest.raises(UnreadableReply):
        read_reply(body)


def test_half_a_character_in_one_text_costs_no_other_message() -> None:
    body = b'[{"channel":"/a","data":"\\ud83d"},{"channel":"/b","data":"\xff"},{"channel":"/c","data":NaN}]'
    assert [(m.channel, m.data) for m in read_reply(body)] == [
        ("/a", "\N{REPLACEMENT CHARACTER}"),
        ("/b", "\N{REPLACEMENT CHARACTER}"),
        ("/c", None),
    ]


@settings(deadline=None)
@given(
    st.lists(JSON | MESSAGE_LIKE, max_size=6), st.lists(st.integers(0, 6), min_size=1, max_size=4)
)
def test_sound_events_survive_beside_any_garbage(garbage: list[Any], places: list[int]) -> None:
    """Events put anywhere between arbitrary JSON come out in order."""
    items = [item for item in garbage if not (isinstance(item, dict) and "data" in item)]
    for number, place in enumerate(sorted(places)):
        items.insert(min(place + number, len(items)), event(number))
    read = [m.data for m in read_reply(json.dumps(items).encode()) if m.is_event]
    sound = [data for data in read if isinstance(data, dict) and set(data) == {"number"}]
    assert sound == [{"number": number} for number in range(len(places))]


@settings(deadline=None)
@given(st.binary(max_size=200) | JSON.map(lambda tree: json.dumps(tree).encode()))
def test_no_body_crashes_the_reader(body: bytes) -> None:
    try:
        messages = read_reply(body)
    except UnreadableReply:
        return
    for message in messages:
        assert message.is_event in {True, False}
        assert message.error_code is None or 0 <= message.error_code <= 999
        Advice().merged(message.advice)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ("402::session_unknown", 402),
        ("402::Unknown client", 402),
        ("403:reason:create_denied", 403),
        ("402", 402),
        ("4021::x", None),
        ("session 402", None),
        ("", None),
        (402, None),
        (None, None),
    ],
)
def test_an_error_is_known_by_its_three_digits(error: object, code: int | None) -> None:
    assert Message(channel="/meta/connect", error=error).error_code == code


@pytest.mark.parametrize(
    ("fields", "is_event"),
    [
        ({"channel": "/a", "data": 1}, True),
        ({"channel": "/a", "data": None}, True),
        ({"channel": "/a", "data": {}, "id": "7"}, True),
        ({"channel": "/service/x", "data": {}}, True),
        ({"channel": "/a", "successful": True, "id": "7"}, False),
        ({"channel": "/meta/connect", "data": 1}, False),
        ({"channel": 5, "data": 1}, False),
        ({"channel": "", "data": 1}, False),
        ({"data": 1}, False),
    ],
)
def test_events_and_replies_are_told_apart(fields: dict[str, Any], is_event: bool) -> None:  # noqa: FBT001 - a table's column
    assert read_reply(json.dumps([fields]).encode())[0].is_event is is_event


def test_advice_is_merged_field_by_field_in_milliseconds() -> None:
    first = Advice().merged({"timeout": 20_000, "interval": 500, "maxInterval": 7_000})
    second = first.merged({"interval": 0})
    assert (first.timeout_seconds, first.interval_seconds, first.max_interval_seconds) == (
        20,
        0.5,
        7,
    )
    assert (second.timeout_ms, second.interval_ms, second.max_interval_ms) == (20_000, 0, 7_000)


def test_advice_for_long_polling_goes_before_the_general_one() -> None:
    assert Advice().merged({"interval": 1, "long-polling": {"interval": 2}}).interval_ms == 2


@pytest.mark.parametrize("value", ["5", True, None, [], float("inf"), float("nan")])
def test_a_time_that_is_no_number_changes_nothing(value: object) -> None:
    assert Advice(timeout_ms=3).merged({"timeout": value}) == Advice(timeout_ms=3)


def test_the_pause_of_several_clients_holds_for_one_connect() -> None:
    advice = {"multiple-clients": True, "interval": 2_000}
    assert one_time_interval_seconds(advice) == 2
    assert Advice().merged(advice).interval_ms == 0
    assert one_time_interval_seconds({"interval": 2_000}) == 0


@pytest.mark.parametrize("value", ["retry", "handshake", "none"])
def test_the_three_wishes_to_reconnect_are_read(value: str) -> None:
    assert reconnect({"reconnect": value}) == value
    assert reconnect({"reconnect": value.upper()}) is None
    assert reconnect({"reconnect": [value]}) is None
