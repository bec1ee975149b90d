"""Settings of a NICE inContact connector."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    field_validator,
    model_validator,
)

from connectors._wire.accounts import accounts_of
from connectors._wire.addresses import server_address
from connectors.nice_incontact.settings_polls import Polls

_VERSION = re.compile(r"v\d{1,3}\.\d{1,2}")
_NEEDED: dict[str, tuple[str, ...]] = {
    "password": ("application", "business_unit", "username", "password"),
    "client": ("application", "application_id"),
    "implicit": ("token", "api_url"),
    "access_key": ("access_key_id", "access_key_secret"),
    "oidc": ("access_key_id", "access_key_secret", "client_id", "client_secret"),
}
_USED: dict[str, frozenset[str]] = {
    "password": frozenset({"url", "api_url", "scope", *_NEEDED["password"]}),
    "client": frozenset({"url", "api_url", *_NEEDED["client"]}),
    "implicit": frozenset(_NEEDED["implicit"]),
    "access_key": frozenset(
        {"url", "area", "api_url", "tenant_id", "discovery_url", *_NEEDED["access_key"]}
    ),
    "oidc": frozenset({"api_url", "tenant_id", "discovery_url", *_NEEDED["oidc"]}),
}


class SignIn(BaseModel):
    """How tokens are had. Each method takes its own fields and no others."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    method: Literal["password", "client", "implicit", "access_key", "oidc"] = Field(
        description="password, client or implicit of the legacy token service; access_key; oidc."
    )
    url: str | None = Field(
        default=None,
        description="Address of the token service; without it the vendor's: the legacy one, or that of `area`.",
    )
    area: str | None = Field(
        default=None,
        pattern=r"^[a-z0-9-]{1,20}$",
        description="Area of the access-key service, such as na1, au1 or eu1.",
    )
    application: str | None = Field(
        default=None,
        pattern=r"^[^@:]{1,100}@[^@:]{1,100}$",
        description="Registered application and vendor, `Application@Vendor`.",
    )
    business_unit: str | None = Field(
        default=None, pattern=r"^\d{1,20}$", description="Number of the business unit."
    )
    application_id: str | None = Field(
        default=None,
        min_length=1,
        max_length=100,
        description="Id of the application, which the client method has for the business unit.",
    )
    username: str | None = Field(
        default=None, min_length=1, max_length=200, description="User that signs in."
    )
    password: SecretStr | None = Field(default=None, description="Password of the user.")
    scope: str = Field(
        default="",
        max_length=200,
        description="Scopes to ask for, space-separated; empty for all that the application may use.",
    )
    token: SecretStr | None = Field(
        default=None, description="Token that a browser was given by the implicit grant."
    )
    access_key_id: str | None = Field(
        default=None, min_length=1, max_length=200, description="Id of the access key."
    )
    access_key_secret: SecretStr | None = Field(
        default=None, description="Secret of the access key."
    )
    client_id: str | None = Field(
        default=None, min_length=1, max_length=200, description="Client id of the application."
    )
    client_secret: SecretStr | None = Field(
        default=None, description="Client secret of the application."
    )
    tenant_id: str | None = Field(
        default=None,
        min_length=1,
        max_length=100,
        description="Tenant whose API address is looked up, where the token comes without one.",
    )
    discovery_url: str = Field(
        default="https://cxone.niceincontact.com",
        description="Where the platform's addresses are looked up.",
    )
    api_url: str | None = Field(
        default=None,
        description="Address of the API with its path; without it the one that comes with the token.",
        examples=["https://api-c7.incontact.com/inContactAPI/"],
    )

    @field_validator("url", "discovery_url", "api_url")
    @classmethod
    def _is_address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        return server_address(value, example="https://api.incontact.com")

    @model_validator(mode="after")
    def _fits_method(self) -> Self:
        method = self.method
        missing = [name for name in _NEEDED[method] if getattr(self, name) is None]
        if missing:
            raise ValueError(f"expected {', '.join(missing)} for the method {method}")
        stray = [
            name
            for name in self.model_fields_set
            if name != "method" and name not in _USED[method] and getattr(self, name) is not None
        ]
        if stray:
            raise ValueError(f"expected no {', '.join(sorted(stray))} with the method {method}")
        if method == "access_key" and not (self.url or self.area):
            raise ValueError("expected area or url for the method access_key")
        if method in {"access_key", "oidc"} and not (self.api_url or self.tenant_id):
            raise ValueError(f"expected tenant_id or api_url for the method {method}")
        return self


