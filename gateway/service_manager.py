"""Tells a service manager what it waits for: ready, stopping, and that the process still does its work.

The protocol is systemd's (manual sd_notify(3)): datagrams of `KEY=value` lines to the socket that NOTIFY_SOCKET names.
Others speak it too. Without the variable nothing is sent, and nothing here costs anything.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Mapping


class ServiceManager:
    """The service manager that started this process, or none.

    Sending never blocks and never fails: a manager that has gone, or does not read, is no reason to disturb feeds.
    """

    def __init__(
        self, address: str | None = None, *, watchdog_seconds: float | None = None
    ) -> None:
        """Take what `from_environment` read.

        Args:
            address: path of the socket; a leading `@` stands for the abstract namespace.
            watchdog_seconds: the manager ends the process when it heard nothing for so long.
        """
        self._address = address
        self.watchdog_seconds = watchdog_seconds if address else None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> ServiceManager:
        """Read NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID (sd_watchdog_enabled(3)); nonsense counts as absent."""
        address = environment.get("NOTIFY_SOCKET", "")
        if address[:1] not in {"/", "@"}:
            return cls()
        period = environment.get("WATCHDOG_USEC", "")
        meant = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        if not (meant and period.isdecimal() and int(period)):
            return cls(address)
        return cls(address, watchdog_seconds=int(period) / 1e6)

    def starting(self, status: str, *, within_seconds: float) -> None:
        """Say why the start takes long, and for how long it may go on before the manager gives it up."""
        self._send(f"STATUS={status}\nEXTEND_TIMEOUT_USEC={round(within_seconds * 1e6)}")

    def ready(self, status: str) -> None:
        """Say that the start is over; `status` is a line for people."""
        self._send(f"READY=1\nSTATUS={status}")

    def stopping(self, status: str, *, within_seconds: float) -> None:
        """Say that a planned stop began, and for how long it may go on before the manager kills."""
        self._send(
            f"STOPPING=1\nSTATUS={status}\nEXTEND_TIMEOUT_USEC={round(within_seconds * 1e6)}"
        )

    async def feed_watchdog(self, prove: Callable[[], Awaitable[object]]) -> None:
        """Report life three times per watchdog period, each time after `prove` returned. Runs until it is cancelled.

        `prove` does a small piece of the real work. While it hangs nothing is reported, so a process that only looks
        alive is ended and started anew. What it raises goes through.
        """
        if self.watchdog_seconds is None:
            return
        while True:
            await prove()
            self._send("WATCHDOG=1")
            await asyncio.sleep(self.watchdog_seconds / 3)

    def _send(self, message: str) -> None:
        if self._address is None:
            return
        address = "\0" + self._address[1:] if self._address[0] == "@" else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as peer:
                peer.setblocking(False)
                peer.sendto(message.encode(), address)
        except OSError:
            return
