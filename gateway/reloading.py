"""Takes a changed configuration over while the gateway runs: only what differs is swapped, the rest notices nothing.

The file is read and judged whole before anything happens; a bad file changes nothing. Then, one block after the other:
out with what is gone or changed, up with what is new or changed. A changed connector goes on with the sessions that
its feeds had, a changed sink where its position stands. What a running gateway cannot take over is named.

Files that the configuration draws on (secrets, certificates, accounts) are taken over without being asked, through the
same steps: the text that is in force is resolved once more, so what somebody is writing into the file meanwhile waits
for its reload.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from typing import Generic, Protocol, TypeVar

from config.changes import BlockNames, Changes, changes, with_swapped
from config.files import Files
from config.settings import Config, GatewaySettings
from gateway.api.reload_report import BlockChanges, ReloadFailure, ReloadReport
from gateway.errors import ConfigError, TielineError
from gateway.roster import Roster
from gateway.telemetry import Telemetry


class _Named(Protocol):
    @property
    def name(self) -> str: ...


Block = TypeVar("Block", bound=_Named)


class _Removes(Protocol):
    def __call__(self, name: str, *, for_good: bool) -> Awaitable[None]: ...


class Reloader:
    """Reloads on request, one at a time."""

    def __init__(
        self,
        config: Config,
        *,
        read: Callable[[], Config],
        read_again: Callable[[Config], Config],
        roster: Roster,
        take_over: Callable[[GatewaySettings], Awaitable[None]],
        telemetry: Telemetry,
    ) -> None:
        """Take the configuration of the start, all blocks of which run.

        Args:
            config: of the start.
            read: reads the file again; raises ConfigError.
            read_again: reads what a configuration draws on again, but not the file itself; raises ConfigError.
            roster: takes blocks up and out.
            take_over: applies the keys of `config.changes.SWAPPED`.
            telemetry: is told.
        """
        self._config = config
        self._read = read
        self._read_again = read_again
        self._take_over = take_over
        self._telemetry = telemetry
        self._connectors = _Blocks(
            "connector",
            config.connectors,
            roster.add_connector,
            roster.remove_connector,
            roster.try_connector,
        )
        self._sinks = _Blocks("sink", config.sinks, roster.add_sink, roster.remove_sink)
        self._awaiting_restart: Sequence[str] = ()
        self._one_at_a_time = asyncio.Lock()
        self._asked = asyncio.Event()

    def request(self) -> None:
        """Ask for a reload, from a signal handler; asking again before it began asks once."""
        self._asked.set()

    async def run(self) -> None:
        """Do what `request` asks for, until cancelled."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            try:
                await self.reload()
            except TielineError as error:
                self._telemetry.reload_refused(error)

    async def reload(self) -> ReloadReport:
        """Read the file and take it over; what came of it.

        Raises ConfigError: the file is bad, nothing has changed; JournalError: some blocks have. After an error, a
        cancellation or a block that failed, the next reload finds what is still to do.
        """
        async with self._one_at_a_time:
            wanted = await asyncio.to_thread(self._read)
            report = await self._swap(wanted, changes(self._in_force(), wanted))
            self._tell(report, report.need_restart)
            return report

    async def take_files(self) -> None:
        """Read what the configuration draws on again and take it over. Raises as `reload` does."""
        async with self._one_at_a_time:
            wanted = await asyncio.to_thread(self._read_again, self._config)
            found = changes(self._in_force(), wanted)
            need_restart = [key for key in found.need_restart if key not in self._awaiting_restart]
            report = await self._swap(wanted, found)
            if found.connectors or found.sinks or found.swapped or need_restart:
                self._tell(report, need_restart, files=True)

    @property
    def files(self) -> Files:
        """Files that the configuration in force draws on, as they were when they were read."""
        return self._config.files

    async def _swap(self, wanted: Config, found: Changes) -> ReloadReport:
        failed = [
            *await self._connectors.swap(found.connectors, wanted.connectors),
            *await self._sinks.swap(found.sinks, wanted.sinks),
        ]
        await self._take_over(wanted.gateway)
        self._config = replace(wanted, gateway=with_swapped(self._config.gateway, wanted.gateway))
        self._awaiting_restart = found.need_restart
        return ReloadReport(
            connectors=_told(found.connectors),
            sinks=_told(found.sinks),
            taken_over=found.swapped,
            need_restart=found.need_restart,
            failed=failed,
            warnings=[str(warning) for warning in wanted.warnings],
        )

    def _tell(
        self, report: ReloadReport, need_restart: Sequence[str], *, files: bool = False
    ) -> None:
        result = "needs_restart" if need_restart else "taken_over"
        hints = [f"restart the gateway for {', '.join(need_restart)}"] if need_restart else []
        if report.failed:
            result = "failed"
            hints.insert(0, "mend the blocks that failed, and reload")
        self._telemetry.taken_over(report, result=result, hint="; ".join(hints), files=files)

    def _in_force(self) -> Config:
        return replace(self._config, connectors=self._connectors.running, sinks=self._sinks.running)


class _Blocks(Generic[Block]):
    """The blocks of one list that run."""

    def __init__(
        self,
        kind: str,
        running: Iterable[Block],
        add: Callable[[Block], None],
        remove: _Removes,
        attempt: Callable[[Block], Awaitable[None]] | None = None,
    ) -> None:
        self._kind = kind
        self._attempt = attempt
        self._running = {block.name: block for block in running}
        self._add = add
        self._remove = remove

    @property
    def running(self) -> tuple[Block, ...]:
        return tuple(self._running.values())

    async def swap(self, found: BlockNames, wanted: Iterable[Block]) -> list[ReloadFailure]:
        """Out with what is gone, then each changed or new block up; those that could not be built."""
        for name in found.removed:
            await self._take_out(name, for_good=True)
        failures = []
        for block in wanted:
            if block.name not in (*found.changed, *found.added):
                continue
            before = self._running.get(block.name)
            try:
                if before is not None:
                    if self._attempt is not None:
                        await self._attempt(block)
                    await self._take_out(block.name, for_good=False)
                self._take_up(block)
            except ConfigError as error:
                failures.append(self._failure(block, error))
                if before is not None and block.name not in self._running:
                    self._take_up_again(before, failures)
        return failures

    def _take_up_again(self, before: Block, failures: list[ReloadFailure]) -> None:
        try:
            self._take_up(before)
        except ConfigError as error:
            # It reads a file that has become unusable. It comes as new with the next change.
            failures.append(self._failure(before, error))

    def _failure(self, block: Block, error: ConfigError) -> ReloadFailure:
        return ReloadFailure(
            block=f"{self._kind}/{block.name}", message=error.message, hint=error.hint
        )

    async def _take_out(self, name: str, *, for_good: bool) -> None:
        await self._remove(name, for_good=for_good)
        del self._running[name]

    def _take_up(self, block: Block) -> None:
        self._add(block)
        self._running[block.name] = block


def _told(found: BlockNames) -> BlockChanges:
    return BlockChanges(added=found.added, removed=found.removed, changed=found.changed)
