"""What can be asked of the platform, and which event proves that it was done: the capability table.

Sources: workspace-client-js 9.0.1 and 9.0.96 (`voice-api`, `session-api`, `media-api`, `chat-api` and their
models); agent-api-simulator for e-mail and workbins.
"""

from __future__ import annotations

from gateway.commands import Argument, Capability, Verb

STATES = ("ready", "not_ready", "after_contact", "logged_off")
SCOPES = ("agent", "device", "media")
BLIND, CONSULT = "blind", "consult"
ADD, REPLACE = "add", "replace"
ALL_MEDIA = "all"
AFTER = {"close_if_empty": "CloseIfNoAgents", "close": "ForceClose", "keep": "KeepAlive"}
MONITOR_MODES = {
    Verb.SUPERVISION_LISTEN: "Mute",
    Verb.SUPERVISION_COACH: "Coach",
    Verb.SUPERVISION_BARGE: "Connect",
}
NEXT = {"one_call": "OneCall", "all_calls": "AllCalls"}


def proof(name: str) -> str:
    """The full name of an event type."""
    return f"tieline.{name}.v1"


def _proofs(*names: str) -> tuple[str, ...]:
    return tuple(map(proof, names))


def _text(name: str, meaning: str, *choices: str, required: bool = False) -> Argument:
    return Argument(name=name, kind="string", required=required, choices=choices, meaning=meaning)


def _list(name: str, meaning: str) -> Argument:
    return Argument(name=name, kind="array", meaning=meaning)


def _flag(name: str, meaning: str, *, required: bool = False) -> Argument:
    return Argument(name=name, kind="boolean", required=required, meaning=meaning)


_AGENT = ("agent",)
_CALL = ("agent", "call")
_INTERACTION = ("agent", "interaction")
_DESTINATION = _text("destination", "number of the other party", required=True)
_LOCATION = _text("location", "name of the switch or region that the number belongs to")
_MODE = _text("mode", "at once (blind, without it) or after talking (consult)", BLIND, CONSULT)
_CONSULT_CALL = _text("consult_call", "id of the consultation; else the one made from the call")
_OTHER_CALL = _text("other_call", "id of the agent's other call", required=True)
_DATA = Argument(name="data", kind="object", required=True, meaning="what to attach, by key")
_OPTIONAL_DATA = Argument(name="data", kind="object", meaning="data to attach to the new call")
_DATA_MODE = _text("mode", "add (without it), or replace the values of keys", ADD, REPLACE)
_KEYS = _list("keys", "keys to take away")
_MEDIA_TYPE = _text("media", "medium of the interaction, if it has not been told")
_EMAIL = (
    _text("from", "sender's address"),
    _list("to", "addresses"),
    _list("cc", "further addresses"),
    _list("bcc", "hidden addresses"),
    _text("subject", "subject"),
    _text("text", "the text"),
)

