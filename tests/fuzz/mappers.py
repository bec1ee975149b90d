"""Targets: what platforms say becomes events. Nothing is lost, nothing raises, and no two occurrences share an id."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from connectors._wire.untidy_json import NotJson, decode_untidy
from connectors.clarity_connect.listings import STRUCTURE, state_entries, structure_entries
from connectors.clarity_connect.mapping import State
from connectors.genesys_engage_cloud import listings as engage_listings
from connectors.genesys_engage_cloud.envelope import read_envelope
from connectors.genesys_engage_cloud.mapping import AgentPicture as EngagePicture
from connectors.genesys_engage_cloud.mapping.pairs import from_pairs, to_pairs
from connectors.genesys_engage_cloud.mapping.provisioning import ProvisioningMapper
from connectors.genesys_engage_cloud.mapping.statistics import StatisticsMapper
from connectors.genesys_web_services.commands.replies import code_of, decoded
from connectors.genesys_web_services.dictionaries import SOURCES, entries
from connectors.genesys_web_services.mapping import AgentPicture as WebServicesPicture
from connectors.genesys_web_services.mapping.statistics import observations
from connectors.incontact_wfo.mapping import decode_state, encode_state, read_agent
from connectors.nice_incontact.grants import read_grant
from connectors.nice_incontact.mapping import AgentPicture as NicePicture
from connectors.nice_incontact.pages import read_page
from gateway.contracts.directory import DirectoryKind
from gateway.events import Event
from gateway.events.operations import VendorMessage
from tests.connectors.clarity_connect import builders as clarity
from tests.connectors.genesys_engage_cloud import builders as engage
from tests.connectors.genesys_web_services import builders as web_services
from tests.connectors.genesys_web_services import samples
from tests.connectors.incontact_wfo import builders as wfo
from tests.connectors.nice_incontact import builders as nice
from tests.fuzz.target import Target
from tests.support.garbage import check_events

FIXTURES = Path(__file__).parents[1] / "connectors"
MOST_MESSAGES = 40
READ = "read"
"""In the place of a topic: what follows is the answer of a request for the state as it is."""


class _Told:
    """The events of one input."""

    def __init__(self) -> None:
        self._ids: set[str] = set()

    def add(self, events: Sequence[Event]) -> bool:
        """Check events; whether there were any."""
        check_events(events)
        ids = {event.id for event in events}
        # What was not understood is known by its content: the same thing twice in one answer is one thing.
        odd = {event.id for event in events if isinstance(event.data, VendorMessage)}
        distinct = [event for event in events if event.id not in odd]
        assert len(ids) == len(distinct) + len(odd), "two events of one message have one id"
        for event in events:
            assert event.id not in odd or isinstance(event.data, VendorMessage)
        payloads = {event.id: event.data for event in events if event.id in odd}
        assert all(payloads[event.id] == event.data for event in events if event.id in odd)
        assert not ids & self._ids, "events of two messages have one id"
        self._ids |= ids
        return bool(events)


def genesys_web_services(data: bytes) -> None:
    """Messages of an agent's session, and what is read of the agent between them."""
    agent, told = web_services.Agent(), _Told()
    for number, (topic, body) in enumerate(_messages(data)):
        if topic == READ:
            told.add(
                agent.mapper.adopt(
                    body,
                    reading=f"r{number}",
                    received=web_services.RECEIVED,
                    reconciled=True,
                    heard=[],
                )
            )
        else:
            before = agent.mapper.duplicates
            assert told.add(agent.hear(body, topic)) or agent.mapper.duplicates > before
        picture = msgspec.json.encode(agent.mapper.picture)
        agent.mapper.picture = msgspec.json.decode(picture, type=WebServicesPicture)


def genesys_web_services_answers(data: bytes) -> None:
    """Answers of requests: results of operations, dictionaries, statistics."""
    reply = decoded(data)
    listed = reply if isinstance(reply, dict) else {"settings": reply}
    code_of(listed)
    for dictionary in SOURCES:
        for key, entry in entries(dictionary, listed, personal=True).items():
            assert key == entry.id
            assert entry.mark
    for one in observations(reply):
        assert one.statistic


