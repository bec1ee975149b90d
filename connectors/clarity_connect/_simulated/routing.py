"""Requests and answers of the simulated REST API, free of HTTP so that a batch request can hold them.

Paths are matched without regard to case, as ASP.NET does; names of query parameters too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.clarity_connect._simulated.model import Agent


@dataclass(frozen=True, slots=True)
class Call:
    """One request: who asks for what."""

    method: str
    path: str
    """Below /webapi/api/, in lower case, without a slash at the end."""
    caller: Agent
    query: Mapping[str, str] = field(default_factory=dict)
    """By name in lower case."""
    body: Any = None
    """The decoded JSON; `Ellipsis` for what is no JSON."""
    parts: Mapping[str, str] = field(default_factory=dict)
    """The variable parts of the path."""
    original_path: str = ""
    """As it was written."""

    @property
    def content(self) -> dict[str, Any]:
        """The body as an object, by names in lower case; empty when it is none."""
        if not isinstance(self.body, dict):
            return {}
        return {str(key).lower(): value for key, value in self.body.items()}

    def numbers(self, name: str) -> list[int]:
        """A comma-separated list of ids. Raises BadRequest."""
        text = self.query.get(name, "")
        try:
            return [int(part) for part in text.split(",") if part.strip()]
        except ValueError as error:
            raise Answered(400, f"{name} is not a list of ids") from error

    def number(self, part: str) -> int:
        """A variable part of the path that is an id."""
        return int(self.parts[part])

    def flag(self, name: str) -> bool:
        """A query parameter that is `true`."""
        return self.query.get(name, "").lower() == "true"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer; no body is no content."""

    status: int = 200
    body: Any = None


class Answered(Exception):
    """A request that is answered otherwise than asked for."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status

    @property
    def reply(self) -> Reply:
        """The answer."""
        return Reply(self.status, {"message": str(self)})


class Forbidden(Answered):
    """No permission for the entity, or no entity named: a 401, as the documentation has it."""

    def __init__(self, message: str = "Authorization has been denied for this request.") -> None:
        super().__init__(401, message)


Handler = Callable[[Call], Reply]


class Router:
    """Finds the handler of a request. `{name}` in a path stands for a number, `{name:}` for any text."""

    def __init__(self) -> None:
        self._routes: list[tuple[str, re.Pattern[str], Handler]] = []

    def add(self, methods: str, path: str, handler: Handler) -> None:
        """Serve `path` for the methods, which are separated by spaces."""
        pattern = re.sub(r"\{(\w+):\}", r"(?P<\1>[^/]+)", path.lower())
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>-?\\d+)", pattern)
        for method in methods.split():
            self._routes.append((method, re.compile(pattern), handler))

    def answer(self, call: Call) -> Reply:
        """Carry out a request."""
        allowed = False
        for method, pattern, handler in self._routes:
            found = pattern.fullmatch(call.path)
            if found is None:
                continue
            allowed = True
            if method != call.method:
                continue
            try:
                return handler(_with(call, found))
            except Answered as answered:
                return answered.reply
        if allowed:
            return Reply(405, {"message": "The requested resource does not support this method."})
        return Reply(404, {"message": "No HTTP resource was found that matches the request."})


def _with(call: Call, found: re.Match[str]) -> Call:
    return Call(
        call.method,
        call.path,
        call.caller,
        call.query,
        call.body,
        found.groupdict(),
        call.original_path,
    )
