"""The recorder over HTTP: one request, its answer decoded, and every fault classified once.

Source: inContact WFO Admin, "API Overview": parameters stand in the address or as JSON in the body.
"""

from __future__ import annotations

import ssl
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

import aiohttp
import msgspec

from connectors._wire import http_errors
from connectors._wire.exchange import Reply, exchange
from connectors._wire.untidy_json import NotJson, decode_untidy
from connectors.incontact_wfo.settings import IncontactWfoSettings
from connectors.incontact_wfo.vendor import AGENT_PATH, ALL_AGENTS_PATH
from gateway.errors import AuthRejected, ConfigError, ProtocolViolation, Reason


class Answer(NamedTuple):
    """An answer: its status and decoded body, none for an empty one or one that is no JSON."""

    status: int
    body: Any


class Recorder:
    """One recording API server."""

    def __init__(self, settings: IncontactWfoSettings, http: aiohttp.ClientSession) -> None:
        self._settings = settings
        self._http = http
        self._ssl = _trust(settings)
        self._headers = {"Accept": "application/json", **_credentials(settings)}

    @property
    def peer(self) -> str:
        """Host and port that requests go to."""
        return urlsplit(self._settings.base_url).netloc

    async def everybody(self) -> Answer:
        """`api/Agent/GetAll`: 200 with its decoded body, or 404.

        Raises AuthRejected, NotReady, ProtocolViolation.
        """
        return await self._get(ALL_AGENTS_PATH)

    async def agent(self, identifier: str, value: str) -> Answer:
        """`api/Agent`: 200 with the decoded body of one agent, or 404; raises like `everybody`."""
        query = urlencode({"agentIdentifier": identifier, "value": value})
        return await self._get(f"{AGENT_PATH}?{query}")

    async def send(self, path: str, body: dict[str, Any]) -> Answer:
        """Send a command; whatever the recorder answers comes back, a body that is no JSON as none.

        Raises NotReady when it was not sent, CommandUncertain when no answer came.
        """
        reply = await self._exchange(
            "POST",
            path,
            headers={"Content-Type": "application/json", **self._headers},
            data=msgspec.json.encode(body),
        )
        try:
            return Answer(reply.status, decode_untidy(reply.body))
        except NotJson:
            return Answer(reply.status, None)

    async def _get(self, path: str) -> Answer:
        reply = await self._exchange("GET", path, headers=self._headers)
        if reply.status == HTTPStatus.NOT_FOUND:
            return Answer(reply.status, None)
        if reply.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            raise AuthRejected(
                f"{self.peer} answers HTTP {reply.status}",
                reason=Reason.AUTH if reply.status == HTTPStatus.UNAUTHORIZED else Reason.FORBIDDEN,
                hint="check username and password against the API's credentials in the recorder",
            )
        if reply.status != HTTPStatus.OK:
            raise http_errors.of_status(
                reply.status, reply.headers, self.peer, protocol="the recording API"
            )
        try:
            body = decode_untidy(reply.body) if reply.body.strip() else None
        except NotJson:
            raise ProtocolViolation(
                f"{self.peer} answers with something else than JSON",
                hint="check base_url; a sign-in page may stand before it",
            ) from None
        return Answer(reply.status, body)

    async def _exchange(
        self, method: str, path: str, *, headers: dict[str, str], data: bytes | None = None
    ) -> Reply:
        return await exchange(
            self._http,
            method,
            f"{self._settings.base_url}/{path}",
            peer=self.peer,
            headers=headers,
            data=data,
            timeout_seconds=self._settings.request_timeout_seconds,
            max_bytes=self._settings.max_reply_bytes,
            ssl=self._ssl,
            changes=data is not None,
        )


def _credentials(settings: IncontactWfoSettings) -> dict[str, str]:
    """Source: RFC 7617. The recorder's help asks for the credentials of the API and names no scheme."""
    if settings.username is None or settings.password is None:
        return {}
    password = settings.password.get_secret_value()
    return {"Authorization": aiohttp.encode_basic_auth(settings.username, password, "utf-8")}


def _trust(settings: IncontactWfoSettings) -> ssl.SSLContext | bool:
    if settings.ca_file is None:
        return True
    try:
        return ssl.create_default_context(cafile=settings.ca_file)
    except OSError as error:
        raise ConfigError(
            f"ca_file {settings.ca_file} cannot be used: {error.strerror or 'not a PEM file'}",
            hint="name a readable PEM file of certificate authorities",
        ) from error