class Agent(BaseModel):
    """One agent whose session is followed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    agent_id: str = Field(
        pattern=r"^\d{1,20}$", description="The agent's id, a number; in quotes or not."
    )
    username: str | None = Field(
        default=None,
        min_length=1,
        max_length=200,
        description="The agent's own user, by the method `password`; else sign_in impersonates.",
    )
    password: SecretStr | None = Field(default=None, description="Password of the agent's user.")
    access_key_id: str | None = Field(
        default=None,
        min_length=1,
        max_length=200,
        description="The agent's own access key, by `access_key` or `oidc`.",
    )
    access_key_secret: SecretStr | None = Field(
        default=None, description="Secret of the agent's access key."
    )
    station_id: str | None = Field(
        default=None,
        pattern=r"^\d{1,20}$",
        description="Station to start a session on; a number.",
    )
    station_phone_number: str | None = Field(
        default=None,
        min_length=1,
        max_length=50,
        description="Phone to start a session on; it wins over the station.",
    )

    @field_validator("agent_id", "station_id", "station_phone_number", mode="before")
    @classmethod
    def _digits(cls, value: object) -> object:
        """YAML reads digits as a number."""
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value

    @model_validator(mode="after")
    def _whole(self) -> Self:
        for name, secret in (("username", "password"), ("access_key_id", "access_key_secret")):
            if (getattr(self, name) is None) != (getattr(self, secret) is None):
                raise ValueError(f"expected {name} and {secret} together")
        return self

    @property
    def signs_in(self) -> bool:
        """Whether the agent has credentials of its own."""
        return self.username is not None or self.access_key_id is not None


class Sessions(BaseModel):
    """How agent sessions are followed, and how they are started where that is asked for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mode: Literal["join", "start"] = Field(
        default="join",
        description="join: follow sessions that agents start. start: start them, which takes the agent's phone.",
    )
    join_interval_seconds: float = Field(
        default=60.0,
        ge=1,
        le=3600,
        description="How often it is looked whether an agent who is not logged in has a session.",
    )
    poll_timeout_seconds: int = Field(
        default=30, ge=1, le=60, description="How long the platform holds a poll without events."
    )
    inactivity_timeout_seconds: int = Field(
        default=0,
        description="Inactivity after which a started session ends, 30 to 300; 0 for the platform's 300.",
    )
    inactivity_force_logout: bool = Field(
        default=False, description="Whether inactivity also ends the contacts of a started session."
    )

    @field_validator("inactivity_timeout_seconds")
    @classmethod
    def _in_range(cls, value: int) -> int:
        if value != 0 and not 30 <= value <= 300:  # noqa: PLR2004 - the bounds of the API, as the message says
            raise ValueError("expected 0, or 30 to 300 seconds")
        return value


class NiceIncontactSettings(BaseModel):
    """Who signs in, which agents are followed, and what is polled."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sign_in: SignIn = Field(description="How tokens are had.")
    agents: tuple[Agent, ...] = Field(
        default=(), description="Agents whose sessions are followed; one held request each."
    )
    agents_file: Path | None = Field(
        default=None,
        description="YAML or JSON file with a list of further agents, with the keys of `agents`.",
    )
    sessions: Sessions = Field(
        default_factory=Sessions, description="How agent sessions are followed or started."
    )
    polls: Polls = Field(
        default_factory=Polls, description="What is polled of the whole business unit."
    )
    api_version: str = Field(default="v23.0", description="Version of the API that requests go to.")
    versions: dict[str, str] = Field(
        default={},
        max_length=100,
        description="Other versions for some requests, by the beginning of their path.",
        examples=[{"contacts/completed": "v27.0"}],
    )
    keep_payload: bool = Field(
        default=False, description="Put the whole vendor message into each event's native part."
    )
    refresh_ahead_seconds: float = Field(
        default=300.0, ge=1, le=3600, description="How long before its end a token is renewed."
    )
    request_timeout_seconds: float = Field(
        default=15.0,
        gt=0,
        le=300,
        description="Longest time for one request, beyond what a poll is held.",
    )
    max_reply_bytes: int = Field(
        default=16 * 1024 * 1024,
        ge=65_536,
        le=256 * 1024 * 1024,
        description="Largest reply that is read, in bytes.",
    )

    _from_file: tuple[Agent, ...] = PrivateAttr(default=())

    @field_validator("api_version")
    @classmethod
    def _is_version(cls, value: str) -> str:
        if not _VERSION.fullmatch(value):
            raise ValueError("expected a version such as v23.0")
        return value

    @field_validator("versions")
    @classmethod
    def _are_versions(cls, value: dict[str, str]) -> dict[str, str]:
        for path, version in value.items():
            if not path or path.startswith("/") or not _VERSION.fullmatch(version):
                raise ValueError(
                    "expected beginnings of paths without a slash before, to versions such as v23.0"
                )
        return value

    @model_validator(mode="after")
    def _read_agents(self) -> Self:
        if self.agents_file is not None:
            self._from_file = accounts_of(self.agents_file, Agent, "agent")
        agents, method = self.all_agents, self.sign_in.method
        if not agents and not self.polls.any:
            raise ValueError(
                "expected agents, agents_file or polls: otherwise there is nothing to hear"
            )
        if agents and method == "client":
            raise ValueError(
                "expected another sign_in.method than client for agents: client tokens serve no user's calls"
            )
        seen: set[str] = set()
        for agent in agents:
            if agent.agent_id in seen:
                raise ValueError(f"expected agents that differ; {agent.agent_id!r} occurs twice")
            seen.add(agent.agent_id)
            if agent.username is not None and method != "password":
                raise ValueError(
                    f"expected no username for agent {agent.agent_id} with the method {method}"
                )
            if agent.access_key_id is not None and method not in {"access_key", "oidc"}:
                raise ValueError(
                    f"expected no access_key_id for agent {agent.agent_id} with the method {method}"
                )
            if self.sessions.mode == "start" and not (
                agent.station_id or agent.station_phone_number
            ):
                raise ValueError(
                    f"expected station_id or station_phone_number for agent {agent.agent_id} to start a session on"
                )
        return self

    @property
    def all_agents(self) -> tuple[Agent, ...]:
        """The agents of the configuration and of the file."""
        return self.agents + self._from_file

    def sign_in_of(self, agent: Agent) -> SignIn:
        """How the agent's session is reached: by its own credentials, or by those that impersonate."""
        if not agent.signs_in:
            return self.sign_in
        own = {
            name: value
            for name in ("username", "password", "access_key_id", "access_key_secret")
            if (value := getattr(agent, name)) is not None
        }
        return self.sign_in.model_copy(update=own)

    def version_of(self, path: str) -> str:
        """The version of the API for a request; the longest beginning of its path decides."""
        fitting = [begin for begin in self.versions if path.lower().startswith(begin.lower())]
        return self.versions[max(fitting, key=len)] if fitting else self.api_version
