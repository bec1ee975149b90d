"""The API's own description: the OpenAPI document for programs, and a page made from it for people."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aiohttp import web

from gateway.api import page, scopes
from gateway.api.addresses import is_loopback
from gateway.api.command_schemas import command_schemas
from gateway.api.openapi import document
from gateway.api.operations import JSON, Call, NoParameters, Operation, Response, Row
from gateway.api.runtime import ApiRuntime, ConnectorView
from gateway.api.settings import ApiSettings
from gateway.commands import Capability

PATH = "/openapi.json"


class Documentation:
    """Describes the table that it is part of, anew when connectors came or went.

    That takes a good part of a second with all platforms, so a thread does it, once for all who ask meanwhile.
    """

    def __init__(
        self, runtime: ApiRuntime, settings: ApiSettings, rows: Callable[[], Sequence[Row]]
    ) -> None:
        self._runtime = runtime
        self._settings = settings
        self._rows = rows
        self._tables: Mapping[str, Sequence[Capability]] | None = None
        self._document = b""
        self._page = b""
        self._describing = asyncio.Lock()

    async def openapi(self, _call: Call[NoParameters, None]) -> web.Response:
        """The document."""
        await self._describe()
        return web.Response(body=self._document, content_type=JSON)

    async def page(self, _call: Call[NoParameters, None]) -> web.Response:
        """The page. Its style is its own, so it needs nothing from any other place."""
        await self._describe()
        return web.Response(
            body=self._page,
            content_type="text/html",
            charset="utf-8",
            headers={"Content-Security-Policy": page.CONTENT_POLICY},
        )

    async def _describe(self) -> None:
        async with self._describing:
            connectors = self._runtime.connectors()
            tables = {view.name: view.commands for view in connectors}
            if tables != self._tables:
                self._document, self._page = await asyncio.to_thread(self._made, connectors)
                self._tables = tables

    def _made(self, connectors: Sequence[ConnectorView]) -> tuple[bytes, bytes]:
        described = document(
            self._rows(),
            extra=command_schemas(connectors),
            credentials=self._settings.needs_credentials,
            loopback=is_loopback(self._settings.host),
        )
        text = json.dumps(described, ensure_ascii=False, indent=1)
        return text.encode(), page.render(described).encode()


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
