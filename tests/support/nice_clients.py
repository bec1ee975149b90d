"""Clients of NICE inContact that are not ours: the vendor's agent SDK (npm), and PyPI tap-nice-incontact.

Both are fetched for tests only. The SDK's licence grants use that is not for production; the tap, under the AGPL, has
an environment of its own and is run as a program.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.support.line_client import LineClient
from tests.support.peers import INSTALLED, PEERS
from tests.support.processes import LineProcess, PeerError

TAP_PYTHON = INSTALLED / "nice-tap" / "bin" / "python"


@asynccontextmanager
async def agent_sdk(url: str, token: str, agent: str) -> AsyncIterator[LineClient]:
    """The vendor's agent SDK, initialized with a token and not yet in a session.

    Calls: `session.start`, `session.join`, `session.poll`, `session.end`, and the methods of `voice`, `calls`,
    `contacts`, `leg`, `state`. Reports: `raw`, what it was sent; and by kind what it parsed: `CallContact`, ...
    """
    settings = json.dumps({"url": url, "token": token, "agent": agent})
    command = ["node", str(INSTALLED / "nice" / "client.cjs"), settings]
    async with LineProcess(command, grace_seconds=2.0) as process:
        ready = await process.read(timeout_seconds=30)
        if ready["event"] != "ready":
            raise PeerError(f"the agent SDK said {ready}")
        yield LineClient(process)


async def run_tap(url: str, configuration: dict[str, Any], streams: list[str]) -> list[Any]:
    """What the tap reads from these streams: its messages, in order."""
    settings = json.dumps({"url": url, "configuration": configuration, "streams": streams})
    command = [str(TAP_PYTHON), str(PEERS / "nice" / "tap.py"), settings]
    messages: list[Any] = []
    async with LineProcess(command, grace_seconds=2.0) as process:
        while True:
            line = await process.read(timeout_seconds=40)
            if line.get("type") == "END":
                return messages
            messages.append(line)
