"""The environment over the file: `TIELINE_GATEWAY__API__PORT=8081`.

A variable is a setting if it begins with the prefix and has a double underscore in it; others of that prefix (service
discovery in Kubernetes makes some) are not ours. A block of `connectors` and `sinks` is addressed by its name, because
its place in the file may change; items of other lists by their index.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from config.report import Finding, KeyPath
from config.settings import Settings
from config.shape import nearest

PREFIX = Settings.model_config["env_prefix"]
SEPARATOR = Settings.model_config["env_nested_delimiter"] or "__"
SECTIONS = ("gateway", "connectors", "sinks")
_NOT_WORD = re.compile(r"[^A-Z0-9]")


def variable_name(name: str) -> str:
    """A block's name as it is written in a variable: upper case, `_` for anything but letters and digits."""
    return _NOT_WORD.sub("_", name.upper())


def overlay(
    document: dict[str, Any], environment: Mapping[str, str]
) -> tuple[dict[KeyPath, str], list[Finding]]:
    """Lay the variables over the document, in place; which key came from which variable, and what is wrong."""
    origins: dict[KeyPath, str] = {}
    findings: list[Finding] = []
    prefix = PREFIX.upper()
    for variable in sorted(environment, key=_natural):
        if not variable.upper().startswith(prefix):
            continue
        section, separator, rest = variable[len(prefix) :].partition(SEPARATOR)
        if not separator:
            continue
        try:
            path = _place(document, section.lower(), rest.split(SEPARATOR), environment[variable])
        except _Misplaced as error:
            findings.append(
                Finding(
                    path=(),
                    found=error.found,
                    expected=error.expected,
                    hint=error.hint,
                    origin=variable,
                )
            )
        else:
            origins[path] = variable
    return origins, findings


class _Misplaced(Exception):
    """A variable names no place in the configuration."""

    def __init__(self, found: str, expected: str, hint: str = "") -> None:
        super().__init__(found)
        self.found, self.expected, self.hint = found, expected, hint


def _natural(variable: str) -> list[tuple[int, str]]:
    return [
        (int(part), "") if part.isdecimal() else (-1, part) for part in variable.split(SEPARATOR)
    ]


def _place(document: dict[str, Any], section: str, keys: list[str], text: str) -> KeyPath:
    if section not in SECTIONS:
        raise _Misplaced(
            f"the section {section.upper()}",
            ", ".join(f"{PREFIX}{name.upper()}{SEPARATOR}…" for name in SECTIONS),
            nearest(section, SECTIONS),
        )
    if "" in keys:
        raise _Misplaced("an empty key", f"keys joined by {SEPARATOR}")
    path: KeyPath = (section,)
    holder: Any = document
    key: Any = section
    if section != "gateway":
        index = _block(document.get(section), section, keys.pop(0))
        if not keys:
            raise _Misplaced("a whole block", "one key of it", "blocks stand in the file")
        holder, key, path = document[section], index, (section, index)
    for word in keys:
        inner = holder[key] if isinstance(holder, list) else holder.get(key)
        if inner is None:
            inner = [] if word.isdecimal() else {}
            holder[key] = inner
        following = _step(inner, word)
        holder, key, path = inner, following, (*path, following)
    holder[key] = _value(text)
    return path


def _block(blocks: Any, section: str, word: str) -> int:
    names = {
        index: str(block["name"])
        for index, block in enumerate(blocks if isinstance(blocks, list) else [])
        if isinstance(block, dict) and "name" in block
    }
    fitting = [index for index, name in names.items() if variable_name(name) == word.upper()]
    if len(fitting) == 1:
        return fitting[0]
    known = [variable_name(name) for name in names.values()]
    raise _Misplaced(
        f"{len(fitting) or 'no'} {section} of the name {word.upper()}",
        f"the name of one block of {section} in the file",
        "" if fitting else nearest(word, [name.lower() for name in known]),
    )


def _step(inner: Any, word: str) -> str | int:
    if isinstance(inner, list):
        if not word.isdecimal() or int(word) > len(inner):
            raise _Misplaced(f"the index {word} into a list of {len(inner)}", f"0 to {len(inner)}")
        if int(word) == len(inner):
            inner.append(None)
        return int(word)
    if not isinstance(inner, dict):
        raise _Misplaced(f"the key {word} below a plain value", "a key below a mapping or list")
    return next((key for key in inner if str(key).lower() == word.lower()), word.lower())


def _value(text: str) -> Any:
    """Text, or the list or object if it is JSON of one."""
    if text.startswith(("[", "{")):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return text
    return text
