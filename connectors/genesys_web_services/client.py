"""The REST side of one agent's account: signing in, the CSRF token, requests, and what their failures mean.

Credentials are sent before they are asked for, because the server answers 403 instead of a
challenge; after that the session cookie does. The server names the CSRF header and its value on the
answer to a GET, if the protection is on.
Sources: Genesys Web Services API reference, "User Authentication" and "Return Values"; Web Services
deployment guide, "Cross-Site Request Forgery protection"; RFC 7617 for Basic.
"""

from __future__ import annotations

import base64
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
from connectors.genesys_web_services.commands import (
    ME,
    is_access_denied,
    is_csrf_refusal,
)
from connectors.genesys_web_services.vendor import StatusCode
from gateway.clock import Clock
from gateway.errors import (
    AuthRejected,
    ConnectionFailed,
    NotReady,
    Reason,
)

VERSION = "/api/v2/diagnostics/version"
_HEADER_CHARACTERS = frozenset("!#$%&'*+-.^_`|~")


class Reply(NamedTuple):
    """An answer of the server."""

    status: int
    body: bytes


class AgentHttp:
    """The HTTP session of one agent. The cookies are shared with the agent's CometD client."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        *,
        base_url: str,
        username: str,
        password: str,
        cookies: CookieStore,
        clock: Clock,
        timeout_seconds: float,
        max_reply_bytes: int,
    ) -> None:
        self._http = http
        self._base_url = base_url
        self._username = username
        self._cookies = cookies
        self._clock = clock
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)
        self._upload_timeout = upload_timeout(timeout_seconds)
        self._max_reply_bytes = max_reply_bytes
        credentials = f"{username}:{password}".encode()
        self._authorization = "Basic " + base64.b64encode(credentials).decode()
        self._csrf: dict[str, str] = {}
        self.user: str | None = None
        """Id of the agent's user, once the server has told it."""
        self.sessions = 0
        """How many HTTP sessions the server has opened for us: whatever hangs on one is gone when this changes."""
        self.peer = base_url.partition("://")[2]

    def csrf_headers(self) -> Mapping[str, str]:
        """The headers for everything that is not a GET; empty where the server has no such protection."""
        return self._csrf

    async def sign_in(self, *, subresources: str = "") -> dict[str, Any]:
        """Sign in, or find that we are; fetch the CSRF token anew; return what the server says of the agent.

        Raises AuthRejected, NotReady.
        """
        query = f"?subresources={subresources}" if subresources else ""
        reply = await self.get(f"{ME}{query}")
        user = reply.get("user")
        name = user.get("id") if isinstance(user, dict) else None
        self.user = name if isinstance(name, str) and name else self.user
        return reply

    async def get(self, path: str) -> dict[str, Any]:
        """A resource. Raises AuthRejected, NotReady."""
        headers = {"Authorization": self._authorization, "X-Support-CSRFP": "True"}
        with asking(self.peer, self._clock, self._max_reply_bytes):
            status, received, body = await self._send("GET", path, headers, None)
        self._take_csrf(received)
        if status != HTTPStatus.OK:
            raise self._refusal(status, received, body)
        try:
            reply = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            reply = None
        if not isinstance(reply, dict):
            raise NotReady(
                f"{self.peer} answers with something that is not Web Services",
                reason=Reason.PROTOCOL,
                hint="check base_url",
            )
        if (code := _code_of(reply)) not in (StatusCode.OK, StatusCode.PARTIAL):
            raise self._by_code(code)
        return reply

    async def post(self, path: str, body: Mapping[str, Any]) -> Reply:
        """Send one operation; if the session or the token ran out, renew it and send the same again, once.

        That is safe: what was refused for that reason was not carried out.
        Raises NotConnected (not sent), CommandUncertain (sent, answer lost), AuthRejected,
        NotReady.
        """
        return await self._send_surely("POST", path, msgspec.json.encode(body))

    async def upload(self, path: str, upload: Upload) -> Reply:
        """Send a file as the form that the server expects. Raises as `post` does."""
        return await self._send_surely("POST", path, upload)

    async def delete(self, path: str) -> Reply:
        """Have a resource deleted. Raises as `post` does."""
        return await self._send_surely("DELETE", path, None)

    async def _send_surely(self, method: str, path: str, content: bytes | Upload | None) -> Reply:
        reply = await self._send_once(method, path, content)
        if is_access_denied(*reply) or is_csrf_refusal(*reply):
            await self.sign_in()
            reply = await self._send_once(method, path, content)
        return reply

    async def _send_once(self, method: str, path: str, content: bytes | Upload | None) -> Reply:
        headers = dict(self._csrf)
        if isinstance(content, bytes):
            headers["Content-Type"] = "application/json"
        with commanding(self.peer):
            if isinstance(content, Upload):
                async with form_of(content, "attachment") as form:
                    status, _, answer = await self._send(method, path, headers, form)
            else:
                status, _, answer = await self._send(method, path, headers, content)
        return Reply(status, answer)

    async def _send(
        self,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes | aiohttp.MultipartWriter | None,
    ) -> tuple[int, Mapping[str, str], bytes]:
        url = self._base_url + path
        if cookie := self._cookies.header_for(url):
            headers["Cookie"] = cookie
        timeout = (
            self._upload_timeout if isinstance(body, aiohttp.MultipartWriter) else self._timeout
        )
        async with self._http.request(
            method, url, data=body, headers=headers, allow_redirects=False, timeout=timeout
        ) as reply:
            self._cookies.update(url, reply.headers.getall("Set-Cookie", ()))
            if self._cookies.header_for(url) != cookie:
                self.sessions += 1
            content = await read_whole(reply, self._max_reply_bytes)
            return reply.status, reply.headers, content

    def _take_csrf(self, headers: Mapping[str, str]) -> None:
        name, value = headers.get("X-CSRF-HEADER"), headers.get("X-CSRF-TOKEN")
        if (
            name
            and value
            and all(c.isascii() and (c.isalnum() or c in _HEADER_CHARACTERS) for c in name)
        ):
            self._csrf = {name: value}

    def _refusal(self, status: int, headers: Mapping[str, str], body: bytes) -> ConnectionFailed:
        if is_access_denied(status, body) or status == HTTPStatus.UNAUTHORIZED:
            return self._by_code(StatusCode.NOT_AUTHENTICATED)
        return failures.of_answer(status, headers, body, self.peer, None).error

    def _by_code(self, code: Any) -> ConnectionFailed:
        who = f"account {self._username!r}"
        match code:
            case StatusCode.NOT_AUTHENTICATED:
                return AuthRejected(
                    f"{self.peer} refuses {who}", hint="check its user name and password"
                )
            case StatusCode.PASSWORD_EXPIRED:
                return AuthRejected(
                    f"{self.peer} demands a new password of {who}", hint="change the password"
                )
            case StatusCode.NO_PERMISSION | StatusCode.FORBIDDEN:
                return AuthRejected(
                    f"{self.peer} gives {who} no access",
                    reason=Reason.FORBIDDEN,
                    hint="give the account the agent role",
                )
            case StatusCode.NOT_FOUND:
                return NotReady(f"{self.peer} has no such resource", reason=Reason.NOT_FOUND)
            case StatusCode.PARAMETER_MISSING | StatusCode.INVALID_FOR_STATE:
                return NotReady(
                    f"{self.peer} does not take the request (code {code})", reason=Reason.INVALID
                )
            case _:
                said = f" (code {code})" if isinstance(code, int) else ""
                return NotReady(f"{self.peer} cannot serve {who}{said}")


def _code_of(reply: Mapping[str, Any]) -> Any:
    """The result code. "Workbins" has a number in `status` instead; words there belong to operations."""
    code = reply.get("statusCode")
    if code is None:
        status = reply.get("status")
        code = status if isinstance(status, int) and not isinstance(status, bool) else 0
    return code
