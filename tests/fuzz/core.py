"""Targets: what people, receivers and files hand to the gateway: requests, configurations, answers, records."""

from __future__ import annotations

import asyncio
import atexit
import json
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from shutil import rmtree
from typing import Any

import msgspec
import yaml
from aiohttp import web
from aiohttp.streams import StreamReader
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from config import InvalidConfiguration, load
from config.report import Finding
from connectors._wire.json_values import clean
from connectors._wire.untidy_json import NotJson, decode_untidy
from connectors.clarity_connect.challenge import check, life_of, read_challenge
from connectors.clarity_connect.vendor import WINDOWS_GRANT
from connectors.incontact_wfo.mapping import decode_state
from connectors.nice_incontact.session.state import decode_resume
from gateway.api.application import build_api
from gateway.api.settings import ApiSettings
from gateway.api.streaming.frames import event_frame
from gateway.api.streaming.selection import Choice, Selection
from gateway.errors import ConfigError, JournalCorrupt, ProtocolViolation
from gateway.events import CATALOGUE, StoredEvent, source_of
from gateway.feed_receptions import read_receptions
from gateway.filters import EventFilter
from gateway.masking import Masker
from gateway.picture import Picture
from gateway.registry import Registry
from sinks.file.lines import LineFormat
from sinks.kafka.encoding import Encoder, Unencodable, topic_template
from sinks.webhook.answers import Waits, judge
from tests.fuzz.target import Target
from tests.support import events as made
from tests.support.fake_runtime import FakeRuntime, all_rows

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ROOT = Path(__file__).parents[2]
WAITS = Waits(max_retry_after_seconds=600, gone_pause_seconds=1_800)
METHODS = ("GET", "POST", "PUT", "DELETE")
ENDLESS = "/v1/events"
STATUSES = range(100, 600)


