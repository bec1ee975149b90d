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


REMEDIES: dict[Reason, str] = {
    Reason.CONFIG: "mend the setting that is named, and reload",
    Reason.DNS: "check the host's name in the configuration, and this machine's resolver",
    Reason.REFUSED: "see whether the other side runs and takes connections from here",
    Reason.RESET: "wait, it is tried again; if it goes on, look at the other side and what stands between",
    Reason.TIMEOUT: "wait, it is tried again; if it goes on, look at the other side's load and what stands between",
    Reason.TLS: "check the certificate's names, its dates and the authorities that are trusted",
    Reason.AUTH: "check the credentials in the configuration",
    Reason.FORBIDDEN: "give the account the rights that its README lists",
    Reason.NOT_FOUND: "check the address in the configuration",
    Reason.GONE: "check the address in the configuration against what the other side offers now",
    Reason.CONFLICT: "see who else changes the same thing",
    Reason.RATE_LIMITED: "wait, it is tried again; if it goes on, ask less often or for a higher limit",
    Reason.SERVER_ERROR: "look at the other side's own log",
    Reason.CLIENT_ERROR: "compare the message with the other side's documentation, and report it if it is ours",
    Reason.REDIRECT: "set the address that it redirects to",
    Reason.PROTOCOL: "check that the address is that of the right service; report it if it is",
    Reason.TOO_LARGE: "raise the limit that is named, or make what is sent smaller",
    Reason.SESSION_LOST: "nothing, a new session is made; if it goes on, see who else uses the account",
    Reason.QUIET: "set rhythm_seconds of the connector if that is usual",
    Reason.SERVER_CLOSED: "wait, it is tried again; if it goes on, look at the other side's own log",
    Reason.FENCED: "see whether a second gateway runs with the same name or data",
    Reason.DISK_FULL: "make room, or raise gateway.journal.max_bytes",
    Reason.DISK_ERROR: "look at the disk and the system's log",
    Reason.CORRUPT: "see `tieline journal verify` and the run book",
    Reason.ADDRESS_FORBIDDEN: "set allow_private if the receiver is meant to be on a private address",
    Reason.UNSUPPORTED: "compare with the capability table in the platform's README",
    Reason.INVALID: "correct the field that is named",
    Reason.CLOCK: "correct this machine's clock",
    Reason.DEADLINE: "wait, it is tried again; if it goes on, look at the other side's load",
    Reason.CANCELLED: "nothing, somebody stopped it",
    Reason.STOPPED: "nothing, it was stopped",
    Reason.OTHER: "report this with the lines before it",
}
"""What an operator can do about a reason where the error itself does not know better."""


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
