"""A feed whose API keeps a session of its own below the CometD session, and knows it by a cookie.

Only the request that begins it carries the token. So what is denied later is a session that is gone, and not an
account that is refused: it is made anew.
Sources: workspace-client-js and -java, provisioning-client-js and -java (`initialize`).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import msgspec

from connectors.genesys_engage_cloud.auth import Credentials
from connectors.genesys_engage_cloud.feed import DENIED, ApiFeed, FeedResume
from connectors.genesys_engage_cloud.settings import GenesysEngageCloudSettings
from gateway.contracts import ConnectorContext, Guarantee
from gateway.errors import (
    AuthRejected,
    ConnectionFailed,
    NotConnected,
    NotReady,
    ProtocolViolation,
    Reason,
)


class SessionFeed(ApiFeed):
    """What the feeds with such a session do alike."""

    def __init__(
        self,
        settings: GenesysEngageCloudSettings,
        context: ConnectorContext,
        *,
        session: str,
        what: str,
        agent: str,
        guarantee: Guarantee,
        root: str,
        channels: Sequence[str],
        credentials: Credentials,
    ) -> None:
        """Take what `ApiFeed` does, and what the session is called in messages."""
        super().__init__(
            settings,
            context,
            what=what,
            agent=agent,
            guarantee=guarantee,
            root=root,
            channels=channels,
            credentials=credentials,
            bearer_on_feed=False,
        )
        self._session = session
        self._session_gone = False

    @abstractmethod
    async def _initialize(self, token: str) -> None:
        """Send the request that begins the session."""

    async def _complete(self) -> None:
        """Wait until a session that was just made can be used."""

    async def _open(self, kept: FeedResume | None) -> None:
        if kept is not None and kept.bayeux.cookies and not self._session_gone:
            try:
                await self._client.open(kept.bayeux)
            except AuthRejected as error:
                if error.reason is not Reason.SESSION_LOST:
                    raise
            else:
                return
        await self._begin()
        self._session_gone = False
        try:
            # What was kept names a session that is lost, so the gap is known; it must not be gone on with unseen.
            await self._client.open(
                msgspec.structs.replace(kept.bayeux, clean=False) if kept else None
            )
        except AuthRejected as error:
            raise NotReady(
                f"{self._http.peer} does not take {self._session} that it made",
                reason=error.reason,
                hint="check that cookies reach the platform, and api_key",
            ) from error
        await self._complete()

    async def _begin(self) -> None:
        token = await self._tokens.renew()
        self._cookies.clear()
        await self._initialize(token)
        if not self._cookies.export():
            raise ProtocolViolation(
                f"{self._http.peer} began {self._session} without a cookie",
                hint="check that no proxy removes Set-Cookie, and use https if the cookie is Secure",
            )

    def _classify(
        self, status: int, _headers: Mapping[str, str], _body: bytes
    ) -> ConnectionFailed | None:
        return self._denied() if status in DENIED else None

    def _check_alive(self, status: int) -> None:
        """Judge the answer to what keeps the session alive. Raises AuthRejected: it is gone."""
        if status in DENIED:
            raise self._denied()

    def _denied(self) -> AuthRejected:
        return AuthRejected(
            f"{self._http.peer} has ended {self._session}", reason=Reason.SESSION_LOST
        )

    def _as_lost(self, error: ConnectionFailed) -> ConnectionFailed:
        if not isinstance(error, AuthRejected) or error.reason is not Reason.SESSION_LOST:
            return error
        self._session_gone = True
        return self._lost()

    def _lost(self, why: str = "") -> ConnectionFailed:
        """The error of a feed whose session is gone: connect again."""
        return NotConnected(
            f"{self._http.peer} has ended {self._session}{why}", reason=Reason.SESSION_LOST
        )


@contextmanager
def by_cookie() -> Iterator[None]:
    """Around a request that only the cookie entitles to: what is denied is gone."""
    try:
        yield
    except AuthRejected as error:
        raise AuthRejected(error.message, reason=Reason.SESSION_LOST) from None
