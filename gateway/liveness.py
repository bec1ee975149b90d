"""Whether a connected feed is alive: the age of its last event against the rhythm that is expected. Pure.

Connected is not alive: a half-open socket, a subscription that the server forgot, a poll that always answers "nothing
new" all look healthy from the connection. What is done about a quiet feed grows: it is connected anew, which ends a
half-open socket and lets the platform replay; if it stays silent, its state is compared with the platform's; then both
again after pauses that double.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from fnmatch import fnmatchcase

from gateway.rhythm import LearnedRhythm


@dataclass(frozen=True, slots=True, kw_only=True)
class LivenessPolicy:
    """When a feed counts as quiet, and what follows.

    Attributes:
        learn: expect the rhythm that a feed had in earlier weeks, where none is configured.
        check_seconds: how often feeds are looked at, at the least: a quiet feed is found within twice its rhythm.
        shortest_seconds: a learned rhythm is never shorter than this.
        learned_margin: a learned rhythm may be exceeded by this factor.
        settle_seconds: how long after a new connection, or after something surprising, the platform's state is
            compared: what is under way arrives first.
        repeat_seconds: longest pause between two attempts to wake a quiet feed.
        resync_seconds: least pause between two comparisons of one feed after surprising events.
    """

    learn: bool = True
    check_seconds: float = 5.0
    shortest_seconds: float = 60.0
    learned_margin: float = 1.5
    settle_seconds: float = 10.0
    repeat_seconds: float = 3600.0
    resync_seconds: float = 60.0


class Step(Enum):
    """What the supervisor shall do with a feed now."""

    RECONNECT = auto()
    RESYNC = auto()


def configured_rhythm(rhythms: Mapping[str, float], feed: str) -> float | None:
    """The rhythm whose glob fits the feed's name, the longest of several.

    0 says that nothing is expected, None that nothing was said.
    """
    fitting = [glob for glob in rhythms if fnmatchcase(feed, glob)]
    return rhythms[max(fitting, key=len)] if fitting else None


class FeedWatch:
    """One feed's signs of life. `now` is monotonic seconds, `wall` the wall-clock time of the same moment.

    Attributes:
        quiet_since: the last sign of life, when it was too long ago; None while the feed is alive.
        rhythm_seconds: what was expected when that was found.
        resync_reason: why the platform's state is to be compared: `quiet` or `illegal_transition`.
        received_at: when something came last, also to an earlier process; None if that is not known.
    """

    def __init__(
        self,
        policy: LivenessPolicy,
        *,
        rhythm_seconds: float | None = None,
        learned: LearnedRhythm | None = None,
    ) -> None:
        self._policy = policy
        self._configured = rhythm_seconds
        self.learned = learned if learned is not None else LearnedRhythm()
        self._connected = False
        self._since = 0.0
        self._woken: float | None = None
        self._attempts = 0
        self._next_attempt = 0.0
        self._resync_at: float | None = None
        self._resynced = float("-inf")
        self.quiet_since: datetime | None = None
        self.rhythm_seconds: float | None = None
        self.resync_reason = ""
        self.received_at: datetime | None = None

    @property
    def configured_seconds(self) -> float | None:
        """The rhythm that the configuration says; 0: none is expected, None: nothing was said."""
        return self._configured

    def connected(self, now: float) -> None:
        """A connection is made; a quiet feed stays quiet until something comes."""
        self._connected = True
        if self.quiet_since is None:
            self._since = now
            self.learned.interrupted()
        else:
            self._woken = now
            self._resync_at, self.resync_reason = now + self._policy.settle_seconds, "quiet"

    def disconnected(self) -> None:
        """The connection is gone: silence means nothing now, but what was quiet stays so until something comes."""
        self._connected = False
        self._resync_at = None

    def delivered(self, now: float, wall: datetime) -> None:
        """Events came."""
        woken, self._woken = self._woken, None
        # What comes right after a wake-up was held back before it: that pause is no rhythm to get used to.
        if woken is None or now - woken > self._policy.settle_seconds:
            self.learned.learn(wall.timestamp() - (now - self._since), wall.timestamp())
        else:
            self.learned.interrupted()
        self._since = now
        self.received_at = wall
        self._attempts = 0
        if self.quiet_since is not None:
            self.quiet_since = None
            if self.resync_reason == "quiet":
                self._resync_at = None

    def surprised(self, now: float) -> None:
        """An illegal transition came: have the platform's state compared soon, but not all the time."""
        if self._resync_at is None:
            soonest = max(
                now + self._policy.settle_seconds, self._resynced + self._policy.resync_seconds
            )
            self._resync_at, self.resync_reason = soonest, "illegal_transition"

    def check(self, now: float, wall: datetime) -> Step | None:
        """What is due. After RECONNECT the caller ends the connection, after RESYNC it compares."""
        if not self._connected:
            return None
        if self._resync_at is not None and now >= self._resync_at:
            self._resync_at, self._resynced = None, now
            return Step.RESYNC
        if self.quiet_since is None:
            silent = self._silent(now, wall)
            if silent is None:
                return None
            self.rhythm_seconds = silent
            self.quiet_since = datetime.fromtimestamp(
                wall.timestamp() - (now - self._since), tz=wall.tzinfo
            )
        elif now < self._next_attempt:
            return None
        pause = (self.rhythm_seconds or self._policy.shortest_seconds) * 2.0**self._attempts
        self._attempts = min(self._attempts + 1, 30)
        self._next_attempt = now + min(self._policy.repeat_seconds, pause)
        self._woken = now
        return Step.RECONNECT

    def _silent(self, now: float, wall: datetime) -> float | None:
        """The rhythm that is exceeded, if one is."""
        age = now - self._since
        if self._configured is not None:
            return self._configured if 0 < self._configured < age else None
        if not self._policy.learn or age < self._policy.shortest_seconds:
            return None
        found = self.learned.silence(wall.timestamp() - age, wall.timestamp())
        if found is None:
            return None
        silence, usual = found
        rhythm = max(self._policy.shortest_seconds, usual)
        return rhythm if silence > self._policy.learned_margin * rhythm else None
