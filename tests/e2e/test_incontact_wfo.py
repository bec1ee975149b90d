"""inContact WFO as whole processes: the vendor's example through the control API into Kafka, and a kill."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.support import oracle, site
from tests.support.kafka import KafkaBroker
from tests.support.processes import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

ANNA, PHONE = {"agent": "1"}, {"device": "4678"}
EXAMPLE: tuple[tuple[str, dict[str, str], dict[str, Any], str], ...] = (
    ("recording.start", ANNA, {}, "recording.started"),
    ("recording.tag", PHONE, {"tags": {"user2": "1234567890"}}, "recording.tagged"),
    ("recording.pause", ANNA, {}, "recording.paused"),
    ("recording.resume", ANNA, {}, "recording.resumed"),
    ("recording.stop", PHONE, {}, "recording.stopped"),
)


def connector(url: str, **more: Any) -> dict[str, Any]:
    """Polls fast."""
    return {
        "name": "wfo",
        "platform": "incontact_wfo",
        "base_url": url,
        "interval_seconds": 0.5,
        **more,
    }


@pytest.mark.kafka
async def test_the_example_of_the_overview_runs_through_the_api_into_kafka(
    tmp_path: Path, http: aiohttp.ClientSession, kafka: KafkaBroker, topic: str
) -> None:
    """Start, tag, blackout, its end, stop, for agent 1 on extension 4678; each event caused by its command."""
    async with (
        site.platform(
            tmp_path, http, kind="incontact_wfo", events_per_second=0, on_call=[1]
        ) as platform,
        site.gateway(
            tmp_path,
            http,
            {
                "connectors": [connector(platform.url)],
                "sinks": [site.kafka_sink(kafka.bootstrap_servers, topic)],
            },
        ) as gateway,
    ):
        gateway.start()
        await gateway.wait_connected()
        evidence = {}
        for verb, target, arguments, _ in EXAMPLE:
            answer = await gateway.command(verb, target, arguments, connector="wfo")
            assert answer["status"] == "done", answer
            evidence[answer["evidence"]] = answer["id"]
        await gateway.wait_settled("lake")
        records = await kafka.read_topic(topic)
        async with http.get(f"{platform.url}/sim/requests") as reply:
            sent = await reply.json()

    told = [one for one in records if one.headers["ce_type"].startswith(b"tieline.recording.")]
    wanted = [f"tieline.{event}.v1" for _, _, _, event in EXAMPLE]
    assert [one.headers["ce_type"].decode() for one in told] == wanted
    assert {one.key for one in told} == {b"1-1"}
    causes = {one.headers["ce_id"].decode(): one.headers["ce_causationid"].decode() for one in told}
    assert causes == evidence
    assert [one["status"] for one in sent] == [200] * 5
    assert sent[1]["body"] == {
        "AgentIdentifier": "Phone",
        "Value": "4678",
        "CallMetadata": {"user2": "1234567890"},
    }


async def test_after_kills_the_picture_is_right_and_nothing_is_doubled(
    tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    """The calls that the gateway shows are those that the recorder has; a time without a look is a gap."""
    async with (
        site.platform(tmp_path, http, kind="incontact_wfo", events_per_second=20) as platform,
        site.gateway(
            tmp_path,
            http,
            {"connectors": [connector(platform.url)], "sinks": [site.file_sink()]},
        ) as gateway,
    ):
        gateway.start()
        for round_ in range(2):
            await gateway.wait_connected()
            wanted = gateway.lines.count() + 30
            await eventually(
                lambda wanted=wanted: gateway.lines.count() >= wanted,
                f"events of round {round_}",
                timeout_seconds=30,
            )
            gateway.kill()
            gateway.start()
        await gateway.wait_connected()
        await platform.stop_lives()
        async with http.get(f"{platform.url}/sim/agents") as reply:
            agents = await reply.json()
        alive = {f"{agent}-{one['call']}" for agent, one in agents.items() if one["call"]}
        assert alive

        async def shown() -> bool:
            calls = (await gateway.get("/v1/calls"))["items"]
            return {call["call"] for call in calls} == alive

        await eventually(shown, f"calls {sorted(alive)}", timeout_seconds=30)
        assert await gateway.terminate() == 0, gateway.log
        events = gateway.lines.read()

    assert oracle.doubled(events) == []
    gaps = [event for event in events if event.type.startswith("tieline.feed.gap.")]
    assert {event.data.reason for event in gaps} <= {"not_polled"}
