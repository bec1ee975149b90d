"""Probes of connectors and sinks: each is tried once, bounded, and closed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from config import Config, ConnectorConfig, GatewaySettings, SinkConfig
from gateway.contracts import (
    ConnectorContext,
    Feed,
    Guarantee,
    PlatformDescriptor,
    Report,
    SinkContext,
    SinkDescriptor,
    SinkTraits,
)
from gateway.errors import AuthRejected, ConfigError
from gateway.events import StoredEvent
from gateway.probing import probe_all


class Settings(BaseModel):
    """How the probe goes."""

    goes: str = "well"


class ProbedConnector:
    """A connector whose probe goes as its settings say."""

    platform = "test_platform"

    def __init__(self, settings: Settings, context: ConnectorContext, closed: list[str]) -> None:
        if settings.goes == "never":
            raise ConfigError("ca_file cannot be used", hint="name another")
        self.name = context.name
        self._goes = settings.goes
        self._closed = closed

    @property
    def feeds(self) -> Sequence[Feed]:
        """None."""
        return ()

    async def probe(self) -> str:
        """Answer, refuse, fail for a defect, or never return."""
        if self._goes == "badly":
            raise AuthRejected("the platform refused anna", hint="check the password")
        if self._goes == "wrong":
            raise KeyError("correct-horse")
        if self._goes == "nowhere":
            await asyncio.Event().wait()
        return "two agents can log in"

    async def close(self) -> None:
        """Remember it, and hang if that is how it goes."""
        self._closed.append(self.name)
        if self._goes == "on":
            await asyncio.Event().wait()


class PlainSink:
    """A sink without a probe."""

    def __init__(self, context: SinkContext, closed: list[str]) -> None:
        self._name = context.name
        self._closed = closed
        assert context.picture.agents_by_state() == {}

    async def open(self) -> int | None:
        """Never called."""
        raise AssertionError

    async def deliver(self, batch: Sequence[StoredEvent]) -> Report:
        """Never called."""
        raise AssertionError(batch)

    async def close(self) -> None:
        """Remember it."""
        self._closed.append(self._name)


class Plugins:
    """Descriptors of the two above."""

    def __init__(self) -> None:
        self.closed: list[str] = []

    def platform(self, name: str) -> PlatformDescriptor:
        """The platform."""
        return PlatformDescriptor(
            name=name,
            settings=Settings,
            guarantee=Guarantee.POLLED,
            capabilities=(),
            events={},
            version="1",
            build=lambda settings, context: ProbedConnector(settings, context, self.closed),
        )

    def sink(self, name: str) -> SinkDescriptor:
        """The sink."""
        return SinkDescriptor(
            name=name,
            settings=Settings,
            traits=SinkTraits(),
            build=lambda _settings, context: PlainSink(context, self.closed),
        )


def config(tmp_path: Path, *connectors: Any) -> Config:
    """Connectors whose probes go as named, and one sink."""
    return Config(
        path=tmp_path / "tieline.yaml",
        gateway=GatewaySettings(data_dir=tmp_path),
        connectors=tuple(
            ConnectorConfig(name=goes, platform="test_platform", settings=Settings(goes=goes))
            for goes in connectors
        ),
        sinks=(
            SinkConfig(
                name="log", kind="test_sink", events=("*",), connectors=(), mask=(), settings=None
            ),
        ),
    )


async def test_each_probe_is_a_result_and_everything_is_closed(tmp_path: Path) -> None:
    """A failed or endless probe stops no other."""
    plugins = Plugins()
    results = await probe_all(
        config(tmp_path, "well", "badly", "nowhere", "never"), plugins, timeout_seconds=0.05
    )
    assert [(result.name, result.ok, result.message) for result in results] == [
        ("connector well", True, "two agents can log in"),
        ("connector badly", False, "the platform refused anna (check the password)"),
        ("connector nowhere", False, "no answer in 0.05 seconds"),
        ("connector never", False, "ca_file cannot be used (name another)"),
        ("sink log", True, "has no probe, not tried"),
    ]
    assert plugins.closed == ["well", "badly", "nowhere", "log"]


async def test_a_defect_and_an_endless_close_hide_nothing_of_the_others(tmp_path: Path) -> None:
    """What a defect says may hold a secret, so only its kind is told."""
    plugins = Plugins()
    results = await probe_all(
        config(tmp_path, "wrong", "on", "well"), plugins, timeout_seconds=0.05
    )
    assert [(result.ok, result.message) for result in results] == [
        (False, "defect: KeyError"),
        (True, "two agents can log in"),
        (True, "two agents can log in"),
        (True, "has no probe, not tried"),
    ]
    assert plugins.closed == ["wrong", "on", "well", "log"]
