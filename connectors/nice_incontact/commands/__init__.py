"""Commands: canonical command and the agent's picture in, request out; the platform's answer in, outcome out. Pure.

An answer of 202 says that the platform took the command, and an event decides it; 200 is a request
that was carried out while it was answered.
Source: NICE inContact API FAQ, "General API Questions" (200 and 202), "Agent API Questions"; method
reference, "Response Codes".
"""

from __future__ import annotations

from http import HTTPStatus

from connectors.nice_incontact.answers import Answer, decoded, said
from connectors.nice_incontact.commands import agents, contacts
from connectors.nice_incontact.commands.request import Already, Request, Situation, refused
from gateway.commands import Command, Outcome, Status, Verb
from gateway.errors import CommandRefused, CommandUncertain, Reason

__all__ = ["Already", "Request", "Situation", "administrate", "build", "outcome_of"]

_BUILDERS = agents.BUILDERS | contacts.BUILDERS
_REASONS: dict[int, tuple[Reason, str]] = {
    HTTPStatus.BAD_REQUEST: (Reason.INVALID, "a parameter is not valid"),
    HTTPStatus.FORBIDDEN: (Reason.FORBIDDEN, "the agent lacks the permission or the feature"),
    HTTPStatus.NOT_FOUND: (Reason.NOT_FOUND, "there is no such session or contact"),
    HTTPStatus.CONFLICT: (Reason.CONFLICT, "not possible in the present state"),
    HTTPStatus.TOO_MANY_REQUESTS: (Reason.RATE_LIMITED, "too many requests"),
}


def build(command: Command, situation: Situation) -> Request | Already:
    """The request for a command to an agent whose session is followed.

    Raises CommandRefused: the agent has no session that it needs, or the state of things does not allow it.
    """
    if command.verb is Verb.AGENT_SEND_USER_EVENT:
        return agents.send_event(command, situation.agent)
    if command.verb is not Verb.AGENT_LOGIN and not situation.session:
        raise refused(
            f"agent {situation.agent} has no session",
            hint="the agent logs in first, or is logged in with agent.login",
        )
    builder = _BUILDERS.get(command.verb)
    if builder is None:
        raise CommandRefused(
            f"verb: {command.verb.value} is not supported by this platform",
            reason=Reason.UNSUPPORTED,
        )
    return builder(command, situation)


def administrate(command: Command, agent: str) -> Request:
    """The request for a command to an agent whose session is not followed.

    Raises CommandRefused: there is no such agent id, or the command needs a session.
    """
    if not agent.isascii() or not agent.isdecimal():
        raise CommandRefused(
            f"target.agent: {agent!r} is no agent id, which is a number", reason=Reason.INVALID
        )
    if command.verb not in agents.ADMINISTRATED:
        raise CommandRefused(
            f"target.agent: the session of agent {agent} is not followed; "
            f"{command.verb.value} needs it",
            reason=Reason.NOT_FOUND,
            hint="add the agent to `agents`",
        )
    return agents.administrate(command, agent)


def outcome_of(request: Request, status: int, answer: Answer) -> Outcome:
    """What the platform's answer means for the command.

    Raises CommandUncertain: the server failed in a way that leaves open whether it acted.
    """
    words = said(answer)
    native = decoded(answer)
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        if request.expectation is None:
            return Outcome(status=Status.DONE, native_reply=native)
        return Outcome(status=Status.ACCEPTED, native_reply=native, expectation=request.expectation)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise CommandUncertain(
            f"the platform answered HTTP {status}{': ' + words if words else ''}",
            reason=Reason.SERVER_ERROR,
        )
    if request.over_is_done and (status == HTTPStatus.NOT_FOUND or _is_over(status, words)):
        return Outcome(
            status=Status.DONE, message="the session was over already", native_reply=native
        )
    reason, meaning = _REASONS.get(status, (Reason.CLIENT_ERROR, f"HTTP {status}"))
    return Outcome(
        status=Status.REFUSED,
        reason=reason,
        message=f"the platform refuses it: {words or meaning}",
        native_reply=native,
    )


def _is_over(status: int, words: str) -> bool:
    """Whether a conflict says that the session ended, and not that contacts are open."""
    low = words.lower()
    return status == HTTPStatus.CONFLICT and "session" in low and "end" in low.split("session")[1]
