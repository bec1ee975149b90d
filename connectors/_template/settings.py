"""Settings of an Example PBX connector: the keys of its block besides `name` and `platform`."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from connectors._wire.addresses import server_address


class ExamplePbxSettings(BaseModel):
    """Where the exchange is, and who asks."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: str = Field(
        description="Address of the exchange, without /v1.",
        examples=["https://pbx.example.com"],
    )
    api_key: SecretStr = Field(description="Key of an account that may read and command.")
    wait_seconds: float = Field(
        default=25.0, ge=0.1, le=60, description="How long the exchange may hold a poll open."
    )
    request_timeout_seconds: float = Field(
        default=10.0, gt=0, le=300, description="Longest time for one request, beyond that wait."
    )
    max_reply_bytes: int = Field(
        default=4 * 1024 * 1024,
        ge=65_536,
        le=256 * 1024 * 1024,
        description="Largest reply that is read, in bytes.",
    )
    keep_payload: bool = Field(
        default=False, description="Put the whole change into each event's native part."
    )

    @field_validator("base_url")
    @classmethod
    def _is_address(cls, value: str) -> str:
        return server_address(value, example="https://pbx.example.com", requests_add="/v1")