class _Api:
    """The application over a runtime in memory; requests go in where the web server hands them over."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.runtime = FakeRuntime()
        settings = ApiSettings(max_wait_seconds=0.01, acts_per_second=10_000, acts_at_once=10_000)
        self.application = build_api(self.runtime, settings)
        self.application.freeze()

    async def answer(self, told: dict[str, Any]) -> web.StreamResponse:
        """The answer to one request."""
        body = told["body"]
        payload = StreamReader(_Unheard(), 2**16, loop=self.loop)
        payload.feed_data(body if isinstance(body, bytes) else body.encode())
        payload.feed_eof()
        request = make_mocked_request(
            told["method"], told["path"], CIMultiDict(told["headers"]), payload=payload,
            app=self.application, loop=self.loop,
        )  # fmt: skip
        try:
            return await self.application._handle(request)  # type: ignore[arg-type] # it is one of the server's
        finally:
            self.runtime.records.clear()
            self.runtime._keys.clear()
            self.runtime.acts.clear()
            self.runtime.uploads.clear()


class _Unheard:
    """Stands for the connection that a reader of a body may slow down."""

    _reading_paused = False

    def pause_reading(self) -> None:
        """Nothing comes."""

    def resume_reading(self, **_options: bool) -> None:
        """Nothing comes."""


@cache
def _api() -> _Api:
    api = _Api()
    atexit.register(api.loop.close)
    return api


def api_request(data: bytes) -> None:
    """One request: method, path with query, headers, body."""
    told = _request(_tree(data))
    if told is None:
        return
    api = _api()
    response = api.loop.run_until_complete(api.answer(told))
    assert response.status < 500 or response.status == 503, (
        f"{told['method']} {told['path']}: {response.status}"
    )
    if isinstance(response, web.Response) and response.content_type.endswith("json"):
        assert isinstance(response.body, bytes)
        msgspec.json.decode(response.body)


def _tree(data: bytes) -> Any:
    try:
        return decode_untidy(data)
    except NotJson:
        return None


def _request(tree: Any) -> dict[str, Any] | None:
    """The request of an input, if a web server would let it through to the application."""
    if not isinstance(tree, dict):
        return None
    method, path, headers, body = (tree.get(name) for name in ("method", "path", "headers", "body"))
    if method not in METHODS or not isinstance(path, str) or not path.startswith("/"):
        return None
    if not path.isascii() or not path.isprintable() or " " in path or path.startswith(ENDLESS):
        return None
    if not isinstance(headers, dict):
        headers = {}
    kept = {
        name: value
        for name, value in headers.items()
        if isinstance(value, str)
        and value.isprintable()
        and name.isascii()
        and name.isalpha() | ("-" in name)
    }
    if not isinstance(body, str):
        body = json.dumps(body) if body is not None else ""
    kept = {"Host": "localhost", "Content-Type": "application/json"} | kept
    return {
        "method": method,
        "path": path,
        "headers": kept,
        "body": body.encode("utf-8", "surrogatepass"),
    }


def _requests() -> list[Any]:
    bodies = {
        "submit_command": {"verb": "agent.set_state", "connector": "gws-main", "target": {"agent": "anna"},
                           "arguments": {"state": "ready", "reason": "lunch"}, "deadline_seconds": 15},
    }  # fmt: skip
    found: list[Any] = []
    for row in all_rows():
        names = [part[1:-1] for part in row.path.split("/") if part.startswith("{")]
        path = row.path.format_map(dict.fromkeys(names, "gws-main"))
        body = bodies.get(row.id)
        if body is None and row.body is not None:
            body = {
                "note": "why",
                "by": "who",
                "position": 1,
                "time": "2026-01-02T03:04:05Z",
                "ids": [1],
            }
        found.append({"method": row.method, "path": path, "headers": {}, "body": body})
    query = "limit=5&state=ready&connector=gws-main&cursor=WzEsMl0&kind=agents&status=done&since=2026-01-02T03:04:05Z"
    found += [
        {**one, "path": f"{one['path']}?{part}"}
        for one in found
        if one["method"] == "GET"
        for part in query.split("&")
    ]
    keyed = {"Idempotency-Key": "k1", "Prefer": "wait=1", "Authorization": "Bearer x"}
    found += [{**one, "headers": keyed} for one in found if one["body"] is not None]
    return [one for one in found if not one["path"].startswith(ENDLESS)]


def configuration(data: bytes) -> None:
    """A file with the settings of all real platforms and sinks."""
    path = _folder() / "tieline.yaml"
    path.write_bytes(data)
    findings: Sequence[Finding] | None = None
    try:
        load(
            path,
            {"TIELINE_GATEWAY__API__PORT": "8081", "GWS_PASSWORD": "secret"},
            registry=Registry(),
        )
    except InvalidConfiguration as error:
        findings = error.findings
    assert findings is None or (findings and all(map(str, findings)))


@cache
def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="tieline-fuzz-"))
    atexit.register(rmtree, folder, ignore_errors=True)
    return folder


def _configurations() -> list[Any]:
    whole = yaml.safe_load((ROOT / "config" / "example.yaml").read_text(encoding="utf-8"))
    blocks = [
        yaml.safe_load(path.read_text(encoding="utf-8"))
        for path in sorted(ROOT.glob("*/*/sample.yaml"))
    ]
    listed = [one for block in blocks for one in (block if isinstance(block, list) else [block])]
    connectors = [one for one in listed if isinstance(one, dict) and "platform" in one]
    sinks = [one for one in listed if isinstance(one, dict) and "kind" in one]
    alone = [{"connectors": [one], "sinks": sinks[:1]} for one in connectors]
    texts = json.dumps([whole, {"connectors": connectors, "sinks": sinks}, *alone], default=str)
    found: list[Any] = json.loads(texts)
    return found


def webhook_answer(data: bytes) -> None:
    """The status and the header of a receiver's answer."""
    tree = _tree(data)
    status, retry_after = [*tree, None, None][:2] if isinstance(tree, list) else (None, tree)
    if not isinstance(status, int) or status not in STATUSES:
        status = 503
    if retry_after is not None and not isinstance(retry_after, str):
        retry_after = json.dumps(retry_after)
    judgement = judge(status, retry_after, peer="https://peer", now=NOW, waits=WAITS)
    wait = judgement.retry_after_seconds
    assert wait is None or 0 <= wait <= 1_800


def journal_record(data: bytes) -> None:
    """The body of one record, as a damaged or a foreign journal may hold it, at every reader of records."""
    kind = _type_of(data)
    event = StoredEvent(7, 7, kind, source_of("gws", "genesys_web_services"), data)
    with suppress(Unencodable):
        Encoder(topic_template("tieline.{noun}"), "journal")(event, not_after_ms=2**42)
    for read in (_Reads.envelope, _Reads.masked, _Reads.picture, _Reads.selected):
        with suppress(msgspec.MsgspecError, UnicodeDecodeError):
            read(event)
    line = LineFormat("journal").line_of(event)
    assert line.count(b"\n") == 1
    tail = LineFormat("journal").read_tail(data + b"\n" + line, 0)
    assert tail.length == len(data) + 1 + len(line)
    assert event_frame("journal", event).count(b"\n\n") == 1
    EventFilter(["tieline.call.*"], ["gws"])(event)


