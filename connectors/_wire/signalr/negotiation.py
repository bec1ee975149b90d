"""The first answer: which connection we were given, and which transports are worth trying.

Source: SignalR/SignalR 2.2.1, Core `PersistentConnection.cs` (fields and defaults of negotiate),
JavaScript client of 2.4 (order of transports, `availableTransports` as the mark of ASP.NET Core).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from connectors._wire.signalr.values import Negotiated, Transport
from connectors._wire.untidy_json import NotJson, decode_untidy
from gateway.errors import NotReady, ProtocolViolation, Reason

ORDER = (Transport.WEB_SOCKETS, Transport.SERVER_SENT_EVENTS, Transport.LONG_POLLING)
MAX_SECONDS = 3_600.0
MAX_TOKEN_LENGTH = 16_384


class SpeaksCore(ProtocolViolation):
    """The server is an ASP.NET Core SignalR one, which is another protocol."""


def read_offer(body: bytes, peer: str) -> dict[Any, Any]:
    """The object in an answer to negotiate, of either protocol.

    Raises:
        NotReady: it is no JSON, so probably not from SignalR at all.
        ProtocolViolation: it is JSON but no object.
    """
    try:
        offer = decode_untidy(body)
    except NotJson as error:
        raise NotReady(
            f"{peer} answers negotiate with something else than SignalR",
            reason=Reason.PROTOCOL,
            hint="check the SignalR URL",
        ) from error
    if not isinstance(offer, dict):
        raise ProtocolViolation(f"{peer} answers negotiate with JSON that is no object")
    return offer


def read_negotiation(body: bytes, peer: str) -> Negotiated:
    """The server's offer.

    Raises:
        SpeaksCore: it is ASP.NET Core SignalR.
        NotReady: it names an error of its own, or what it says is no JSON.
        ProtocolViolation: it sends us elsewhere, or names no connection.
    """
    offer = read_offer(body, peer)
    if "availableTransports" in offer or "negotiateVersion" in offer:
        raise SpeaksCore(
            f"{peer} speaks ASP.NET Core SignalR",
            reason=Reason.UNSUPPORTED,
            hint="the classic client cannot talk to it",
        )
    if offer.get("Error"):
        raise NotReady(f"{peer} refuses to negotiate", reason=Reason.SERVER_ERROR)
    if offer.get("RedirectUrl"):
        raise ProtocolViolation(
            f"{peer} wants us to connect elsewhere",
            reason=Reason.UNSUPPORTED,
            hint="set the URL of the server itself",
        )
    token, connection_id = offer.get("ConnectionToken"), offer.get("ConnectionId")
    if not isinstance(token, str) or not 0 < len(token) <= MAX_TOKEN_LENGTH:
        raise ProtocolViolation(f"the negotiate answer of {peer} holds no ConnectionToken")
    if not isinstance(connection_id, str) or not connection_id:
        raise ProtocolViolation(f"the negotiate answer of {peer} holds no ConnectionId")
    return Negotiated(
        connection_id=connection_id[:MAX_TOKEN_LENGTH],
        token=token,
        keep_alive_seconds=_seconds(offer.get("KeepAliveTimeout"), None),
        disconnect_seconds=_seconds(offer.get("DisconnectTimeout"), 30.0) or 30.0,
        poll_seconds=_seconds(offer.get("ConnectionTimeout"), 110.0) or 110.0,
        connect_seconds=_seconds(offer.get("TransportConnectTimeout"), 5.0) or 5.0,
        try_web_sockets=offer.get("TryWebSockets") is not False,
    )


def worth_trying(negotiated: Negotiated, allowed: Iterable[Transport]) -> list[Transport]:
    """The transports that both sides allow, the best first."""
    permitted = set(allowed)
    if not negotiated.try_web_sockets:
        permitted.discard(Transport.WEB_SOCKETS)
    return [transport for transport in ORDER if transport in permitted]


def known_transports(names: Iterable[Any]) -> list[Transport]:
    """The transports of a server's list, without those that only browsers know; case does not matter."""
    wanted = {name.lower() for name in names if isinstance(name, str)}
    return [transport for transport in ORDER if transport.lower() in wanted]


def _seconds(value: Any, default: float | None) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        return default
    return float(min(value, MAX_SECONDS))
