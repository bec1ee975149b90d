"""HTTP sessions of the simulated server: Basic credentials once, then the cookie ("User Authentication")."""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
import time
from dataclasses import dataclass

from aiohttp import web

from connectors.genesys_web_services._simulated.model import Agent

COOKIE = "JSESSIONID"


@dataclass(slots=True, eq=False)
class HttpSession:
    """One signed-in user agent."""

    id: str
    agent: Agent
    csrf_token: str
    expires_at: float
    """Monotonic seconds; every request puts it off."""


class HttpSessions:
    """Who is signed in. A session unused for `lifetime_seconds` is gone."""

    def __init__(
        self, agents: dict[str, Agent], lifetime_seconds: float, *, single: bool = False
    ) -> None:
        self._agents = agents
        self._single = single
        self._lifetime = lifetime_seconds
        self._sessions: dict[str, HttpSession] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    def find(self, request: web.Request) -> HttpSession | None:
        """The session of the request's cookie, if it is alive."""
        session = self._sessions.get(request.cookies.get(COOKIE, ""))
        if session is None:
            return None
        now = time.monotonic()
        if now > session.expires_at:
            del self._sessions[session.id]
            return None
        session.expires_at = now + self._lifetime
        return session

    def sign_in(self, request: web.Request) -> HttpSession | None:
        """A new session for valid Basic credentials, else none."""
        scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            username, _, password = base64.b64decode(encoded).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        agent = self._agents.get(username)
        if agent is None or not hmac.compare_digest(password.encode(), agent.password.encode()):
            return None
        if self._single:
            self.end_all(username)
        session = HttpSession(
            id=secrets.token_hex(16),
            agent=agent,
            csrf_token=secrets.token_hex(16),
            expires_at=time.monotonic() + self._lifetime,
        )
        self._sessions[session.id] = session
        return session

    def is_alive(self, session: HttpSession) -> bool:
        """Whether a session is still signed in."""
        return self._sessions.get(session.id) is session

    def end(self, session: HttpSession) -> None:
        """End one session."""
        self._sessions.pop(session.id, None)

    def end_all(self, username: str | None) -> None:
        """End the sessions of one user, or of everybody."""
        self._sessions = {
            key: session
            for key, session in self._sessions.items()
            if username not in {None, session.agent.username}
        }
