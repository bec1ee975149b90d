"""Devices and channels: whether the agent can be routed to, on each medium and over all of them.

The agent's state is folded from three sources. Base: the most available of all phones and channels
(ready, then after-contact work, then not ready, then logged off). A ready agent with a ringing call
is `reserved`; one who is logged in and has a call that is connected or held is `busy`, and what the
agent will be afterwards is the pending state. Until the platform has told a device or channel
state, calls alone say nothing about the agent.
Sources: Genesys Web Services API reference, "Notifications" (Devices), "Channels API" (CometD
Notifications), "Agent States"; ECMA-269 for the meaning of the states.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from connectors.genesys_web_services.mapping.message import Message
from connectors.genesys_web_services.mapping.picture import (
    MAX_CHANNELS,
    MAX_DEVICES,
    AgentPicture,
    Channel,
    Device,
    Readiness,
    Standing,
    put,
)
from connectors.genesys_web_services.mapping.values import (
    first,
    identifier,
    objects,
    switch,
    text,
)
from connectors.genesys_web_services.vendor import (
    AFTER_CALL_WORK,
    INACTIVE,
    PRESENCES,
    folded,
)
from gateway.events import Confidence, Data
from gateway.events.agents import AgentChannel, AgentDevice, AgentSession, AgentStateData
from gateway.events.common import MediaReadiness
from gateway.states import AgentState, ConnectionState

_A = AgentState
_AVAILABILITY = (_A.READY, _A.AFTER_CONTACT, _A.NOT_READY, _A.LOGGED_OFF, _A.UNKNOWN)
_RANK = {state: rank for rank, state in enumerate(_AVAILABILITY)}
_TALKING = frozenset({ConnectionState.CONNECTED, ConnectionState.HELD})
_VOICE = "voice"
_STATE_CHANGED = "tieline.agent.state.changed.v1"
_STATE_SNAPSHOT = "tieline.agent.state.snapshot.v1"
_DEVICE_CHANGED = "tieline.agent.device.changed.v1"
_CHANNEL_CHANGED = "tieline.agent.channel.changed.v1"


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
    _tell(
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
    _tell(message, picture, told, told)


def on_snapshot(message: Message, picture: AgentPicture) -> None:
    """Map an answer about the agent's devices and channels: the state as a snapshot, and what changed meanwhile."""
    data = message.data
    devices = objects(data.get("devices"))
    for known in set(picture.devices) - {identifier(device.get("id")) for device in devices}:
        del picture.devices[known]
    events = [_take_device(message, picture, device) for device in devices[:MAX_DEVICES]]
    channels = objects(data.get("channels"))
    if "channels" in data:
        names = {identifier(channel.get("channel")) for channel in channels}
        for known in set(picture.channels) - names:
            del picture.channels[known]
    for channel in channels[:MAX_CHANNELS]:
        _take_channel(message, picture, channel)
    before = picture.standing
    standing = _standing(picture) or Standing(state=_A.LOGGED_OFF)
    picture.standing = standing
    _tell_session(message, picture, before, standing)
    moved = before is not None and before != standing
    message.add_agent(
        _STATE_CHANGED if moved else _STATE_SNAPSHOT,
        _state_data(message, picture, standing, before),
    )
    for changed, event in events:
        if changed:
            message.add_agent(_DEVICE_CHANGED, event)


def refresh(message: Message, picture: AgentPicture, *, observed: bool) -> bool:
    """Fold the agent's state anew and tell it if it changed; returns whether it did."""
    standing = _standing(picture)
    before = picture.standing
    if standing is None or standing == before:
        return False
    picture.standing = standing
    if observed:
        _tell_session(message, picture, before, standing)
    message.add_agent(
        _STATE_CHANGED,
        _state_data(message, picture, standing, before),
        confidence=Confidence.OBSERVED if observed else Confidence.INFERRED,
    )
    return True


def _tell(
    message: Message, picture: AgentPicture, changed: Sequence[Data], all_: Sequence[Data]
) -> None:
    """The parts that changed, the agent's state if it changed, and if nothing did, the state as it was restated."""
    is_channel = isinstance(all_[0], AgentChannel)
    for data in changed:
        message.add_agent(_CHANNEL_CHANGED if is_channel else _DEVICE_CHANGED, data)
    if not refresh(message, picture, observed=True) and not changed:
        standing = picture.standing
        if standing is None:
            for data in all_:
                message.add_agent(_DEVICE_CHANGED, data)
        else:
            message.add_agent(_STATE_SNAPSHOT, _state_data(message, picture, standing, standing))


def _tell_session(
    message: Message, picture: AgentPicture, before: Standing | None, now: Standing
) -> None:
    """A working session began or ended, if it is known how things stood before."""
    if before is None or (before.state is _A.LOGGED_OFF) == (now.state is _A.LOGGED_OFF):
        return
    started = now.state is not _A.LOGGED_OFF
    device = next(iter(picture.devices.values()), None)
    message.add_agent(
        f"tieline.agent.session.{'started' if started else 'ended'}.v1",
        AgentSession(
            agent=message.origin.agent,
            station=device.number if device else None,
            media=[media.media for media in _media(picture) if media.state is not _A.LOGGED_OFF],
            reason=now.reason,
            native=message.native(state=now.native_state, reason=now.reason),
        ),
    )


def _state_data(
    message: Message, picture: AgentPicture, standing: Standing, before: Standing | None
) -> AgentStateData:
    return AgentStateData(
        agent=message.origin.agent,
        state=standing.state,
        previous_state=before.state if before else None,
        reason=standing.reason,
        reason_label=standing.label,
        pending_state=standing.pending,
        media=_media(picture),
        native_state=standing.native_state,
        native=message.native(state=standing.native_state, reason=standing.reason),
    )


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
        readiness=_readiness(device, before.readiness, active=active),
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
        readiness=_readiness(channel, before.readiness, active=None),
        active=before.active if active is None else active,
        do_not_disturb=before.do_not_disturb if do_not_disturb is None else do_not_disturb,
    )
    if name is not None and name != _VOICE:
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
    return next((source[name] for name in names if name in source), None)


def _readiness(source: dict[str, Any], before: Readiness, *, active: bool | None) -> Readiness:
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
        label=text(user.get("displayName")),
    )


def _media(picture: AgentPicture) -> list[MediaReadiness]:
    voice = _most_available([device.readiness for device in picture.devices.values()])
    found = [] if voice is None else [(_VOICE, voice)]
    found += [(name, channel.readiness) for name, channel in picture.channels.items()]
    return [
        MediaReadiness(media=name, state=readiness.state, reason=readiness.reason)
        for name, readiness in found
        if readiness.state is not None
    ]


def _most_available(all_: list[Readiness]) -> Readiness | None:
    best = None
    for readiness in all_:
        if readiness.state is not None and (
            best is None or best.state is None or _RANK[readiness.state] < _RANK[best.state]
        ):
            best = readiness
    return best


def _standing(picture: AgentPicture) -> Standing | None:
    parts = [device.readiness for device in picture.devices.values()]
    base = _most_available([*parts, *(channel.readiness for channel in picture.channels.values())])
    if base is None or base.state is None:
        return None
    state, pending = base.state, None
    if picture.calls and state is not _A.LOGGED_OFF:
        legs = {leg.state for leg in picture.calls.values()}
        if legs & _TALKING:
            state, pending = _A.BUSY, base.state
        elif state is _A.READY and ConnectionState.ALERTING in legs:
            state, pending = _A.RESERVED, base.state
    return Standing(
        state=state,
        pending=pending,
        reason=base.reason,
        label=base.label,
        native_state=base.native_state,
    )
