"""How the commands talk to the control API of a running gateway: plain HTTP, one request at a time.

Where the API is and which token opens it come from `--api` and `--token-file`, or from the environment. What goes wrong
is one line on standard error, which names what would help.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import ssl
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

DEFAULT_URL = "http://127.0.0.1:8080"
URL_VARIABLE = "TIELINE_API"
TOKEN_VARIABLE = "TIELINE_TOKEN"  # noqa: S105 - the name of a variable
TIMEOUT_SECONDS = 60.0
PAGE = 1000
EXIT_OK = 0
EXIT_REFUSED = 1
EXIT_NOT_ASKED = 2

Query = Mapping[str, str | int | float | bool | Sequence[str] | None]


class NotAsked(Exception):
    """The API could not be asked, or answered with what no gateway says."""


class Refused(Exception):
    """The API answered with a problem document."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        title = problem.get("title") or http.client.responses.get(status, "refused")
        detail = problem.get("detail")
        super().__init__(f"{status} {title}" + (f": {detail}" if detail else ""))
        self.status = status


class Api:
    """The API of one gateway."""

    def __init__(self, url: str, token: str | None) -> None:
        parts = urlsplit(url if "//" in url else f"//{url}", "http")
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise NotAsked(f"--api: expected a URL such as {DEFAULT_URL}, found {url!r}")
        self.url = f"{parts.scheme}://{parts.netloc}"
        self._secure = parts.scheme == "https"
        self._host, self._port = parts.hostname, parts.port
        self._headers = {"Accept": "application/json"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"

    def get(self, path: str, query: Query | None = None) -> Any:
        """The answer to a GET. Raises Refused or NotAsked."""
        return self._answered("GET", path, query)

    def post(
        self,
        path: str,
        body: Any = None,
        query: Query | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """The answer to a POST. Raises Refused or NotAsked."""
        return self._answered("POST", path, query, body, headers)

    def items(self, path: str, query: Query | None = None) -> Iterator[Any]:
        """All items of a list, page by page. Raises Refused or NotAsked."""
        cursor = None
        while True:
            page = self.get(path, {**(query or {}), "limit": PAGE, "cursor": cursor})
            yield from page["items"]
            cursor = page.get("next")
            if cursor is None:
                return

    def lines(self, path: str, query: Query, headers: Mapping[str, str]) -> Iterator[str]:
        """The lines of an answer that goes on, as they come. Raises Refused or NotAsked, also when it breaks off."""
        connection, reply = self._ask("GET", path, query, None, headers)
        try:
            if reply.status >= http.client.BAD_REQUEST:
                raise self._refused(reply.status, reply.read())
            while line := reply.readline():
                yield line.decode().rstrip("\r\n")
        except (OSError, http.client.HTTPException) as error:
            raise NotAsked(f"{self.url}: the connection is lost: {_why(error)}") from error
        finally:
            connection.close()

    def _answered(
        self,
        method: str,
        path: str,
        query: Query | None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        connection, reply = self._ask(method, path, query or {}, body, headers or {})
        try:
            content = reply.read()
        except (OSError, http.client.HTTPException) as error:
            raise NotAsked(f"{self.url}: the connection is lost: {_why(error)}") from error
        finally:
            connection.close()
        if reply.status >= http.client.BAD_REQUEST:
            raise self._refused(reply.status, content)
        try:
            return json.loads(content)
        except ValueError:
            raise NotAsked(f"{self.url}: no gateway answers there, it sent no JSON") from None

    def _ask(
        self, method: str, path: str, query: Query, body: Any, headers: Mapping[str, str]
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        given = {name: _text(value) for name, value in query.items() if value not in (None, [], ())}
        target = f"{path}?{urlencode(given, doseq=True)}" if given else path
        content = None if body is None else json.dumps(body).encode()
        kind = {} if body is None else {"Content-Type": "application/json"}
        connection = self._connection()
        try:
            connection.request(method, target, content, {**self._headers, **kind, **headers})
            return connection, connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise NotAsked(
                f"{self.url}: {_why(error)}; is the gateway running, and is --api its address?"
            ) from error

    def _connection(self) -> http.client.HTTPConnection:
        if self._secure:
            return http.client.HTTPSConnection(
                self._host,
                self._port,
                timeout=TIMEOUT_SECONDS,
                context=ssl.create_default_context(),
            )
        return http.client.HTTPConnection(self._host, self._port, timeout=TIMEOUT_SECONDS)

    def _refused(self, status: int, content: bytes) -> Refused | NotAsked:
        try:
            problem = json.loads(content)
        except ValueError:
            problem = None
        if not isinstance(problem, dict):
            return NotAsked(f"{self.url}: no gateway answers there, it sent {status}")
        return Refused(status, problem)


def part(value: str) -> str:
    """A value as one part of a path."""
    return quote(value, safe="")


def _text(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return list(value) if isinstance(value, (list, tuple)) else str(value)


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def options() -> argparse.ArgumentParser:
    """What every command has that asks the API; to be given as a parent."""
    parser = argparse.ArgumentParser(add_help=False)
    group = parser.add_argument_group("the gateway")
    group.add_argument(
        "--api", metavar="URL", help=f"its control API (default: ${URL_VARIABLE}, {DEFAULT_URL})"
    )
    group.add_argument(
        "--token-file",
        type=Path,
        metavar="FILE",
        help=f"file with the token (default: the token in ${TOKEN_VARIABLE}, none)",
    )
    parser.add_argument("--json", action="store_true", help="print what the API says as JSON")
    return parser


def guarded(
    run: Callable[[Api, argparse.Namespace], int],
) -> Callable[[argparse.Namespace], int]:
    """A command's `run` that gets the API, and whose failures become a line and an exit code."""

    def asked(arguments: argparse.Namespace) -> int:
        command = arguments.command
        try:
            return run(_api(arguments), arguments)
        except Refused as error:
            sys.stderr.write(f"tieline {command}: {error}\n")
            return EXIT_REFUSED
        except NotAsked as error:
            sys.stderr.write(f"tieline {command}: {error}\n")
            return EXIT_NOT_ASKED

    return asked


def _api(arguments: argparse.Namespace) -> Api:
    url = arguments.api or os.environ.get(URL_VARIABLE) or DEFAULT_URL
    path: Path | None = arguments.token_file
    token = os.environ.get(TOKEN_VARIABLE)
    if path is not None:
        try:
            token = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise NotAsked(f"--token-file: cannot read {path}: {_why(error)}") from None
    token = (token or "").strip()
    if not token.isascii() or any(character.isspace() for character in token):
        raise NotAsked("the token: expected one line of visible ASCII characters")
    return Api(url, token)
