"""A command router over a scripted connector and a journal, as tests of commands need it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prometheus_client import CollectorRegistry

from gateway.clock import Clock, SystemClock
from gateway.command_router import CommandPolicy, CommandRouter, Executor
from gateway.commands import (
    Argument,
    Capability,
    CommandRecord,
    CommandRequest,
    Expectation,
    Outcome,
    Status,
    Target,
    Verb,
)
from gateway.contracts import Journal
from gateway.telemetry import Telemetry
from tests.support.scripted import ScriptedConnector

TABLE = (
    Capability(
        verb=Verb.CALL_HOLD, target=("agent", "call"), confirmed_by=("tieline.call.held.v1",)
    ),
    Capability(
        verb=Verb.AGENT_SET_STATE,
        target=("agent",),
        arguments=(
            Argument(name="state", kind="string", required=True, choices=("ready", "not_ready")),
        ),
    ),
    Capability(
        verb=Verb.INTERACTION_ADD_ATTACHMENT,
        target=("agent", "interaction"),
        arguments=(
            Argument(name="name", kind="string"),
            Argument(name="content", kind="string"),
        ),
    ),
)
HOLD = CommandRequest(verb=Verb.CALL_HOLD, connector="main", target=Target(agent="a1", call="c1"))
ACCEPTED = Outcome(
    status=Status.ACCEPTED,
    expectation=Expectation(
        confirmed_by=frozenset({"tieline.call.held.v1"}),
        refused_by=frozenset({"tieline.call.failed.v1"}),
        subject="call/c1",
    ),
)


@asynccontextmanager
async def routing(
    connector: ScriptedConnector,
    journal: Journal,
    *,
    deadline_seconds: float = 30.0,
    resume_seconds: float = 30.0,
    per_second: float = 1_000.0,
    clock: Clock | None = None,
    most_in_flight: int = 1_000,
    most_kept: int = 10_000,
    telemetry: Telemetry | None = None,
) -> AsyncIterator[CommandRouter]:
    """A router that runs; at the end it is killed, as by a stop."""
    router = CommandRouter(
        {connector.name: Executor(connector=connector, capabilities=TABLE, per_second=per_second)},
        journal=journal,
        telemetry=telemetry or Telemetry(CollectorRegistry()),
        clock=clock or SystemClock(),
        policy=CommandPolicy(
            deadline_seconds=deadline_seconds,
            resume_seconds=resume_seconds,
            most_in_flight=most_in_flight,
            most_kept=most_kept,
        ),
    )
    ready = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(router.run(ready.set))
        await ready.wait()
        yield router
        task.cancel()


async def submit(
    router: CommandRouter, request: CommandRequest = HOLD, key: str | None = None
) -> CommandRecord:
    """Send a command in the name of a test."""
    return await router.submit(request, idempotency_key=key, requester="test")


async def verdict(router: CommandRouter, record: CommandRecord) -> Outcome:
    """The outcome once it stands."""
    settled = await router.wait_final(record.command.id, 30.0)
    assert settled is not None
    assert settled.outcome is not None
    return settled.outcome
