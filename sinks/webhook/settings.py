"""Settings of a webhook sink."""

from __future__ import annotations

from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)
from yarl import URL

from gateway.contracts import check_headers
from sinks.webhook.signing import key_problem

_OWN_HEADERS = frozenset(
    {
        "content-type",
        "content-length",
        "host",
        "transfer-encoding",
        "connection",
        "user-agent",
        "traceparent",
    }
)


class ContentMode(StrEnum):
    """How events are put into requests."""

    STRUCTURED = "structured"
    BATCHED = "batched"


def _check_secret(secret: SecretStr) -> SecretStr:
    if problem := key_problem(secret.get_secret_value()):
        raise ValueError(problem)
    return secret


Secret = Annotated[SecretStr, AfterValidator(_check_secret)]


class WebhookSettings(BaseModel):
    """Where events are posted, how they are signed, and which addresses may be connected to."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(
        description="The receiver's address, http or https, without user name and password.",
        repr=False,
    )
    secret: Secret | None = Field(
        default=None,
        description="Signing secret by Standard Webhooks: `whsec_` and base64 of 24 to 64 random bytes.",
    )
    previous_secrets: tuple[Secret, ...] = Field(
        default=(),
        max_length=4,
        description="Secrets that the receiver may still use; requests are signed with these too.",
    )
    unsigned: bool = Field(
        default=False,
        description="Send without a signature; has to be said, because nobody can tell such requests from forged ones.",
    )
    mode: ContentMode = Field(
        default=ContentMode.STRUCTURED,
        description="`structured`: one event a request; `batched`: a JSON array of events a request.",
    )
    batch_events: int = Field(
        default=100, ge=1, le=1000, description="Most events in one request in mode `batched`."
    )
    concurrency: int = Field(
        default=8,
        ge=1,
        le=64,
        description="Most requests at a time; events with the same partition key wait for each other.",
    )
    timeout_seconds: float = Field(
        default=15.0, gt=0, le=60, description="Longest time for one request, answer included."
    )
    max_event_bytes: int = Field(
        default=256 * 1024,
        ge=1024,
        description="Largest event that is sent; a larger one becomes a dead letter.",
    )
    max_retry_after_seconds: float = Field(
        default=3600.0,
        ge=0,
        description="Longest wait that a receiver may ask for with Retry-After; longer ones are cut to it.",
    )
    max_requests_per_second: float | None = Field(
        default=None,
        ge=0.1,
        description="Most requests in a second; they are spread evenly. None: as fast as the receiver answers.",
    )
    retry_seconds: float = Field(
        default=900.0,
        gt=0,
        description="How long an event that the receiver fails at is tried again, while only its partition key waits; "
        "then it is a dead letter.",
    )
    order_wait_seconds: float = Field(
        default=3600.0,
        gt=0,
        description="How long an event waits for those before it with the same partition key; then it is a dead "
        "letter.",
    )
    max_held_events: int = Field(
        default=10_000,
        ge=1,
        description="Most events that wait for their partition keys; beyond it the oldest become dead letters.",
    )
    gone_pause_seconds: float = Field(
        default=3600.0,
        ge=60,
        description="Pause after the receiver answered 410 Gone, before it is asked again.",
    )
    headers: dict[str, SecretStr] = Field(
        default_factory=dict,
        description="Headers added to every request, such as Authorization.",
    )
    ca_file: Path | None = Field(
        default=None,
        description="Certificates (PEM) of the authority to trust instead of the system's.",
    )
    allow_private: bool = Field(
        default=False,
        description="Allow private and loopback addresses; link-local and metadata addresses stay refused.",
    )
    allow_networks: tuple[IPv4Network | IPv6Network, ...] = Field(
        default=(), description="Networks that are allowed whatever they are, such as 10.1.2.0/24."
    )

    @field_validator("url")
    @classmethod
    def _check_url(cls, url: str) -> str:
        try:
            parsed = URL(url)
        except ValueError as error:
            raise ValueError("expected a URL such as https://crm.example.com/hook") from error
        if parsed.scheme not in {"http", "https"} or not parsed.host:
            raise ValueError("expected a URL that begins with http:// or https:// and names a host")
        if parsed.user is not None or parsed.password is not None:
            raise ValueError(
                "expected a URL without user name or password: use headers.Authorization"
            )
        return url

    @field_validator("headers")
    @classmethod
    def _check_headers(cls, headers: dict[str, SecretStr]) -> dict[str, SecretStr]:
        check_headers(
            headers,
            own=lambda name: name in _OWN_HEADERS or name.startswith("webhook-"),
            owner="the sink",
        )
        return headers

    @model_validator(mode="after")
    def _check_signing(self) -> Self:
        if (self.secret is None) is not self.unsigned:
            raise ValueError("set either `secret` or `unsigned: true`")
        if self.secret is None and self.previous_secrets:
            raise ValueError("`previous_secrets` needs `secret`")
        return self

    @property
    def peer(self) -> str:
        """The receiver for messages: path and query are left out, they may hold a token."""
        return str(URL(self.url).origin())

    @property
    def signing_secrets(self) -> tuple[str, ...]:
        """All secrets, the newest first; empty when requests are not signed."""
        current = () if self.secret is None else (self.secret,)
        return tuple(secret.get_secret_value() for secret in (*current, *self.previous_secrets))
