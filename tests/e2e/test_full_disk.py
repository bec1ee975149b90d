"""A disk that is really full under load: nothing is acknowledged, somebody is paged, and it goes on by itself.

`FULL_DISK_SECONDS=60` makes it last a minute; in `make test` it lasts for a few seconds of messages, and one platform
has its turn. `FULL_DISK_PLATFORMS` names others, with spaces between them, and `-s` shows the figures.
"""

from __future__ import annotations

import asyncio
import os
import re
import resource
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from gateway.demo.platforms import scenes
from tests.faults.judge import Verdict, judge
from tests.support import oracle, site
from tests.support.processes import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(420)]

SECONDS = float(os.environ.get("FULL_DISK_SECONDS", "4"))
LEAST_SECONDS = SECONDS if "FULL_DISK_SECONDS" in os.environ else 0.0
PLATFORMS = os.environ.get("FULL_DISK_PLATFORMS", "genesys_web_services").split()
KEEPS: Mapping[str, Mapping[str, Any]] = {
    "genesys_web_services": {"max_interval_ms": 300_000},
    "genesys_engage_cloud": {"max_interval_ms": 300_000},
}
"""Platforms that keep everything for a client that is slow, and how they are told to."""

EVENTS_PER_SECOND = 300
DISK_MIB = 256
PIECE = bytes(64 << 10)
UNLIMITED = resource.RLIM_INFINITY
RULES = Path(__file__).parents[2] / "deploy" / "prometheus" / "rules.yaml"
IN_FLIGHT = 100
"""Messages that were on their way when the disk was full may still be acknowledged."""


class Mounted:
    """A small file system of its own."""

    def __init__(self, folder: Path) -> None:
        self._ballast = folder / "ballast"

    def fill(self, _pid: int) -> None:
        """Leave no byte."""
        with self._ballast.open("wb", buffering=0) as file:
            for piece in (PIECE, PIECE[:4096]):
                try:
                    while file.write(piece) == len(piece):
                        pass
                except OSError:
                    continue

    def free(self, _pid: int) -> None:
        """Give the room back."""
        self._ballast.unlink()


