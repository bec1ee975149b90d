"""The exchange over HTTP: one request, its answer decoded, and every fault classified once."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode, urlsplit

import aiohttp
import msgspec

from connectors._template.commands import Request
from connectors._template.mapping import Changes, Place, read_changes, read_place
from connectors._template.settings import ExamplePbxSettings
from connectors._template.vendor import CHANGES_PATH, REQUEST_ID, STATE_PATH
from connectors._wire import http_errors
from connectors._wire.exchange import Reply, exchange
from connectors._wire.untidy_json import NotJson, decode_untidy
from gateway.errors import AuthRejected, ProtocolViolation, Reason


class Exchange:
    """One exchange. What a method raises is what `Feed.connect` and `CommandTarget.execute` may raise."""

    def __init__(self, settings: ExamplePbxSettings, http: aiohttp.ClientSession) -> None:
        self._settings = settings
        self._http = http
        self.peer = urlsplit(settings.base_url).netloc
        """Host and port that requests go to."""

    async def changes(
        self, place: Place, *, until: int | None = None, wait_seconds: float = 0.0
    ) -> Changes:
        """What came after a place (and up to a number); an answer with nothing takes that long."""
        asked = {
            "log": place.log,
            "after": place.number,
            "until": until,
            "wait": f"{wait_seconds:g}",
        }
        query = urlencode({name: value for name, value in asked.items() if value is not None})
        found = read_changes(await self._get(f"{CHANGES_PATH}?{query}", wait_seconds))
        if found is None:
            raise self._not_ours("changes")
        return found

    async def state(self) -> tuple[Place, Any]:
        """All agents and calls as they are at a place in the log."""
        body = await self._get(STATE_PATH)
        place = read_place(body)
        if place is None:
            raise self._not_ours("the state")
        return place, body

    async def send(self, request: Request, command: str) -> tuple[int, Any]:
        """Send a command: the status, and the decoded body or none.

        Raises NotReady when it was not sent, CommandUncertain when no answer came.
        """
        body = None if request.body is None else msgspec.json.encode(request.body)
        reply = await self._exchange(
            request.method, request.path, headers={REQUEST_ID: command}, data=body, changes=True
        )
        if reply.status == HTTPStatus.TOO_MANY_REQUESTS:
            raise self._of(reply)
        try:
            return reply.status, decode_untidy(reply.body)
        except NotJson:
            return reply.status, None

    async def _get(self, path: str, wait_seconds: float = 0.0) -> Any:
        reply = await self._exchange("GET", path, wait_seconds=wait_seconds)
        if reply.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            raise AuthRejected(
                f"{self.peer} answers HTTP {reply.status}",
                reason=Reason.AUTH if reply.status == HTTPStatus.UNAUTHORIZED else Reason.FORBIDDEN,
                hint="check api_key against the exchange's list of keys",
            )
        if reply.status != HTTPStatus.OK:
            raise self._of(reply)
        try:
            return decode_untidy(reply.body)
        except NotJson:
            raise self._not_ours("JSON") from None

    def _of(self, reply: Reply) -> Exception:
        return http_errors.of_status(
            reply.status, reply.headers, self.peer, protocol="Example PBX's"
        )

    def _not_ours(self, wanted: str) -> ProtocolViolation:
        return ProtocolViolation(
            f"{self.peer} answers with something else than {wanted}",
            hint="check base_url; something else may answer there",
        )

    async def _exchange(
        self,
        method: str,
        path: str,
        *,
        headers: dict[str, str] | None = None,
        data: bytes | None = None,
        wait_seconds: float = 0.0,
        changes: bool = False,
    ) -> Reply:
        key = self._settings.api_key.get_secret_value()
        return await exchange(
            self._http,
            method,
            f"{self._settings.base_url}{path}",
            peer=self.peer,
            headers={"Authorization": f"Bearer {key}", **(headers or {})},
            data=data,
            timeout_seconds=wait_seconds + self._settings.request_timeout_seconds,
            max_bytes=self._settings.max_reply_bytes,
            changes=changes,
        )
