"""What every test may use, and the rule that a test which needs a peer is never skipped in CI."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

from tests.support.kafka import KafkaBroker
from tests.support.peers import installed

NEED_PEERS = ("kafka", "peers")
NEVER_SKIPPED_IN_CI = (*NEED_PEERS, "e2e")

SLOW_MODULES = (
    "connectors/*/test_commands_confirmed.py",
    "connectors/*/test_connector.py",
    "connectors/*/test_contract.py",
    "connectors/*/test_interruptions.py",
    "connectors/*/test_*garbage.py",
    "connectors/*/test_simulator*.py",
    "connectors/_simulation/test_signalr_server.py",
    "connectors/_wire/signalr/test_client.py",
    "connectors/_wire/signalr/test_refusals.py",
    "connectors/_wire/signalr/test_simulated_server.py",
    "connectors/_wire/test_long_polling.py",
    "connectors/_wire/test_upload.py",
    "connectors/clarity_connect/test_auth.py",
    "connectors/clarity_connect/test_gaps.py",
    "connectors/clarity_connect/test_keeping.py",
    "connectors/clarity_connect/test_refusals.py",
    "connectors/genesys_engage_cloud/test_feeds.py",
    "connectors/genesys_web_services/test_command_operations.py",
    "connectors/genesys_web_services/test_statistics.py",
    "connectors/genesys_web_services/test_topics.py",
    "connectors/nice_incontact/test_oracle.py",
    "connectors/nice_incontact/test_polls.py",
    "connectors/nice_incontact/test_sessions.py",
    "fuzz/test_targets.py",
    "gateway/api/test_schemathesis.py",
    "gateway/cli/test_asking.py",
    "gateway/journal/test_crashes.py",
    "gateway/journal/test_faults.py",
    "gateway/journal/test_model.py",
    "gateway/tracing/test_sdk.py",
    "proofs/test_*.py",
    "support/test_skipping.py",
)
"""Whole connectors and simulators over real sockets, and long searches for garbage; `*` also stands for folders."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what the inner loop of `make check` leaves to `make test`."""
    here = Path(__file__).parent
    slow = {
        path
        for path in {item.path for item in items}
        if path.is_relative_to(here)
        and any(fnmatch(path.relative_to(here).as_posix(), module) for module in SLOW_MODULES)
    }
    for item in items:
        if item.path in slow:
            item.add_marker("slow")


def in_ci() -> bool:
    """Whether this run decides on a change."""
    return os.environ.get("CI", "").lower() in {"1", "true"}


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Without its peers a marked test fails in CI; elsewhere it is skipped and says what to do."""
    needed = [name for name in NEED_PEERS if item.get_closest_marker(name)]
    if needed and not installed():
        reason = f"needs the peers for marker {needed[0]}: run `make peers`"
        if in_ci():
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI a skip of a marked test, from wherever it comes, is a failure.

    A test that fails with the shared broker shows the end of the broker's log.
    """
    report = yield
    broker = getattr(item, "funcargs", {}).get("kafka")
    if report.failed and isinstance(broker, KafkaBroker):
        report.sections.append(("Kafka broker", broker.log))
    marked = any(item.get_closest_marker(name) for name in NEVER_SKIPPED_IN_CI)
    if report.skipped and marked and in_ci():
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} may not be skipped in CI: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    """One broker for the whole run: give each test topics of its own, and leave it running.

    A test that kills its broker starts one for itself: `async with KafkaBroker(tmp_path)`.
    """
    broker = KafkaBroker(tmp_path_factory.mktemp("kafka"))
    broker.start_blocking()
    try:
        yield broker
    finally:
        broker.kill_blocking()


@pytest.fixture
def topic(request: pytest.FixtureRequest) -> str:
    """A topic name that no other test of this run has; the topic is not created."""
    name: str = request.node.name
    safe = "".join(character if character.isalnum() else "-" for character in name)
    return f"{safe[:120]}-{os.urandom(4).hex()}"
