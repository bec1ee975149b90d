"""What the platform's answers mean for a command. Pure.

A code of 1 means that the platform took the operation; whether it worked comes on the feed, perhaps as
`EventError`. So success is `accepted` with an expectation, never `done`, unless there is nothing to wait
for. Source: Introduction to Engage Cloud APIs, "Responses and errors".
"""

from __future__ import annotations

from http import HTTPStatus

from connectors.genesys_engage_cloud.commands.request import Request
from connectors.genesys_engage_cloud.envelope import Envelope, message_of, read_envelope
from connectors.genesys_engage_cloud.vendor import StatusCode
from gateway.commands import Outcome, Status
from gateway.errors import CommandUncertain, Reason

_REASONS = {
    400: Reason.INVALID,
    401: Reason.AUTH,
    403: Reason.FORBIDDEN,
    404: Reason.NOT_FOUND,
    409: Reason.CONFLICT,
    429: Reason.RATE_LIMITED,
    500: Reason.SERVER_ERROR,
    501: Reason.UNSUPPORTED,
    503: Reason.SERVER_ERROR,
}
_MAX_PARTS = 100


def outcome_of(request_: Request, status: int, body: bytes) -> Outcome:
    """What the platform's answer means for the command.

    Raises CommandUncertain: the server failed in a way that leaves open whether it acted.
    """
    envelope = read_envelope(body)
    code = envelope.code if envelope is not None else None
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR and code is None:
        raise CommandUncertain(f"the platform answered HTTP {status}", reason=Reason.SERVER_ERROR)
    good = HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES
    if good and envelope is None:
        raise CommandUncertain(
            "the platform answered with something that is no result", reason=Reason.PROTOCOL
        )
    if envelope is None or not good or envelope.failed:
        return _refused(status, envelope)
    if code == StatusCode.PARTIAL:
        return _partial(envelope)
    if request_.expectation is None:
        return Outcome(status=Status.DONE, native_reply=envelope.whole)
    return Outcome(
        status=Status.ACCEPTED,
        native_reply=envelope.whole,
        expectation=request_.expectation,
    )


def summary(outcomes: dict[str, Outcome]) -> Outcome:
    """The outcome of a command of several requests: that of the last one if none of them was refused."""
    last = list(outcomes.values())[-1]
    refused = [part for part, each in outcomes.items() if each.status is Status.REFUSED]
    if not refused:
        return last
    if len(refused) == len(outcomes):
        return outcomes[refused[0]]
    return Outcome(
        status=Status.PARTIAL,
        reason=Reason.REFUSED,
        message="some parts were refused: " + ", ".join(refused),
        parts=outcomes,
    )


def _refused(status: int, envelope: Envelope | None) -> Outcome:
    code = envelope.code if envelope is not None and envelope.failed else None
    said = f"the platform answered HTTP {status}" + ("" if code is None else f", code {code}")
    return Outcome(
        status=Status.REFUSED,
        reason=_REASONS.get(status if code is None else code, Reason.REFUSED),
        message=said if envelope is None else message_of(envelope.whole, said),
        native_reply=None if envelope is None else envelope.whole,
    )


def _partial(envelope: Envelope) -> Outcome:
    """A bulk operation of which some succeeded: `errors` has a status for each that did not."""
    parts = {
        f"errors[{index}]": Outcome(
            status=Status.REFUSED,
            reason=Reason.REFUSED,
            message=message_of({"status": error}, "no reason given"),
        )
        for index, error in enumerate(envelope.errors[:_MAX_PARTS])
    }
    return Outcome(
        status=Status.PARTIAL,
        reason=Reason.REFUSED,
        message="some parts were refused: "
        + "; ".join(part.message or "" for part in parts.values()),
        native_reply=envelope.whole,
        parts=parts,
    )