AGENTS: tuple[Capability, ...] = (
    Capability(
        verb=Verb.AGENT_SET_STATE,
        target=_AGENT,
        arguments=(
            _text("state", "what the agent shall be", *STATES, required=True),
            _text("reason", "reason code that is provisioned on the platform"),
            _text("media", "voice (without it), chat, email …, or all for all but voice"),
            _text("work_mode", "AutoIn, ManualIn, AuxWork, LegalGuard … on voice"),
        ),
        confirmed_by=_proofs(
            "agent.state.changed", "agent.state.snapshot", "agent.channel.changed"
        ),
        note="During a call the agent stays busy; the confirming event has the state as pending.",
    ),
    Capability(
        verb=Verb.AGENT_LOGIN,
        target=_AGENT,
        arguments=(
            _list("channels", "media beside voice; else the settings' ones"),
            _text("place", "place; else the settings' one, or the user's own"),
            _text("dn", "phone, instead of a place"),
            _text("login_code", "agent login; else the settings' one, or the user's own"),
            _text("queue", "queue to log in to"),
        ),
        confirmed_by=_proofs(
            "agent.session.started", "agent.state.changed", "agent.state.snapshot"
        ),
        note="Activates channels; the state tells it of an agent who was logged in already.",
    ),
    Capability(
        verb=Verb.AGENT_LOGOUT,
        target=_AGENT,
        arguments=(
            _text("media", "voice (without it), chat, email …, or all for all but voice"),
            _flag("end_session", "leave the workspace: proved by the answer; the feed reconnects"),
        ),
        confirmed_by=_proofs(
            "agent.state.changed", "agent.state.snapshot", "agent.channel.changed"
        ),
        note="The session ends with the last medium. With end_session the feed has a gap.",
    ),
    Capability(
        verb=Verb.AGENT_SET_DO_NOT_DISTURB,
        target=_AGENT,
        arguments=(
            _flag("on", "whether to be left alone", required=True),
            _text("scope", "device (without it): voice; media: all other media", *SCOPES[1:]),
        ),
        confirmed_by=_proofs(
            "agent.device.changed", "agent.channel.changed", "agent.state.snapshot"
        ),
        note="Restated by the state's snapshot if it was so before.",
    ),
    Capability(
        verb=Verb.AGENT_FORWARD,
        target=_AGENT,
        arguments=(_DESTINATION,),
        confirmed_by=_proofs("agent.device.changed", "agent.state.snapshot"),
        note="Restated by the state's snapshot if it was so before.",
    ),
    Capability(
        verb=Verb.AGENT_CANCEL_FORWARD,
        target=_AGENT,
        confirmed_by=_proofs("agent.device.changed", "agent.state.snapshot"),
        note="Restated by the state's snapshot if nothing was forwarded.",
    ),
)

PLAIN_CALL_OPERATIONS = {
    Verb.CALL_ANSWER: ("answer", proof("call.connected")),
    Verb.CALL_HOLD: ("hold", proof("call.held")),
    Verb.RECORDING_START: ("start-recording", proof("recording.started")),
    Verb.RECORDING_STOP: ("stop-recording", proof("recording.stopped")),
    Verb.RECORDING_PAUSE: ("pause-recording", proof("recording.paused")),
    Verb.RECORDING_RESUME: ("resume-recording", proof("recording.resumed")),
}
"""Operations that need nothing beyond the call."""

CALLS: tuple[Capability, ...] = (
    Capability(
        verb=Verb.CALL_DIAL,
        target=_AGENT,
        arguments=(
            _text("destination", "number to dial", required=True),
            _LOCATION,
            _OPTIONAL_DATA,
            _text("caller_id", "number to show to the other party"),
        ),
        confirmed_by=_proofs("call.initiated"),
    ),
    *(
        Capability(verb=verb, target=_CALL, confirmed_by=(proven_by,))
        for verb, (_, proven_by) in PLAIN_CALL_OPERATIONS.items()
    ),
    Capability(
        verb=Verb.CALL_HANG_UP,
        target=_CALL,
        arguments=(_flag("everyone", "end the call for all of its parties"),),
        confirmed_by=_proofs("call.ended"),
    ),
    Capability(
        verb=Verb.CALL_RETRIEVE,
        target=_CALL,
        arguments=(_text("release_call", "id of the agent's active call, to be released for it"),),
        confirmed_by=_proofs("call.retrieved"),
    ),
    Capability(
        verb=Verb.CALL_TRANSFER,
        target=_CALL,
        arguments=(_DESTINATION, _MODE, _LOCATION, _OPTIONAL_DATA),
        confirmed_by=_proofs("call.transferred", "call.ended", "call.initiated"),
        note="Blind, a ringing call is redirected. Consult: call.initiated is the consultation's.",
    ),
    Capability(
        verb=Verb.CALL_COMPLETE_TRANSFER,
        target=_CALL,
        arguments=(_CONSULT_CALL,),
        confirmed_by=_proofs("call.transferred"),
        note="The target is the call that is passed on, not the consultation.",
    ),
    Capability(
        verb=Verb.CALL_CONFERENCE,
        target=_CALL,
        arguments=(_DESTINATION, _MODE, _LOCATION, _OPTIONAL_DATA),
        confirmed_by=_proofs("call.conferenced", "call.initiated"),
        note="Consult: the call is held, call.initiated is the consultation's.",
    ),
    Capability(
        verb=Verb.CALL_COMPLETE_CONFERENCE,
        target=_CALL,
        arguments=(_CONSULT_CALL,),
        confirmed_by=_proofs("call.conferenced"),
    ),
    Capability(
        verb=Verb.CALL_REMOVE_PARTY,
        target=_CALL,
        arguments=(_text("party", "number of who shall leave", required=True),),
        confirmed_by=_proofs("call.party.left"),
    ),
    Capability(
        verb=Verb.CALL_SWAP,
        target=_CALL,
        arguments=(_OTHER_CALL,),
        confirmed_by=_proofs("call.retrieved"),
        note="The call is held, the other one retrieved.",
    ),
    Capability(
        verb=Verb.CALL_MERGE,
        target=_CALL,
        arguments=(_OTHER_CALL,),
        confirmed_by=_proofs("call.conferenced"),
    ),
    Capability(
        verb=Verb.CALL_SEND_DTMF,
        target=_CALL,
        arguments=(_text("digits", "0 to 9, *, #, A to D", required=True),),
        confirmed_by=_proofs("call.dtmf.sent"),
        note="Known by the echoed operation only: unknown at servers that do not echo.",
    ),
    Capability(
        verb=Verb.CALL_ATTACH_DATA,
        target=_CALL,
        arguments=(_DATA, _DATA_MODE),
        confirmed_by=_proofs("call.data.changed", "call.changed"),
        note="Confirmed by call.changed if the call has this data already.",
    ),
    Capability(
        verb=Verb.CALL_DELETE_DATA,
        target=_CALL,
        arguments=(_KEYS,),
        confirmed_by=_proofs("call.data.changed", "call.changed"),
        note="One request for each key: some may fail while others succeed, partial.",
    ),
)

