"""Keeping the HTTP session of an agent alive under a running poll.

The server ends the session by itself, or because somebody signs in elsewhere. The poll is then
refused with 403; the session is renewed beside it, and the poll goes on in the same CometD session.
Where the session is taken again and again, renewing it would only fight with a person for the
account, so the feed lets go for a while.
Sources: Genesys Web Services API reference, "User Authentication" and "Return Values".
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping

from connectors.genesys_web_services import commands
from connectors.genesys_web_services.client import AgentHttp
from connectors.genesys_web_services.watching import WorkbinWatch
from gateway.clock import Clock
from gateway.errors import AuthRejected, ConnectionFailed, NotReady, ProtocolViolation, Reason

TAKEN_AFTER_RENEWALS = 3
TAKEN_WITHIN_SECONDS = 60.0
"""An HTTP session that must be renewed so often in so short a time is not expiring: somebody else signs in."""


class Renewal:
    """Renews the session of one feed. `begin` when the feed connects, `close` when it ends."""

    def __init__(
        self, http: AgentHttp, watch: WorkbinWatch, *, clock: Clock, name: str, username: str
    ) -> None:
        self._http = http
        self._watch = watch
        self._clock = clock
        self._name = name
        self._username = username
        self._task: asyncio.Task[None] | None = None
        self._at: deque[float] = deque(maxlen=TAKEN_AFTER_RENEWALS)
        self._final: AuthRejected | ProtocolViolation | None = None
        self._running = False

    def forget(self) -> None:
        """The feed is about to sign in anew."""
        self._final = None
        self._at.clear()

    def begin(self) -> None:
        """From now on a refused poll leads to a renewal."""
        self._running = True

    async def close(self) -> None:
        """End a renewal that is under way; raises what it failed with."""
        self._running = False
        task, self._task = self._task, None
        if task is None:
            return
        task.cancel()
        await asyncio.wait({task})
        if not task.cancelled():
            task.result()

    def classify(
        self, status: int, _headers: Mapping[str, str], body: bytes
    ) -> ConnectionFailed | None:
        """What a 403 to the poll means: our HTTP session or the token ran out, and is renewed beside the poll."""
        if not (commands.is_access_denied(status, body) or commands.is_csrf_refusal(status, body)):
            return None
        if self._task is not None and self._task.done():
            self._task.result()
            self._task = None
        if self._final is None and self._task is None and self._is_taken():
            self._final = ProtocolViolation(
                f"somebody else signs in to {self._http.peer} as {self._username!r} again and again",
                reason=Reason.CONFLICT,
                hint="give the gateway an account of its own, or end the other program",
                retry_after_seconds=TAKEN_WITHIN_SECONDS,
            )
        if self._final is not None:
            return self._final
        if self._running and self._task is None:
            self._task = asyncio.create_task(self._renew(), name=f"{self._name} sign-in")
        return NotReady(
            f"{self._http.peer} has ended the HTTP session of {self._username!r}",
            reason=Reason.SESSION_LOST,
        )

    def _is_taken(self) -> bool:
        """Whether the session was renewed so often just now that another renewal would only fight for it."""
        since = self._clock.monotonic() - TAKEN_WITHIN_SECONDS
        return len(self._at) == TAKEN_AFTER_RENEWALS and self._at[0] > since

    async def _renew(self) -> None:
        self._at.append(self._clock.monotonic())
        try:
            await self._http.sign_in()
            await self._watch.subscribe()
        except AuthRejected as error:
            # The next poll is refused as well and ends the feed with this.
            self._final = error
        except ConnectionFailed:
            # The server cannot serve now; the next poll that it refuses asks again.
            return
