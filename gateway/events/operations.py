"""Data of the events about figures, services, directories, feeds and commands."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from gateway.events.common import Foreign, Name, Native
from gateway.events.envelope import Data, Sensitivity


class MetricObject(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is measured. `kind`: queue, agent, skill, skill_group, team, group or business_unit."""

    kind: str
    id: str
    members: list[str] = msgspec.field(default_factory=list)


class Metrics(Data, frozen=True, kw_only=True):
    """Values of one object at one time. `window` is the interval they cover, in the platform's words."""

    object: MetricObject
    values: dict[str, float]
    observed_at: datetime
    window: str | None = None
    native: Native | None = None


class QueueState(Data, frozen=True, kw_only=True):
    """Whether a queue takes contacts."""

    queue: str
    open: bool | None = None
    estimated_wait_seconds: float | None = None
    native: Native | None = None


class AccountPassword(Data, frozen=True, kw_only=True):
    """A password change succeeded or failed."""

    account: str
    reason: str | None = None
    native: Native | None = None


class DirectoryChanged(Data, frozen=True, kw_only=True):
    """A dictionary (agents, skills, queues, states …) changed; `changed` lists the ids."""

    directory: str
    changed: list[str] = msgspec.field(default_factory=list)
    native: Native | None = None


class Alert(Data, frozen=True, kw_only=True):
    """A rule of the platform or of the gateway fired or ceased."""

    alert: str
    rule: str | None = None
    severity: str | None = None
    about: str | None = None
    value: float | None = None
    threshold: float | None = None
    native: Native | None = None


class ServiceState(Data, frozen=True, kw_only=True):
    """A service of the platform changed: up, degraded, down or unknown."""

    service: str
    state: str
    previous: str | None = None
    evidence: str | None = None
    native: Native | None = None


class FeedData(Data, frozen=True, kw_only=True):
    """A feed connected, disconnected, fell quiet, or has a gap.

    Attributes:
        feed: the feed's name.
        session: the platform session it uses, never a secret.
        resumed: the earlier session went on, nothing was lost for all we know.
        from_time, to_time: bounds of a gap or of the silence (encoded as `from` and `to`); the truth lies within.
        rhythm_seconds: a quiet feed was expected to say something within this time.
        recovered: changes that reconciliation brought back; what only says a state or a figure again is none.
        unrecovered: events known to be lost; `null` in a closed gap means that nobody can know.
    """

    feed: str
    guarantee: str | None = None
    session: str | None = None
    resumed: bool | None = None
    reason: str | None = None
    from_time: datetime | None = msgspec.field(default=None, name="from")
    to_time: datetime | None = msgspec.field(default=None, name="to")
    recovered: int | None = None
    unrecovered: int | msgspec.UnsetType | None = msgspec.UNSET
    rhythm_seconds: float | None = None


class CommandData(Data, frozen=True, kw_only=True):
    """A command and its verdict. `evidence` is the id of the event that confirmed or refused it."""

    command: str
    verb: str
    target: str
    connector: str
    requester: Name | None = None
    reason: str | None = None
    message: Annotated[str, Sensitivity.DATA] | None = None
    evidence: str | None = None
    native_reply: Foreign = None


class DeadLetterData(Data, frozen=True, kw_only=True):
    """An event that a sink refused for good, or that outlived its time."""

    sink: str
    event: str
    reason: str
    message: Annotated[str, Sensitivity.DATA] | None = None


class VendorMessage(Data, frozen=True, kw_only=True):
    """Something the mapping did not understand, whole."""

    agent: str | None = None
    topic: str | None = None
    why: str
    native: Native
