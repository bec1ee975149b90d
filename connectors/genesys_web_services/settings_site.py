"""Settings about the whole site: which statistics are polled, and which dictionaries are read."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

MAX_OBJECTS = 1_000
MAX_STATISTICS = 100

Dictionary = Literal[
    "agent_states",
    "users",
    "skills",
    "queues",
    "devices",
    "contacts",
    "features",
    "settings",
    "dispositions",
    "workbins",
]
DICTIONARIES: tuple[Dictionary, ...] = (
    "agent_states",
    "users",
    "skills",
    "queues",
    "devices",
    "contacts",
    "features",
    "settings",
    "dispositions",
    "workbins",
)


class StatisticsObject(BaseModel):
    """One queue, skill or agent whose statistics are polled."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["queue", "skill", "agent"] = Field(
        description="What it is: `queue`, `skill` or `agent`."
    )
    id: str = Field(min_length=1, max_length=200, description="The platform's id of it.")
    name: str | None = Field(
        default=None,
        min_length=1,
        max_length=200,
        description="Its name in events; without it the id.",
    )
    statistics: tuple[str, ...] = Field(
        default=(),
        max_length=MAX_STATISTICS,
        description="Names of the statistics; without it all that the server has of it.",
    )

    @property
    def shown(self) -> str:
        """The name in events."""
        return self.name or self.id


class Statistics(BaseModel):
    """Polling of statistics."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    interval_seconds: float = Field(
        default=10.0,
        ge=1,
        le=3600,
        description="From one poll to the next, in seconds. The server itself computes most figures every 10 s.",
    )
    catch_up_values: int = Field(
        default=100,
        ge=0,
        le=10_000,
        description="Most values of each statistic that are fetched after an interruption; 0 for none.",
    )
    objects: tuple[StatisticsObject, ...] = Field(
        min_length=1, max_length=MAX_OBJECTS, description="What is measured."
    )

    @model_validator(mode="after")
    def _differ(self) -> Self:
        ids = [one.id for one in self.objects]
        if twice := next((one for one in ids if ids.count(one) > 1), None):
            raise ValueError(f"expected objects that differ; {twice!r} occurs twice")
        return self


class Directory(BaseModel):
    """Reading of the site's dictionaries."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    refresh_seconds: float = Field(
        default=3600.0,
        ge=10,
        le=86_400,
        description="After so many seconds the dictionaries are read again.",
    )
    dictionaries: tuple[Dictionary, ...] = Field(
        default=DICTIONARIES, min_length=1, description="Which dictionaries are read."
    )
    max_entries: int = Field(
        default=10_000,
        ge=1,
        le=100_000,
        description="Most entries of one dictionary that are kept; the rest is counted.",
    )
    personal: bool = Field(
        default=False,
        description="Keep the names and phone numbers of people; otherwise only ids and user names.",
    )
