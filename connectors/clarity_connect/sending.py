"""Carrying out a command: what it needs is asked for, its requests are sent in order, what they did is read back."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import msgspec

from connectors.clarity_connect import commands
from connectors.clarity_connect.client import Answer, Api
from connectors.clarity_connect.commands import Request, Situation
from connectors.clarity_connect.directory import Directory
from connectors.clarity_connect.mapping import State
from gateway.commands import Command, Expectation, Outcome, Status
from gateway.errors import AuthRejected, CommandRefused, CommandUncertain, ConnectionFailed, Reason

_OTHER_METHOD = {"GET": "POST", "POST": "GET"}


async def carry_out(
    api: Api, directory: Directory, command: Command, state: State, method: str
) -> Outcome:
    """Send one command and say what the platform answered, as `CommandTarget.execute` describes."""
    situation = await _situation(directory, command, state, method)
    outcomes: dict[str, Outcome] = {}
    for number, request in enumerate(commands.build(command, situation)):
        try:
            answer = await _send(api, command, request)
            outcome = commands.outcome_of(command, request, answer.status, answer.body)
        except CommandUncertain as error:
            outcome = Outcome(status=Status.UNKNOWN, reason=error.reason, message=error.message)
            if not request.part:
                raise
        except ConnectionFailed as error:
            if not outcomes:
                raise
            outcome = Outcome(status=Status.REFUSED, reason=error.reason, message=error.message)
        if outcome.status is Status.DONE:
            outcome = await _proved(api, command, request, outcome)
        outcomes[request.part or str(number)] = outcome
    return commands.together(outcomes)


def foresee(command: Command, state: State) -> Expectation | None:
    """What would decide a command, as far as that is known without asking the platform.

    A reason is taken for its name as the platform spells it; given as a number, no event will match it. The agent's
    address, which logging out needs, makes no difference.
    """
    reason = command.arguments.get("reason")
    unasked = Situation(
        state=state,
        statuses=[{"reasonCodeName": reason, "reasonCodeId": 0}],
        sip="sip:not-asked-for",
    )
    first, *_ = commands.build(command, unasked)
    return None if first.already else first.expectation


async def _situation(
    directory: Directory, command: Command, state: State, method: str
) -> Situation:
    agent = command.target.agent or ""
    statuses: Any = None
    sip: str | None = None
    try:
        if commands.needs_statuses(command):
            statuses = await directory.statuses(agent)
        if commands.needs_sip(command):
            known = state.agents.get(agent)
            name = known.name if known else None
            name = name or (await directory.structure()).name_of(agent)
            sip = await directory.sip_of(agent, name) if name else None
    except AuthRejected as error:
        raise CommandRefused(error.message, reason=error.reason, hint=error.hint) from error
    return Situation(state=state, change_method=method, statuses=statuses, sip=sip)


async def _send(api: Api, command: Command, request: Request) -> Answer:
    answer = await api.request(request.method, request.path, request.body)
    wrong_verb = answer.status == HTTPStatus.METHOD_NOT_ALLOWED
    if wrong_verb and command.verb in commands.SESSION_VERBS:
        # Documented is GET with a body, which servers and what stands before them may not take.
        return await api.request(_OTHER_METHOD[request.method], request.path, request.body)
    return answer


async def _proved(api: Api, command: Command, request: Request, outcome: Outcome) -> Outcome:
    """A change of a session has no event that is sure to come: the session is read instead."""
    path = commands.proof_path(command)
    if path is None:
        return outcome
    try:
        shown = commands.is_shown(request, await api.get(path))
    except ConnectionFailed as error:
        return Outcome(
            status=Status.UNKNOWN,
            reason=error.reason,
            message=f"taken, but the session cannot be read: {error.message}",
        )
    if shown:
        return outcome
    return msgspec.structs.replace(
        outcome,
        status=Status.UNKNOWN,
        reason=Reason.OTHER,
        message="taken, but the session does not show it",
    )
