"""Supervision: which feeds run, one task for each, as connectors come and go."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from gateway.clock import Clock
from gateway.contracts import Connector, Journal
from gateway.feed_runner import FeedRunner, SupervisorPolicy
from gateway.lifecycle import StopSignal
from gateway.liveness import configured_rhythm
from gateway.pausing import ConnectorPauses
from gateway.start_gate import StartGate
from gateway.states import FeedState
from gateway.telemetry import Telemetry


@dataclass(slots=True)
class _Group:
    """The feeds of one connector, which begin and stop together."""

    runners: list[FeedRunner]
    stop: StopSignal = field(default_factory=StopSignal)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def end(self, cause: str) -> None:
        self.stop.request(cause)
        for runner in self.runners:
            runner.interrupt()


class Supervisor:
    """All feeds of all connectors; connectors come and go while it runs.

    Attributes:
        runners: one for each feed of now. The list stays the same object.
    """

    def __init__(
        self,
        connectors: Iterable[Connector] = (),
        *,
        journal: Journal,
        telemetry: Telemetry,
        clock: Clock,
        policy: SupervisorPolicy,
        stop: StopSignal,
        rhythms: Mapping[str, Mapping[str, float]] | None = None,
        pauses: ConnectorPauses | None = None,
    ) -> None:
        """Take up the first connectors; `rhythms` are those of `add`, by connector."""
        self._journal = journal
        self._telemetry = telemetry
        self._clock = clock
        self._policy = policy
        self._stop = stop
        self._pauses = pauses
        self._gate = StartGate(
            per_second=policy.starts_per_second, at_once=policy.starts_at_once, clock=clock
        )
        self._groups: dict[str, _Group] = {}
        self._tasks: asyncio.TaskGroup | None = None
        self.runners: list[FeedRunner] = []
        for connector in connectors:
            self.add(connector, (rhythms or {}).get(connector.name))

    def add(self, connector: Connector, rhythms: Mapping[str, float] | None = None) -> None:
        """Take up a connector's feeds; they begin at once if the supervisor runs. The name must be free.

        Args:
            connector: whose feeds.
            rhythms: expected rhythm in seconds by glob of feed names, see `configured_rhythm`.
        """
        stop = StopSignal()
        group = _Group(
            [
                FeedRunner(
                    connector,
                    feed,
                    journal=self._journal,
                    telemetry=self._telemetry,
                    clock=self._clock,
                    policy=self._policy,
                    gate=self._gate,
                    stop=stop,
                    rhythm_seconds=configured_rhythm(rhythms or {}, feed.name),
                    pause=self._pauses.switch(connector.name) if self._pauses else None,
                )
                for feed in connector.feeds
            ],
            stop,
        )
        self._groups[connector.name] = group
        self.runners += group.runners
        if self._tasks is not None:
            self._start(group, self._tasks)

    async def remove(self, connector: str) -> None:
        """Drain a connector's feeds, let go of their sessions without ending them, and forget them.

        What does not drain in time is cancelled, which loses nothing: it was not acknowledged. Raises KeyError.
        """
        group = self._groups.pop(connector)
        group.end("removed")
        if group.tasks:
            limit = self._policy.drain_seconds + self._policy.close_seconds
            _, late = await asyncio.wait(group.tasks, timeout=limit)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)
        for runner in group.runners:
            runner.leave()
            self.runners.remove(runner)

    async def run(self) -> None:
        """Run every feed until the stop signal and its drain."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            for group in self._groups.values():
                self._start(group, tasks)
            await self._stop.wait()
            self._tasks = None
            for group in self._groups.values():
                group.end(self._stop.cause)

    def _start(self, group: _Group, tasks: asyncio.TaskGroup) -> None:
        group.tasks = [
            tasks.create_task(runner.run(), name=f"feed {runner.feed.name}")
            for runner in group.runners
        ]

    def states(self) -> Counter[FeedState]:
        """How many feeds are in which state."""
        return Counter(runner.state for runner in self.runners if runner.state is not None)
