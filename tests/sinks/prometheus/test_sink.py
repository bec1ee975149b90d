from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest
from prometheus_client import CollectorRegistry, Gauge, generate_latest

from gateway.contracts import Sink
from gateway.errors import ConfigError
from gateway.events import StoredEvent
from gateway.picture import Picture
from sinks.prometheus import SINK
from sinks.prometheus.settings import PrometheusSettings
from tests.contract.sink_suite import SinkSuite, batch_of, stored
from tests.support.events import agent_metrics, agent_state, call, group_metrics, queue_metrics
from tests.support.sinks import EmptyPicture, sink_context


class PrometheusHarness:
    """The receiver is a registry, which keeps no events."""

    secrets = ()

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def make(self) -> Sink:
        """A sink with a registry of its own, as after a restart."""
        return SINK.build(PrometheusSettings(), sink_context(self.directory))

    def make_unready(self) -> Sink:
        """A sink whose metrics are shown by another one already."""
        metrics = CollectorRegistry()
        Gauge("tieline_agents", "taken", registry=metrics)
        return SINK.build(PrometheusSettings(), sink_context(self.directory, metrics=metrics))

    async def received(self) -> None:
        """No events are kept."""


class TestPrometheusContract(SinkSuite):
    """The Prometheus sink keeps the contract of sinks."""

    @pytest.fixture
    def harness(self, tmp_path: Path) -> PrometheusHarness:
        """A harness."""
        return PrometheusHarness(tmp_path)


async def agent_lines(tmp_path: Path, *events: StoredEvent, **settings: object) -> list[str]:
    """Lines of `tieline_agent_value` after the events were delivered."""
    metrics = CollectorRegistry()
    chosen = PrometheusSettings.model_validate(settings)
    sink = SINK.build(chosen, sink_context(tmp_path, metrics=metrics))
    await sink.open()
    await sink.deliver(events)
    lines = generate_latest(metrics).decode().splitlines()
    await sink.close()
    return [line for line in lines if line.startswith("tieline_agent_value{")]


async def test_figures_of_agents_are_shown_of_those_who_are_named_only(tmp_path: Path) -> None:
    events = [
        agent_metrics(1, "kristi", {"calls": 3.0}),
        agent_metrics(2, "sipp", {"calls": 5.0}),
        agent_metrics(3, "kristi", {"calls": 4.0}, window="15 min"),
    ]

    assert await agent_lines(tmp_path, *events) == []
    assert await agent_lines(tmp_path, *events, agents=["kristi"]) == [
        'tieline_agent_value{agent="kristi",connector="gws",value="calls"} 3.0',
        'tieline_agent_value{agent="kristi",connector="gws",value="calls@15 min"} 4.0',
    ]


async def test_figures_of_agents_have_the_ceiling_of_values(tmp_path: Path) -> None:
    many = {f"figure-{number}": 1.0 for number in range(9)}

    lines = await agent_lines(
        tmp_path, agent_metrics(1, "kristi", many), agents=["kristi"], max_values=4
    )

    assert len(lines) == 4


class Many(EmptyPicture):
    """A picture with more queues and values than anybody wants to see."""

    def __init__(self, queues: int, values: int) -> None:
        self.queues, self.values = queues, values

    def queue_values(self) -> Mapping[tuple[str, str, str], float]:
        """Every value is 1."""
        return {
            ("gws", f"queue-{queue}", f"value-{value}"): 1.0
            for queue in range(self.queues)
            for value in range(self.values)
        }


def shown(metrics: CollectorRegistry, name: str) -> dict[tuple[str, ...], float]:
    """The samples of one name by the values of their labels."""
    return {
        tuple(sample.labels.values()): sample.value
        for family in metrics.collect()
        for sample in family.samples
        if sample.name == name
    }


class Alarmed(EmptyPicture):
    """A picture whose alerts a test sets."""

    def __init__(self) -> None:
        self.standing: dict[tuple[str, str], int] = {}

    def alerts_by_rule(self) -> Mapping[tuple[str, str], int]:
        """Those."""
        return self.standing


