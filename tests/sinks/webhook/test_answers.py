from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Reason
from sinks.webhook.answers import Judgement, Verdict, Waits, judge, retry_after_seconds

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
WAITS = Waits(max_retry_after_seconds=600, gone_pause_seconds=1800)


def answer(status: int, retry_after: str | None = None) -> Judgement:
    return judge(status, retry_after, peer="https://peer", now=NOW, waits=WAITS)


@pytest.mark.parametrize(
    ("status", "verdict", "reason"),
    [
        (200, Verdict.SETTLED, Reason.OTHER),
        (202, Verdict.SETTLED, Reason.OTHER),
        (204, Verdict.SETTLED, Reason.OTHER),
        (301, Verdict.HOLD_ALL, Reason.REDIRECT),
        (304, Verdict.HOLD_ALL, Reason.REDIRECT),
        (307, Verdict.HOLD_ALL, Reason.REDIRECT),
        (400, Verdict.REFUSED, Reason.INVALID),
        (413, Verdict.REFUSED, Reason.TOO_LARGE),
        (415, Verdict.REFUSED, Reason.UNSUPPORTED),
        (422, Verdict.REFUSED, Reason.INVALID),
        (401, Verdict.HOLD_ALL, Reason.AUTH),
        (403, Verdict.HOLD_ALL, Reason.FORBIDDEN),
        (404, Verdict.HOLD_ALL, Reason.NOT_FOUND),
        (405, Verdict.HOLD_ALL, Reason.CLIENT_ERROR),
        (408, Verdict.HOLD_ALL, Reason.TIMEOUT),
        (409, Verdict.HOLD_KEY, Reason.CONFLICT),
        (410, Verdict.HOLD_ALL, Reason.GONE),
        (429, Verdict.HOLD_ALL, Reason.RATE_LIMITED),
        (500, Verdict.HOLD_KEY, Reason.SERVER_ERROR),
        (502, Verdict.HOLD_ALL, Reason.SERVER_ERROR),
        (503, Verdict.HOLD_ALL, Reason.SERVER_ERROR),
        (504, Verdict.HOLD_ALL, Reason.TIMEOUT),
        (599, Verdict.HOLD_KEY, Reason.SERVER_ERROR),
    ],
)
def test_each_status_has_one_meaning(status: int, verdict: Verdict, reason: Reason) -> None:
    """What an answer means for the event and for the others."""
    judgement = answer(status)
    assert (judgement.verdict, judgement.reason) == (verdict, reason)


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_retry_after_is_honoured_where_it_means_something(status: int) -> None:
    """The wait that was asked for reaches the dispatcher."""
    assert answer(status, "17").retry_after_seconds == 17


@pytest.mark.parametrize("status", [401, 404, 500])
def test_retry_after_is_ignored_elsewhere(status: int) -> None:
    """A wait that nobody has to ask for is not taken from other answers."""
    assert answer(status, "17").retry_after_seconds is None


def test_gone_pauses_for_long() -> None:
    """410 means stop: the receiver is left alone for the configured time, and the operator is told."""
    judgement = answer(410)
    assert judgement.retry_after_seconds == 1800
    assert "remove the sink" in judgement.message


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        (" 30 ", 30),
        ("99999999999999999999", 600),
        ("9" * 5000, 600),
        ("Fri, 02 Jan 2026 03:05:05 GMT", 60),
        ("Fri, 02 Jan 2026 03:05:05 -0000", 60),
        ("Fri, 02 Jan 2026 03:00:00 GMT", 0),
        ("Fri, 02 Jan 2099 03:05:05 GMT", 600),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("", None),
        ("²", None),
    ],
)
def test_retry_after_is_read(value: str, seconds: float | None) -> None:
    """Seconds and HTTP dates are read, cut to the limit; anything else counts as not said."""
    assert retry_after_seconds(value, NOW, 600) == seconds


@given(st.text())
def test_no_text_in_retry_after_does_harm(value: str) -> None:
    """Whatever a receiver writes, the wait is within bounds."""
    seconds = retry_after_seconds(value, NOW, 600)
    assert seconds is None or 0 <= seconds <= 600
