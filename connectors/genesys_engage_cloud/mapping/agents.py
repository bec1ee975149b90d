"""The agent's phone and media: whether the agent can be routed to on each of them.

Sources: workspace-client-js, `voice-api` (Dn); workspace-client-java, `Dn` and `AgentState`;
agent-api-simulator for `ChannelStateChanged`.
"""

from __future__ import annotations

from typing import Any

from connectors._genesys.message import Message
from connectors._genesys.standing import (
    DEVICE_CHANGED,
    VOICE,
    Channel,
    Device,
    Readiness,
    tell,
    tell_snapshot,
)
from connectors._genesys.values import (
    first,
    folded,
    identifier,
    mapping,
    milliseconds,
    objects,
    switch,
    text,
)
from connectors.genesys_engage_cloud.mapping.pairs import from_pairs
from connectors.genesys_engage_cloud.mapping.picture import (
    MAX_CHANNELS,
    MAX_DEVICES,
    AgentPicture,
    put,
)
from connectors.genesys_engage_cloud.vendor import AFTER_CALL_WORK, AGENT_STATES
from gateway.events.agents import AgentChannel, AgentDevice
from gateway.states import AgentState

_A = AgentState
_REASON_KEYS = ("ReasonCode", "reasonCode", "Reason", "reason")


def on_dn_message(message: Message, picture: AgentPicture) -> None:
    """Map a `DnStateChanged`."""
    dn = mapping(message.data.get("dn"))
    if not dn:
        message.not_understood("a phone message without a phone")
        return
    message.told_at = milliseconds(dn.get("timestamp"))
    if message.repeats(picture, picture.last.get("dn", 0)):
        return
    picture.last["dn"] = message.print
    changed, event = _take_device(message, picture, dn)
    tell(message, picture, [event] if changed else [], [event])


def on_channel_message(message: Message, picture: AgentPicture) -> None:
    """Map a `ChannelStateChanged`."""
    channels = _channels_of(message.data)
    if not channels:
        message.not_understood("a media message without a channel")
        return
    times = [found for channel in channels if (found := milliseconds(channel.get("timestamp")))]
    message.told_at = max(times, default=None)
    if message.repeats(picture, picture.last.get("channels", 0)):
        return
    picture.last["channels"] = message.print
    told = [_take_channel(message, picture, channel) for channel in channels[:MAX_CHANNELS]]
    # All channels may come each time: only those that changed are told, or all as they are if none did.
    changed = [event for is_new, event in told if is_new]
    events = changed or [event for _, event in told]
    tell(message, picture, events, events)


def on_snapshot(
    message: Message, picture: AgentPicture, active: dict[str, Any], heard: frozenset[str]
) -> None:
    """Map the active session of an answer about the agent: the state as a snapshot, and what changed meanwhile.

    What was `heard` of since is left as it is.
    """
    dn = mapping(active.get("dn"))
    name = _name(dn) if dn else None
    for known in set(picture.devices) - {name} - heard:
        del picture.devices[known]
    device = _take_device(message, picture, dn) if dn and name not in heard else None
    if active.get("media") is not None or not active:
        channels = [each for each in _channels_of(active) if _medium(each) not in heard]
        for known in set(picture.channels) - set(map(_medium, channels)) - heard:
            del picture.channels[known]
        for channel in channels[:MAX_CHANNELS]:
            _take_channel(message, picture, channel)
    tell_snapshot(message, picture)
    if device is not None and device[0]:
        message.add_agent(DEVICE_CHANGED, device[1])


def _medium(channel: dict[str, Any]) -> str | None:
    return identifier(channel.get("name")) or identifier(channel.get("channel"))


def _channels_of(data: dict[str, Any]) -> list[dict[str, Any]]:
    media = data.get("media")
    if isinstance(media, dict):
        return objects(media.get("channels"))
    return objects(media) or objects(data.get("channels"))


def _name(dn: dict[str, Any]) -> str:
    return identifier(dn.get("number")) or identifier(dn.get("dn")) or "unknown"


def _take_device(
    message: Message, picture: AgentPicture, dn: dict[str, Any]
) -> tuple[bool, AgentDevice]:
    """Remember a phone; returns whether anything but its readiness changed, and the event that would tell it."""
    name = _name(dn)
    known = picture.devices.get(name)
    before = known or Device()
    do_not_disturb, available = switch(dn.get("dnd")), switch(dn.get("available"))
    now = Device(
        readiness=_readiness(dn, "agentState", before.readiness),
        number=name,
        active=before.active if available is None else available,
        do_not_disturb=before.do_not_disturb if do_not_disturb is None else do_not_disturb,
        forward_to=text(dn.get("forwardTo"))
        if "forwardTo" in dn or "capabilities" in dn
        else before.forward_to,
    )
    put(picture.devices, name, now, MAX_DEVICES)
    # `available` follows the calls, so it alone is no change of the phone.
    changed = known is not None and (
        (now.do_not_disturb or False) != (before.do_not_disturb or False)
        or now.forward_to != before.forward_to
    )
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


def _take_channel(
    message: Message, picture: AgentPicture, channel: dict[str, Any]
) -> tuple[bool, AgentChannel]:
    name = _medium(channel)
    known = picture.channels.get(name) if name else None
    before = known or Channel()
    available, do_not_disturb = switch(channel.get("available")), switch(channel.get("dnd"))
    now = Channel(
        readiness=_readiness(channel, "state", before.readiness),
        active=before.active if available is None else available,
        do_not_disturb=before.do_not_disturb if do_not_disturb is None else do_not_disturb,
    )
    if name is not None and name != VOICE:
        put(picture.channels, name, now, MAX_CHANNELS)
    return known != now, AgentChannel(
        agent=message.origin.agent,
        media=name or "unknown",
        active=now.active,
        state=now.readiness.state,
        reason=now.readiness.reason,
        do_not_disturb=now.do_not_disturb,
        native=message.native(state=now.readiness.native_state, reason=now.readiness.reason),
    )


def _readiness(source: dict[str, Any], field: str, before: Readiness) -> Readiness:
    word = text(source.get(field))
    if word is None:
        return before
    state = AGENT_STATES.get(folded(word), _A.UNKNOWN)
    mode = text(source.get("agentWorkMode"))
    if state is _A.NOT_READY and folded(mode) == AFTER_CALL_WORK:
        state = _A.AFTER_CONTACT
    shown = mode if folded(mode) != "unknown" else None
    return Readiness(
        state=state,
        native_state=f"{word}/{shown}" if shown else word,
        reason=first(from_pairs(source.get("reasons")), *_REASON_KEYS)
        or first(source, "reasonCode", "reason"),
    )
