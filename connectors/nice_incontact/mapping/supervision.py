"""Supervision: the agent is a supervisor and monitors another agent's call.

Source: NICE inContact developer portal, "Agent Session Events" (SupervisorContact, SupervisorMonitor,
TakeOver).
"""

from __future__ import annotations

import msgspec

from connectors._wire.json_values import identifier
from connectors.nice_incontact.mapping import contacts
from connectors.nice_incontact.mapping.message import Message
from connectors.nice_incontact.mapping.picture import (
    SUPERVISION,
    AgentPicture,
    Contact,
    Monitor,
)
from gateway.events.calls import Supervision
from gateway.states import ConnectionState

_OVER = frozenset({ConnectionState.CLEARED, ConnectionState.FAILED})
_MODES = {"coach": "coach", "coaching": "coach", "barge": "barge", "joined": "barge"}


def on_monitor(message: Message, picture: AgentPicture) -> None:
    """Monitoring of an agent begins or ends."""
    target = identifier(message.told.get("targetagentid"))
    held = picture.monitor
    if message.flag("finalstate"):
        if held is None:
            message.duplicate = True
            return
        picture.monitor = None
        for name in picture.of_kind(SUPERVISION):
            picture.close(name)
        _tell(message, "stopped", target or held.target, None, held.mode)
        return
    now = Monitor(target=target, since=message.text("monitorstarttime"))
    if held is not None and (held.target, held.since) == (now.target, now.since):
        message.duplicate = True
        return
    picture.monitor = now
    _tell(message, "started", target, None, now.mode, at=("monitorstarttime",))


def on_contact(message: Message, picture: AgentPicture) -> None:
    """The supervisor's own leg of the monitored call."""
    name = message.contact
    if name is None:
        message.not_understood("a SupervisorContact without ContactID")
        return
    asked = picture.monitor.asked if picture.monitor is not None else None
    if contacts.repeats(message, picture, name) and asked is None:
        return
    message.duplicate = False
    known = picture.contacts.get(name)
    state = contacts.state_of(message)
    if known is None and (name in picture.closed or picture.monitor is None) and state in _OVER:
        message.duplicate = True
        return
    monitor = picture.monitor or Monitor()
    contact = known or Contact(kind=SUPERVISION, state=state, agent=monitor.target)
    status = (message.text("status") or contact.status).lower()
    told = _MODES.get((message.text("calltype") or "").lower()) or _MODES.get(status)
    mode = told or asked or monitor.mode
    if state in _OVER:
        if picture.monitor is not None:
            _tell(message, "stopped", monitor.target, name, monitor.mode)
        picture.monitor = None
    elif picture.monitor is None:
        picture.monitor = msgspec.structs.replace(monitor, mode=mode)
        _tell(message, "started", monitor.target, name, mode)
    else:
        picture.monitor = msgspec.structs.replace(monitor, mode=mode, asked=None)
        _tell(message, "changed", monitor.target, name, mode)
    contact.state, contact.status = state, status
    contacts.remember(message, picture, name, contact)


def on_take_over(message: Message, picture: AgentPicture) -> None:
    """The supervisor took the call over."""
    name = message.contact
    monitor, picture.monitor = picture.monitor or Monitor(), None
    if name is not None:
        picture.close(name)
    _tell(message, "stopped", monitor.target, name, "barge", at=("takeoverdate",))


def _tell(
    message: Message,
    verb: str,
    target: str | None,
    call: str | None,
    mode: str,
    *,
    at: tuple[str, ...] = ("laststatechangetimeutc", "laststatechangetime"),
) -> None:
    supervisor = message.origin.agent
    data = Supervision(
        supervisor=supervisor,
        agent=target,
        call=call,
        mode=mode,
        scope="agent",
        native=message.native(state=message.text("status")),
    )
    message.add(
        f"supervision.{verb}", f"agent/{supervisor}", data, key=call or "", at=message.moment(*at)
    )
