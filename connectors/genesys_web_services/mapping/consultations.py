"""What belongs together: a call and the consultation made from it, and what becomes of both.

The platform tells only the parts. A consultation is a call of its own, which begins while another
one is held; a completed transfer is both of them released at once, and a single-step transfer is a
release like any other. So which call a consultation belongs to, and that a call was transferred, is
inferred.
Sources: Genesys Web Services API reference, "Call Control"; the sequence of a two-step transfer from
the platform's developer documentation.
"""

from __future__ import annotations

from typing import NamedTuple

from connectors.genesys_web_services.mapping.message import Message
from connectors.genesys_web_services.mapping.picture import AgentPicture, Ended, Leg
from gateway.events import Confidence
from gateway.events.calls import Call
from gateway.events.common import Native, Party
from gateway.states import ConnectionState

AT_ONCE_MILLISECONDS = 2_000
"""Both calls of a transfer are released by one act; two acts of people take longer."""
PASSING_ON_MILLISECONDS = 60_000
"""A call that lives on so long after a single-step transfer was not passed on by it."""
_CONSULT = "consult"
_HELD = ConnectionState.HELD
_TALKED = frozenset({ConnectionState.CONNECTED, _HELD})


class Transfer(NamedTuple):
    """A call was passed on to a number, by way of a consultation if there was one."""

    call: str
    number: str | None
    consultation: str | None
    direction: str | None


def original_of(picture: AgentPicture, direction: str | None) -> str | None:
    """The call from which a consultation that begins now is made: the one that was held last."""
    if direction != _CONSULT:
        return None
    held = [(leg.told_at or 0, name) for name, leg in picture.calls.items() if leg.state is _HELD]
    return max(reversed(held), key=lambda pair: pair[0])[1] if held else None


def partner_of(picture: AgentPicture, call: str, leg: Leg) -> str | None:
    """The call that a consultation was made from, or the other way round the live consultation."""
    if leg.related is not None:
        return leg.related
    return next((name for name, other in picture.calls.items() if other.related == call), None)


def ended_consultation(picture: AgentPicture, call: str) -> str | None:
    """The consultation made from a call that ended last."""
    found = [name for name, ended in picture.ended.items() if ended.related == call]
    return found[-1] if found else None


def ending(message: Message, leg: Leg, told_at: int | None) -> Ended:
    """What is remembered of a call that ends with this message; `leg` is still as it was before."""
    return Ended(
        message.print,
        told_at,
        related=leg.related,
        was=leg.state,
        at=_when(message),
        direction=leg.direction,
        number=next(iter(leg.participants), None),
    )


def transferred(message: Message, picture: AgentPicture, call: str, leg: Leg) -> Transfer | None:
    """Whether the end of this call is a transfer; `leg` is still as it was before."""
    received = int(message.received.timestamp() * 1000)
    if leg.transfer_to is not None and received - leg.transfer_at <= PASSING_ON_MILLISECONDS:
        return Transfer(call, leg.transfer_to, None, leg.direction)
    now = _when(message)
    original = picture.ended.get(leg.related) if leg.related is not None else None
    if original is not None and leg.related is not None:
        if _at_once(original, now) and _HELD in {original.was, leg.state}:
            number = next(iter(leg.participants), None)
            return Transfer(leg.related, number, call, original.direction)
        return None
    consultation = ended_consultation(picture, call)
    ended = picture.ended[consultation] if consultation is not None else None
    if ended is None or ended.was not in _TALKED or not _at_once(ended, now):
        return None
    if _HELD not in {ended.was, leg.state}:
        return None
    return Transfer(call, ended.number, consultation, leg.direction)


def add_transferred(message: Message, transfer: Transfer, native: Native) -> None:
    """Tell of the call that was passed on, which may have ended a message earlier."""
    call, number = transfer.call, transfer.number
    message.add(
        "tieline.call.transferred.v1",
        f"call/{call}",
        call,
        Call(
            call=call,
            agent=message.origin.agent,
            state=ConnectionState.CLEARED,
            direction=transfer.direction,
            party=None if number is None else Party(role="destination", number=number),
            related_call=transfer.consultation,
            native=native,
        ),
        correlation=call,
        confidence=Confidence.INFERRED,
    )


def _when(message: Message) -> int:
    return message.told_at or int(message.received.timestamp() * 1000)


def _at_once(ended: Ended, now: int) -> bool:
    return ended.at is not None and abs(now - ended.at) <= AT_ONCE_MILLISECONDS
