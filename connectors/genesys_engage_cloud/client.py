"""The REST side of the v3 APIs: requests, the envelope of their answers, and what their failures mean.

Every answer but those of the token endpoint has a `status` with a `code`: 0 done, 1 taken, 2 done in
part, anything else an error; the HTTP status is separate from it. What is sent travels in `data`.
Source: Introduction to Engage Cloud APIs, "Requests" and "Responses and errors".
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

import aiohttp
import msgspec

from connectors._wire.bayeux import failures
from connectors._wire.bayeux.rest import asking, commanding, read_whole
from connectors._wire.cookies import CookieStore
from connectors._wire.forms import form_of, upload_timeout
from connectors._wire.upload import Upload
from connectors.genesys_engage_cloud.envelope import Envelope, read_envelope
from gateway.clock import Clock
from gateway.errors import (
    AuthRejected,
    NotReady,
    Reason,
)

_DENIED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


class Reply(NamedTuple):
    """An answer of the server."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class ApiHttp:
    """The requests of one session. Its cookies are shared with the session's CometD client."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        *,
        base_url: str,
        api_key: str,
        cookies: CookieStore,
        clock: Clock,
        timeout_seconds: float,
        max_reply_bytes: int,
    ) -> None:
        self._http = http
        self._base_url = base_url
        self._api_key = api_key
        self._cookies = cookies
        self._clock = clock
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)
        self._upload_timeout = upload_timeout(timeout_seconds)
        self._max_reply_bytes = max_reply_bytes
        self.peer = base_url.partition("://")[2]

    def key_headers(self) -> dict[str, str]:
        """The header that every request of every API carries."""
        return {"x-api-key": self._api_key} if self._api_key else {}

    async def call(
        self, method: str, path: str, *, body: Any = None, bearer: str | None = None
    ) -> Envelope:
        """A request that must succeed. Raises AuthRejected (the session or token is not taken), NotReady."""
        reply = await self.request(method, path, body=body, bearer=bearer)
        if reply.status in _DENIED:
            raise self.denied(reply.status)
        envelope = read_envelope(reply.body)
        if not HTTPStatus.OK <= reply.status < HTTPStatus.MULTIPLE_CHOICES:
            raise failures.of_answer(reply.status, reply.headers, reply.body, self.peer, None).error
        if envelope is None:
            raise NotReady(
                f"{self.peer} answers {path} with something that is no Engage Cloud API",
                reason=Reason.PROTOCOL,
                hint="check base_url",
            )
        if envelope.failed:
            raise NotReady(
                f"{self.peer} refuses {path} with code {envelope.code}: {envelope.message}",
                reason=Reason.REFUSED,
            )
        return envelope

    def denied(self, status: int) -> AuthRejected:
        """The error that a 401 or 403 stands for."""
        reason = Reason.AUTH if status == HTTPStatus.UNAUTHORIZED else Reason.FORBIDDEN
        return AuthRejected(
            f"{self.peer} answers HTTP {status}",
            reason=reason,
            hint="check api_key, and that the account may use this API",
        )

    async def command(self, method: str, path: str, body: Any) -> Reply:
        """Send one operation, once.

        Raises NotConnected (not sent), CommandUncertain (sent, answer lost).
        """
        with commanding(self.peer):
            return await self._send(method, path, body, {})

    async def upload(self, path: str, upload: Upload, others: Mapping[str, str]) -> Reply:
        """Send a file as a form, once; `others` are the form's other fields. Raises as `command` does."""
        async with form_of(upload, "attachment", **others) as form:
            return await self.command("POST", path, form)

    async def request(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        bearer: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Any request; `body` is JSON, or bytes as they are. Raises NotReady if there is no answer."""
        sent = dict(headers or {})
        if bearer is not None:
            sent["Authorization"] = f"Bearer {bearer}"
        with asking(self.peer, self._clock, self._max_reply_bytes):
            return await self._send(method, path, body, sent)

    async def _send(self, method: str, path: str, body: Any, headers: dict[str, str]) -> Reply:
        url = self._base_url + path
        headers = {"Accept": "application/json", **self.key_headers(), **headers}
        if cookie := self._cookies.header_for(url):
            headers["Cookie"] = cookie
        timeout = self._timeout
        if isinstance(body, aiohttp.MultipartWriter):
            timeout = self._upload_timeout
        elif body is not None and not isinstance(body, bytes):
            headers["Content-Type"] = "application/json"
            body = msgspec.json.encode(body)
        async with self._http.request(
            method, url, data=body, headers=headers, allow_redirects=False, timeout=timeout
        ) as reply:
            self._cookies.update(url, reply.headers.getall("Set-Cookie", ()))
            return Reply(
                reply.status, reply.headers, await read_whole(reply, self._max_reply_bytes)
            )
