"""Reading requests strictly: bodies and parameters into the types of a row. What is wrong is named by its field."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from aiohttp import web
from msgspec import inspect

from gateway.api.operations import Row
from gateway.api.problems import Kind, Problem

_FIELD = re.compile(r" - at `(?:key in )?\$?\.?(?P<field>[^`]*)`$")


class Reader:
    """Reads the requests of one operation."""

    def __init__(self, row: Row, *, timeout_seconds: float) -> None:
        self._row = row
        self._timeout_seconds = timeout_seconds
        self._fields = fields_of(row.parameters)
        self._in_path = frozenset(re.findall(r"{(\w+)}", row.path))
        self._query = {
            name: field
            for name, field in self._fields.items()
            if name not in self._in_path and name not in row.headers
        }
        self._decoder = msgspec.json.Decoder(row.body) if row.body is not None else None

    def parameters(self, request: web.Request) -> Any:
        """The parameters as the row's struct."""
        found = dict(self._of_query(request))
        for name in self._in_path:
            found[name] = request.match_info[name]
        for name, header in self._row.headers.items():
            values = request.headers.getall(header, [])
            if len(values) > 1:
                raise Problem(Kind.INVALID_HEADER, f"{header}: given more than once")
            if values:
                found[name] = values[0]
        try:
            return msgspec.convert(found, self._row.parameters, strict=False)
        except msgspec.ValidationError as error:
            raise self._wrong(error) from None

    def _of_query(self, request: web.Request) -> Iterator[tuple[str, Any]]:
        for name in dict.fromkeys(request.query):
            field = self._query.get(name)
            if field is None:
                expected = ", ".join(sorted(self._query)) or "none"
                raise Problem(Kind.INVALID_QUERY, f"{name}: unknown, expected {expected}")
            values = request.query.getall(name)
            if _takes(field.type, inspect.ListType, inspect.VarTupleType):
                yield name, values
                continue
            if len(values) > 1:
                raise Problem(Kind.INVALID_QUERY, f"{name}: given more than once")
            if values[0].lower() == "null" and not _takes(field.type, inspect.StrType):
                raise Problem(Kind.INVALID_QUERY, f"{name}: leave it out instead of null")
            yield name, values[0]

    def _wrong(self, error: msgspec.ValidationError) -> Problem:
        field, detail = _place(error)
        detail = _of_text(detail)
        name = re.split(r"[.\[]", field, maxsplit=1)[0]
        if name in self._in_path:
            return Problem(Kind.NOT_FOUND, f"{name}: {detail}")
        if header := self._row.headers.get(name):
            return Problem(Kind.INVALID_HEADER, f"{header}: {detail}")
        return Problem(Kind.INVALID_QUERY, f"{field}: {detail}" if field else detail)

    async def body(self, request: web.Request) -> Any:
        """The body in the row's type; None if the row has none."""
        if self._decoder is None:
            return None
        content = await self._content(request)
        try:
            return self._decode(content)
        except msgspec.ValidationError as error:
            field, detail = _place(error)
            raise Problem(
                Kind.INVALID_REQUEST,
                f"{field}: {detail}" if field else detail,
                errors=[{"field": field, "detail": detail}],
            ) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Problem(Kind.MALFORMED_JSON, _reason(error)) from None

    def _decode(self, content: bytes) -> Any:
        """The body; a whole number may be written as 1.0, for JSON knows one kind of number."""
        if self._decoder is None:
            return None
        try:
            return self._decoder.decode(content)
        except msgspec.ValidationError as error:
            if "got `float`" not in str(error):
                raise
            return msgspec.convert(_whole(msgspec.json.decode(content)), self._row.body)

    async def _content(self, request: web.Request) -> bytes:
        if request.content_type != "application/json":
            raise Problem(
                Kind.UNSUPPORTED_MEDIA_TYPE, "send the body with Content-Type: application/json"
            )
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return await request.read()
        except TimeoutError:
            raise Problem(
                Kind.BODY_TIMEOUT,
                f"the body was not complete after {self._timeout_seconds:g} seconds",
                headers={"Connection": "close"},
            ) from None


def _whole(value: Any) -> Any:
    """The value with its whole numbers as integers."""
    if isinstance(value, dict):
        return {name: _whole(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_whole(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def fields_of(parameters: type) -> Mapping[str, inspect.Field]:
    """The fields of a struct of parameters, by the names that requests use."""
    info = inspect.type_info(parameters)
    if not isinstance(info, inspect.StructType):
        raise TypeError(f"{parameters.__name__} is no struct")
    return {field.encode_name: field for field in info.fields}


def _takes(found: inspect.Type, *kinds: type[inspect.Type]) -> bool:
    if isinstance(found, inspect.Metadata):
        return _takes(found.type, *kinds)
    if isinstance(found, inspect.UnionType):
        return any(_takes(part, *kinds) for part in found.types)
    return isinstance(found, kinds)


def _place(error: msgspec.ValidationError) -> tuple[str, str]:
    """The field that an error is about, and what is wrong with it."""
    message = str(error)
    match = _FIELD.search(message)
    return (match["field"] if match else "", _FIELD.sub("", message))


def _of_text(detail: str) -> str:
    """What is wrong with a parameter: in the request it is text, so its type there says nothing."""
    text = detail.removesuffix(", got `str`").replace(" | null", "")
    text = text.replace("`int`", "a whole number").replace("`float`", "a number")
    return text[:1].lower() + text[1:]


def _reason(error: Exception) -> str:
    if isinstance(error, msgspec.DecodeError):
        return str(error)
    return "not UTF-8" if isinstance(error, UnicodeDecodeError) else "nested too deeply"