async def test_alerts_that_stand_are_shown_by_rule_and_fall_back_to_zero(tmp_path: Path) -> None:
    """Rules beyond the bound are added up."""
    metrics, picture = CollectorRegistry(), Alarmed()
    settings = PrometheusSettings(max_queues=2)
    sink = SINK.build(settings, sink_context(tmp_path, metrics=metrics, picture=picture))
    await sink.open()
    picture.standing = {("cc", "Long queue"): 2, ("cc", "No agent"): 1}
    assert shown(metrics, "tieline_alerts") == {("cc", "Long queue"): 2, ("cc", "No agent"): 1}
    picture.standing = {("cc", "A"): 3, ("cc", "B"): 4}
    assert shown(metrics, "tieline_alerts") == {
        ("cc", "Long queue"): 0,
        ("cc", "No agent"): 0,
        ("cc", "other"): 7,
    }
    await sink.close()


async def test_shows_agents_by_state_with_zeros(tmp_path: Path) -> None:
    """A state that nobody is in is 0, not absent: an alert on absence would otherwise fire."""
    picture, metrics = Picture(), CollectorRegistry()
    picture.apply(agent_state(1, "a1", "ready"))
    picture.apply(agent_state(2, "a2", "ready"))
    sink = SINK.build(
        PrometheusSettings(), sink_context(tmp_path, picture=picture, metrics=metrics)
    )
    await sink.open()
    assert shown(metrics, "tieline_agents") == {
        ("gws", "logged_off"): 0,
        ("gws", "not_ready"): 0,
        ("gws", "ready"): 2,
        ("gws", "reserved"): 0,
        ("gws", "busy"): 0,
        ("gws", "after_contact"): 0,
        ("gws", "unknown"): 0,
    }
    picture.apply(agent_state(3, "a2", "busy"))
    assert shown(metrics, "tieline_agents")["gws", "busy"] == 1
    await sink.close()


async def test_shows_calls_by_state_and_direction(tmp_path: Path) -> None:
    """Calls that are alive are counted, all other combinations are 0."""
    picture, metrics = Picture(), CollectorRegistry()
    picture.apply(call(1, "offered", "c1", "a1", direction="inbound"))
    sink = SINK.build(
        PrometheusSettings(), sink_context(tmp_path, picture=picture, metrics=metrics)
    )
    await sink.open()
    calls = shown(metrics, "tieline_calls")
    assert {key for key, value in calls.items() if value} == {("gws", "alerting", "inbound")}
    assert len(calls) == 35
    await sink.close()


async def test_counts_delivered_events_by_type(tmp_path: Path) -> None:
    """Types outside the catalogue are counted together, so that a platform cannot make series."""
    metrics = CollectorRegistry()
    sink = SINK.build(PrometheusSettings(), sink_context(tmp_path, metrics=metrics))
    await sink.open()
    strange = [
        msgspec.structs.replace(stored(position), type=f"strange.{position}")
        for position in range(100, 150)
    ]
    await sink.deliver([*batch_of(5), *strange])
    assert shown(metrics, "tieline_delivered_events_total") == {
        ("gws", "tieline.call.held.v1"): 5,
        ("gws", "other"): 50,
    }
    await sink.close()


async def test_queues_beyond_the_limit_are_added_up(tmp_path: Path) -> None:
    """The series of queues have a ceiling; what is folded is visible as a number."""
    metrics = CollectorRegistry()
    settings = PrometheusSettings(max_queues=3, max_values=2)
    sink = SINK.build(settings, sink_context(tmp_path, picture=Many(10, 5), metrics=metrics))
    await sink.open()
    values = shown(metrics, "tieline_queue_value")
    assert {queue for _, queue, _ in values} == {"queue-0", "queue-1", "queue-2", "other"}
    assert {name for _, _, name in values} == {"value-0", "value-1"}
    assert values["gws", "other", "value-0"] == 7
    assert shown(metrics, "tieline_queues_folded") == {(): 7}
    assert shown(metrics, "tieline_queue_values_hidden") == {(): 3}
    await sink.close()


