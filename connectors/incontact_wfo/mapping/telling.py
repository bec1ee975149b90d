"""One reading of the recorder on its way to events, with the recorder's own words beside them."""

from __future__ import annotations

from datetime import datetime

import msgspec

from connectors._wire import telling
from connectors._wire.json_values import clean
from connectors.incontact_wfo.mapping.reading import Agent, Call
from connectors.incontact_wfo.vendor import AGENT_PATH
from gateway.events import Provenance
from gateway.events.common import Native

_NATIVE_IDS = (
    "callinstance",
    "callid",
    "deviceid",
    "devicealias",
    "station",
    "sgroup",
    "sessionid",
)


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where readings come from. `keep_payload` puts the agent's whole body into every event."""

    feed: str
    source: str
    keep_payload: bool = False


class Cause(msgspec.Struct, kw_only=True):
    """A command that is under way: what is seen of its agent meanwhile, by whatever reading, it has caused.

    `types` are those of the events that it can cause; `seen`: one of them was told.
    """

    command: str
    types: frozenset[str]
    seen: bool = False


class Telling(telling.Telling):
    """Collects the events of one reading."""

    def __init__(self, origin: Origin, *, received: datetime, provenance: Provenance) -> None:
        super().__init__(origin.feed, origin.source, received=received, provenance=provenance)
        self._keep_payload = origin.keep_payload

    def native(
        self,
        agent: Agent | None,
        call: Call | None,
        *,
        state: str = "",
        reference: str | None = None,
    ) -> Native:
        """The recorder's words about an agent's call."""
        ids = {"AgentId": agent.id} if agent else {}
        if call is not None:
            ids |= {name: call.metadata[name] for name in _NATIVE_IDS if name in call.metadata}
        return Native(
            type=AGENT_PATH,
            state=state,
            ids=ids,
            reference=reference,
            payload=clean(agent.payload) if self._keep_payload and agent else None,
        )
