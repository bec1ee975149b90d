"""The client's side of a Bayeux session as a state machine: no sockets, no tasks, no clock.

Ask `next_step` what to do; after a `Send`, tell the outcome by `received` or `failed`. Times are
seconds on one time line that starts at the epoch and never runs backwards within a process.
Exactly one connect is outstanding at a time, except for the one of a drain. Sources: CometD
documentation, "Bayeux protocol" (handshake, connect, advice, error fields), "Acknowledge
extension"; the names of states and messages are theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

import msgspec

from connectors._wire.bayeux import advice as advising
from connectors._wire.bayeux import messages as wire
from connectors._wire.bayeux.advice import Advice
from connectors._wire.bayeux.composing import NETWORK_DELAY_SECONDS, Composer
from connectors._wire.bayeux.messages import Message
from connectors._wire.bayeux.ordinals import Ordinals
from connectors._wire.bayeux.steps import Failure, Kind, Send, Step, Stop, Wait
from connectors._wire.bayeux.values import (
    Arrival,
    BayeuxResume,
    Gap,
    Mark,
    SubscriptionRefused,
)
from gateway.errors import (
    AuthRejected,
    ConnectionFailed,
    NotConnected,
    NotReady,
    ProtocolViolation,
    Reason,
)

RETRY_SECONDS = 1.0
MAX_RETRY_SECONDS = 60.0
# A killed process may have used ids that it had no time to store; a server with the acknowledge extension keeps its
# batches by the id of the connect.
SKIPPED_MESSAGE_IDS = 1_000
POISONED_AFTER = 3
SESSION_UNKNOWN = 402
FORBIDDEN = frozenset({401, 403})
# A server that never holds a connect and advises no interval must not be polled in a loop.
SPIN_SECONDS = 0.2
MAX_SPINS = 3


class _State(StrEnum):
    HANDSHAKING = "handshaking"
    SUBSCRIBING = "subscribing"
    CONNECTING = "connecting"
    CONNECTED = "connected"


class BayeuxSession:
    """One session after another with one server, for a fixed set of channels."""

    def __init__(
        self,
        subscriptions: Sequence[str],
        *,
        offer_ack: bool = True,
        resume: BayeuxResume | None = None,
        network_delay_seconds: float = NETWORK_DELAY_SECONDS,
        retry_seconds: float = RETRY_SECONDS,
    ) -> None:
        self._wanted = tuple(dict.fromkeys(subscriptions))
        self._offer_ack = offer_ack
        self._retry_seconds = retry_seconds
        self._composer = Composer(network_delay_seconds, offer_ack=offer_ack)
        self._state = _State.HANDSHAKING
        self._ordinals = Ordinals("", ack_enabled=False)
        self._subscribed: set[str] = set()
        self._asked: dict[str, str] = {}
        self.advice = Advice()
        self._last_advice: Any = None
        self.trouble: ConnectionFailed | None = None
        self._stop: ConnectionFailed | None = None
        self._not_before = 0.0
        self._alive_at = 0.0
        self._failing_since: float | None = None
        self._failures = 0
        self._poisoned = 0
        self._gap: Gap | None = None
        self._announced = ""
        self._subscribing_due = False
        self._losses = 0
        self._handshaken_at = 0.0
        self._sent_at = 0.0
        self._idle_spins = 0
        if resume is not None:
            self._restore(resume)

    @property
    def client_id(self) -> str:
        """The server's name for this session; empty before a handshake and after the session is lost."""
        return self._ordinals.client_id

    @property
    def connected(self) -> bool:
        """Whether a connect succeeded since the last handshake or restore and all channels were asked for."""
        return self._state is _State.CONNECTED

    @property
    def ended(self) -> ConnectionFailed | None:
        """Why the session is over for good, if it is."""
        return self._stop

    @property
    def ack_enabled(self) -> bool:
        """Whether the server keeps events until they are acknowledged."""
        return self._ordinals.ack_enabled

    @property
    def unstored(self) -> bool:
        """Whether the next connect would acknowledge less than was received."""
        return self._ordinals.unstored

    @property
    def subscribed(self) -> frozenset[str]:
        """The channels the server has taken."""
        return frozenset(self._subscribed)

    @property
    def untroubled(self) -> bool:
        """Whether the session exists and nothing of it is known or suspected to be lost."""
        return bool(self.client_id) and self._gap is None

    @property
    def mark(self) -> Mark:
        """How far all that was received reaches."""
        return self._ordinals.mark

    @property
    def seen_at(self) -> float:
        """When the server last answered a connect; 0 before the first."""
        return self._alive_at

    @property
    def failures(self) -> int:
        """Requests that failed since the last connect that succeeded."""
        return self._failures

    def expired(self, now: float) -> bool:
        """Whether it has failed for so long that the server must have forgotten the session."""
        return (
            self._failing_since is not None
            and now - self._failing_since > self.advice.expiry_seconds
        )

    def next_step(self, now: float) -> Step:
        """What to do at `now`."""
        if self._stop is not None:
            return Stop(self._stop)
        if now < self._not_before:
            return Wait(self._not_before)
        self._sent_at = now
        match self._state:
            case _State.HANDSHAKING:
                return self._composer.handshake()
            case _State.SUBSCRIBING:
                return self._subscribe()
            case _State.CONNECTING:
                return self.connect(hold=False)
            case _State.CONNECTED:
                return self.connect(hold=True)

    def connect(self, *, hold: bool) -> Send:
        """A connect; one that is not held also ends the one that is, without loss, at servers that allow just one."""
        return self._composer.connect(
            self._ordinals, hold_seconds=self.advice.timeout_seconds if hold else None
        )

    def disconnect(self) -> Send | None:
        """The message that ends the session on the server; none if there is no session."""
        return self._composer.disconnect(self._ordinals) if self.client_id else None

    def received(
        self, request: Send, replies: Sequence[Message], now: float, *, accept: bool = True
    ) -> Arrival | None:
        """Take in the reply to `request`; gives what it brought, if anything.

        With `accept` false the events of a connect reply are left with a server that keeps them
        (acknowledge extension): it sends them again. A reply that comes after its session was
        lost is ignored: the loss is reported as a gap.
        """
        if request.client_id != self.client_id:
            return None
        self.trouble = None
        channel = request.kind.channel
        raw, answers = wire.events_and_answers(replies)
        reply = next((m for m in answers if m.answers(channel, request.message_id)), None)
        for message in replies:
            if message.advice is not None and (message.channel != wire.CONNECT or message is reply):
                self._take_advice(message.advice)
        succeeded = reply is not None and reply.successful is True
        ack = None
        if succeeded and reply is not None:
            if request.kind is Kind.HANDSHAKE and not self._open_session(reply, now):
                return None
            ack = reply.acknowledgement if request.kind is not Kind.SUBSCRIBE else None
        refused = self._settle_subscriptions(request, answers)
        events = []
        if self.client_id and not (raw and not accept and self.ack_enabled and ack is not None):
            events = self._ordinals.number(raw, base=request.base, ack=ack)
        resume = self.resume_state() if events or refused else None
        mark = self._ordinals.mark
        self._advance(request, reply, answers, now)
        if self.connected and request.kind is Kind.CONNECT:
            self._slow_down_spinning(request, now, idle=not raw)
        gap = self._ended_gap(
            now, reached=(succeeded and request.kind is Kind.CONNECT) or bool(events)
        )
        announcing = self.connected and self._announced != self.client_id
        if announcing:
            self._announced = self.client_id
        if resume is None and gap is None and not announcing:
            return None
        return Arrival(events, mark, resume or self.resume_state(mark), gap, refused)

    def announce(self) -> Arrival:
        """An arrival without events, to make the session known to the journal before the first connect."""
        self._announced = self.client_id
        return Arrival([], self._ordinals.mark, self.resume_state())

    def failed(self, request: Send, failure: Failure, now: float) -> None:
        """`request` got no Bayeux answer: the session lives on, unless it has been failing for too long."""
        if request.client_id != self.client_id:
            return
        exposed = bool(self.client_id)
        repeated = failure.stale and self._failures > 0
        if exposed and (failure.maybe_taken or repeated) and not self.ack_enabled:
            self.suspect(failure.error.reason, now, certain=failure.poisonous)
        if failure.stale and self._failures == 0:
            self._fail(failure.error, now)
            self._not_before = now
            return
        if exposed and failure.poisonous and self.ack_enabled and not self.unstored:
            self._poisoned += 1
            if self._poisoned >= POISONED_AFTER:
                self._lose(failure.error.reason, now)
                return
        self._fail(failure.error, now)
        if exposed and self.expired(now):
            self._lose(Reason.SESSION_LOST, now)

    def stored(self, mark: Mark) -> None:
        """All up to `mark` is durable."""
        self._ordinals.stored(mark)

    def resume_state(self, mark: Mark | None = None, *, clean: bool = False) -> BayeuxResume:
        """What to keep for another process, with all up to `mark` (by default: all that was received) stored."""
        mark = mark or self._ordinals.mark
        return BayeuxResume(
            client_id=mark.client_id,
            ack_enabled=self.ack_enabled,
            ack=mark.ack,
            ordinal=mark.ordinal,
            side_ordinal=mark.side_ordinal,
            message_id=self._composer.message_id,
            subscriptions=tuple(sorted(self._subscribed)),
            advice=self.advice,
            clean=clean,
            seen_at=self._alive_at,
        )

    def _restore(self, resume: BayeuxResume) -> None:
        self._composer.message_id = resume.message_id + SKIPPED_MESSAGE_IDS
        start = Mark(resume.client_id, resume.ack, resume.ordinal, resume.side_ordinal)
        self._ordinals = Ordinals(resume.client_id, ack_enabled=resume.ack_enabled, start=start)
        self._subscribed = set(resume.subscriptions)
        self._subscribing_due = self._subscribed != set(self._wanted)
        self.advice = resume.advice
        self._alive_at = resume.seen_at
        self._state = _State.CONNECTING
        if not resume.ack_enabled and not resume.clean:
            # What the server wrote to the poll of the process that died is gone, and nothing tells whether it did.
            self.suspect(Reason.STOPPED, resume.seen_at)

    def _subscribe(self) -> Send:
        missing = [c for c in self._wanted if c not in self._subscribed]
        surplus = sorted(self._subscribed.difference(self._wanted))
        send = self._composer.subscribe(self._ordinals, missing, surplus)
        first = int(send.message_id)
        self._asked = {str(first + i): channel for i, channel in enumerate(missing)}
        return send

    def _open_session(self, reply: Message, now: float) -> bool:
        client_id, kinds = reply.client_id, reply.connection_types
        if not isinstance(client_id, str) or not client_id:
            self._fail(ProtocolViolation("the handshake reply names no clientId"), now)
            return False
        if isinstance(kinds, list) and advising.TRANSPORT not in kinds:
            self._stop = ProtocolViolation(
                "the CometD server does not offer long-polling", reason=Reason.UNSUPPORTED
            )
            return False
        echo = reply.ext.get("ack") if isinstance(reply.ext, dict) else None
        enabled = echo.get("enabled") if isinstance(echo, dict) else echo
        self._ordinals = Ordinals(client_id, ack_enabled=self._offer_ack and enabled is True)
        self._handshaken_at = now
        if not self._alive_at:
            self._alive_at = now
        return True

    def _take_advice(self, raw: Any) -> None:
        """Servers say the same with every connect, and saying it again changes nothing."""
        if raw != self._last_advice:
            self.advice, self._last_advice = self.advice.merged(raw), raw

    def _settle_subscriptions(
        self, request: Send, replies: Sequence[Message]
    ) -> tuple[SubscriptionRefused, ...]:
        refused = []
        for reply in replies:
            if reply.channel != wire.SUBSCRIBE:
                continue
            channel = self._asked.pop(str(reply.id), None)
            if channel is None and reply.id is None and isinstance(reply.subscription, str):
                channel = reply.subscription
            if channel is None or channel not in self._wanted:
                continue
            if reply.successful is True:
                self._subscribed.add(channel)
            elif reply.error_code != SESSION_UNKNOWN:
                self._subscribed.discard(channel)
                refused.append(SubscriptionRefused(channel, _short(reply.error)))
        if request.kind is Kind.SUBSCRIBE:
            # Replies may be missing: a channel without one counts as taken until it is refused.
            refusals = {item.channel for item in refused}
            self._subscribed.update(c for c in self._asked.values() if c not in refusals)
            self._subscribed.intersection_update(self._wanted)
        return tuple(refused)

    def _advance(
        self, request: Send, reply: Message | None, replies: Sequence[Message], now: float
    ) -> None:
        if request.kind is Kind.SUBSCRIBE:
            if any(
                m.channel == wire.SUBSCRIBE and m.error_code == SESSION_UNKNOWN for m in replies
            ):
                self._lose(Reason.SESSION_LOST, now)
                return
            self._subscribing_due = False
            self._state = _State.CONNECTING
        elif reply is None:
            self._fail(ProtocolViolation(f"the answer holds no reply to /meta/{request.kind}"), now)
        elif reply.successful is not True:
            self._refused(request, reply, now)
        elif request.kind is Kind.HANDSHAKE:
            self._subscribing_due = bool(self._wanted)
            self._state = _State.SUBSCRIBING if self._wanted else _State.CONNECTING
            self._poisoned = 0
        else:
            self._connected(reply, now)

    def _connected(self, reply: Message, now: float) -> None:
        self._alive_at = now
        self._failures = self._losses = self._poisoned = 0
        self._failing_since = None
        self._state = _State.SUBSCRIBING if self._subscribing_due else _State.CONNECTED
        wish = advising.reconnect(reply.advice)
        if wish == "none" or self.advice.interval_ms < 0:
            self._stop = NotConnected(
                "the server advised not to connect again", reason=Reason.SERVER_CLOSED
            )
        elif wish == "handshake":
            self._lose(Reason.SESSION_LOST, now)
        else:
            pause = advising.one_time_interval_seconds(reply.advice)
            self._not_before = now + max(self.advice.interval_seconds, pause)

    def _refused(self, request: Send, reply: Message, now: float) -> None:
        code, wish = reply.error_code, advising.reconnect(reply.advice)
        text = f"the server refused /meta/{request.kind}: {_short(reply.error)}"
        handshaking = request.kind is Kind.HANDSHAKE
        if not handshaking and (code == SESSION_UNKNOWN or wish == "handshake"):
            self._lose(Reason.SESSION_LOST, now)
        elif code in FORBIDDEN and (handshaking or wish == "none"):
            self._stop = AuthRejected(text, reason=Reason.FORBIDDEN)
        elif wish == "none" and handshaking:
            self._stop = NotReady(text, reason=Reason.SERVER_CLOSED)
        elif wish == "none":
            self._stop = NotConnected(text, reason=Reason.SERVER_CLOSED)
        else:
            self._fail(NotReady(text), now)

    def _fail(self, error: ConnectionFailed, now: float) -> None:
        self.trouble = error
        self._failures += 1
        if self._failing_since is None:
            self._failing_since = now
        pause = max(
            self._failures * self._retry_seconds,
            self.advice.interval_seconds,
            error.retry_after_seconds or 0.0,
        )
        self._not_before = now + min(pause, MAX_RETRY_SECONDS)

    def _lose(self, reason: Reason, now: float) -> None:
        since = self._gap.since if self._gap else self._alive_at
        self._gap = Gap(reason, since, now)
        self._ordinals = Ordinals("", ack_enabled=False)
        self._subscribed.clear()
        self._asked.clear()
        self._state = _State.HANDSHAKING
        self._losses += 1
        earliest = self._handshaken_at + self._retry_seconds
        if self._losses > 1:
            self._fail(NotConnected("the session was lost again", reason=reason), now)
            earliest = max(earliest, self._not_before)
        elif self._failing_since is None:
            self._failing_since = now
        self._not_before = max(now, earliest)

    def suspect(self, reason: Reason, now: float, *, certain: bool = False) -> None:
        """Something may have been lost since the server last answered: the next arrival says so."""
        if self._gap is None:
            self._gap = Gap(reason, self._alive_at, now, suspected=not certain)

    def _ended_gap(self, now: float, *, reached: bool) -> Gap | None:
        """The gap, if the server was reached again by the session that follows it."""
        if self._gap is None or not reached or not self.client_id:
            return None
        gap, self._gap = self._gap, None
        return msgspec.structs.replace(gap, until=max(now, gap.since))

    def _slow_down_spinning(self, request: Send, now: float, *, idle: bool) -> None:
        spun = idle and request.held and now - self._sent_at < SPIN_SECONDS
        self._idle_spins = self._idle_spins + 1 if spun else 0
        if self._idle_spins > MAX_SPINS:
            self._not_before = max(self._not_before, now + self._retry_seconds)


def _short(error: Any) -> str:
    return error[:200] if isinstance(error, str) and error else "no reason given"
