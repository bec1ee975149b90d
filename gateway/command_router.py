"""Commands from request to verdict.

A request is checked against the platform's capability table, written down together with its idempotency key, sent once,
and followed to the event that confirms or refutes it, under its deadline. The journal remembers each step, so a command
that was waiting for its event when the process died goes on waiting; one that was waiting for its turn comes back as
`refused`, since it was never sent; one that was being sent comes back as `unknown`, unless an event that was foreseen
decides it.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

import msgspec

from gateway import capabilities, verdicts
from gateway.clock import Clock
from gateway.command_log import CommandLog, Retention, key_of
from gateway.commands import (
    Capability,
    Command,
    CommandRecord,
    CommandRequest,
    Expectation,
    Outcome,
    Status,
)
from gateway.contracts import CommandTarget, Connector, Foreseeing, Journal
from gateway.errors import (
    CommandRefused,
    CommandUncertain,
    ConnectionFailed,
    Reason,
    TielineError,
)
from gateway.events import connector_of
from gateway.evidence import judge
from gateway.rate_limits import RateLimits
from gateway.telemetry import Telemetry

_READ_LIMIT = 500
_FORGET_EVERY_SECONDS = 60.0
_BURST = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandPolicy:
    """Limits of commands.

    Attributes:
        deadline_seconds: how long a verdict may take unless the request says otherwise.
        longest_deadline_seconds: the most that a request may ask for.
        resume_seconds: how long the event that proves a command is waited for after a restart, at the least: feeds
            have to resume first.
        keep_seconds: how long a settled command and its idempotency key are remembered.
        most_in_flight: commands under way at a time; more are refused as rate limited.
        most_kept: settled commands remembered at the most; beyond it the oldest are forgotten early.
    """

    deadline_seconds: float = 15.0
    longest_deadline_seconds: float = 300.0
    resume_seconds: float = 30.0
    keep_seconds: float = 86_400.0
    most_in_flight: int = 1_000
    most_kept: int = 10_000


class AlreadySent(CommandRefused):
    """A command cannot be cancelled any more: it was sent, or has its verdict."""

    default_reason = Reason.CONFLICT


@dataclass(frozen=True, slots=True, kw_only=True)
class Executor:
    """A connector that takes commands, with its table.

    `per_second` is how many it is sent in the long run, and four times as many at once; more are refused.
    """

    connector: Connector
    capabilities: tuple[Capability, ...]
    per_second: float = 50.0


class CommandRouter:
    """Accepts, sends and follows commands of all connectors."""

    def __init__(
        self,
        executors: Mapping[str, Executor] | None = None,
        *,
        journal: Journal,
        telemetry: Telemetry,
        clock: Clock,
        policy: CommandPolicy,
    ) -> None:
        self._executors: dict[str, Executor] = {}
        self._rates: dict[str, RateLimits] = {}
        self._platforms: dict[str, str] = {}
        self._journal = journal
        self._telemetry = telemetry
        self._clock = clock
        self._policy = policy
        self._tasks: asyncio.TaskGroup | None = None
        self._log = CommandLog(
            journal=journal,
            telemetry=telemetry,
            clock=clock,
            retention=Retention(
                keep_seconds=policy.keep_seconds,
                most_kept=policy.most_kept,
                most_untold=policy.most_in_flight,
            ),
            platform=self._platform,
        )
        for name, executor in (executors or {}).items():
            self.add(name, executor)
        self._turns: defaultdict[tuple[str, str], asyncio.Lock] = defaultdict(asyncio.Lock)
        self._waiting: dict[str, asyncio.Timeout] = {}
        """Commands that wait for their turn, which is when they can be cancelled."""
        self._cancelled: set[str] = set()

    def add(self, connector: str, executor: Executor) -> None:
        """Take commands for one more connector, in the place of one of the same name."""
        self._executors[connector] = executor
        self._platforms[connector] = executor.connector.platform
        self._rates[connector] = RateLimits(
            per_second=executor.per_second, burst=max(1.0, _BURST * executor.per_second)
        )

    def remove(self, connector: str) -> None:
        """Take no more commands for a connector; those under way are followed to their verdicts."""
        self._executors.pop(connector, None)

    async def run(self, ready: Callable[[], None]) -> None:
        """Own the commands under way until cancelled; `ready` is called when requests may come."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            for record in await self._log.restore():
                self._take_up(record, tasks)
            ready()
            while True:
                await self._clock.sleep(_FORGET_EVERY_SECONDS)
                await self._log.forget_old()
                for turn in [turn for turn, lock in self._turns.items() if not lock.locked()]:
                    del self._turns[turn]

    async def submit(
        self,
        request: CommandRequest,
        *,
        idempotency_key: str | None,
        requester: str,
        origin: str | None = None,
        traceparent: str | None = None,
    ) -> CommandRecord:
        """Write a command down and begin to send it; `traceparent` is the request's header.

        Returns at once with the record, or with the earlier record when the key was used for the same request before.
        Raises CommandRefused (unknown connector, unsupported, invalid, too many), KeyReused, JournalFull.
        """
        if self._tasks is None:
            raise CommandRefused("the gateway is not ready for commands", reason=Reason.STOPPED)
        executor = self._executor(request)
        capabilities.check(request, executor.capabilities)
        digest = _digest(request)
        key = key_of(requester, idempotency_key)
        async with self._log.holding(key):
            if (known := await self._log.known(key, digest)) is not None:
                return known
            executor = self._executor(request)  # it may have been removed meanwhile
            self._check_rates(request.connector)
            command = self._new_command(request, idempotency_key, requester, origin, traceparent)
            record = CommandRecord(
                command=command,
                outcome=None,
                position=self._journal.statistics().last_position,
                digest=digest,
                updated=command.created,
                foreseen=_foreseen(command, executor.connector),
                queued=self._turns[_turn(command)].locked(),
            )
            await self._log.add(record, key)
        self._tasks.create_task(self._carry_out(record, executor), name=f"command {command.id}")
        return record

    async def cancel(self, command_id: str) -> CommandRecord | None:
        """Take a command back that waits for its turn; None if it is not known.

        Raises AlreadySent: it was sent, or has its verdict.
        """
        record = self._log.get(command_id)
        if record is None:
            return None
        waiting = self._waiting.get(command_id)
        if waiting is None or waiting.expired():
            why = "it has its verdict" if record.final else "it was sent"
            raise AlreadySent(f"the command cannot be cancelled: {why}")
        self._cancelled.add(command_id)
        waiting.reschedule(asyncio.get_running_loop().time())
        return await self._log.wait_final(command_id, self._policy.deadline_seconds)

    def get(self, command_id: str) -> CommandRecord | None:
        """A command that is remembered."""
        return self._log.get(command_id)

    def newest(self) -> Iterator[CommandRecord]:
        """All commands that are remembered, newest first; read it without waiting in between."""
        return self._log.newest()

    async def wait_final(self, command_id: str, seconds: float) -> CommandRecord | None:
        """The record once its verdict stands, or as it is after that time."""
        return await self._log.wait_final(command_id, seconds)

    def _check_rates(self, connector: str) -> None:
        if self._log.in_flight >= self._policy.most_in_flight:
            raise CommandRefused("too many commands are under way", reason=Reason.RATE_LIMITED)
        wait_seconds = self._rates[connector].take(connector, self._clock.monotonic())
        if wait_seconds:
            raise CommandRefused(
                f"connector: {connector!r} is sent at most"
                f" {self._executors[connector].per_second:g} commands a second",
                reason=Reason.RATE_LIMITED,
                retry_after_seconds=wait_seconds,
            )

    def _executor(self, request: CommandRequest) -> Executor:
        executor = self._executors.get(request.connector)
        if executor is None:
            known = ", ".join(sorted(self._executors)) or "none"
            raise CommandRefused(
                f"connector: there is no {request.connector!r}",
                reason=Reason.NOT_FOUND,
                hint=f"connectors that take commands: {known}",
            )
        return executor

    def _new_command(
        self,
        request: CommandRequest,
        key: str | None,
        requester: str,
        origin: str | None,
        traceparent: str | None,
    ) -> Command:
        now = self._clock.now()
        tracing = self._telemetry.tracing
        trace = tracing.commanded(traceparent) if tracing is not None else None
        seconds = request.deadline_seconds or self._policy.deadline_seconds
        return Command(
            id=secrets.token_hex(16),
            verb=request.verb,
            connector=request.connector,
            target=request.target,
            arguments=request.arguments,
            requester=requester,
            created=now,
            deadline=now + timedelta(seconds=min(seconds, self._policy.longest_deadline_seconds)),
            idempotency_key=key,
            origin=origin,
            traceparent=str(trace.context) if trace is not None else None,
            caller_span=trace.caller_span if trace is not None else None,
        )

    async def _carry_out(self, record: CommandRecord, executor: Executor) -> None:
        command = record.command
        sent = False
        try:
            async with asyncio.timeout(self._seconds_left(command)) as deadline:
                self._waiting[command.id] = deadline
                async with self._turns[_turn(command)]:
                    del self._waiting[command.id]
                    if command.id not in self._cancelled:
                        if record.queued:
                            record = await self._log.update(self._at_its_turn(record, executor))
                        sent = True
                        outcome = await self._send(command, executor.connector)
                    else:
                        outcome = verdicts.CANCELLED
        except TimeoutError:
            outcome = (
                verdicts.too_late(sent=sent)
                if command.id not in self._cancelled
                else verdicts.CANCELLED
            )
        finally:
            self._waiting.pop(command.id, None)
            self._cancelled.discard(command.id)
        if outcome.status is Status.UNKNOWN and outcome.reason is not Reason.DEADLINE:
            await self._hope(record, self._seconds_left(command), outcome)
            return
        record = await self._log.settle(record, outcome)
        if outcome.status is Status.ACCEPTED and outcome.expectation is not None:
            await self._follow(
                record, outcome.expectation, self._seconds_left(command), verdicts.UNPROVEN
            )

    def _at_its_turn(self, record: CommandRecord, executor: Executor) -> CommandRecord:
        """What is known of a command when earlier ones are over: their events prove nothing about it."""
        return msgspec.structs.replace(
            record,
            queued=False,
            position=self._journal.statistics().last_position,
            foreseen=_foreseen(record.command, executor.connector),
        )

    @staticmethod
    async def _send(command: Command, connector: Connector) -> Outcome:
        if not isinstance(connector, CommandTarget):
            return Outcome(status=Status.UNSUPPORTED, reason=Reason.UNSUPPORTED)
        try:
            return await connector.execute(command)
        except CommandUncertain as error:
            return Outcome(status=Status.UNKNOWN, reason=error.reason, message=str(error))
        except (CommandRefused, ConnectionFailed) as error:
            # The contract: a connection error raised here means that nothing was sent.
            return Outcome(status=Status.REFUSED, reason=error.reason, message=str(error))
        except Exception as error:  # noqa: BLE001 - a defect must end in a verdict, not in silence
            return Outcome(
                status=Status.UNKNOWN,
                reason=Reason.OTHER,
                message=f"defect while sending: {type(error).__name__}",
            )

    async def _hope(self, record: CommandRecord, seconds: float, otherwise: Outcome) -> None:
        """Without a reply, what was foreseen may still decide."""
        if record.foreseen is None:
            await self._log.settle(record, otherwise)
        else:
            await self._follow(record, record.foreseen, seconds, otherwise)

    async def _follow(
        self, record: CommandRecord, expectation: Expectation, seconds: float, otherwise: Outcome
    ) -> None:
        """Read what the journal gets until an event decides, or the time is over."""
        try:
            async with asyncio.timeout(seconds):
                verdict = await self._find_evidence(record, expectation)
        except TimeoutError:
            verdict = otherwise
        reply = record.outcome.native_reply if record.outcome else None
        await self._log.settle(record, msgspec.structs.replace(verdict, native_reply=reply))

    async def _find_evidence(self, record: CommandRecord, expectation: Expectation) -> Outcome:
        """Only what its own connector tells: two platforms may have agents, numbers and calls of the same name."""
        position, connector = record.position, record.command.connector
        while True:
            events = await self._journal.read(position, _READ_LIMIT)
            for event in events:
                if connector_of(event.source) != connector:
                    continue
                if verdict := judge(expectation, event):
                    return verdict
            if events:
                position = events[-1].position
            else:
                await self._journal.wait(position)

    def _take_up(self, record: CommandRecord, tasks: asyncio.TaskGroup) -> None:
        """Go on with what the last process left: follow what was accepted, admit ignorance of what was being sent."""
        expectation = record.outcome.expectation if record.outcome else None
        seconds = max(self._seconds_left(record.command), self._policy.resume_seconds)
        if expectation is not None:
            work = self._follow(record, expectation, seconds, verdicts.UNPROVEN)
        else:
            unsent = msgspec.structs.replace(record, foreseen=None) if record.queued else record
            work = self._hope(
                unsent, seconds, verdicts.NEVER_SENT if record.queued else verdicts.STOPPED
            )
        tasks.create_task(work, name=f"command {record.command.id}")

    def _platform(self, connector: str) -> str:
        return self._platforms.get(connector, "unknown")

    def _seconds_left(self, command: Command) -> float:
        return max(0.0, (command.deadline - self._clock.now()).total_seconds())


def _foreseen(command: Command, connector: Connector) -> Expectation | None:
    """What will prove the command, if the connector knows; if it refuses the command, it will say so again.

    A failure that does not name the command may be another's, and must not become a certain no.
    """
    if not isinstance(connector, Foreseeing):
        return None
    try:
        expected = connector.foresee(command)
    except TielineError:
        return None
    if expected is None or expected.cause is not None:
        return expected
    return msgspec.structs.replace(expected, refused_by=frozenset())


def _turn(command: Command) -> tuple[str, str]:
    """Commands with the same are sent one after the other: those of one agent, else those about the same object."""
    agent = command.target.agent
    return (command.connector, f"agent/{agent}" if agent else str(command.target))


def _digest(request: CommandRequest) -> str:
    return hashlib.sha256(msgspec.json.encode(request, order="deterministic")).hexdigest()
