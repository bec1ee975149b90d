"""The feed of statistics: one CometD session, and the subscriptions that live in it.

Every request carries the token, those of CometD too; there is nothing to initialize. The `operationId` of
a subscription becomes its id. Subscriptions die with the CometD session, so they are made again in each
new one; what changed meanwhile is read from the subscriptions, as a snapshot.
Sources: statistics-client-js and -java; Statistics API overview.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from connectors._wire.bayeux.values import Batch
from connectors.genesys_engage_cloud.envelope import Envelope
from connectors.genesys_engage_cloud.feed import DENIED, ApiFeed, FeedResume
from connectors.genesys_engage_cloud.mapping.statistics import StatisticsMapper
from connectors.genesys_engage_cloud.settings import (
    GenesysEngageCloudSettings,
    StatisticsSettings,
    Watched,
)
from connectors.genesys_engage_cloud.vendor import (
    STATISTICS,
    STATISTICS_SERVICE,
    STATISTICS_UPDATES,
)
from gateway.contracts import ConnectorContext, Gap, Guarantee
from gateway.errors import AuthRejected, ConnectionFailed, NotReady, Reason
from gateway.events import Event, event_id

SUBSCRIPTIONS = f"{STATISTICS}/subscriptions"


class StatisticsFeed(ApiFeed):
    """The feed of the statistics that are configured."""

    def __init__(
        self,
        settings: GenesysEngageCloudSettings,
        watched: StatisticsSettings,
        context: ConnectorContext,
    ) -> None:
        super().__init__(
            settings,
            context,
            what="statistics",
            agent="",
            guarantee=Guarantee.SNAPSHOT,
            root=STATISTICS,
            channels=(STATISTICS_SERVICE, STATISTICS_UPDATES),
            credentials=settings.credentials_of(watched.account),
            bearer_on_feed=True,
        )
        self._watched = watched
        self._mapper = StatisticsMapper(self.origin)
        self._renewal: asyncio.Task[None] | None = None
        self._rejected: AuthRejected | None = None

    async def close(self) -> None:
        """Stop polling, tending and renewing."""
        renewal, self._renewal = self._renewal, None
        if renewal is not None:
            renewal.cancel()
            await asyncio.wait({renewal})
        await super().close()

    async def snapshot(self) -> list[Event]:
        """The current values of all subscriptions."""
        session, events = self._client.client_id, list[Event]()
        for index, watched in enumerate(self._watched.objects):
            identity = self._subscription(session, index)
            wanted = quote(",".join(self._ids(index, watched)), safe=",")
            answer = await self._call(
                "GET", f"{SUBSCRIPTIONS}/{identity}/statistic-values?statisticIds={wanted}"
            )
            data = answer.data if isinstance(answer.data, dict) else {}
            events += self._mapper.observed(
                data.get("statistics"),
                session=session,
                received=self._clock.now(),
                reconciled=True,
            )
        return events

    async def _open(self, kept: FeedResume | None) -> None:
        self._rejected = None
        await self._tokens.renew()
        await self._client.open(kept.bayeux if kept else None)

    async def _prepare(self) -> None:
        """Subscribe in this CometD session. An id that exists already is only set again."""
        for index, watched in enumerate(self._watched.objects):
            await self._call(
                "POST",
                f"{SUBSCRIPTIONS}?verbose=OFF",
                body={
                    "operationId": self._subscription(self._client.client_id, index),
                    "data": {"statistics": self._statistics(index, watched)},
                },
            )

    async def _call(self, method: str, path: str, body: Any = None) -> Envelope:
        """A request with the token; if that died early, once more with a new one."""
        try:
            return await self._http.call(method, path, body=body, bearer=await self._tokens.valid())
        except AuthRejected:
            return await self._http.call(method, path, body=body, bearer=await self._tokens.renew())

    def _subscription(self, session: str, index: int) -> str:
        return f"tieline-{event_id(self.name, session)[:12]}-{index}"

    def _ids(self, index: int, watched: Watched) -> list[str]:
        return [statistic["statisticId"] for statistic in self._statistics(index, watched)]

    def _statistics(self, index: int, watched: Watched) -> list[dict[str, Any]]:
        definitions = self._watched.definitions
        return [
            {
                "statisticId": f"{index}-{place}-{number}",
                "objectId": object_id,
                "objectType": watched.type,
                **({"definition": definitions[name]} if name in definitions else {"name": name}),
            }
            for place, object_id in enumerate(watched.ids)
            for number, name in enumerate(watched.statistics)
        ]

    def _classify(
        self, status: int, _headers: Mapping[str, str], _body: bytes
    ) -> ConnectionFailed | None:
        """A 401 or 403 to the poll means that the token died early: a new one is fetched beside the poll."""
        if status not in DENIED:
            return None
        if self._rejected is not None or not self._connected:
            return self._rejected or self._http.denied(status)
        if self._renewal is not None and self._renewal.done():
            self._renewal.result()
            self._renewal = None
        if self._renewal is None:
            self._renewal = asyncio.create_task(self._renew(), name=f"{self.name} token")
        return NotReady(
            f"{self._http.peer} does not take the token any more", reason=Reason.SESSION_LOST
        )

    async def _renew(self) -> None:
        try:
            await self._tokens.renew()
        except AuthRejected as error:
            # The next poll is refused as well and ends the feed with this.
            self._rejected = error
        except ConnectionFailed:
            # The server cannot serve now; the next poll that it refuses asks again.
            return

    def _map(self, batch: Batch, received: datetime) -> list[Event]:
        events: list[Event] = []
        for topic, data, ordinal in batch.messages:
            events += self._mapper.map(
                topic, data, session=batch.client_id, ordinal=ordinal, received=received
            )
        return events

    def _state(self, resume: FeedResume, gap: Gap | None) -> FeedResume:
        del gap
        return resume

    def _take_up(self, kept: FeedResume | None) -> None:
        """Values need no memory."""
