"""The API's own description: the OpenAPI document for programs, and a page made from it for people."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from aiohttp import web

from gateway.api import page, scopes
from gateway.api.addresses import is_loopback
from gateway.api.command_schemas import command_schemas
from gateway.api.openapi import document
from gateway.api.operations import JSON, Call, NoParameters, Operation, Response, Row
from gateway.api.runtime import ApiRuntime
from gateway.api.settings import ApiSettings

PATH = "/openapi.json"


class Documentation:
    """Describes the table that it is part of, once, when it is first asked for."""

    def __init__(
        self, runtime: ApiRuntime, settings: ApiSettings, rows: Callable[[], Sequence[Row]]
    ) -> None:
        self._runtime = runtime
        self._settings = settings
        self._rows = rows
        self._document: bytes | None = None
        self._page: bytes | None = None

    async def openapi(self, _call: Call[NoParameters, None]) -> web.Response:
        """The document."""
        if self._document is None:
            self._document = json.dumps(self._describe(), ensure_ascii=False, indent=1).encode()
        return web.Response(body=self._document, content_type=JSON)

    async def page(self, _call: Call[NoParameters, None]) -> web.Response:
        """The page. Its style is its own, so it needs nothing from any other place."""
        if self._page is None:
            self._page = page.render(self._describe()).encode()
        return web.Response(
            body=self._page,
            content_type="text/html",
            charset="utf-8",
            headers={"Content-Security-Policy": page.CONTENT_POLICY},
        )

    def _describe(self) -> dict[str, Any]:
        return document(
            self._rows(),
            extra=command_schemas(self._runtime.connectors()),
            credentials=self._settings.needs_credentials,
            loopback=is_loopback(self._settings.host),
        )


def operations(documentation: Documentation) -> Sequence[Row]:
    """The rows."""
    return (
        Operation(
            id="openapi",
            method="GET",
            path=PATH,
            tag="documentation",
            summary="This description, as an OpenAPI 3.1 document",
            handle=documentation.openapi,
            scope=scopes.READ,
            open_on_loopback=True,
            parameters=NoParameters,
            responses={200: Response(type=dict[str, Any], description="the document")},
        ),
        Operation(
            id="page",
            method="GET",
            path="/docs",
            tag="documentation",
            summary="This description, as a page",
            handle=documentation.page,
            scope=scopes.READ,
            open_on_loopback=True,
            parameters=NoParameters,
            responses={200: Response(type=str, description="the page", media_type="text/html")},
        ),
    )