def genesys_engage_cloud(data: bytes) -> None:
    """Messages of all three APIs of one user, and what is read of the user between them."""
    agent, told = engage.Agent(), _Told()
    statistics, provisioning = StatisticsMapper(engage.ORIGIN), ProvisioningMapper(engage.ORIGIN)
    for number, (topic, body) in enumerate(_messages(data)):
        if topic == READ:
            told.add(
                agent.mapper.adopt(
                    body, reading=f"r{number}", received=engage.RECEIVED, reconciled=True
                )
            )
        elif topic.startswith(("/statistics", "/provisioning")):
            mapper = statistics if topic.startswith("/statistics") else provisioning
            found = mapper.map(topic, body, session="s", ordinal=number, received=engage.RECEIVED)
            assert told.add(found)
        else:
            before = agent.mapper.duplicates
            assert told.add(agent.hear(body, topic)) or agent.mapper.duplicates > before
        picture = msgspec.json.encode(agent.mapper.picture)
        agent.mapper.picture = msgspec.json.decode(picture, type=EngagePicture)


def genesys_engage_cloud_answers(data: bytes) -> None:
    """Answers of requests in their envelope, lists of targets, attached data as pairs."""
    envelope = read_envelope(data)
    if envelope is None:
        return
    assert isinstance(envelope.message, str)
    for kind in DirectoryKind:
        if kind in engage_listings.KINDS:
            found, left_out = engage_listings.listed(kind, envelope.data, {})
            assert left_out >= 0
            assert all(entry.id for entry in found)
    pairs = from_pairs(envelope.data)
    assert set(from_pairs(to_pairs(pairs))) == set(pairs) - {""}


def clarity_connect(data: bytes) -> None:
    """Calls of client methods, and what is read between them."""
    feed, told = clarity.Feed(), _Told()
    for number, (method, body) in enumerate(_messages(data)):
        if method == READ:
            listed = body if isinstance(body, list) else [body]
            told.add(
                feed.mapper.adopt(
                    listed, occasion=f"r{number}", received=clarity.RECEIVED, reconciled=True
                )
            )
            told.add(
                feed.mapper.adopt_session(
                    "7", body, occasion=f"s{number}", received=clarity.RECEIVED, reconciled=True
                )
            )
            for kind in STRUCTURE:
                assert all(entry.id for entry in structure_entries(kind, body))
            assert all(entry.id for entry in state_entries(body))
        else:
            before = feed.mapper.duplicates
            args = body if isinstance(body, list) else [body]
            assert told.add(feed.push(method, *args)) or feed.mapper.duplicates > before
        msgspec.json.decode(msgspec.json.encode(feed.mapper.state), type=State)


def nice_incontact(data: bytes) -> None:
    """Answers of polls, and the current states between them."""
    session, told = nice.Session(), _Told()
    for number, (kind, body) in enumerate(_messages(data)):
        listed = body if isinstance(body, list) else [body]
        before = session.mapper.duplicates
        if kind == READ:
            told.add(session.adopt(*listed, occasion=f"r{number}"))
        else:
            found = told.add(session.push(*listed))
            assert found or session.mapper.duplicates > before or not listed
        picture = msgspec.json.encode(session.mapper.picture)
        msgspec.json.decode(picture, type=NicePicture)


def nice_incontact_answers(data: bytes) -> None:
    """Answers with rows, and with tokens."""
    body = _read(data)
    page = read_page(body, "agentStates", "contacts")
    assert all(isinstance(row, dict) for row in page.rows)
    grant = read_grant(body)
    assert grant is None or grant.life_seconds > 0


def incontact_wfo(data: bytes) -> None:
    """Answers to a look at all agents, one after another."""
    site, told = wfo.Site(), _Told()
    for _, body in _messages(data):
        read_agent(body)
        told.add(site.look(body))
        kept = encode_state(site.mapper.state)
        assert decode_state(kept) is not None


def _read(data: bytes) -> Any:
    """JSON as the clients of the platforms read it; none if it is none."""
    try:
        return decode_untidy(data)
    except NotJson:
        return None


def _messages(data: bytes) -> list[tuple[str, Any]]:
    """Pairs of a topic and a body; whatever is none is a body."""
    tree = _read(data)
    found = []
    for item in (tree if isinstance(tree, list) else [tree])[:MOST_MESSAGES]:
        if isinstance(item, list) and len(item) == 2 and isinstance(item[0], str):
            found.append((item[0], item[1]))
        else:
            found.append(("", item))
    return found


def _fixtures(platform: str) -> list[Any]:
    paths = sorted((FIXTURES / platform / "fixtures").glob("*.json"))
    return [json.loads(path.read_text(encoding="utf-8")) for path in paths]


def _web_services() -> list[Any]:
    heard = [[[topic, body] for topic, body in samples.messages(name)] for name in samples.names()]
    held, ready = web_services.call("Held"), web_services.device("Ready")
    resources = {"user": {"id": "1"}, "devices": ready["devices"], "calls": [held["call"]], "statusCode": 0,
                 "interactions": [web_services.interaction("Accepted")["interaction"]]}  # fmt: skip
    life = [web_services.call(state) for state in ("Ringing", "Established", "Held", "Released")]
    return [
        *heard,
        [["/v2/me/calls", one] for one in life],
        [["/v2/me/devices", ready], [READ, resources]],
    ]


