"""Commands from request to verdict.

A request is checked against the platform's capability table, written down together with its idempotency key, sent once,
and followed to the event that confirms or refutes it, under its deadline. The journal remembers each step, so a command
that was waiting for its event when the process died goes on waiting; one that was being sent comes back as `unknown`.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

import msgspec

from gateway import capabilities, command_events
from gateway.clock import Clock
from gateway.commands import (
    Capability,
    Command,
    CommandRecord,
    CommandRequest,
    Expectation,
    Outcome,
    Status,
)
from gateway.contracts import CommandTarget, Connector, Journal
from gateway.errors import (
    CommandRefused,
    CommandUncertain,
    ConnectionFailed,
    JournalFull,
    Reason,
    TielineError,
)
from gateway.evidence import judge
from gateway.telemetry import Telemetry

_NAMESPACE = "commands"
_KEYS = "idempotency"
_READ_LIMIT = 500
_KEPT_ARGUMENT_BYTES = 4096
OMITTED = "[omitted]"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandPolicy:
    """Limits of commands.

    Attributes:
        deadline_seconds: how long a verdict may take unless the request says otherwise.
        longest_deadline_seconds: the most that a request may ask for.
        keep_seconds: how long a settled command and its idempotency key are remembered.
        most_in_flight: commands under way at a time; more are refused as rate limited.
        most_kept: settled commands remembered at the most; beyond it the oldest are forgotten early.
    """

    deadline_seconds: float = 15.0
    longest_deadline_seconds: float = 300.0
    keep_seconds: float = 86_400.0
    most_in_flight: int = 1_000
    most_kept: int = 10_000


class KeyReused(TielineError):
    """An idempotency key came again with another request."""

    default_reason = Reason.CONFLICT


@dataclass(frozen=True, slots=True, kw_only=True)
class Executor:
    """A connector that takes commands, with its table."""

    connector: Connector
    capabilities: tuple[Capability, ...]


class CommandRouter:
    """Accepts, sends and follows commands of all connectors."""

    def __init__(
        self,
        executors: Mapping[str, Executor],
        *,
        journal: Journal,
        telemetry: Telemetry,
        clock: Clock,
        policy: CommandPolicy,
    ) -> None:
        self._executors = executors
        self._journal = journal
        self._telemetry = telemetry
        self._clock = clock
        self._policy = policy
        self._tasks: asyncio.TaskGroup | None = None
        self._records: dict[str, CommandRecord] = {}
        self._changed: dict[str, asyncio.Event] = {}
        self._agents: defaultdict[tuple[str, str], asyncio.Lock] = defaultdict(asyncio.Lock)

    async def run(self, ready: Callable[[], None]) -> None:
        """Own the commands under way until cancelled; `ready` is called when requests may come."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            await self._recover(tasks)
            ready()
            while True:
                await self._clock.sleep(60.0)
                await self._forget_old()

    async def submit(
        self, request: CommandRequest, *, idempotency_key: str | None, requester: str
    ) -> CommandRecord:
        """Write a command down and begin to send it.

        Returns at once with the record, or with the earlier record when the key was used for the same request before.
        Raises CommandRefused (unknown connector, unsupported, invalid, too many), KeyReused, JournalFull.
        """
        if self._tasks is None:
            raise CommandRefused("the gateway is not ready for commands", reason=Reason.STOPPED)
        executor = self._executor(request)
        capabilities.check(request, executor.capabilities)
        digest = _digest(request)
        kept_key = None if idempotency_key is None else f"{requester}/{idempotency_key}"
        if kept_key is not None and (known := await self._known(kept_key, digest)):
            return known
        if len(self._changed) >= self._policy.most_in_flight:
            raise CommandRefused("too many commands are under way", reason=Reason.RATE_LIMITED)
        record = self._new_record(request, idempotency_key, requester, digest)
        if kept_key is not None:
            value = msgspec.json.encode([record.command.id, digest])
            if await self._journal.put_if_absent(_KEYS, kept_key, value) is not None:
                # The same key came twice at the same moment; the other one is the command.
                known = await self._known(kept_key, digest)
                if known is not None:
                    return known
        self._changed[record.command.id] = asyncio.Event()
        try:
            await self._keep(record)
        except BaseException:
            self._changed.pop(record.command.id, None)
            raise
        self._tasks.create_task(
            self._carry_out(record, executor), name=f"command {record.command.id}"
        )
        return record

    def get(self, command_id: str) -> CommandRecord | None:
        """A command that is remembered."""
        return self._records.get(command_id)

    def recent(self, limit: int) -> list[CommandRecord]:
        """The newest commands, newest first."""
        return list(self._records.values())[: -limit - 1 : -1]

    async def wait_final(self, command_id: str, seconds: float) -> CommandRecord | None:
        """The record once its verdict stands, or as it is after that time."""
        changed = self._changed.get(command_id)
        if changed is not None:
            try:
                async with asyncio.timeout(seconds):
                    await changed.wait()
            except TimeoutError:
                pass
        return self._records.get(command_id)

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

    async def _known(self, key: str, digest: str) -> CommandRecord | None:
        kept = await self._journal.get(_KEYS, key)
        if kept is None:
            return None
        command_id, earlier_digest = msgspec.json.decode(kept, type=tuple[str, str])
        if earlier_digest != digest:
            raise KeyReused(
                "Idempotency-Key: used before for another request",
                hint="use a new key for a new command",
            )
        return self._records.get(command_id)

    def _new_record(
        self, request: CommandRequest, key: str | None, requester: str, digest: str
    ) -> CommandRecord:
        now = self._clock.now()
        seconds = request.deadline_seconds or self._policy.deadline_seconds
        command = Command(
            id=secrets.token_hex(16),
            verb=request.verb,
            connector=request.connector,
            target=request.target,
            arguments=request.arguments,
            requester=requester,
            created=now,
            deadline=now + timedelta(seconds=min(seconds, self._policy.longest_deadline_seconds)),
            idempotency_key=key,
        )
        return CommandRecord(
            command=command,
            outcome=None,
            position=self._journal.statistics().last_position,
            digest=digest,
            updated=now,
        )

    async def _carry_out(self, record: CommandRecord, executor: Executor) -> None:
        command = record.command
        agent = (command.connector, command.target.agent or "")
        sent = False
        try:
            async with asyncio.timeout(self._seconds_left(command)), self._agents[agent]:
                sent = True
                outcome = await self._send(command, executor.connector)
        except TimeoutError:
            outcome = _too_late(sent=sent)
        record = await self._settle(record, outcome)
        if outcome.status is Status.ACCEPTED and outcome.expectation is not None:
            await self._follow(record, outcome.expectation)

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

    async def _follow(self, record: CommandRecord, expectation: Expectation) -> None:
        """Read what the journal gets until an event decides, or the deadline does."""
        verdict: Outcome | None = None
        try:
            async with asyncio.timeout(self._seconds_left(record.command)):
                verdict = await self._find_evidence(record.position, expectation)
        except TimeoutError:
            verdict = Outcome(
                status=Status.UNKNOWN,
                reason=Reason.DEADLINE,
                message="the platform took the command, but no event confirmed it in time",
            )
        reply = record.outcome.native_reply if record.outcome else None
        await self._settle(record, msgspec.structs.replace(verdict, native_reply=reply))

    async def _find_evidence(self, position: int, expectation: Expectation) -> Outcome:
        while True:
            events = await self._journal.read(position, _READ_LIMIT)
            for event in events:
                if verdict := judge(expectation, event):
                    return verdict
            if events:
                position = events[-1].position
            else:
                await self._journal.wait(position)

    async def _settle(self, record: CommandRecord, outcome: Outcome) -> CommandRecord:
        record = msgspec.structs.replace(record, outcome=outcome, updated=self._clock.now())
        if record.final:
            record = msgspec.structs.replace(record, command=_without_bulk(record.command))
        await self._keep(record)
        if record.final and (changed := self._changed.pop(record.command.id, None)):
            changed.set()
        return record

    async def _keep(self, record: CommandRecord) -> None:
        """Make the record durable, then tell it to the sinks as an event."""
        self._records[record.command.id] = record
        value = msgspec.json.encode(record)
        event = command_events.told(record, self._platform(record.command.connector))
        while True:
            try:
                await self._journal.put(_NAMESPACE, record.command.id, value)
                if event is not None:
                    await self._journal.append(f"command/{record.command.id}", [event], None)
                break
            except JournalFull:
                if record.outcome is None:
                    raise
                await self._journal.wait_for_room()
        self._telemetry.command_settled(record)

    def _platform(self, connector: str) -> str:
        executor = self._executors.get(connector)
        return executor.connector.platform if executor else "unknown"

    def _seconds_left(self, command: Command) -> float:
        return max(0.0, (command.deadline - self._clock.now()).total_seconds())

    async def _recover(self, tasks: asyncio.TaskGroup) -> None:
        """Take up what the last process left: wait on for what was accepted, admit ignorance of what was being sent."""
        kept = [
            msgspec.json.decode(value, type=CommandRecord)
            for _, value in await self._journal.items(_NAMESPACE)
        ]
        kept.sort(key=lambda record: record.command.created)
        for record in kept:
            command_id = record.command.id
            self._records[command_id] = record
            if record.final:
                continue
            self._changed[command_id] = asyncio.Event()
            expectation = record.outcome.expectation if record.outcome else None
            if expectation is not None:
                tasks.create_task(self._follow(record, expectation), name=f"command {command_id}")
                continue
            await self._settle(
                record,
                Outcome(
                    status=Status.UNKNOWN,
                    reason=Reason.STOPPED,
                    message="the gateway stopped while it was sending; it may have happened",
                ),
            )

    async def _forget_old(self) -> None:
        horizon = self._clock.now() - timedelta(seconds=self._policy.keep_seconds)
        settled = [record for record in self._records.values() if record.final]
        too_many = max(0, len(settled) - self._policy.most_kept)
        old = [
            record
            for number, record in enumerate(settled)
            if number < too_many or record.updated < horizon
        ]
        for record in old:
            await self._journal.put(_NAMESPACE, record.command.id, None)
            command = record.command
            if command.idempotency_key is not None:
                kept_key = f"{command.requester}/{command.idempotency_key}"
                await self._journal.put(_KEYS, kept_key, None)
            del self._records[record.command.id]
        for key in [key for key, lock in self._agents.items() if not lock.locked()]:
            del self._agents[key]


def _digest(request: CommandRequest) -> str:
    return hashlib.sha256(msgspec.json.encode(request, order="deterministic")).hexdigest()


def _without_bulk(command: Command) -> Command:
    """The command without large arguments (attachments): a settled one is kept for a day, by number and not by size."""
    return msgspec.structs.replace(
        command,
        arguments={
            name: OMITTED if len(msgspec.json.encode(value)) > _KEPT_ARGUMENT_BYTES else value
            for name, value in command.arguments.items()
        },
    )


def _too_late(*, sent: bool) -> Outcome:
    if sent:
        return Outcome(
            status=Status.UNKNOWN,
            reason=Reason.DEADLINE,
            message="no answer from the platform before the deadline; it may have happened",
        )
    return Outcome(
        status=Status.REFUSED,
        reason=Reason.DEADLINE,
        message="not sent: earlier commands of the same agent were still under way at the deadline",
    )
