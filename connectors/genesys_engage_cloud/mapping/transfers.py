"""Transfers, which the platform does not announce: they follow from how the two calls of a consultation end.

Completing a transfer ends the consultation and the original call, one right after the other and with
nothing between them that says otherwise (a retrieval, say). Where the platform echoes the id of the
operation, that tells it for certain. Sources: workspace-client-js, `voice-api` (`completeTransfer`,
`singleStepTransfer`); agent-api-simulator for the order of the events.
"""

from __future__ import annotations

from connectors._genesys.message import Message
from connectors.genesys_engage_cloud.mapping.picture import AgentPicture, Handover, Leg
from connectors.genesys_engage_cloud.operation_ids import verb_of
from gateway.commands import Verb
from gateway.states import ConnectionState

CONSULT = "consult"
NEAR = 8
"""So many messages of the feed may lie between the two ends."""
_TRANSFERS = frozenset({Verb.CALL_TRANSFER, Verb.CALL_COMPLETE_TRANSFER})


def is_transfer(message: Message) -> bool:
    """Whether the message answers a command that transfers."""
    return verb_of(message.data.get("operationId")) in _TRANSFERS


class Transfers:
    """Finds them in an agent's picture."""

    def __init__(self, picture: AgentPicture) -> None:
        self._picture = picture

    def on_end(
        self, message: Message, call_id: str, leg: Leg, direction: str | None
    ) -> tuple[str, str] | None:
        """Take note that a call ends; gives original and consultation if that completes a transfer."""
        handover, self._picture.handover = self._picture.handover, None
        if handover is not None and handover.waiting == call_id and _near(handover, message):
            return handover.original, handover.consult
        self._picture.handover = self._begun(message, call_id, leg, direction)
        return None

    def forget(self, call_id: str) -> None:
        """The call goes on in another state, so it is not handed over."""
        handover = self._picture.handover
        if handover is not None and handover.waiting == call_id:
            self._picture.handover = None

    def consultation_of(self, leg: Leg) -> str | None:
        """The live consultation about a call, or the one that ended just now."""
        for name, other in self._picture.calls.items():
            if other.parent is not None and other.parent == leg.connection:
                return name
        return leg.consult

    def _begun(
        self, message: Message, call_id: str, leg: Leg, direction: str | None
    ) -> Handover | None:
        if not isinstance(message.ordinal, int):
            return None
        if direction == CONSULT:
            found, consult = self._original_of(leg), call_id
            if found is not None:
                self._picture.calls[found].consult = consult
            # A consultation that nobody answered may be transferred all the same, but only from hold.
            if found is None or self._picture.calls[found].state is not ConnectionState.HELD:
                return None
            original = waiting = found
        else:
            original, found = call_id, self.consultation_of(leg)
            if found is None or found not in self._picture.calls:
                return None
            if leg.state is not ConnectionState.HELD:
                return None
            consult = waiting = found
        return Handover(
            original=original,
            consult=consult,
            waiting=waiting,
            session=message.session,
            place=message.ordinal,
        )

    def _original_of(self, leg: Leg) -> str | None:
        if leg.parent is not None:
            return self._picture.call_of(None, leg.parent)
        held = [
            name
            for name, other in self._picture.calls.items()
            if other.state is ConnectionState.HELD and other is not leg
        ]
        return held[0] if len(held) == 1 else None


def _near(handover: Handover, message: Message) -> bool:
    return (
        handover.session == message.session
        and isinstance(message.ordinal, int)
        and 0 < message.ordinal - handover.place <= NEAR
    )
