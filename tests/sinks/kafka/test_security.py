"""Brokers that want a password or TLS, and rights that are taken away and given back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.errors import AuthRejected, ConnectionFailed, NotReady, Reason
from sinks.kafka.sink import KafkaSink
from tests.contract.sink_suite import batch_of, by_key
from tests.sinks.kafka import secured
from tests.sinks.kafka.secured import PASSWORD, USER, Permission, Resource, SecuredBroker
from tests.sinks.kafka.test_outages import keyed
from tests.support import oracle, site
from tests.support.processes import eventually

pytestmark = pytest.mark.kafka

MakeSink = Callable[..., KafkaSink]


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredBroker]:
    """One broker for all tests of this file."""
    yield from secured.started(tmp_path_factory.mktemp("secured"))


@pytest.fixture
async def topics(secure: SecuredBroker, topic: str) -> str:
    """The topic of the test, and all rights for the user."""
    await secure.broker.create_topic(topic, partitions=3)
    instance = f"journal-of-{topic}"
    for resource, name in (
        (Resource.TOPIC, topic),
        (Resource.GROUP, f"tieline-sink-{instance}-lake"),
        (Resource.TRANSACTIONAL_ID, f"tieline-{instance}-lake"),
    ):
        await secure.rule(Permission.ALLOW, resource, name)
    return topic


def login(mechanism: str = "SCRAM-SHA-512", **changed: str) -> dict[str, Any]:
    return {"mechanism": mechanism, "username": USER, "password": PASSWORD, **changed}


@pytest.mark.parametrize(
    ("listener", "mechanism", "tls"),
    [
        ("sasl", "SCRAM-SHA-512", False),
        ("sasl_tls", "SCRAM-SHA-512", True),
        ("sasl_tls", "PLAIN", True),
    ],
)
async def test_events_arrive_over_a_listener_that_wants_a_login(
    secure: SecuredBroker,
    topics: str,
    make_sink: MakeSink,
    listener: str,
    mechanism: str,
    tls: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    settings = {"tls": {"ca_file": secure.ca_file}} if tls else {}
    sink = make_sink(
        getattr(secure, listener), sasl=login(mechanism), create_topics=None, **settings
    )
    events = batch_of(20)
    await sink.open()
    assert (await sink.deliver(events)).settled == 20
    assert keyed(await secure.broker.read_topic(topics)) == by_key(events)


async def test_events_arrive_over_tls_without_a_login(
    secure: SecuredBroker, topics: str, make_sink: MakeSink
) -> None:
    sink = make_sink(secure.tls, tls={"ca_file": secure.ca_file}, create_topics=None)
    events = batch_of(20)
    await sink.open()
    assert (await sink.deliver(events)).settled == 20
    assert keyed(await secure.broker.read_topic(topics)) == by_key(events)


async def test_a_wrong_password_is_told_from_everything_else(
    secure: SecuredBroker, topics: str, make_sink: MakeSink
) -> None:
    sink = make_sink(secure.sasl, sasl=login(password="wrong"), create_topics=None)
    with pytest.raises(AuthRejected) as caught:
        await sink.open()
    assert caught.value.reason is Reason.AUTH
    assert "wrong" not in str(caught.value)
    assert topics not in caught.value.hint


async def test_an_authority_that_is_not_trusted_is_told_with_the_setting(
    secure: SecuredBroker, make_sink: MakeSink
) -> None:
    sink = make_sink(secure.tls, tls={}, create_topics=None)
    with pytest.raises(NotReady) as caught:
        await sink.open()
    assert caught.value.reason is Reason.TLS
    assert "tls.ca_file" in caught.value.hint


@pytest.mark.parametrize("resource", [Resource.TOPIC, Resource.TRANSACTIONAL_ID, Resource.GROUP])
async def test_rights_that_are_lost_and_regained_lose_and_double_nothing(
    secure: SecuredBroker, topics: str, make_sink: MakeSink, resource: Resource
) -> None:
    """While they are missing every attempt says so; what comes afterwards goes on behind what arrived."""
    instance = f"journal-of-{topics}"
    name = {
        Resource.TOPIC: topics,
        Resource.TRANSACTIONAL_ID: f"tieline-{instance}-lake",
        Resource.GROUP: f"tieline-sink-{instance}-lake",
    }[resource]
    sink = make_sink(secure.sasl, sasl=login(), create_topics=None, delivery_timeout_seconds=5)
    events = batch_of(60)
    await sink.open()
    assert (await sink.deliver(events[:20])).settled == 20
    await secure.rule(Permission.DENY, resource, name)
    refused = [await _refusal(sink, events[20:40]) for _ in range(2)]
    assert {error.reason for error in refused} == {Reason.FORBIDDEN}
    assert all(isinstance(error, AuthRejected) for error in refused)
    await secure.lift(resource, name)
    held = await _opened(sink)
    rest = [event for event in events if held is None or event.position > held]
    assert rest == events[20:]
    assert (await sink.deliver(rest)).settled == 40
    assert keyed(await secure.broker.read_topic(topics)) == by_key(events)


@pytest.mark.e2e
@pytest.mark.timeout(180)
async def test_a_password_that_changes_while_events_flow_loses_nothing(
    secure: SecuredBroker, topics: str, tmp_path: Path
) -> None:
    """First to a wrong one, which holds back this sink alone and is told without it; then to the broker's new one."""
    wrong, new = "no-password-of-the-broker", "battery-staple"
    file = tmp_path / "password"
    file.write_text(PASSWORD)
    lake = site.kafka_sink(secure.sasl, topics, instance=f"journal-of-{topics}", create_topics=None)
    lake["sasl"] = login() | {"password": {"file": "password"}}
    async with (
        aiohttp.ClientSession() as http,
        site.platform(tmp_path, http, agents=4, events_per_second=50, ack=True) as platform,
        site.gateway(
            tmp_path,
            http,
            {
                "gateway": {"secret_check_seconds": 0.2},
                "connectors": [site.connector(platform.url, 4)],
                "sinks": [site.file_sink(), lake],
            },
        ) as gateway,
    ):

        async def refused() -> bool:
            # While the sink is exchanged it is not found.
            error = (await gateway.get("/v1/sinks/lake")).get("last_error")
            return error is not None and error["reason"] == Reason.AUTH

        async def more_in_kafka() -> bool:
            return await gateway.settled("lake") > before + 100

        gateway.start()
        await gateway.wait_fed()
        before = 0.0
        await eventually(more_in_kafka, "events in Kafka", timeout_seconds=60.0)
        file.write_text(wrong)
        await eventually(refused, "the wrong password is told", timeout_seconds=60.0)
        in_file = gateway.lines.count()
        await eventually(
            lambda: gateway.lines.count() > in_file + 50, "the file goes on", timeout_seconds=60.0
        )
        await asyncio.to_thread(secure.broker.change_password, USER, new)
        try:
            file.write_text(new)
            before = await gateway.settled("lake")
            await eventually(more_in_kafka, "events after the change", timeout_seconds=60.0)
            await platform.stop_lives()
            published = await platform.arrived(gateway.lines.read)
            await gateway.wait_settled("lake")
        finally:
            await asyncio.to_thread(secure.broker.change_password, USER, PASSWORD)
        in_topic = await oracle.read_topic(secure.broker, topics)
        assert [one.id for one in published if not one.resumable] == []
        assert oracle.doubled(in_topic) == []
        assert {event.id for event in in_topic} == {event.id for event in gateway.lines.read()}
        assert not [word for word in (PASSWORD, wrong, new) if word in gateway.log]


async def _refusal(sink: KafkaSink, events: list[Any]) -> ConnectionFailed:
    """The error of the next attempt that fails; rules reach the broker a moment after they were made."""
    async with asyncio.timeout(20):
        while True:
            try:
                await sink.open()
                await sink.deliver(events[:0])
                await sink.deliver(events)
            except ConnectionFailed as error:
                return error
            pytest.fail("events were taken that are forbidden")


async def _opened(sink: KafkaSink) -> int | None:
    """Open once the rights are back."""
    async with asyncio.timeout(20):
        while True:
            try:
                return await sink.open()
            except ConnectionFailed:
                await asyncio.sleep(0.1)