INTERACTIONS: tuple[Capability, ...] = (
    Capability(
        verb=Verb.INTERACTION_CREATE,
        target=_AGENT,
        arguments=(*_EMAIL, _text("queue", "queue in which it is kept while it is written")),
        confirmed_by=_proofs("interaction.created"),
        note="An e-mail.",
    ),
    Capability(
        verb=Verb.INTERACTION_ACCEPT,
        target=_INTERACTION,
        arguments=(_text("nickname", "name to be shown in a chat"), _MEDIA_TYPE),
        confirmed_by=_proofs("interaction.accepted"),
    ),
    Capability(
        verb=Verb.INTERACTION_REJECT,
        target=_INTERACTION,
        arguments=(_MEDIA_TYPE,),
        confirmed_by=_proofs(
            "interaction.rejected", "interaction.revoked", "interaction.completed"
        ),
    ),
    Capability(
        verb=Verb.INTERACTION_CANCEL,
        target=_INTERACTION,
        arguments=(_MEDIA_TYPE,),
        confirmed_by=_proofs("interaction.cancelled"),
        note="A reply or a new e-mail that is not sent after all.",
    ),
    Capability(
        verb=Verb.INTERACTION_COMPLETE,
        target=_INTERACTION,
        arguments=(_MEDIA_TYPE,),
        confirmed_by=_proofs("interaction.completed"),
    ),
    Capability(
        verb=Verb.INTERACTION_QUEUE,
        target=_INTERACTION,
        arguments=(_text("queue", "name of the queue", required=True), _MEDIA_TYPE),
        confirmed_by=_proofs("interaction.queued", "interaction.parked", "interaction.completed"),
        note="Some servers say completed, or parked where the queue is a workbin's.",
    ),
    Capability(
        verb=Verb.INTERACTION_PARK,
        target=_INTERACTION,
        arguments=(_text("workbin", "id of the workbin", required=True), _MEDIA_TYPE),
        confirmed_by=_proofs("interaction.parked"),
    ),
    Capability(
        verb=Verb.INTERACTION_PULL,
        target=_INTERACTION,
        arguments=(_MEDIA_TYPE,),
        confirmed_by=_proofs("interaction.pulled", "interaction.accepted"),
        note="Said as accepted where the gateway did not see it parked.",
    ),
    Capability(
        verb=Verb.INTERACTION_TRANSFER,
        target=_INTERACTION,
        arguments=(_text("destination", "the other agent's id", required=True), _MEDIA_TYPE),
        confirmed_by=_proofs(
            "interaction.transferred", "interaction.revoked", "interaction.completed"
        ),
        note="Some servers say completed.",
    ),
    Capability(
        verb=Verb.INTERACTION_REPLY,
        target=_INTERACTION,
        arguments=(*_EMAIL, _flag("all", "to all who got the e-mail")),
        confirmed_by=_proofs("interaction.created"),
        note="The reply is an interaction of its own.",
    ),
    Capability(
        verb=Verb.INTERACTION_SEND,
        target=_INTERACTION,
        arguments=_EMAIL,
        confirmed_by=_proofs("interaction.completed"),
        note="An e-mail that was created or is a reply.",
    ),
    Capability(
        verb=Verb.INTERACTION_SEND_MESSAGE,
        target=_INTERACTION,
        arguments=(
            _text("text", "what to say in the chat", required=True),
            _text("visibility", "All (without it), Agent or Supervisor"),
        ),
        confirmed_by=_proofs("interaction.message.added"),
    ),
    Capability(
        verb=Verb.INTERACTION_TYPING,
        target=_INTERACTION,
        arguments=(_flag("on", "starts or stops typing", required=True),),
        confirmed_by=_proofs("interaction.typing.changed"),
    ),
    Capability(
        verb=Verb.INTERACTION_INVITE,
        target=_INTERACTION,
        arguments=(
            _text("destination", "the other agent's id"),
            _text("queue", "a queue, instead of an agent"),
        ),
        confirmed_by=_proofs("interaction.party.joined"),
        note="Confirmed when the other agent comes in: give it a long deadline.",
    ),
    Capability(
        verb=Verb.INTERACTION_LEAVE,
        target=_INTERACTION,
        arguments=(_text("after", "close_if_empty (without it), close, keep", *AFTER),),
        confirmed_by=_proofs("interaction.party.left", "interaction.completed"),
    ),
    Capability(
        verb=Verb.INTERACTION_END_SESSION,
        target=_INTERACTION,
        confirmed_by=_proofs("interaction.session.ended", "interaction.completed"),
        note="Ends the chat for everybody.",
    ),
    Capability(
        verb=Verb.INTERACTION_ATTACH_DATA,
        target=_INTERACTION,
        arguments=(_DATA, _DATA_MODE, _MEDIA_TYPE),
        confirmed_by=_proofs("interaction.data.changed", "interaction.changed"),
        note="Confirmed by interaction.changed if the interaction has this data already.",
    ),
    Capability(
        verb=Verb.INTERACTION_DELETE_DATA,
        target=_INTERACTION,
        arguments=(_KEYS, _MEDIA_TYPE),
        confirmed_by=_proofs("interaction.data.changed", "interaction.changed"),
    ),
    Capability(
        verb=Verb.INTERACTION_ADD_NOTE,
        target=_INTERACTION,
        arguments=(_text("text", "comment of the interaction", required=True), _MEDIA_TYPE),
        confirmed_by=_proofs("interaction.changed"),
    ),
)

SUPERVISION: tuple[Capability, ...] = (
    *(
        Capability(
            verb=verb,
            target=_AGENT,
            arguments=(
                _text("destination", "number to supervise; not with a call in the target"),
                _text("next", "one_call (without it) or all_calls", *NEXT),
                _text("scope", "call (without it) or agent", "call", "agent"),
                _LOCATION,
            ),
            confirmed_by=_proofs("supervision.started", "supervision.changed"),
            note="With a call in the target, the mode of that supervised call is changed.",
        )
        for verb in MONITOR_MODES
    ),
    Capability(
        verb=Verb.SUPERVISION_STOP,
        target=_AGENT,
        arguments=(_text("destination", "supervised number", required=True),),
        confirmed_by=_proofs("supervision.stopped"),
    ),
)

CAPABILITIES: tuple[Capability, ...] = (*AGENTS, *CALLS, *INTERACTIONS, *SUPERVISION)
