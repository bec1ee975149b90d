"""HTTP sessions of one of the simulated APIs: a cookie that stands for an owner and for what the API keeps of it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from aiohttp import web

T = TypeVar("T")
MIN_PURGE = 1_000


@dataclass(slots=True, eq=False)
class Session(Generic[T]):
    """One session. `owner` is the user, or the client of a token without one."""

    id: str
    owner: str
    state: T
    expires_at: float
    """Monotonic seconds; every request puts it off."""


class Sessions(Generic[T]):
    """The sessions of one API. One that is unused for `lifetime_seconds` is gone."""

    def __init__(self, cookie: str, lifetime_seconds: float, state: Callable[[], T]) -> None:
        self.cookie = cookie
        self._lifetime = lifetime_seconds
        self._state = state
        self._sessions: dict[str, Session[T]] = {}
        self._purge_at = MIN_PURGE

    def __len__(self) -> int:
        return len(self._sessions)

    @property
    def alive(self) -> list[Session[T]]:
        """All of them, oldest first."""
        return list(self._sessions.values())

    def begin(self, owner: str) -> Session[T]:
        """A new session; `remember` gives its cookie to the client."""
        if len(self._sessions) >= self._purge_at:
            self._purge()
        identity = secrets.token_hex(16)
        session = Session(identity, owner, self._state(), time.monotonic() + self._lifetime)
        self._sessions[identity] = session
        return session

    def _purge(self) -> None:
        """Forget what nobody asked for in time, so that clients which never leave cost nothing for ever."""
        now = time.monotonic()
        self._sessions = {key: one for key, one in self._sessions.items() if now <= one.expires_at}
        self._purge_at = max(2 * len(self._sessions), MIN_PURGE)

    def remember(self, session: Session[T], response: web.StreamResponse) -> None:
        """Set the cookie. Not `Secure`: vendor clients drop such a cookie over plain HTTP, and go on without."""
        response.set_cookie(self.cookie, session.id, path="/", httponly=True)

    def get(self, identity: object) -> Session[T] | None:
        """The session of that id, if it is alive."""
        return self._sessions.get(identity) if isinstance(identity, str) else None

    def find(self, request: web.Request) -> Session[T] | None:
        """The session of the request's cookie, if it is alive."""
        session = self._sessions.get(request.cookies.get(self.cookie, ""))
        if session is None:
            return None
        now = time.monotonic()
        if now > session.expires_at:
            del self._sessions[session.id]
            return None
        session.expires_at = now + self._lifetime
        return session

    def end(self, session: Session[T]) -> None:
        """End one session."""
        self._sessions.pop(session.id, None)

    def of(self, owner: str) -> list[Session[T]]:
        """The sessions of one owner, oldest first."""
        return [one for one in self._sessions.values() if one.owner == owner]

    def end_all(self, owner: str | None) -> None:
        """End the sessions of one owner, or of everybody."""
        for session in self.alive:
            if owner in {None, session.owner}:
                self.end(session)
