"""Settings of a file sink."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class FsyncPolicy(StrEnum):
    """When lines are forced to the disk."""

    ALWAYS = "always"
    INTERVAL = "interval"
    NEVER = "never"


class FileSettings(BaseModel):
    """Where the lines go, how durable they are, and when a new file begins."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Path = Field(
        description="The file that lines are appended to; a relative path begins at gateway.data_dir.",
        json_schema_extra={"relative_to": "data_dir"},
    )
    fsync: FsyncPolicy = Field(
        default=FsyncPolicy.ALWAYS,
        description=(
            "`always`: a batch counts as delivered when it is on the disk; `interval`: at most every "
            "`fsync_interval_seconds`; `never`: when the operating system likes."
        ),
    )
    fsync_interval_seconds: float = Field(
        default=1.0,
        gt=0,
        le=3600,
        description="Least time between two forced writes when `fsync` is `interval`.",
    )
    rotate_bytes: int | None = Field(
        default=100 * 1024 * 1024,
        ge=1024,
        description="A new file begins before a batch that would make this one larger; null for no limit.",
    )
    rotate_seconds: int | None = Field(
        default=None,
        ge=1,
        description=(
            "A new file begins with each period of this length (3600: every full hour, UTC); null for none."
        ),
    )
    keep_files: int | None = Field(
        default=None,
        ge=0,
        description="How many rotated files are kept, the oldest are removed; null keeps all.",
    )
    mode: str = Field(
        default="0640",
        pattern=r"^0?[0-7]{3}$",
        description="Permissions of new files, octal, as text.",
    )
