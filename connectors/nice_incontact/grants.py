"""Requests for tokens, and their answers, of the ways to sign in. Pure.

Sources: NICE inContact developer portal, "API Authentication Token" (legacy service; the key's
example) and "Create access key"; method reference, Authentication; RFC 6749 sections 4.3.2, 5 and 6
with OpenID Connect Discovery 1.0 for the method `oidc`.
"""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec

from connectors._wire.json_values import fields, identifier, number, text
from connectors.nice_incontact.settings import SignIn
from connectors.nice_incontact.vendor import (
    ACCESS_KEY_HOST,
    ACCESS_KEY_PATH,
    ACCESS_KEY_REFRESH_PATH,
    API_ROOT,
    CLIENT_SCOPE,
    LEGACY_TOKEN_URL,
)

DEFAULT_LIFE_SECONDS = 3600.0


class TokenRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One request for a token. `grant` names it in messages; the rest holds secrets."""

    url: str
    body: bytes
    headers: dict[str, str]
    grant: str

    def __repr__(self) -> str:
        return f"TokenRequest(grant={self.grant!r}, secrets hidden)"


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """A token with what came with it.

    Attributes:
        life_seconds: how long it lasts.
        base_url: address of the API without a slash at its end, if the answer has it.
        agent_id, business_unit: whom the token is for, if the answer says so.
    """

    access: str
    life_seconds: float
    refresh: str | None = None
    refresh_url: str | None = None
    base_url: str | None = None
    agent_id: str | None = None
    business_unit: str | None = None

    def __repr__(self) -> str:
        return f"Grant(agent={self.agent_id!r}, secrets hidden)"


def authorization_key(application: str, third: str) -> str:
    """The key that names an application to the legacy service.

    Args:
        application: `Application@Vendor`.
        third: the business unit's number, or for client tokens the application's id.
    """
    return base64.b64encode(f"{application}:{third}".encode()).decode()


def first_request(sign_in: SignIn, token_endpoint: str = "") -> TokenRequest:
    """The request for the first token. `token_endpoint` is what discovery told, for the method `oidc`."""
    match sign_in.method:
        case "client":
            return _legacy(
                sign_in,
                {"grant_type": "client_credentials", "scope": sign_in.scope or CLIENT_SCOPE},
            )
        case "access_key":
            body = {
                "accessKeyId": sign_in.access_key_id,
                "accessKeySecret": _secret(sign_in.access_key_secret),
            }
            return _json(access_key_host(sign_in) + ACCESS_KEY_PATH, body, "access key")
        case "oidc":
            form = {
                "grant_type": "password",
                "username": sign_in.access_key_id or "",
                "password": _secret(sign_in.access_key_secret),
            }
            return _form(sign_in, token_endpoint, form, "password")
        case _:
            body = {
                "grant_type": "password",
                "username": sign_in.username,
                "password": _secret(sign_in.password),
                "scope": sign_in.scope,
            }
            return _legacy(sign_in, body)


def refresh_request(sign_in: SignIn, held: Grant, token_endpoint: str = "") -> TokenRequest | None:
    """The request that renews a token; none if it came without a refresh token."""
    if held.refresh is None:
        return None
    match sign_in.method:
        case "access_key":
            url = access_key_host(sign_in) + ACCESS_KEY_REFRESH_PATH
            return _json(url, {"token": held.refresh}, "refresh token")
        case "oidc":
            form = {
                "grant_type": "refresh_token",
                "refresh_token": held.refresh,
                "client_id": sign_in.client_id or "",
            }
            return _form(sign_in, token_endpoint, form, "refresh_token")
        case _:
            body = {"grant_type": "refresh_token", "refresh_token": held.refresh}
            return _legacy(sign_in, body, held.refresh_url)


def read_grant(body: Any) -> Grant | None:
    """The token in an answer; none if there is none. The renewal of access keys has names of its own."""
    answer = fields(body)
    access = text_of(answer.get("access_token")) or text_of(answer.get("token"))
    if access is None:
        return None
    life = number(answer.get("expires_in")) or number(answer.get("tokenexpirationtimesec"))
    base = text(answer.get("resource_server_base_uri"))
    return Grant(
        access=access,
        life_seconds=life if life is not None and life > 0 else DEFAULT_LIFE_SECONDS,
        refresh=text_of(answer.get("refresh_token")) or text_of(answer.get("refreshtoken")),
        refresh_url=text(answer.get("refresh_token_server_uri")),
        base_url=base.rstrip("/") if base else None,
        agent_id=identifier(answer.get("agent_id")),
        business_unit=identifier(answer.get("bus_no")),
    )


def text_of(value: Any) -> str | None:
    """A token: printable, in ASCII, of any length. A header could not carry anything else."""
    fine = isinstance(value, str) and value and value.isascii() and value.isprintable()
    return value if fine else None


def access_key_host(sign_in: SignIn) -> str:
    """Where the access-key service is."""
    return sign_in.url or ACCESS_KEY_HOST.format(area=sign_in.area)


def api_of(endpoint: str) -> str:
    """The address of the API below an endpoint that may lack its path."""
    bare = endpoint.rstrip("/")
    return bare if urlsplit(bare).path.strip("/") else f"{bare}/{API_ROOT}"


def _legacy(sign_in: SignIn, body: dict[str, Any], url: str | None = None) -> TokenRequest:
    third = sign_in.application_id if sign_in.method == "client" else sign_in.business_unit
    key = authorization_key(sign_in.application or "", third or "")
    request = _json(url or sign_in.url or LEGACY_TOKEN_URL, body, body["grant_type"])
    return msgspec.structs.replace(
        request, headers={**request.headers, "Authorization": f"basic {key}"}
    )


def _json(url: str, body: dict[str, Any], grant: str) -> TokenRequest:
    return TokenRequest(
        url=url,
        body=msgspec.json.encode(body),
        headers={"Content-Type": "application/json; charset=UTF-8", "Accept": "application/json"},
        grant=grant,
    )


def _form(sign_in: SignIn, url: str, form: dict[str, str], grant: str) -> TokenRequest:
    client = f"{sign_in.client_id}:{_secret(sign_in.client_secret)}".encode()
    return TokenRequest(
        url=url,
        body=urlencode(form).encode(),
        headers={
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
            "Authorization": "Basic " + base64.b64encode(client).decode(),
        },
        grant=grant,
    )


def _secret(value: Any) -> str:
    return value.get_secret_value() if value is not None else ""
