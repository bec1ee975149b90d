"""Findings about a configuration: where, what was found, what is expected. Never the value of a secret."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from gateway.errors import ConfigError

Part = str | int
KeyPath = tuple[Part, ...]

SHORTEST_SCRUBBED = 4
LONGEST_SHOWN = 60
HIDDEN = "(hidden)"
_BETWEEN = "\x00"
_SECRET_KEY = re.compile(
    r"pass|secret|token|credential|authori[sz]ation|api_?key|private", re.IGNORECASE
)
_USERINFO = re.compile(r"://[^/@\s]*@")


def dotted(path: KeyPath) -> str:
    """A key path as people write it: `connectors[1].accounts[0].password`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text


def looks_secret(path: KeyPath) -> bool:
    """Whether a key's own name says that its value is nobody's business."""
    names = [part for part in path if isinstance(part, str)]
    return bool(names) and _SECRET_KEY.search(names[-1]) is not None


def describe(value: object) -> str:
    """What was found, in words, for a value that may be shown."""
    match value:
        case None:
            return "nothing"
        case bool():
            return f"the truth value {str(value).lower()}"
        case int() | float():
            return f"the number {value}"
        case str():
            text = _USERINFO.sub("://…@", value)
            return repr(text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "…")
    return kind_of(value)


def kind_of(value: object) -> str:
    """What kind of value was found, without the value."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "a truth value"
        case int() | float():
            return "a number"
        case str():
            return "text" if value else "empty text"
        case list() | tuple():
            return "a list" if value else "an empty list"
        case dict():
            return "a mapping" if value else "an empty mapping"
    return f"a {type(value).__name__}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong, or doubtful, in a configuration.

    Attributes:
        path: the key, e.g. `("connectors", 1, "port")`; empty for the file as a whole.
        found: what is there, in words.
        expected: what should be there.
        hint: the remedy or the nearest spelling; may be empty.
        origin: `file:line:column` or the environment variable that the value came from.
        severity: errors refuse the configuration, warnings do not.
    """

    path: KeyPath
    found: str
    expected: str
    hint: str = ""
    origin: str = ""
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        where = f"{self.origin}: " if self.origin else ""
        key = f"{dotted(self.path)}: " if self.path else ""
        hint = f"; {self.hint}" if self.hint else ""
        return f"{where}{self.severity}: {key}found {self.found}, expected {self.expected}{hint}"


def scrub(text: str, secrets: Iterable[str]) -> str:
    """The text without any of the secrets, longest first."""
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= SHORTEST_SCRUBBED:
            text = text.replace(secret, HIDDEN)
    return text


class InvalidConfiguration(ConfigError):
    """The configuration cannot be used: all that is wrong with it, at once."""

    def __init__(self, findings: Sequence[Finding], secrets: Iterable[str] = ()) -> None:
        # One pass over all texts at once: thousands of accounts may give thousands of findings and secrets.
        texts = [
            text.replace(_BETWEEN, "")
            for item in findings
            for text in (item.found, item.expected, item.hint)
        ]
        clean = iter(scrub(_BETWEEN.join(texts), secrets).split(_BETWEEN))
        self.findings = tuple(
            replace(item, found=found, expected=expected, hint=hint)
            for item, found, expected, hint in zip(findings, clean, clean, clean, strict=False)
        )
        count = sum(finding.severity == "error" for finding in self.findings)
        head = f"{count} error{'s' if count != 1 else ''} in the configuration"
        super().__init__("\n".join([head, *map(str, self.findings)]))
