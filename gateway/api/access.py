"""Who may do what: the checks before a handler runs."""

from __future__ import annotations

from aiohttp import web

from gateway.api import scopes
from gateway.api.addresses import host_name, is_loopback
from gateway.api.callers import LOCAL_CALLER, Caller
from gateway.api.operations import ANY_SCOPE, Row
from gateway.api.problems import Kind, Problem
from gateway.api.settings import ApiSettings
from gateway.api.tokens import Keyring


class Access:
    """Identifies callers, and lets them do what their credentials allow."""

    def __init__(self, settings: ApiSettings) -> None:
        self._keyring = Keyring(settings.tokens)
        self._loopback = is_loopback(settings.host)
        self._hosts = frozenset(host_name(host) for host in settings.allowed_hosts)

    async def admit(self, request: web.Request, operation: Row | None) -> Caller:
        """Who sent the request. Raises Problem unless they may do the operation; None is a path that does not exist."""
        if self._loopback:
            self._check_host(request.headers.get("Host", ""))
        if operation is not None and (
            operation.scope is None or (operation.open_on_loopback and self._loopback)
        ):
            return LOCAL_CALLER
        caller = self._identify(request.headers.get("Authorization", ""))
        if operation is None:
            if request.method in {"GET", "HEAD"}:
                caller.require(scopes.READ)
            return caller
        if operation.scope not in {None, ANY_SCOPE}:
            caller.require(str(operation.scope))
        if beyond := caller.limits - operation.honours:
            raise Problem(
                Kind.FORBIDDEN,
                f"the token {caller.name} is limited to some {' and '.join(sorted(beyond))},"
                " and this is about all",
            )
        return caller

    def _check_host(self, header: str) -> None:
        """Refuse names that are not ours: a web page may have made its own name point here (DNS rebinding)."""
        name = host_name(header)
        if not is_loopback(name) and name not in self._hosts:
            raise Problem(
                Kind.UNKNOWN_HOST,
                "Host: expected localhost, a loopback address or one of gateway.api.allowed_hosts",
            )

    def _identify(self, authorization: str) -> Caller:
        if self._keyring.empty:
            if not self._loopback:
                raise Problem(Kind.FORBIDDEN, "no tokens are configured for access from elsewhere")
            return LOCAL_CALLER
        caller = self._keyring.caller(authorization)
        if caller is None:
            challenge = 'Bearer realm="tieline"'
            if authorization:
                challenge += ', error="invalid_token"'
            raise Problem(
                Kind.UNAUTHENTICATED,
                "send the header Authorization: Bearer <token>",
                headers={"WWW-Authenticate": challenge},
            )
        return caller
