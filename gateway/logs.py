"""Logging: structlog, one JSON object a line (or columns for people), with secrets taken out on the way.

Levels say what the operator must do: debug nothing, info nothing (a state changed), warning look today, error look now.
Redaction is a net, not the rule: code does not log secrets in the first place.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

REDACTED = "[redacted]"

_SECRET_KEY = re.compile(
    r"pass(word|wd|phrase)?$|secret|token|api[_-]?key|authorization|cookie|credential|private[_-]?key",
    re.IGNORECASE,
)
_SECRET_TEXT = re.compile(
    r"(?i)(?P<head>\b(?:basic|bearer)\s+|\bwhsec_"
    r"|\b(?:password|secret|token|api[_-]?key|JSESSIONID|BAYEUX_BROWSER)\s*[=:]\s*[\"']?)[^\s\"',;&@]+"
    r"|(?P<user>//[^/\s:@]+:)[^/\s@]+(?=@)"
)


def redact_text(text: str) -> str:
    """The text with everything that looks like a credential replaced."""
    return _SECRET_TEXT.sub(lambda match: (match["head"] or match["user"]) + REDACTED, text)


def redact(value: Any, key: str = "") -> Any:
    """The value with secrets replaced, in mappings and lists to any depth; scalars under a telling key are replaced."""
    if isinstance(value, Mapping):
        return {name: redact(inner, str(name)) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [redact(inner, key) for inner in value]
    if _SECRET_KEY.search(key) and value not in {None, ""}:
        return REDACTED
    return redact_text(value) if isinstance(value, str) else value


def _redact_event(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    return {key: redact(value, key) for key, value in event.items()}


class _LibraryHandler(logging.Handler):
    """Sends records of libraries that use the standard logging module through structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        log = structlog.get_logger(record.name)
        log.log(record.levelno, record.getMessage(), exc_info=record.exc_info or None)


# Their warnings repeat what our own telemetry already says once, at the right level.
_NOISY = {"aiokafka": logging.CRITICAL, "asyncio": logging.ERROR, "aiohttp.access": logging.WARNING}


def configure_logging(
    *, level: str = "info", form: str = "json", stream: TextIO | None = None
) -> None:
    """Set logging up for the process; `form` is `json` or `console`."""
    number = logging.getLevelNamesMapping()[level.upper()]
    renderer: Processor = (
        structlog.processors.JSONRenderer() if form == "json" else structlog.dev.ConsoleRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _redact_event,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(file=stream or sys.stderr),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers[:] = [_LibraryHandler()]
    root.setLevel(max(number, logging.WARNING))
    for name, floor in _NOISY.items():
        logging.getLogger(name).setLevel(floor)
