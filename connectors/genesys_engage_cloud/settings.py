"""Settings of a Genesys Engage Cloud connector."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

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
from connectors.genesys_engage_cloud.auth import Credentials
from connectors.genesys_engage_cloud.vendor import WORKSPACE, WORKSPACE_CHANNELS

_WORK_MODES = Literal["AutoIn", "ManualIn"]


class Client(Block):
    """The application that the platform knows."""

    id: str = Field(min_length=1, description="Client id of the application.")
    secret: SecretStr = Field(description="Client secret of the application.")


class Account(Block):
    """One agent's account, by one of three grants: password, refresh token or authorization code."""

    username: str = Field(
        min_length=1,
        max_length=200,
        description=r"User name of the agent, with its tenant: tenant\user.",
    )
    password: SecretStr | None = Field(default=None, description="Password of the agent.")
    refresh_token: SecretStr | None = Field(
        default=None, description="Refresh token, instead of the password."
    )
    authorization_code: SecretStr | None = Field(
        default=None,
        description="Code of a sign-in, instead of the password: used once, then its refresh token.",
    )
    redirect_uri: str | None = Field(
        default=None, description="Address that the authorization code was issued for."
    )
    agent: str | None = Field(
        default=None,
        min_length=1,
        max_length=200,
        description="The agent's name in events and commands; without it the user name, less the tenant.",
    )
    agent_id: str | None = Field(
        default=None, description="Overrides `activate.agent_id` for this agent."
    )
    dn: str | None = Field(default=None, description="Overrides `activate.dn` for this agent.")
    place: str | None = Field(
        default=None, description="Overrides `activate.place` for this agent."
    )

    @field_validator("username")
    @classmethod
    def _no_slash(cls, value: str) -> str:
        if "/" in value:
            raise ValueError(r"expected a user name such as tenant\user, without /")
        return value

    @model_validator(mode="after")
    def _one_grant(self) -> Self:
        given = (self.password, self.refresh_token, self.authorization_code)
        if sum(each is not None for each in given) != 1:
            raise ValueError(
                "expected exactly one of password, refresh_token and authorization_code"
            )
        if (self.authorization_code is None) != (self.redirect_uri is None):
            raise ValueError("expected authorization_code and redirect_uri together")
        return self

    @property
    def name(self) -> str:
        """The agent's name in events and commands."""
        return self.agent or self.user_name

    @property
    def user_name(self) -> str:
        """The platform's name of the user, without the tenant."""
        return self.username.rpartition("\\")[2]

    def credentials(self, client: Client) -> Credentials:
        """What this account's tokens are asked with."""
        return Credentials(
            client_id=client.id,
            client_secret=client.secret.get_secret_value(),
            username=self.username,
            password=_revealed(self.password),
            refresh_token=_revealed(self.refresh_token),
            authorization_code=_revealed(self.authorization_code),
            redirect_uri=self.redirect_uri,
        )


class Activation(Block):
    """How channels are activated, by the connector or by the command `agent.login`."""

    agent_id: str | None = Field(
        default=None, description="Agent login; else the employee id that the platform tells."
    )
    dn: str | None = Field(
        default=None, description="Phone; else the one that the platform has as the agent's login."
    )
    place: str | None = Field(default=None, description="Place, instead of a phone.")
    queue: str | None = Field(default=None, description="Queue to log in to.")
    work_mode: _WORK_MODES | None = Field(
        default=None, description="AutoIn: ready at once. ManualIn: not ready."
    )
    channels: tuple[str, ...] = Field(
        default=(), description="Media to activate beside voice: chat, email …"
    )


class Watched(Block):
    """Statistics of some objects."""

    type: str = Field(min_length=1, description="Type of the objects: Agent, GroupAgents …")
    ids: tuple[str, ...] = Field(
        min_length=1, description="The objects, as the platform names them."
    )
    statistics: tuple[str, ...] = Field(
        min_length=1,
        description="Names of statistics: those of the platform, or of `definitions`.",
    )


class StatisticsSettings(Block):
    """The statistics that are watched."""

    objects: tuple[Watched, ...] = Field(min_length=1, description="What is watched.")
    definitions: dict[str, dict[str, Any]] = Field(
        default_factory=dict,
        description="Statistics of one's own: name to definition (notificationMode, category, subject …).",
    )
    account: str | None = Field(
        default=None,
        description="User name of the account that asks; without it the client asks by itself.",
    )


