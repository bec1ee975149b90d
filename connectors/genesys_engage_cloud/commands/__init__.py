"""Commands: canonical command to vendor request, vendor answer to outcome. Pure.

Every request carries an `operationId`; an event that echoes another one decides nothing here.
Sources: Introduction to Engage Cloud APIs, "Requests"; workspace-client-js.
"""

from __future__ import annotations

from connectors.genesys_engage_cloud.commands import (
    agents,
    calls,
    chats,
    emails,
    interactions,
    supervision,
)
from connectors.genesys_engage_cloud.commands.agents import activate
from connectors.genesys_engage_cloud.commands.replies import outcome_of, summary
from connectors.genesys_engage_cloud.commands.request import Builder, Login, Request, Situation
from gateway.commands import Command, Verb
from gateway.errors import CommandRefused, Reason

__all__ = ["Login", "Request", "Situation", "activate", "build", "outcome_of", "summary"]

_BUILDERS: dict[Verb, Builder] = {
    **agents.BUILDERS,
    **calls.BUILDERS,
    **chats.BUILDERS,
    **emails.BUILDERS,
    **interactions.BUILDERS,
    **supervision.BUILDERS,
}


def build(command: Command, situation: Situation) -> Request:
    """The request for a command. Raises CommandRefused: an argument cannot be used; the message names it."""
    builder = _BUILDERS.get(command.verb)
    if builder is None:
        raise CommandRefused(
            f"verb: {command.verb.value} is not supported by this platform",
            reason=Reason.UNSUPPORTED,
        )
    return builder(command, situation)
