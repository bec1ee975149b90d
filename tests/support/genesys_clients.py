"""The vendor's own clients of Genesys Engage Cloud (npm), each in a process of its own."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.support.peers import PEERS
from tests.support.processes import LineProcess, PeerError

Line = dict[str, Any]
Kind = Literal["workspace", "statistics", "provisioning"]


@dataclass
class VendorClient:
    """A running client. What it reports is kept in `reports`, in order, and looked through by `event`."""

    process: LineProcess
    reports: list[Line] = field(default_factory=list)
    _read: int = 0
    _calls: int = 0

    async def call(self, path: str, *arguments: object) -> Any:
        """Call a method of the client, or read a field of it; PeerError when the client rejects."""
        answer = await self.attempt(path, *arguments)
        if "error" in answer:
            raise PeerError(f"{path}: {answer['error']}")
        return answer["value"]

    async def attempt(self, path: str, *arguments: object) -> Line:
        """As `call`, but the answer as it is: `value`, or `error` and perhaps `status`."""
        self._calls += 1
        request = {"id": self._calls, "call": path, "arguments": arguments}
        stdin = self.process.process.stdin
        if stdin is None:
            raise PeerError("standard input is not a pipe")
        stdin.write(json.dumps(request).encode() + b"\n")
        await stdin.drain()
        while True:
            line = await self.process.read()
            if line["event"] == "answer" and line["id"] == self._calls:
                return line
            self.reports.append(line)

    async def event(self, kind: str, wanted: Callable[[Any], bool] = lambda _data: True) -> Any:
        """The data of the next report of this kind that is wanted; others before it are passed over."""
        while True:
            while self._read < len(self.reports):
                line = self.reports[self._read]
                self._read += 1
                if line["event"] == kind and wanted(line["data"]):
                    return line["data"]
            self.reports.append(await self.process.read())

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
