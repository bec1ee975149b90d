"""Messages about the platform's own services: provisioning, voice, reporting, media.

A service stands for a server behind Web Services (T-Server, Stat Server, Interaction Server), so
one that is down says why nothing comes of its kind. Source: Genesys Web Services API reference,
"Services" (Attributes, Notifications), whose sample of one service is a list of one.
"""

from __future__ import annotations

from typing import Any

from connectors.genesys_web_services.mapping.message import Message
from connectors.genesys_web_services.mapping.picture import MAX_SERVICES, AgentPicture, put
from connectors.genesys_web_services.mapping.values import first, folded, identifier, objects, text
from connectors.genesys_web_services.vendor import SERVICE_STATES
from gateway.events import Provenance
from gateway.events.operations import ServiceState

_UP = "up"
_UNKNOWN = "unknown"


def on_service_message(message: Message, picture: AgentPicture) -> None:
    """Map a change of one of the platform's services."""
    data = message.data
    services = objects(data.get("service")) or objects(data.get("services"))
    if not services and "state" in data:
        services = [data]
    named = [service for service in services if _name(service) is not None]
    if not named:
        message.not_understood("a service message without a service")
        return
    if message.repeats(picture, picture.last.get("service", 0)):
        return
    picture.last["service"] = message.print
    for service in named[:MAX_SERVICES]:
        _take(message, picture, service)


def on_services_read(message: Message, picture: AgentPicture, *, heard: frozenset[str]) -> None:
    """Compare the list of services with what was last told; one that is up and was never told is no news."""
    for service in objects(message.data.get("services"))[:MAX_SERVICES]:
        if _name(service) not in {None, *heard}:
            _take(message, picture, service)


def _name(service: dict[str, Any]) -> str | None:
    return next(
        (name for key in ("name", "id", "type") if (name := identifier(service.get(key)))), None
    )


def _take(message: Message, picture: AgentPicture, service: dict[str, Any]) -> None:
    name = _name(service) or _UNKNOWN
    word = first(service, "state")
    state = SERVICE_STATES.get(folded(word), _UNKNOWN)
    before = picture.services.get(name)
    put(picture.services, name, state, MAX_SERVICES)
    if message.provenance is not Provenance.LIVE and state == (before or _UP):
        return
    ids = {key: value for key in ("id", "type") if (value := text(service.get(key))) is not None}
    message.add(
        "tieline.service.state.changed.v1",
        f"service/{name}",
        f"service/{name}",
        ServiceState(
            service=name,
            state=state,
            previous=before,
            evidence=word,
            native=message.native(state=word, ids=ids),
        ),
    )
