"""The API's part of the configuration: `gateway.api`."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

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
from gateway.api.certificate import server_context
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


class OidcSettings(BaseModel):
    """An OpenID provider whose signed tokens are accepted beside the gateway's own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    issuer: Annotated[
        str, Field(min_length=1, description="the claim `iss` of its tokens, exactly")
    ]
    audience: Annotated[
        str, Field(min_length=1, description="what the claim `aud` must name: this gateway")
    ]
    jwks_url: Annotated[
        str,
        Field(
            description="where its public keys are; https, or http on this machine. It is asked again for keys that are"
            " not known, at most every 10 seconds"
        ),
    ]
    algorithms: Annotated[
        list[
            Literal[
                "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512",
                "EdDSA",
            ]
        ],
        Field(min_length=1, description="how tokens may be signed"),
    ] = ["RS256", "ES256"]  # fmt: skip
    scope_claim: Annotated[
        str, Field(min_length=1, description="claim with the scopes, a text or a list")
    ] = "scope"
    name_claim: Annotated[
        str,
        Field(
            min_length=1,
            description="claim with the caller's name; `oidc:` and the name is the requester",
        ),
    ] = "sub"
    connectors_claim: Annotated[
        str | None,
        Field(
            min_length=1,
            description="claim with the only connectors that the caller may see and command; a token"
            " without it may none. None: all",
        ),
    ] = None
    agents_claim: Annotated[
        str | None,
        Field(min_length=1, description="likewise with the ids of the only agents"),
    ] = None
    leeway_seconds: Annotated[
        float, Field(ge=0, le=300, description="how far the clocks may differ")
    ] = 30.0
    refresh_seconds: Annotated[
        float,
        Field(ge=10, le=86_400, description="how long keys are kept before they are read again"),
    ] = 300.0

    @field_validator("jwks_url")
    @classmethod
    def _check_url(cls, value: str) -> str:
        url = urlsplit(value)
        here = url.scheme == "http" and is_loopback(url.hostname or "")
        if not url.hostname or not (url.scheme == "https" or here):
            raise ValueError("expected a URL with https, or with http and a loopback address")
        return value


class TlsSettings(BaseModel):
    """The server's certificate."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cert: Annotated[FilePath, Field(description="certificate chain, PEM file")]
    key: Annotated[FilePath, Field(description="private key, PEM file")]

    @model_validator(mode="after")
    def _usable(self) -> Self:
        server_context(self.cert, self.key)
        return self


class ApiSettings(BaseModel):
    """Where the control API listens and who may use it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: Annotated[
        str,
        Field(
            min_length=1,
            description="address to listen on; anything but loopback needs `tokens` or `oidc`",
        ),
    ] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535, description="port; 0 takes a free one")] = 8080
    oidc: Annotated[
        OidcSettings | None,
        Field(description="signed tokens of an OpenID provider; none: only `tokens`"),
    ] = None
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
    mask: Annotated[
        list[Literal["numbers", "names", "texts", "data", "personal", "content"]],
        Field(
            description="what is masked in `/v1/events`, in the words of a sink's `mask`; `[]`: nothing"
        ),
    ] = ["texts"]
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
        return bool(self.tokens) or self.oidc is not None

    @field_validator("tokens")
    @classmethod
    def _check_tokens(cls, value: list[TokenSettings], info: ValidationInfo) -> list[TokenSettings]:
        data: dict[str, Any] = info.data
        host = data.get("host")
        alone = not value and data.get("oidc") is None
        if host is not None and alone and not is_loopback(host):
            raise ValueError(
                f"none, expected at least one because gateway.api.host {host} is not loopback"
            )
        names = [token.name for token in value]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"several tokens named {', '.join(twice)}, expected each name once")
        return value
