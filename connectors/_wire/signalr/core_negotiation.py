"""What an ASP.NET Core SignalR server offers. Source: dotnet/aspnetcore, `TransportProtocols.md`, POST negotiate."""

from __future__ import annotations

from typing import Any, NamedTuple

from connectors._wire.signalr.negotiation import read_offer
from gateway.errors import NotReady, ProtocolViolation, Reason


class CoreOffer(NamedTuple):
    """A connection. `token` is a secret and goes into `?id=`."""

    connection_id: str
    token: str


class SpeaksClassic(ProtocolViolation):
    """The server is a classic ASP.NET SignalR one, which is another protocol."""


def read_core_negotiation(body: bytes, peer: str) -> CoreOffer:
    """The server's offer, if it has WebSocket with text.

    Raises:
        NotReady: it names an error of its own, or what it says is no JSON.
        SpeaksClassic: it is a classic server.
        ProtocolViolation: it sends us elsewhere, or offers nothing we can use.
    """
    offer = read_offer(body, peer)
    if "ConnectionToken" in offer:
        raise SpeaksClassic(
            f"{peer} speaks classic ASP.NET SignalR",
            reason=Reason.UNSUPPORTED,
            hint="the client for ASP.NET Core cannot talk to it",
        )
    if offer.get("error"):
        raise NotReady(f"{peer} refuses to negotiate", reason=Reason.SERVER_ERROR)
    if offer.get("url"):
        raise ProtocolViolation(
            f"{peer} wants us to connect elsewhere",
            reason=Reason.UNSUPPORTED,
            hint="set the URL of the server itself",
        )
    transports = offer.get("availableTransports")
    listed = transports if isinstance(transports, list) else []
    if not any(_is_text_over_web_sockets(one) for one in listed):
        raise ProtocolViolation(
            f"{peer} does not offer WebSockets",
            reason=Reason.UNSUPPORTED,
            hint="ASP.NET Core SignalR is supported over WebSockets only",
        )
    connection_id = offer.get("connectionId")
    token = offer.get("connectionToken") or connection_id
    if not isinstance(connection_id, str) or not isinstance(token, str) or not token:
        raise ProtocolViolation(f"the negotiate answer of {peer} holds no connectionId")
    return CoreOffer(connection_id, token)


def _is_text_over_web_sockets(offered: Any) -> bool:
    if not isinstance(offered, dict) or offered.get("transport") != "WebSockets":
        return False
    formats = offered.get("transferFormats")
    return isinstance(formats, list) and "Text" in formats
