"""Tokens: found by the challenge, asked for with Windows authentication, renewed ahead of their end.

Source: Clarity Connect Web API Version 2, "Authentication".
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import urlsplit

import aiohttp
import msgspec

from connectors._wire import http_errors
from connectors.clarity_connect import challenge
from connectors.clarity_connect.challenge import Challenge
from connectors.clarity_connect.settings import ClarityConnectSettings
from connectors.clarity_connect.vendor import API, WINDOWS_GRANT
from connectors.clarity_connect.windows import WindowsPost
from gateway.clock import Clock
from gateway.errors import AuthRejected, ConfigError, ProtocolViolation, Reason

RENEW_AT = 0.8
"""The part of a token's life after which it is renewed."""
PAUSE_SECONDS = 5.0
"""After a renewal because of a 401, another 401 within this time is about rights, not about the token."""
DEFAULT_LIFE_SECONDS = 300.0


class _Reply(msgspec.Struct):
    access_token: str = ""
    expires_in: float | None = None
    error: str = ""


class Tokens:
    """The token of one account, shared by REST and SignalR."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        settings: ClarityConnectSettings,
        clock: Clock,
        *,
        tls: ssl.SSLContext | bool = True,
    ) -> None:
        self._http = http
        self._settings = settings
        self._clock = clock
        self._windows = WindowsPost(
            username=settings.username,
            password=settings.password.get_secret_value(),
            timeout_seconds=settings.request_timeout_seconds,
            ssl=tls,
        )
        self._tls = tls
        self._order = asyncio.Lock()
        self._token = ""
        self._refused_at = float("-inf")
        self._renew_at = 0.0
        self._url: str | None = None
        self.renewals = 0
        """How many tokens were asked for."""

    @property
    def token(self) -> str:
        """The token that is held; empty before the first one."""
        return self._token

    async def headers(self, refused: bool = False) -> Mapping[str, str]:  # noqa: FBT001, FBT002 - the form SignalR's client asks for
        """The `Authorization` header for the next request.

        Args:
            refused: whether the last request was answered 401. The platform answers that for a lack of
                rights too, so a renewal that did not help is not repeated at once.

        Raises:
            AuthRejected, NotReady, ProtocolViolation, ConfigError: no token is to be had.
        """
        seen = self._token
        if refused or not self._token or self._clock.monotonic() >= self._renew_at:
            async with self._order:
                # Another request may have renewed it while this one waited.
                if self._token == seen and not (refused and self._is_answered()):
                    await self._renew()
                    if refused:
                        self._refused_at = self._clock.monotonic()
        return {"Authorization": f"Bearer {self._token}"}

    async def signalr_headers(self, refused: bool) -> Mapping[str, str]:  # noqa: FBT001 - the form the client asks for
        """As `headers`, for the feed that is running: a configuration that turned wrong ends it as rejected."""
        try:
            return await self.headers(refused)
        except ConfigError as error:
            raise AuthRejected(error.message, reason=error.reason, hint=error.hint) from error

    def _is_answered(self) -> bool:
        """Whether a refusal was answered with a renewal just now, and the token is still good by itself."""
        now = self._clock.monotonic()
        return now < self._renew_at and now - self._refused_at < PAUSE_SECONDS

    async def _renew(self) -> None:
        url = self._url or await self._find()
        form = {"grant_type": WINDOWS_GRANT, "client_id": self._settings.client_id}
        asked = self._clock.monotonic()
        status, body = await self._windows.post(url, form)
        peer = urlsplit(url).netloc
        reply = _decode(body)
        if status == HTTPStatus.BAD_REQUEST and reply is not None:
            raise ConfigError(
                f"{peer} does not know the client_id ({reply.error[:80] or 'HTTP 400'})",
                reason=Reason.CONFIG,
                hint="use the GUID from API Management in the admin site",
            )
        if status != HTTPStatus.OK:
            if status == HTTPStatus.NOT_FOUND:
                self._url = None
            raise http_errors.of_status(status, {}, peer, protocol="a token")
        if reply is None or not reply.access_token or not reply.access_token.isascii():
            raise ProtocolViolation(f"{peer} answers without an access token")
        life = challenge.life_of(reply.access_token)
        # The server's clock says when it ends, but how long it lives is the same by ours.
        seconds = life[1] - life[0] if life else reply.expires_in
        if seconds is None or seconds <= 0:
            seconds = DEFAULT_LIFE_SECONDS
        if reply.expires_in is not None and reply.expires_in > 0:
            seconds = min(seconds, reply.expires_in)
        self._token = reply.access_token
        self._renew_at = asked + seconds * RENEW_AT
        self.renewals += 1

    async def _find(self) -> str:
        """Ask the API without a token where tokens are given."""
        settings = self._settings
        address = f"{settings.base_url}{API}/info"
        try:
            async with self._http.get(
                address,
                headers={"Accept": "application/json"},
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=settings.request_timeout_seconds),
                ssl=self._tls,
            ) as answer:
                status, headers = answer.status, answer.headers
                offered = answer.headers.getall("WWW-Authenticate", [])
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise http_errors.of_exception(error, urlsplit(address).netloc) from error
        if status != HTTPStatus.UNAUTHORIZED:
            if status == HTTPStatus.OK:
                raise ProtocolViolation(f"{urlsplit(address).netloc} asks for no token")
            raise http_errors.of_status(
                status, headers, urlsplit(address).netloc, protocol="the Web API"
            )
        found = challenge.read_challenge(offered)
        if found is None:
            raise ProtocolViolation(
                f"{urlsplit(address).netloc} does not say where to sign in",
                hint="check base_url: the Web API answers with the authentication service's address",
            )
        self._url = self._checked(found).token_url
        return self._url

    def _checked(self, found: Challenge) -> Challenge:
        settings = self._settings
        return challenge.check(
            found,
            allowed=settings.allowed_token_hosts,
            secure=settings.base_url.startswith("https:"),
        )


def _decode(body: bytes) -> _Reply | None:
    try:
        return msgspec.json.decode(body, type=_Reply)
    except (msgspec.DecodeError, UnicodeError):
        return None
