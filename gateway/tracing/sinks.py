"""A sink whose deliveries are traced: the same contract around another sink, so that neither side knows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from gateway.contracts import KeyedSink, Report, Sink
from gateway.events import StoredEvent
from gateway.tracing.tracer import Tracing


class _TracedSink:
    def __init__(self, sink: Sink, tracing: Tracing, name: str, kind: str) -> None:
        self._sink = sink
        self._tracing = tracing
        self._name = name
        self._kind = kind

    async def open(self) -> int | None:
        """As the sink."""
        return await self._sink.open()

    async def deliver(self, batch: Sequence[StoredEvent]) -> Report:
        """As the sink."""
        return await self._traced(batch, lambda: self._sink.deliver(batch))

    async def _traced(
        self, batch: Sequence[StoredEvent], offer: Callable[[], Awaitable[Report]]
    ) -> Report:
        trace = self._tracing.delivering(self._name, self._kind, batch)
        if trace is None:
            return await offer()
        with trace:
            report = await offer()
            trace.reported(report)
        return report

    async def close(self) -> None:
        """As the sink."""
        await self._sink.close()


class _TracedKeyedSink(_TracedSink):
    def __init__(
        self, sink: Sink, keyed: KeyedSink, tracing: Tracing, name: str, kind: str
    ) -> None:
        super().__init__(sink, tracing, name, kind)
        self._keyed = keyed

    async def deliver_one(self, event: StoredEvent) -> Report:
        """As the sink."""
        return await self._traced([event], lambda: self._keyed.deliver_one(event))


def traced(sink: Sink, tracing: Tracing | None, *, name: str, kind: str) -> Sink:
    """The sink with spans around its deliveries, also as a `KeyedSink`; itself where nothing is traced."""
    if tracing is None:
        return sink
    if isinstance(sink, KeyedSink):
        return _TracedKeyedSink(sink, sink, tracing, name, kind)
    return _TracedSink(sink, tracing, name, kind)
