"""Verdicts that the gateway gives by itself, without an event or a reply. Pure."""

from __future__ import annotations

from gateway.commands import Outcome, Status
from gateway.errors import Reason

UNPROVEN = Outcome(
    status=Status.UNKNOWN,
    reason=Reason.DEADLINE,
    message="the platform took the command, but no event confirmed it in time",
)
"""The platform has taken it and tells nothing."""
CANCELLED = Outcome(
    status=Status.REFUSED, reason=Reason.CANCELLED, message="cancelled before it was sent"
)
"""Its caller took it back while it waited for its turn."""
NEVER_SENT = Outcome(
    status=Status.REFUSED,
    reason=Reason.STOPPED,
    message="not sent: the gateway stopped while earlier commands of the same agent were under way",
)
"""It was still waiting when the process ended."""
STOPPED = Outcome(
    status=Status.UNKNOWN,
    reason=Reason.STOPPED,
    message="the gateway stopped while it was sending; it may have happened",
)
"""The process ended between sending it and hearing of it."""


def too_late(*, sent: bool) -> Outcome:
    """The deadline passed before the platform answered, or before the command could be sent."""
    if sent:
        return Outcome(
            status=Status.UNKNOWN,
            reason=Reason.DEADLINE,
            message="no answer from the platform before the deadline; it may have happened",
        )
    return Outcome(
        status=Status.REFUSED,
        reason=Reason.DEADLINE,
        message="not sent: earlier commands of the same agent were still under way at the deadline",
    )
