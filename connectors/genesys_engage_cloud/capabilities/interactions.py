"""What can be asked of a chat, an e-mail or another interaction."""

from __future__ import annotations

from connectors._wire.table import array, boolean, mapping, proofs, string
from connectors._wire.upload import ARGUMENTS as FILE_ARGUMENTS
from connectors.genesys_engage_cloud.capabilities.calls import DATA, DATA_MODE, KEYS
from gateway.commands import Capability, Verb

AFTER = {"close_if_empty": "CloseIfNoAgents", "close": "ForceClose", "keep": "KeepAlive"}
JOIN, CONSULT = "join", "consult"
MESSAGES = {
    "text": ("send-message", "message"),
    "url": ("send-url", "url"),
    "notification": ("send-custom-notification", "message"),
    "command": ("send-system-command", "message"),
}
"""What can be said in a chat: the operation, and the parameter that holds what is said."""
_TARGET = ("agent", "interaction")
_MEDIA_TYPE = string("media", "medium of the interaction, if it has not been told")
_SUPERVISED = boolean("supervised", "it is with nobody or another agent: a supervisor does it")
_EMAIL = (
    string("from", "sender's address"),
    array("to", "addresses"),
    array("cc", "further addresses"),
    array("bcc", "hidden addresses"),
    string("subject", "subject"),
    string("text", "the text"),
    string("content_type", "media type of the text, else as the platform has it"),
)

