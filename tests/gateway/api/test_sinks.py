"""Sinks and dead letters over HTTP, with real dispatchers behind the API."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from prometheus_client import CollectorRegistry
from yarl import URL

from gateway.contracts import Refusal, Report, Setback, SinkTraits
from gateway.delivery.policy import DispatchPolicy
from gateway.dispatcher import Dispatcher
from gateway.errors import Reason
from gateway.filters import EventFilter
from gateway.masking import Masker
from gateway.telemetry import Telemetry
from tests.gateway.api.conftest import Serve
from tests.support.clock import LeapingClock
from tests.support.fake_runtime import FakeRuntime
from tests.support.scripted import RecordingSink, call_event
from tests.support.waiting import until

REFUSED = Refusal(index=0, reason=Reason.CLIENT_ERROR, message="no such customer")


@dataclass
class Site:
    """Two sinks at work, `crm` and `lake`, and a client of the API."""

    client: aiohttp.ClientSession
    runtime: FakeRuntime
    crm: RecordingSink
    lake: RecordingSink

    async def append(self, *numbers: int) -> None:
        """One event for each number."""
        await self.runtime.journal.append("f", [call_event(number) for number in numbers], None)

    async def get(self, path: str, status: int = 200) -> Any:
        """The answer."""
        async with self.client.get(path) as response:
            assert response.status == status, await response.text()
            return await response.json(content_type=None)

    async def post(self, path: str, body: Any = None, status: int = 200) -> Any:
        """The answer; None for a body sends none."""
        async with self.client.post(path, json=body) as response:
            assert response.status == status, await response.text()
            return await response.json(content_type=None)

    async def settled(self, position: int) -> None:
        """Wait until both sinks are there."""
        await until(
            lambda: all(
                self.runtime.sinks.view(name).position == position for name in ("crm", "lake")
            )
        )


@pytest.fixture
async def site(serve: Serve, runtime: FakeRuntime) -> AsyncIterator[Site]:
    found = Site(await serve(), runtime, RecordingSink(), RecordingSink())
    async with running(runtime, crm=found.crm, lake=found.lake):
        yield found


@asynccontextmanager
async def running(runtime: FakeRuntime, **sinks: RecordingSink) -> AsyncIterator[None]:
    """Dispatchers over the runtime's journal."""
    telemetry = Telemetry(CollectorRegistry())
    dispatchers = [
        Dispatcher(
            name,
            sink,
            accepts=EventFilter(),
            mask=Masker(()),
            traits=SinkTraits(),
            journal=runtime.journal,
            telemetry=telemetry,
            clock=LeapingClock(),
            policy=DispatchPolicy(),
        )
        for name, sink in sinks.items()
    ]
    runtime.sinks._dispatchers.update({one.name: one for one in dispatchers})
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(one.run(), name=one.name) for one in dispatchers]
        yield
        for task in running:
            task.cancel()


async def test_sinks_say_where_they_are(site: Site) -> None:
    """Position, lag, counts and state, in the order of the configuration."""
    await site.append(1, 2)
    await site.settled(2)
    crm, lake = (await site.get("/v1/sinks"))["items"]
    assert (crm["name"], lake["name"]) == ("crm", "lake")
    assert (crm["state"], crm["position"], crm["lag"], crm["delivered"]) == ("delivering", 2, 0, 2)
    assert await site.get("/v1/sinks/crm") == crm


async def test_a_failing_sink_says_why_and_when_it_is_tried_again(site: Site) -> None:
    """And shows how far it is behind."""
    held = asyncio.Event()

    async def stand(_seconds: float) -> None:
        await held.wait()

    dispatcher = site.runtime.sinks._dispatchers["crm"]
    dispatcher._clock.sleep = stand  # type: ignore[method-assign]  # the pause shall last
    site.crm.script = [
        Report(settled=0, setback=Setback(reason=Reason.SERVER_ERROR, message="500 from crm"))
    ]
    await site.append(1)
    await until(lambda: dispatcher.last_error)
    shown = await site.get("/v1/sinks/crm")
    assert (shown["state"], shown["lag"], shown["failures"]) == ("failing", 1, 1)
    assert shown["last_error"]["message"] == "500 from crm"
    assert shown["next_try"] is not None
    held.set()


