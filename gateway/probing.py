"""A look at each configured platform and receiver: connect once, look, disconnect."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

import aiohttp
from prometheus_client import CollectorRegistry

from config import Config
from gateway.clock import SystemClock
from gateway.contracts import (
    Connector,
    ConnectorContext,
    PlatformDescriptor,
    Prober,
    Sink,
    SinkContext,
    SinkDescriptor,
)
from gateway.errors import TielineError


class Descriptors(Protocol):
    """Finds plug-ins by name; `gateway.registry.Registry` does."""

    def platform(self, name: str) -> PlatformDescriptor:
        """A platform's descriptor."""
        ...

    def sink(self, name: str) -> SinkDescriptor:
        """A kind of sink's descriptor."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """What a probe found, in one line."""

    name: str
    ok: bool
    message: str


class _NothingYet:
    """The picture of a gateway that has heard nothing."""

    def agents_by_state(self) -> Mapping[tuple[str, str], int]:
        """No agents."""
        return {}

    def calls_by_state(self) -> Mapping[tuple[str, str, str], int]:
        """No calls."""
        return {}

    def alerts_by_rule(self) -> Mapping[tuple[str, str], int]:
        """No alerts."""
        return {}

    def group_values(self) -> Mapping[tuple[str, str, str, str], float]:
        """No groups."""
        return {}

    def queue_values(self) -> Mapping[tuple[str, str, str], float]:
        """No values."""
        return {}


async def probe_all(
    config: Config, descriptors: Descriptors, *, timeout_seconds: float
) -> list[Probed]:
    """Probe every connector and sink, one after the other; an error is a result, not an exception."""
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), cookie_jar=aiohttp.DummyCookieJar()
    )
    async with session as http:
        results = []
        for item in config.connectors:
            context = ConnectorContext(name=item.name, http=http, clock=SystemClock())
            build = partial(descriptors.platform(item.platform).build, item.settings, context)
            results.append(await _probe(f"connector {item.name}", build, timeout_seconds))
        for block in config.sinks:
            around = _sink_context(block.name, http, config.gateway.data_dir)
            make = partial(descriptors.sink(block.kind).build, block.settings, around)
            results.append(await _probe(f"sink {block.name}", make, timeout_seconds))
        return results


def _sink_context(name: str, http: aiohttp.ClientSession, data_dir: Path) -> SinkContext:
    return SinkContext(
        name=name,
        journal_id="probe",
        http=http,
        clock=SystemClock(),
        data_dir=data_dir,
        metrics=CollectorRegistry(),
        picture=_NothingYet(),
    )


async def _probe(
    name: str, build: Callable[[], Connector | Sink], timeout_seconds: float
) -> Probed:
    try:
        target = build()
    except TielineError as error:
        return Probed(name=name, ok=False, message=str(error))
    try:
        if not isinstance(target, Prober):
            return Probed(name=name, ok=True, message="has no probe, not tried")
        async with asyncio.timeout(timeout_seconds):
            found = await target.probe()
    except TielineError as error:
        return Probed(name=name, ok=False, message=str(error))
    except TimeoutError:
        return Probed(name=name, ok=False, message=f"no answer in {timeout_seconds:g} seconds")
    except Exception as error:  # noqa: BLE001 - a defect in one plug-in must not hide what the others found
        return Probed(name=name, ok=False, message=f"defect: {type(error).__name__}")
    else:
        return Probed(name=name, ok=True, message=found)
    finally:
        # What was found holds, however it goes away; the process ends soon.
        with suppress(Exception):
            async with asyncio.timeout(timeout_seconds):
                await target.close()
