"""The API's part of the configuration: `gateway.api`."""

from __future__ import annotations

import re
from typing import Annotated, Any, Self

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    FilePath,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)

from gateway.api.addresses import is_loopback
from gateway.api.scopes import READ, SCOPES

MIN_TOKEN_LENGTH = 32
_HASH = re.compile(r"sha256:[0-9a-f]{64}")


class TokenSettings(BaseModel):
    """One bearer token: who it belongs to, how it is recognised, what it may do."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[
        str,
        Field(
            pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
            description="who uses the token; recorded as the requester of commands",
        ),
    ]
    hash: Annotated[
        str | None,
        Field(description="`sha256:` and 64 hexadecimal digits, as `tieline token` prints them"),
    ] = None
    token: Annotated[
        SecretStr | None,
        Field(
            description=f"the token itself, at least {MIN_TOKEN_LENGTH} characters; better give its `hash`"
        ),
    ] = None
    scopes: Annotated[
        list[str],
        Field(
            min_length=1,
            description="what it may do: " + ", ".join(f"`{scope}`" for scope in SCOPES),
        ),
    ] = [READ]
    connectors: Annotated[
        list[str] | None,
        Field(min_length=1, description="the only connectors it may see and command; none: all"),
    ] = None
    agents: Annotated[
        list[str] | None,
        Field(
            min_length=1,
            description="ids of the only agents it may see and command; none: all",
        ),
    ] = None
    expires: Annotated[
        AwareDatetime | None,
        Field(description="when it ceases to be valid, with its time zone; none: never"),
    ] = None

    @field_validator("hash")
    @classmethod
    def _check_hash(cls, value: str | None) -> str | None:
        if value is not None and not _HASH.fullmatch(value):
            raise ValueError("expected `sha256:` and 64 lower-case hexadecimal digits")
        return value

    @field_validator("token")
    @classmethod
    def _check_token(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < MIN_TOKEN_LENGTH:
            raise ValueError(
                f"expected at least {MIN_TOKEN_LENGTH} characters: make one with `tieline token`"
            )
        return value

    @field_validator("scopes")
    @classmethod
    def _check_scopes(cls, value: list[str]) -> list[str]:
        if unknown := [scope for scope in value if scope not in SCOPES]:
            raise ValueError(
                f"unknown scope {', '.join(map(repr, unknown))}, expected {', '.join(SCOPES)}"
            )
        return value

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.hash is None) == (self.token is None):
            raise ValueError("expected exactly one of `hash` and `token`")
        return self


class TlsSettings(BaseModel):
    """The server's certificate."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cert: Annotated[FilePath, Field(description="certificate chain, PEM file")]
    key: Annotated[FilePath, Field(description="private key, PEM file")]


class ApiSettings(BaseModel):
    """Where the control API listens and who may use it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: Annotated[
        str,
        Field(
            min_length=1,
            description="address to listen on; anything but loopback needs `tokens`",
        ),
    ] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535, description="port; 0 takes a free one")] = 8080
    tokens: Annotated[
        list[TokenSettings],
        Field(
            validate_default=True,
            description="bearer tokens; as soon as there is one, every request but the health checks needs one",
        ),
    ] = []
    tls: Annotated[
        TlsSettings | None, Field(description="serve HTTPS with this certificate; none: plain HTTP")
    ] = None
    allowed_hosts: Annotated[
        list[str],
        Field(
            description="names, besides localhost, that a Host header may carry when listening on loopback"
        ),
    ] = []
    acts_per_second: Annotated[
        float,
        Field(
            gt=0,
            le=10_000,
            description="commands and administrative acts of one caller in the long run",
        ),
    ] = 50.0
    acts_at_once: Annotated[
        int,
        Field(
            ge=1, le=100_000, description="commands and administrative acts of one caller at once"
        ),
    ] = 200
    max_body_bytes: Annotated[
        int, Field(ge=1024, le=16 << 20, description="largest request body, in bytes")
    ] = 64 << 10
    max_wait_seconds: Annotated[
        float, Field(ge=0, le=300, description="longest time that `?wait=` may hold a request")
    ] = 30.0
    body_timeout_seconds: Annotated[
        float, Field(gt=0, le=300, description="time a client has to send the body of a request")
    ] = 10.0

    @property
    def needs_credentials(self) -> bool:
        """Whether callers must prove who they are."""
        return bool(self.tokens)

    @field_validator("tokens")
    @classmethod
    def _check_tokens(cls, value: list[TokenSettings], info: ValidationInfo) -> list[TokenSettings]:
        data: dict[str, Any] = info.data
        host = data.get("host")
        if host is not None and not value and not is_loopback(host):
            raise ValueError(
                f"none, expected at least one because gateway.api.host {host} is not loopback"
            )
        names = [token.name for token in value]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"several tokens named {', '.join(twice)}, expected each name once")
        return value
