"""Messages about the account and about the platform's services.

Source: Genesys Web Services API reference, "Notifications" (User) and "Services" (Notifications).
"""

from __future__ import annotations

from connectors.genesys_web_services.mapping.message import Message
from connectors.genesys_web_services.mapping.picture import AgentPicture
from connectors.genesys_web_services.mapping.values import first, mapping, text
from connectors.genesys_web_services.vendor import (
    PASSWORD_CHANGED,
    PASSWORD_ERRORS,
    SERVICE_STATES,
    folded,
)
from gateway.events.operations import AccountPassword, ServiceState


def on_password_notification(message: Message, picture: AgentPicture) -> None:
    """Map the result of a password change, one's own or, for supervisors, another user's."""
    if message.repeats(picture, 0):
        return
    data = message.data
    changed = message.notification == PASSWORD_CHANGED
    code = first(data, "errorCode")
    account = first(data, "userId") or message.origin.agent
    message.add(
        f"tieline.account.password.{'changed' if changed else 'failed'}.v1",
        f"agent/{account}",
        account,
        AccountPassword(
            account=account,
            reason=None if changed else PASSWORD_ERRORS.get(code or "", "other"),
            native=message.native(reason=code or text(data.get("errorMessage"))),
        ),
    )


def on_service_message(message: Message, picture: AgentPicture) -> None:
    """Map a change of one of the platform's services."""
    service = mapping(message.data.get("service"))
    name = first(service, "name", "type", "id")
    if name is None:
        message.not_understood("a service message without a service")
        return
    if message.repeats(picture, picture.last.get("service", 0)):
        return
    picture.last["service"] = message.print
    word = first(service, "state")
    message.add(
        "tieline.service.state.changed.v1",
        f"service/{name}",
        f"service/{name}",
        ServiceState(
            service=name,
            state=SERVICE_STATES.get(folded(word), "unknown"),
            evidence=word,
        ),
    )
