"""Tokens of the simulated platform, granted in four ways.

Sources: NICE inContact "API authentication token" tutorial and FAQ ("OAuth2 Authorization Questions") for the Central
service, whose requests are JSON and whose key is base64 of application@vendor:businessUnit; CXone "UserHub getting
started" and "Create an access key" for access keys and OpenID Connect.
"""

from __future__ import annotations

import base64
import binascii
import json
import secrets
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import msgspec
from aiohttp import web

from connectors.nice_incontact._simulated.model import Agent
from connectors.nice_incontact._simulated.requests import (
    BAD_REQUEST,
    OK,
    UNAUTHORIZED,
    Caller,
)
from connectors.nice_incontact._simulated.settings import SimulatorSettings
from connectors.nice_incontact._simulated.world import World

SCOPES = (
    "RealTimeApi",
    "AdminApi",
    "AuthenticationApi",
    "PatronApi",
    "AgentApi",
    "CustomApi",
    "ReportingApi",
)
PATRON = frozenset({"PatronApi"})
IMPLICIT_SECONDS = 5_184_000
CENTRAL = "/InContactAuthorizationServer"
FOUND = 302


@dataclass(slots=True)
class Grant:
    """A token that was given out. Times are monotonic seconds."""

    agent: Agent | None
    scopes: frozenset[str]
    expires: float


class Tokens:
    """What was given out."""

    def __init__(self, settings: SimulatorSettings, world: World) -> None:
        self._settings = settings
        self._world = world
        self._access: dict[str, Grant] = {}
        self._refresh: dict[str, Grant] = {}
        self.issued = 0

    def issue(self, agent: Agent | None, scopes: frozenset[str], seconds: float) -> str:
        """A new access token: a JSON Web Token in form, which nobody has to read."""
        self.issued += 1
        claims = {
            "sub": f"user:{agent.id}" if agent else "client",
            "tenantId": self._settings.tenant,
        }
        head, body = (_part(each) for each in ({"alg": "RS256", "typ": "JWT"}, claims))
        token = f"{head}.{body}.{secrets.token_urlsafe(24)}"
        self._access[token] = Grant(agent, scopes, time.monotonic() + seconds)
        return token

    def refreshable(self, agent: Agent | None, scopes: frozenset[str], until: float) -> str:
        """A new refresh token."""
        token = secrets.token_urlsafe(24)
        self._refresh[token] = Grant(agent, scopes, until)
        return token

    def redeem(self, refresh_token: object) -> Grant | None:
        """What a refresh token is good for; it can be used until its time is over."""
        grant = self._refresh.get(str(refresh_token))
        return grant if grant and time.monotonic() < grant.expires else None

    def check(self, token: str) -> Caller | None:
        """Whose token it is; none if it is not good or not good any more."""
        grant = self._access.get(token)
        if grant is None or time.monotonic() >= grant.expires:
            return None
        return Caller(grant.agent, grant.scopes, token)

    def expire_all(self) -> None:
        """Every access token given out so far is dead before its time."""
        self._access.clear()

    def seconds_left(self, token: str) -> int:
        """How long it lives on."""
        return int(self._access[token].expires - time.monotonic())


