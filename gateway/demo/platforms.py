"""What the demo needs of each platform: its `demo.yaml`, and its simulator as a process."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from gateway.errors import NotReady
from gateway.registry import Registry

_START_SECONDS = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One platform's part in the demo.

    Attributes:
        simulator: settings of its simulator.
        connector: the connector's block; "{url}" stands for the simulator's address.
        commands: scripts of commands, each a list of steps run in order.
    """

    platform: str
    simulator: dict[str, Any] = field(default_factory=dict)
    connector: dict[str, Any] = field(default_factory=dict)
    commands: list[list[dict[str, Any]]] = field(default_factory=list)

    def block(self, url: str) -> dict[str, Any]:
        """The connector's block for a simulator at this address."""
        return {key: _filled(value, url) for key, value in self.connector.items()}


def _filled(value: Any, url: str) -> Any:
    if isinstance(value, dict):
        return {key: _filled(inner, url) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, url) for inner in value]
    return value.replace("{url}", url) if isinstance(value, str) else value


def scenes() -> list[Scene]:
    """The parts of all platforms that have one."""
    found = []
    registry = Registry()
    for platform in registry.platforms():
        path = files(registry.package_of(platform)) / "demo.yaml"
        if path.is_file():
            found.append(Scene(platform=platform, **yaml.safe_load(path.read_text())))
    return found


class SimulatorProcess:
    """A simulator as a child process, and its oracle."""

    def __init__(self, scene: Scene, directory: Path) -> None:
        self.scene = scene
        self.url = ""
        self._scenario = directory / f"{scene.platform}.simulator.yaml"
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it and learn its address. Raises NotReady."""
        self._scenario.write_text(yaml.safe_dump(self.scene.simulator))
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "gateway",
            "simulate",
            self.scene.platform,
            "--scenario",
            str(self._scenario),
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        assert self._process.stdout is not None  # noqa: S101 - asked for two lines above
        try:
            async with asyncio.timeout(_START_SECONDS):
                line = await self._process.stdout.readline()
            self.url = json.loads(line)["url"]
        except (TimeoutError, ValueError, KeyError) as error:
            await self.stop()
            raise NotReady(f"the simulator of {self.scene.platform} did not start") from error

    async def quieten(self, http: aiohttp.ClientSession) -> None:
        """Let nothing more happen by itself."""
        async with http.post(f"{self.url}/sim/stop_lives") as answer:
            answer.raise_for_status()

    async def published(self, http: aiohttp.ClientSession) -> set[str]:
        """References of all messages that a client which keeps its session must get."""
        references: set[str] = set()
        since = 0
        while True:
            async with http.get(f"{self.url}/sim/published", params={"since": since}) as answer:
                answer.raise_for_status()
                told = await answer.json()
            references.update(entry["id"] for entry in told["published"] if entry["resumable"])
            if told["next"] == since:
                return references
            since = told["next"]

    async def stop(self) -> None:
        """End the process."""
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            await self._process.wait()
