"""What a receiver's answer means. Pure.

Sources: Standard Webhooks specification, "Deliverability and reliability" (2xx is success, 3xx is a failure, 410 means
stop, slow down at 429, 502 and 504); RFC 9110, sections 15 and 10.2.3 (Retry-After).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum, auto
from http import HTTPStatus

from gateway.errors import Reason

_ASKS_TO_WAIT = frozenset({429, 502, 503, 504})
_REFUSED_FOR_GOOD = {
    400: Reason.INVALID,
    406: Reason.UNSUPPORTED,
    411: Reason.CLIENT_ERROR,
    413: Reason.TOO_LARGE,
    414: Reason.CLIENT_ERROR,
    415: Reason.UNSUPPORTED,
    422: Reason.INVALID,
    431: Reason.TOO_LARGE,
    451: Reason.FORBIDDEN,
}
_REASONS = {
    401: Reason.AUTH,
    403: Reason.FORBIDDEN,
    404: Reason.NOT_FOUND,
    407: Reason.AUTH,
    408: Reason.TIMEOUT,
    409: Reason.CONFLICT,
    410: Reason.GONE,
    429: Reason.RATE_LIMITED,
    504: Reason.TIMEOUT,
}
_HINTS = {
    401: "check `headers` and the secret",
    403: "check `headers` and the secret",
    404: "check `url`",
    410: "the receiver does not want these events any more: remove the sink or correct `url`",
}


class Verdict(Enum):
    """What to do with the event that was posted, and with the others."""

    SETTLED = auto()
    REFUSED = auto()
    HOLD_KEY = auto()
    """The receiver failed at this event: hold back its key, go on with others."""
    HOLD_ALL = auto()
    """The receiver cannot take anything now."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict with what is to be reported about it."""

    verdict: Verdict
    reason: Reason = Reason.OTHER
    message: str = ""
    retry_after_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """The limits of how long a receiver may make us wait."""

    max_retry_after_seconds: float
    gone_pause_seconds: float


def judge(
    status: int, retry_after: str | None, *, peer: str, now: datetime, waits: Waits
) -> Judgement:
    """What an answer means. `retry_after` is the header's value."""
    hint = f" ({_HINTS[status]})" if status in _HINTS else ""
    message = f"{peer} answered {status}{hint}"
    if status in _REFUSED_FOR_GOOD:
        return Judgement(Verdict.REFUSED, _REFUSED_FOR_GOOD[status], message)
    wait = None
    if status == HTTPStatus.GONE:
        wait = waits.gone_pause_seconds
    elif status in _ASKS_TO_WAIT and retry_after is not None:
        wait = retry_after_seconds(retry_after, now, waits.max_retry_after_seconds)
    match status // 100:
        case 2:
            return Judgement(Verdict.SETTLED)
        case 3:
            remedy = "redirects are not followed, correct `url`"
            return Judgement(Verdict.HOLD_ALL, Reason.REDIRECT, f"{message} ({remedy})")
        case 4:
            verdict = Verdict.HOLD_KEY if status == HTTPStatus.CONFLICT else Verdict.HOLD_ALL
            return Judgement(verdict, _REASONS.get(status, Reason.CLIENT_ERROR), message, wait)
        case _:
            verdict = Verdict.HOLD_ALL if status in _ASKS_TO_WAIT else Verdict.HOLD_KEY
            return Judgement(verdict, _REASONS.get(status, Reason.SERVER_ERROR), message, wait)


def retry_after_seconds(value: str, now: datetime, most: float) -> float | None:
    """Seconds to wait by a Retry-After header: a number of seconds or an HTTP date; None if it is neither."""
    text = value.strip()
    if text.isascii() and text.isdecimal():
        # More digits than that are no wait that anybody means, and int() refuses very long texts.
        return min(float(int(text[:12])), most)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    seconds = (moment - now).total_seconds()
    return min(max(0.0, seconds), most) if math.isfinite(seconds) else None
