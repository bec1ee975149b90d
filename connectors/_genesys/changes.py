"""What changed of a call or an interaction between two messages: its data, its recording. Pure."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from connectors._genesys.values import difference, kept
from gateway.events.calls import CallDataChanged
from gateway.events.common import Native
from gateway.events.interactions import InteractionDataChanged

RECORDING, PAUSED, STOPPED = "recording", "paused", "stopped"
_RECORDING_VERBS = {RECORDING: "started", PAUSED: "paused", STOPPED: "stopped"}


class Holder(Protocol):
    """Whatever has data attached to it, as a picture knows it."""

    data: dict[str, Any]


class DataChange(NamedTuple):
    """New values by their keys, and keys that are gone."""

    changed: dict[str, Any]
    removed: list[str]

    @property
    def is_none(self) -> bool:
        """Nothing changed."""
        return not self.changed and not self.removed

    def of_call(self, call: str, agent: str, native: Native) -> CallDataChanged:
        """As the data of an event about a call."""
        return CallDataChanged(
            call=call,
            agent=agent,
            changed=list(self.changed),
            removed=self.removed,
            values=self.changed,
            native=native,
        )

    def of_interaction(
        self, interaction: str, media: str, agent: str, native: Native
    ) -> InteractionDataChanged:
        """As the data of an event about an interaction."""
        return InteractionDataChanged(
            interaction=interaction,
            media=media,
            agent=agent,
            changed=list(self.changed),
            removed=self.removed,
            values=self.changed,
            native=native,
        )


def attach(holder: Holder, after: dict[str, Any]) -> DataChange:
    """What differs from the data that is known, which is `after` from now on."""
    changed, removed = difference(holder.data, after)
    holder.data = kept(after)
    return DataChange(changed, removed)


def recording_verb(now: str, before: str | None, *, told: bool) -> str | None:
    """What became of a recording, if anything: words of the platform in lower case in, a verb out.

    `told` says that the message is about the recording; else the first word that is heard of one that is not running
    means nothing.
    """
    if now == before or (before is None and now != RECORDING and not told):
        return None
    if now == RECORDING and before == PAUSED:
        return "resumed"
    return _RECORDING_VERBS.get(now)
