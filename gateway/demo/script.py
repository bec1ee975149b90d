"""Sends the demo's commands through the control API, like any client would."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from typing import Any

import aiohttp

from gateway.contracts import Journal
from gateway.demo.platforms import Scene
from gateway.events import connector_of

_WAIT_SECONDS = 30
_PAUSE_SECONDS = 0.4
_SHOWN = 8
_READ = 500
_RECENT = 2_000


class CommandScript:
    """Runs the scripts of every scene, over and over."""

    def __init__(
        self, api_url: str, http: aiohttp.ClientSession, journal: Journal, seed: str
    ) -> None:
        self._api = api_url
        self._http = http
        self._journal = journal
        self._seed = seed
        self._sent = 0
        self.verdicts: dict[str, Counter[str]] = {}
        self.recent: deque[tuple[str, str, str]] = deque(maxlen=_SHOWN)
        """(verb, target, verdict) of the newest commands."""

    async def run(self, connector: str, scene: Scene, stop: asyncio.Event) -> None:
        """Repeat the scene's scripts until `stop`; a script that has begun is finished."""
        self.verdicts.setdefault(connector, Counter())
        while not stop.is_set() and not await self._is_connected(connector):  # noqa: ASYNC110 - asks the API, as clients do
            await asyncio.sleep(_PAUSE_SECONDS)
        while not stop.is_set():
            for steps in scene.commands:
                if not stop.is_set():
                    await self._run_steps(connector, steps)
            try:
                async with asyncio.timeout(1.0):
                    await stop.wait()
            except TimeoutError:
                continue

    async def _is_connected(self, connector: str) -> bool:
        """Whether all feeds are: a command needs its agent's."""
        async with self._http.get(f"{self._api}/v1/connectors") as answer:
            views = (await answer.json())["items"]
        return any(view["name"] == connector and view["state"] == "connected" for view in views)

    async def _run_steps(self, connector: str, steps: Sequence[Mapping[str, Any]]) -> None:
        call: str | None = None
        for step in steps:
            target = {
                name: call if value == "$call" else value for name, value in step["target"].items()
            }
            record = await self._send(connector, step["verb"], target, step.get("arguments", {}))
            if record.get("status") != "done":
                return
            if call is None and (evidence := record.get("evidence")):
                call = await self._call_of(evidence)
            awaited = step.get("then")
            if awaited and not await self._happens(connector, awaited, f"call/{call}"):
                return
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _send(
        self,
        connector: str,
        verb: str,
        target: Mapping[str, Any],
        arguments: Mapping[str, Any],
    ) -> dict[str, Any]:
        self._sent += 1
        body = {"verb": verb, "connector": connector, "target": target, "arguments": arguments}
        headers = {"Idempotency-Key": f"demo-{self._seed}-{self._sent}"}
        url = f"{self._api}/v1/commands?wait={_WAIT_SECONDS}"
        async with self._http.post(url, json=body, headers=headers) as answer:
            record: dict[str, Any] = await answer.json(content_type=None)
        status = str(record.get("status", f"HTTP {answer.status}"))
        about = target.get("call") or target.get("agent") or ""
        self.verdicts[connector][status] += 1
        self.recent.append((verb, str(about), status))
        return record

    async def _happens(self, connector: str, event_type: str, subject: str) -> bool:
        """Whether the connector tells such an event in time, or told it just now."""
        position = self._recently()
        try:
            async with asyncio.timeout(_WAIT_SECONDS):
                while True:
                    for event in await self._journal.read(position, _READ):
                        position = event.position
                        if (
                            event.type == event_type
                            and connector_of(event.source) == connector
                            and event.envelope.subject == subject
                        ):
                            return True
                    await self._journal.wait(position)
        except TimeoutError:
            return False

    def _recently(self) -> int:
        return max(0, self._journal.statistics().last_position - _RECENT)

    async def _call_of(self, evidence: str) -> str | None:
        """The call that the confirming event is about."""
        position = self._recently()
        while batch := await self._journal.read(position, _READ):
            for event in batch:
                if event.envelope.id == evidence:
                    kind, _, name = event.envelope.subject.partition("/")
                    return name if kind == "call" else None
            position = batch[-1].position
        return None
