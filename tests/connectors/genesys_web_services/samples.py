"""Reads the vendor's printed sample messages, which are Python literals, JSON, and broken forms of both.

Only fixtures need this: on the wire it is JSON. What is mended is listed in `_MENDS`; apart from
that the reader takes either kind of quote, joins texts that a line wrap split, takes trailing
commas, and closes what the sample left open.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

FIXTURES = Path(__file__).parent / "fixtures"
GOLDEN = Path(__file__).parent / "golden"
REPLIES = Path(__file__).parent / "replies"

_MENDS = [
    (r"(\d)L\b", r"\1"),  # Python 2 long integers
    (r"\bu''", "''"),  # Python 2 unicode texts
    (r'==",\n', "==\"',\n"),  # a quote lost in a line wrap
    (r'"email_object" \{', '"email_object": {'),  # a missing colon
    (r'"to-address,', '"to-address",'),  # an unclosed text
    (r'"receivedAt:(.*)', r'"receivedAt":"\1",'),  # an unclosed name
    (r"': ,", "': None,"),  # a missing value
]
_WORDS = {"None": None, "null": None, "True": True, "true": True, "False": False, "false": False}
_BARE = re.compile(r"[^\s,\]}:]+")


def load(name: str) -> Any:
    """One sample by its file name without suffix, as the JSON values it stands for."""
    printed = (FIXTURES / f"{name}.txt").read_text(encoding="utf-8")
    for pattern, replacement in _MENDS:
        printed = re.sub(pattern, replacement, printed)
    return _Reader(printed).value()


def load_reply(name: str) -> Any:
    """One printed answer to a request, by its file name without suffix."""
    printed = (REPLIES / f"{name}.txt").read_text(encoding="utf-8")
    return _Reader(printed.replace('{"\n', "{\n")).value()  # a stray quote behind a brace


def messages(name: str) -> list[tuple[str, Any]]:
    """The event messages of one sample as (Bayeux channel, data), as a Bayeux client hands them over."""
    sample = load(name)
    found = []
    for item in sample if isinstance(sample, list) else [sample]:
        channel = item.get("channel", "")
        if channel.startswith("/meta/"):
            continue
        found.append((channel, item["data"]) if "data" in item else ("", item))
    return found


def names() -> list[str]:
    """All samples."""
    return sorted(path.stem for path in FIXTURES.glob("*.txt"))


class _Reader:
    def __init__(self, printed: str) -> None:
        self.printed = printed
        self.at = 0

    def value(self) -> Any:
        match self._peek():
            case "{":
                return self._object()
            case "[":
                return self._array()
            case "'" | '"':
                return self._text()
            case _:
                return self._bare()

    def _object(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        self.at += 1
        while (mark := self._peek()) not in "}]":
            if mark == ",":
                self.at += 1
                continue
            name = self._text() if mark in "'\"" else str(self._bare())
            assert self._peek() == ":", self.printed[self.at - 40 : self.at + 40]
            self.at += 1
            found[name] = self.value()
        if mark == "}":
            self.at += 1
        return found

    def _array(self) -> list[Any]:
        found = []
        self.at += 1
        while (mark := self._peek()) not in "}]":
            if mark == ",":
                self.at += 1
                continue
            found.append(self.value())
        if mark == "]":
            self.at += 1
        return found

    def _text(self) -> str:
        quote, start = self.printed[self.at], self.at + 1
        end = start
        while self.printed[end] != quote:
            end += 2 if self.printed[end] == "\\" else 1
        self.at = end + 1
        unwrapped = re.sub(r"\n\s*", "", self.printed[start:end])
        return unwrapped.replace("\\r", "\r").replace("\\n", "\n").replace('\\"', '"')

    def _bare(self) -> Any:
        found = _BARE.match(self.printed, self.at)
        assert found, self.printed[self.at - 40 : self.at + 40]
        self.at = found.end()
        word = found[0]
        if word in _WORDS:
            return _WORDS[word]
        return int(word) if word.isdigit() else word

    def _peek(self) -> str:
        """The next mark; the end of the sample closes whatever is open."""
        while self.at < len(self.printed) and self.printed[self.at].isspace():
            self.at += 1
        return self.printed[self.at] if self.at < len(self.printed) else "}"