class Limited:
    """Where nothing may be mounted: no file of the gateway may grow."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def fill(self, pid: int) -> None:
        """Leave no byte beyond the largest file."""
        files = self._folder.glob("*")
        limit = max((file.stat().st_size for file in files if file.is_file()), default=0)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (limit, UNLIMITED))

    def free(self, pid: int) -> None:
        """Lift the limit."""
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (UNLIMITED, UNLIMITED))


@contextmanager
def small_disk(folder: Path) -> Iterator[Mounted | Limited]:
    """A folder on a disk that can be filled."""
    folder.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tmpfs", str(folder)]
    if subprocess.run(["mount", *options], check=False, capture_output=True).returncode:
        yield Limited(folder)
        return
    try:
        yield Mounted(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def paging(alert: str) -> tuple[str, Callable[[float], bool]]:
    """The metric of a rule that compares one with a number, and whether a value pages somebody."""
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    (rule,) = (rule for group in groups for rule in group["rules"] if rule.get("alert") == alert)
    found = re.fullmatch(r"(\w+) == (\d+)", rule["expr"])
    assert found, rule["expr"]
    return found[1], lambda value: value == float(found[2])


@dataclass
class Site:
    """One platform and the gateway on a disk that can be filled."""

    platform: site.Platform
    gateway: site.GatewayProcess
    polled: bool = False

    async def full(self) -> bool:
        """Whether the gateway says so, and a feed that has something waits for room."""
        status, body = await self.gateway.readiness()
        states = {feed["state"] for feed in await self.gateway.feeds()}
        told: list[str] = body["reasons"]
        return status == 503 and "journal_full" in told and "journal_full" in states

    async def acknowledged(self) -> int:
        """How many messages the platform need not keep any longer, as far as it knows."""
        return int((await self.platform.stats())["fates"].get("acknowledged", 0))

    async def published_more(self, number: float) -> None:
        """Wait for so many messages."""
        before = (await self.platform.stats())["published"]

        async def told() -> bool:
            return int((await self.platform.stats())["published"]) >= before + number

        # A platform that is slow, on a machine that is, has its time.
        await eventually(told, f"{number:g} messages", timeout_seconds=120.0 + 4 * SECONDS)

    async def verdict(self) -> Verdict:
        """Let nothing more happen and everything arrive; what the oracle finds."""
        await self.platform.stop_lives()
        await self.platform.arrived(self.gateway.lines.read, timeout_seconds=120.0)

        async def judged() -> Verdict | None:
            found = judge(
                self.gateway.lines.read(), await self.platform.published(), polled=self.polled
            )
            return None if found.failures() else found

        found: Verdict = await eventually(judged, "every loss inside a closed gap")
        return found


@asynccontextmanager
async def running(
    directory: Path, http: aiohttp.ClientSession, kind: str, metric: str
) -> AsyncIterator[tuple[Site, Mounted | Limited]]:
    """A platform under load, its feeds connected, and room on the disk."""
    (scene,) = (scene for scene in scenes() if scene.platform == kind)
    load = {"events_per_second": EVENTS_PER_SECOND, **KEEPS.get(kind, {})}
    with small_disk(directory / "data") as disk:
        async with (
            site.platform(directory, http, kind=kind, **(scene.simulator | load)) as platform,
            site.gateway(
                directory,
                http,
                {
                    "gateway": {"journal": {"min_free_bytes": 0}},
                    "connectors": [
                        {
                            "name": kind,
                            "platform": kind,
                            **scene.block(platform.url),
                        }
                    ],
                    "sinks": [site.file_sink()],
                },
            ) as gateway,
        ):
            gateway.start()
            await gateway.wait_connected(timeout_seconds=60.0)
            here = Site(platform, gateway)
            (connector,) = (await gateway.get("/v1/connectors"))["items"]
            here.polled = connector["guarantee"] == "polled"
            await here.published_more(EVENTS_PER_SECOND)
            await gateway.metric(metric)
            yield here, disk


@pytest.mark.parametrize("kind", PLATFORMS)
async def test_a_full_disk_pages_holds_everything_back_and_goes_on_by_itself(
    tmp_path: Path, http: aiohttp.ClientSession, kind: str
) -> None:
    """The platform keeps what is not acknowledged, as long as it can; what it cannot keep is inside a gap."""
    metric, pages = paging("TielineJournalFull")
    async with running(tmp_path, http, kind, metric) as (here, disk):
        assert not pages(await here.gateway.metric(metric))
        disk.fill(here.gateway.pid)
        await eventually(here.full, "a feed to wait for room", timeout_seconds=60.0)
        assert pages(await here.gateway.metric(metric))
        acknowledged = await here.acknowledged()
        began = time.monotonic()
        await here.published_more(EVENTS_PER_SECOND * SECONDS)
        await asyncio.sleep(max(0.0, began + LEAST_SECONDS - time.monotonic()))
        full_seconds = time.monotonic() - began
        assert await here.full()
        assert pages(await here.gateway.metric(metric))
        more = await here.acknowledged() - acknowledged
        if kind in KEEPS:
            assert more <= IN_FLIGHT
        disk.free(here.gateway.pid)
        freed = time.monotonic()
        await here.gateway.wait_connected(timeout_seconds=60.0)
        recovery_seconds = time.monotonic() - freed
        assert not pages(await here.gateway.metric(metric))
        found = await here.verdict()
        events = here.gateway.lines.read()
        assert oracle.doubled(events) == []
        if kind in KEEPS:
            assert found.lost_by_platform == 0
            assert not found.gaps.opened
        assert here.gateway.running
        assert here.gateway.starts == 1
        sys.stdout.write(
            f"{kind}: full {full_seconds:.0f} s, connected again after {recovery_seconds:.1f} s,"
            f" {found.published} published, {len(found.lost)} lost,"
            f" {found.lost_by_platform} lost by the platform, {more} acknowledged while full,"
            f" gaps {dict(found.gaps.opened)}\n"
        )
