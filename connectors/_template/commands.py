"""Commands: canonical command to the exchange's request, its reply to outcome. Pure.

Source: README.md of this folder, "The platform", commands.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import msgspec

from connectors._template.vendor import AGENT_STATES, AGENTS_PATH, CALLS_PATH, SETTABLE
from connectors._wire.arguments import choice, needed, segment, target, text
from connectors._wire.table import proof, string
from gateway.commands import Capability, Command, Expectation, Outcome, Status, Verb
from gateway.errors import CommandRefused, CommandUncertain, Reason

_STATE_CHANGED, _ENDED = proof("agent.state.changed"), proof("call.ended")

CAPABILITIES = (
    Capability(
        verb=Verb.AGENT_SET_STATE,
        target=("agent",),
        arguments=(
            string("state", "what the agent is to be", *SETTABLE, required=True),
            string("reason", "why, for not_ready: any text"),
        ),
        confirmed_by=(_STATE_CHANGED,),
        note="refused while the agent is on a call",
    ),
    Capability(verb=Verb.CALL_HANG_UP, target=("call",), confirmed_by=(_ENDED,)),
)
_REFUSALS: dict[int, tuple[Reason, str]] = {
    HTTPStatus.NOT_FOUND: (Reason.NOT_FOUND, "the exchange knows no {target}"),
    HTTPStatus.CONFLICT: (Reason.CONFLICT, "{target} is on a call"),
    HTTPStatus.UNAUTHORIZED: (Reason.AUTH, "the exchange refuses the api_key"),
}


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One request, and what will prove that it was carried out."""

    method: str
    path: str
    body: dict[str, Any] | None = None
    expectation: Expectation


def build(command: Command) -> Request:
    """The request of a command. Raises CommandRefused: an argument cannot be used; the message names it."""
    match command.verb:
        case Verb.AGENT_SET_STATE:
            agent = target(command, "agent")
            needed(command, "state")
            word = SETTABLE[choice(command, "state", tuple(SETTABLE), default="")]
            body: dict[str, Any] = {"state": word}
            if reason := text(command, "reason"):
                body["reason"] = reason
            return Request(
                method="PUT",
                path=f"{AGENTS_PATH}/{segment(agent, 'target.agent')}/state",
                body=body,
                expectation=Expectation(
                    confirmed_by=frozenset({_STATE_CHANGED}),
                    subject=f"agent/{agent}",
                    where={"state": AGENT_STATES[word].value},
                    cause=command.id,
                ),
            )
        case Verb.CALL_HANG_UP:
            call = target(command, "call")
            return Request(
                method="DELETE",
                path=f"{CALLS_PATH}/{segment(call, 'target.call')}",
                expectation=Expectation(confirmed_by=frozenset({_ENDED}), subject=f"call/{call}"),
            )
        case _:
            raise CommandRefused(
                f"verb: {command.verb.value} is not supported by this platform",
                reason=Reason.UNSUPPORTED,
            )


def outcome_of(command: Command, request: Request, status: int, reply: Any) -> Outcome:
    """What a reply means. Raises CommandUncertain: the exchange failed, and may have carried it out."""
    if status == HTTPStatus.ACCEPTED:
        return Outcome(status=Status.ACCEPTED, native_reply=reply, expectation=request.expectation)
    if status == HTTPStatus.OK:
        return Outcome(status=Status.DONE, message="it was so already", native_reply=reply)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise CommandUncertain(
            f"the exchange answers HTTP {status}",
            reason=Reason.SERVER_ERROR,
            hint="look whether it was carried out before sending it again",
        )
    reason, said = _REFUSALS.get(
        status, (Reason.CLIENT_ERROR, f"the exchange answers HTTP {status}")
    )
    return Outcome(
        status=Status.REFUSED,
        reason=reason,
        message=said.format(target=command.target),
        native_reply=reply,
    )
