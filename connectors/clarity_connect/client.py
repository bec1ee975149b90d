"""REST: one request with the token, its answer decoded, and every fault classified once.

The platform answers 401 for an expired token, for lack of rights and for a request that names nobody.
The token is renewed once and the request repeated; a second 401 is a lack of rights, and no loop.
Source: Clarity Connect Web API Version 2, "Authorization and 401s".
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import aiohttp
import msgspec

from connectors._wire import http_errors
from connectors._wire.untidy_json import NotJson, decode_untidy
from connectors.clarity_connect.auth import Tokens
from connectors.clarity_connect.settings import ClarityConnectSettings
from connectors.clarity_connect.vendor import API
from gateway.errors import (
    AuthRejected,
    CommandUncertain,
    ConnectionFailed,
    NotReady,
    ProtocolViolation,
    Reason,
)


class Answer(NamedTuple):
    """An answer of the API: its status and decoded body, none for an empty one."""

    status: int
    body: Any

    @property
    def fine(self) -> bool:
        """Whether it was taken."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES


class Api:
    """The Web API v2 as one account. `server` is the root that requests go to."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        settings: ClarityConnectSettings,
        tokens: Tokens,
        *,
        tls: ssl.SSLContext | bool = True,
    ) -> None:
        self._http = http
        self._settings = settings
        self._tokens = tokens
        self._tls = tls
        self.root = f"{settings.base_url}{API}"

    @property
    def peer(self) -> str:
        """Host and port that requests go to."""
        return urlsplit(self.root).netloc

    async def get(self, path: str) -> Any:
        """The decoded body of an answer.

        Raises:
            AuthRejected: our account may not.
            NotReady: it cannot be answered now; NOT_FOUND if it is not there.
        """
        return self.checked(await self.request("GET", path))

    async def request(self, method: str, path: str, body: Any = None) -> Answer:
        """One request; whatever the platform answers comes back.

        Raises:
            NotReady: it was not sent.
            CommandUncertain: it was sent, and no answer came.
            AuthRejected, ConfigError, ProtocolViolation: no token is to be had.
        """
        answer = await self._once(method, path, body, await self._tokens.headers())
        if answer.status == HTTPStatus.UNAUTHORIZED:
            before = self._tokens.token
            headers = await self._tokens.headers(refused=True)
            if self._tokens.token != before:
                answer = await self._once(method, path, body, headers)
        return answer

    def checked(self, answer: Answer) -> Any:
        """The body of an answer that was fine; raises as `get`."""
        if answer.fine:
            return answer.body
        raise self.refusal(answer)

    def refusal(self, answer: Answer) -> ConnectionFailed:
        """The error that an answer stands for."""
        if answer.status == HTTPStatus.UNAUTHORIZED:
            return AuthRejected(
                f"{self.peer} does not let {self._settings.username!r} see this",
                reason=Reason.FORBIDDEN,
                hint="give the account's agent the business units, teams or queues in question",
            )
        return http_errors.of_status(answer.status, {}, self.peer, protocol="the Web API")

    async def _once(self, method: str, path: str, body: Any, headers: Mapping[str, str]) -> Answer:
        data = None if body is None else msgspec.json.encode(body)
        sent = {**headers, "Accept": "application/json"}
        if data is not None:
            sent["Content-Type"] = "application/json"
        try:
            async with self._http.request(
                method,
                f"{self.root}/{path}",
                data=data,
                headers=sent,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=self._settings.request_timeout_seconds),
                ssl=self._tls,
            ) as answer:
                return Answer(answer.status, self._decoded(await self._read(answer), answer.status))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            failure = http_errors.of_exception(error, self.peer)
            unsent = isinstance(
                error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError
            )
            if method == "GET" and data is None:
                raise failure from error
            if unsent:
                raise failure from error
            raise CommandUncertain(failure.message, reason=failure.reason) from error

    async def _read(self, answer: aiohttp.ClientResponse) -> bytes:
        limit = self._settings.max_reply_bytes
        chunks, size = [], 0
        async for chunk in answer.content.iter_any():
            chunks.append(chunk)
            size += len(chunk)
            if size > limit:
                answer.close()
                raise NotReady(
                    f"{self.peer} answers with more than {limit} bytes",
                    reason=Reason.TOO_LARGE,
                    hint="raise max_reply_bytes",
                )
        return b"".join(chunks)

    def _decoded(self, body: bytes, status: int) -> Any:
        if not body.strip():
            return None
        try:
            return decode_untidy(body)
        except NotJson:
            if status == HTTPStatus.OK:
                raise ProtocolViolation(
                    f"{self.peer} answers with something else than JSON",
                    hint="check base_url; a sign-in page may stand before it",
                ) from None
            return None
