"""What a service manager hears of a start, a stop, and of work that hangs."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.service_manager import ServiceManager
from tests.support.notifications import NotifySocket


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[NotifySocket]:
    address = str(tmp_path / "n") if request.param == "path" else f"@tieline-test-{os.getpid()}"
    with NotifySocket(address) as listening:
        yield listening


def test_a_start_and_a_stop_are_told(manager: NotifySocket) -> None:
    service = ServiceManager.from_environment({"NOTIFY_SOCKET": manager.address})
    service.starting("waits", within_seconds=2)
    service.ready("3 feeds")
    service.stopping("SIGTERM", within_seconds=40)
    assert manager.told() == [
        "STATUS=waits\nEXTEND_TIMEOUT_USEC=2000000",
        "READY=1\nSTATUS=3 feeds",
        "STOPPING=1\nSTATUS=SIGTERM\nEXTEND_TIMEOUT_USEC=40000000",
    ]


async def test_the_watchdog_is_fed_only_while_the_work_goes_on(manager: NotifySocket) -> None:
    service = ServiceManager.from_environment(
        {"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "3000"}
    )
    hangs = asyncio.Event()
    proofs = 0

    async def prove() -> None:
        nonlocal proofs
        proofs += 1
        if proofs == 3:
            hangs.set()
            await asyncio.get_running_loop().create_future()

    feeding = asyncio.create_task(service.feed_watchdog(prove), name="watchdog")
    await asyncio.wait_for(hangs.wait(), 10)
    assert manager.told() == ["WATCHDOG=1"] * 2
    feeding.cancel()
    await asyncio.wait([feeding])


async def test_a_defect_in_the_proof_is_not_swallowed(manager: NotifySocket) -> None:
    service = ServiceManager(manager.address, watchdog_seconds=1)

    async def prove() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await service.feed_watchdog(prove)
    assert manager.told() == []


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"NOTIFY_SOCKET": ""},
        {"NOTIFY_SOCKET": "vsock:2:1234", "WATCHDOG_USEC": "1000"},
        {"NOTIFY_SOCKET": "@nobody", "WATCHDOG_USEC": "soon"},
        {"NOTIFY_SOCKET": "@nobody", "WATCHDOG_USEC": "0"},
        {"NOTIFY_SOCKET": "@nobody", "WATCHDOG_USEC": "1000", "WATCHDOG_PID": "1"},
    ],
)
async def test_without_a_manager_that_waits_nothing_is_asked_of_the_work(
    environment: dict[str, str],
) -> None:
    service = ServiceManager.from_environment(environment)
    service.ready("all well")

    async def prove() -> None:
        pytest.fail("nobody waits for this")

    await service.feed_watchdog(prove)
    assert service.watchdog_seconds is None


def test_a_manager_that_does_not_read_holds_nothing_up(manager: NotifySocket) -> None:
    service = ServiceManager(manager.address)
    for _ in range(10_000):
        service.ready("x" * 1000)
    assert 0 < len(manager.told()) < 10_000
