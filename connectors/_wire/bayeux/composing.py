"""Builds the requests of a Bayeux session, each with ids that the session never used before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from connectors._wire.bayeux import messages as wire
from connectors._wire.bayeux.advice import TRANSPORT
from connectors._wire.bayeux.ordinals import Ordinals
from connectors._wire.bayeux.steps import Kind, Send

# The official clients allow a reply so long on the network, beyond the time a connect is held.
NETWORK_DELAY_SECONDS = 10.0


class Composer:
    """Counts message ids; what else goes into a request is passed in."""

    def __init__(self, network_delay_seconds: float, *, offer_ack: bool) -> None:
        self.message_id = 0
        self._network_delay_seconds = network_delay_seconds
        self._offer_ack = offer_ack

    def handshake(self) -> Send:
        """A handshake, alone in its request as servers demand."""
        message: dict[str, Any] = {
            "version": "1.0",
            "minimumVersion": "1.0",
            "supportedConnectionTypes": [TRANSPORT],
        }
        if self._offer_ack:
            message["ext"] = {"ack": True}
        return self._send(Kind.HANDSHAKE, [(wire.HANDSHAKE, message)], None)

    def subscribe(self, session: Ordinals, missing: Sequence[str], surplus: Sequence[str]) -> Send:
        """Subscribe to `missing`, whose ids run from the request's own, and unsubscribe from `surplus`."""
        return self._send(
            Kind.SUBSCRIBE,
            [(wire.SUBSCRIBE, {"subscription": channel}) for channel in missing]
            + [(wire.UNSUBSCRIBE, {"subscription": channel}) for channel in surplus],
            session,
        )

    def connect(self, session: Ordinals, *, hold_seconds: float | None) -> Send:
        """A connect that the server holds for up to `hold_seconds`, or answers at once if that is none."""
        message: dict[str, Any] = {"connectionType": TRANSPORT}
        if hold_seconds is None:
            message["advice"] = {"timeout": 0}
        if session.ack_enabled:
            message["ext"] = {"ack": session.ack}
        return self._send(Kind.CONNECT, [(wire.CONNECT, message)], session, hold_seconds)

    def disconnect(self, session: Ordinals) -> Send:
        """The end of the session."""
        return self._send(Kind.DISCONNECT, [(wire.DISCONNECT, {})], session)

    def _send(
        self,
        kind: Kind,
        contents: list[tuple[str, dict[str, Any]]],
        session: Ordinals | None,
        hold_seconds: float | None = None,
    ) -> Send:
        first = self.message_id + 1
        batch = []
        for channel, fields in contents:
            self.message_id += 1
            message = {"id": str(self.message_id), "channel": channel, **fields}
            if session is not None:
                message["clientId"] = session.client_id
            batch.append(message)
        return Send(
            kind=kind,
            payload=msgspec.json.encode(batch),
            deadline_seconds=(hold_seconds or 0.0) + self._network_delay_seconds,
            message_id=str(first),
            base=session.base if session else 0,
            client_id=session.client_id if session else "",
            held=hold_seconds is not None,
        )
