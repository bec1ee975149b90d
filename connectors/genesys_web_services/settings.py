"""Settings of a Genesys Web Services connector."""

from __future__ import annotations

from typing import Self

from pydantic import (
    Field,
    PrivateAttr,
    SecretStr,
    field_validator,
    model_validator,
)

from connectors._genesys import settings as shared
from connectors._genesys.settings import Block
from connectors._wire.accounts import accounts_of
from connectors._wire.addresses import server_address
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


class Account(Block):
    """One agent's account on the platform."""

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
            raise ValueError(
                "expected a user name without : and / (RFC 7617 section 2 excludes the colon)"
            )
        return value

    @property
    def name(self) -> str:
        """The agent's name in events and commands."""
        return self.agent or self.username


class SessionStart(Block):
    """How contact-centre sessions are started, by the connector or by the command `agent.login`."""

    channels: tuple[str, ...] = Field(
        default=("voice",), min_length=1, description="Media to log in to: voice, chat, email …"
    )
    place: str | None = Field(
        default=None, description="Place whose devices are assigned to the agent."
    )
    login_code: str | None = Field(default=None, description="Agent login to use.")
    queue: str | None = Field(default=None, description="Queue number to log in to.")


class GenesysWebServicesSettings(Block):
    """Where the server is, which agents' feeds are read, and whether the connector only looks on."""

    base_url: str = Field(
        description="Address of the server, http or https, without the path `/api/v2`.",
        examples=["https://gws.example.com:8090"],
    )
    accounts: tuple[Account, ...] = Field(
        default=(), description="Accounts whose feeds are read; each needs its own session."
    )
    accounts_file: shared.AccountsFile = None
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
    acknowledge: shared.Acknowledge = shared.ACKNOWLEDGE
    keep_payload: shared.KeepPayload = False
    request_timeout_seconds: shared.RequestTimeoutSeconds = shared.REQUEST_TIMEOUT_SECONDS
    max_reply_bytes: shared.MaxReplyBytes = shared.MAX_REPLY_BYTES
    max_attachment_bytes: shared.MaxAttachmentBytes = shared.MAX_ATTACHMENT_BYTES
    send_reference: bool = Field(
        default=False,
        description="Send each command's id as `referenceId`; newer servers echo it in the events it causes.",
    )
    max_buffered_messages: shared.MaxBufferedMessages = shared.MAX_BUFFERED_MESSAGES

    _from_file: tuple[Account, ...] = PrivateAttr(default=())

    @field_validator("base_url")
    @classmethod
    def _is_address(cls, value: str) -> str:
        return server_address(value, example="https://gws.example.com:8090", requests_add="/api/v2")

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
            raise ValueError("expected at least one account, in accounts or in accounts_file")
        shared.check_distinct(accounts)
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
            raise ValueError("expected topics that begin with / and are not below /meta")
    return value