async def test_a_sink_is_paused_and_resumed(site: Site) -> None:
    """It is offered nothing meanwhile, the other one everything; both acts are audited."""
    assert (await site.post("/v1/sinks/crm/pause"))["state"] == "paused"
    await site.append(1)
    await until(lambda: len(site.lake.taken) == 1)
    assert site.crm.taken == []
    assert (await site.get("/v1/sinks/crm"))["lag"] == 1
    await site.post("/v1/sinks/crm/resume")
    await until(lambda: len(site.crm.taken) == 1)
    assert [(act.act, act.object, act.outcome) for act in site.runtime.acts] == [
        ("sink.pause", "sink/crm", "done"),
        ("sink.resume", "sink/crm", "done"),
    ]


async def test_one_sink_is_offered_events_once_more_from_a_position(site: Site) -> None:
    """Only that sink, and only what lies behind the position."""
    await site.append(1, 2, 3)
    await site.settled(3)
    told = await site.post("/v1/sinks/crm/replay", {"since": 1})
    assert told == {"sink": "crm", "position": 1, "repeating_to": 3}
    await until(lambda: len(site.crm.taken) == 5)
    assert [event.sequence for event in site.crm.taken] == [1, 2, 3, 2, 3]
    assert len(site.lake.taken) == 3


async def test_one_sink_is_offered_events_once_more_from_a_time(site: Site) -> None:
    """By when the gateway recorded them."""
    await site.append(1, 2)
    await site.settled(2)
    told = await site.post("/v1/sinks/crm/replay", {"since": "2020-01-01T00:00:00Z"})
    assert told["position"] == 0
    await until(lambda: len(site.crm.taken) == 4)


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        ({}, 422, "invalid-request"),
        ({"since": 99}, 409, "not-in-journal"),
        ({"since": -1}, 422, "invalid-request"),
        ({"since": 0.5}, 422, "invalid-request"),
        ({"since": "yesterday"}, 422, "invalid-request"),
        ({"since": "2026-01-01T00:00:00"}, 422, "invalid-request"),
        ({"from": 1}, 422, "invalid-request"),
    ],
)
async def test_a_replay_from_nowhere_is_refused(
    site: Site, body: Any, status: int, kind: str
) -> None:
    """And nothing is offered again."""
    await site.append(1)
    await site.settled(1)
    problem = await site.post("/v1/sinks/crm/replay", body, status)
    assert problem["type"] == f"urn:tieline:problem:{kind}"
    assert len(site.crm.taken) == 1


