"""JSON as untidy servers write it: half of a surrogate pair in one text must not cost the others."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class NotJson(ValueError):
    """What came is not JSON even to a lenient reader."""


def decode_untidy(body: bytes | str) -> Any:
    """The value that `body` stands for; what cannot be a character becomes U+FFFD.

    Raises:
        NotJson: it is not JSON.
    """
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return _decode_leniently(body)


def _decode_leniently(body: bytes | str) -> Any:
    text = body if isinstance(body, str) else body.decode("utf-8", "replace")
    try:
        return _mended(json.loads(text, parse_constant=lambda _: None))
    except (ValueError, RecursionError) as error:
        raise NotJson("not JSON") from error


def _mended(tree: Any) -> Any:
    match tree:
        case str():
            return _LONE_SURROGATE.sub("\N{REPLACEMENT CHARACTER}", tree)
        case list():
            return [_mended(item) for item in tree]
        case dict():
            return {_mended(key): _mended(value) for key, value in tree.items()}
        case _:
            return tree
