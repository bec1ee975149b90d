"""Reading requests strictly: bodies, query parameters, headers. What is wrong is named by its field."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection
from typing import Annotated, Any

import msgspec
from aiohttp import web
from msgspec import Meta

from gateway.api.problems import Kind, Problem
from gateway.commands import CommandRequest, Target, Verb

_FIELD = re.compile(r" - at `\$?\.?(?P<field>[^`]*)`$")
_IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,255}")


class _StrictTarget(Target, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A target in which a misspelt field is an error."""


class _CommandBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of POST /v1/commands."""

    verb: Verb
    connector: Annotated[str, Meta(min_length=1, max_length=63)]
    target: _StrictTarget = _StrictTarget()
    arguments: dict[str, Any] = {}
    deadline_seconds: Annotated[float, Meta(gt=0, le=86_400)] | None = None


_decoder = msgspec.json.Decoder(_CommandBody)


async def command_request(request: web.Request, *, timeout_seconds: float) -> CommandRequest:
    """The command that a request's body asks for."""
    body = await _json_body(request, timeout_seconds)
    try:
        asked = _decoder.decode(body)
    except msgspec.ValidationError as error:
        message = str(error)
        match = _FIELD.search(message)
        field = match["field"] if match else ""
        detail = _FIELD.sub("", message)
        raise Problem(
            Kind.INVALID_REQUEST,
            f"{field}: {detail}" if field else detail,
            errors=[{"field": field, "detail": detail}],
        ) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Problem(Kind.MALFORMED_JSON, _reason(error)) from None
    return CommandRequest(
        verb=asked.verb,
        connector=asked.connector,
        target=Target(**msgspec.structs.asdict(asked.target)),
        arguments=asked.arguments,
        deadline_seconds=asked.deadline_seconds,
    )


async def _json_body(request: web.Request, timeout_seconds: float) -> bytes:
    if request.content_type != "application/json":
        raise Problem(
            Kind.UNSUPPORTED_MEDIA_TYPE, "send the body with Content-Type: application/json"
        )
    try:
        async with asyncio.timeout(timeout_seconds):
            return await request.read()
    except TimeoutError:
        raise Problem(
            Kind.BODY_TIMEOUT,
            f"the body was not complete after {timeout_seconds:g} seconds",
            headers={"Connection": "close"},
        ) from None


def _reason(error: Exception) -> str:
    if isinstance(error, msgspec.DecodeError):
        return str(error)
    return "not UTF-8" if isinstance(error, UnicodeDecodeError) else "nested too deeply"


def idempotency_key(request: web.Request) -> str | None:
    """The Idempotency-Key header, bare or as a quoted string; None if there is none.

    Source of the quoted form: the IETF draft "The Idempotency-Key HTTP Header Field", section 2.1.
    """
    text = request.headers.get("Idempotency-Key")
    if text is None:
        return None
    key = text.strip()
    if key.startswith('"') and key.endswith('"') and len(key) > 1:
        key = key[1:-1]
    if not _IDEMPOTENCY_KEY.fullmatch(key):
        raise Problem(
            Kind.INVALID_HEADER,
            "Idempotency-Key: expected 1 to 255 visible ASCII characters without spaces",
        )
    return key


def check_query(request: web.Request, known: Collection[str]) -> None:
    """Refuse parameters that the resource does not have, and those given twice."""
    for name in request.query:
        if name not in known:
            expected = ", ".join(sorted(known)) or "none"
            raise Problem(Kind.INVALID_QUERY, f"{name}: unknown, expected {expected}")
        if len(request.query.getall(name)) > 1:
            raise Problem(Kind.INVALID_QUERY, f"{name}: given more than once")


def wait_seconds(request: web.Request, longest: float) -> float | None:
    """The `wait` parameter, at most `longest`; None if there is none."""
    text = request.query.get("wait")
    if text is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise Problem(Kind.INVALID_QUERY, "wait: expected seconds, a number of at least 0")
    return min(seconds, longest)


def limit(request: web.Request, default: int, most: int) -> int:
    """The `limit` parameter."""
    text = request.query.get("limit")
    if text is None:
        return default
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text[:9]) <= most:
        raise Problem(Kind.INVALID_QUERY, f"limit: expected a whole number from 1 to {most}")
    return int(text)
