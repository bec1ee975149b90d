"""Commands: canonical command to the recorder's request, its reply to outcome. Pure.

Source: inContact WFO Admin, "API Overview": identifiers, bodies, and what 200, 404 and 500 mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec

from connectors.incontact_wfo import vendor
from connectors.incontact_wfo.mapping.reading import Agent
from connectors.incontact_wfo.mapping.telling import Cause
from connectors.incontact_wfo.vendor import RecordingWord
from gateway.commands import Argument, Capability, Command, Expectation, Outcome, Status, Verb
from gateway.errors import CommandRefused, CommandUncertain, Reason

MAX_TAG = 4096
_WHO = Argument(
    name="identifier",
    kind="string",
    choices=vendor.IDENTIFIERS,
    meaning="what target.agent is; without it as in the settings",
)
_TARGET = "target: an agent, or a device (its phone), or a call"
_NOT_SHOWN = "done by the recorder's word, marked as inferred, where its states do not show it"


def _event(verb: str) -> str:
    return f"tieline.recording.{verb}.v1"


CAPABILITIES = (
    Capability(
        verb=Verb.RECORDING_START,
        target=(),
        arguments=(_WHO,),
        confirmed_by=(_event("started"), _event("resumed")),
        note=_TARGET,
    ),
    Capability(
        verb=Verb.RECORDING_STOP,
        target=(),
        arguments=(_WHO,),
        confirmed_by=(_event("stopped"),),
        note=_TARGET,
    ),
    Capability(
        verb=Verb.RECORDING_TAG,
        target=(),
        arguments=(
            _WHO,
            Argument(
                name="tags",
                kind="object",
                required=True,
                meaning="fields of the recording, user1 to user15, to their values",
            ),
        ),
        confirmed_by=(_event("tagged"),),
        note=_TARGET,
    ),
    Capability(
        verb=Verb.RECORDING_PAUSE,
        target=(),
        arguments=(_WHO,),
        confirmed_by=(_event("paused"),),
        note=f"{_TARGET}; a blackout; {_NOT_SHOWN}",
    ),
    Capability(
        verb=Verb.RECORDING_RESUME,
        target=(),
        arguments=(_WHO,),
        confirmed_by=(_event("resumed"),),
        note=f"{_TARGET}; ends the blackout; {_NOT_SHOWN}",
    ),
)
_PATHS = {
    Verb.RECORDING_START: vendor.START_PATH,
    Verb.RECORDING_STOP: vendor.STOP_PATH,
    Verb.RECORDING_TAG: vendor.UPDATE_PATH,
    Verb.RECORDING_PAUSE: vendor.BLACKOUT_START_PATH,
    Verb.RECORDING_RESUME: vendor.BLACKOUT_STOP_PATH,
}
CLAIMED: Mapping[Verb, RecordingWord] = {
    Verb.RECORDING_PAUSE: "paused",
    Verb.RECORDING_RESUME: "recording",
}
"""Verbs whose effect no documented state shows, and what it is."""
_CONFIRMED = {line.verb: frozenset(line.confirmed_by) for line in CAPABILITIES}


class Who(msgspec.Struct, frozen=True, kw_only=True):
    """The agent of a command, as the recorder is to find him. `call`: only if this is his active call."""

    identifier: str
    value: str
    call: str | None = None

    def __str__(self) -> str:
        return f"{self.identifier} {self.value}"


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One request; all of them are POST."""

    path: str
    body: dict[str, Any]


def whom(command: Command, *, identify_by: str, holder: str | None) -> Who:
    """Whom a command is about.

    Args:
        command: it names an agent, a device or a call.
        identify_by: what target.agent is, if the command does not say.
        holder: the id of the agent who has the call that the command names, if one has.

    Raises CommandRefused: nobody, or more than one, is named, or nobody has the call.
    """
    target, kind = command.target, command.arguments.get("identifier")
    named = [value for value in (target.agent, target.device, target.call) if value]
    if len(named) != 1 or target.interaction:
        raise CommandRefused(
            "target: name an agent, or a device, or a call, and only one of them",
            reason=Reason.INVALID,
        )
    if kind is not None and not target.agent:
        raise CommandRefused("arguments.identifier: only with target.agent", reason=Reason.INVALID)
    if target.device:
        return Who(identifier=vendor.BY_PHONE, value=target.device)
    if target.call:
        if holder is None:
            raise CommandRefused(
                f"target.call: no agent of the tracker has call {target.call!r}",
                reason=Reason.NOT_FOUND,
            )
        return Who(identifier=vendor.BY_ID, value=holder, call=target.call)
    return Who(identifier=str(kind or identify_by), value=target.agent or "")


