"""Settings of a Kafka sink."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from sinks.kafka.encoding import topic_template

TOPIC_NAME = r"^[a-zA-Z0-9._-]{1,249}$"
PORT_LIMIT = 65535


class TlsSettings(BaseModel):
    """TLS to the brokers; an empty block trusts the system's authorities. Host names are always checked."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ca_file: Path | None = Field(
        default=None, description="PEM file of the authorities to trust; null for the system's."
    )
    cert_file: Path | None = Field(
        default=None, description="PEM file of the client's certificate and its chain."
    )
    key_file: Path | None = Field(
        default=None, description="PEM file of its key; null if `cert_file` holds it too."
    )
    key_password: SecretStr | None = Field(
        default=None, description="Password of an encrypted key."
    )

    @model_validator(mode="after")
    def _key_belongs_to_a_certificate(self) -> Self:
        if self.cert_file is None and (self.key_file or self.key_password):
            raise ValueError("key_file and key_password need a cert_file")
        return self


class SaslSettings(BaseModel):
    """A user and a password for the brokers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        default="SCRAM-SHA-512", description="How they are sent; PLAIN only over TLS."
    )
    username: str = Field(min_length=1, description="The user.")
    password: SecretStr = Field(min_length=1, description="Its password.")


class CreateTopics(BaseModel):
    """How topics are made that do not exist."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    partitions: int = Field(
        default=6, ge=1, description="Partitions of a new topic; more later breaks order per key."
    )
    replication_factor: int = Field(
        default=3, ge=1, le=32767, description="Copies of each partition; at most one a broker."
    )
    configs: dict[str, str] = Field(
        default_factory=dict,
        description="Kafka's own topic settings, as text: `retention.ms`, `min.insync.replicas` …",
    )


class KafkaSettings(BaseModel):
    """Which cluster, which topics, and how sure."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    bootstrap_servers: Annotated[
        list[str],
        Field(
            min_length=1,
            description="Some of the brokers, `host:port`; a list, or one text with commas.",
        ),
    ]
    topic: str = Field(
        default="tieline.{noun}",
        description=(
            "Topic of an event. `{noun}` is the second word of its type (call, agent …); also {connector}, "
            "{platform} and {type}."
        ),
    )
    effectively_once: bool = Field(
        default=True,
        description=(
            "After a crash or an uncertain answer, read back what the partitions hold, so that no event is written "
            "twice. Off: at least once, with fewer rights."
        ),
    )
    instance: str | None = Field(
        default=None,
        pattern=r"^[a-zA-Z0-9._-]{1,80}$",
        description=(
            "Names this gateway in `transactional.id` and in the group of its marks; never the same for two running "
            "gateways. Null: the id of the journal."
        ),
    )
    create_topics: CreateTopics | None = Field(
        default=None, description="Make topics that do not exist; null: they must exist."
    )
    compression: Literal["none", "lz4", "zstd"] = Field(
        default="zstd",
        description=(
            "Of record batches. zstd is smaller, and takes a third of the time of lz4, for which aiokafka always uses "
            "its slowest level."
        ),
    )
    max_record_bytes: int = Field(
        default=1_000_000,
        ge=1024,
        description="A larger event is refused; no more than the topics' `max.message.bytes`.",
    )
    max_batch_bytes: int = Field(
        default=512 * 1024,
        ge=1024,
        description="A record batch of one partition before compression; no more than `max.message.bytes`.",
    )
    delivery_timeout_seconds: float = Field(
        default=30.0,
        gt=0,
        le=100,
        description="A batch that is not confirmed by then is given up and offered anew on a new connection.",
    )
    request_timeout_seconds: float = Field(
        default=10.0, gt=0, le=600, description="One request, and one connection attempt."
    )
    client_id: str = Field(
        default="tieline", min_length=1, description="How the brokers' logs and quotas call us."
    )
    tls: TlsSettings | None = Field(default=None, description="TLS; null for plain connections.")
    sasl: SaslSettings | None = Field(default=None, description="Authentication by password.")

    @field_validator("bootstrap_servers", mode="before")
    @classmethod
    def _split_at_commas(cls, value: object) -> object:
        return [part.strip() for part in value.split(",")] if isinstance(value, str) else value

    @field_validator("bootstrap_servers")
    @classmethod
    def _host_and_port(cls, value: list[str]) -> list[str]:
        for server in value:
            host, _, port = server.rpartition(":")
            if not host.strip("[]") or not port.isdecimal() or not 0 < int(port) <= PORT_LIMIT:
                raise ValueError(
                    f"{server!r}, expected host:port, such as broker-1.example.com:9092"
                )
        return value

    @field_validator("topic")
    @classmethod
    def _topic_is_a_template(cls, value: str) -> str:
        topic_template(value)
        return value
