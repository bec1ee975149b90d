"""Tokens: had by whichever way is configured, renewed ahead of their end, shared by all requests that use them.

A refresh token is tried first and may be used up; then the first request is made again. A token of
the implicit grant is given by a person and cannot be renewed here.
Source: NICE inContact developer portal, "API Authentication Token" and "Getting Started"; FAQ,
"OAuth2 Authorization Questions".
"""

from __future__ import annotations

import asyncio
import copy
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode, urlsplit

import aiohttp
import msgspec

from connectors._wire import http_errors
from connectors._wire.exchange import Reply, exchange
from connectors._wire.json_values import fields, text
from connectors.nice_incontact import grants
from connectors.nice_incontact.answers import decoded, said
from connectors.nice_incontact.grants import Grant, TokenRequest
from connectors.nice_incontact.settings import SignIn
from connectors.nice_incontact.vendor import (
    NOT_FOR_USER,
    OIDC_DISCOVERY_PATH,
    TENANT_DISCOVERY_PATH,
)
from gateway.clock import Clock
from gateway.errors import (
    AuthRejected,
    ConfigError,
    NotReady,
    ProtocolViolation,
    Reason,
    Retryable,
    TielineError,
)

HOLD_OFF_SECONDS = 15.0
"""After refused credentials nobody asks again for so long: thousands of feeds share them, and accounts get locked."""
BUSY_SECONDS = 1.0
"""After any other failure, unless the service says how long to wait: the next feed would learn nothing new."""
_IMPLICIT_LIFE_SECONDS = 5_184_000.0
_DENIED = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED})


