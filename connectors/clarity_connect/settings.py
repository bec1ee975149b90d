"""Settings of a Clarity Connect connector."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from connectors._wire.addresses import server_address
from connectors._wire.signalr.negotiation import ORDER
from connectors._wire.signalr.values import Transport

Ids = tuple[int, ...]


class Subscription(BaseModel):
    """One subscription: to whom, summed up or not, and what of it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(
        min_length=1,
        max_length=100,
        description="Names the subscription, and in events the sum that it makes.",
    )
    to: Literal["agents", "queues", "alerts"] = Field(description="What is subscribed to.")
    sum_by: Literal["none", "aggregate", "group"] = Field(
        default="none",
        description="Each one by itself, all of them as one sum, or a sum for each team, group or unit.",
    )
    agent_ids: Ids = Field(default=(), description="Agents, by id.")
    queue_ids: Ids = Field(default=(), description="Queues, by id.")
    team_ids: Ids = Field(default=(), description="Teams, by id.")
    group_ids: Ids = Field(default=(), description="Groups, by id.")
    business_unit_ids: Ids = Field(default=(), description="Business units, by id.")
    modalities: tuple[Literal["audio", "instantMessage", "message"], ...] = Field(
        default=(), description="Which modalities; without it all."
    )
    include_breakdowns: bool = Field(
        default=False, description="Also the metrics broken down by queue."
    )
    include_status_history: bool = Field(
        default=False, description="Also the statuses of the last 24 hours; for agents only."
    )
    metric_properties: tuple[str, ...] = Field(
        default=(), description="Metrics by name; without it all."
    )
    session_properties: tuple[str, ...] = Field(
        default=(), description="Properties of sessions by name; without it all."
    )
    status_properties: tuple[str, ...] = Field(
        default=(), description="Properties of statuses by name; without it all."
    )
    subscription_id: str | None = Field(
        default=None,
        max_length=200,
        description="The id the platform gives it, for servers that do not answer with one.",
    )

    @property
    def names_entities(self) -> bool:
        """Whether it says whom it is about."""
        return bool(
            self.agent_ids
            or self.queue_ids
            or self.team_ids
            or self.group_ids
            or self.business_unit_ids
        )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.to == "alerts" and (self.names_entities or self.sum_by != "none"):
            raise ValueError("expected alerts without ids and sum_by")
        if self.include_status_history and (self.to != "agents" or self.sum_by != "none"):
            raise ValueError("expected include_status_history only for agents one by one")
        if self.sum_by == "group" and not (
            self.team_ids or self.group_ids or self.business_unit_ids
        ):
            raise ValueError("expected team_ids, group_ids or business_unit_ids for sum_by group")
        return self


DEFAULT_SUBSCRIPTIONS = (
    Subscription(name="agents", to="agents", include_status_history=True),
    Subscription(name="queues", to="queues"),
    Subscription(name="alerts", to="alerts"),
)
DEFAULT_METHODS: dict[str, Literal["metrics", "alerts"]] = {
    "onAgents": "metrics",
    "onQueues": "metrics",
    "onAgentsAggregate": "metrics",
    "onQueuesAggregate": "metrics",
    "onAgentsGroup": "metrics",
    "onQueuesGroup": "metrics",
    "onAlerts": "alerts",
}


class ClarityConnectSettings(BaseModel):
    """Where the platform is, who signs in, and what is subscribed to."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: str = Field(
        description="Address of the load-balanced web services, without the path `/webapi/api`.",
        examples=["https://connect.example.com"],
    )
    username: str = Field(
        min_length=1,
        max_length=200,
        description="Windows account of a Connect agent, `DOMAIN\\name` or `name@domain`.",
    )
    password: SecretStr = Field(description="Password of the account.")
    client_id: str = Field(
        min_length=1,
        max_length=100,
        description="GUID of this application from API Management in the admin site.",
    )
    token_hosts: tuple[str, ...] = Field(
        default=(),
        description="Further hosts that may be given the credentials; without it only that of `base_url`.",
    )
    api_hosts: tuple[str, ...] = Field(
        default=(),
        description="Hosts of single servers that may be given the token, for `pin_server`.",
    )
    ca_file: Path | None = Field(
        default=None,
        description="Certificates (PEM) to trust instead of the system's. TLS is always verified.",
    )
    pin_server: bool = Field(
        default=True,
        description="Stay on the server that `specificserver` names: the feed's buffers are its own.",
    )
    signalr_url: str | None = Field(
        default=None,
        description="Address of SignalR; without it below the server's and the site's address.",
    )
    hubs: tuple[str, ...] = Field(
        default=("metricsHub",),
        min_length=1,
        max_length=20,
        description="Hubs to hear. The vendor does not document them; `/signalr/hubs` lists them.",
    )
    methods: dict[str, Literal["metrics", "alerts"]] = Field(
        default=DEFAULT_METHODS,
        description="Client methods, or `hub.method`, to what they bring. Others are kept as vendor messages.",
    )
    transports: tuple[Transport, ...] = Field(
        default=ORDER, min_length=1, description="SignalR transports that may be used."
    )
    token_parameter: str | None = Field(
        default=None,
        description="Query parameter for the token on SignalR requests, if the header is not enough.",
    )
    subscriptions: tuple[Subscription, ...] = Field(
        default=DEFAULT_SUBSCRIPTIONS,
        min_length=1,
        max_length=200,
        description="What is subscribed to; without it all agents, all queues and the alerts.",
    )
    structure_seconds: float = Field(
        default=300.0,
        ge=0,
        le=86_400,
        description="How often the lists of all agents and queues are read anew, for subscriptions to all of them; "
        "0: only for a new connection.",
    )
    keep_payload: bool = Field(
        default=False, description="Put the whole vendor message into each event's native part."
    )
    change_method: Literal["GET", "POST"] = Field(
        default="GET",
        description="Verb of the requests that change a session: documented as GET with a body.",
    )
    request_timeout_seconds: float = Field(
        default=10.0, gt=0, le=300, description="Longest time for one REST request."
    )
    max_reply_bytes: int = Field(
        default=16 * 1024 * 1024,
        ge=65_536,
        le=256 * 1024 * 1024,
        description="Largest reply that is read, in bytes.",
    )
    client_logs: bool = Field(
        default=False, description="Write a line into the platform's log at each connection."
    )

    @field_validator("base_url", "signalr_url")
    @classmethod
    def _is_address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        return server_address(
            value, example="https://connect.example.com", requests_add="/webapi/api"
        )

    @field_validator("ca_file")
    @classmethod
    def _is_readable(cls, value: Path | None) -> Path | None:
        if value is None:
            return None
        try:
            is_pem = b"-----BEGIN " in value.read_bytes()
        except OSError:
            is_pem = False
        if not is_pem:
            raise ValueError("expected a readable file with certificates in PEM form")
        return value

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [subscription.name for subscription in self.subscriptions]
        if len(set(names)) != len(names):
            raise ValueError("expected subscriptions with names that differ")
        return self

    @property
    def host(self) -> str:
        """The host of `base_url`, in lower case."""
        return (urlsplit(self.base_url).hostname or "").lower()

    @property
    def allowed_token_hosts(self) -> frozenset[str]:
        """Hosts that may be given the credentials."""
        return frozenset({self.host, *(host.lower() for host in self.token_hosts)})

    @property
    def allowed_api_hosts(self) -> frozenset[str]:
        """Hosts that may be given the token."""
        return frozenset({self.host, *(host.lower() for host in self.api_hosts)})
