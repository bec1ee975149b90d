"""The OpenAPI document, made from the table of operations and the types in it. Pure.

Sources: OpenAPI Specification 3.1.1; RFC 9457, section 3 (problem details) and RFC 6750 (bearer tokens) for what every
operation has in common.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec

from gateway import __version__
from gateway.api.operations import ANY_SCOPE, JSON, Response, Row
from gateway.api.problems import CONTENT_TYPE, Kind
from gateway.api.scopes import SCOPES
from gateway.schemas.components import components, reachable

VERSION = "3.1.0"
_PLACE = "#/components/schemas/"
_BEARER = "bearer"
_WITH_RETRY = frozenset({429, 503})

Schema = dict[str, Any]


class FieldError(msgspec.Struct, frozen=True, kw_only=True):
    """A field of the body that is wrong."""

    field: str
    detail: str


class ProblemDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Why a request got no other answer.

    Attributes:
        type: stable, for programs.
        detail: what is wrong with this request and what would help, for people.
        errors: the fields that are wrong.
    """

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldError] = []


def document(
    rows: Sequence[Row],
    *,
    extra: Mapping[str, Schema],
    credentials: bool,
    loopback: bool,
) -> Schema:
    """The document as it is served.

    `extra` are schemas that rows name as `body_schema`, and what those refer to. Without `credentials` nothing needs
    any, and none are described.
    """
    types = list(_types(rows))
    references, parts = components(types, _PLACE)
    schema_of = dict(zip(map(repr, types), references, strict=True))
    for name, part in extra.items():
        parts[name] = part
    builder = _Builder(schema_of, parts, credentials=credentials, loopback=loopback)
    paths: defaultdict[str, Schema] = defaultdict(dict)
    for row in rows:
        paths[row.path][row.method.lower()] = builder.operation(row)
    used = reachable([paths], parts, _PLACE)
    described: Schema = {
        "openapi": VERSION,
        "info": {
            "title": "Tieline control API",
            "version": __version__,
            "description": "What the gateway sees of the contact centre, and commands back to it.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name} for name in dict.fromkeys(row.tag for row in rows)],
        "paths": dict(paths),
        "components": {"schemas": {name: parts[name] for name in sorted(used)}},
    }
    if credentials:
        described["components"]["securitySchemes"] = {
            _BEARER: {
                "type": "http",
                "scheme": "bearer",
                "description": "A token; its scopes are some of " + ", ".join(SCOPES) + ".",
            }
        }
    return described


def _types(rows: Sequence[Row]) -> Iterator[Any]:
    """Every type that the rows name, each once."""
    seen = set()
    found: list[Any] = [ProblemDocument]
    for row in rows:
        found.append(row.parameters)
        if row.body is not None:
            found.append(row.body)
        found += [each.type for each in row.responses.values() if each.type is not None]
    for each in found:
        if repr(each) not in seen:
            seen.add(repr(each))
            yield each


class _Builder:
    """Describes one row after the other."""

    def __init__(
        self,
        schema_of: Mapping[str, Schema],
        parts: dict[str, Schema],
        *,
        credentials: bool,
        loopback: bool,
    ) -> None:
        self._schema_of = schema_of
        self._parts = parts
        self._credentials = credentials
        self._loopback = loopback

    def operation(self, row: Row) -> Schema:
        """An Operation Object."""
        described: Schema = {
            "operationId": row.id,
            "tags": [row.tag],
            "summary": row.summary,
            "description": self._description(row),
        }
        if parameters := list(self._parameters(row)):
            described["parameters"] = parameters
        if body := self._body(row):
            described["requestBody"] = {"required": True, "content": body}
        described["responses"] = dict(sorted(self._responses(row)))
        if self._credentials and self._needs_token(row):
            described["security"] = [{_BEARER: [] if row.scope == ANY_SCOPE else [row.scope]}]
        return described

    def _needs_token(self, row: Row) -> bool:
        return row.scope is not None and not (row.open_on_loopback and self._loopback)

    def _description(self, row: Row) -> str:
        if row.scope is None:
            return "Open to all."
        if row.scope == ANY_SCOPE:
            needs = "Any token; what it may ask for depends on its scopes."
        else:
            where = "Beyond loopback it needs" if row.open_on_loopback else "Needs"
            needs = f"{where} the scope `{row.scope}`."
        beyond = sorted({"connectors", "agents"} - row.honours)
        if not beyond:
            return f"{needs} A limited token sees and commands only what it is limited to."
        return f"{needs} A token that is limited to some {' or '.join(beyond)} is refused."

    def _parameters(self, row: Row) -> Iterator[Schema]:
        part = self._parts[self._schema_of[repr(row.parameters)]["$ref"].removeprefix(_PLACE)]
        in_path = set(re.findall(r"{(\w+)}", row.path))
        required = set(part.get("required", ()))
        for name, schema in part.get("properties", {}).items():
            place = "path" if name in in_path else "header" if name in row.headers else "query"
            shape = _without_null(schema)
            described = {
                "name": row.headers.get(name, name),
                "in": place,
                "required": place == "path" or name in required,
                "schema": shape,
            }
            if words := shape.pop("description", None):
                described["description"] = words
            yield described

    def _body(self, row: Row) -> Schema | None:
        if row.body_media_type is not None:
            return {row.body_media_type: {"schema": {"type": "string", "format": "binary"}}}
        if row.body is None:
            return None
        named = {"$ref": _PLACE + row.body_schema} if row.body_schema else None
        return {JSON: {"schema": named or self._schema_of[repr(row.body)]}}

    def _responses(self, row: Row) -> Iterator[tuple[str, Schema]]:
        by_status: defaultdict[int, list[Kind]] = defaultdict(list)
        for kind in row.all_problems:
            by_status[int(kind.status)].append(kind)
        for status in {*row.responses, *by_status}:
            yield str(status), self._response(status, row.responses.get(status), by_status[status])

    def _response(self, status: int, answer: Response | None, problems: Sequence[Kind]) -> Schema:
        words = [] if answer is None else [answer.description]
        words += [kind.title for kind in problems]
        described: Schema = {"description": "; or: ".join(words)}
        content: Schema = {}
        headers = {} if answer is None else dict(answer.headers)
        if answer is not None and answer.type is not None:
            content[answer.media_type] = {"schema": self._schema_of[repr(answer.type)]}
        if problems:
            content[CONTENT_TYPE] = {"schema": self._problem(problems)}
        if status == HTTPStatus.BAD_REQUEST:
            # The web server's own answer to what is no request, such as a line of 8 KiB; it has no form but words.
            content["text/plain"] = {"schema": {"type": "string"}}
        if problems and status in _WITH_RETRY:
            headers["Retry-After"] = "seconds until another try is worth while"
        if content:
            described["content"] = content
        if headers:
            described["headers"] = {
                name: {"description": meaning, "schema": {"type": "string"}}
                for name, meaning in headers.items()
            }
        return described

    def _problem(self, kinds: Sequence[Kind]) -> Schema:
        return {
            "allOf": [
                self._schema_of[repr(ProblemDocument)],
                {"properties": {"type": {"enum": [kind.urn for kind in kinds]}}},
            ]
        }


def _without_null(schema: Schema) -> Schema:
    """The schema of a parameter: one that is not given is left out, so there is no null."""
    shape = dict(schema)
    if shape.get("default", 0) is None:
        del shape["default"]
    choices = [choice for choice in shape.get("anyOf", ()) if choice != {"type": "null"}]
    if len(choices) == 1:
        del shape["anyOf"]
        words = shape.pop("description", None)
        shape = shape | choices[0]
        if words is not None:
            shape["description"] = words
    elif choices:
        shape["anyOf"] = choices
    return shape
