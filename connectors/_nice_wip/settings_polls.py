"""Settings of the feeds that poll: which figures and states are read, and how often."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Poll(BaseModel):
    """One polling feed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    interval_seconds: float = Field(
        default=5.0, ge=1, le=86_400, description="From the beginning of one poll to the next."
    )


class Polls(BaseModel):
    """Which polling feeds there are; a feed without its block is not polled."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    agent_states: Poll | None = Field(default=None, description="States of all agents.")
    contacts_active: Poll | None = Field(default=None, description="Contacts under way.")
    contacts_completed: Poll | None = Field(default=None, description="Contacts that ended.")
    skills_activity: Poll | None = Field(default=None, description="Figures of the skills.")
    skills_sla_summary: Poll | None = Field(default=None, description="Service levels.")
    agents_performance: Poll | None = Field(default=None, description="Figures of the agents.")

    @property
    def any(self) -> bool:
        """Whether anything is polled."""
        return any(getattr(self, name) is not None for name in type(self).model_fields)
