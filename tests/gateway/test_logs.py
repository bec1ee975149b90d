"""Logging: secrets do not get through, whatever key or text they hide in."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from gateway.logs import REDACTED, configure_logging, redact, redact_text


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Basic YWxpY2U6c2VzYW1l",
        "sent Bearer sesame",
        "https://alice:sesame@host/path",
        "password=sesame",
        "token: 'sesame'",
        "Cookie JSESSIONID=sesame; Path=/",
        "secret whsec_sesame",
    ],
)
def test_credentials_in_texts_are_replaced(text: str) -> None:
    redacted = redact_text(text)
    assert "sesame" not in redacted
    assert "YWxpY2U6c2VzYW1l" not in redacted
    assert REDACTED in redacted


def test_secrets_are_replaced_at_any_depth_and_the_rest_is_kept() -> None:
    value = {"user": "alice", "auth": [{"password": "sesame"}, {"api_key": "sesame"}], "n": 3}
    assert redact(value) == {
        "user": "alice",
        "auth": [{"password": REDACTED}, {"api_key": REDACTED}],
        "n": 3,
    }


def test_an_address_with_a_port_is_no_credential() -> None:
    assert redact_text("http://127.0.0.1:8080/x") == "http://127.0.0.1:8080/x"


@given(st.text())
def test_redaction_takes_any_text(text: str) -> None:
    assert isinstance(redact_text(text), str)


def test_what_is_written_is_one_json_object_a_line_without_secrets() -> None:
    stream = io.StringIO()
    configure_logging(level="info", form="json", stream=stream)
    structlog.get_logger().warning("refused", password="sesame", url="http://a:sesame@h/")
    line = json.loads(stream.getvalue())
    assert line["event"] == "refused"
    assert line["level"] == "warning"
    assert "sesame" not in stream.getvalue()


def test_a_library_that_logs_a_secret_is_redacted_too() -> None:
    stream = io.StringIO()
    configure_logging(level="info", form="json", stream=stream)
    logging.getLogger("some.library").error("header Authorization: Bearer %s", "sesame")
    assert "some.library" not in stream.getvalue() or "sesame" not in stream.getvalue()
    assert "Authorization" in stream.getvalue()
    assert "sesame" not in stream.getvalue()


def test_an_error_with_a_secret_in_its_text_is_redacted_in_the_trace() -> None:
    stream = io.StringIO()
    configure_logging(level="info", form="json", stream=stream)
    try:
        int("https://alice:sesame@host/")
    except ValueError:
        structlog.get_logger().exception("failed")
    assert "ValueError" in stream.getvalue()
    assert "sesame" not in stream.getvalue()