async def test_a_queue_that_is_shown_stays_shown(tmp_path: Path) -> None:
    """The order in which a platform tells its queues does not make series come and go."""
    picture, metrics = Picture(), CollectorRegistry()
    settings = PrometheusSettings(max_queues=1)
    sink = SINK.build(settings, sink_context(tmp_path, picture=picture, metrics=metrics))
    await sink.open()
    picture.apply(queue_metrics(1, "first", {"waiting": 1.0}))
    shown(metrics, "tieline_queue_value")
    picture.apply(queue_metrics(2, "second", {"waiting": 1.0}))
    picture.apply(queue_metrics(3, "first", {"waiting": 2.0}))
    assert shown(metrics, "tieline_queue_value") == {
        ("gws", "other", "waiting"): 1,
        ("gws", "first", "waiting"): 2,
    }
    await sink.close()


async def test_no_agent_call_or_user_is_in_a_label(tmp_path: Path) -> None:
    """Whatever is in the picture and delivered, the exposition names no person and no call."""
    picture, metrics = Picture(), CollectorRegistry()
    sink = SINK.build(
        PrometheusSettings(), sink_context(tmp_path, picture=picture, metrics=metrics)
    )
    await sink.open()
    events = [
        agent_state(1, "agent-of-secret-name", "ready"),
        call(2, "offered", "call-of-secret-id", "agent-of-secret-name", direction="inbound"),
        call(3, "connected", "call-of-secret-id", "agent-of-secret-name"),
        queue_metrics(4, "support", {"waiting": 2.0}),
    ]
    for event in events:
        picture.apply(event)
    await sink.deliver(events)
    text = generate_latest(metrics).decode()
    assert "support" in text
    assert "secret" not in text
    labels = {
        name for family in metrics.collect() for sample in family.samples for name in sample.labels
    }
    assert labels == {"connector", "state", "direction", "queue", "value", "type"}
    await sink.close()


async def test_the_number_of_series_does_not_grow_with_the_number_of_agents(tmp_path: Path) -> None:
    """Ten agents and a thousand make the same series."""
    sizes = []
    for count in (10, 1000):
        picture, metrics = Picture(), CollectorRegistry()
        sink = SINK.build(
            PrometheusSettings(), sink_context(tmp_path, picture=picture, metrics=metrics)
        )
        await sink.open()
        for number in range(count):
            picture.apply(agent_state(2 * number + 1, f"a{number}", "ready"))
            picture.apply(call(2 * number + 2, "offered", f"c{number}", f"a{number}"))
        sizes.append(sum(len(family.samples) for family in metrics.collect()))
        await sink.close()
    assert sizes[0] == sizes[1]


async def test_a_closed_sink_shows_nothing(tmp_path: Path) -> None:
    """After close the registry is as it was, and the sink can be opened again."""
    metrics = CollectorRegistry()
    sink = SINK.build(PrometheusSettings(), sink_context(tmp_path, metrics=metrics))
    await sink.open()
    await sink.open()
    await sink.close()
    assert generate_latest(metrics) == b""
    await sink.open()
    assert generate_latest(metrics) != b""
    await sink.close()


async def test_two_sinks_cannot_show_the_same(tmp_path: Path) -> None:
    """The second is told so, and the first goes on."""
    metrics = CollectorRegistry()
    first = SINK.build(PrometheusSettings(), sink_context(tmp_path, metrics=metrics))
    second = SINK.build(PrometheusSettings(), sink_context(tmp_path, metrics=metrics))
    await first.open()
    with pytest.raises(ConfigError, match="configure one sink of this kind"):
        await second.open()
    await second.close()
    assert generate_latest(metrics) != b""
    await first.close()


async def test_skills_and_teams_are_shown_up_to_a_limit_of_their_own(tmp_path: Path) -> None:
    """A figure of a skill has a series by kind and name; groups beyond the limit have none."""
    picture, metrics = Picture(), CollectorRegistry()
    settings = PrometheusSettings(max_queues=2)
    sink = SINK.build(settings, sink_context(tmp_path, picture=picture, metrics=metrics))
    await sink.open()
    picture.apply(group_metrics(1, "skill", "Billing", {"waiting": 3.0}))
    picture.apply(group_metrics(2, "team", "Billing", {"waiting": 4.0}))
    picture.apply(group_metrics(3, "skill", "Sales", {"waiting": 5.0}))
    assert shown(metrics, "tieline_group_value") == {
        ("gws", "skill", "Billing", "waiting"): 3.0,
        ("gws", "team", "Billing", "waiting"): 4.0,
    }
    await sink.close()
