"""Carrying out a command: built from the agent's picture, sent once, its answer judged."""

from __future__ import annotations

from typing import Any

from connectors._wire.exchange import Reply
from connectors._wire.json_values import fields
from connectors.nice_incontact import commands
from connectors.nice_incontact.answers import decoded
from connectors.nice_incontact.client import Api
from connectors.nice_incontact.commands import Already, Request, Situation
from connectors.nice_incontact.session import SessionFeed
from connectors.nice_incontact.session.requests import session_path
from gateway.commands import Command, Expectation, Outcome, Status, Verb
from gateway.errors import CommandRefused, ConfigError, NotReady, Reason


async def carry_out(feed: SessionFeed, command: Command) -> Outcome:
    """Send a command over the session of the agent that it names, as `CommandTarget.execute` describes."""
    if not feed.connected:
        raise NotReady(f"the feed {feed.name!r} is not connected", reason=Reason.STOPPED)
    session = feed.cursor
    situation = Situation(
        agent=feed.agent.agent_id,
        session=session_path(session) if session else "",
        picture=feed.mapper.picture,
        login=await _login(feed) if command.verb is Verb.AGENT_LOGIN else {},
    )
    request = commands.build(command, situation)
    if isinstance(request, Already):
        return Outcome(status=Status.DONE, message=request.message)
    if request.mode is not None:
        # The event may come before the answer.
        feed.mapper.expect_mode(request.mode)
    outcome: Outcome | None = None
    try:
        outcome = await _send(feed, command, request)
    finally:
        if request.mode is not None and (outcome is None or outcome.status is Status.REFUSED):
            feed.mapper.expect_mode(None)
    return outcome


def foresee(feed: SessionFeed, command: Command) -> Expectation | None:
    """What would decide a command as the agent's picture is now; a log-in needs to be asked for first."""
    if not feed.connected or command.verb is Verb.AGENT_LOGIN:
        return None
    session = feed.cursor
    situation = Situation(
        agent=feed.agent.agent_id,
        session=session_path(session) if session else "",
        picture=feed.mapper.picture,
        login={},
    )
    request = commands.build(command, situation)
    return None if isinstance(request, Already) else request.expectation


async def administrate(api: Api, command: Command, agent: str) -> Outcome:
    """Send a command about an agent whose session is not followed."""
    request = commands.administrate(command, agent)
    reply = await _request(api, request)
    return commands.outcome_of(request, reply.status, reply)


async def _send(feed: SessionFeed, command: Command, request: Request) -> Outcome:
    reply = await _request(feed.api, request)
    outcome = commands.outcome_of(request, reply.status, reply)
    taken = outcome.status is not Status.REFUSED
    if request.opens and taken:
        start = fields(decoded(reply)).get("sessionid")
        if isinstance(start, str) and start:
            feed.follow(start)
    elif request.opens:
        # Somebody else may have logged the agent in: the feed looks for that session now.
        feed.look()
    if command.verb is Verb.AGENT_LOGOUT and taken:
        feed.stay_away()
    if request.tones_on is not None and taken:
        feed.tell_tones(request.tones_on, command.id)
    return outcome


async def _login(feed: SessionFeed) -> dict[str, Any]:
    try:
        return await feed.requests.start_body()
    except ConfigError as error:
        raise _as_refusal(error) from error


async def _request(api: Api, request: Request) -> Reply:
    try:
        return await api.request(request.method, request.path, body=request.body)
    except ConfigError as error:
        raise _as_refusal(error) from error


def _as_refusal(error: ConfigError) -> CommandRefused:
    return CommandRefused(error.message, reason=error.reason, hint=error.hint)
