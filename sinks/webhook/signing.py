"""Signatures by Standard Webhooks 1.0.0. Pure: the time is an argument."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from datetime import datetime

from standardwebhooks import Webhook

_PREFIX = "whsec_"
_KEY_BYTES = range(24, 65)


def key_problem(secret: str) -> str:
    """What is wrong with a secret, empty if nothing; never the secret itself.

    Source: Standard Webhooks specification, "Signature scheme" (24 to 64 bytes, base64 behind `whsec_`).
    """
    if not secret.startswith(_PREFIX):
        return f"must begin with {_PREFIX}"
    encoded = secret.removeprefix(_PREFIX)
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        return f"must be base64 behind {_PREFIX}"
    if len(key) not in _KEY_BYTES:
        return f"must hold 24 to 64 bytes, but holds {len(key)}"
    return ""


class Signer:
    """Signs with every secret, so that a receiver may have the old one or the new one."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._keys = [Webhook(secret) for secret in secrets]

    def headers(self, message_id: str, body: bytes, now: datetime) -> Mapping[str, str]:
        """The headers `webhook-id`, `webhook-timestamp` and, with secrets, `webhook-signature`.

        Source: Standard Webhooks specification, "Webhook headers": several signatures are separated by spaces.
        """
        headers = {"webhook-id": message_id, "webhook-timestamp": str(int(now.timestamp()))}
        if self._keys:
            text = body.decode()
            headers["webhook-signature"] = " ".join(
                key.sign(message_id, now, text) for key in self._keys
            )
        return headers