class Tokens:
    """The token of one user, application or access key."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        sign_in: SignIn,
        clock: Clock,
        *,
        ahead_seconds: float,
        timeout_seconds: float,
        max_reply_bytes: int,
    ) -> None:
        self._http = http
        self._sign_in = sign_in
        self._clock = clock
        self._ahead = ahead_seconds
        self._timeout = timeout_seconds
        self._max_bytes = max_reply_bytes
        self._order = asyncio.Lock()
        self._held: Grant | None = None
        self._ends = 0.0
        self._endpoint = ""
        self.attempts = 0
        """How often a token was asked for."""
        self._failure: TielineError | None = None
        self._quiet_until = float("-inf")
        self._base = grants.api_of(sign_in.api_url) if sign_in.api_url else ""
        self.fetched = 0
        """How many tokens were had."""

    @property
    def who(self) -> str:
        """Who signs in, for messages."""
        sign_in = self._sign_in
        return repr(sign_in.username or sign_in.application or sign_in.access_key_id or "the token")

    @property
    def base_url(self) -> str:
        """Address of the API, without a slash at its end; empty before the first token."""
        return self._base

    @property
    def held(self) -> Grant | None:
        """The token held, none before the first."""
        return self._held

    async def current(self) -> str:
        """A token that lasts a while. Raises as `renew`."""
        held = self._held
        if held is None or self._left < min(self._ahead, held.life_seconds / 2):
            return await self.renew(held.access if held else "")
        return held.access

    async def renew(self, refused: str) -> str:
        """A token in the place of one that was refused or is about to end; callers at the same time share one request.

        Raises:
            AuthRejected: the credentials are refused, or were just now, or a given token ran out.
            ConfigError: the application may not sign this user in.
            NotReady, ProtocolViolation: the service cannot serve now, or answers something else.
        """
        before = self.attempts
        async with self._order:
            if self._held is None or self._held.access == refused:
                await self._renew_once(refused, before)
            held = self._held
        if held is None:
            raise ProtocolViolation("no token was had", reason=Reason.AUTH)
        return held.access

    async def _renew_once(self, refused: str, before: int) -> None:
        """Ask for a token, unless that failed while this caller waited, or just now."""
        failed = self._failure
        shared = self.attempts != before or self._clock.monotonic() < self._quiet_until
        if failed is not None and shared:
            raise copy.copy(failed)
        self.attempts += 1
        self._failure = None
        try:
            await self._renew(refused)
        except TielineError as error:
            self._failure = copy.copy(error)
            refused_for_good = isinstance(error, AuthRejected | ConfigError)
            asked = error.retry_after_seconds if isinstance(error, Retryable) else None
            pause = HOLD_OFF_SECONDS if refused_for_good else asked or BUSY_SECONDS
            self._quiet_until = self._clock.monotonic() + pause
            raise

    @property
    def _left(self) -> float:
        return self._ends - self._clock.monotonic()

    async def _renew(self, refused: str) -> None:
        sign_in, held = self._sign_in, self._held
        if sign_in.method == "implicit":
            self._take_given(refused)
            return
        if sign_in.method == "oidc" and not self._endpoint:
            self._endpoint = await self._discover_endpoint()
        request = grants.refresh_request(sign_in, held, self._endpoint) if held else None
        if request is not None:
            try:
                await self._fetch(request)
            except AuthRejected:
                # Used up, or older than its two hours: the credentials are asked for a new one.
                self._held = None
            else:
                return
        await self._fetch(grants.first_request(sign_in, self._endpoint))

    def _take_given(self, refused: str) -> None:
        token = self._sign_in.token
        given = token.get_secret_value() if token else ""
        if refused or not given or grants.text_of(given) is None:
            raise AuthRejected(
                "the token of the implicit grant ran out or is not taken",
                hint="sign in with the browser again and set sign_in.token",
            )
        self._take(Grant(access=given, life_seconds=_IMPLICIT_LIFE_SECONDS))

    def _take(self, grant: Grant) -> None:
        held = self._held
        if held is not None:
            # What came with the first token does not change with its renewal.
            grant = msgspec.structs.replace(
                grant,
                refresh=grant.refresh or held.refresh,
                refresh_url=grant.refresh_url or held.refresh_url,
                agent_id=grant.agent_id or held.agent_id,
                business_unit=grant.business_unit or held.business_unit,
            )
        self._held = grant
        self._ends = self._clock.monotonic() + grant.life_seconds
        self.fetched += 1

    async def _fetch(self, request: TokenRequest) -> None:
        reply = await self._ask("POST", request.url, request.headers, request.body)
        peer = urlsplit(request.url).netloc
        if reply.status not in {HTTPStatus.OK, HTTPStatus.CREATED}:
            raise self._refusal(reply, peer, request.grant)
        grant = grants.read_grant(decoded(reply))
        if grant is None:
            raise ProtocolViolation(
                f"{peer} answers the request for a token without one",
                hint="check sign_in.url: a sign-in page may stand before the service",
            )
        secure = urlsplit(request.url).scheme == "https"
        grant = msgspec.structs.replace(
            grant,
            refresh_url=checked_address(
                grant.refresh_url, peer, "refresh_token_server_uri", secure=secure
            ),
            base_url=checked_address(
                grant.base_url, peer, "resource_server_base_uri", secure=secure
            ),
        )
        if not self._sign_in.api_url:
            if grant.base_url:
                self._base = grant.base_url
            elif not self._base:
                self._base = await self._discover_base()
        self._take(grant)

    def _refusal(self, reply: Reply, peer: str, grant: str) -> TielineError:
        words = said(reply)
        if NOT_FOR_USER in words.lower():
            return ConfigError(
                f"{peer} does not let the application sign in {self.who}: {words}",
                reason=Reason.AUTH,
                hint="check application, business_unit, username and password; the application "
                "must be registered in Central",
            )
        if reply.status in _DENIED:
            return AuthRejected(
                f"{peer} refuses {self.who} ({grant}){': ' + words if words else ''}",
                hint="check the credentials in sign_in",
            )
        return http_errors.of_status(reply.status, reply.headers, peer, protocol="a token")

    async def _discover_endpoint(self) -> str:
        address = self._sign_in.discovery_url + OIDC_DISCOVERY_PATH
        found = text(fields(await self._get(address)).get("token_endpoint"))
        return self._told(found, address, "token_endpoint")

    async def _discover_base(self) -> str:
        tenant = self._sign_in.tenant_id
        if tenant is None:
            raise ConfigError(
                "the token comes without the address of the API",
                hint="set sign_in.api_url, or sign_in.tenant_id where the method takes it",
            )
        query = urlencode({"tenantId": tenant})
        address = f"{self._sign_in.discovery_url}{TENANT_DISCOVERY_PATH}?{query}"
        found = text(fields(await self._get(address)).get("api_endpoint"))
        return grants.api_of(self._told(found, address, "api_endpoint"))

    @staticmethod
    def _told(found: str | None, address: str, name: str) -> str:
        parts = urlsplit(address)
        checked = checked_address(found, parts.netloc, name, secure=parts.scheme == "https")
        if checked is None:
            raise ProtocolViolation(
                f"{parts.netloc}{parts.path} does not tell {name}",
                hint="check sign_in.discovery_url and sign_in.tenant_id, or set sign_in.api_url",
            )
        return checked

    async def _get(self, address: str) -> Any:
        reply = await self._ask("GET", address, {"Accept": "application/json"}, None)
        if reply.status != HTTPStatus.OK:
            peer = urlsplit(address).netloc
            raise http_errors.of_status(
                reply.status, reply.headers, peer, protocol="a configuration"
            )
        return decoded(reply)

    async def _ask(
        self, method: str, address: str, headers: dict[str, str], data: bytes | None
    ) -> Reply:
        peer = urlsplit(address).netloc
        try:
            return await exchange(
                self._http,
                method,
                address,
                peer=peer,
                headers=headers,
                data=data,
                timeout_seconds=self._timeout,
                max_bytes=self._max_bytes,
                changes=False,
            )
        except ValueError as error:
            raise NotReady(f"{peer} is no usable address", reason=Reason.INVALID) from error


def checked_address(address: str | None, peer: str, name: str, *, secure: bool) -> str | None:
    """An address that the service names: the token goes there, so not from https to http."""
    if address is None:
        return None
    try:
        parts = urlsplit(address)
        usable = parts.scheme in {"https", "http"} and parts.hostname is not None
    except ValueError:
        usable = False
    if not usable:
        raise ProtocolViolation(f"{peer} tells a {name} that is no address of the web")
    if secure and parts.scheme != "https":
        raise ProtocolViolation(
            f"{peer} tells a {name} without TLS",
            hint="set sign_in.api_url, if the token may go there in the clear",
        )
    return address
