"""The Prometheus sink: nothing is sent, figures are pulled at the gateway's own /metrics."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.contracts import Report, Sink, SinkContext
from gateway.errors import ConfigError, NotReady, Reason
from gateway.events import StoredEvent, connector_of
from sinks.prometheus.figures import OTHER, Figures
from sinks.prometheus.settings import PrometheusSettings


class PrometheusSink:
    """Shows figures from `open` to `close`, and counts the events in between."""

    def __init__(self, settings: PrometheusSettings, context: SinkContext) -> None:
        self._registry = context.metrics
        self._figures = Figures(
            context.picture,
            max_queues=settings.max_queues,
            max_values=settings.max_values,
            agents=settings.agents,
        )
        self._shown = False

    async def open(self) -> int | None:
        """Show the figures. Raises ConfigError: another sink shows them already."""
        if not self._shown:
            try:
                self._registry.register(self._figures)
            except ValueError as error:
                raise ConfigError(
                    "another prometheus sink shows the same metrics already",
                    hint="configure one sink of this kind",
                ) from error
            self._shown = True
        return None

    async def deliver(self, batch: Sequence[StoredEvent]) -> Report:
        """Count the events; all are settled. Raises NotReady if not open."""
        if not self._shown:
            raise NotReady("the prometheus sink is not open", reason=Reason.STOPPED)
        for event in batch:
            connector = _connector_of(event)
            self._figures.count(connector, event.type)
            if self._figures.wants(event):
                self._figures.observe(connector, event)
        return Report(settled=len(batch))

    async def close(self) -> None:
        """Show the figures no longer."""
        if self._shown:
            self._shown = False
            self._registry.unregister(self._figures)


def _connector_of(event: StoredEvent) -> str:
    try:
        return connector_of(event.source)
    except IndexError:
        return OTHER


def build(settings: PrometheusSettings, context: SinkContext) -> Sink:
    """A Prometheus sink from its settings."""
    return PrometheusSink(settings, context)
