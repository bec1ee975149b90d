"""Child processes of the tests: started with a guard, watched through their output, always ended.

Two kinds: `LineProcess` for programs that talk JSON lines on standard output, inside one event
loop; `LoggedProcess` for servers that outlive a loop and write to a log file.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import random
import shutil
import socket
import subprocess
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

POLL_SECONDS = 0.02
LOG_TAIL_CHARACTERS = 6_000


class PeerError(AssertionError):
    """A peer did not start, ended early, or did not say what was expected in time."""


def guarded(arguments: Sequence[str]) -> list[str]:
    """The command, made to die with the thread that starts it, even by SIGKILL.

    A test run that is killed must not leave brokers behind. The thread matters: never start such
    a process from a pool's thread.
    """
    setpriv = shutil.which("setpriv")
    return [*([setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []), *arguments]


def free_port() -> int:
    """A free TCP port on 127.0.0.1 below the range the system takes for outgoing connections.

    So a server that is down for a while finds its port still free when it comes back.
    """
    for _ in range(200):
        port = random.SystemRandom().randrange(20_000, 32_000)
        with socket.socket() as candidate:
            try:
                candidate.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise PeerError("no free port between 20000 and 32000")


async def eventually(
    condition: Callable[[], Any | Awaitable[Any]],
    what: str,
    *,
    timeout_seconds: float = 10.0,
    poll_seconds: float = POLL_SECONDS,
) -> Any:
    """Wait until the condition, a plain or async callable, is true; return its value."""
    deadline = time.monotonic() + timeout_seconds
    while True:
        value = condition()
        if inspect.isawaitable(value):
            value = await value
        if value:
            return value
        if time.monotonic() > deadline:
            raise PeerError(f"not within {timeout_seconds:g} s: {what}; last seen: {value!r}")
        await asyncio.sleep(poll_seconds)


class LineProcess:
    """A child that prints JSON objects, one a line; use as an async context manager.

    Leaving the context closes its standard input, waits `grace_seconds` for it to end and
    then kills it.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        grace_seconds: float = 0.0,
    ) -> None:
        self._arguments = arguments
        self._environment = environment
        self._grace_seconds = grace_seconds
        self._process: asyncio.subprocess.Process | None = None
        self._complaints: list[str] = []
        self._stderr_reader: asyncio.Task[None] | None = None

    @property
    def process(self) -> asyncio.subprocess.Process:
        """The running process, for signals and its id."""
        if self._process is None:
            raise PeerError("the process was not started")
        return self._process

    @property
    def complaints(self) -> str:
        """What it wrote to standard error, the last part of it."""
        return "".join(self._complaints)[-LOG_TAIL_CHARACTERS:]

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()
        if error is not None and self._complaints:
            error.add_note(f"standard error of {self._arguments[0]}:\n{self.complaints}")

    async def start(self) -> None:
        """Start it."""
        self._process = await asyncio.create_subprocess_exec(
            *guarded(self._arguments),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=dict(self._environment) if self._environment is not None else None,
            limit=16 * 1024 * 1024,
        )
        self._stderr_reader = asyncio.create_task(
            self._collect(self._process), name=f"stderr of {self._arguments[0]}"
        )

    async def _collect(self, process: asyncio.subprocess.Process) -> None:
        stream = process.stderr
        if stream is None:
            raise PeerError("standard error is not a pipe")
        while line := await stream.readline():
            self._complaints.append(line.decode(errors="replace"))
            del self._complaints[:-500]

    async def read(self, *, timeout_seconds: float = 15.0) -> dict[str, Any]:
        """The next JSON object; `PeerError` when it ends or stays silent.

        Safe to cancel: a line not returned is returned by the next call.
        """
        stream = self.process.stdout
        if stream is None:
            raise PeerError("standard output is not a pipe")
        try:
            async with asyncio.timeout(timeout_seconds):
                line = await stream.readline()
        except TimeoutError as late:
            raise PeerError(
                f"{self._arguments} printed nothing for {timeout_seconds:g} s\n{self.complaints}"
            ) from late
        if not line:
            if self._stderr_reader is not None:
                await self._stderr_reader
            raise PeerError(
                f"{self._arguments} ended with {await self.process.wait()}\n{self.complaints}"
            )
        message: dict[str, Any] = json.loads(line)
        return message

    async def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        if self.process.returncode is None:
            self.process.kill()
        await self._ended()

    async def stop(self) -> None:
        """Close standard input, wait the grace time, then kill."""
        process = self.process
        if process.returncode is None:
            if process.stdin is not None:
                process.stdin.close()
            try:
                async with asyncio.timeout(self._grace_seconds):
                    await process.wait()
            except TimeoutError:
                process.kill()
        await self._ended()

    async def _ended(self) -> None:
        # Reading both pipes to their end closes them; else their transports outlive the loop.
        process = self.process
        if process.stdin is not None:
            process.stdin.close()
        if process.stdout is not None:
            while await process.stdout.read(65_536):
                pass
        if self._stderr_reader is not None:
            await self._stderr_reader
        await process.wait()


class LoggedProcess:
    """A server that belongs to no event loop; its output is appended to a log file."""

    def __init__(self, arguments: Sequence[str], *, log: Path) -> None:
        self._arguments = arguments
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._log_start = 0

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it; `output` then begins anew."""
        if self.running:
            raise PeerError(f"{self._arguments[0]} runs already")
        with self._log.open("ab") as log:
            self._log_start = log.tell()
            self._process = subprocess.Popen(
                guarded(self._arguments),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def output(self) -> str:
        """What it wrote since it was last started; empty when it never was."""
        if self._process is None:
            return ""
        with self._log.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace")

    def failure(self, what: str) -> PeerError:
        """An error that shows the end of the log."""
        code = None if self._process is None else self._process.poll()
        return PeerError(f"{what} (exit code {code}); end of its log:\n{self.tail()}")

    def tail(self) -> str:
        """The end of its output."""
        return self.output()[-LOG_TAIL_CHARACTERS:]

    def check_ready(self, sign: str) -> bool:
        """Whether its output has the sign; raises when it ended instead."""
        if sign in self.output():
            return True
        if not self.running:
            raise self.failure(f"{self._arguments[0]} ended while starting")
        return False

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    @property
    def pid(self) -> int:
        """Its process id, for signals."""
        if self._process is None:
            raise PeerError("the process was not started")
        return self._process.pid

    def wait(self, timeout_seconds: float) -> int:
        """Wait for its end; returns the exit code. Raises PeerError when it does not end in time."""
        if self._process is None:
            raise PeerError("the process was not started")
        try:
            return self._process.wait(timeout_seconds)
        except subprocess.TimeoutExpired as late:
            raise self.failure(f"{self._arguments[0]} did not end") from late

    def terminate(self) -> None:
        """SIGTERM without waiting."""
        if self._process is not None:
            self._process.terminate()
