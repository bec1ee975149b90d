"""Who may do what: the checks before a handler runs."""

from __future__ import annotations

from math import ceil

from aiohttp import web

from gateway.api import scopes
from gateway.api.addresses import host_name, is_loopback
from gateway.api.callers import LOCAL_CALLER, Caller
from gateway.api.keyring import Keyring
from gateway.api.oidc import OidcTokens, is_signed
from gateway.api.operations import ANY_SCOPE, Row
from gateway.api.problems import Kind, Problem, unauthenticated
from gateway.api.settings import ApiSettings
from gateway.api.tokens import bearer_token
from gateway.clock import Clock
from gateway.rate_limits import RateLimits


class Access:
    """Identifies callers, and lets them do what their credentials allow."""

    def __init__(self, settings: ApiSettings, clock: Clock) -> None:
        self._keyring = Keyring(settings.tokens)
        self._oidc = OidcTokens(settings.oidc, clock) if settings.oidc else None
        self._credentials = settings.needs_credentials
        self._clock = clock
        self._loopback = is_loopback(settings.host)
        self._hosts = frozenset(host_name(host) for host in settings.allowed_hosts)
        self._rates = RateLimits(per_second=settings.acts_per_second, burst=settings.acts_at_once)

    def take_over(self, settings: ApiSettings) -> None:
        """Know the tokens of these settings and no others; a request that was let in goes on."""
        self._keyring = Keyring(settings.tokens)
        self._credentials = settings.needs_credentials

    async def close(self) -> None:
        """Release what it holds. Idempotent."""
        if self._oidc is not None:
            await self._oidc.close()

    async def identify(self, request: web.Request, operation: Row | None) -> Caller:
        """Who sent the request.

        Raises Problem: the Host header is foreign (421), the credentials are wrong (401) or cannot be judged (503).
        """
        if self._loopback:
            self._check_host(request.headers.get("Host", ""))
        if operation is not None and (
            operation.scope is None or (operation.open_on_loopback and self._loopback)
        ):
            return LOCAL_CALLER
        return await self._caller(request.headers.get("Authorization", ""))

    def allow(self, caller: Caller, operation: Row | None, *, reads: bool) -> None:
        """Raise Problem unless the caller may do the operation; None is a path that does not exist."""
        if operation is None:
            if reads:
                caller.require(scopes.READ)
            return
        if operation.scope not in {None, ANY_SCOPE}:
            caller.require(str(operation.scope))
        if beyond := caller.limits - operation.honours:
            raise Problem(
                Kind.FORBIDDEN,
                f"the token {caller.name} is limited to some {' and '.join(sorted(beyond))},"
                " and this is about all",
            )
        if operation.audits is not None:
            self._check_rate(caller)

    def _check_rate(self, caller: Caller) -> None:
        wait_seconds = self._rates.take(caller.name, self._clock.monotonic())
        if wait_seconds:
            raise Problem(
                Kind.RATE_LIMITED,
                f"{caller.name} sends more than gateway.api.acts_per_second allows",
                headers={"Retry-After": str(ceil(wait_seconds))},
            )

    def _check_host(self, header: str) -> None:
        """Refuse names that are not ours: a web page may have made its own name point here (DNS rebinding)."""
        name = host_name(header)
        if not is_loopback(name) and name not in self._hosts:
            raise Problem(
                Kind.UNKNOWN_HOST,
                "Host: expected localhost, a loopback address or one of gateway.api.allowed_hosts",
            )

    async def _caller(self, authorization: str) -> Caller:
        if not self._credentials:
            if not self._loopback:
                raise Problem(Kind.FORBIDDEN, "no tokens are configured for access from elsewhere")
            return LOCAL_CALLER
        if not authorization:
            raise unauthenticated("send the header Authorization: Bearer <token>")
        token = bearer_token(authorization)
        if token is not None and self._oidc is not None and is_signed(token):
            return await self._oidc.caller(token)
        caller = None if token is None else self._keyring.caller(token)
        if caller is None:
            raise unauthenticated("the token is not known", error="invalid_token")
        if caller.expires is not None and caller.expires <= self._clock.now():
            raise unauthenticated("the token has expired", error="invalid_token")
        return caller