class ProvisioningSettings(Block):
    """The changes of the configuration that are watched."""

    watch: tuple[str, ...] = Field(
        default=(), description="Types of objects whose changes are told."
    )
    read: tuple[str, ...] = Field(
        default=(),
        description="Operations whose results are read at each new session: get-users, get-used-skills …",
    )
    account: str | None = Field(
        default=None,
        description="User name of the account that asks; without it the client asks by itself.",
    )

    @field_validator("read")
    @classmethod
    def _are_operations(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if not name.replace("-", "").isalnum():
                raise ValueError("expected names of operations such as get-users")
        return value

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.watch and not self.read:
            raise ValueError("expected something to watch or to read")
        return self


class GenesysEngageCloudSettings(Block):
    """Where the platform is, which agents' feeds are read, what is watched beside them."""

    base_url: str = Field(
        description="Address of the API gateway, http or https, without the path of an API.",
        examples=["https://gapi.example.com"],
    )
    api_key: SecretStr = Field(description="Key of the application, sent as x-api-key.")
    client: Client = Field(description="The application's client id and secret: `id`, `secret`.")
    accounts: tuple[Account, ...] = Field(
        default=(), description="Agents whose feeds are read; each needs its own session."
    )
    accounts_file: shared.AccountsFile = None
    statistics: StatisticsSettings | None = Field(
        default=None, description="Statistics to watch; without it there is no such feed."
    )
    provisioning: ProvisioningSettings | None = Field(
        default=None, description="Changes of the configuration to watch; without it no such feed."
    )
    observe_only: bool = Field(
        default=True,
        description="Look on. If false, each feed activates its agent's channels when it first connects.",
    )
    activate: Activation = Field(
        default_factory=Activation,
        description="How channels are activated: by `observe_only: false` and by `agent.login`.",
    )
    channels: tuple[str, ...] = Field(
        default=WORKSPACE_CHANNELS,
        min_length=1,
        description="CometD channels of the Workspace API to subscribe to.",
    )
    workbins: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        default=(),
        max_length=100,
        description="Workbins to watch, by id, each agent its own; `*` for all.",
    )
    operation_ids: bool = Field(
        default=True,
        description="Send an id with every operation, which current servers echo in its events.",
    )
    acknowledge: shared.Acknowledge = shared.ACKNOWLEDGE
    keep_payload: shared.KeepPayload = False
    keep_alive_seconds: float = Field(
        default=120.0, gt=0, le=3600, description="How often a session is told that it is in use."
    )
    refresh_ahead_seconds: float = Field(
        default=60.0, gt=0, le=3600, description="How long before its end a token is renewed."
    )
    initialization_seconds: float = Field(
        default=25.0, gt=0, le=300, description="Longest time for making a workspace session."
    )
    request_timeout_seconds: shared.RequestTimeoutSeconds = shared.REQUEST_TIMEOUT_SECONDS
    max_reply_bytes: shared.MaxReplyBytes = shared.MAX_REPLY_BYTES
    max_attachment_bytes: shared.MaxAttachmentBytes = shared.MAX_ATTACHMENT_BYTES
    max_buffered_messages: shared.MaxBufferedMessages = shared.MAX_BUFFERED_MESSAGES

    _from_file: tuple[Account, ...] = PrivateAttr(default=())

    @field_validator("base_url")
    @classmethod
    def _is_address(cls, value: str) -> str:
        return server_address(value, example="https://gapi.example.com", requests_add="/v3")

    @field_validator("channels")
    @classmethod
    def _are_channels(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for channel in value:
            if not channel.startswith(f"{WORKSPACE}/"):
                raise ValueError(f"expected channels that begin with {WORKSPACE}/")
        return value

    @model_validator(mode="after")
    def _read_accounts(self) -> Self:
        if self.accounts_file is not None:
            self._from_file = accounts_of(self.accounts_file, Account)
        accounts = self.all_accounts
        if not accounts and self.statistics is None and self.provisioning is None:
            raise ValueError("expected at least one account, or statistics, or provisioning")
        shared.check_distinct(accounts)
        names = {account.username for account in accounts}
        for block in (self.statistics, self.provisioning):
            if block is not None and block.account is not None and block.account not in names:
                raise ValueError(f"expected an account that exists; {block.account!r} is none")
        return self

    @property
    def all_accounts(self) -> tuple[Account, ...]:
        """The accounts of the configuration and of the file."""
        return self.accounts + self._from_file

    def credentials_of(self, username: str | None) -> Credentials:
        """What tokens are asked with: those of an account, or the client's own."""
        for account in self.all_accounts:
            if account.username == username:
                return account.credentials(self.client)
        return Credentials(
            client_id=self.client.id, client_secret=self.client.secret.get_secret_value()
        )


def _revealed(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()
