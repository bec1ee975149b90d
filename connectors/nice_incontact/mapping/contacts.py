"""What all contacts have in common: which fields are data, what changed in them, and when it happened. Pure.

Source: NICE inContact developer portal, "Agent Session Events" (CallContactEvent and the other
contact events); the vendor's agent SDK for fields that the page leaves out.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from connectors._wire.json_values import clean, fields
from connectors.nice_incontact.mapping.message import Message
from connectors.nice_incontact.mapping.picture import (
    MAX_CONTACTS,
    AgentPicture,
    Contact,
    put,
)
from connectors.nice_incontact.vendor import CALL_STATES
from gateway.events.calls import CallDataChanged
from gateway.events.interactions import InteractionDataChanged
from gateway.states import ConnectionState

_VARIABLES = "screenpopurlvariables"
_DATA = {
    name.lower(): name
    for name in (
        "AllowDispositions", "AnsMachineOverride", "AnsMachineOverrideEndTime", "BlendingToSkillName",
        "ComplianceRecord", "ConfirmationRequired", "CustomData", "CustomerCardUrl", "CustomerName",
        "DeliveryType", "FileDuration", "FileName", "InFocus", "IsActive", "IsLinked",
        "IsRequireManualAccept", "Label", "OtherInformation", "OtherInformationNewFormat",
        "RequireDisposition", "ScreenPopUrl", "TimeZones", "VoiceMailType", "WorkItemPayload",
        "WorkItemType",
    )
}  # fmt: skip
"""Fields told as data of the contact, by the platform's names; those of the screen pop's variables join them."""
_FLAGS = frozenset(
    {"AllowDispositions", "DeliveryType", "InFocus", "IsActive", "IsLinked", "RequireDisposition"}
)
"""What every contact has: told when it changes, and with other data, but no news by itself at the beginning."""
_LONGEST_KEPT = 1024


def state_of(message: Message) -> ConnectionState:
    """The connection state that the contact's status stands for; a final one is over whatever it is called."""
    word = (message.text("status") or "").lower()
    state = CALL_STATES.get(word, ConnectionState.UNKNOWN)
    if message.flag("finalstate") and state is not ConnectionState.FAILED:
        return ConnectionState.CLEARED
    return state


def changed_at(message: Message) -> datetime | None:
    """When the contact came into its state."""
    return message.moment("laststatechangetimeutc", "laststatechangetime")


def repeats(message: Message, picture: AgentPicture, name: str) -> bool:
    """Whether the same was told of the contact right before, also after its end."""
    contact = picture.contacts.get(name)
    last = contact.last if contact is not None else picture.closed.get(name)
    message.duplicate = last == message.print
    return message.duplicate


def data_of(message: Message) -> dict[str, Any]:
    """The contact's data that the event tells, empty values left out."""
    found: dict[str, Any] = {}
    for low, name in _DATA.items():
        value = message.told.get(low)
        if value not in ("", None, [], {}):
            found[name] = clean(value)
    variables = message.told.get(_VARIABLES)
    for entry in variables if isinstance(variables, list) else [variables]:
        found |= _variables(entry)
    return found


def _variables(entry: Any) -> dict[str, Any]:
    """Variables of a screen pop: an object of name and value, or one object that has both as members."""
    if not isinstance(entry, dict):
        return {}
    low = fields(entry)
    if isinstance(low.get("name"), str) and "value" in low:
        return {low["name"]: clean(low["value"])}
    return {str(key): clean(value) for key, value in entry.items()}


def tell_data(message: Message, name: str, contact: Contact, told: Mapping[str, Any]) -> None:
    """Tell what changed in the contact's data, and remember it; long texts by their beginning and length."""
    now = {key: _kept(value) for key, value in told.items()}
    changed = [key for key, value in now.items() if contact.data.get(key) != value]
    removed = [key for key in contact.data if key not in now]
    first = not contact.data
    contact.data = now
    if not removed and (not changed or (first and _FLAGS.issuperset(changed))):
        return
    agent, native = message.origin.agent, message.native(state=message.text("status"))
    values = {key: told[key] for key in changed}
    if contact.kind == "call":
        call = CallDataChanged(
            call=name, agent=agent, changed=changed, removed=removed, values=values, native=native
        )
        message.add("call.data.changed", f"call/{name}", call, key=name)
        return
    interaction = InteractionDataChanged(
        interaction=name,
        media=contact.media,
        agent=agent,
        changed=changed,
        removed=removed,
        values=values,
        native=native,
    )
    message.add("interaction.data.changed", f"interaction/{name}", interaction, key=name)


def remember(message: Message, picture: AgentPicture, name: str, contact: Contact) -> None:
    """Keep the contact, or take it out when the platform has closed it."""
    contact.last = message.print
    if message.flag("finalstate"):
        picture.contacts[name] = contact
        picture.close(name)
    elif name not in picture.contacts:
        picture.closed.pop(name, None)
        put(picture.contacts, name, contact, MAX_CONTACTS)


def _kept(value: Any) -> Any:
    if isinstance(value, str) and len(value) > _LONGEST_KEPT:
        return f"{value[:_LONGEST_KEPT]}…{len(value)}"
    return value
