"""A changed file taken over: what is swapped, in which order, what a bad file or a failing block leaves behind."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from config import Config, InvalidConfiguration, load, load_again
from config.settings import GatewaySettings
from gateway.api.reload_report import BlockChanges
from gateway.errors import ConfigError
from gateway.reloading import Reloader
from gateway.telemetry import Telemetry
from tests.config.plugins import GOOD, TOKEN_HASH, Plugins
from tests.support.waiting import until

CRM = "  - {name: crm, kind: test_sink, path: crm}\n"


class Taken:
    """Stands for the roster: writes down what is taken up and out; `broken` blocks cannot be built."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.broken: set[str] = set()

    async def try_connector(self, block: Any) -> None:
        """Build, or fail, and take nothing up."""
        self._build("connector", block)

    def add_connector(self, block: Any) -> None:
        """Take up, or fail."""
        self._add("connector", block)

    def add_sink(self, block: Any) -> None:
        """Take up, or fail."""
        self._add("sink", block)

    def _add(self, kind: str, block: Any) -> None:
        self._build(kind, block)
        self.steps.append(f"+{kind}/{block.name}")

    def _build(self, kind: str, block: Any) -> None:
        word = f"{block.settings.base_url if kind == 'connector' else block.settings.path}"
        if word in self.broken or Path(word).name in self.broken:
            raise ConfigError(f"{block.name} cannot be built", hint="mend it")

    async def remove_connector(self, name: str, *, for_good: bool) -> None:
        """Take out."""
        self.steps.append(f"-connector/{name}{' for good' if for_good else ''}")

    async def remove_sink(self, name: str, *, for_good: bool) -> None:
        """Take out."""
        self.steps.append(f"-sink/{name}{' for good' if for_good else ''}")


class Running:
    """A reloader over a file that the test rewrites."""

    def __init__(self, directory: Path, text: str) -> None:
        self.path = directory / "tieline.yaml"
        self.write(text)
        self.taken = Taken()
        self.tokens: list[list[str]] = []
        self.keys: list[int] = []
        self.reloader = Reloader(
            self.read(),
            read=self.read,
            read_again=lambda config: load_again(config, {}, registry=Plugins()),
            roster=self.taken,  # type: ignore[arg-type]  # it is asked for these four methods only
            take_over=self.take_over,
            telemetry=Telemetry(CollectorRegistry()),
        )

    async def take_over(self, gateway: GatewaySettings) -> None:
        """Write down what is given to be taken over."""
        self.tokens.append([one.name for one in gateway.api.tokens])
        self.keys.append(len(gateway.journal.keys))

    def write(self, text: str) -> None:
        """Change the file."""
        self.path.write_text(text)
        self.path.chmod(0o600)

    def read(self) -> Config:
        """Read the file as the gateway does."""
        return load(self.path, {}, registry=Plugins())


async def test_only_what_differs_is_swapped_and_told(tmp_path: Path) -> None:
    running = Running(tmp_path, GOOD)
    running.write(GOOD.replace("path: events.jsonl", "path: other.jsonl") + CRM)
    report = await running.reloader.reload()
    assert running.taken.steps == ["-sink/log", "+sink/log", "+sink/crm"]
    assert report.sinks == BlockChanges(added=("crm",), changed=("log",))
    assert not await _steps_of_another(running)


async def test_what_is_gone_goes_before_anything_comes(tmp_path: Path) -> None:
    """Two blocks may want the same file or port, one after the other."""
    running = Running(tmp_path, GOOD + CRM)
    running.write(GOOD + CRM.replace("name: crm", "name: hook"))
    await running.reloader.reload()
    assert running.taken.steps == ["-sink/crm for good", "+sink/hook"]


async def test_a_bad_file_changes_nothing_and_says_where(tmp_path: Path) -> None:
    running = Running(tmp_path, GOOD)
    running.write(GOOD.replace("kind: test_sink", "kind: unheard_of") + CRM)
    with pytest.raises(InvalidConfiguration, match=r"sinks\[0\]\.kind"):
        await running.reloader.reload()
    assert running.taken.steps == []
    running.write(GOOD)
    assert not await _steps_of_another(running)


async def test_a_block_that_cannot_be_built_leaves_the_old_one_and_is_tried_again(
    tmp_path: Path,
) -> None:
    running = Running(tmp_path, GOOD)
    running.taken.broken.add("broken.jsonl")
    running.write(GOOD.replace("path: events.jsonl", "path: broken.jsonl"))
    report = await running.reloader.reload()
    assert [(one.block, one.hint) for one in report.failed] == [("sink/log", "mend it")]
    assert running.taken.steps == ["-sink/log", "+sink/log"]
    running.taken.broken.clear()
    assert await _steps_of_another(running) == ["-sink/log", "+sink/log"]


async def test_rotated_tokens_are_taken_over_and_a_new_port_waits_for_the_restart(
    tmp_path: Path,
) -> None:
    token = f"{{name: ops, hash: '{TOKEN_HASH}'}}"
    running = Running(tmp_path, GOOD)
    running.write(GOOD.replace("port: 8080", f"port: 9, tokens: [{token}]"))
    report = await running.reloader.reload()
    assert running.tokens == [["ops"]]
    assert (report.taken_over, report.need_restart) == (
        ("gateway.api.tokens",),
        ("gateway.api.port",),
    )
    again = await running.reloader.reload()
    assert (again.taken_over, again.need_restart) == ((), ("gateway.api.port",))


async def test_another_key_for_resume_states_needs_no_restart(tmp_path: Path) -> None:
    running = Running(tmp_path, GOOD)
    key = f"encryption_keys: ['{'0f' * 32}']"
    running.write(GOOD.replace("api: {", f"journal: {{{key}}}\n  api: {{"))
    report = await running.reloader.reload()
    assert report.taken_over == ("gateway.journal.encryption_keys",)
    assert running.keys == [1]
    assert (await running.reloader.reload()).taken_over == ()


