"""What a service manager hears of the whole process, as systemd would."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest

from tests.support import site
from tests.support.notifications import NotifySocket
from tests.support.processes import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]


async def test_ready_alive_and_stopping_are_told(
    tmp_path: Path, http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    with NotifySocket(str(tmp_path / "notify")) as manager:
        monkeypatch.setenv("NOTIFY_SOCKET", manager.address)
        monkeypatch.setenv("WATCHDOG_USEC", "300000")
        async with (
            site.platform(tmp_path, http, agents=1) as platform,
            site.gateway(
                tmp_path,
                http,
                {"connectors": [site.connector(platform.url, 1)], "sinks": [site.file_sink()]},
            ) as gateway,
        ):
            gateway.start()
            await eventually(lambda: len(manager.told()) > 3, "life signs")
            first, *others = manager.told()
            assert first == f"READY=1\nSTATUS=1 feeds, API at {gateway.url}"
            assert set(others) == {"WATCHDOG=1"}

            assert await gateway.terminate() == 0
            stopping = [message for message in manager.told() if "STOPPING=1" in message]
            assert stopping == [
                "STOPPING=1\nSTATUS=stopping on SIGTERM\nEXTEND_TIMEOUT_USEC=40000000"
            ]
