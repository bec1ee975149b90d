"""The one HTTP client of the platform's API: the token, the version, and what failures mean.

A token that ran out is renewed and the same request repeated once; the platform has not carried out
what it answers 401. Refused again, it is a lack of rights. Two answers are about the configuration
and no retry helps: a client token for a user's call (403), and an application that is not registered
for the user (401).
Source: NICE inContact API FAQ, "OAuth2 Authorization Questions"; method reference, "Response Codes".
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode, urlsplit

import aiohttp
import msgspec

from connectors._wire import http_errors
from connectors._wire.exchange import Reply, exchange
from connectors.nice_incontact.answers import decoded, said
from connectors.nice_incontact.pages import Page, read_page
from connectors.nice_incontact.settings import NiceIncontactSettings
from connectors.nice_incontact.signin import Tokens
from connectors.nice_incontact.vendor import NOT_FOR_USER
from gateway.errors import AuthRejected, ConfigError, ProtocolViolation, Reason, TielineError

MAX_PAGES = 1000


class Api:
    """The API as one user, application or access key."""

    def __init__(
        self, http: aiohttp.ClientSession, settings: NiceIncontactSettings, tokens: Tokens
    ) -> None:
        self._http = http
        self._settings = settings
        self.tokens = tokens
        self.requests = 0
        """How many requests were sent, repetitions included."""

    @property
    def peer(self) -> str:
        """Host and port of the API; of nothing before the first token."""
        return urlsplit(self.tokens.base_url).netloc or "the platform"

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int | float | bool] | None = None,
        body: Any = None,
        changes: bool = True,
        held_seconds: float = 0.0,
    ) -> Reply:
        """One request; whatever the platform answers comes back, but for a token that is not taken.

        Args:
            path: below `services/vN.N/`, its parts percent-encoded; or an absolute address of a next page.
            query: parameters of the address.
            body: sent as JSON, also with DELETE.
            changes: whether it may change something, so that a lost answer leaves it uncertain.
            held_seconds: how long the platform may hold the answer back.

        Raises:
            NotReady: it was not sent, or changes nothing and was not answered.
            CommandUncertain: it was sent, and no answer came.
            AuthRejected, ConfigError, ProtocolViolation: no token is to be had, or ours is not taken.
        """
        token = await self.tokens.current()
        reply = await self._once(method, path, query, body, token, changes, held_seconds)
        if reply.status == HTTPStatus.UNAUTHORIZED and NOT_FOR_USER not in said(reply).lower():
            renewed = await self.tokens.renew(token)
            reply = await self._once(method, path, query, body, renewed, changes, held_seconds)
        if reply.status == HTTPStatus.UNAUTHORIZED:
            raise self.refusal(reply, path)
        return reply

    async def get(
        self, path: str, query: Mapping[str, str | int | float | bool] | None = None
    ) -> Any:
        """The decoded body of a GET that must succeed, None for an empty one. Raises as `request` and `refusal`."""
        reply = await self.request("GET", path, query=query, changes=False)
        if not HTTPStatus.OK <= reply.status < HTTPStatus.MULTIPLE_CHOICES:
            raise self.refusal(reply, path)
        found = decoded(reply)
        if found is None and reply.body.strip():
            raise ProtocolViolation(
                f"{self.peer} answers {_named(path)} with something else than JSON",
                hint="check sign_in.api_url; a proxy may stand before the API",
            )
        return found

    async def page(
        self,
        path: str,
        *names: str,
        query: Mapping[str, str | int | float | bool] | None = None,
    ) -> Page:
        """A GET whose answer has rows below one of `names`, and all pages that follow it, as one.

        The cursor is that of the first page: what changes while the others are read is told again by
        the next poll. Raises as `get`.
        """
        first = read_page(await self.get(path, query), *names)
        rows, following, whole = list(first.rows), first.next_url, first.whole
        seen: set[str] = set()
        while following is not None and following not in seen and len(seen) < MAX_PAGES:
            seen.add(following)
            page = read_page(await self.get(self._below(following)), *names)
            rows += page.rows
            following, whole = page.next_url, whole and page.whole
        return msgspec.structs.replace(
            first, rows=rows, next_url=None, whole=whole and following is None
        )

    def refusal(self, reply: Reply, path: str) -> TielineError:
        """The error that an answer stands for; a command's refusals are read by `commands`."""
        words = said(reply)
        told = f"{self.peer} answers {_named(path)} with HTTP {reply.status}" + (
            f": {words}" if words else ""
        )
        if reply.status == HTTPStatus.UNAUTHORIZED and NOT_FOR_USER in words.lower():
            return ConfigError(
                told,
                reason=Reason.AUTH,
                hint="check sign_in.application against the API application registered in Central",
            )
        if reply.status == HTTPStatus.UNAUTHORIZED:
            return AuthRejected(told, hint=f"check the credentials and rights of {self.tokens.who}")
        if reply.status == HTTPStatus.FORBIDDEN and self._settings.sign_in.method == "client":
            return ConfigError(
                told,
                reason=Reason.FORBIDDEN,
                hint="client tokens serve no user's calls: use sign_in.method password, implicit, "
                "access_key or oidc",
            )
        if reply.status == HTTPStatus.FORBIDDEN:
            return AuthRejected(
                told,
                reason=Reason.FORBIDDEN,
                hint=f"give {self.tokens.who} the permission, and the application the scope",
            )
        error = http_errors.of_status(reply.status, reply.headers, self.peer, protocol="the API")
        error.message = told if words else error.message
        return error

    async def _once(
        self,
        method: str,
        path: str,
        query: Mapping[str, str | int | float | bool] | None,
        body: Any,
        token: str,
        changes: bool,  # noqa: FBT001 - handed through
        held_seconds: float,
    ) -> Reply:
        headers = {"Authorization": f"bearer {token}", "Accept": "application/json"}
        data = None
        if body is not None:
            headers["Content-Type"] = "application/json; charset=UTF-8"
            data = msgspec.json.encode(body)
        self.requests += 1
        return await exchange(
            self._http,
            method,
            self._address(path, query),
            peer=self.peer,
            headers=headers,
            data=data,
            timeout_seconds=self._settings.request_timeout_seconds + held_seconds,
            max_bytes=self._settings.max_reply_bytes,
            changes=changes,
        )

    def _address(self, path: str, query: Mapping[str, str | int | float | bool] | None) -> str:
        if "://" in path:
            return path
        version = self._settings.version_of(path)
        address = f"{self.tokens.base_url}/services/{version}/{path}"
        if query:
            values = {
                name: str(value).lower() if isinstance(value, bool) else str(value)
                for name, value in query.items()
            }
            address += "?" + urlencode(values)
        return address

    def _below(self, address: str) -> str:
        """The address of a next page. The token goes to the API's own host only, whatever host the platform names."""
        base, parts = urlsplit(self.tokens.base_url), urlsplit(address)
        path = parts.path if not parts.query else f"{parts.path}?{parts.query}"
        if not parts.netloc and not path.startswith("/"):
            return f"{self.tokens.base_url}/services/{path}"
        return f"{base.scheme}://{base.netloc}{path if path.startswith('/') else '/' + path}"


def _named(path: str) -> str:
    """A path for messages: without the ids of sessions, which are as good as keys."""
    parts = urlsplit(path).path.split("/")
    if parts[0].lower() == "agent-sessions" and len(parts) > 1 and parts[1] != "join":
        parts[1] = "…"
    return "/".join(parts)
