"""The README's table of the vendor's reference is complete, and what it says is true.

`reference.yaml` is the list of what the reference has, by line. A row names what becomes of it and the test that shows
it; the test must exist, and where the row names events of a sample, the golden events of the sample must have them.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from aiohttp import web

from connectors import genesys_web_services
from connectors.genesys_web_services import PLATFORM
from connectors.genesys_web_services._simulated.workbins import id_of
from connectors.genesys_web_services.dictionaries import SOURCES
from connectors.genesys_web_services.simulator import Simulator, SimulatorSettings
from gateway.commands import Verb
from tests.connectors.genesys_web_services import samples
from tests.connectors.genesys_web_services.harness import Consumer, connected_to
from tests.connectors.genesys_web_services.operations import OPERATIONS

HERE = Path(__file__).parent
README = Path(genesys_web_services.__file__).with_name("README.md")
HEADING = "\n## The vendor's reference, line by line\n"
NO_SHARE = ("not offered: ", "not asked: ")


class Row(NamedTuple):
    """One row of the table."""

    line: int
    name: str
    becomes: str
    test: str

    def __str__(self) -> str:
        """For the tests' names."""
        return f"{self.line}-{self.name}"


@cache
def table() -> list[Row]:
    below = README.read_text(encoding="utf-8").split(HEADING, 1)[1].split("\n## ", 1)[0]
    lines = [line for line in below.splitlines() if line.startswith("| ")][1:]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [Row(int(line), name, becomes, test) for line, name, becomes, test in cells]


@cache
def listed() -> list[dict[str, str | int]]:
    items: list[dict[str, str | int]] = yaml.safe_load(
        (HERE / "reference.yaml").read_text(encoding="utf-8")
    )
    return items


def test_every_item_of_the_reference_has_one_row_and_no_row_is_invented() -> None:
    assert [(row.line, row.name) for row in table()] == [
        (item["line"], item["name"]) for item in listed()
    ]
    assert {item["kind"] for item in listed()} == {
        "message",
        "notification",
        "operation",
        "read",
        "answer",
    }


def test_every_sample_and_every_operation_under_test_is_in_the_list() -> None:
    """The other way round: what is tested as the vendor's is named as the vendor's."""
    tests = "\n".join(row.test for row in table())

    assert [name for name in samples.names() if f"sample `{name}`" not in tests] == []
    assert [str(one) for one in OPERATIONS if f"command `{one}`" not in tests] == []


@pytest.mark.parametrize("row", table(), ids=str)
def test_a_row_names_a_test_that_exists(row: Row) -> None:
    kind, _, name = row.test.partition("`")
    name = name.rstrip("`")
    if kind == "sample ":
        assert name in samples.names()
    elif kind == "command ":
        assert name in {str(one) for one in OPERATIONS}
    else:
        file, _, function = name.partition("::")
        assert re.search(rf"^(async )?def {function}\(", (HERE / file).read_text(), re.MULTILINE)


@pytest.mark.parametrize("row", table(), ids=str)
def test_a_row_names_events_and_commands_of_the_platform_or_says_why_not(row: Row) -> None:
    if row.becomes.startswith(NO_SHARE):
        assert len(row.becomes.split()) > 3
        return
    verbs = {line.verb.value for line in PLATFORM.capabilities}
    for word in re.findall(r"`([a-z]+\.[a-z_.]+)`", row.becomes):
        assert word in verbs or f"tieline.{word}.v1" in PLATFORM.events
    assert row.becomes


@pytest.mark.parametrize("name", samples.names())
def test_the_events_of_a_sample_are_those_of_its_golden_file(name: str) -> None:
    (row,) = [row for row in table() if row.test == f"sample `{name}`"]
    golden = json.loads((samples.GOLDEN / f"{name}.json").read_text(encoding="utf-8"))
    told = {event["type"].removeprefix("tieline.").removesuffix(".v1") for event in golden}

    assert set(re.findall("`(.+?)`", row.becomes)) == told


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_the_verb_of_an_operation_is_the_rows(operation: object) -> None:
    (row,) = [row for row in table() if row.test == f"command `{operation}`"]

    assert row.becomes == f"`{operation.verb.value}`"  # type: ignore[attr-defined]  # an operation has it


async def test_nothing_is_asked_of_the_server_but_what_the_table_says() -> None:
    """A connector with everything switched on reads these resources and no others, and changes none."""
    asked: set[str] = set()

    @web.middleware
    async def watch(request: web.Request, handler: Any) -> web.StreamResponse:
        path = request.path.removeprefix("/api").removeprefix("/v2")
        if request.method != "GET":
            path = f"{request.method} {path}"
        asked.add(path.replace(id_of("Drafts"), "{id}").replace(id_of("Follow-up"), "{id}"))
        response: web.StreamResponse = await handler(request)
        return response

    simulator = Simulator(SimulatorSettings(agents=1, events_per_second=0, supervisors=1))
    simulator.app.middlewares.append(watch)
    settings = {
        "directory": {},
        "workbins": ["*"],
        "statistics": {"objects": [{"kind": "queue", "id": "9001"}]},
    }
    async with simulator, connected_to(simulator.url, **settings) as connector:
        for feed in connector.feeds[1:]:
            await feed.connect(None)
            await feed.receive()
        async with Consumer(connector) as consumer:
            await consumer.connector.snapshot(consumer.feed)

    assert asked == {
        "POST /notifications",
        "POST /workbins/{id}",
        "/me/workbins/{id}/interactions",
        "/me",
        "/services",
        "/v1/stats/9001",
        *(source.path.removeprefix("/api/v2").partition("?")[0] for source in SOURCES.values()),
    }


def test_no_command_provisions() -> None:
    """Users, skills, queues, settings and contacts are made elsewhere: there is no verb for it."""
    assert {verb.family for verb in Verb} == {
        "agent",
        "call",
        "interaction",
        "recording",
        "supervision",
    }
