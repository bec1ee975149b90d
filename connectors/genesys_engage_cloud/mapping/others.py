"""Messages about the session, the platform's services, supervision and what other programs send.

Sources: workspace-client-js (`WorkspaceInitialization…`), workspace-client-java
(`ServiceStateChanged`), agent-api-simulator (`MonitoringStateChanged`, `EventUserEvent`).
"""

from __future__ import annotations

from connectors._genesys.message import Message
from connectors._genesys.values import difference, first, folded, identifier, kept, mapping, text
from connectors.genesys_engage_cloud.mapping.pairs import from_pairs, is_pairs
from connectors.genesys_engage_cloud.mapping.picture import (
    MAX_SERVICES,
    AgentPicture,
    put,
)
from connectors.genesys_engage_cloud.vendor import (
    INITIALIZATION_STATES,
    MONITOR_MODES,
    MONITOR_SCOPES,
    MONITORING_STARTED,
    MONITORING_STOPPED,
    SERVICE_STATES,
)
from gateway.events.calls import CallDataChanged, Supervision
from gateway.events.interactions import InteractionDataChanged
from gateway.events.operations import ServiceState

_MAX_MONITORED = 16


def on_initialization_message(message: Message, picture: AgentPicture) -> None:
    """Map a message about the making of the agent's workspace session."""
    word = first(message.data, "state") or first(mapping(message.data.get("data")), "state")
    if word is None:
        message.not_understood("an initialization message without a state")
        return
    progress = mapping(message.data.get("progress"))
    percent = text(progress.get("percentComplete"))
    name = f"workspace:{message.origin.agent}"
    _tell_service(
        message,
        picture,
        name,
        INITIALIZATION_STATES.get(folded(word), "unknown"),
        word if percent is None else f"{word} {percent}%",
    )


def on_service_message(message: Message, picture: AgentPicture) -> None:
    """Map a change of one of the platform's services: voice, interactions, contacts, statistics."""
    name = first(message.data, "serviceName", "name")
    word = first(message.data, "serviceState", "state")
    if name is None or word is None:
        message.not_understood("a service message without a service or its state")
        return
    name = name.lower()
    if message.repeats(picture, picture.last.get(f"service {name}", 0)):
        return
    if name in picture.services or len(picture.services) < MAX_SERVICES:
        picture.last[f"service {name}"] = message.print
    _tell_service(message, picture, name, SERVICE_STATES.get(folded(word), "unknown"), word)


def _tell_service(
    message: Message, picture: AgentPicture, name: str, state: str, evidence: str
) -> None:
    previous = picture.services.get(name)
    put(picture.services, name, state, MAX_SERVICES)
    message.add(
        "tieline.service.state.changed.v1",
        f"service/{name}",
        f"service/{name}",
        ServiceState(
            service=name,
            state=state,
            previous=previous,
            evidence=evidence,
            native=message.native(state=evidence),
        ),
    )


def on_monitoring_message(message: Message, picture: AgentPicture) -> None:
    """Map the beginning, the change and the end of supervision by this agent."""
    data = message.data
    event = mapping(data.get("event"))
    kind = folded(data.get("eventType"))
    other = identifier(first(event, "otherDN", "otherDn")) or identifier(first(data, "otherDN"))
    if kind not in {MONITORING_STARTED, MONITORING_STOPPED} or other is None:
        message.not_understood("a monitoring message without its kind or the supervised number")
        return
    if message.repeats(picture, picture.last.get("monitoring", 0)):
        return
    picture.last["monitoring"] = message.print
    word = first(data, "monitorMode", "monitoringMode") or first(event, "monitorMode")
    mode = MONITOR_MODES.get(folded(word)) if word else picture.monitoring.get(other)
    scope = first(event, "monitorNextCallType") or first(data, "monitorNextCallType")
    if kind == MONITORING_STOPPED:
        verb = "stopped"
        picture.monitoring.pop(other, None)
    else:
        verb = "changed" if other in picture.monitoring else "started"
        put(picture.monitoring, other, mode or "", _MAX_MONITORED)
    supervisor = message.origin.agent
    message.add(
        f"tieline.supervision.{verb}.v1",
        f"agent/{supervisor}",
        supervisor,
        Supervision(
            supervisor=supervisor,
            agent=other,
            mode=mode or None,
            scope=MONITOR_SCOPES.get(folded(scope)),
            native=message.native(state=word, ids={"otherDN": other}),
        ),
    )


def on_user_event(message: Message, picture: AgentPicture) -> None:
    """Map an event that another program sent: data of a call or interaction that we know, else kept as it is."""
    data = message.data
    attached = data.get("userData", data.get("eventContent"))
    call_id = picture.call_of(
        identifier(data.get("callUuid")), identifier(first(data, "connId", "callId"))
    )
    interaction = identifier(first(data, "interactionId"))
    agent = message.origin.agent
    if is_pairs(attached) and call_id is not None:
        values, removed = difference({}, from_pairs(attached))
        leg = picture.calls[call_id]
        leg.data = kept(leg.data | values)
        message.add(
            "tieline.call.data.changed.v1",
            f"call/{call_id}",
            call_id,
            CallDataChanged(
                call=call_id,
                agent=agent,
                changed=list(values),
                removed=removed,
                values=values,
                native=message.native(ids={"id": call_id}),
            ),
            correlation=call_id,
        )
    elif is_pairs(attached) and interaction is not None and interaction in picture.interactions:
        values = from_pairs(attached)
        message.add(
            "tieline.interaction.data.changed.v1",
            f"interaction/{interaction}",
            interaction,
            InteractionDataChanged(
                interaction=interaction,
                media=picture.interactions[interaction].media,
                agent=agent,
                changed=list(values),
                values=values,
                native=message.native(),
            ),
            correlation=interaction,
        )
    else:
        message.not_understood("an event of another program")
