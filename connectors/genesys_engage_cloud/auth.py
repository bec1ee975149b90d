"""Tokens: fetched by whichever grant an account has, renewed ahead of their end, never shown.

Source: vendor's authentication client libraries, `retrieveToken` (form fields and headers of each
grant); RFC 6749 sections 4.1.3, 4.3.2, 4.4.2, 6 (requests) and 5.2 (errors).
"""

from __future__ import annotations

import asyncio
import base64
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

import msgspec

from connectors._genesys.values import seconds, text
from connectors._wire.bayeux import failures
from connectors.genesys_engage_cloud.client import ApiHttp, Reply
from connectors.genesys_engage_cloud.vendor import AUTHENTICATION
from gateway.clock import Clock
from gateway.errors import AuthRejected, ConnectionFailed, NotReady, Reason

TOKEN_PATH = f"{AUTHENTICATION}/oauth/token"
SCOPE = "*"
DEFAULT_LIFE_SECONDS = 600.0
SHORTEST_PAUSE_SECONDS = 1.0
_HINTS = {
    "password": r"check the account's user name (tenant\user) and password",
    "refresh_token": "give the account a new refresh token",
    "authorization_code": "the code can be used once and for a short time: give a new one",
    "client_credentials": "check client.id and client.secret",
}
_CLIENT_ERRORS = frozenset({"invalid_client", "unauthorized_client"})


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """What tokens are asked with. Exactly one grant; client credentials if nothing else is given."""

    client_id: str
    client_secret: str
    username: str | None = None
    password: str | None = None
    refresh_token: str | None = None
    authorization_code: str | None = None
    redirect_uri: str | None = None

    def __repr__(self) -> str:
        return f"Credentials(grant={self.grant!r}, secrets hidden)"

    @property
    def grant(self) -> str:
        """The grant type of the first request."""
        if self.authorization_code is not None:
            return "authorization_code"
        if self.refresh_token is not None:
            return "refresh_token"
        return "client_credentials" if self.password is None else "password"

    @property
    def repeatable(self) -> bool:
        """Whether the first request can be made again; a code or a refresh token may be used up."""
        return self.grant in {"password", "client_credentials"}

    def form(self) -> dict[str, str]:
        """The form of the first request; the backslash between tenant and user is percent-encoded with the rest."""
        fields: dict[str, str | None] = {"grant_type": self.grant}
        match self.grant:
            case "authorization_code":
                fields |= {
                    "code": self.authorization_code,
                    "redirect_uri": self.redirect_uri,
                    "client_id": self.client_id,
                }
            case "refresh_token":
                return self.refresh_form(self.refresh_token or "")
            case "password":
                fields |= {
                    "username": self.username,
                    "password": self.password,
                    "client_id": self.client_id,
                    "scope": SCOPE,
                }
            case _:
                fields |= {"scope": SCOPE}
        return {name: value for name, value in fields.items() if value is not None}

    def refresh_form(self, refresh_token: str) -> dict[str, str]:
        """The form of a renewal."""
        return {
            "grant_type": "refresh_token",
            "refresh_token": refresh_token,
            "client_id": self.client_id,
            "scope": SCOPE,
        }


class Tokens:
    """The access token of one account or client, and the refresh token that comes with it."""

    def __init__(
        self,
        credentials: Credentials,
        http: ApiHttp,
        clock: Clock,
        *,
        refresh_ahead_seconds: float,
        who: str,
    ) -> None:
        self._credentials = credentials
        self._http = http
        self._clock = clock
        self._ahead = refresh_ahead_seconds
        self._who = who
        self._access = ""
        self._ends = 0.0
        self._life = 0.0
        self._renewing = asyncio.Lock()
        self.refresh_token: str | None = None
        self.fetched = 0

    @property
    def current(self) -> str:
        """The token held; empty before the first."""
        return self._access

    @property
    def repeatable(self) -> bool:
        """Whether a new token can be had without the refresh token."""
        return self._credentials.repeatable

    @property
    def renewal_in_seconds(self) -> float:
        """How long the token held need not be renewed."""
        ahead = min(self._ahead, self._life / 2)
        return max(self._ends - ahead - self._clock.monotonic(), SHORTEST_PAUSE_SECONDS)

    def restore(self, refresh_token: str | None) -> None:
        """Take up the refresh token of an earlier process, which is newer than a configured one."""
        self.refresh_token = refresh_token or self.refresh_token

    async def valid(self) -> str:
        """A token that lasts a while: the one held, or a new one. Raises as `renew`."""
        if self._access and self._ends - self._clock.monotonic() > min(self._ahead, self._life / 2):
            return self._access
        return await self.renew()

    async def renew(self) -> str:
        """Fetch a new token: by the refresh token if there is one, else, or if that is used up, by the grant.

        Callers at the same moment share one request. Raises AuthRejected with what to check, NotReady.
        """
        before = self.fetched
        async with self._renewing:
            if self.fetched != before:
                return self._access
            if self.refresh_token is not None:
                try:
                    await self._fetch(self._credentials.refresh_form(self.refresh_token))
                except AuthRejected:
                    if not self.repeatable:
                        raise
                    self.refresh_token = None
                else:
                    return self._access
            await self._fetch(self._credentials.form())
            return self._access

    async def _fetch(self, form: dict[str, str]) -> None:
        client = f"{self._credentials.client_id}:{self._credentials.client_secret}".encode()
        reply = await self._http.request(
            "POST",
            TOKEN_PATH,
            body=urlencode(form).encode(),
            headers={
                "Authorization": "Basic " + base64.b64encode(client).decode(),
                "Content-Type": "application/x-www-form-urlencoded",
            },
        )
        answer = _decoded(reply.body)
        if reply.status != HTTPStatus.OK:
            raise self._refusal(reply, answer, form["grant_type"])
        access = answer.get("access_token")
        if not isinstance(access, str) or not access or not access.isprintable():
            raise NotReady(
                f"{self._http.peer} answers the request for a token without one",
                reason=Reason.PROTOCOL,
                hint="check base_url",
            )
        self._access = access
        self._life = seconds(answer.get("expires_in")) or DEFAULT_LIFE_SECONDS
        self._ends = self._clock.monotonic() + self._life
        refresh = answer.get("refresh_token")
        if isinstance(refresh, str) and refresh:
            self.refresh_token = refresh
        self.fetched += 1

    def _refusal(self, reply: Reply, answer: dict[str, Any], grant: str) -> ConnectionFailed:
        word = text(answer.get("error")) or ""
        peer, status = self._http.peer, reply.status
        if status == HTTPStatus.UNAUTHORIZED or word in _CLIENT_ERRORS:
            return AuthRejected(
                f"{peer} refuses the client or {self._who}",
                hint=f"check client.id and client.secret, and {_HINTS[grant]}",
            )
        if word == "invalid_grant":
            return AuthRejected(f"{peer} refuses {self._who}", hint=_HINTS[grant])
        if status == HTTPStatus.FORBIDDEN:
            return AuthRejected(
                f"{peer} gives {self._who} no token",
                reason=Reason.FORBIDDEN,
                hint="check api_key, and that the client may use this grant",
            )
        if status == HTTPStatus.BAD_REQUEST:
            return AuthRejected(
                f"{peer} does not take the request for a token of {self._who}",
                hint=f"the client must be allowed the grant {grant}; {_HINTS[grant]}",
            )
        return failures.of_answer(status, reply.headers, reply.body, peer, None).error


def _decoded(body: bytes) -> dict[str, Any]:
    try:
        answer = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}
