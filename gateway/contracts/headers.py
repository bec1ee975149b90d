"""What may be configured as a header of HTTP requests, the same wherever it is. Pure.

Source: RFC 9110, sections 5.1 (names are tokens, 5.6.2) and 5.5 (values).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import SecretStr

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def check_headers(
    headers: Mapping[str, SecretStr], *, own: Callable[[str], bool], owner: str
) -> None:
    """See that configured headers can be sent; no message repeats a value.

    Args:
        headers: names and values.
        own: whether a name, in lower case, is one that the sender sets by itself.
        owner: what the sender is called in a message.

    Raises ValueError.
    """
    for name, value in headers.items():
        text = value.get_secret_value()
        if not _TOKEN.fullmatch(name):
            raise ValueError(f"{name!r} is not a name of a header")
        if own(name.lower()):
            raise ValueError(f"{name} is set by {owner}")
        if not (text.isascii() and text.isprintable()):
            raise ValueError(f"the value of {name} holds characters that a header cannot")
