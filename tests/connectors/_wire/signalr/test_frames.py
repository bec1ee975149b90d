"""Reading what servers write: frames, negotiations, event streams."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors._wire.signalr.event_stream import EventStream, StreamTooLong
from connectors._wire.signalr.frames import Frame, Result, UnreadableFrame, read_frame
from connectors._wire.signalr.negotiation import (
    known_transports,
    read_negotiation,
    worth_trying,
)
from connectors._wire.signalr.requests import Requests, call
from connectors._wire.signalr.values import Negotiated, Transport
from gateway.errors import ConnectionFailed

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("CSTGLMDEIRHAP"), inner)
    ),
    max_leaves=10,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{}", Frame()),
        ('{"C":"d-1-A,0","S":1,"M":[]}', Frame(cursor="d-1-A,0", initialized=True)),
        ('{"C":"c","M":[1,{"H":"h"}]}', Frame(cursor="c", entries=(1, {"H": "h"}))),
        ('{"C":"c","T":1,"M":[]}', Frame(cursor="c", reconnect=True)),
        ('{"C":"c","G":"g","L":1500,"M":[]}', Frame("c", groups_token="g", poll_delay_seconds=1.5)),
        (
            '{"C":1480000000000,"S":true,"T":false,"L":5000,"G":null,"M":[]}',
            Frame("1480000000000", initialized=True, poll_delay_seconds=5.0),
        ),
        ('{"R":{"x":1},"I":"0"}', Frame(result=Result("0", {"x": 1}))),
        ('{"I":4}', Frame(result=Result("4"))),
        (
            '{"I":"1","E":"no","H":true,"D":{"a":1},"T":"stack"}',
            Frame(result=Result("1", None, "no")),
        ),
        ('{"E":"over"}', Frame(error="over")),
        ('{"D":1}', Frame(disconnect=True)),
        ('{"M":["\\ud800"]}', Frame(entries=("\N{REPLACEMENT CHARACTER}",))),
    ],
)
def test_a_frame_is_read_as_it_is_meant(text: str, expected: Frame) -> None:
    assert read_frame(text) == expected
    assert read_frame(text.encode()) == expected


@pytest.mark.parametrize("text", ["", "[]", "1", "null", '"x"', '{"C":', '{"M":{}}', '{"M":1}'])
def test_what_is_no_frame_is_refused(text: str) -> None:
    with pytest.raises(UnreadableFrame):
        read_frame(text)


@given(st.binary(max_size=200) | anything.map(lambda tree: json.dumps(tree).encode()))
def test_no_frame_is_too_strange_to_be_read_or_refused(payload: bytes) -> None:
    try:
        read_frame(payload)
    except UnreadableFrame:
        return


def test_the_offer_of_a_genuine_server_is_understood() -> None:
    offer = {
        "Url": "/signalr",
        "ConnectionToken": "AQAA+/=",
        "ConnectionId": "0f5d7d9c-9f5b-4a6c-8d2c-2f5a0b9d0e11",
        "KeepAliveTimeout": 20.0,
        "DisconnectTimeout": 30.0,
        "ConnectionTimeout": 110.0,
        "TryWebSockets": True,
        "ProtocolVersion": "1.5",
        "TransportConnectTimeout": 5.0,
        "LongPollDelay": 0.0,
    }
    assert read_negotiation(json.dumps(offer).encode(), "peer") == Negotiated(
        connection_id="0f5d7d9c-9f5b-4a6c-8d2c-2f5a0b9d0e11",
        token="AQAA+/=",
        keep_alive_seconds=20.0,
        disconnect_seconds=30.0,
        poll_seconds=110.0,
        connect_seconds=5.0,
        try_web_sockets=True,
    )


def test_numbers_that_are_missing_or_absurd_get_the_defaults() -> None:
    offer: dict[str, Any] = {
        "ConnectionToken": "t",
        "ConnectionId": "i",
        "KeepAliveTimeout": None,
        "DisconnectTimeout": -1,
        "ConnectionTimeout": "x",
        "TransportConnectTimeout": True,
    }
    read = read_negotiation(json.dumps(offer).encode(), "peer")
    assert read.keep_alive_seconds is None
    assert (read.disconnect_seconds, read.poll_seconds, read.connect_seconds) == (30.0, 110.0, 5.0)


@given(st.binary(max_size=100) | anything.map(lambda tree: json.dumps(tree).encode()))
def test_no_offer_is_too_strange_to_be_refused(body: bytes) -> None:
    with pytest.raises(ConnectionFailed):
        read_negotiation(body, "peer")


def test_transports_are_tried_best_first_and_only_where_both_sides_allow() -> None:
    offer = Negotiated(connection_id="i", token="t")
    ws, sse, lp = Transport
    assert worth_trying(offer, [lp, ws]) == [ws, lp]
    without = Negotiated(connection_id="i", token="t", try_web_sockets=False)
    assert worth_trying(without, Transport) == [sse, lp]
    assert known_transports(["LongPolling", "foreverFrame", None, "webSockets"]) == [ws, lp]


@given(st.lists(st.binary(max_size=40)), st.data())
def test_a_stream_is_cut_into_events_wherever_its_bytes_are_cut(
    payloads: list[bytes], data: st.DataObject
) -> None:
    payloads = [p.replace(b"\r", b"").replace(b"\n", b"") for p in payloads]
    end = data.draw(st.sampled_from([b"\n", b"\r\n"]))
    stream = b": hello" + end + end
    stream += b"".join(b"id: 1" + end + b"data: " + payload + end + end for payload in payloads)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=20)))
    events = EventStream(1_000)
    seen: list[bytes] = []
    for begin, stop in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        seen += events.feed(stream[begin:stop])
    assert seen == payloads


def test_events_of_several_lines_are_joined() -> None:
    assert EventStream(100).feed(b"data: a\ndata:b\nretry: 1\n\n") == [b"a\nb"]


@pytest.mark.parametrize("stream", [b"data: " + b"x" * 200, b"data: " + b"x" * 200 + b"\n\n"])
def test_an_event_beyond_the_bound_is_refused(stream: bytes) -> None:
    with pytest.raises(StreamTooLong):
        EventStream(100).feed(stream)


def test_requests_carry_the_protocol_the_hubs_and_the_position() -> None:
    requests = Requests(["One", "two"])
    common = {"clientProtocol": "1.5", "connectionData": '[{"name":"One"},{"name":"two"}]'}
    assert requests.negotiate() == ("negotiate", common, None)
    stream = {"transport": "webSockets", "connectionToken": "t+/=", **common}
    assert requests.connect(Transport.WEB_SOCKETS, "t+/=") == ("connect", stream, None)
    assert requests.start(Transport.WEB_SOCKETS, "t+/=") == ("start", stream, None)
    again = requests.reconnect(Transport.WEB_SOCKETS, "t+/=", "d-1-A,0|B,1", "g")
    position = {"messageId": "d-1-A,0|B,1", "groupsToken": "g"}
    assert again == ("reconnect", stream | position, None)
    poll = requests.poll("t", "c", "")
    assert (poll.path, poll.form) == ("poll", {"messageId": "c"})
    assert poll.query["transport"] == "longPolling"
    assert requests.send(Transport.SERVER_SENT_EVENTS, "t", "x").form == {"data": "x"}
    assert requests.abort(Transport.LONG_POLLING, "t").form == {}
    assert json.loads(call("hub", "go", [1, "x"], 7)) == {
        "H": "hub",
        "M": "go",
        "A": [1, "x"],
        "I": 7,
    }
