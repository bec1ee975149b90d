"""A call that goes on under another id: whoever was consulted has the customer's call once the transfer is completed.

The platform sends the call under its new id, with the former one in `previousConnId`, and nothing more about that one.
Source: workspace-client-js, `voice-api` (Call).
"""

from __future__ import annotations

from typing import Any

from connectors._genesys.message import Message
from connectors._genesys.reading import add_end
from connectors._genesys.values import identifier
from connectors.genesys_engage_cloud.mapping.picture import MAX_ENDED, AgentPicture, Ended, put
from connectors.genesys_engage_cloud.mapping.transfers import Transfers
from gateway.events.common import Native

TRANSFERRED = "transferred"


def former_of(picture: AgentPicture, call: dict[str, Any]) -> str | None:
    """The id of the live call that a call not known yet goes on from."""
    before = identifier(call.get("previousConnId"))
    return None if before is None else picture.call_of(None, before)


def end_former(
    message: Message, picture: AgentPicture, former: str, successor: str, native: Native
) -> None:
    """The former call is over for the agent. That it was transferred is told by the leg of who did so."""
    leg = picture.calls.pop(former)
    put(picture.ended, former, Ended(last=leg.last), MAX_ENDED)
    Transfers(picture).forget(former)
    add_end(message, former, leg, TRANSFERRED, native, successor=successor)
