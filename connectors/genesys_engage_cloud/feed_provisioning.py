"""The feed of the configuration's changes: a provisioning session, one wildcard subscription, watched objects.

Only the first request carries the token; its cookies are the session from here on, the load balancer's
among them. Watches die with the CometD session, so they are made again in each new one, and what was read
is read again, for nobody can know what changed meanwhile.
Sources: provisioning-client-js and -java.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from connectors._wire.bayeux.values import Batch
from connectors.genesys_engage_cloud.feed import DENIED, ApiFeed, FeedResume, session_lost
from connectors.genesys_engage_cloud.mapping.provisioning import (
    ProvisioningMapper,
    operation_result_id,
)
from connectors.genesys_engage_cloud.settings import (
    GenesysEngageCloudSettings,
    ProvisioningSettings,
)
from connectors.genesys_engage_cloud.vendor import PROVISIONING
from gateway.contracts import ConnectorContext, Gap, Guarantee
from gateway.errors import AuthRejected, ConnectionFailed, ProtocolViolation, Reason
from gateway.events import Event

INITIALIZE = f"{PROVISIONING}/initialize-provisioning"
OPERATIONS = f"{PROVISIONING}/operations"
_WHAT = "the provisioning session"


class ProvisioningFeed(ApiFeed):
    """The feed of the changes that are configured."""

    def __init__(
        self,
        settings: GenesysEngageCloudSettings,
        watched: ProvisioningSettings,
        context: ConnectorContext,
    ) -> None:
        super().__init__(
            settings,
            context,
            what="provisioning",
            agent="",
            guarantee=Guarantee.SNAPSHOT,
            root=PROVISIONING,
            channels=("/*",),
            credentials=settings.credentials_of(watched.account),
            bearer_on_feed=False,
        )
        self._watched = watched
        self._mapper = ProvisioningMapper(self.origin)
        self._session_gone = False
        self._asked = 0

    async def snapshot(self) -> list[Event]:
        """Nothing at once: what changed comes as the results of the operations that are asked again."""
        try:
            await self._read()
        except AuthRejected as error:
            raise self._as_lost(error) from None
        return []

    async def _open(self, kept: FeedResume | None) -> None:
        if kept is not None and kept.bayeux.cookies and not self._session_gone:
            try:
                await self._client.open(kept.bayeux)
            except AuthRejected as error:
                # The session is gone, not the account: it is made anew.
                if error.reason is not Reason.SESSION_LOST:
                    raise
            else:
                return
        token = await self._tokens.renew()
        self._cookies.clear()
        await self._http.call("POST", INITIALIZE, body={}, bearer=token)
        if not self._cookies.export():
            raise ProtocolViolation(
                f"{self._http.peer} began a provisioning session without a cookie",
                hint="check that no proxy removes Set-Cookie",
            )
        self._session_gone = False
        await self._client.open(msgspec.structs.replace(kept.bayeux, clean=False) if kept else None)

    async def _prepare(self) -> None:
        if self._watched.watch:
            await self._ask("watch-objects", {"data": {"types": list(self._watched.watch)}})
        await self._read()

    async def _read(self) -> None:
        for name in self._watched.read:
            self._asked += 1
            identity = operation_result_id(name, self._asked)
            await self._ask(f"{name}?_aioId={identity}", {})

    async def _ask(self, operation: str, body: dict[str, Any]) -> None:
        """Send an operation. The cookie stands for the session: what is denied is gone."""
        try:
            await self._http.call("POST", f"{OPERATIONS}/{operation}", body=body)
        except AuthRejected as error:
            raise AuthRejected(error.message, reason=Reason.SESSION_LOST) from None

    async def _keep_alive(self) -> None:
        """Nothing but its own call keeps a session that only listens."""
        reply = await self._http.request("POST", f"{OPERATIONS}/inactivity", body={})
        if reply.status in DENIED:
            raise AuthRejected(f"{self._http.peer} has ended {_WHAT}", reason=Reason.SESSION_LOST)

    def _classify(
        self, status: int, _headers: Mapping[str, str], _body: bytes
    ) -> ConnectionFailed | None:
        """A 401 or 403 to the poll means that the cookie stands for no session any more."""
        if status not in DENIED:
            return None
        return AuthRejected(f"{self._http.peer} has ended {_WHAT}", reason=Reason.SESSION_LOST)

    def _as_lost(self, error: ConnectionFailed) -> ConnectionFailed:
        if not isinstance(error, AuthRejected) or error.reason is not Reason.SESSION_LOST:
            return error
        self._session_gone = True
        return session_lost(self._http.peer, _WHAT)

    def _map(self, batch: Batch, received: datetime) -> list[Event]:
        events: list[Event] = []
        for topic, data, ordinal in batch.messages:
            events += self._mapper.map(
                topic, data, session=batch.client_id, ordinal=ordinal, received=received
            )
        return events

    def _state(self, resume: FeedResume, gap: Gap | None) -> FeedResume:
        del gap
        return msgspec.structs.replace(resume, directory=self._mapper.picture)

    def _take_up(self, kept: FeedResume | None) -> None:
        self._mapper = ProvisioningMapper(self.origin, kept.directory if kept else None)
