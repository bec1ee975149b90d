"""Commands: canonical command to vendor request, vendor reply to outcome. Pure."""

from __future__ import annotations

from collections.abc import Callable

from connectors.genesys_web_services.capabilities.calls import PLAIN_OPERATIONS
from connectors.genesys_web_services.commands import agents, calls, interactions
from connectors.genesys_web_services.commands.agents import start_session
from connectors.genesys_web_services.commands.replies import (
    is_access_denied,
    is_csrf_refusal,
    is_unknown,
    outcome_of,
)
from connectors.genesys_web_services.commands.request import (
    ME,
    Login,
    Request,
    Situation,
    Spelling,
)
from gateway.commands import Command, Verb
from gateway.errors import CommandRefused, Reason

__all__ = [
    "ME",
    "Login",
    "Request",
    "Situation",
    "Spelling",
    "build",
    "is_access_denied",
    "is_csrf_refusal",
    "is_unknown",
    "outcome_of",
    "start_session",
]

_BUILDERS: dict[Verb, Callable[[Command, Situation], Request]] = {
    Verb.AGENT_SET_STATE: agents.set_state,
    Verb.AGENT_LOGIN: agents.log_in,
    Verb.AGENT_LOGOUT: agents.log_out,
    Verb.AGENT_SET_DO_NOT_DISTURB: agents.set_do_not_disturb,
    Verb.AGENT_FORWARD: agents.forward,
    Verb.AGENT_CANCEL_FORWARD: agents.cancel_forward,
    **dict.fromkeys(PLAIN_OPERATIONS, calls.plain),
    Verb.CALL_DIAL: calls.dial,
    Verb.CALL_TRANSFER: calls.transfer,
    Verb.CALL_COMPLETE_TRANSFER: calls.complete_transfer,
    Verb.CALL_CONFERENCE: calls.conference,
    Verb.CALL_COMPLETE_CONFERENCE: calls.complete_conference,
    Verb.CALL_REMOVE_PARTY: calls.remove_party,
    Verb.CALL_SWAP: calls.swap,
    Verb.CALL_MERGE: calls.merge,
    Verb.CALL_SEND_DTMF: calls.send_dtmf,
    Verb.CALL_MUTE: calls.mute,
    Verb.CALL_UNMUTE: calls.mute,
    Verb.CALL_ATTACH_DATA: calls.attach_data,
    Verb.CALL_DELETE_DATA: calls.delete_data,
    Verb.INTERACTION_CREATE: interactions.create,
    Verb.INTERACTION_ACCEPT: interactions.accept,
    Verb.INTERACTION_REJECT: interactions.reject,
    Verb.INTERACTION_CANCEL: interactions.cancel,
    Verb.INTERACTION_COMPLETE: interactions.complete,
    Verb.INTERACTION_QUEUE: interactions.place_in_queue,
    Verb.INTERACTION_PARK: interactions.park,
    Verb.INTERACTION_PULL: interactions.pull,
    Verb.INTERACTION_TRANSFER: interactions.transfer,
    Verb.INTERACTION_REPLY: interactions.reply,
    Verb.INTERACTION_SEND: interactions.send,
    Verb.INTERACTION_SEND_MESSAGE: interactions.send_message,
    Verb.INTERACTION_TYPING: interactions.typing,
    Verb.INTERACTION_INVITE: interactions.invite,
    Verb.INTERACTION_LEAVE: interactions.leave,
    Verb.INTERACTION_END_SESSION: interactions.end_session,
    Verb.INTERACTION_REQUEST_HISTORY: interactions.request_history,
    Verb.INTERACTION_ADD_ATTACHMENT: interactions.add_attachment,
    Verb.INTERACTION_REMOVE_ATTACHMENT: interactions.remove_attachment,
    Verb.INTERACTION_ATTACH_DATA: interactions.attach_data,
    Verb.INTERACTION_DELETE_DATA: interactions.delete_data,
}


def build(command: Command, situation: Situation) -> Request:
    """The request for a command.

    Raises CommandRefused: an argument cannot be used; the message names it.
    """
    builder = _BUILDERS.get(command.verb)
    if builder is None:
        raise CommandRefused(
            f"verb: {command.verb.value} is not supported by this platform",
            reason=Reason.UNSUPPORTED,
        )
    return builder(command, situation)
