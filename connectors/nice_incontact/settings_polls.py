"""Settings of the feeds that poll: which figures and states are read, and how often."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, field_validator

QUARTER_SECONDS = 900


class Poll(BaseModel):
    """One polling feed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    interval_seconds: float = Field(
        default=5.0, ge=0.2, le=86_400, description="From the beginning of one poll to the next."
    )


class ActivePoll(Poll):
    """Contacts under way. The platform lists what changed, and only a whole list shows what is gone."""

    whole_every_seconds: float = Field(
        default=30.0,
        ge=0.2,
        le=86_400,
        description="How often all contacts are listed, not only those that changed: that shows which are over.",
    )


class CompletedPoll(Poll):
    """Contacts that ended. The platform needs a quarter of an hour until they are told as they were."""

    interval_seconds: float = Field(
        default=60.0, ge=0.2, le=86_400, description="From the beginning of one poll to the next."
    )
    history_seconds: int = Field(
        default=3600,
        ge=0,
        le=30 * 86_400,
        description="How far back the first poll of a fresh start looks.",
    )


class WindowPoll(Poll):
    """Figures over a window of time that ends at the last full quarter of an hour."""

    interval_seconds: float = Field(
        default=300.0, ge=0.2, le=86_400, description="From the beginning of one poll to the next."
    )
    window_seconds: int = Field(
        default=4 * QUARTER_SECONDS,
        ge=QUARTER_SECONDS,
        le=30 * 86_400,
        description="Length of the window, in whole quarters of an hour.",
    )

    @field_validator("window_seconds")
    @classmethod
    def _whole_quarters(cls, value: int) -> int:
        if value % QUARTER_SECONDS:
            raise ValueError(f"expected a multiple of {QUARTER_SECONDS} seconds")
        return value


class Polls(BaseModel):
    """Which polling feeds there are; a feed without its block is not polled."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    agent_states: Poll | None = Field(default=None, description="States of all agents.")
    contacts_active: ActivePoll | None = Field(default=None, description="Contacts under way.")
    contacts_completed: CompletedPoll | None = Field(
        default=None, description="Contacts that ended."
    )
    skills_activity: Poll | None = Field(default=None, description="Figures of the skills.")
    skills_sla_summary: WindowPoll | None = Field(
        default=None, description="Service levels of the skills."
    )
    agents_performance: WindowPoll | None = Field(
        default=None, description="Figures of the agents."
    )

    @property
    def any(self) -> bool:
        """Whether anything is polled."""
        return any(getattr(self, name) is not None for name in type(self).model_fields)
