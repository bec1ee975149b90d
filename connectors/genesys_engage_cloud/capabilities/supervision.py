"""What a supervisor can ask: to listen to an agent, a call or a chat, to coach, to take part."""

from __future__ import annotations

from connectors._wire.table import proofs, string
from connectors.genesys_engage_cloud.capabilities.calls import LOCATION
from gateway.commands import Capability, Verb

MONITOR_MODES = {
    Verb.SUPERVISION_LISTEN: "Mute",
    Verb.SUPERVISION_COACH: "Coach",
    Verb.SUPERVISION_BARGE: "Connect",
}
MEDIA_MONITOR_MODES = {
    Verb.SUPERVISION_LISTEN: "Monitor",
    Verb.SUPERVISION_COACH: "Coach",
    Verb.SUPERVISION_BARGE: "Bargein",
}
NEXT = {"one_call": "OneCall", "all_calls": "AllCalls"}
MEDIA_NEXT = {"one_call": "NextInteraction", "all_calls": "AllInteractions"}
_MEDIA = string("media", "medium to supervise: voice (without it), chat …")

SUPERVISION: tuple[Capability, ...] = (
    *(
        Capability(
            verb=verb,
            target=("agent",),
            arguments=(
                string("destination", "number or, on other media than voice, id of the agent"),
                string("next", "one_call (without it) or all_calls", *NEXT),
                string("scope", "call (without it) or agent", "call", "agent"),
                LOCATION,
                _MEDIA,
            ),
            confirmed_by=proofs("supervision.started", "supervision.changed"),
            note="With a call or interaction in the target, the mode of supervising that is changed.",
        )
        for verb in MONITOR_MODES
    ),
    Capability(
        verb=Verb.SUPERVISION_STOP,
        target=("agent",),
        arguments=(string("destination", "as it was given", required=True), _MEDIA),
        confirmed_by=proofs("supervision.stopped"),
    ),
)