@pytest.mark.parametrize(
    ("block", "key"),
    [
        ("liveness: {learn: false}", "gateway.liveness.learn"),
        ("liveness: {check_seconds: 1}", "gateway.liveness.check_seconds"),
        ("traces: {endpoint: 'http://127.0.0.1:4318/v1/traces'}", "gateway.traces"),
    ],
)
async def test_what_only_a_restart_takes_over_is_a_warning_that_names_it(
    tmp_path: Path, block: str, key: str
) -> None:
    running = Running(tmp_path, GOOD)
    running.write(GOOD.replace("api: {", f"{block}\n  api: {{"))
    with capture_logs() as told:
        report = await running.reloader.reload()
    assert report.need_restart == (key,)
    assert [(one["log_level"], one["hint"]) for one in told] == [
        ("warning", f"restart the gateway for {key}")
    ]


async def test_a_block_that_failed_makes_the_reload_an_error_in_the_log(tmp_path: Path) -> None:
    running = Running(tmp_path, GOOD)
    running.taken.broken.add("broken.jsonl")
    running.write(GOOD.replace("path: events.jsonl", "path: broken.jsonl"))
    with capture_logs() as told:
        await running.reloader.reload()
    assert [(one["log_level"], one["hint"]) for one in told] == [
        ("error", "mend the blocks that failed, and reload")
    ]


async def test_a_rotated_secret_that_needs_a_restart_is_told_once(tmp_path: Path) -> None:
    """It is not in force, and a later rotation of another secret is no news of it."""
    for name in ("header", "password"):
        (tmp_path / name).write_text("one")
    traces = "{endpoint: 'http://127.0.0.1:4318/v1/traces', headers: {x-key: {file: header}}}"
    text = GOOD.replace("api: {", f"traces: {traces}\n  api: {{")
    running = Running(tmp_path, text.replace("correct-horse", "{file: password}"))
    with capture_logs() as told:
        for name in ("header", "password"):
            (tmp_path / name).write_text("two")
            await running.reloader.take_files()
    assert [(one["log_level"], one.get("hint")) for one in told] == [
        ("warning", "restart the gateway for gateway.traces.headers"),
        ("info", None),
    ]


async def test_a_signal_asks_and_a_bad_file_does_not_end_the_asking(tmp_path: Path) -> None:
    running = Running(tmp_path, GOOD)
    read, reads = running.read, 0

    def counted() -> Config:
        nonlocal reads
        reads += 1
        return read()

    running.reloader._read = counted
    async with asyncio.TaskGroup() as tasks:
        working = tasks.create_task(running.reloader.run(), name="reloads")
        running.write("connectors: [")
        running.reloader.request()
        await until(lambda: reads == 1, seconds=10)
        running.write(GOOD + CRM)
        running.reloader.request()
        await until(lambda: running.taken.steps == ["+sink/crm"], seconds=10)
        working.cancel()


async def _steps_of_another(running: Running) -> list[str]:
    """What a further reload of the same file does."""
    running.taken.steps.clear()
    await running.reloader.reload()
    return running.taken.steps


async def test_a_secret_is_taken_from_its_file_and_nothing_else_from_the_configuration(
    tmp_path: Path,
) -> None:
    """What somebody has changed in the file waits for the reload."""
    (tmp_path / "secret").write_text("correct-horse")
    text = GOOD.replace("correct-horse", "{file: secret}")
    running = Running(tmp_path, text)
    running.write(text + CRM)
    (tmp_path / "secret").write_text("battery-staple")
    await running.reloader.take_files()
    assert running.taken.steps == ["-connector/gws-main", "+connector/gws-main"]
    await running.reloader.take_files()
    assert len(running.taken.steps) == 2
    assert await _steps_of_another(running) == ["+sink/crm"]


async def test_a_secret_file_that_cannot_be_used_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("correct-horse")
    running = Running(tmp_path, GOOD.replace("correct-horse", "{file: secret}"))
    (tmp_path / "secret").write_text("")
    with pytest.raises(InvalidConfiguration, match=r"accounts\[0\]\.password.*an empty file"):
        await running.reloader.take_files()
    assert running.taken.steps == []
    (tmp_path / "secret").write_text("correct-horse")
    assert not await _steps_of_another(running)


async def test_a_connector_that_could_not_be_built_anew_is_not_disturbed(tmp_path: Path) -> None:
    """A file that it reads has become unusable: its feeds go on as they are, until the file changes again."""
    (tmp_path / "secret").write_text("correct-horse")
    running = Running(tmp_path, GOOD.replace("correct-horse", "{file: secret}"))
    running.taken.broken.add("http://127.0.0.1:8090/")
    (tmp_path / "secret").write_text("battery-staple")
    await running.reloader.take_files()
    assert running.taken.steps == []
    running.taken.broken.clear()
    assert await _steps_of_another(running) == ["-connector/gws-main", "+connector/gws-main"]


async def test_a_sink_that_cannot_be_built_either_way_comes_with_the_next_change(
    tmp_path: Path,
) -> None:
    """It is told, and the others go on."""
    (tmp_path / "secret").write_text("one")
    running = Running(
        tmp_path, GOOD + CRM.replace("path: crm", "path: crm, secrets: [{file: secret}]")
    )
    running.taken.broken.add("crm")
    (tmp_path / "secret").write_text("two")
    await running.reloader.take_files()
    assert running.taken.steps == ["-sink/crm"]
    running.taken.broken.clear()
    assert await _steps_of_another(running) == ["+sink/crm"]
