"""What can be asked of an e-mail, a chat or a work item."""

from __future__ import annotations

from connectors._wire.upload import ARGUMENTS as FILE_ARGUMENTS
from connectors.genesys_web_services.capabilities import proofs
from connectors.genesys_web_services.capabilities.calls import ALL, DATA, DATA_MODE
from gateway.commands import Argument, Capability, Verb

OWNER_KINDS = ("agent", "place", "agent_group", "place_group")

_INTERACTION = ("agent", "interaction")
_QUEUE = Argument(name="queue", kind="string", required=True, meaning="name of the queue")
_WORKBIN = Argument(name="workbin", kind="string", required=True, meaning="id of the workbin")
_OWNER = Argument(name="owner", kind="string", meaning="whose workbin of that kind")
_OWNER_KIND = Argument(
    name="owner_kind", kind="string", choices=OWNER_KINDS, meaning="what the owner is, else agent"
)
_USER = Argument(
    name="destination", kind="string", required=True, meaning="id of the other agent's user"
)


def _text(name: str, meaning: str, *, required: bool = False) -> Argument:
    return Argument(name=name, kind="string", required=required, meaning=meaning)


INTERACTIONS: tuple[Capability, ...] = (
    Capability(
        verb=Verb.INTERACTION_CREATE,
        target=("agent",),
        arguments=(
            _text("queue", "queue in which it is kept while it is written", required=True),
            _text("type", "type, else Outbound"),
            _text("subtype", "subtype, else OutboundNew"),
        ),
        confirmed_by=(proofs.CREATED,),
        note="An e-mail.",
    ),
    Capability(
        verb=Verb.INTERACTION_ACCEPT,
        target=_INTERACTION,
        arguments=(_text("nickname", "name to be shown in a chat"),),
        confirmed_by=(proofs.ACCEPTED,),
    ),
    Capability(
        verb=Verb.INTERACTION_REJECT,
        target=_INTERACTION,
        confirmed_by=(proofs.REJECTED, proofs.REVOKED),
    ),
    Capability(
        verb=Verb.INTERACTION_CANCEL,
        target=_INTERACTION,
        confirmed_by=(proofs.CANCELLED, proofs.COMPLETED),
        note="A reply or a new e-mail that is not sent after all.",
    ),
    Capability(
        verb=Verb.INTERACTION_COMPLETE,
        target=_INTERACTION,
        confirmed_by=(proofs.COMPLETED,),
        note="Also ends the session of a chat.",
    ),
    Capability(
        verb=Verb.INTERACTION_QUEUE,
        target=_INTERACTION,
        arguments=(_QUEUE,),
        confirmed_by=(proofs.QUEUED,),
    ),
    Capability(
        verb=Verb.INTERACTION_PARK,
        target=_INTERACTION,
        arguments=(_WORKBIN, _OWNER, _OWNER_KIND),
        confirmed_by=(proofs.PARKED, proofs.QUEUED),
        note="A workbin is a queue to the platform, and some servers say queued.",
    ),
    Capability(
        verb=Verb.INTERACTION_PULL,
        target=_INTERACTION,
        arguments=(_WORKBIN,),
        confirmed_by=(proofs.PULLED,),
    ),
    Capability(
        verb=Verb.INTERACTION_TRANSFER,
        target=_INTERACTION,
        arguments=(_USER,),
        confirmed_by=(proofs.TRANSFERRED, proofs.REVOKED),
    ),
    Capability(
        verb=Verb.INTERACTION_REPLY,
        target=_INTERACTION,
        arguments=(
            _text("queue", "queue in which it is kept while it is written", required=True),
            Argument(name="all", kind="boolean", meaning="to all who got the e-mail"),
            Argument(name="quote", kind="boolean", meaning="begin with the original text"),
            _text("subject_prefix", "put before the subject"),
            _text("quote_header", "line before the original text"),
            _text("quote_mark", "put before each line of the original text"),
        ),
        confirmed_by=(proofs.CREATED,),
        note="The reply is an interaction of its own; the platform's answer names it.",
    ),
    Capability(
        verb=Verb.INTERACTION_SEND,
        target=_INTERACTION,
        arguments=(
            _text("queue", "queue for what is sent", required=True),
            _text("to", "addresses", required=True),
            _text("subject", "subject", required=True),
            _text("text", "the text", required=True),
            _text("from", "sender's address", required=True),
            _text("cc", "further addresses"),
            _text("bcc", "hidden addresses"),
        ),
        confirmed_by=(proofs.COMPLETED,),
        note="An e-mail that was created or is a reply.",
    ),
    Capability(
        verb=Verb.INTERACTION_SEND_MESSAGE,
        target=_INTERACTION,
        arguments=(_text("text", "what to say in the chat", required=True),),
        confirmed_by=(proofs.MESSAGE_ADDED,),
    ),
    Capability(
        verb=Verb.INTERACTION_TYPING,
        target=_INTERACTION,
        arguments=(
            Argument(name="on", kind="boolean", required=True, meaning="starts or stops typing"),
        ),
        confirmed_by=(proofs.TYPING_CHANGED,),
    ),
    Capability(
        verb=Verb.INTERACTION_INVITE,
        target=_INTERACTION,
        arguments=(_USER,),
        confirmed_by=(proofs.PARTY_JOINED,),
        note="Confirmed when the other agent comes in: give it a long deadline.",
    ),
    Capability(
        verb=Verb.INTERACTION_LEAVE,
        target=_INTERACTION,
        arguments=(_text("user", "id of the agent's own user; else as the platform told it"),),
        confirmed_by=(proofs.PARTY_LEFT, proofs.REVOKED, proofs.COMPLETED),
    ),
    Capability(
        verb=Verb.INTERACTION_END_SESSION,
        target=_INTERACTION,
        confirmed_by=(proofs.CHAT_ENDED, proofs.PARTY_LEFT),
        note="The interaction stays with the agent until it is completed.",
    ),
    Capability(
        verb=Verb.INTERACTION_REQUEST_HISTORY,
        target=_INTERACTION,
        arguments=(_text("since", "id of the first event wanted"),),
        confirmed_by=(proofs.CHANGED, proofs.MESSAGE_ADDED, proofs.PARTY_JOINED),
        note="What was told before is not told again: then interaction.changed confirms.",
    ),
    Capability(
        verb=Verb.INTERACTION_ADD_ATTACHMENT,
        target=_INTERACTION,
        arguments=FILE_ARGUMENTS,
        note="Proved by the platform's answer, which names the document.",
    ),
    Capability(
        verb=Verb.INTERACTION_REMOVE_ATTACHMENT,
        target=_INTERACTION,
        arguments=(_text("attachment", "id of the document", required=True),),
        note="Proved by the platform's answer.",
    ),
    Capability(
        verb=Verb.INTERACTION_ATTACH_DATA,
        target=_INTERACTION,
        arguments=(DATA, DATA_MODE),
        confirmed_by=(proofs.DATA_CHANGED, proofs.CHANGED),
        note="Confirmed by interaction.changed if the interaction has this data already.",
    ),
    Capability(
        verb=Verb.INTERACTION_DELETE_DATA,
        target=_INTERACTION,
        arguments=(Argument(name="keys", kind="array", meaning="keys to take away"), ALL),
        confirmed_by=(proofs.DATA_CHANGED, proofs.CHANGED),
    ),
)
