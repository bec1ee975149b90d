"""What an answer says beside its status: text and data, wherever the platform put them. Pure.

The text of an error is in the body, in the header `icStatusDescription` or in the reason phrase.
Source: NICE inContact method reference, "Response Codes"; the newer OpenAPI documents for the body.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from connectors._wire.json_values import fields, text
from connectors._wire.untidy_json import NotJson, decode_untidy
from connectors.nice_incontact.vendor import STATUS_HEADER

_MAX_SAID = 300
_WORDS = ("error_description", "errordescription", "message", "description", "error", "code")


class Answer(Protocol):
    """The part of a reply that is read here."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Its headers."""
        ...

    @property
    def body(self) -> bytes:
        """Its body, undecoded."""
        ...

    @property
    def reason(self) -> str:
        """The phrase after its status."""
        ...


def decoded(answer: Answer) -> Any:
    """The body's JSON whatever its content type; None for an empty body or another format."""
    if not answer.body.strip():
        return None
    try:
        return decode_untidy(answer.body)
    except NotJson:
        return None


def said(answer: Answer) -> str:
    """What the platform says about an error, in one line; empty if nothing."""
    body = fields(decoded(answer))
    nested = fields(body.get("error"))
    told = next((found for name in _WORDS if (found := text((nested or body).get(name)))), None)
    told = told or text(answer.headers.get(STATUS_HEADER)) or text(answer.reason)
    return " ".join((told or "").split())[:_MAX_SAID]


def error_code(answer: Answer) -> str:
    """The error's own code, where it has one beside the text; empty if not."""
    body = fields(decoded(answer))
    return text(body.get("error_code")) or text(body.get("code")) or text(body.get("error")) or ""
