"""Settings of a Genesys Web Services connector."""

from __future__ import annotations

from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

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
from connectors.genesys_web_services.settings_site import Directory, Statistics
from connectors.genesys_web_services.vendor import (
    CHATS_TOPIC,
    SERVICES_TOPIC,
    WORK_ITEMS_TOPIC,
    WORKBINS_TOPIC,
)

TOPICS = (
    "/v2/me",
    "/v2/me/calls",
    "/v2/me/devices",
    "/v2/me/channels",
    "/v2/me/interactions",
    CHATS_TOPIC,
    WORK_ITEMS_TOPIC,
    WORKBINS_TOPIC,
)


class Account(BaseModel):
    """One agent's account on the platform."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    username: str = Field(min_length=1, max_length=200, description="User name of the agent.")
    password: SecretStr = Field(description="Password of the agent.")
    agent: str | None = Field(
        default=None,
        min_length=1,
        max_length=200,
        description="The agent's name in events and commands; without it the user name.",
    )
    place: str | None = Field(
        default=None, description="Overrides `start_session.place` for this agent."
    )
    login_code: str | None = Field(
        default=None, description="Overrides `start_session.login_code` for this agent."
    )
    topics: tuple[str, ...] = Field(
        default=(),
        description="Further topics for this account, such as /v2/users for a supervisor.",
    )

    @field_validator("topics")
    @classmethod
    def _are_topics(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return _topics(value)

    @field_validator("username")
    @classmethod
    def _no_colon(cls, value: str) -> str:
        if ":" in value or "/" in value:
            raise ValueError("a user name without : and / (RFC 7617 section 2 excludes the colon)")
        return value

    @property
    def name(self) -> str:
        """The agent's name in events and commands."""
        return self.agent or self.username


class SessionStart(BaseModel):
    """How contact-centre sessions are started, by the connector or by the command `agent.login`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    channels: tuple[str, ...] = Field(
        default=("voice",), min_length=1, description="Media to log in to: voice, chat, email …"
    )
    place: str | None = Field(
        default=None, description="Place whose devices are assigned to the agent."
    )
    login_code: str | None = Field(default=None, description="Agent login to use.")
    queue: str | None = Field(default=None, description="Queue number to log in to.")


class GenesysWebServicesSettings(BaseModel):
    """Where the server is, which agents' feeds are read, and whether the connector only looks on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: str = Field(
        description="Address of the server, http or https, without the path `/api/v2`.",
        examples=["https://gws.example.com:8090"],
    )
    accounts: tuple[Account, ...] = Field(
        default=(), description="Accounts whose feeds are read; each needs its own session."
    )
    accounts_file: Path | None = Field(
        default=None,
        description="YAML or JSON file with a list of further accounts, with the keys of `accounts`.",
    )
    observe_only: bool = Field(
        default=True,
        description="Look on. If false, each feed logs its agent in when it first connects.",
    )
    start_session: SessionStart = Field(
        default_factory=SessionStart,
        description="How agents are logged in: by `observe_only: false` and by `agent.login`.",
    )
    topics: tuple[str, ...] = Field(
        default=TOPICS, min_length=1, description="CometD topics that every account subscribes to."
    )
    site_topics: tuple[str, ...] = Field(
        default=(SERVICES_TOPIC,),
        description="Topics about the whole site, which only the first account subscribes to.",
    )
    workbins: tuple[str, ...] = Field(
        default=(),
        max_length=100,
        description="Workbins to watch, by name or id, each agent its own; `*` for all.",
    )
    site_account: Account | None = Field(
        default=None,
        description="Account that reads statistics and directory; else the first of the accounts.",
    )
    statistics: Statistics | None = Field(
        default=None, description="Statistics to poll; without this block none are."
    )
    directory: Directory | None = Field(
        default=None, description="Dictionaries to read; without this block none are."
    )
    acknowledge: bool = Field(
        default=True,
        description="Use the acknowledge extension if the server offers it: a crash then loses nothing.",
    )
    keep_payload: bool = Field(
        default=False, description="Put the whole vendor message into each event's native part."
    )
    request_timeout_seconds: float = Field(
        default=10.0, gt=0, le=300, description="Longest time for one REST request."
    )
    max_reply_bytes: int = Field(
        default=4 * 1024 * 1024,
        ge=65_536,
        le=256 * 1024 * 1024,
        description="Largest reply that is read, in bytes.",
    )
    max_attachment_bytes: int = Field(
        default=10 * 1024 * 1024,
        ge=1,
        le=1024 * 1024 * 1024,
        description="Largest attachment that a command may add, in bytes.",
    )
    send_reference: bool = Field(
        default=False,
        description="Send each command's id as `referenceId`; newer servers echo it in the events it causes.",
    )
    max_buffered_messages: int = Field(
        default=10_000,
        ge=100,
        le=1_000_000,
        description="Most messages of one feed that wait for the journal; then polling pauses.",
    )

    _from_file: tuple[Account, ...] = PrivateAttr(default=())

    @field_validator("base_url")
    @classmethod
    def _is_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("an address such as https://gws.example.com:8090")
        if parts.username or parts.password:
            raise ValueError("an address without user name and password; they belong in accounts")
        if parts.query or parts.fragment or parts.path.rstrip("/").endswith("/api/v2"):
            raise ValueError("an address without /api/v2, query and fragment")
        return value.rstrip("/")

    @field_validator("topics", "site_topics")
    @classmethod
    def _are_topics(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return _topics(value)

    @model_validator(mode="after")
    def _read_accounts(self) -> Self:
        if self.accounts_file is not None:
            self._from_file = accounts_of(self.accounts_file, Account)
        accounts = self.all_accounts
        if not accounts:
            raise ValueError("at least one account, in accounts or in accounts_file")
        for field in ("username", "name"):
            seen: set[str] = set()
            for account in accounts:
                value = getattr(account, field)
                if value in seen:
                    raise ValueError(f"accounts that differ; {value!r} occurs twice")
                seen.add(value)
        return self

    @property
    def all_accounts(self) -> tuple[Account, ...]:
        """The accounts of the configuration and of the file."""
        return self.accounts + self._from_file

    def topics_of(self, account: Account) -> tuple[str, ...]:
        """What the account subscribes to."""
        site = self.site_topics if account is self.all_accounts[0] else ()
        return tuple(dict.fromkeys((*self.topics, *account.topics, *site)))

    @property
    def reads_site(self) -> Account:
        """The account that reads what concerns the whole site."""
        return self.site_account or self.all_accounts[0]


def _topics(value: tuple[str, ...]) -> tuple[str, ...]:
    for topic in value:
        if not topic.startswith("/") or topic.startswith("/meta/"):
            raise ValueError("topics that begin with / and are not below /meta")
    return value
