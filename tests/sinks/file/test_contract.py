from __future__ import annotations

import asyncio
import resource
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from gateway.contracts import Sink
from gateway.events import StoredEvent
from sinks.file import SINK
from sinks.file.settings import FileSettings
from tests.contract.sink_suite import FailingReceiverSuite
from tests.support.sinks import sink_context

LINE_BYTES = 480


def _event(line: bytes) -> StoredEvent:
    told = msgspec.json.decode(line)
    position, sequence = int(told["position"]), int(told["sequence"])
    return StoredEvent(position, sequence, told["type"], told["source"], line)


class FileHarness:
    """The receiver is the file; it fails by the process's limit on the size of files, as a full disk does."""

    secrets = ()

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def make(self) -> Sink:
        """A sink that writes below the directory of the test."""
        return SINK.build(FileSettings(path=Path("out/e.jsonl")), sink_context(self.directory))

    def make_unready(self) -> Sink:
        """A sink whose directory cannot be made."""
        (self.directory / "a-file").write_text("no directory")
        settings = FileSettings(path=self.directory / "a-file" / "e.jsonl")
        return SINK.build(settings, sink_context(self.directory))

    async def received(self) -> list[StoredEvent]:
        """The events of the file's lines."""
        lines = (self.directory / "out" / "e.jsonl").read_bytes().splitlines()
        return [_event(line) for line in lines]

    async def fail_after(self, count: int) -> None:
        """Make the disk full after some lines."""
        resource.setrlimit(resource.RLIMIT_FSIZE, (count * LINE_BYTES, self.limits[1]))

    async def recover(self) -> None:
        """Make room."""
        resource.setrlimit(resource.RLIMIT_FSIZE, self.limits)

    async def until_busy(self) -> None:
        """The batch is handed to the thread at the first step of the delivery."""
        await asyncio.sleep(0)


class TestFileContract(FailingReceiverSuite):
    """The file sink keeps the contract of sinks."""

    @pytest.fixture
    def harness(self, tmp_path: Path) -> Iterator[FileHarness]:
        """A harness that leaves the process's limits as they were."""
        harness = FileHarness(tmp_path)
        yield harness
        resource.setrlimit(resource.RLIMIT_FSIZE, harness.limits)
