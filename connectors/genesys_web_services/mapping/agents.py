"""Devices and channels: whether the agent can be routed to on each medium; over all of them it is folded.

Sources: Genesys Web Services API reference, "Notifications" (Devices), "Channels API" (CometD
Notifications), "Agent States".
"""

from __future__ import annotations

from typing import Any

from connectors._genesys.standing import (
    DEVICE_CHANGED,
    VOICE,
    refresh,
    tell,
    tell_snapshot,
)
from connectors.genesys_web_services.mapping.message import Message
from connectors.genesys_web_services.mapping.picture import (
    MAX_CHANNELS,
    MAX_DEVICES,
    AgentPicture,
    Channel,
    Device,
    Readiness,
    put,
)
from connectors.genesys_web_services.mapping.values import (
    first,
    folded,
    identifier,
    objects,
    switch,
    text,
)
from connectors.genesys_web_services.vendor import (
    AFTER_CALL_WORK,
    INACTIVE,
    PRESENCES,
)
from gateway.events.agents import AgentChannel, AgentDevice
from gateway.states import AgentState

__all__ = ["on_channel_message", "on_device_message", "on_snapshot", "refresh"]

_A = AgentState


def on_device_message(message: Message, picture: AgentPicture) -> None:
    """Map a message of the devices topic."""
    data = message.data
    devices = objects(data.get("devices")) or objects(data.get("device"))
    if not devices and ("deviceState" in data or "userState" in data):
        devices = [data]
    if not devices:
        message.not_understood("a device message without a device")
        return
    if message.repeats(picture, picture.last.get("devices", 0)):
        return
    picture.last["devices"] = message.print
    described = [_take_device(message, picture, device) for device in devices[:MAX_DEVICES]]
    tell(
        message,
        picture,
        [event for changed, event in described if changed],
        [e for _, e in described],
    )


def on_channel_message(message: Message, picture: AgentPicture) -> None:
    """Map a message of the channels topic. Neither the message type nor the channel's name is always there."""
    data = message.data
    channels = objects(data.get("channels"))
    if not channels and isinstance(data.get("channel"), dict):
        channels = objects(data.get("channel"))
    if not channels and "userState" in data:
        channels = [data]
    if not channels:
        message.not_understood("a channel message without a channel")
        return
    if message.repeats(picture, picture.last.get("channels", 0)):
        return
    picture.last["channels"] = message.print
    told = [_take_channel(message, picture, channel) for channel in channels[:MAX_CHANNELS]]
    tell(message, picture, told, told)


def on_snapshot(
    message: Message, picture: AgentPicture, *, whole: bool, heard: frozenset[str]
) -> None:
    """Map an answer about the agent's devices and channels: the state as a snapshot, and what changed meanwhile.

    If the answer is not `whole`, nothing is concluded from what it lacks; what was `heard` of since is left as it is.
    """
    data = message.data
    devices = [
        one for one in objects(data.get("devices")) if identifier(one.get("id")) not in heard
    ]
    if "devices" in data and whole:
        present = {identifier(device.get("id")) for device in devices}
        for known in set(picture.devices) - present - heard:
            del picture.devices[known]
    events = [_take_device(message, picture, device) for device in devices[:MAX_DEVICES]]
    channels = [
        one for one in objects(data.get("channels")) if identifier(one.get("channel")) not in heard
    ]
    if "channels" in data and whole:
        names = {identifier(channel.get("channel")) for channel in channels}
        for known in set(picture.channels) - names - heard:
            del picture.channels[known]
    for channel in channels[:MAX_CHANNELS]:
        _take_channel(message, picture, channel)
    tell_snapshot(message, picture)
    for changed, event in events:
        if changed:
            message.add_agent(DEVICE_CHANGED, event)


