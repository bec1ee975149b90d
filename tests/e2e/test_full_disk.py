"""A disk that is really full under load: nothing is acknowledged, somebody is paged, and it goes on by itself.

`FULL_DISK_SECONDS=60` makes it last a minute; in `make test` it lasts for a few seconds of messages.
"""

from __future__ import annotations

import os
import re
import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import pytest
import yaml

from tests.support import oracle, site
from tests.support.processes import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(420)]

SECONDS = float(os.environ.get("FULL_DISK_SECONDS", "4"))
AGENTS = 5
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


async def test_a_full_disk_pages_holds_everything_back_and_goes_on_by_itself(
    tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    """The platform keeps what is not acknowledged; the oracle finds all of it once there is room."""
    metric, pages = paging("TielineJournalFull")
    with small_disk(tmp_path / "data") as disk:
        async with (
            site.platform(
                tmp_path,
                http,
                agents=AGENTS,
                events_per_second=EVENTS_PER_SECOND,
                ack=True,
                max_interval_ms=300_000,
            ) as platform,
            site.gateway(
                tmp_path,
                http,
                {
                    "gateway": {"journal": {"min_free_bytes": 0}},
                    "connectors": [site.connector(platform.url, AGENTS)],
                    "sinks": [site.file_sink()],
                },
            ) as gateway,
        ):
            gateway.start()
            await gateway.wait_fed(timeout_seconds=60.0)
            assert not pages(await gateway.metric(metric))
            disk.fill(gateway.pid)

            async def full() -> bool:
                status, body = await gateway.readiness()
                held = {feed["state"] for feed in await gateway.feeds()} == {"journal_full"}
                return status == 503 and "journal_full" in body["reasons"] and held

            await eventually(full, "every feed to wait for room", timeout_seconds=60.0)
            assert pages(await gateway.metric(metric))
            stats = await platform.stats()
            acknowledged, published = stats["fates"]["acknowledged"], stats["published"]

            async def went_on() -> bool:
                told = int((await platform.stats())["published"])
                return told > published + EVENTS_PER_SECOND * SECONDS

            await eventually(went_on, "messages meanwhile", timeout_seconds=60.0 + 4 * SECONDS)
            assert await full()
            assert pages(await gateway.metric(metric))
            assert (await platform.stats())["fates"]["acknowledged"] <= acknowledged + IN_FLIGHT
            disk.free(gateway.pid)
            await gateway.wait_connected(timeout_seconds=60.0)
            assert not pages(await gateway.metric(metric))
            await platform.stop_lives()
            told = await platform.arrived(gateway.lines.read, timeout_seconds=120.0)
            assert [one.id for one in told if not one.resumable] == []
            events = gateway.lines.read()
            assert oracle.doubled(events) == []
            assert oracle.overtaken(events, told) == []
            assert {feed["gaps"] for feed in await gateway.feeds()} == {0}
            assert gateway.running
            assert gateway.starts == 1