class _Reads:
    """Readers that say by msgspec's error that a record is none."""

    @staticmethod
    def envelope(event: StoredEvent) -> None:
        event.data()

    @staticmethod
    def masked(event: StoredEvent) -> None:
        _masker()(event)

    @staticmethod
    def picture(event: StoredEvent) -> None:
        Picture().apply(event)

    @staticmethod
    def selected(event: StoredEvent) -> None:
        Selection(Choice(subjects=frozenset({"agent/*"}), only_agents=frozenset({"anna"})))(event)


@cache
def _masker() -> Masker:
    return Masker(["personal", "content"])


def _type_of(data: bytes) -> str:
    try:
        kind = json.loads(data)["type"]
    except (ValueError, TypeError, KeyError, RecursionError):
        kind = None
    return kind if isinstance(kind, str) and kind in CATALOGUE else "tieline.call.connected.v1"


def _records() -> list[Any]:
    stored = [
        made.agent_state(1, "anna", "ready", media={"voice": "ready"}), made.agent_session(2, "anna", "started"),
        made.agent_channel(3, "anna", "chat", "ready"), made.call(4, "connected", "c1", "anna", state="connected"),
        made.interaction(5, "accepted", "i1"), made.queue_metrics(6, "q", {"waiting": 3}),
    ]  # fmt: skip
    return [json.loads(event.body) for event in stored]


def kept_state(data: bytes) -> None:
    """What the gateway keeps for its next process, as an older version or a defect may have left it."""
    decode_resume(data)
    decode_state(data)
    read_receptions(data)
    for snapshot in (data, msgspec.msgpack.encode(clean(_tree(data)))):
        with suppress(JournalCorrupt):
            Picture.restore(snapshot)


def _kept() -> list[Any]:
    picture = Picture()
    for event in (
        made.agent_state(1, "anna", "ready"),
        made.call(4, "connected", "c1", "anna", state="connected"),
    ):
        picture.apply(event)
    feed = {
        "picture": {},
        "version": 1,
        "start": "S1",
        "cursor": "S2",
        "seen_at": 1.5,
        "clean": True,
    }
    snapshot = msgspec.to_builtins(msgspec.msgpack.decode(picture.snapshot()))
    return [snapshot, feed, {"agents": {"1": {}}, "polled_at": "2026-01-02T03:04:05Z"}]


def sign_in_challenge(data: bytes) -> None:
    """The header in which a platform says where to sign in, and a token from there."""
    for text in _texts(_tree(data)):
        found = read_challenge([text])
        if found is not None:
            with suppress(ConfigError, ProtocolViolation):
                check(found, allowed=frozenset({"auth.example.com"}), secure=True)
        life_of(text)


def _texts(tree: Any) -> Sequence[str]:
    return [one for one in (tree if isinstance(tree, list) else [tree]) if isinstance(one, str)]


def _challenges() -> list[Any]:
    urls = (
        "https://auth.example.com/token",
        "http://auth.example.com:8080/",
        "https://[::1]:1/token",
    )
    return [
        [f'{url},grant_type="{WINDOWS_GRANT}"' for url in urls],
        [f"{url} , grant_type={WINDOWS_GRANT}" for url in urls],
        ["eyJhbGciOiJub25lIn0.eyJleHAiOiAxNzAwMDAwMDAwLCAibmJmIjogMX0.c2ln", "a.b.c", "a.e30.c"],
    ]


TARGETS = (
    Target("api_request", api_request, _requests),
    Target("configuration", configuration, _configurations, raw=True),
    Target("webhook_answer", webhook_answer, lambda: [
        [503, "17"], [429, "Fri, 02 Jan 2026 03:05:05 GMT"], [503, "Fri, 02 Jan 2026 03:05:05 -0000"],
        [410, None], [200, ""],
    ]),
    Target("journal_record", journal_record, _records, raw=True),
    Target("kept_state", kept_state, _kept, raw=True),
    Target("sign_in_challenge", sign_in_challenge, _challenges),
)  # fmt: skip
