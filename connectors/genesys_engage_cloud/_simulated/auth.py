"""The Authentication API: tokens by every grant, sign-in, who am I (clients and overview of the Authentication API)."""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
import time
from dataclasses import dataclass
from urllib.parse import unquote, urlencode, urlsplit

import msgspec
from aiohttp import web

from connectors.genesys_engage_cloud._simulated.http import (
    bearer,
    done,
    parameters,
    read_body,
    reply,
)
from connectors.genesys_engage_cloud._simulated.model import Agent
from connectors.genesys_engage_cloud._simulated.sessions import Sessions
from connectors.genesys_engage_cloud._simulated.world import (
    FORBIDDEN,
    UNAUTHORIZED,
    Refusal,
    World,
)

ROOT = "/auth/v3"
CODE_SECONDS = 60.0
CONTACT_CENTER = "c0000000-0000-0000-0000-000000000001"
ENVIRONMENT = "e0000000-0000-0000-0000-000000000001"
JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token or code stands for. Without a username it is the client itself."""

    username: str | None
    expires_at: float
    redirect_uri: str = ""


class TokenRefused(Exception):
    """An OAuth2 error: `error` is its code."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.error = error
        self.status = status


class Auth:
    """Who may ask. `user` and `owner` are for the other APIs."""

    def __init__(self, world: World) -> None:
        self._world = world
        settings = world.settings
        self._tokens: dict[str, Grant] = {}
        self._refresh: dict[str, Grant] = {}
        self._codes: dict[str, Grant] = {}
        self.browsers: Sessions[None] = Sessions(
            "GENESYS_SESSION", settings.http_session_seconds, lambda: None
        )
        self.issued = 0
        """How many access tokens were given out."""

    def routes(self) -> list[web.RouteDef]:
        """Everything below /auth/v3."""
        return [
            web.post(f"{ROOT}/oauth/token", self._token),
            web.post(f"{ROOT}/token", self._token),
            web.get(f"{ROOT}/oauth/authorize", self._authorize),
            web.post(f"{ROOT}/sign-in", self._sign_in),
            web.post(f"{ROOT}/sign-out", self._sign_out),
            web.get(f"{ROOT}/sign-out", self._sign_out),
            web.get(f"{ROOT}/ping", self._ping),
            web.get(f"{ROOT}/userinfo", self._userinfo),
            web.get(f"{ROOT}/openid/userinfo", self._openid),
            web.get(f"{ROOT}/jwt-userinfo", self._jwt_userinfo),
            web.post(f"{ROOT}/userinfo", self._userinfo),
            web.post(f"{ROOT}/change-password", self._change_password),
            web.post(f"{ROOT}/auth-scheme", self._auth_scheme),
        ]

    def owner(self, request: web.Request) -> str | None:
        """The user of the request's token, or the client's id; none without a good token."""
        grant = self._tokens.get(bearer(request))
        if grant is None or time.monotonic() > grant.expires_at:
            return None
        return grant.username or self._world.settings.client_id

    def require_owner(self, request: web.Request) -> str:
        """As `owner`. Raises Refusal: 401."""
        owner = self.owner(request)
        if owner is None:
            raise Refusal(UNAUTHORIZED, "the access token is missing, unknown or expired")
        return owner

    def redeem(self, code: str, redirect_uri: str) -> str:
        """The user of an authorization code, which is used up by it. Raises Refusal: 401."""
        grant = self._codes.pop(code, None)
        if grant is None or time.monotonic() > grant.expires_at or grant.username is None:
            raise Refusal(UNAUTHORIZED, "the code is unknown or expired")
        if grant.redirect_uri != redirect_uri:
            raise Refusal(UNAUTHORIZED, "redirect_uri is not that of the code")
        return grant.username

    def expire(self, username: str | None) -> int:
        """Let access tokens die, of one user or all; returns how many."""
        doomed = [key for key, one in self._tokens.items() if username in {None, one.username}]
        for key in doomed:
            del self._tokens[key]
        return len(doomed)

    async def _token(self, request: web.Request) -> web.Response:
        form = {key: str(value) for key, value in (await request.post()).items()}
        try:
            self._check_client(request)
            username = self._grant(form)
        except TokenRefused as refused:
            body = {"error": refused.error, "error_description": str(refused)}
            return reply(body, refused.status)
        return reply(self._issue(username))

    def _issue(self, username: str | None) -> dict[str, object]:
        seconds, now = self._world.settings.token_seconds, time.monotonic()
        self.issued += 1
        token, refresh = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
        # The oldest are forgotten, so that a test which signs in for hours stays small.
        for store in (self._tokens, self._refresh):
            while len(store) >= MAX_TOKENS:
                del store[next(iter(store))]
        self._tokens[token] = Grant(username, now + seconds)
        body: dict[str, object] = {
            "access_token": token,
            "token_type": "bearer",
            "expires_in": max(int(seconds), 1),
            "scope": "*",
        }
        if username is not None:
            self._refresh[refresh] = Grant(username, float("inf"))
            body["refresh_token"] = refresh
        return body

    def _check_client(self, request: web.Request) -> None:
        settings = self._world.settings
        found = _basic(request)
        expected = (settings.client_id, settings.client_secret)
        if found is None or not _same(":".join(found), ":".join(expected)):
            raise TokenRefused("invalid_client", "bad client credentials", UNAUTHORIZED)

    def _grant(self, form: dict[str, str]) -> str | None:
        kind = form.get("grant_type")
        if form.get("scope", "*") not in {"*", ""}:
            raise TokenRefused("invalid_scope", "only the scope * is supported")
        if kind == "client_credentials":
            return None
        if kind == "password":
            agent = self._check_user(form.get("username", ""), form.get("password", ""))
            if agent is None:
                raise TokenRefused("invalid_grant", "bad user credentials")
            return agent.username
        if kind == "authorization_code":
            return self._redeemed(form)
        if kind == "refresh_token":
            return self._refreshed(form.get("refresh_token", ""))
        if kind == JWT_GRANT:
            username = _subject(form.get("assertion", ""))
            if username in self._world.agents:
                return username
            raise TokenRefused("invalid_grant", "the assertion names no user")
        raise TokenRefused("unsupported_grant_type", f"grant_type {kind!r} is not supported")

    def _redeemed(self, form: dict[str, str]) -> str:
        try:
            return self.redeem(form.get("code", ""), form.get("redirect_uri", ""))
        except Refusal as refusal:
            raise TokenRefused("invalid_grant", str(refusal)) from None

    def _refreshed(self, token: str) -> str | None:
        """A refresh token is good for once."""
        grant = self._refresh.pop(token, None)
        if grant is None:
            raise TokenRefused("invalid_grant", "the refresh token is unknown")
        return grant.username

    def _check_user(self, name: str, password: str) -> Agent | None:
        """The agent of tenant, backslash, user, or of user alone; the backslash may be percent-encoded."""
        tenant, _, username = unquote(name).rpartition("\\")
        agent = self._world.agents.get(username)
        if agent is None or tenant not in {"", self._world.settings.tenant}:
            return None
        return agent if _same(password, agent.password) else None

    async def _authorize(self, request: web.Request) -> web.Response:
        browser = self.browsers.find(request)
        username = browser.owner if browser else None
        if username is None and (found := _basic(request)) is not None:
            agent = self._check_user(*found)
            username = agent.username if agent else None
        query = request.query
        target = query.get("redirect_uri", "")
        if query.get("client_id") != self._world.settings.client_id or not urlsplit(target).scheme:
            return reply({"error": "invalid_request"}, 400)
        if username is None:
            return web.Response(status=302, headers={"Location": f"/ui/auth/sign-in.html?{target}"})
        if query.get("response_type") == "token":
            issued = self._issue(username)
            fields = {key: issued[key] for key in ("access_token", "token_type", "expires_in")}
            return web.Response(status=302, headers={"Location": f"{target}#{urlencode(fields)}"})
        code = secrets.token_urlsafe(8)
        while len(self._codes) >= MAX_TOKENS:
            del self._codes[next(iter(self._codes))]
        self._codes[code] = Grant(username, time.monotonic() + CODE_SECONDS, target)
        joint = "&" if urlsplit(target).query else "?"
        return web.Response(status=302, headers={"Location": f"{target}{joint}code={code}"})

    async def _sign_in(self, request: web.Request) -> web.Response:
        form = await request.post()
        name = str(form.get("username", ""))
        if tenant := str(form.get("tenant", "")):
            name = f"{tenant}\\{name}"
        agent = self._check_user(name, str(form.get("password", "")))
        if agent is None:
            return web.Response(status=302, headers={"Location": "/ui/auth/sign-in.html?error"})
        response = web.Response(status=302, headers={"Location": str(form.get("saved", "/"))})
        self.browsers.remember(self.browsers.begin(agent.username), response)
        return response

    async def _sign_out(self, request: web.Request) -> web.Response:
        if (browser := self.browsers.find(request)) is not None:
            self.browsers.end(browser)
        if request.query.get("global") == "true" and (owner := self.owner(request)):
            self.expire(owner)
        self._tokens.pop(bearer(request), None)
        if target := request.query.get("redirectUri"):
            return web.Response(status=302, headers={"Location": target})
        return done()

    def _agent(self, request: web.Request) -> Agent | None:
        browser = self.browsers.find(request)
        name = self.owner(request) or (browser.owner if browser else "")
        return self._world.agents.get(name)

    async def _ping(self, request: web.Request) -> web.Response:
        known = self.owner(request) is not None or self._agent(request) is not None
        return done() if known else reply(Refusal(FORBIDDEN, "not signed in").body(), FORBIDDEN)

    def _info(self, request: web.Request) -> dict[str, object]:
        agent = self._agent(request)
        if agent is None:
            raise Refusal(FORBIDDEN, "not signed in")
        return {
            "username": f"{self._world.settings.tenant}\\{agent.username}",
            "loginName": agent.username,
            "cmeUserName": agent.username,
            "contactCenterId": CONTACT_CENTER,
            "environmentId": ENVIRONMENT,
            "dbid": agent.dbid,
            "authorities": [{"name": "ROLE_AGENT", "privileges": []}],
            "properties": {},
        }

    async def _userinfo(self, request: web.Request) -> web.Response:
        return reply(self._info(request))

    async def _openid(self, request: web.Request) -> web.Response:
        """The same in OpenID's words."""
        info = self._info(request)
        return reply(
            {
                "sub": info["username"],
                "aud": [self._world.settings.client_id],
                "user_name": info["loginName"],
                "contact_center_id": CONTACT_CENTER,
                "environment_id": ENVIRONMENT,
                **{key: info[key] for key in ("dbid", "authorities", "properties")},
            }
        )

    async def _jwt_userinfo(self, request: web.Request) -> web.Response:
        claims = base64.urlsafe_b64encode(msgspec.json.encode(self._info(request))).decode()
        return web.Response(status=200, headers={"X-GWS-User": f"e30.{claims.rstrip('=')}."})

    async def _change_password(self, request: web.Request) -> web.Response:
        agent = self._agent(request)
        data = parameters(await read_body(request))
        if agent is None or not _same(str(data.get("oldPassword", "")), agent.password):
            raise Refusal(FORBIDDEN, "the old password is wrong")
        agent.password = str(data.get("newPassword", ""))
        return done()

    async def _auth_scheme(self, _request: web.Request) -> web.Response:
        return done({"scheme": "basic"})


MAX_TOKENS = 10_000


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


def _basic(request: web.Request) -> tuple[str, str] | None:
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, _, secret = base64.b64decode(encoded).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return name, secret


def _subject(assertion: str) -> str:
    """The `sub` of a JWT whose signature nobody looks at here."""
    try:
        claims = assertion.split(".")[1]
        body = msgspec.json.decode(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
        return str(body["sub"])
    except (IndexError, KeyError, TypeError, ValueError, binascii.Error, msgspec.DecodeError):
        return ""
