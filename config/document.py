"""Reading the YAML file: values, and the line and column of every key."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from config.report import Finding, InvalidConfiguration, KeyPath

MAX_FILE_BYTES = 16 << 20
MOST_LEVELS = 50
"""Settings are nested in less than ten; far more is a bracket that was not closed."""
MOST_VALUES = 250_000
# What the parser quotes from the file, as against its own names for tokens (`'<block end>'`) and single characters.
_QUOTED = re.compile(r"'(?![<\\])[^'\s]{3,}'")


class Document:
    """The file's values as plain lists and mappings, and where each key stands."""

    def __init__(self, path: Path, values: Any, marks: dict[KeyPath, tuple[int, int]]) -> None:
        self.path = path
        self.values = values
        self._marks = marks

    def origin(self, path: KeyPath) -> str:
        """`file:line:column` of a key, or of the nearest key around it."""
        for length in range(len(path), 0, -1):
            if mark := self._marks.get(path[:length]):
                return f"{self.path.name}:{mark[0]}:{mark[1]}"
        return self.path.name


class _TooDeep(yaml.MarkedYAMLError):
    """A value in more levels of lists and mappings than any setting has."""


class _Loader(yaml.SafeLoader):
    """YAML without tags and of bounded depth, with the node tree kept for its marks."""

    _levels = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Read a value. Raises _TooDeep before what is further inside is read."""
        self._levels += 1
        try:
            if self._levels > MOST_LEVELS:
                raise _TooDeep(problem_mark=parent.start_mark if parent is not None else None)
            return super().compose_node(parent, index)
        finally:
            self._levels -= 1


def read(path: Path) -> Document:
    """Read and parse the file.

    Raises InvalidConfiguration: it cannot be read, is too large, is not UTF-8 or not YAML, or has a key wrong.
    """
    text = _text(path)
    try:
        return _parse(path, _Loader(text))
    except yaml.MarkedYAMLError as error:
        raise InvalidConfiguration([_syntax(path, error)]) from None
    except yaml.reader.ReaderError as error:
        raise InvalidConfiguration(
            [
                Finding(
                    path=(),
                    found=f"the character U+{_code(error.character):04X}",
                    expected="YAML, which has no control characters",
                    origin=path.name,
                )
            ]
        ) from None
    except ValueError:
        raise InvalidConfiguration(
            [
                Finding(
                    path=(),
                    found="a value that YAML cannot represent, such as an impossible date",
                    expected="YAML of text, numbers, truth values, lists and mappings",
                    origin=path.name,
                )
            ]
        ) from None


def _parse(path: Path, loader: _Loader) -> Document:
    try:
        node = loader.get_single_node()
        if node is None:
            return Document(path, {}, {})
        marks: dict[KeyPath, tuple[int, int]] = {}
        wrong: list[Finding] = []
        _walk(path, node, (), marks, wrong, set())
        if wrong:
            raise InvalidConfiguration(wrong)
        return Document(path, loader.construct_document(node), marks)
    finally:
        loader.dispose()


def _code(character: object) -> int:
    return ord(character) if isinstance(character, str) else int(str(character))


def _text(path: Path) -> str:
    def unreadable(found: str, expected: str) -> InvalidConfiguration:
        return InvalidConfiguration(
            [Finding(path=(), found=found, expected=expected, origin=str(path))]
        )

    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise unreadable(
            f"no readable file ({error.strerror})", "the configuration file"
        ) from error
    if len(content) > MAX_FILE_BYTES:
        raise unreadable("a larger file", f"at most {MAX_FILE_BYTES >> 20} MiB of YAML")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise unreadable(f"a byte that is no UTF-8 at offset {error.start}", "UTF-8 text") from None


def _walk(
    file: Path,
    node: yaml.Node,
    path: KeyPath,
    marks: dict[KeyPath, tuple[int, int]],
    wrong: list[Finding],
    above: set[int],
) -> None:
    if id(node) in above:
        wrong.append(
            Finding(
                path=path,
                found="an alias to a value around itself",
                expected="a value that ends",
                origin=f"{file.name}:{node.start_mark.line + 1}:{node.start_mark.column + 1}",
            )
        )
        return
    if len(above) >= MOST_LEVELS or len(marks) >= MOST_VALUES:
        # By aliases inside aliases; one finding is enough, there may be any number of such values.
        if not wrong:
            wrong.append(_too_much(file, node.start_mark))
        return
    inner = above | {id(node)}
    marks.setdefault(path, (node.start_mark.line + 1, node.start_mark.column + 1))
    if isinstance(node, yaml.SequenceNode):
        for index, child in enumerate(node.value):
            _walk(file, child, (*path, index), marks, wrong, inner)
    elif isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key, child in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            line, column = key.start_mark.line + 1, key.start_mark.column + 1
            here = (*path, str(key.value))
            if key.value in seen and key.tag != "tag:yaml.org,2002:merge":
                wrong.append(
                    Finding(
                        path=here,
                        found=f"the key twice, first in line {seen[key.value]}",
                        expected="each key once",
                        origin=f"{file.name}:{line}:{column}",
                    )
                )
            seen[key.value] = line
            marks[here] = (line, column)
            _walk(file, child, here, marks, wrong, inner)


def _too_much(path: Path, mark: yaml.Mark | None) -> Finding:
    return Finding(
        path=(),
        found=f"values in more than {MOST_LEVELS} levels, or more than {MOST_VALUES:,} of them",
        expected="lists and mappings as deep as the settings are",
        hint="close every bracket that is opened, and do not put aliases (*) inside what other aliases repeat",
        origin=f"{path.name}:{mark.line + 1}:{mark.column + 1}" if mark else path.name,
    )


def _syntax(path: Path, error: yaml.MarkedYAMLError) -> Finding:
    """Say what is wrong without repeating any of the file: a snippet could hold a secret."""
    mark = error.problem_mark or error.context_mark
    if isinstance(error, _TooDeep):
        return _too_much(path, mark)
    origin = f"{path.name}:{mark.line + 1}:{mark.column + 1}" if mark else path.name
    problem = error.problem or "something else"
    hint = "quote text that begins with a special character"
    if isinstance(error, yaml.composer.ComposerError):
        found = "an alias (*) without its anchor, or a second document"
    elif isinstance(error, yaml.constructor.ConstructorError):
        found = "a tag (!) or a key that settings do not use"
    else:
        found = _QUOTED.sub("a word", problem).removeprefix("found ")
        if error.context:
            hint = f"{_QUOTED.sub('a word', error.context)}; {hint}"
        if error.context_mark and mark and error.context_mark.line != mark.line:
            hint = f"{hint}; it begins in line {error.context_mark.line + 1}"
    return Finding(path=(), found=found, expected="YAML", hint=hint, origin=origin)