def build(command: Command, who: Who, *, tag_fields: tuple[str, ...]) -> Request:
    """The request of a command. Raises CommandRefused: an argument cannot be used; the message names it."""
    path = _PATHS.get(command.verb)
    if path is None:
        raise CommandRefused(
            f"verb: {command.verb.value} is not supported by this platform",
            reason=Reason.UNSUPPORTED,
        )
    body: dict[str, Any] = {"AgentIdentifier": who.identifier, "Value": who.value}
    if command.verb is Verb.RECORDING_TAG:
        body["CallMetadata"] = _tags(command, tag_fields)
    return Request(path=path, body=body)


def outcome_of(who: Who, status: int, reply: Any) -> Outcome:
    """What a reply means. A command that was taken is `accepted`, for what comes of it is to be seen.

    Raises CommandUncertain: the recorder failed, and may have carried it out.
    """
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return Outcome(status=Status.ACCEPTED, native_reply=reply)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise CommandUncertain(
            f"the recorder answers HTTP {status}: its service is misconfigured or failed",
            reason=Reason.SERVER_ERROR,
            hint="look whether the recorder shows it before sending it again",
        )
    reason, said = _REFUSALS.get(
        status, (Reason.CLIENT_ERROR, f"the recorder answers HTTP {status}")
    )
    return Outcome(
        status=Status.REFUSED,
        reason=reason,
        message=said.format(who=who),
        native_reply=reply,
    )


def cause_of(command: Command) -> Cause:
    """The command as a cause of what is seen while it is under way."""
    return Cause(command=command.id, types=_CONFIRMED[command.verb])


def expectation(command: Command, agent: str | None) -> Expectation:
    """Which event proves a command that the recorder took."""
    within = {}
    if command.verb is Verb.RECORDING_TAG:
        within["tags"] = {name: str(value) for name, value in _given(command).items()}
    return Expectation(
        confirmed_by=_CONFIRMED[command.verb],
        where={} if agent is None else {"agent": agent},
        within=within,
        cause=command.id,
    )


def shows(command: Command, agent: Agent, words: Mapping[str, RecordingWord]) -> bool:
    """Whether an agent who was read is as the command wants him. `words` are in lower case."""
    calls = [call for call in agent.calls if call.active]
    if command.verb is Verb.RECORDING_TAG:
        wanted = {name.lower(): str(value) for name, value in _given(command).items()}
        return any(
            all(call.metadata.get(name) == value for name, value in wanted.items())
            for call in calls
        )
    found = {
        words.get(recording.word.lower(), "recording")
        for call in calls
        for recording in call.recordings
    }
    match command.verb:
        case Verb.RECORDING_START:
            return bool(found & {"recording", "paused"})
        case Verb.RECORDING_STOP:
            return not found & {"recording", "paused"}
        case _:
            # Whether "recording" means that a blackout is over nobody has documented.
            return False


_REFUSALS = {
    401: (Reason.AUTH, "the recorder does not take the credentials; check username and password"),
    403: (Reason.FORBIDDEN, "the recorder does not let these credentials do that"),
    404: (Reason.NOT_FOUND, f"the recorder found nothing for {{who}}: {vendor.MEANINGS_OF_404}"),
    405: (Reason.UNSUPPORTED, "the recorder does not offer this; check base_url"),
    429: (Reason.RATE_LIMITED, "the recorder asks for fewer requests"),
}


def _given(command: Command) -> dict[str, Any]:
    tags = command.arguments.get("tags")
    return (
        {str(name).lower(): value for name, value in tags.items()} if isinstance(tags, dict) else {}
    )


def _tags(command: Command, allowed: tuple[str, ...]) -> dict[str, str]:
    given = _given(command)
    if not given:
        raise CommandRefused(
            "arguments.tags: name at least one field and its value", reason=Reason.INVALID
        )
    tags = {}
    for name, value in given.items():
        if name not in allowed:
            raise CommandRefused(
                f"arguments.tags: {name!r} is not one of {', '.join(allowed)}",
                reason=Reason.INVALID,
                hint="see tag_fields",
            )
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise CommandRefused(
                f"arguments.tags.{name}: a text or a number", reason=Reason.INVALID
            )
        tags[name] = str(value)
        if len(tags[name]) > MAX_TAG:
            raise CommandRefused(
                f"arguments.tags.{name}: longer than {MAX_TAG} characters", reason=Reason.INVALID
            )
    return tags
