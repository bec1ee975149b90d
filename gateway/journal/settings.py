"""Settings of the journal; the configuration embeds this model."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from gateway.journal.sealing import key_of


def _check_key(key: SecretStr) -> SecretStr:
    key_of(key.get_secret_value())
    return key


class JournalSettings(BaseModel):
    """How long and how much the journal keeps, and how it groups its writes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_age_seconds: float = Field(
        default=7 * 24 * 3600.0,
        gt=0,
        description="Events older than this are removed once every sink has them, in seconds.",
    )
    max_bytes: int = Field(
        default=20 << 30,
        ge=1 << 20,
        description="Size at which the oldest delivered events are removed; when none can be, the "
        "journal is full. In bytes, without the write-ahead log, which adds at most about 64 MiB.",
    )
    min_free_bytes: int = Field(
        default=256 << 20,
        ge=0,
        description="Space that events leave free on the disk, in bytes: positions and commands "
        "are still saved when events have to wait.",
    )
    trim_undelivered: bool = Field(
        default=False,
        description="Remove events by age and size even if a sink still needs them. They are then "
        "lost for that sink, and counted.",
    )
    cache_events: int = Field(
        default=20_000,
        ge=1,
        description="Newest events kept in memory, so that sinks that keep up never touch the disk.",
    )
    cache_bytes: int = Field(
        default=32 << 20, ge=1, description="Bound of the same cache in bytes of event bodies."
    )
    group_events: int = Field(
        default=4_000, ge=1, description="Most events that share one transaction and one fsync."
    )
    group_bytes: int = Field(
        default=8 << 20, ge=1, description="Bound of one transaction in bytes of event bodies."
    )
    queue_events: int = Field(
        default=20_000,
        ge=1,
        description="Events that may wait for the writer; beyond it an append waits before it is "
        "accepted.",
    )
    queue_bytes: int = Field(
        default=64 << 20, ge=1, description="Bound of the same queue in bytes of event bodies."
    )
    room_poll_seconds: float = Field(
        default=0.5,
        gt=0,
        description="How often a full journal looks whether there is room again, in seconds.",
    )
    encryption_keys: tuple[Annotated[SecretStr, AfterValidator(_check_key)], ...] = Field(
        default=(),
        max_length=8,
        description="Keys for the feeds' resume states, each 32 random bytes in base64: the first one encrypts, "
        "the others can still be read. None: resume states are stored as they are.",
    )

    @property
    def keys(self) -> tuple[bytes, ...]:
        """The keys themselves, the first one for writing."""
        return tuple(key_of(key.get_secret_value()) for key in self.encryption_keys)
