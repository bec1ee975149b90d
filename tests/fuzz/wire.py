"""Targets: the wire protocols. A server may write anything; a session goes on, or says that it cannot."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import msgspec

from connectors._wire.bayeux.advice import Advice
from connectors._wire.bayeux.messages import UnreadableReply, read_reply
from connectors._wire.bayeux.session import BayeuxSession
from connectors._wire.bayeux.steps import Failure, Kind, Send, Stop, Wait
from connectors._wire.bayeux.values import BayeuxResume
from connectors._wire.signalr import cursors
from connectors._wire.signalr.core_negotiation import read_core_negotiation
from connectors._wire.signalr.event_stream import EventStream, StreamTooLong
from connectors._wire.signalr.frames import UnreadableFrame, read_frame
from connectors._wire.signalr.negotiation import read_negotiation
from connectors._wire.signalr.session import SignalRSession
from connectors._wire.signalr.values import Negotiated, SignalRResume, Transport
from gateway.errors import NotConnected, NotReady, ProtocolViolation
from tests.fuzz.target import Target

PEER = "peer"
STREAM_BYTES = 10_000
MOST_STEPS = 40
CHANNELS = ("/v2/me", "/v2/me/calls")


def bayeux_reply(data: bytes) -> None:
    """One body of a CometD server."""
    try:
        messages = read_reply(data)
    except UnreadableReply:
        return
    for message in messages:
        assert message.is_event in {True, False}
        assert message.error_code is None or 0 <= message.error_code <= 999
        assert message.acknowledgement is None or isinstance(message.acknowledgement, int)
        assert Advice().merged(message.advice).timeout_seconds >= 0


def bayeux_session(data: bytes) -> None:
    """The answers of a CometD server, one after another; `$id` stands for the id of the request."""
    session, now = BayeuxSession(CHANNELS), 1_000_000.0
    ordinals: dict[str, int] = {}
    for answer in _listed(data)[:MOST_STEPS]:
        step = session.next_step(now)
        if isinstance(step, Wait):
            now = step.until
            step = session.next_step(now)
        if isinstance(step, Stop):
            return
        assert isinstance(step, Send), step
        asked = json.loads(step.payload)
        if step.kind is Kind.HANDSHAKE:
            ordinals.clear()
        body = json.dumps(answer).replace("$id", str(asked[0]["id"])).encode()
        try:
            replies = read_reply(body)
        except UnreadableReply:
            error = ProtocolViolation("unreadable")
            session.failed(step, Failure(error, poisonous=True), now)
        else:
            arrival = session.received(step, replies, now)
            for event in arrival.events if arrival is not None else ():
                if event.ordinal > 0:
                    assert event.ordinal > ordinals.get(session.client_id, 0)
                    ordinals[session.client_id] = event.ordinal
            if arrival is not None:
                session.stored(arrival.mark)
        kept = msgspec.json.encode(session.resume_state())
        again = BayeuxSession(CHANNELS, resume=msgspec.json.decode(kept, type=BayeuxResume))
        assert isinstance(again.next_step(now), Send | Wait)
        now += 1


def _bayeux_seeds() -> list[Any]:
    advice = {"reconnect": "retry", "timeout": 30_000, "interval": 0, "maxInterval": 10_000}
    shake = {"channel": "/meta/handshake", "id": "$id", "successful": True, "clientId": "c1", "version": "1.0",
             "supportedConnectionTypes": ["long-polling", "websocket"], "advice": advice}  # fmt: skip
    subscribed = [
        {"channel": "/meta/subscribe", "id": "$id", "successful": True, "subscription": name}
        for name in CHANNELS
    ]
    connected = {"channel": "/meta/connect", "id": "$id", "successful": True}
    event = {"channel": "/v2/me", "data": {"messageType": "x", "n": 1}, "id": "7"}
    lost = {"channel": "/meta/connect", "id": "$id", "successful": False, "error": "402::session_unknown",
            "advice": {"reconnect": "handshake", "interval": 0}}  # fmt: skip
    forbidden = {
        **shake,
        "successful": False,
        "error": "403::create_denied",
        "advice": {"reconnect": "none"},
    }
    ack = {**shake, "ext": {"ack": True}}
    acked = {**connected, "ext": {"ack": 3}}
    return [
        [[shake], subscribed, [connected], [event, connected], [event, event, connected]],
        [[ack], subscribed, [acked, event], [event, {**acked, "ext": {"ack": 4}}], [event, acked]],
        [[shake], subscribed, [lost], [shake], subscribed, [connected], [connected, event]],
        [[forbidden]],
        [[shake], [{**subscribed[0], "successful": False, "error": "403::refused"}], [connected]],
        [[shake], subscribed, connected, [{**connected, "advice": {"multiple-clients": True}}]],
    ]


def signalr_frame(data: bytes) -> None:
    """One payload, and the same bytes as a stream of events."""
    try:
        frame = read_frame(data)
    except UnreadableFrame:
        pass
    else:
        assert 0 <= frame.poll_delay_seconds <= 300
    stream = EventStream(STREAM_BYTES)
    try:
        for start in range(0, len(data), 7):
            stream.feed(data[start : start + 7])
    except StreamTooLong:
        assert len(data) > STREAM_BYTES


def signalr_negotiation(data: bytes) -> None:
    """An answer to negotiate, of either protocol."""
    for read in (read_negotiation, read_core_negotiation):
        try:
            offer = read(data, PEER)
        except (NotReady, ProtocolViolation):
            continue
        assert offer.token
        if isinstance(offer, Negotiated):
            assert 0 < offer.disconnect_seconds <= 3_600


def signalr_session(data: bytes) -> None:
    """Frames of a server; a number between them lets time pass."""
    session, now = SignalRSession("https://host/signalr", ["hub"]), 100.0
    keys: set[tuple[int, str]] = set()
    connections = 0
    session.begin(Negotiated(connection_id="id", token="secret"), Transport.WEB_SOCKETS, now)
    for item in _listed(data)[:MOST_STEPS]:
        now += 1
        try:
            arrival = session.take(read_frame(json.dumps(item)), now).arrival
        except UnreadableFrame:
            continue
        except NotConnected:
            connections += 1
            negotiated = Negotiated(connection_id="id", token="secret")
            session.begin(negotiated, Transport.WEB_SOCKETS, now)
            continue
        for message in arrival.messages if arrival is not None else ():
            place = (connections, message.key)
            assert place not in keys, "two messages of one connection have one name"
            keys.add(place)
        kept = msgspec.json.encode(session.resume_state())
        resume = msgspec.json.decode(kept, type=SignalRResume)
        again = SignalRSession("https://host/signalr", ["hub"])
        again.restore(resume)
        assert again.judge(resume, now) is None


def signalr_cursor(data: bytes) -> None:
    """Two cursors and how many messages lie between them."""
    items = [*_listed(data), "", "", 0]
    texts = [item for item in items if isinstance(item, str)]
    messages = next((item for item in items if isinstance(item, int) and 0 <= item < 100), 0)
    found = [cursor for text in texts if (cursor := cursors.read_cursor(text)) is not None]
    for old, new in pairwise(found):
        step = cursors.step(old, new, messages)
        assert step.keys is None or len(step.keys) == messages
        assert step.missing >= 0
        assert step.surplus >= 0


def _frames() -> list[Any]:
    invocation = {"H": "metricsHub", "M": "onAgents", "A": ["s1", {"type": "agent", "id": 5}]}
    return [
        {"C": "d-1A-B,0|C,2", "S": 1, "M": []},
        {"C": "d-1A-B,1|C,2", "M": [invocation]},
        {"C": "d-1A-B,2|C,3", "G": "groups", "M": [invocation, invocation]},
        {},
        {"I": "1", "R": {"a": 1}},
        {"I": "2", "E": "not allowed", "H": True, "D": {}, "T": "trace"},
        {"C": "s-0,1F|1,2", "M": [invocation], "L": 2000, "T": 1},
        {"C": "1480000000000", "M": [invocation, 7, "x"]},
        {"D": 1},
    ]


def _negotiations() -> list[Any]:
    classic = {"Url": "/signalr", "ConnectionToken": "secret", "ConnectionId": "id", "KeepAliveTimeout": 20.0,
               "DisconnectTimeout": 30.0, "ConnectionTimeout": 110.0, "TryWebSockets": True,
               "ProtocolVersion": "1.5", "TransportConnectTimeout": 5.0, "LongPollDelay": 0.0}  # fmt: skip
    offered = [{"transport": "WebSockets", "transferFormats": ["Text", "Binary"]}]
    core = {
        "negotiateVersion": 1,
        "connectionId": "id",
        "connectionToken": "secret",
        "availableTransports": offered,
    }
    return [
        classic, core, {"Error": "no"}, {"RedirectUrl": "https://elsewhere"}, {"error": "no"},
        {"url": "https://elsewhere", "accessToken": "x"}, {"connectionId": "id", "availableTransports": offered},
    ]  # fmt: skip


def _listed(data: bytes) -> list[Any]:
    try:
        tree = json.loads(data)
    except (ValueError, RecursionError):
        return []
    return tree if isinstance(tree, list) else [tree]


TARGETS = (
    Target("bayeux_reply", bayeux_reply, lambda: [one for seed in _bayeux_seeds() for one in seed], raw=True),
    Target("bayeux_session", bayeux_session, _bayeux_seeds),
    Target("signalr_frame", signalr_frame, _frames, raw=True),
    Target("signalr_negotiation", signalr_negotiation, _negotiations, raw=True),
    Target("signalr_session", signalr_session, lambda: [_frames(), _frames()[:4], _frames()[6:]]),
    Target("signalr_cursor", signalr_cursor, lambda: [
        ["d-1A-B,0|C,2", "d-1A-B,1|C,2", 1], ["s-0,1F|1,2", "s-0,20|1,2", 1],
        ["d-1-a\\,b,1", "d-1-a\\,b,FFFFFFFFFFFFFFFF", 3],
    ]),
)  # fmt: skip