def _take_device(
    message: Message, picture: AgentPicture, device: dict[str, Any]
) -> tuple[bool, AgentDevice]:
    """Remember a device; returns whether anything but its readiness changed, and the event that would tell it."""
    name = identifier(device.get("id")) or identifier(device.get("phoneNumber")) or "unknown"
    known = picture.devices.get(name)
    before = known or Device()
    word = text(device.get("deviceState"))
    active = before.active if word is None else folded(word) != INACTIVE
    do_not_disturb = switch(_either(device, "doNotDisturb", "dndState"))
    now = Device(
        readiness=_readiness(message, device, before.readiness, active=active),
        number=first(device, "phoneNumber", "e164Number", "e164number", "E164digits")
        or before.number,
        active=active,
        do_not_disturb=before.do_not_disturb if do_not_disturb is None else do_not_disturb,
        forward_to=text(device.get("forwardTo"))
        if "forwardTo" in device or "doNotDisturb" in device
        else before.forward_to,
    )
    put(picture.devices, name, now, MAX_DEVICES)
    changed = known is not None and (
        now.active != before.active
        or (now.do_not_disturb or False) != (before.do_not_disturb or False)
        or now.forward_to != before.forward_to
        or now.number != before.number
    )
    # A device seen for the first time is told when there is something to tell beyond its existence.
    changed = changed or (known is None and bool(now.do_not_disturb or now.forward_to))
    return changed, AgentDevice(
        agent=message.origin.agent,
        device=name,
        number=now.number,
        active=now.active,
        do_not_disturb=now.do_not_disturb,
        forward_to=now.forward_to,
        native=message.native(
            state=now.readiness.native_state, reason=now.readiness.reason, ids={"device": name}
        ),
    )


def _take_channel(message: Message, picture: AgentPicture, channel: dict[str, Any]) -> AgentChannel:
    name = identifier(channel.get("channel")) or identifier(channel.get("name"))
    before = (picture.channels.get(name) if name else None) or Channel()
    active = switch(channel.get("active"))
    do_not_disturb = switch(_either(channel, "dndState", "doNotDisturb", "dnd"))
    now = Channel(
        readiness=_readiness(message, channel, before.readiness, active=None),
        active=before.active if active is None else active,
        do_not_disturb=before.do_not_disturb if do_not_disturb is None else do_not_disturb,
    )
    if name is not None and name != VOICE:
        put(picture.channels, name, now, MAX_CHANNELS)
    return AgentChannel(
        agent=message.origin.agent,
        media=name or "unknown",
        active=now.active,
        state=now.readiness.state,
        reason=now.readiness.reason,
        do_not_disturb=now.do_not_disturb,
        native=message.native(state=now.readiness.native_state, reason=now.readiness.reason),
    )


def _either(source: dict[str, Any], *names: str) -> Any:
    for name in names:
        if name in source:
            return source[name]
    return None


def _readiness(
    message: Message, source: dict[str, Any], before: Readiness, *, active: bool | None
) -> Readiness:
    """A device's or channel's own readiness. An inactive device is logged off whatever state it last had."""
    user = source.get("userState")
    user = user if isinstance(user, dict) else ({"state": user} if isinstance(user, str) else {})
    word = text(user.get("state"))
    if active is False:
        return Readiness(state=_A.LOGGED_OFF, native_state=word or text(source.get("deviceState")))
    if word is None:
        return before
    state = PRESENCES.get(folded(word), _A.UNKNOWN)
    mode = text(user.get("workMode"))
    if state is _A.NOT_READY and folded(mode) == AFTER_CALL_WORK:
        state = _A.AFTER_CONTACT
    return Readiness(
        state=state,
        native_state=f"{word}/{mode}" if mode else word,
        reason=first(user, "reason", "reasonCode"),
        label=text(user.get("displayName")) or _label(message, user),
    )


def _label(message: Message, user: dict[str, Any]) -> str | None:
    """What people call a state that the message does not name; older servers leave it out of custom states."""
    label_of = message.origin.label_of
    return None if label_of is None else label_of(user)
