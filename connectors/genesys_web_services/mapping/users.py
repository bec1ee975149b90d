"""Messages about accounts: the result of a password change, one's own or, for supervisors, another user's.

Source: Genesys Web Services API reference, "Asynchronous Telephony Operations Notifications"
(User: `/v2/me` and `/v2/users`).
"""

from __future__ import annotations

from connectors.genesys_web_services.mapping.message import Message
from connectors.genesys_web_services.mapping.picture import AgentPicture
from connectors.genesys_web_services.mapping.values import first, last_segment, text
from connectors.genesys_web_services.vendor import (
    PASSWORD_CHANGED,
    PASSWORD_ERRORS,
    USERS_TOPIC,
)
from gateway.events.operations import AccountPassword


def on_password_notification(message: Message, picture: AgentPicture) -> None:
    """Map the result of a password change; on the users' topic it must say whose."""
    data = message.data
    account = first(data, "userId") or last_segment(data.get("userUri"))
    if account is None and message.topic == USERS_TOPIC:
        message.not_understood("a password notification that names no user")
        return
    if message.repeats(picture, 0):
        return
    changed = message.notification == PASSWORD_CHANGED
    code = first(data, "errorCode")
    account = account or message.origin.agent
    ids = {
        name: value for name in ("userId", "userUri") if (value := text(data.get(name))) is not None
    }
    message.add(
        f"tieline.account.password.{'changed' if changed else 'failed'}.v1",
        f"agent/{account}",
        account,
        AccountPassword(
            account=account,
            reason=None if changed else PASSWORD_ERRORS.get(code or "", "other"),
            native=message.native(reason=code or text(data.get("errorMessage")), ids=ids),
        ),
    )
