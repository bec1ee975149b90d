"""Settings of a Prometheus sink."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class PrometheusSettings(BaseModel):
    """How many time series may be shown, whatever the platforms tell."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_queues: int = Field(
        default=200,
        ge=0,
        le=10_000,
        description=(
            "Most queues that are shown by name, over all connectors; the rest is added up as `other`. "
            "As many skills and other groups are shown; the rest of them is not."
        ),
    )
    max_values: int = Field(
        default=50,
        ge=1,
        le=1000,
        description="Most different values of queues; further ones are not shown, and counted.",
    )
    agents: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        default=(),
        max_length=500,
        description="Agents whose own figures are shown, by the id in events; none unless named.",
    )
