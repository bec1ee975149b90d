"""Requests about supervision: of agents, of calls, and of interactions. Pure.

Sources: workspace-client-js 9.0.96, `voice-api` and `media-api` (start-, stop-monitoring, switch-to-…).
"""

from __future__ import annotations

from connectors._wire.arguments import choice, needed, segment, text
from connectors.genesys_engage_cloud.capabilities.supervision import (
    MEDIA_MONITOR_MODES,
    MEDIA_NEXT,
    MONITOR_MODES,
    NEXT,
)
from connectors.genesys_engage_cloud.commands.on_interactions import path_of
from connectors.genesys_engage_cloud.commands.request import (
    Builder,
    Request,
    Situation,
    is_voice,
    medium,
    request,
)
from connectors.genesys_engage_cloud.vendor import VOICE_MEDIUM
from gateway.commands import Command, Verb

_SWITCHES = {
    Verb.SUPERVISION_LISTEN: ("switch-to-listen-in", "switch-to-monitor", "listen"),
    Verb.SUPERVISION_COACH: ("switch-to-coaching", "switch-to-coach", "coach"),
    Verb.SUPERVISION_BARGE: ("switch-to-barge-in", "switch-to-barge-in", "barge"),
}


def _monitor(command: Command, situation: Situation) -> Request:
    if command.target.call:
        return _switch_call(command, situation, command.target.call)
    if command.target.interaction:
        return _switch_interaction(command, situation, command.target.interaction)
    other, media = needed(command, "destination"), text(command, "media")
    following = choice(command, "next", list(NEXT), default="one_call")
    if is_voice(media):
        path = "voice/start-monitoring"
        parameters = {
            "phoneNumberToMonitor": other,
            "monitoringMode": MONITOR_MODES[command.verb],
            "monitoringNextCallType": NEXT[following],
            "monitoringScope": _scope(command),
            "location": text(command, "location"),
        }
    else:
        path = f"{_media_path(media)}/start-monitoring"
        parameters = {
            "agentId": other,
            "monitoringMode": MEDIA_MONITOR_MODES[command.verb],
            "monitoringNextInteractionType": MEDIA_NEXT[following],
        }
    return request(
        command,
        path,
        parameters,
        "supervision.started",
        "supervision.changed",
        subject=f"agent/{situation.agent}",
        where={"agent": other},
    )


def _switch_call(command: Command, situation: Situation, call: str) -> Request:
    operation, _, mode = _SWITCHES[command.verb]
    return request(
        command,
        f"voice/calls/{segment(call, 'target.call')}/{operation}",
        {"monitoringScope": _scope(command)},
        "supervision.changed",
        subject=f"agent/{situation.agent}",
        where={"call": call, "mode": mode},
    )


def _switch_interaction(command: Command, situation: Situation, interaction: str) -> Request:
    _, operation, mode = _SWITCHES[command.verb]
    return request(
        command,
        path_of(command, medium(command, situation, interaction), operation),
        {},
        "supervision.changed",
        subject=f"agent/{situation.agent}",
        where={"interaction": interaction, "mode": mode},
    )


def _stop(command: Command, situation: Situation) -> Request:
    other, media = needed(command, "destination"), text(command, "media")
    on_voice = is_voice(media)
    return request(
        command,
        f"{VOICE_MEDIUM if on_voice else _media_path(media)}/stop-monitoring",
        {"phoneNumber" if on_voice else "agentId": other},
        "supervision.stopped",
        subject=f"agent/{situation.agent}",
        where={"agent": other},
    )


def _media_path(media: str | None) -> str:
    return f"media/{segment(media or '', 'arguments.media')}"


def _scope(command: Command) -> str:
    return (text(command, "scope") or "call").capitalize()


BUILDERS: dict[Verb, Builder] = {
    **dict.fromkeys(MONITOR_MODES, _monitor),
    Verb.SUPERVISION_STOP: _stop,
}
