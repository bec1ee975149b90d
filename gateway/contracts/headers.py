"""What may be configured as a header of HTTP requests, the same wherever it is. Pure.

Source: RFC 9110, sections 5.1 (names are tokens, 5.6.2) and 5.5 (values).
"""

from __future__ import annotations

import re

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def header_problem(name: str, value: str) -> str | None:
    """What is wrong with a header, in words that do not repeat its value; None if it can be sent."""
    if not _TOKEN.fullmatch(name):
        return f"{name!r} is not a name of a header"
    if not (value.isascii() and value.isprintable()):
        return f"the value of {name} holds characters that a header cannot"
    return None