def _web_services_answers() -> list[Any]:
    names = sorted(path.stem for path in samples.REPLIES.glob("*.txt"))
    counted = [{"statistic": "s", "objectId": "o", "objectType": "Queue", "value": "7"}]
    return [*map(samples.load_reply, names), {"statusCode": 0, "statistics": counted}]


def _engage() -> list[Any]:
    heard = [[[topic, body] for topic, body in engage.fixture(name)] for name in engage.names()]
    session = {
        "calls": [engage.call("Held")["call"]],
        "dn": engage.dn("Ready")["dn"],
        "interactions": [engage.interaction("Processing")["interaction"]],
    }
    answer = {"data": {"user": {"activeSession": session}}}
    life = [engage.call(state) for state in ("Ringing", "Established", "Released")]
    return [*heard, [*([engage.VOICE, one] for one in life), [READ, answer]]]


def _engage_answers() -> list[Any]:
    code = {"code": 0, "message": "ok"}
    target = {
        "type": "agent",
        "userName": "kristi",
        "firstName": "K",
        "number": "5001",
        "id": 1,
        "name": "x",
    }
    pairs = [{"key": "a", "type": "str", "value": "1"}, {"key": "b", "type": "kvlist", "value": []}]
    return [
        {"status": code, "data": {"targets": [target], "totalMatches": 3}},
        {"status": {"code": 500, "detail": {"a": 1}}, "errors": [{"message": "no"}]},
        {"status": code, "data": pairs, "operationId": "x"},
        {"status": code, "data": {"agentStates": [{"name": "Lunch", "operationName": "NotReady"}]}},
    ]


def _clarity() -> list[Any]:
    heard = [
        [[one["method"], one["args"]] for one in messages]
        for messages in _fixtures("clarity_connect")
    ]
    agent = {"type": "agent", "id": 5, "sessions": {"audio": {"sessions": [{"sessionId": 70}]}}}
    structure = {
        "agents": [{"id": 5, "name": "a", "type": "agent"}],
        "queues": [{"id": 1, "name": "q"}],
    }
    return [*heard, *([*one, [READ, [agent]]] for one in heard), [[READ, structure]]]


def _nice() -> list[Any]:
    heard = [
        [["", answer["events"]] for answer in answers] for answers in _fixtures("nice_incontact")
    ]
    whole = [nice.start(), nice.state(), nice.call("Active"), nice.chat("Active")]
    return [*heard, *([*one, [READ, whole]] for one in heard), [["", whole], [READ, whole[:2]]]]


def _nice_answers() -> list[Any]:
    row = {"agentId": 5, "AgentStateName": "Available", "lastPollTime": "2026-11-24T10:00:00.000Z"}
    return [
        {"resultSet": {"agentStates": [row], "lastPollTime": "2026-11-24T10:00:00.000Z", "totalRecords": "1"}},
        {"contacts": [row, row], "_links": {"self": "/x", "next": "/x?skip=1"}, "totalRecords": 2},
        [row],
        {"access_token": "a", "expires_in": 3600, "refresh_token": "r", "resource_server_base_uri": "https://api/",
         "agent_id": "5", "bus_no": 7, "refresh_token_server_uri": "https://token/"},
    ]  # fmt: skip


def _wfo() -> list[Any]:
    bodies = [body if isinstance(body, list) else [body] for body in _fixtures("incontact_wfo")]
    life = [
        [wfo.agent(wfo.call(wfo.recording()))],
        [wfo.agent(wfo.call(wfo.recording("Paused"), user2="x")), wfo.agent(number=2)],
        [wfo.agent(None, wfo.call(wfo.recording("Stopped"), endtime="03/01/2026 08:19:00"))],
        [],
    ]
    return [*([["", body]] for body in bodies), [["", body] for body in life]]


TARGETS = (
    Target("genesys_web_services", genesys_web_services, _web_services),
    Target(
        "genesys_web_services_answers",
        genesys_web_services_answers,
        _web_services_answers,
        raw=True,
    ),
    Target("genesys_engage_cloud", genesys_engage_cloud, _engage),
    Target("genesys_engage_cloud_answers", genesys_engage_cloud_answers, _engage_answers, raw=True),
    Target("clarity_connect", clarity_connect, _clarity),
    Target("nice_incontact", nice_incontact, _nice),
    Target("nice_incontact_answers", nice_incontact_answers, _nice_answers),
    Target("incontact_wfo", incontact_wfo, _wfo),
)
