"""What can be asked of an agent: state, session, do-not-disturb, forwarding."""

from __future__ import annotations

from connectors.genesys_web_services.capabilities import proofs
from gateway.commands import Argument, Capability, Verb

STATE_OPERATIONS = {
    "ready": "Ready",
    "not_ready": "NotReady",
    "after_contact": "AfterCallWork",
    "logged_off": "Offline",
}
SCOPES = ("agent", "device", "media")

_AGENT = ("agent",)
_DEVICE = Argument(name="device", kind="string", meaning="device id; else the agent's first phone")

AGENTS: tuple[Capability, ...] = (
    Capability(
        verb=Verb.AGENT_SET_STATE,
        target=_AGENT,
        arguments=(
            Argument(
                name="state", kind="string", required=True, choices=tuple(STATE_OPERATIONS),
                meaning="what the agent shall be",
            ),
            Argument(
                name="reason", kind="string",
                meaning="operation name of a state that is provisioned on the platform, e.g. Lunch",
            ),
            Argument(
                name="media", kind="string", meaning="voice, chat, email …; without it all media"
            ),
            Argument(
                name="device", kind="string", meaning="one phone instead of a medium, by its id"
            ),
        ),
        confirmed_by=(proofs.STATE_CHANGED, proofs.STATE_RESTATED, proofs.CHANNEL_CHANGED),
        note="During a call the agent stays busy; the confirming event has the state as pending.",
    ),
    Capability(
        verb=Verb.AGENT_LOGIN,
        target=_AGENT,
        arguments=(
            Argument(
                name="channels", kind="array", meaning="media to log in to; else the settings' ones"
            ),
            Argument(
                name="place", kind="string",
                meaning="place whose devices are assigned; else the settings' one",
            ),
            Argument(name="login_code", kind="string", meaning="agent login to use"),
            Argument(name="queue", kind="string", meaning="queue number to log in to"),
        ),
        confirmed_by=(proofs.SESSION_STARTED,),
        note="Assigns the place's devices. Some media may fail while others succeed: partial.",
    ),
    Capability(
        verb=Verb.AGENT_LOGOUT,
        target=_AGENT,
        confirmed_by=(proofs.SESSION_ENDED,),
        note="Unassigns the devices and ends the HTTP session, so the feed reconnects with a gap.",
    ),
    Capability(
        verb=Verb.AGENT_SET_DO_NOT_DISTURB,
        target=_AGENT,
        arguments=(
            Argument(name="on", kind="boolean", required=True, meaning="whether to be left alone"),
            Argument(
                name="scope", kind="string", choices=SCOPES,
                meaning="the whole agent (without it), one phone or one medium",
            ),
            _DEVICE,
            Argument(name="media", kind="string", meaning="with scope media: chat, email …"),
        ),
        confirmed_by=(proofs.DEVICE_CHANGED, proofs.CHANNEL_CHANGED, proofs.STATE_RESTATED),
        note="Restated by the state's snapshot if it was so before.",
    ),
    Capability(
        verb=Verb.AGENT_FORWARD,
        target=_AGENT,
        arguments=(
            Argument(
                name="destination", kind="string", required=True,
                meaning="number that gets the agent's calls",
            ),
            _DEVICE,
        ),
        confirmed_by=(proofs.DEVICE_CHANGED, proofs.STATE_RESTATED),
        note="Restated by the state's snapshot if it was so before.",
    ),
    Capability(
        verb=Verb.AGENT_CANCEL_FORWARD,
        target=_AGENT,
        arguments=(_DEVICE,),
        confirmed_by=(proofs.DEVICE_CHANGED, proofs.STATE_RESTATED),
        note="Restated by the state's snapshot if nothing was forwarded.",
    ),
)  # fmt: skip
