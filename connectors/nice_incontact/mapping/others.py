"""Everything else a session tells: that something is to be read anew, and what scripts show to the agent.

What concerns a contact is told as data of it; what has no canonical type at all is kept whole.
Source: NICE inContact developer portal, "Agent Session Events" (Indicator, PageOpen, PopURL, RunApp,
CustomEvent, HoursOfOperation and the signals); the vendor's agent SDK for AgentAssist and
MchAgentSettingsChangeEvent.
"""

from __future__ import annotations

from typing import Any

from connectors._wire.json_values import clean, identifier
from connectors.nice_incontact.mapping.message import NO_CONTACT, Message
from connectors.nice_incontact.mapping.picture import CALL, AgentPicture
from connectors.nice_incontact.vendor import SIGNALS
from gateway.events.agents import AgentChannel
from gateway.events.calls import CallDataChanged
from gateway.events.interactions import InteractionDataChanged
from gateway.events.operations import DirectoryChanged
from gateway.states import AgentState

_SIGNALS = {name.lower(): directory for name, directory in SIGNALS.items()}
_FRAME = frozenset({"iishost", "vchost", "type", "contactid", "sendercontactid"})
_THRESHOLDS = {
    "voicethreshold": "voice",
    "chatthreshold": "chat",
    "smsthreshold": "sms",
    "emailthreshold": "email",
    "workitemthreshold": "workitem",
    "digitalthreshold": "digital",
}


def on_signal(message: Message, _picture: AgentPicture) -> None:
    """Something that the directory holds is to be read anew."""
    directory = _SIGNALS[message.kind.lower()]
    data = DirectoryChanged(directory=directory, native=message.native())
    message.add("directory.changed", f"directory/{directory}", data)


def on_contact_data(message: Message, picture: AgentPicture) -> None:
    """What a script tells the agent about a contact: a page, an indicator, an application, assistance."""
    found = identifier(message.told.get("contactid")) or identifier(
        message.told.get("sendercontactid")
    )
    if found is None or found in NO_CONTACT:
        message.not_understood(f"{message.kind} has no canonical event")
        return
    contact = picture.contacts.get(found)
    label = message.text("name") or message.text("indicatorname")
    prefix = f"{message.kind}.{label}" if label else message.kind
    values: dict[str, Any] = {
        f"{prefix}.{name}": clean(value)
        for name, value in _members(message)
        if name.lower() not in _FRAME and value not in ("", None)
    }
    agent, native = message.origin.agent, message.native()
    if contact is not None and contact.kind != CALL:
        interaction = InteractionDataChanged(
            interaction=found,
            media=contact.media,
            agent=agent,
            changed=list(values),
            values=values,
            native=native,
        )
        message.add("interaction.data.changed", f"interaction/{found}", interaction, key=found)
        return
    call = CallDataChanged(
        call=found, agent=agent, changed=list(values), values=values, native=native
    )
    message.add("call.data.changed", f"call/{found}", call, key=found)


def on_thresholds(message: Message, _picture: AgentPicture) -> None:
    """How many contacts of each medium the agent takes at once; none closes the medium."""
    agent = message.origin.agent
    for name, media in _THRESHOLDS.items():
        value = message.text(name)
        if value is None:
            continue
        closed = value == "0"
        data = AgentChannel(
            agent=agent,
            media=media,
            active=not closed,
            state=AgentState.LOGGED_OFF if closed else None,
            native=message.native(state=value),
        )
        message.add_agent("agent.channel.changed", data)
    if not message.events:
        message.not_understood("an MchAgentSettingsChangeEvent without thresholds")


def on_note(message: Message, _picture: AgentPicture) -> None:
    """What the platform documents and no canonical type fits: kept whole."""
    message.not_understood(f"{message.kind} has no canonical event")


def _members(message: Message) -> list[tuple[str, Any]]:
    payload = message.payload
    return list(payload.items()) if isinstance(payload, dict) else []
