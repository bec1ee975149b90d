"""The connector: one feed, commands over HTTP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from connectors._template import commands
from connectors._template.client import Exchange
from connectors._template.feed import LogFeed
from connectors._template.settings import ExamplePbxSettings
from connectors._template.vendor import PLATFORM_NAME
from connectors._wire.json_values import fields, objects
from gateway.commands import Command, Expectation, Outcome
from gateway.contracts import (
    CommandTarget,
    Connector,
    ConnectorContext,
    Diagnosable,
    Feed,
    Foreseeing,
    Prober,
    Snapshotter,
)
from gateway.errors import NotConnected, Reason
from gateway.events import Event


class ExamplePbx:
    """One exchange."""

    platform = PLATFORM_NAME

    def __init__(self, settings: ExamplePbxSettings, context: ConnectorContext) -> None:
        self.name = context.name
        self._base_url = settings.base_url
        self._exchange = Exchange(settings, context.http)
        self._feed = LogFeed(settings, self._exchange, context)

    @property
    def feeds(self) -> Sequence[Feed]:
        """The one."""
        return (self._feed,)

    async def close(self) -> None:
        """Nothing is held but what the gateway owns."""

    def foresee(self, command: Command) -> Expectation:
        """The event that would prove it."""
        return commands.build(command).expectation

    async def execute(self, command: Command) -> Outcome:
        """Send a command; the feed must be there to see what comes of it."""
        request = commands.build(command)
        if not self._feed.connected:
            raise NotConnected(
                f"the feed {self._feed.name!r} is not connected; nothing was sent",
                reason=Reason.STOPPED,
            )
        status, reply = await self._exchange.send(request, command.id)
        return commands.outcome_of(command, request, status, reply)

    async def snapshot(self, feed: Feed) -> Sequence[Event]:  # noqa: ARG002 - there is only one
        """What a gap left untold."""
        return await self._feed.reconcile()

    async def probe(self) -> str:
        """Read the state once."""
        place, body = await self._exchange.state()
        agents = len(objects(fields(body).get("agents")))
        return f"exchange at {self._exchange.peer}; {agents} agents, log {place.log}"

    def diagnostics(self) -> Mapping[str, Any]:
        """Facts without secrets."""
        return {"base_url": self._base_url, **self._feed.diagnostics()}


if TYPE_CHECKING:

    def _implements(
        connector: ExamplePbx,
    ) -> tuple[Connector, CommandTarget, Foreseeing, Snapshotter, Prober, Diagnosable]:
        return connector, connector, connector, connector, connector, connector
