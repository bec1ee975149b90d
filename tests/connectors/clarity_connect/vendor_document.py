"""The names of all methods and tables in the vendor's document of the Web API v2, read from its text.

The document is not ours to distribute, so the names are recorded beside this file. From a copy of its text:

    python -m tests.connectors.clarity_connect.vendor_document clarity-connect-web-api-v2.txt

writes `vendor_document.json` anew, with the digest of the text it was made from. `TIELINE_VENDOR_DOCUMENTS` names a
folder with that file; where it is set, a test compares the record with the text.
"""

from __future__ import annotations

import json
import re
import sys
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

NAME = "clarity-connect-web-api-v2.txt"
RECORD = Path(__file__).with_name("vendor_document.json")

DICTIONARY = "Request & Response Dictionary"
_ADDRESS = re.compile(r"accessible (?:off|at) the Connect Web API Root URL")
_SIGN_IN = "Creating a Token Request"
_CONTINUED = "Response"
"""The title of a table that belongs to the container above it."""
MAX_TITLE = 60


class Names(NamedTuple):
    """Titles in the document's order. It writes some in capitals only, so compare them without regard to case."""

    methods: tuple[str, ...]
    tables: tuple[str, ...]


def names_in(text: str) -> Names:
    """The titles of methods, and of the tables of the dictionary."""
    lines = [line.strip() for line in text.splitlines()]
    dictionary = lines.index(DICTIONARY)
    return Names(tuple(_methods(lines[:dictionary])), tuple(_tables(lines[dictionary + 1 :])))


def _methods(lines: list[str]) -> list[str]:
    """A method's address stands in a list of points, and its title before the first of them."""
    found: list[str] = []
    for number, line in enumerate(lines):
        if line == _SIGN_IN:
            found.append(line)
        if _ADDRESS.search(line) is None:
            continue
        above = number
        while lines[above].startswith("•"):
            above -= 1
        found.append(lines[above])
    return found


def _tables(lines: list[str]) -> list[str]:
    """A title is a short line above the head of a table, or above a sentence about it."""
    found: list[str] = []
    for title, following, then in zip(lines, lines[1:], lines[2:], strict=False):
        is_short = "|" not in title and 0 < len(title) <= MAX_TITLE and title[-1] not in ".:"
        heads = "|" in following and then.startswith("---|")
        explains = "|" not in following and (following.endswith(".") or len(following) > MAX_TITLE)
        if is_short and (heads or explains) and title != _CONTINUED:
            found.append(title)
    return found


def digest_of(text: str) -> str:
    """What a record was made from."""
    return sha256(text.encode()).hexdigest()


def recorded() -> Names:
    """The record."""
    told = json.loads(RECORD.read_text(encoding="utf-8"))
    return Names(tuple(told["methods"]), tuple(told["tables"]))


def recorded_digest() -> str:
    """The digest of the text that the record was made from."""
    digest: str = json.loads(RECORD.read_text(encoding="utf-8"))["sha256"]
    return digest


def record(text: str) -> None:
    """Write the record."""
    names = names_in(text)
    told = {"sha256": digest_of(text), "methods": names.methods, "tables": names.tables}
    RECORD.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    record(Path(sys.argv[1]).read_text(encoding="utf-8"))
