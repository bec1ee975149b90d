"""From pydantic's errors to findings: the key as it stands in the file, what was found, what is expected."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from config.references import is_unresolved
from config.report import Finding, KeyPath, Part, describe, kind_of, looks_secret
from config.shape import at, fields_of, holds_secret, nearest

Model = TypeVar("Model", bound=BaseModel)

_EXPECTED = {
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "date_from_datetime_parsing": "a date",
    "datetime_parsing": "a date and time",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "dataclass_type": "a mapping",
    "float_parsing": "a number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "list_type": "a list",
    "path_not_directory": "the path of a directory that exists",
    "path_not_file": "the path of a file that exists",
    "path_type": "a path",
    "set_type": "a list",
    "string_type": "text",
    "tuple_type": "a list",
    "url_parsing": "a URL",
    "url_type": "a URL",
}
_BOUNDS = {
    "greater_than": ("a number greater than {gt}", "gt"),
    "greater_than_equal": ("a number of at least {ge}", "ge"),
    "less_than": ("a number less than {lt}", "lt"),
    "less_than_equal": ("a number of at most {le}", "le"),
    "string_too_short": ("at least {min_length} characters", "min_length"),
    "string_too_long": ("at most {max_length} characters", "max_length"),
    "too_short": ("at least {min_length} items", "min_length"),
    "too_long": ("at most {max_length} items", "max_length"),
    "string_pattern_mismatch": ("text that matches {pattern}", "pattern"),
    "literal_error": ("{expected}", "expected"),
    "enum": ("{expected}", "expected"),
    "url_scheme": ("a URL with the scheme {expected_schemes}", "expected_schemes"),
    "multiple_of": ("a multiple of {multiple_of}", "multiple_of"),
}


def validate(
    model: type[Model],
    values: Mapping[str, Any],
    path: KeyPath = (),
    *,
    beside: Iterable[str] = (),
) -> tuple[Model | None, list[Finding]]:
    """The validated model, or None and every finding.

    `path` is where the values stand in the file; `beside` are keys that stand there too but are not the model's, for
    hints on misspelt ones.
    """
    try:
        return model.model_validate(dict(values)), []
    except ValidationError as error:
        return None, list(_findings(error, model, values, path, tuple(beside)))


def _findings(
    error: ValidationError,
    model: type[BaseModel],
    values: Mapping[str, Any],
    base: KeyPath,
    beside: tuple[str, ...],
) -> Iterator[Finding]:
    seen: set[tuple[KeyPath, str]] = set()
    for details in error.errors(include_url=False):
        if is_unresolved(details["input"]):
            continue
        path = _in_file(details, values)
        finding = _finding(details, model, base, path, beside)
        if (key := (finding.path, finding.expected)) not in seen:
            seen.add(key)
            yield finding


def _in_file(details: ErrorDetails, values: Any) -> KeyPath:
    """The error's place without the parts that only pydantic knows, such as the member of a union."""
    path: list[Part] = []
    here = values
    last = len(details["loc"]) - 1
    for index, part in enumerate(details["loc"]):
        if isinstance(part, str) and isinstance(here, dict):
            if part in here:
                here = here[part]
            elif index != last or details["type"] != "missing":
                if index != last:
                    continue
                here = None
            path.append(part)
        elif isinstance(part, int) and isinstance(here, list) and part < len(here):
            here = here[part]
            path.append(part)
    return tuple(path)


def _finding(
    details: ErrorDetails,
    model: type[BaseModel],
    base: KeyPath,
    path: KeyPath,
    beside: tuple[str, ...],
) -> Finding:
    kind, context, value = details["type"], details.get("ctx", {}), details["input"]
    annotation = at(model, path)
    full = (*base, *path)
    match kind:
        case "missing":
            return Finding(path=full, found="nothing", expected=_wanted(annotation))
        case "extra_forbidden":
            known = [*fields_of(at(model, path[:-1])), *(beside if len(path) == 1 else ())]
            return Finding(
                path=full,
                found="an unknown key",
                expected="a known one",
                hint=nearest(str(path[-1]) if path else "", known),
            )
        case "value_error" | "assertion_error":
            return _own_words(details, full, value, hidden=_hidden(annotation, full))
    hidden = _hidden(annotation, full)
    found = kind_of(value) if hidden else describe(value)
    if kind in _BOUNDS:
        template, key = _BOUNDS[kind]
        expected = template.format(**{key: context.get(key, "")})
    else:
        expected = _EXPECTED.get(kind, _plain(details["msg"]))
    hint = ""
    if kind == "string_type" and isinstance(value, (int, float)):
        hint = "put it in quotes"
    elif kind == "string_type" and isinstance(value, dict):
        hint = "{file: …} and {env: …} are for secrets only"
    return Finding(path=full, found=found, expected=expected, hint=hint)


def _own_words(details: ErrorDetails, path: KeyPath, value: Any, *, hidden: bool) -> Finding:
    """A validator's sentence: `found, expected ...` as our own models write it, else the sentence as it is."""
    text = str(details.get("ctx", {}).get("error", "")) or _plain(details["msg"])
    found, marker, expected = text.partition("expected ")
    seen = kind_of(value) if hidden else describe(value)
    if not marker:
        return Finding(path=path, found=seen, expected="a valid value", hint=text)
    return Finding(path=path, found=found.strip().rstrip(",;:") or seen, expected=expected)


def _hidden(annotation: Any, path: KeyPath) -> bool:
    return looks_secret(path) or holds_secret(annotation)


def _wanted(annotation: Any) -> str:
    if fields_of(annotation):
        return "a mapping (required)"
    return "a value (required)"


def _plain(message: str) -> str:
    text = message.removeprefix("Value error, ").removeprefix("Assertion failed, ")
    for lead in ("Input should be ", "Input should have ", "Input should "):
        text = text.removeprefix(lead)
    return text
