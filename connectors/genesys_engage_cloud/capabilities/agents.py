"""What can be asked about an agent: presence, login, do-not-disturb, forwarding, events for other programs."""

from __future__ import annotations

from connectors._wire.table import array, boolean, mapping, proofs, string
from gateway.commands import Capability, Verb

STATES = ("ready", "not_ready", "after_contact", "logged_off")
SCOPES = ("agent", "device", "media")
ALL_MEDIA = "all"
TARGET = ("agent",)
USER = string("user", "another agent, whose state a supervisor sets; told by that agent's feed")
USER_PHONE = string("dn", "with user: that agent's phone")

AGENTS: tuple[Capability, ...] = (
    Capability(
        verb=Verb.AGENT_SET_STATE,
        target=TARGET,
        arguments=(
            string("state", "what the agent shall be", *STATES, required=True),
            string("reason", "reason code that is provisioned on the platform"),
            string("media", "voice (without it), chat, email …, or all for all but voice"),
            string("work_mode", "AutoIn, ManualIn, AuxWork, LegalGuard … on voice"),
            USER,
            USER_PHONE,
        ),
        confirmed_by=proofs("agent.state.changed", "agent.state.snapshot", "agent.channel.changed"),
        note="During a call the agent stays busy; the confirming event has the state as pending.",
    ),
    Capability(
        verb=Verb.AGENT_LOGIN,
        target=TARGET,
        arguments=(
            array("channels", "media beside voice; else the settings' ones"),
            string("place", "place; else the settings' one, or the user's own"),
            string("dn", "phone, instead of a place"),
            string("login_code", "agent login; else the settings' one, or the user's own"),
            string("queue", "queue to log in to"),
            string("media", "voice: log the phone in again, without activating channels", "voice"),
        ),
        confirmed_by=proofs("agent.session.started", "agent.state.changed", "agent.state.snapshot"),
        note="Activates channels; the state tells it of an agent who was logged in already.",
    ),
    Capability(
        verb=Verb.AGENT_LOGOUT,
        target=TARGET,
        arguments=(
            string("media", "voice (without it), chat, email …, or all for all but voice"),
            boolean(
                "end_session", "leave the workspace: proved by the answer; the feed reconnects"
            ),
            USER,
            USER_PHONE,
        ),
        confirmed_by=proofs("agent.state.changed", "agent.state.snapshot", "agent.channel.changed"),
        note="The session ends with the last medium. With end_session the feed has a gap.",
    ),
    Capability(
        verb=Verb.AGENT_SET_DO_NOT_DISTURB,
        target=TARGET,
        arguments=(
            boolean("on", "whether to be left alone", required=True),
            string("scope", "device (without it): voice; media: all other media", *SCOPES[1:]),
        ),
        confirmed_by=proofs(
            "agent.device.changed", "agent.channel.changed", "agent.state.snapshot"
        ),
        note="Restated by the state's snapshot if it was so before.",
    ),
    Capability(
        verb=Verb.AGENT_FORWARD,
        target=TARGET,
        arguments=(string("destination", "number of the other party", required=True),),
        confirmed_by=proofs("agent.device.changed", "agent.state.snapshot"),
        note="Restated by the state's snapshot if it was so before.",
    ),
    Capability(
        verb=Verb.AGENT_CANCEL_FORWARD,
        target=TARGET,
        confirmed_by=proofs("agent.device.changed", "agent.state.snapshot"),
        note="Restated by the state's snapshot if nothing was forwarded.",
    ),
    Capability(
        verb=Verb.AGENT_SEND_USER_EVENT,
        target=TARGET,
        arguments=(mapping("data", "what the event shall hold, by key", required=True),),
        confirmed_by=proofs("call.data.changed", "vendor.message"),
        note="An event for other programs. With a call in the target it is about that call.",
    ),
)
