"""The simulated authentication service: Windows sign-in by Negotiate or NTLM, then a JSON Web Token ("Authentication").

The handshake is a real one, by pyspnego's side for servers: three legs on one TCP connection, as IIS has them, and the
connection stays signed in afterwards.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import secrets
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import spnego
from aiohttp import web
from spnego.channel_bindings import GssChannelBindings
from spnego.exceptions import SpnegoError

from connectors.clarity_connect._simulated.model import Agent
from connectors.clarity_connect._simulated.settings import SimulatorSettings
from connectors.clarity_connect._simulated.world import World

GRANT_TYPE = "urn:connect.auth:windows"
TOKEN_PATH = "/webauth/token"  # noqa: S105 - a path
CREDENTIALS = "NTLM_USER_FILE"


class Handshakes:
    """Who is signed in on which TCP connection."""

    def __init__(self, settings: SimulatorSettings, world: World) -> None:
        self._settings = settings
        self._world = world
        self._contexts: dict[Any, spnego.ContextProxy] = {}
        self._principals: dict[Any, str] = {}
        self._file: Path | None = None
        self.completed = 0
        self.channel_binding = b""
        """What handshakes must be bound to (RFC 5929); none needed when empty. For sites under TLS."""

    def open(self) -> None:
        """Write the credentials down where pyspnego looks for them."""
        domain = self._settings.domain
        handle, name = tempfile.mkstemp(prefix="logins-")
        logins = [agent.username for agent in self._world.agents.values()]
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            for login in logins:
                for name_form in (f"{domain}:{login}", f":{login}", f":{login}@{domain}"):
                    file.write(f"{name_form}:{self._settings.password}\n")
        self._file = Path(name)

    def close(self) -> None:
        """Remove them."""
        if self._file is not None:
            self._file.unlink(missing_ok=True)

    @contextmanager
    def _credentials(self) -> Iterator[None]:
        """The variable belongs to the whole process, so it is set only while a step is computed."""
        before = os.environ.get(CREDENTIALS)
        os.environ[CREDENTIALS] = str(self._file)
        try:
            yield
        finally:
            if before is None:
                del os.environ[CREDENTIALS]
            else:
                os.environ[CREDENTIALS] = before

    def sign_in(self, request: web.Request) -> str | web.Response:
        """The Windows name, or the answer of a handshake that is under way."""
        connection = request.transport
        self._forget_closed()
        if connection in self._principals:
            return self._principals[connection]
        scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
        offered = {name.lower(): name for name in self._settings.signing_schemes}
        if scheme.lower() not in offered:
            self._contexts.pop(connection, None)
            return self._challenge()
        try:
            token = base64.b64decode(encoded, validate=True)
            with self._credentials():
                context = self._contexts.get(connection)
                if context is None:
                    context = self._server(scheme)
                    self._contexts[connection] = context
                answer = context.step(token)
        except (SpnegoError, binascii.Error, ValueError):
            self._contexts.pop(connection, None)
            return self._challenge()
        if not context.complete:
            name = offered[scheme.lower()]
            return self._refuse([f"{name} {base64.b64encode(answer or b'').decode()}"])
        del self._contexts[connection]
        self.completed += 1
        principal = str(context.client_principal)
        self._principals[connection] = principal
        return principal

    def _server(self, scheme: str) -> spnego.ContextProxy:
        bindings = None
        if self.channel_binding:
            bindings = GssChannelBindings(application_data=self.channel_binding)
        return spnego.server(
            protocol=scheme.lower(),
            channel_bindings=bindings,
            options=spnego.NegotiateOptions.use_ntlm,
        )

    def _challenge(self) -> web.Response:
        return self._refuse(list(self._settings.signing_schemes))

    def _refuse(self, challenges: list[str]) -> web.Response:
        response = web.Response(status=401, text="Unauthorized")
        for challenge in challenges:
            response.headers.add("WWW-Authenticate", challenge)
        return response

    def _forget_closed(self) -> None:
        closed = [
            one for one in (*self._contexts, *self._principals) if one is None or one.is_closing()
        ]
        for connection in closed:
            self._contexts.pop(connection, None)
            self._principals.pop(connection, None)


class Tokens:
    """Issues and checks JSON Web Tokens, signed with a key of its own."""

    def __init__(self, settings: SimulatorSettings, world: World) -> None:
        self._settings = settings
        self._world = world
        self._key = secrets.token_bytes(32)
        self._generation = 1
        self.issued = 0

    def issue(self, agent: Agent, audience: str, issuer: str) -> str:
        """A token that says who the agent is."""
        self.issued += 1
        now = time.time()
        claims = {
            "connect_agent_id": str(agent.id),
            "iss": issuer,
            "aud": audience,
            "exp": int(now + self._settings.token_seconds),
            "nbf": int(now),
            "gen": self._generation,
            "jti": self.issued,
        }
        signed = f"{_encode({'typ': 'JWT', 'alg': 'HS256'})}.{_encode(claims)}"
        return f"{signed}.{self._sign(signed)}"

    def check(self, token: str) -> Agent | None:
        """Whose token it is; none if it is not good or not good any more."""
        signed, _, signature = token.rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._sign(signed).encode()):
            return None
        payload = signed.partition(".")[2]
        claims = msgspec.json.decode(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        if claims["gen"] != self._generation or time.time() >= claims["exp"]:
            return None
        return self._world.agents.get(int(claims["connect_agent_id"]))

    def expire_all(self) -> None:
        """Every token issued so far is dead before its time."""
        self._generation += 1

    def _sign(self, signed: str) -> str:
        digest = hmac.digest(self._key, signed.encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _encode(content: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(content)).decode().rstrip("=")


class TokenHost:
    """POST /webauth/token."""

    def __init__(
        self, settings: SimulatorSettings, world: World, handshakes: Handshakes, tokens: Tokens
    ) -> None:
        self._settings = settings
        self._world = world
        self._handshakes = handshakes
        self._tokens = tokens

    async def answer(self, request: web.Request) -> web.Response:
        """A token for a Windows user who is an agent, asked for by a known application."""
        form = await request.post()
        signed_in = self._handshakes.sign_in(request)
        if isinstance(signed_in, web.Response):
            return signed_in
        if form.get("grant_type") != GRANT_TYPE:
            return _json({"error": "unsupported_grant_type"}, 400)
        client_id = str(form.get("client_id", ""))
        if client_id.lower() not in {known.lower() for known in self._settings.client_ids}:
            error = {"error": "invalid_clientId", "error_description": "client_id is not valid"}
            return _json(error, 400)
        agent = self._world.by_login(signed_in)
        if agent is None:
            return web.Response(status=401, text="Unauthorized")
        issuer = f"{request.scheme}://{request.host}{TOKEN_PATH}"
        return _json(
            {
                "access_token": self._tokens.issue(agent, client_id, issuer),
                "token_type": "bearer",
                "expires_in": int(self._settings.token_seconds) - 1,
            }
        )


def _json(body: Any, status: int = 200) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(body), content_type="application/json", status=status
    )
