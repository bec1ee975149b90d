"""Every error that crosses a contract, classified once at the edge where it happens.

No exception of a library or a vendor leaves the file that talks to it: it becomes one of these, with a bounded
`reason` (a metric label), a message without secrets, and, where an operator can act, a `hint`.

    TielineError
    ├── ConfigError              the settings are wrong: retrying cannot help, a person must act
    ├── Retryable                worth another try, after `retry_after_seconds` if the peer said so
    │   ├── ConnectionFailed
    │   │   ├── NotConnected         an established link is gone: connect again
    │   │   ├── NotReady             the peer cannot serve us now: try later
    │   │   ├── AuthRejected         the credentials or the token were refused
    │   │   └── ProtocolViolation    the peer (or we) broke the protocol
    │   └── DeliveryRetryable    nothing after the settled prefix is settled: offer it again
    ├── AttachmentRefused        an upload is not kept, now or at all
    ├── CommandError
    │   ├── CommandRefused       a certain no
    │   └── CommandUncertain     may have happened: never retried by us
    └── JournalError
        ├── JournalFull          no room: the caller waits, nothing was written
        ├── JournalCorrupt       the file does not hold what was written
        ├── ResumeUnreadable     a resume state is encrypted with another key, or damaged
        └── JournalClosed        used after close
"""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why something failed: the closed list of values that metrics may carry as a label."""

    CONFIG = "config"
    DNS = "dns"
    REFUSED = "refused"
    RESET = "reset"
    TIMEOUT = "timeout"
    TLS = "tls"
    AUTH = "auth"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    GONE = "gone"
    CONFLICT = "conflict"
    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"
    CLIENT_ERROR = "client_error"
    REDIRECT = "redirect"
    PROTOCOL = "protocol"
    TOO_LARGE = "too_large"
    SESSION_LOST = "session_lost"
    QUIET = "quiet"
    SERVER_CLOSED = "server_closed"
    FENCED = "fenced"
    DISK_FULL = "disk_full"
    DISK_ERROR = "disk_error"
    CORRUPT = "corrupt"
    ADDRESS_FORBIDDEN = "address_forbidden"
    UNSUPPORTED = "unsupported"
    INVALID = "invalid"
    CLOCK = "clock"
    DEADLINE = "deadline"
    CANCELLED = "cancelled"
    STOPPED = "stopped"
    OTHER = "other"


class TielineError(Exception):
    """An error with a reason for metrics, a message for people and, if there is one, a remedy."""

    default_reason = Reason.OTHER

    def __init__(self, message: str, *, reason: Reason | None = None, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.reason = self.default_reason if reason is None else reason
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class ConfigError(TielineError):
    """The settings cannot work; no retry will help."""

    default_reason = Reason.CONFIG


class Timed(TielineError):
    """An error that may say after how many seconds another try is worth while."""

    def __init__(
        self,
        message: str,
        *,
        reason: Reason | None = None,
        hint: str = "",
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(message, reason=reason, hint=hint)
        self.retry_after_seconds = retry_after_seconds


class Retryable(Timed):
    """Another try is worth while, not before `retry_after_seconds` if the peer named a time."""


class ConnectionFailed(Retryable):
    """A link to a platform or a receiver could not be made or is gone."""


class NotConnected(ConnectionFailed):
    """An established link is gone."""

    default_reason = Reason.RESET


class NotReady(ConnectionFailed):
    """The peer answers, or should, but cannot serve us now."""

    default_reason = Reason.SERVER_ERROR


class AuthRejected(ConnectionFailed):
    """The peer refused who we say we are."""

    default_reason = Reason.AUTH


class ProtocolViolation(ConnectionFailed):
    """What arrived, or what we were about to send, breaks the protocol."""

    default_reason = Reason.PROTOCOL


class DeliveryRetryable(Retryable):
    """Nothing beyond what the sink reported as settled has been settled; the same events are offered again."""

    default_reason = Reason.SERVER_ERROR


class AttachmentRefused(Timed):
    """An upload is not kept; worth another try where `retry_after_seconds` is set."""

    default_reason = Reason.REFUSED


class CommandError(TielineError):
    """A command did not get the answer that was hoped for."""


class CommandRefused(Timed, CommandError):
    """Certain: the command was not carried out. `retry_after_seconds` is set where a later try is worth while."""

    default_reason = Reason.REFUSED


class CommandUncertain(CommandError):
    """The link failed after the command left: it may have been carried out."""

    default_reason = Reason.TIMEOUT


class JournalError(TielineError):
    """The journal could not do what was asked."""

    default_reason = Reason.DISK_ERROR


class JournalFull(JournalError):
    """There is no room. Nothing of the append was written."""

    default_reason = Reason.DISK_FULL


class JournalCorrupt(JournalError):
    """The journal's file does not hold what was written to it."""

    default_reason = Reason.CORRUPT


class ResumeUnreadable(JournalError):
    """The resume state of one feed cannot be read: without it the feed begins a session of its own."""

    default_reason = Reason.INVALID


class JournalClosed(JournalError):
    """The journal was used after it was closed."""

    default_reason = Reason.STOPPED
