"""The feed of the configuration's changes: a provisioning session, one wildcard subscription, watched objects.

The load balancer's cookies belong to the session. Watches die with the CometD session, so they are made
again in each new one, and what was read is read again, for nobody can know what changed meanwhile.
Sources: provisioning-client-js and -java.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from connectors._wire.bayeux.values import Batch
from connectors.genesys_engage_cloud.feed import FeedResume
from connectors.genesys_engage_cloud.feed_session import SessionFeed, by_cookie
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
from gateway.errors import AuthRejected
from gateway.events import Event

INITIALIZE = f"{PROVISIONING}/initialize-provisioning"
OPERATIONS = f"{PROVISIONING}/operations"


class ProvisioningFeed(SessionFeed):
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
            session="the provisioning session",
            what="provisioning",
            agent="",
            guarantee=Guarantee.SNAPSHOT,
            root=PROVISIONING,
            channels=("/*",),
            credentials=settings.credentials_of(watched.account),
        )
        self._watched = watched
        self._mapper = ProvisioningMapper(self.origin)
        self._asked = 0

    async def snapshot(self) -> list[Event]:
        """Nothing at once: what changed comes as the results of the operations that are asked again."""
        try:
            await self._read()
        except AuthRejected as error:
            raise self._as_lost(error) from None
        return []

    async def _initialize(self, token: str) -> None:
        await self._http.call("POST", INITIALIZE, body={}, bearer=token)

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
        with by_cookie():
            await self._http.call("POST", f"{OPERATIONS}/{operation}", body=body)

    async def _keep_alive(self) -> None:
        """Nothing but its own call keeps a session that only listens."""
        reply = await self._http.request("POST", f"{OPERATIONS}/inactivity", body={})
        self._check_alive(reply.status)

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
