"""What the simulated SignalR server says in one breath: tokens, negotiation, envelopes, results, refusals.

The forms are those of ASP.NET SignalR 2.2 (Microsoft.AspNet.SignalR.Core: PersistentConnection, PersistentResponse,
HubDispatcher, HubResponse).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from typing import Any

import msgspec

SUPPORTED = ("1.2", "1.3", "1.4", "1.5")
"""Protocols a 2.2 server speaks; a client's is clamped to them."""
TRANSPORTS = ("webSockets", "serverSentEvents", "longPolling")
UNKNOWN_TRANSPORT = "Protocol error: Unknown transport."
MISSING_TOKEN = "Protocol error: Missing connection token."  # noqa: S105 - a message
BAD_CONNECTION_ID = "The ConnectionId is in the incorrect format."
OTHER_USER = (
    "Unrecognized user identity. "
    "The user identity cannot change during an active SignalR connection."
)
SIGNATURE_BYTES = 32
PADDING_BYTES = 80


class SignalROptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the server behaves; the defaults are those of ASP.NET SignalR 2.2."""

    disconnect_timeout_seconds: float = 30.0
    keep_alive_seconds: float = 10.0
    connection_timeout_seconds: float = 110.0
    """How long a long poll is held."""
    transport_connect_timeout_seconds: float = 5.0
    long_poll_delay_seconds: float = 0.0
    grace_seconds: float = 5.0
    """A connection without a transport ends so much later than the disconnect timeout says."""
    buffer_size: int = 1000
    """Messages every topic keeps at least, and at most a quarter more; the oldest go first, and nobody is told."""
    messages_per_frame: int = 10
    """Of one topic, on a stream."""
    messages_per_poll: int = 5000
    """Of one topic, in one answer to a long poll."""
    transports: tuple[str, ...] = TRANSPORTS
    """Those the administrator left enabled."""

    @property
    def topic_ttl_seconds(self) -> float:
        """How long an unused topic is kept: twice disconnect timeout and keep-alive timeout."""
        return 2 * (self.disconnect_timeout_seconds + 2 * self.keep_alive_seconds)


class Sealer:
    """Makes tokens that only this server can have made. Its key outlives a restart, as machine keys do."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def seal(self, purpose: str, content: str) -> str:
        """An opaque token, some hundred base64 characters with + and / among them."""
        body = secrets.token_bytes(PADDING_BYTES) + content.encode()
        return base64.b64encode(self._sign(purpose, body) + body).decode()

    def open(self, purpose: str, token: str) -> str | None:
        """What was sealed, or none if this is not such a token."""
        try:
            raw = base64.b64decode(token, validate=True)
        except (binascii.Error, ValueError):
            return None
        signature, body = raw[:SIGNATURE_BYTES], raw[SIGNATURE_BYTES:]
        if not hmac.compare_digest(signature, self._sign(purpose, body)):
            return None
        return body[PADDING_BYTES:].decode()

    def _sign(self, purpose: str, body: bytes) -> bytes:
        return hmac.digest(self._key, purpose.encode() + b"\0" + body, hashlib.sha256)


def protocol_for(client: str | None) -> str:
    """The protocol the server answers a client's with."""
    try:
        wanted = float(client or SUPPORTED[0])
    except ValueError:
        return SUPPORTED[0]
    known = [one for one in SUPPORTED if float(one) <= wanted]
    return known[-1] if known else SUPPORTED[0]


def negotiation(
    options: SignalROptions,
    *,
    web_sockets: bool,
    url: str,
    token: str,
    connection_id: str,
    protocol: str,
) -> bytes:
    """The answer to /negotiate."""
    return msgspec.json.encode(
        {
            "Url": url,
            "ConnectionToken": token,
            "ConnectionId": connection_id,
            "KeepAliveTimeout": 2 * options.keep_alive_seconds,
            "DisconnectTimeout": options.disconnect_timeout_seconds,
            "ConnectionTimeout": options.connection_timeout_seconds,
            "TryWebSockets": web_sockets,
            "ProtocolVersion": protocol,
            "TransportConnectTimeout": options.transport_connect_timeout_seconds,
            "LongPollDelay": options.long_poll_delay_seconds,
        }
    )


def envelope(
    cursor: str,
    messages: Iterable[bytes] = (),
    *,
    initialized: bool = False,
    terminal: bool = False,
    groups_token: str | None = None,
    delay_ms: float | None = None,
) -> bytes:
    """One frame of messages. Flags are there or not; their value is always 1."""
    head = [b'{"C":' + msgspec.json.encode(cursor)]
    if initialized:
        head.append(b'"S":1')
    if terminal:
        head.append(b'"T":1')
    if groups_token is not None:
        head.append(b'"G":' + msgspec.json.encode(groups_token))
    if delay_ms is not None:
        head.append(b'"L":' + msgspec.json.encode(delay_ms))
    return b",".join(head) + b',"M":[' + b",".join(messages) + b"]}"


def invocation(hub: str, method: str, arguments: list[Any]) -> bytes:
    """A call of a client's method, as it stands in `M`."""
    return msgspec.json.encode({"H": hub, "M": method, "A": arguments})


def hub_names(connection_data: str | None) -> list[str] | None:
    """The hubs a client asks for; none when it asks for no hub. Raises ValueError."""
    if not connection_data:
        return None
    names = [
        item["name"] for item in msgspec.json.decode(connection_data, type=list[dict[str, str]])
    ]
    lowered = [name.lower() for name in names]
    if len(set(lowered)) != len(lowered):
        raise ValueError("a hub is named twice")
    return names


def proxies(hubs: dict[str, list[str]]) -> str:
    """What /hubs answers: a script that makes proxies of hubs and their server methods."""
    lines = [
        "(function ($, window) {",
        "    $.hubConnection.prototype.createHubProxies = function () {",
        "        var proxies = {};",
    ]
    for hub, methods in hubs.items():
        made = f"proxies['{hub}']"
        lines += [
            f"        {made} = this.createHubProxy('{hub}');",
            f"        {made}.client = {{ }};",
            f"        {made}.server = {{",
        ]
        for method in methods:
            name = method[:1].lower() + method[1:]
            call = f'$.merge(["{method}"], $.makeArray(arguments))'
            lines += [
                f"            {name}: function () {{",
                f"                return {made}.invoke.apply({made}, {call});",
                "            },",
            ]
        lines.append("        };")
    lines += ["        return proxies;", "    };", "}(window.jQuery, window));", ""]
    return "\n".join(lines)
