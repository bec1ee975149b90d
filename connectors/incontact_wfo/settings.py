"""Settings of an inContact WFO connector."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from connectors._wire.addresses import server_address
from connectors.incontact_wfo import vendor

Identifier = Literal["Id", "CrmUsername", "Phone", "SystemUsername", "Username"]


class WatchedAgent(BaseModel):
    """One agent who is asked for by himself."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    identifier: Identifier = Field(default="Id", description="What `value` is.")
    value: str = Field(min_length=1, max_length=200, description="The agent, by that identifier.")

    @field_validator("value", mode="before")
    @classmethod
    def _digits(cls, value: object) -> object:
        """YAML reads digits as a number."""
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


class IncontactWfoSettings(BaseModel):
    """Where the recorder is, who signs in, and how its words and times are to be read."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: str = Field(
        description="Address of the recording API server, without the path `/api`.",
        examples=["https://recorder.example.com:8443"],
    )
    username: str | None = Field(
        default=None,
        min_length=1,
        max_length=200,
        pattern=r"^[^:]*$",
        description="User for HTTP Basic authentication; without it none is sent.",
    )
    password: SecretStr | None = Field(default=None, description="Password of the user.")
    ca_file: Path | None = Field(
        default=None,
        description="PEM file of authorities to trust instead of the system's, for https.",
    )
    time_zone: str = Field(
        default="UTC",
        description="Time zone of the recorder, by its IANA name: it sends local times without a zone.",
        examples=["America/Denver"],
    )
    identify_agents_by: Identifier = Field(
        default="Id", description="What a command's target.agent is, if the command does not say."
    )
    agents: tuple[WatchedAgent, ...] = Field(
        default=(),
        max_length=5_000,
        description="Agents to ask for one by one; without it all are asked for at once.",
    )
    interval_seconds: float = Field(
        default=5.0, ge=0.2, le=3600, description="From the beginning of one poll to the next."
    )
    tag_fields: tuple[str, ...] = Field(
        default=vendor.TAG_FIELDS,
        min_length=1,
        max_length=100,
        description="Fields of a recording that commands may set and whose changes are told.",
    )
    call_states: dict[str, vendor.CallWord] = Field(
        default=vendor.CALL_STATES,
        max_length=100,
        description="The recorder's words for the state of a call. The vendor documents `OnCall` only.",
    )
    recording_states: dict[str, vendor.RecordingWord] = Field(
        default=vendor.RECORDING_STATES,
        max_length=100,
        description="The recorder's words for the state of a recording. The vendor documents none.",
    )
    keep_payload: bool = Field(
        default=False, description="Put the agent's whole body into each event's native part."
    )
    request_timeout_seconds: float = Field(
        default=10.0, gt=0, le=300, description="Longest time for one request."
    )
    max_reply_bytes: int = Field(
        default=16 * 1024 * 1024,
        ge=65_536,
        le=256 * 1024 * 1024,
        description="Largest reply that is read, in bytes.",
    )

    @field_validator("base_url")
    @classmethod
    def _is_address(cls, value: str) -> str:
        return server_address(value, example="https://recorder.example.com", requests_add="/api")

    @field_validator("time_zone")
    @classmethod
    def _is_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(
                "expected the IANA name of a time zone such as America/Denver"
            ) from None
        return value

    @field_validator("tag_fields")
    @classmethod
    def _are_names(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(name.lower() for name in value)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.username is None) != (self.password is None):
            raise ValueError("expected username and password together")
        if self.ca_file is not None and not self.base_url.startswith("https:"):
            raise ValueError("expected no ca_file without https in base_url")
        wanted = [(agent.identifier, agent.value) for agent in self.agents]
        if len(set(wanted)) != len(wanted):
            raise ValueError("expected agents that differ")
        return self

    @property
    def zone(self) -> ZoneInfo:
        """The recorder's time zone."""
        return ZoneInfo(self.time_zone)
