"""The envelope of the v3 APIs' answers, read however it comes. Pure.

`{status: {code, message?, detail?}, data?, errors?, operationId?}`. The code is a number; some answers
lack the envelope or the JSON altogether. Source: Introduction to Engage Cloud APIs, "Responses and errors".
"""

from __future__ import annotations

from typing import Any

import msgspec

from connectors._genesys.values import first, mapping, objects, text
from connectors.genesys_engage_cloud.vendor import StatusCode

_MAX_MESSAGE = 500
_MAX_DIGITS = 9
_GOOD = frozenset({StatusCode.DONE, StatusCode.ACCEPTED, StatusCode.PARTIAL})


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """An answer. `code` is none where the answer has none, as an empty one or the bare data of some calls."""

    code: int | None
    message: str
    data: Any
    errors: list[dict[str, Any]]
    whole: dict[str, Any]

    @property
    def failed(self) -> bool:
        """Whether the code is one of an error."""
        return self.code is not None and self.code not in _GOOD


def read_envelope(body: bytes) -> Envelope | None:
    """The envelope of an answer; none if it is no JSON object. An empty body is an envelope without anything."""
    whole: Any = {}
    if body.strip():
        try:
            whole = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
    if not isinstance(whole, dict):
        return None
    code = code_of(whole)
    return Envelope(
        code=code,
        message=message_of(whole, "no reason given" if code is None else f"code {code}"),
        data=whole.get("data"),
        errors=objects(whole.get("errors")),
        whole=whole,
    )


def code_of(answer: dict[str, Any]) -> int | None:
    """The number in `status.code`, or in a bare `status` or `code`."""
    status = answer.get("status", answer.get("code"))
    value = status.get("code") if isinstance(status, dict) else status
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and value.isdecimal() and len(value) <= _MAX_DIGITS:
        return int(value)
    return value if isinstance(value, int) else None


def message_of(answer: dict[str, Any], fallback: str) -> str:
    """What an answer says about its status, with the detail if there is one."""
    status = mapping(answer.get("status"))
    found = first(status, "message") or first(answer, "message", "error")
    detail = status.get("detail", answer.get("detail"))
    if isinstance(detail, dict) and detail:
        shown = ", ".join(f"{key} {value}" for key, item in detail.items() if (value := text(item)))
        found = f"{found or fallback} ({shown})" if shown else found
    return (found or fallback)[:_MAX_MESSAGE]
