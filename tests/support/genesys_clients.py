"""The vendor's own clients of Genesys Engage Cloud (npm), each in a process of its own."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal

from tests.support.line_client import Line, LineClient
from tests.support.peers import PEERS
from tests.support.processes import LineProcess, PeerError

__all__ = ["Line", "VendorClient", "vendor_client"]

Kind = Literal["workspace", "statistics", "provisioning"]


class VendorClient(LineClient):
    """A client that reports the states of calls."""

    async def call_in_state(self, state: str) -> Any:
        """The next report of a call in this state."""
        data = await self.event("CallStateChanged", lambda data: data["call"]["state"] == state)
        return data["call"]


@asynccontextmanager
async def vendor_client(kind: Kind, url: str, api_key: str) -> AsyncIterator[VendorClient]:
    """One client, constructed and not yet initialized."""
    settings = json.dumps({"url": url, "api_key": api_key})
    command = ["node", str(PEERS / "genesys_client.mjs"), kind, settings]
    async with LineProcess(command, grace_seconds=2.0) as process:
        ready = await process.read(timeout_seconds=30)
        if ready["event"] != "ready":
            raise PeerError(f"{kind} said {ready}")
        yield VendorClient(process)
