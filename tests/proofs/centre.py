"""A contact centre: a simulated platform and a whole gateway in this loop, used through the gateway's API alone."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from config import load
from gateway.app import Gateway
from gateway.commands import Capability, Verb
from gateway.events import StoredEvent
from gateway.lifecycle import StopSignal
from gateway.registry import Registry

CONNECTOR = "main"
REPLY = "reply"
"""Stands for the evidence where the platform's reply is the proof."""
WAIT_SECONDS = 60
_READ = 500


class Centre:
    """What a story has to work with.

    Attributes:
        proven: what proved each verb that was done: types of events without prefix and version, or `REPLY`.
    """

    def __init__(
        self, platform: Platform, simulator: Any, gateway: Gateway, client: aiohttp.ClientSession
    ) -> None:
        assert gateway.runtime is not None
        self.platform = platform
        self.simulator = simulator
        self.agent = platform.agent
        self.client = client
        self.proven: defaultdict[Verb, set[str]] = defaultdict(set)
        self._journal = gateway.runtime.journal

    @property
    def position(self) -> int:
        """The end of the journal."""
        return self._journal.statistics().last_position

    async def send(
        self,
        verb: Verb,
        *,
        agent: str | None = "",
        call: str | None = None,
        interaction: str | None = None,
        device: str | None = None,
        deadline_seconds: float | None = None,
        given: Mapping[str, Any] | None = None,
        **arguments: Any,
    ) -> tuple[int, dict[str, Any]]:
        """Send a command, by default to the platform's agent, and wait for its verdict; status and document.

        Arguments that have the name of a part of the target come in `given`.
        """
        target = {
            "agent": self.agent if agent == "" else agent,
            "call": call,
            "interaction": interaction,
            "device": device,
        }
        body: dict[str, Any] = {
            "verb": verb.value,
            "connector": CONNECTOR,
            "target": {name: value for name, value in target.items() if value is not None},
            "arguments": {**arguments, **(given or {})},
        }
        if deadline_seconds is not None:
            body["deadline_seconds"] = deadline_seconds
        async with self.client.post(f"/v1/commands?wait={WAIT_SECONDS}", json=body) as response:
            return response.status, await response.json(content_type=None)

    async def done(self, verb: Verb, **command: Any) -> dict[str, Any]:
        """Send a command that must be done, proved by the event that it names or by the platform's reply."""
        return await self._judged(verb, *await self.send(verb, **command))

    async def _judged(self, verb: Verb, status: int, document: dict[str, Any]) -> dict[str, Any]:
        assert (status, document.get("status")) == (200, "done"), (verb.value, status, document)
        proof = document.get("evidence")
        self.proven[verb].add(REPLY if proof is None else await self._type_of(verb, proof))
        return document

    async def _type_of(self, verb: Verb, proof: str) -> str:
        event = await self.find(lambda event: event.envelope.id == proof, f"the proof of {verb}")
        assert event.type in self.capability(verb).confirmed_by, (verb.value, event.type)
        return short(event.type)

    def capability(self, verb: Verb) -> Capability:
        """The line of the platform's table."""
        return next(line for line in self.platform.capabilities if line.verb is verb)

    async def find(
        self, wanted: Callable[[StoredEvent], object], what: str, *, since: int = 0
    ) -> StoredEvent:
        """The first event of that kind behind a position, once it is there."""
        seen: list[str] = []
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                while True:
                    events = await self._journal.read(since, _READ)
                    for event in events:
                        seen.append(short(event.type))
                        if wanted(event):
                            return event
                    if events:
                        since = events[-1].position
                    else:
                        await self._journal.wait(since)
        except TimeoutError:
            raise AssertionError(f"never came: {what}; have {seen[-40:]}") from None

    async def event(self, kind: str, *, since: int = 0, **fields: Any) -> dict[str, Any]:
        """The data of the first event of a type (without prefix and version) that has these fields."""

        def fits(event: StoredEvent) -> bool:
            if event.type != f"tieline.{kind}.v1":
                return False
            data = event.data()
            return all(data.get(name) == value for name, value in fields.items())

        return (await self.find(fits, f"{kind} {fields}", since=since)).data()

    async def upload(self, content: bytes, name: str = "report.pdf") -> str:
        """Keep a file at the gateway; its id."""
        query = {"name": name, "media_type": "application/pdf"}
        async with self.client.post("/v1/attachments", params=query, data=content) as response:
            assert response.status == 201
            document: dict[str, str] = await response.json()
            return document["id"]


Story = Callable[[Centre], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """A command that the platform refuses for certain, with its reason."""

    verb: Verb
    reason: str
    command: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Platform:
    """A platform's part.

    Attributes:
        open: the simulator, started; settings of the story come as arguments.
        block: the connector's block without name and platform, for the simulator.
        agent: the agent whom commands are about.
        ready: returns when the centre may be commanded.
        stories: together they do every verb of the table; each begins in a centre of its own.
        settings: of the simulator, where a story needs others than the default.
        refusals: what the platform refuses right after `ready`.
        unproven: a command whose confirming event is kept back once `silence` was called.
        silence: makes the platform take commands and tell nothing.
        calls: ids of the calls that there are on the platform.
    """

    name: str
    capabilities: Sequence[Capability]
    open: Callable[..., AbstractAsyncContextManager[Any]]
    block: Callable[[Any], dict[str, Any]]
    agent: str
    ready: Story
    stories: Sequence[Story]
    settings: Mapping[Story, Mapping[str, Any]] = field(default_factory=dict)
    refusals: Sequence[Refusal] = ()
    unproven: tuple[Verb, Mapping[str, Any]]
    silence: Story
    calls: Callable[[Any], set[str]]


@asynccontextmanager
async def opened(
    platform: Platform, directory: Path, story: Story | None = None
) -> AsyncIterator[Centre]:
    """The centre, ready for commands."""
    stop = StopSignal()
    settings = platform.settings.get(story, {}) if story else {}
    async with platform.open(**settings) as simulator, asyncio.TaskGroup() as tasks:
        gateway = _gateway(platform, simulator, directory)
        up = asyncio.Event()
        running = tasks.create_task(gateway.run(stop, up.set), name="gateway")
        await up.wait()
        try:
            async with aiohttp.ClientSession(base_url=gateway.api_url) as client:
                centre = Centre(platform, simulator, gateway, client)
                await platform.ready(centre)
                yield centre
        finally:
            stop.request("the story is over")
            stop.request("and nothing has to be drained")
            await running


def _gateway(platform: Platform, simulator: Any, directory: Path) -> Gateway:
    block = {"name": CONNECTOR, "platform": platform.name, **platform.block(simulator)}
    configuration = {
        "gateway": {
            "data_dir": "data",
            "api": {"port": 0, "max_wait_seconds": WAIT_SECONDS},
            "command_deadline_seconds": WAIT_SECONDS - 10,
            "journal": {"min_free_bytes": 0},
            "attachments": {"min_free_bytes": 0},
        },
        "connectors": [block],
    }
    path = directory / "tieline.yaml"
    path.write_text(yaml.safe_dump(configuration))
    return Gateway(load(path, {}, registry=Registry()))


def short(event_type: str) -> str:
    """A type without prefix and version."""
    return event_type.removeprefix("tieline.").removesuffix(".v1")