INTERACTIONS: tuple[Capability, ...] = (
    Capability(
        verb=Verb.INTERACTION_CREATE,
        target=("agent",),
        arguments=(
            *_EMAIL,
            string("queue", "queue in which it is kept while it is written"),
            string("media", "email (without it), workitem …"),
            string("subtype", "what kind of work item it is"),
            string("contact", "id of the customer's contact"),
            string("parent", "interaction that it belongs to"),
            mapping("data", "what to attach, by key"),
        ),
        confirmed_by=proofs("interaction.created", "interaction.offered", "interaction.accepted"),
        note="An e-mail is created; what else is made is offered to the agent, or accepted at once.",
    ),
    Capability(
        verb=Verb.INTERACTION_ACCEPT,
        target=_TARGET,
        arguments=(string("nickname", "name to be shown in a chat"), _MEDIA_TYPE),
        confirmed_by=proofs("interaction.accepted"),
    ),
    Capability(
        verb=Verb.INTERACTION_REJECT,
        target=_TARGET,
        arguments=(_MEDIA_TYPE,),
        confirmed_by=proofs("interaction.rejected", "interaction.revoked", "interaction.completed"),
    ),
    Capability(
        verb=Verb.INTERACTION_CANCEL,
        target=_TARGET,
        arguments=(_MEDIA_TYPE, _SUPERVISED),
        confirmed_by=proofs("interaction.cancelled", "interaction.changed"),
        note="A reply or a new e-mail that is not sent after all. Supervised: told as changed.",
    ),
    Capability(
        verb=Verb.INTERACTION_COMPLETE,
        target=_TARGET,
        arguments=(_MEDIA_TYPE, _SUPERVISED),
        confirmed_by=proofs("interaction.completed", "interaction.changed"),
        note="Supervised: told as changed.",
    ),
    Capability(
        verb=Verb.INTERACTION_QUEUE,
        target=_TARGET,
        arguments=(string("queue", "name of the queue", required=True), _MEDIA_TYPE, _SUPERVISED),
        confirmed_by=proofs(
            "interaction.queued",
            "interaction.parked",
            "interaction.completed",
            "interaction.changed",
        ),
        note="Some servers say completed, or parked where the queue is a workbin's. Supervised: changed.",
    ),
    Capability(
        verb=Verb.INTERACTION_PARK,
        target=_TARGET,
        arguments=(
            string("workbin", "id of the workbin", required=True),
            string("owner", "whose workbin, else the agent's own"),
            _SUPERVISED,
        ),
        confirmed_by=proofs("interaction.parked", "interaction.changed"),
        note="Supervised: told as changed.",
    ),
    Capability(
        verb=Verb.INTERACTION_PULL,
        target=_TARGET,
        arguments=(
            string("workbin", "id of the workbin, if it is not the agent's own"),
            string("owner", "whose workbin"),
            _MEDIA_TYPE,
        ),
        confirmed_by=proofs("interaction.pulled", "interaction.accepted"),
        note="Said as accepted where the gateway did not see it parked.",
    ),
    Capability(
        verb=Verb.INTERACTION_TRANSFER,
        target=_TARGET,
        arguments=(string("destination", "the other agent's id", required=True), _MEDIA_TYPE),
        confirmed_by=proofs(
            "interaction.transferred", "interaction.revoked", "interaction.completed"
        ),
        note="Some servers say completed.",
    ),
    Capability(
        verb=Verb.INTERACTION_REPLY,
        target=_TARGET,
        arguments=(
            *_EMAIL,
            boolean("all", "to all who got the e-mail"),
            string("queue", "queue in which it is kept while it is written"),
        ),
        confirmed_by=proofs("interaction.created"),
        note="The reply is an interaction of its own.",
    ),
    Capability(
        verb=Verb.INTERACTION_FORWARD,
        target=_TARGET,
        arguments=(*_EMAIL, string("queue", "queue in which it is kept while it is written")),
        confirmed_by=proofs("interaction.created"),
        note="What is forwarded is an interaction of its own.",
    ),
    Capability(
        verb=Verb.INTERACTION_SAVE,
        target=_TARGET,
        arguments=_EMAIL,
        confirmed_by=proofs("interaction.changed"),
        note="Keeps the draft of an e-mail.",
    ),
    Capability(
        verb=Verb.INTERACTION_SEND,
        target=_TARGET,
        arguments=_EMAIL,
        confirmed_by=proofs("interaction.completed"),
        note="An e-mail that was created or is a reply.",
    ),
    Capability(
        verb=Verb.INTERACTION_SEND_MESSAGE,
        target=_TARGET,
        arguments=(
            string("text", "what to say in the chat", required=True),
            string("visibility", "All (without it), Agent or Supervisor"),
            string("kind", "text (without it), url, notification, command", *MESSAGES),
            mapping("data", "with notification and command: values by key"),
        ),
        confirmed_by=proofs("interaction.message.added"),
    ),
    Capability(
        verb=Verb.INTERACTION_TYPING,
        target=_TARGET,
        arguments=(boolean("on", "starts or stops typing", required=True),),
        confirmed_by=proofs("interaction.typing.changed"),
    ),
    Capability(
        verb=Verb.INTERACTION_INVITE,
        target=_TARGET,
        arguments=(
            string("destination", "the other agent's id"),
            string("queue", "a queue, instead of an agent"),
            string("mode", "join (without it), or consult: unseen by the customer", JOIN, CONSULT),
        ),
        confirmed_by=proofs("interaction.party.joined"),
        note="Confirmed when the other agent comes in: give it a long deadline.",
    ),
    Capability(
        verb=Verb.INTERACTION_REMOVE_PARTY,
        target=_TARGET,
        arguments=(string("party", "the other agent's id; without it the consultation is ended"),),
        confirmed_by=proofs("interaction.party.left"),
    ),
    Capability(
        verb=Verb.INTERACTION_SET_NICKNAME,
        target=_TARGET,
        arguments=(
            string("nickname", "name to be shown in the chat", required=True),
            string("visibility", "All (without it), Agent or Supervisor"),
        ),
        confirmed_by=proofs("interaction.changed"),
    ),
    Capability(
        verb=Verb.INTERACTION_HOLD,
        target=_TARGET,
        arguments=(string("queue", "where it waits, else as the platform has it"),),
        confirmed_by=proofs("interaction.changed", "interaction.parked", "interaction.queued"),
        note="A chat whose customer may come back later.",
    ),
    Capability(
        verb=Verb.INTERACTION_RETRIEVE,
        target=_TARGET,
        arguments=(string("nickname", "name to be shown in the chat"),),
        confirmed_by=proofs("interaction.changed", "interaction.accepted", "interaction.pulled"),
    ),
    Capability(
        verb=Verb.INTERACTION_LEAVE,
        target=_TARGET,
        arguments=(string("after", "close_if_empty (without it), close, keep", *AFTER),),
        confirmed_by=proofs("interaction.party.left", "interaction.completed"),
    ),
    Capability(
        verb=Verb.INTERACTION_END_SESSION,
        target=_TARGET,
        confirmed_by=proofs("interaction.session.ended", "interaction.completed"),
        note="Ends the chat for everybody.",
    ),
    Capability(
        verb=Verb.INTERACTION_ATTACH_DATA,
        target=_TARGET,
        arguments=(DATA, DATA_MODE, _MEDIA_TYPE, _SUPERVISED),
        confirmed_by=proofs("interaction.data.changed", "interaction.changed"),
        note="Confirmed by interaction.changed if the interaction has this data already.",
    ),
    Capability(
        verb=Verb.INTERACTION_DELETE_DATA,
        target=_TARGET,
        arguments=(KEYS, _MEDIA_TYPE, _SUPERVISED),
        confirmed_by=proofs("interaction.data.changed", "interaction.changed"),
    ),
    Capability(
        verb=Verb.INTERACTION_ADD_NOTE,
        target=_TARGET,
        arguments=(string("text", "comment of the interaction", required=True), _MEDIA_TYPE),
        confirmed_by=proofs("interaction.changed"),
    ),
    Capability(
        verb=Verb.INTERACTION_ASSIGN_CONTACT,
        target=_TARGET,
        arguments=(string("contact", "id of the customer's contact", required=True), _MEDIA_TYPE),
        confirmed_by=proofs("interaction.changed"),
    ),
    Capability(
        verb=Verb.INTERACTION_ADD_ATTACHMENT,
        target=_TARGET,
        arguments=(
            *FILE_ARGUMENTS,
            string("document", "id of a document that the platform has, instead of a file"),
            _MEDIA_TYPE,
        ),
        confirmed_by=proofs("interaction.changed"),
        note="A document of the platform needs its name too.",
    ),
    Capability(
        verb=Verb.INTERACTION_REMOVE_ATTACHMENT,
        target=_TARGET,
        arguments=(string("attachment", "id of the document", required=True), _MEDIA_TYPE),
        confirmed_by=proofs("interaction.changed"),
    ),
)
