"""Requests and answers of the simulated API, free of HTTP.

The server takes paths in any case and with doubled slashes, parameters in the query or in a JSON body whatever its
content type, and DELETE with a body (NICE inContact Agent API, samples; "Using events" tutorial).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from connectors.nice_incontact._simulated.model import Agent

OK, ACCEPTED, NO_CONTENT = 200, 202, 204
BAD_REQUEST, UNAUTHORIZED, FORBIDDEN, NOT_FOUND, CONFLICT = 400, 401, 403, 404, 409
NEWEST_OF_OLDER_GENERATION = 23.0
_SERVICES = re.compile(r"incontactapi/services/v(\d+(?:\.\d+)?)/(.*)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, by the token."""

    agent: Agent | None
    scopes: frozenset[str]
    token: str


@dataclass(frozen=True, slots=True)
class Call:
    """One request below services/vN.N/."""

    method: str
    path: str
    """As it was written, without doubled slashes."""
    version: float
    caller: Caller
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Of query and body together, by names in lower case."""
    parts: Mapping[str, str] = field(default_factory=dict)
    """The variable parts of the path."""
    address: str = ""
    """Scheme, host and the API's root as the caller wrote them: for links."""

    def text(self, name: str) -> str:
        """A parameter; empty when it is missing."""
        value = self.parameters.get(name.lower())
        return "" if value is None else str(value)

    def required(self, name: str) -> str:
        """A parameter that must be there. Raises Answered."""
        if not (value := self.text(name)):
            raise Answered(BAD_REQUEST, f"Missing parameter '{name}'")
        return value

    def number(self, name: str, default: int | None = None) -> int:
        """An integer. Raises Answered."""
        text = self.text(name)
        if not text and default is not None:
            return default
        try:
            return int(text)
        except ValueError:
            raise Answered(BAD_REQUEST, f"Invalid parameter '{name}', must be type Int32") from None

    def flag(self, name: str) -> bool:
        """A boolean, false when it is missing."""
        return self.text(name).lower() in {"true", "1"}

    def moment(self, name: str) -> datetime | None:
        """A time; none when it is missing. Raises Answered."""
        text = self.text(name)
        if not text:
            return None
        try:
            found = datetime.fromisoformat(text.replace(" ", "+"))
        except ValueError:
            raise Answered(
                BAD_REQUEST, f"Invalid parameter '{name}', must be type DateTime"
            ) from None
        return found if found.tzinfo else found.replace(tzinfo=UTC)

    @property
    def older(self) -> bool:
        """Whether the version is one of the older generation."""
        return self.version <= NEWEST_OF_OLDER_GENERATION


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer; no body is no content. `text` explains an error."""

    status: int = ACCEPTED
    body: Any = None
    text: str = ""
    frames: tuple[bytes, ...] = ()


class Answered(Exception):
    """A request that is answered otherwise than asked for."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status

    @property
    def reply(self) -> Reply:
        """The answer."""
        return Reply(self.status, text=str(self))


Handler = Callable[[Call], Reply]


class Router:
    """Finds the handler of a request. `{name}` in a path stands for anything without a slash."""

    def __init__(self) -> None:
        self._routes: list[tuple[str, re.Pattern[str], str, Handler]] = []

    def add(self, methods: str, path: str, scope: str, handler: Handler) -> None:
        """Serve `path` for the methods, which are separated by spaces, for tokens with the scope."""
        pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path), re.IGNORECASE)
        for method in methods.split():
            self._routes.append((method, pattern, scope, handler))

    def answer(self, call: Call) -> Reply:
        """Carry out a request."""
        allowed = False
        for method, pattern, scope, handler in self._routes:
            found = pattern.fullmatch(call.path)
            if found is None:
                continue
            allowed = True
            if method != call.method:
                continue
            if scope not in call.caller.scopes:
                return Reply(FORBIDDEN, text="Forbidden")
            try:
                return handler(
                    Call(
                        call.method,
                        call.path,
                        call.version,
                        call.caller,
                        call.parameters,
                        found.groupdict(),
                        call.address,
                    )
                )
            except Answered as answered:
                return answered.reply
        if allowed:
            return Reply(405, text="Method Not Allowed")
        return Reply(NOT_FOUND, text="Not Found")


def split_path(path: str) -> tuple[float, str] | None:
    """The version and what follows it; none for what is not below services/."""
    found = _SERVICES.fullmatch(re.sub("/+", "/", path).strip("/"))
    return (float(found[1]), found[2]) if found else None
