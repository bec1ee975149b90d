"""The commands that ask a running gateway: what they print, and with which code they end."""

from __future__ import annotations

import json
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
import structlog

from gateway.api.tokens import hash_of, new_token
from gateway.cli import main
from gateway.cli._api import Api
from gateway.cli._stream import follow
from tests.support.gateway_thread import gateway_thread

pytestmark = pytest.mark.timeout(120)

TOKEN = new_token()
READER = new_token()
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A gateway with somebody who may do all, and somebody who may only look.

    It runs in this process, and is silent: what is on the standard output is the command's.
    """
    tokens = [
        {"name": "tester", "hash": hash_of(TOKEN), "scopes": ["admin"]},
        {"name": "reader", "hash": hash_of(READER), "scopes": ["read"]},
    ]
    directory = tmp_path_factory.mktemp("gateway")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        with gateway_thread(directory, api={"tokens": tokens}) as url:
            yield url
    finally:
        structlog.reset_defaults()


@pytest.fixture
def run(url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command as the tester; its code, output and errors."""
    monkeypatch.setenv("TIELINE_API", url)
    monkeypatch.setenv("TIELINE_TOKEN", TOKEN)
    monkeypatch.setenv("COLUMNS", "200")

    def command(*words: str) -> tuple[int, str, str]:
        code = main(words)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return command


def lines(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]


def test_agents_are_a_table_or_json(run: Run) -> None:
    """One line for each agent, with its state."""
    code, out, _ = run("agents")
    assert code == 0
    header, *rows = out.splitlines()
    assert header.split() == ["connector", "agent", "state", "reason", "for", "media"]
    assert [row.split()[1] for row in rows] == ["agent0001", "agent0002", "agent0003"]
    code, out, _ = run("agents", "--json", "--connector", rows[0].split()[0])
    assert {agent["agent"] for agent in lines(out)} == {"agent0001", "agent0002", "agent0003"}
    assert run("agents", "--connector", "nowhere") == (0, "no agents\n", "")


def test_calls_are_a_table_or_json(run: Run) -> None:
    """What is alive at the moment, perhaps nothing."""
    code, out, _ = run("calls", "--json")
    assert code == 0
    assert all({"call", "state", "agents"} <= call.keys() for call in lines(out))
    code, out, _ = run("calls")
    assert out.split()[:2] in (["connector", "call"], ["no", "calls"])
    assert run("calls", "--agent", "nobody") == (0, "no calls\n", "")


def test_a_command_is_sent_and_its_verdict_decides_the_exit_code(run: Run) -> None:
    """0 when it is done; it can be looked up and is in the list."""
    code, out, err = run(
        "commands", "send", "agent.set_state", "state=not_ready",
        "--connector", "gws", "--agent", "agent0001",
    )  # fmt: skip
    assert (code, err) == (0, "")
    facts = dict(line.split(maxsplit=1) for line in out.splitlines())
    assert facts["status"] == "done"
    assert facts["evidence"]
    code, out, _ = run("commands", "show", facts["id"], "--json")
    assert json.loads(out)["arguments"] == {"state": "not_ready"}
    code, out, _ = run("commands", "list")
    assert any(facts["id"] in line and "tester" in line for line in out.splitlines())
    assert run("commands", "watch", facts["id"])[0] == 0


def test_the_same_key_is_the_same_command(run: Run) -> None:
    """Whoever sends again what may have been sent does no harm."""
    words = (
        "commands", "send", "agent.set_state", "state=ready", "--json",
        "--connector", "gws", "--agent", "agent0002", "--key", "once",
    )  # fmt: skip
    first, second = (json.loads(run(*words)[1])["id"] for _ in range(2))
    assert first == second


def test_a_command_that_the_gateway_refuses_ends_with_1_and_says_why(run: Run) -> None:
    """The field is named."""
    code, out, err = run(
        "commands", "send", "agent.set_state", "state=asleep",
        "--connector", "gws", "--agent", "agent0001",
    )  # fmt: skip
    assert (code, out) == (1, "")
    assert err.startswith("tieline commands: 422 ")
    assert "state" in err


def test_what_is_no_argument_is_said(run: Run) -> None:
    """Before anything is sent."""
    code, _, err = run("commands", "send", "agent.login", "voice", "--connector", "gws")
    assert (code, err) == (2, "tieline commands: 'voice': expected NAME=VALUE\n")


