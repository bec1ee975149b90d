"""A client that is not ours, in a process of its own, driven line by line."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.support.processes import LineProcess, PeerError

Line = dict[str, Any]


@dataclass
class LineClient:
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