class TokenHost:
    """The HTTP of the token services."""

    def __init__(self, settings: SimulatorSettings, world: World, tokens: Tokens) -> None:
        self._settings = settings
        self._world = world
        self._tokens = tokens

    async def answer(self, path: str, request: web.Request) -> web.Response | None:
        """The answer for a path in lower case; none if it is no address of a token service."""
        routes = {
            ("POST", "/incontactauthorizationserver/token"): self._central,
            ("GET", "/incontactauthorizationserver/authenticate"): self._implicit,
            ("POST", "/incontactauthorizationserver/token/whoami"): self._who_am_i,
            ("POST", "/authentication/v1/token/access-key"): self._access_key,
            ("POST", "/public/user/refresh"): self._refresh_access_key,
            ("POST", "/public/authentication/v1/refresh"): self._refresh_access_key,
            ("GET", "/.well-known/openid-configuration"): self._discovery,
            ("POST", "/auth/token"): self._openid,
            ("GET", "/.well-known/cxone-configuration"): self._configuration,
        }
        handler = routes.get((request.method, path))
        return await handler(request) if handler else None

    async def _central(self, request: web.Request) -> web.Response:
        scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
        body = _json_body(await request.read())
        if scheme.lower() != "basic":
            return _refused("invalid_client", "The authorization key is missing", UNAUTHORIZED)
        if body is None:
            return _refused("invalid_request", "The body is no JSON object", BAD_REQUEST)
        application, unit = _key(encoded)
        settings = self._settings
        grant_type = str(body.get("grant_type", ""))
        known = (
            settings.application_id
            if grant_type == "client_credentials"
            else settings.business_unit
        )
        not_authorized = _error(
            UNAUTHORIZED,
            "invalid_client",
            f"Client application '{application}' not authorized for user",
        )
        if application != settings.application or unit != str(known):
            return not_authorized
        if grant_type == "client_credentials":
            return self._granted(request, None, PATRON, refresh=False)
        if grant_type == "refresh_token":
            grant = self._tokens.redeem(body.get("refresh_token"))
            if grant is None:
                return _refused("invalid_grant", "The refresh token is not valid", BAD_REQUEST)
            return self._granted(request, grant.agent, grant.scopes, until=grant.expires)
        if grant_type != "password":
            return _refused("unsupported_grant_type", f"Grant type {grant_type!r}", BAD_REQUEST)
        agent = self._user(body.get("username"), body.get("password"))
        if agent is None:
            return not_authorized
        asked = frozenset(str(body.get("scope") or "").split())
        return self._granted(request, agent, _known(asked) if asked else frozenset(SCOPES))

    async def _implicit(self, request: web.Request) -> web.Response:
        """Sign-in by a browser; here the gateway's user is the one who does it."""
        query = request.query
        scopes = frozenset(query.get("scope", "").split())
        client = query.get("client_id", "")
        target = query.get("redirect_uri", "")
        if query.get("response_type") != "token" or not scopes or not target:
            return _refused("invalid_request", "scope and redirect_uri are required", BAD_REQUEST)
        if client != self._settings.application:
            text = f"Client application '{client}' not authorized for user"
            return _error(UNAUTHORIZED, "invalid_client", text)
        agent = self._world.agents[1000]
        token = self._tokens.issue(agent, _known(scopes), IMPLICIT_SECONDS)
        told = {
            "state": query.get("state", ""),
            "scope": " ".join(sorted(scopes)),
            "access_token": token,
            "token_type": "bearer",
            "expires_in": IMPLICIT_SECONDS,
            "resource_server_base_uri": _base(request),
        }
        return web.Response(status=FOUND, headers={"Location": f"{target}?{urlencode(told)}"})

    async def _who_am_i(self, request: web.Request) -> web.Response:
        token = str((_json_body(await request.read()) or {}).get("token", ""))
        caller = self._tokens.check(token)
        if caller is None:
            return _refused("invalid_token", "The token is not valid", UNAUTHORIZED)
        agent = caller.agent
        return _json(
            {
                "agent_id": agent.id if agent else None,
                "bus_no": self._settings.business_unit,
                "team_id": agent.team_id if agent else None,
                "expires_in": self._tokens.seconds_left(token),
                "iss": _root(request),
                "sub": agent.username if agent else None,
                "refresh_token_server_uri": f"{_root(request)}{CENTRAL}/Token",
                "resource_server_base_uri": _base(request),
            }
        )

    def _granted(
        self,
        request: web.Request,
        agent: Agent | None,
        scopes: frozenset[str],
        *,
        refresh: bool = True,
        until: float | None = None,
    ) -> web.Response:
        """A reply of the Central service. A refresh token lives from the first grant on."""
        settings, tokens = self._settings, self._tokens
        expires = until if until is not None else time.monotonic() + settings.refresh_seconds
        return _json(
            {
                "access_token": tokens.issue(agent, scopes, settings.token_seconds),
                "token_type": "bearer",
                "expires_in": int(settings.token_seconds),
                "refresh_token": tokens.refreshable(agent, scopes, expires) if refresh else None,
                "scope": " ".join(scope for scope in SCOPES if scope in scopes),
                "resource_server_base_uri": _base(request),
                "refresh_token_server_uri": f"{_root(request)}{CENTRAL}/Token",
                "agent_id": agent.id if agent else None,
                "team_id": agent.team_id if agent else None,
                "bus_no": settings.business_unit,
            }
        )

    async def _access_key(self, request: web.Request) -> web.Response:
        body = _json_body(await request.read())
        if body is None or not body.get("accessKeyId") or not body.get("accessKeySecret"):
            return _refused("invalid_request", "accessKeyId and accessKeySecret", BAD_REQUEST)
        agent = self._key_owner(body["accessKeyId"], body["accessKeySecret"])
        if agent is None:
            return _refused("invalid_grant", "The access key is not valid", UNAUTHORIZED)
        return _json(self._openid_reply(agent, key=True))

    async def _refresh_access_key(self, request: web.Request) -> web.Response:
        """The reply's names are others than those of the first grant."""
        grant = self._tokens.redeem((_json_body(await request.read()) or {}).get("token"))
        if grant is None:
            return _refused("invalid_grant", "The refresh token is not valid", UNAUTHORIZED)
        settings, tokens = self._settings, self._tokens
        return _json(
            {
                "token": tokens.issue(grant.agent, grant.scopes, settings.token_seconds),
                "refreshToken": tokens.refreshable(grant.agent, grant.scopes, grant.expires),
                "tokenExpirationTimeSec": int(settings.token_seconds),
                "refreshTokenExpirationTimeSec": int(grant.expires - time.monotonic()),
                "sessionId": None,
            }
        )

    async def _discovery(self, request: web.Request) -> web.Response:
        root = _root(request)
        return _json(
            {
                "issuer": root,
                "authorization_endpoint": f"{root}/auth/authorize",
                "token_endpoint": f"{root}/auth/token",
                "token_endpoint_auth_methods_supported": ["client_secret_basic"],
                "id_token_signing_alg_values_supported": ["RS256"],
            }
        )

    async def _openid(self, request: web.Request) -> web.Response:
        form = await request.post()
        scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
        settings = self._settings
        if scheme.lower() != "basic" or _key(encoded) != (
            settings.client_id,
            settings.client_secret,
        ):
            return _refused("invalid_client", "Unknown client", UNAUTHORIZED)
        grant_type = form.get("grant_type")
        if grant_type == "password":
            agent = self._key_owner(form.get("username"), form.get("password"))
        elif grant_type == "refresh_token":
            grant = self._tokens.redeem(form.get("refresh_token"))
            agent = grant.agent if grant else None
        else:
            return _refused("unsupported_grant_type", "Unknown grant type", BAD_REQUEST)
        if agent is None:
            return _refused("invalid_grant", "The credentials are not valid", BAD_REQUEST)
        return _json(self._openid_reply(agent))

    async def _configuration(self, request: web.Request) -> web.Response:
        """Where the tenant's interfaces are; without slash and path at the end, unlike the Central service's."""
        if request.query.get("tenantId") != self._settings.tenant:
            return _refused("not_found", "Unknown tenant", 404)
        root = _root(request)
        return _json(
            {
                "private": False,
                "ui_endpoint": root,
                "auth_endpoint": root,
                "api_endpoint": root,
                "area": "na1",
                "cluster": "b2",
                "domain": "nice-incontact.com",
                "acdDomain": "nice-incontact.com",
                "uhDomain": "nice-incontact.com",
                "tenantId": self._settings.tenant,
                "globaldomain": "niceincontact.com",
            }
        )

    def _openid_reply(self, agent: Agent, *, key: bool = False) -> dict[str, Any]:
        settings, tokens = self._settings, self._tokens
        scopes = frozenset(SCOPES)
        access = tokens.issue(agent, scopes, settings.token_seconds)
        until = time.monotonic() + settings.refresh_seconds
        told: dict[str, Any] = {
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": int(settings.token_seconds),
            "refresh_token": tokens.refreshable(agent, scopes, until),
            "id_token": access,
        }
        if key:
            told["refresh_token_expires_in"] = int(settings.refresh_seconds)
        else:
            kind = "urn:ietf:params:oauth:token-type:access_token"
            told["issued_token_type"] = kind
        return told

    def _user(self, name: object, password: object) -> Agent | None:
        agent = self._world.by_name.get(str(name))
        return agent if agent and password == self._settings.password else None

    def _key_owner(self, key: object, secret: object) -> Agent | None:
        head, _, number = str(key).partition("-")
        if head != "key" or not number.isdecimal() or secret != self._settings.password:
            return None
        return self._world.agents.get(int(number))


def _known(asked: frozenset[str]) -> frozenset[str]:
    lowered = {scope.lower() for scope in asked}
    return frozenset(scope for scope in SCOPES if scope.lower() in lowered)


def _key(encoded: str) -> tuple[str, str]:
    try:
        text = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    name, _, rest = text.rpartition(":")
    return name, rest


def _json_body(raw: bytes) -> dict[str, Any] | None:
    try:
        body = json.loads(raw)
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def _root(request: web.Request) -> str:
    return f"{request.scheme}://{request.host}"


def _base(request: web.Request) -> str:
    return f"{_root(request)}/inContactAPI/"


def _json(body: Any, status: int = OK) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(body), content_type="application/json", status=status
    )


def _refused(error: str, text: str, status: int) -> web.Response:
    return _json({"error": error, "error_description": text}, status)


def _error(status: int, error: str, text: str) -> web.Response:
    response = _refused(error, text, status)
    response.set_status(status, text)
    return response


def _part(content: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(content)).decode().rstrip("=")