async def test_a_replay_that_has_to_wait_says_so(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """202 while a delivery is under way, 409 for another wish meanwhile; then it happens."""
    monkeypatch.setattr("gateway.api.sink_views._BEGIN_SECONDS", 0.05)
    await site.append(1)
    await site.settled(1)
    begun, release = asyncio.Event(), asyncio.Event()
    deliver = site.crm.deliver

    async def slowly(batch: Any) -> Report:
        begun.set()
        await release.wait()
        return await deliver(batch)

    monkeypatch.setattr(site.crm, "deliver", slowly)
    await site.append(2)
    async with asyncio.timeout(20):
        await begun.wait()
    told = await site.post("/v1/sinks/crm/replay", {"since": 0}, 202)
    assert told["position"] is None
    problem = await site.post("/v1/sinks/crm/replay", {"since": 0}, 409)
    assert problem["type"] == "urn:tieline:problem:replay-pending"
    release.set()
    await until(lambda: [event.sequence for event in site.crm.taken][-2:] == [1, 2])


async def test_dead_letters_are_listed_in_pages_and_looked_into(site: Site) -> None:
    """With why and when; the event is whole."""
    await bury(site, 1, 2, 3)
    listed = await site.get("/v1/dead-letters?sink=crm&limit=2")
    assert [(one["sink"], one["reason"]) for one in listed["items"]] == [
        ("crm", "client_error"),
        ("crm", "client_error"),
    ]
    url = URL("/v1/dead-letters").with_query(limit=2, cursor=listed["next"])
    rest = await site.get(str(url))
    assert (len(rest["items"]), rest["next"]) == (1, None)
    letter = await site.get(f"/v1/dead-letters/{listed['items'][0]['id']}")
    assert letter["message"] == "no such customer"
    assert letter["event"]["data"]["call"] == "c1"
    assert (await site.get("/v1/dead-letters?sink=lake"))["items"] == []
    await site.get("/v1/dead-letters/999", 404)


async def test_a_dead_letter_is_sent_again(site: Site) -> None:
    """It is no longer listed, its end is on record, and a second request settles nothing."""
    (number,) = await bury(site, 1)
    before = len(site.crm.taken)
    body = {"ids": [number, 999, number]}
    assert await site.post("/v1/dead-letters/replay", body) == {"settled": 1}
    await until(lambda: len(site.crm.taken) == before + 1)
    assert (await site.get("/v1/dead-letters"))["items"] == []
    letter = await site.get(f"/v1/dead-letters/{number}")
    assert (letter["state"], letter["settled_by"]) == ("replayed", "local")
    assert (await site.post("/v1/dead-letters/replay", body))["settled"] == 0


async def test_a_dead_letter_is_given_up_for_a_reason(site: Site) -> None:
    """The note stays with the letter; the act is audited with it."""
    (number,) = await bury(site, 1)
    body = {"ids": [number], "note": "customer was deleted"}
    assert (await site.post("/v1/dead-letters/discard", body))["settled"] == 1
    letter = await site.get(f"/v1/dead-letters/{number}")
    assert (letter["state"], letter["note"]) == ("discarded", "customer was deleted")
    (act,) = site.runtime.acts
    assert (act.act, act.outcome) == ("dead_letters.discard", "done")
    assert act.details["note"] == "customer was deleted"


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("replay", {"ids": []}, "ids"),
        ("replay", {"ids": [0]}, "ids"),
        ("replay", {"ids": [1.5]}, "ids"),
        ("discard", {"ids": [1], "note": ""}, "note"),
        ("discard", {"ids": [1]}, ""),
    ],
)
async def test_what_is_wrong_with_a_request_is_named(
    site: Site, path: str, body: Any, field: str
) -> None:
    """By its field; nothing is settled."""
    problem = await site.post(f"/v1/dead-letters/{path}", body, 422)
    assert problem["errors"][0]["field"].startswith(field)


@pytest.mark.parametrize("path", ["", "/pause", "/resume", "/replay"])
async def test_a_sink_that_does_not_exist_is_not_found(site: Site, path: str) -> None:
    """The problem says which there are."""
    if path:
        problem = await site.post(f"/v1/sinks/nobody{path}", {"since": 0}, 404)
    else:
        problem = await site.get("/v1/sinks/nobody", 404)
    assert problem["detail"] == "name: there is no sink 'nobody'; there are: crm, lake"


async def test_letters_of_a_sink_that_is_no_more_can_only_be_given_up(site: Site) -> None:
    """Nobody could send them; they are listed until somebody says that they do not matter."""
    (number,) = await bury(site, 1)
    del site.runtime.sinks._dispatchers["crm"]
    assert (await site.post("/v1/dead-letters/replay", {"ids": [number]}))["settled"] == 0
    assert len((await site.get("/v1/dead-letters"))["items"]) == 1
    body = {"ids": [number], "note": "the sink was removed"}
    assert (await site.post("/v1/dead-letters/discard", body))["settled"] == 1


async def test_a_whole_number_may_be_written_with_a_point(site: Site) -> None:
    """JSON knows one kind of number."""
    (number,) = await bury(site, 1)
    assert (await site.post("/v1/dead-letters/replay", {"ids": [float(number)]}))["settled"] == 1


async def bury(site: Site, *numbers: int) -> list[int]:
    """Let the receiver refuse events for good; the ids of their letters.

    Each is told in the journal, which both sinks get before the next one.
    """
    for at, number in enumerate(numbers, 1):
        site.crm.script.append(Report(settled=1, refused=(REFUSED,)))
        await site.append(number)
        await site.settled(2 * at)
    return [one["id"] for one in (await site.get("/v1/dead-letters?sink=crm"))["items"]]