def test_events_are_read_over_the_api(run: Run) -> None:
    """As many as asked for, of the types asked for."""
    code, out, _ = run("events", "tail", "--last", "30")
    assert code == 0
    assert len(lines(out)) >= 30
    code, out, _ = run("events", "tail", "--last", "1000000", "--type", "tieline.agent.state.*")
    assert {event["type"] for event in lines(out)} <= {
        "tieline.agent.state.changed.v1",
        "tieline.agent.state.snapshot.v1",
    }
    assert lines(out)


def test_sinks_and_connectors_are_paused_and_resumed(run: Run) -> None:
    """The tables show it."""
    assert run("sinks", "pause", "log") == (0, "log: paused\n", "")
    assert "paused" in run("sinks", "list")[1]
    code, out, _ = run("sinks", "replay", "log", "--since", "0")
    assert code == 0
    assert out.startswith("log: begins")
    code, out, _ = run("sinks", "resume", "log", "--json")
    assert json.loads(out)["name"] == "log"
    assert run("connectors", "pause", "gws") == (0, "gws: paused\n", "")
    assert "paused" in run("connectors", "list")[1]
    assert run("connectors", "resume", "gws")[0] == 0


def test_dead_letters_are_asked_for(run: Run) -> None:
    """None wait here; what is said about them is settled by nobody."""
    assert run("dead-letters", "list") == (0, "no dead letters\n", "")
    assert run("dead-letters", "replay", "7") == (0, "0 of 1 offered again\n", "")
    assert run("dead-letters", "discard", "--all", "--note", "x") == (0, "0 of 0 given up\n", "")
    code, _, err = run("dead-letters", "show", "7")
    assert code == 1
    assert "there is no dead letter 7" in err
    assert run("dead-letters", "replay")[0] == 2


def test_a_token_may_stand_in_a_file(run: Run, tmp_path: Path) -> None:
    """What it does not allow is a line that names the scope."""
    file = tmp_path / "token"
    file.write_text(f"{READER}\n")
    assert run("agents", "--token-file", str(file))[0] == 0
    code, _, err = run("sinks", "pause", "log", "--token-file", str(file))
    assert code == 1
    assert "403" in err
    assert "admin" in err
    assert READER not in err
    code, _, err = run("agents", "--token-file", str(tmp_path / "nothing"))
    assert code == 2
    assert "--token-file: cannot read" in err


def test_without_a_gateway_a_command_says_what_to_look_at(run: Run) -> None:
    """Its address; and for a command, how to send it again without harm."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{free.getsockname()[1]}"
        code, out, err = run("agents", "--api", nowhere)
        assert (code, out) == (2, "")
        assert nowhere in err
        assert "is the gateway running" in err
        code, _, err = run(
            "commands", "send", "agent.login", "--connector", "x", "--api", nowhere, "--key", "k7"
        )
        assert code == 2
        assert "--key k7" in err
    assert "expected a URL" in run("agents", "--api", "ftp://x")[2]


class _Other(BaseHTTPRequestHandler):
    """Something that answers, and is no gateway."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path.startswith("/v1/calls") else 500)
        self.end_headers()
        self.wfile.write(b"<html>hello</html>")

    def log_message(self, *_words: object) -> None:
        """Be quiet."""


def test_what_is_no_gateway_is_told_from_one(run: Run) -> None:
    """Whatever status it answers with."""
    with served(_Other) as url:
        for command in ("calls", "agents"):
            code, out, err = run(command, "--api", url)
            assert (code, out) == (2, "")
            assert "no gateway answers there" in err


class _Stream(BaseHTTPRequestHandler):
    """An event stream that breaks off after each event; `asked` has what readers said they had."""

    asked: ClassVar[list[str | None]] = []

    def do_GET(self) -> None:
        _Stream.asked.append(self.headers["Last-Event-ID"])
        number = len(_Stream.asked)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"retry: 1\n:\nid: 0a1b2c3d-{number - 1}\n\n".encode())
        self.wfile.write(f'id: 0a1b2c3d-{number}\ndata: {{"n": {number}}}\n\n'.encode())
        self.wfile.write(b'event: closed\ndata: {"reason": "stopping"}\n\n')

    def log_message(self, *_words: object) -> None:
        """Be quiet."""


def test_a_tail_goes_on_where_a_lost_connection_ended(capsys: pytest.CaptureFixture[str]) -> None:
    """Events come once; what the stream says about itself goes to the errors."""
    with served(_Stream) as url:
        events = follow(Api(url, None), {})
        assert [next(events) for _ in range(3)] == [{"n": 1}, {"n": 2}, {"n": 3}]
        events.close()
    assert _Stream.asked == [None, "0a1b2c3d-1", "0a1b2c3d-2"]
    assert capsys.readouterr().err.count("closed: ") == 2


@contextmanager
def served(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """A server with this handler; its URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, name="other", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
