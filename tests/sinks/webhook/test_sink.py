from __future__ import annotations

import asyncio
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web
from standardwebhooks import Webhook

from gateway.clock import Clock, SystemClock
from gateway.contracts import KeyedSink, Report, Sink
from gateway.errors import ConfigError, Reason
from gateway.events import Envelope
from sinks.webhook import SINK
from sinks.webhook.settings import WebhookSettings
from tests.contract.sink_suite import batch_of, ids, stored
from tests.sinks.webhook.receiver import OLD_SECRET, SECRET, Receiver
from tests.support.clock import LeapingClock
from tests.support.sinks import sink_context

Make = Callable[..., Sink]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A receiver that takes everything."""
    async with Receiver() as receiver:
        yield receiver


@pytest.fixture
async def make(receiver: Receiver, tmp_path: Path) -> AsyncIterator[Make]:
    """Builds sinks for the receiver and closes them in the end."""
    sinks: list[Sink] = []

    def make(clock: Clock | None = None, **settings: object) -> Sink:
        model = WebhookSettings.model_validate(
            {"url": receiver.url, "secret": SECRET, "allow_private": True, **settings}
        )
        sinks.append(SINK.build(model, sink_context(tmp_path, clock=clock or SystemClock())))
        return sinks[-1]

    yield make
    for sink in sinks:
        await sink.close()


async def deliver_one(sink: Sink) -> Report:
    """Open and deliver a single event."""
    await sink.open()
    return await sink.deliver([stored(1)])


def reason(report: Report) -> Reason:
    assert report.settled == 0
    assert report.setback is not None
    return report.setback.reason


async def test_a_request_is_a_signed_cloudevent(receiver: Receiver, make: Make) -> None:
    """Media type, id, signature and body are what the two specifications say."""
    event = stored(1)
    assert (await deliver_one(make())).settled == 1
    request, body = receiver.requests[0], receiver.bodies[0]
    assert request.headers["Content-Type"] == "application/cloudevents+json; charset=utf-8"
    assert request.headers["webhook-id"] == event.envelope.id
    assert body == event.structured()
    assert msgspec.json.decode(body, type=Envelope).id == event.envelope.id
    Webhook(SECRET).verify(body, dict(request.headers))


async def test_old_and_new_secret_both_verify(receiver: Receiver, make: Make) -> None:
    """While a secret is changed, a receiver with either can verify."""
    assert (await deliver_one(make(previous_secrets=[OLD_SECRET]))).settled == 1
    headers = dict(receiver.requests[0].headers)
    assert len(headers["webhook-signature"].split(" ")) == 2
    for secret in (SECRET, OLD_SECRET):
        Webhook(secret).verify(receiver.bodies[0], headers)


async def test_unsigned_requests_have_no_signature(receiver: Receiver, make: Make) -> None:
    """Without a secret there is an id and a time, and nothing that looks like a signature."""
    receiver.verifier = None
    assert (await deliver_one(make(secret=None, unsigned=True))).settled == 1
    assert "webhook-signature" not in receiver.requests[0].headers
    assert "webhook-id" in receiver.requests[0].headers


async def test_configured_headers_are_sent(receiver: Receiver, make: Make) -> None:
    """A receiver that wants a token gets it."""
    await deliver_one(make(headers={"Authorization": "Bearer abc"}))
    assert receiver.requests[0].headers["Authorization"] == "Bearer abc"


async def test_a_batched_request_holds_an_array(receiver: Receiver, make: Make) -> None:
    """Several events go in one request, in order, with a name of its own."""
    sink, events = make(mode="batched", batch_events=4), batch_of(10)
    await sink.open()
    assert (await sink.deliver(events)).settled == 10
    kinds = {request.headers["Content-Type"] for request in receiver.requests}
    assert kinds == {"application/cloudevents-batch+json; charset=utf-8"}
    assert [len(msgspec.json.decode(body)) for body in receiver.bodies] == [4, 4, 2]
    assert receiver.attempts == ids(events)
    assert len({request.headers["webhook-id"] for request in receiver.requests}) == 3


async def test_keys_go_at_the_same_time_up_to_the_limit(receiver: Receiver, make: Make) -> None:
    """Different keys are posted concurrently, never more than `concurrency`."""
    sink = make(concurrency=3)
    await sink.open()
    receiver.released.clear()
    delivery = asyncio.create_task(sink.deliver(batch_of(10, keys=10)), name="delivery")
    await receiver.until(lambda: receiver.together == 3)
    receiver.released.set()
    assert (await delivery).settled == 10
    assert receiver.together == 3


async def test_one_key_goes_one_at_a_time(receiver: Receiver, make: Make) -> None:
    """Events of one key never overtake each other."""
    sink, events = make(), batch_of(10, keys=1)
    await sink.open()
    assert (await sink.deliver(events)).settled == 10
    assert receiver.together == 1
    assert receiver.attempts == ids(events)


async def test_a_failing_key_holds_back_only_itself(receiver: Receiver, make: Make) -> None:
    """A server error at one key: the other keys of the batch arrive once, and are not posted again."""
    sink, events = make(), batch_of(12, keys=3)
    bad = events[1].envelope.partitionkey
    receiver.answer = lambda event: 500 if event["partitionkey"] == bad else 200
    await sink.open()
    report = await sink.deliver(events)
    assert (report.settled, report.setback) == (12, None)
    assert [hold.index for hold in report.held] == [1, 4, 7, 10]
    first, *behind = [hold.setback for hold in report.held]
    assert first is not None
    assert first.reason is Reason.SERVER_ERROR
    assert behind == [None, None, None]
    others = [event for event in events if event.envelope.partitionkey != bad]
    assert sorted(event["id"] for event in receiver.taken) == sorted(ids(others))
    assert receiver.attempts.count(events[1].envelope.id) == 1


@pytest.mark.parametrize("status", [500, 409, 400, 503])
async def test_a_held_event_alone_is_judged_like_any(
    receiver: Receiver, make: Make, status: int
) -> None:
    """It is held on, refused, or the receiver takes nothing now."""
    sink, (event,) = make(), batch_of(1)
    assert isinstance(sink, KeyedSink)
    await sink.open()
    receiver.answer = lambda _: status
    report = await sink.deliver_one(event)
    found = (report.settled, len(report.refused), len(report.held), report.setback is not None)
    assert found == {400: (1, 1, 0, False), 503: (0, 0, 0, True)}.get(status, (1, 0, 1, False))
    receiver.answer = lambda _: 200
    assert await sink.deliver_one(event) == Report(settled=1)


async def test_a_held_event_that_is_too_large_is_refused_without_being_sent(
    receiver: Receiver, make: Make
) -> None:
    sink, event = make(max_event_bytes=1024), stored(1, padding=5000)
    assert isinstance(sink, KeyedSink)
    await sink.open()
    assert len((await sink.deliver_one(event)).refused) == 1
    assert receiver.attempts == []


async def test_in_batches_a_failing_key_is_found_and_all_others_arrive(
    receiver: Receiver, make: Make
) -> None:
    """The request is halved until the key stands alone; its later events are not sent, all others once."""
    sink, events = make(mode="batched"), batch_of(12, keys=3)
    bad = events[1].envelope.partitionkey

    def answer(event: dict[str, Any]) -> int:
        return 500 if event["partitionkey"] == bad else 200

    receiver.answer = answer
    await sink.open()
    report = await sink.deliver(events)
    assert (report.settled, report.setback) == (12, None)
    assert [hold.index for hold in report.held] == [1, 4, 7, 10]
    others = [event for event in events if event.envelope.partitionkey != bad]
    assert sorted(event["id"] for event in receiver.taken) == sorted(ids(others))


async def test_requests_keep_to_a_rate(receiver: Receiver, make: Make) -> None:
    """Four requests at two a second wait for their turns, at whatever concurrency."""
    clock = LeapingClock(datetime.now(UTC))
    sink = make(clock, max_requests_per_second=2)
    await sink.open()
    assert (await sink.deliver(batch_of(4, keys=4))).settled == 4
    assert clock.monotonic() >= 1.5
    assert len(receiver.taken) == 4


async def test_part_of_a_batch_offered_again_forgets_nothing_of_the_rest(
    receiver: Receiver, make: Make
) -> None:
    """A receiver that comes back is first offered one event; what it took before is not posted again."""
    sink, events = make(concurrency=2), batch_of(4, keys=4)
    first, second = (event.envelope.id for event in events[:2])
    await sink.open()
    receiver.answer = lambda event: 503 if event["id"] == first else 200
    receiver.released.clear()
    async with asyncio.TaskGroup() as tasks:
        delivery = tasks.create_task(sink.deliver(events))
        await receiver.until(lambda: len(receiver.attempts) == 2)
        receiver.released.set()
    assert delivery.result().settled == 0
    assert [event["id"] for event in receiver.taken] == [second]
    receiver.answer = lambda _: 200
    assert (await sink.deliver(events[:1])).settled == 1
    assert (await sink.deliver(events[1:])).settled == 3
    assert receiver.attempts.count(second) == 1


async def test_a_receiver_that_only_fails_is_left_alone(receiver: Receiver, make: Make) -> None:
    """After a few server errors in a row no further key is tried in this delivery."""
    receiver.answer = lambda _: 500
    sink = make(concurrency=1)
    await sink.open()
    assert reason(await sink.deliver(batch_of(100, keys=100))) is Reason.SERVER_ERROR
    assert len(receiver.attempts) == 5


async def test_not_now_stops_the_delivery(receiver: Receiver, make: Make) -> None:
    """After 503 nothing more is posted, whatever its key, and the wait that was asked for is reported."""
    receiver.answer = lambda _: web.Response(status=503, headers={"Retry-After": "21"})
    sink = make(concurrency=1)
    await sink.open()
    report = await sink.deliver(batch_of(10, keys=10))
    assert len(receiver.attempts) == 1
    assert reason(report) is Reason.SERVER_ERROR
    assert report.setback is not None
    assert report.setback.retry_after_seconds == 21


async def test_retry_after_as_a_date_is_understood(receiver: Receiver, make: Make) -> None:
    """An HTTP date becomes seconds from now."""
    later = datetime.fromtimestamp(datetime.now(UTC).timestamp() + 100, UTC)
    headers = {"Retry-After": format_datetime(later, usegmt=True)}
    receiver.answer = lambda _: web.Response(status=429, headers=headers)
    report = await deliver_one(make())
    assert reason(report) is Reason.RATE_LIMITED
    assert report.setback is not None
    assert report.setback.retry_after_seconds == pytest.approx(100, abs=10)


async def test_a_refused_event_can_be_offered_again(receiver: Receiver, make: Make) -> None:
    """A dead letter that an operator replays is posted, not refused from memory."""
    sink, event = make(), stored(1)
    await sink.open()
    receiver.answer = lambda _: 422
    assert len((await sink.deliver([event])).refused) == 1
    receiver.answer = lambda _: 200
    assert await sink.deliver([event]) == Report(settled=1)


async def test_a_refused_batch_is_halved_to_the_culprit(receiver: Receiver, make: Make) -> None:
    """In mode batched one bad event costs a few requests and nothing else."""
    sink, events = make(mode="batched", batch_events=16), batch_of(16)
    bad = events[5].envelope.id
    receiver.answer = lambda event: 400 if event["id"] == bad else 200
    await sink.open()
    report = await sink.deliver(events)
    assert report.settled == 16
    assert [(refusal.index, refusal.reason) for refusal in report.refused] == [(5, Reason.INVALID)]
    assert sorted(event["id"] for event in receiver.taken) == sorted(set(ids(events)) - {bad})
    assert len(receiver.requests) <= 10


async def test_an_oversized_event_is_refused_without_sending(
    receiver: Receiver, make: Make
) -> None:
    """What is larger than the limit becomes a dead letter, and the rest goes on."""
    sink = make(max_event_bytes=2000)
    await sink.open()
    report = await sink.deliver([stored(1), stored(3, padding=3000), stored(5)])
    assert report.settled == 3
    assert [(r.index, r.reason) for r in report.refused] == [(1, Reason.TOO_LARGE)]
    assert receiver.attempts == ids([stored(1), stored(5)])


async def test_redirects_are_not_followed(receiver: Receiver, make: Make) -> None:
    """A redirect is a failure with a reason of its own, and its target is never asked."""
    receiver.answer = lambda _: web.Response(status=307, headers={"Location": receiver.url})
    assert reason(await deliver_one(make())) is Reason.REDIRECT
    assert len(receiver.requests) == 1


async def test_a_gone_receiver_is_left_alone_for_long(receiver: Receiver, make: Make) -> None:
    """410 stops the delivery and asks for the long pause."""
    receiver.answer = lambda _: 410
    sink = make(concurrency=1, gone_pause_seconds=7200)
    await sink.open()
    report = await sink.deliver(batch_of(10, keys=10))
    assert reason(report) is Reason.GONE
    assert report.setback is not None
    assert report.setback.retry_after_seconds == 7200
    assert len(receiver.attempts) == 1


async def test_a_silent_receiver_runs_into_the_timeout(receiver: Receiver, make: Make) -> None:
    """A request without an answer ends after `timeout_seconds`."""
    receiver.released.clear()
    assert reason(await deliver_one(make(timeout_seconds=0.2))) is Reason.TIMEOUT


async def test_an_endless_answer_is_not_read_to_its_end(receiver: Receiver, make: Make) -> None:
    """A success with a huge body settles the event; the body is cut off."""
    receiver.answer = lambda _: web.Response(body=b"x" * (4 << 20))
    assert (await deliver_one(make())).settled == 1


async def test_nobody_listening_is_told_as_refused(make: Make) -> None:
    """A closed port has its own reason, and the message names the peer without path and query."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/token-in-path"
    report = await deliver_one(make(url=url))
    assert reason(report) is Reason.REFUSED
    assert report.setback is not None
    assert "127.0.0.1" in report.setback.message
    assert "token" not in report.setback.message


async def test_an_answer_that_is_not_http_is_told_as_protocol(make: Make) -> None:
    """Something else listens there."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"220 mail.example.com ESMTP\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        report = await deliver_one(make(url=f"http://127.0.0.1:{port}/"))
    assert reason(report) is Reason.PROTOCOL


async def test_a_closed_connection_is_told_as_reset(make: Make) -> None:
    """The receiver hangs up without an answer."""

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        report = await deliver_one(make(url=f"http://127.0.0.1:{port}/"))
    assert reason(report) is Reason.RESET


async def test_a_name_that_leads_inside_is_refused(receiver: Receiver, make: Make) -> None:
    """A name is resolved, its address is judged, and nothing is sent."""
    url = receiver.url.replace("127.0.0.1", "localhost")
    report = await deliver_one(make(url=url, allow_private=False))
    assert reason(report) is Reason.ADDRESS_FORBIDDEN
    assert receiver.requests == []


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254"])
async def test_an_address_inside_is_refused_at_open(make: Make, host: str) -> None:
    """An address written into the URL is a mistake of the configuration."""
    with pytest.raises(ConfigError, match="allow_networks") as caught:
        await make(url=f"http://{host}:80/", allow_private=False).open()
    assert caught.value.reason is Reason.ADDRESS_FORBIDDEN


async def test_a_listed_network_may_be_reached(make: Make) -> None:
    """`allow_networks` is enough, `allow_private` is not needed."""
    report = await deliver_one(make(allow_private=False, allow_networks=["127.0.0.0/8"]))
    assert report.settled == 1


async def test_a_delivery_that_takes_too_long_ends_by_itself(
    receiver: Receiver, tmp_path: Path
) -> None:
    """A slow receiver: no request starts after the budget, and what was taken is not posted again."""
    clock = LeapingClock(datetime.now(UTC))
    model = WebhookSettings.model_validate(
        {"url": receiver.url, "secret": SECRET, "allow_private": True, "concurrency": 1}
    )
    sink = SINK.build(model, sink_context(tmp_path, clock=clock))

    def slowly(_: dict[str, Any]) -> int:
        clock.advance(20)
        return 200

    receiver.answer = slowly
    await sink.open()
    events = batch_of(5)
    report = await sink.deliver(events)
    assert report.settled == 3
    assert report.setback is not None
    assert report.setback.reason is Reason.TIMEOUT
    assert report.setback.retry_after_seconds == 0
    assert (await sink.deliver(events[3:])).settled == 2
    await sink.close()
    assert receiver.attempts == ids(events)


async def test_what_was_taken_before_a_cancellation_is_not_posted_again(
    receiver: Receiver, make: Make
) -> None:
    """A cancelled delivery forgets only the request that was under way."""
    sink, events = make(concurrency=1), batch_of(6, keys=1)
    await sink.open()

    def block_the_third(_: dict[str, Any]) -> int:
        if len(receiver.taken) == 1:
            receiver.released.clear()
        return 200

    receiver.answer = block_the_third
    delivery = asyncio.create_task(sink.deliver(events), name="delivery")
    await receiver.until(lambda: len(receiver.attempts) == 3)
    delivery.cancel()
    await asyncio.wait([delivery])
    receiver.answer = lambda _: 200
    receiver.released.set()
    await sink.close()
    await sink.open()
    assert (await sink.deliver(events)).settled == 6
    assert [receiver.attempts.count(event.envelope.id) for event in events] == [1, 1, 2, 1, 1, 1]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1 and its key."""
    directory = tmp_path_factory.mktemp("tls")
    certificate, key = directory / "cert.pem", directory / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"),
            *("-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    return certificate, key


@pytest.fixture
async def tls_receiver(certificate: tuple[Path, Path]) -> AsyncIterator[Receiver]:
    """A receiver with that certificate."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)
    async with Receiver(context) as receiver:
        yield receiver


async def test_an_unknown_authority_is_refused(tls_receiver: Receiver, make: Make) -> None:
    """TLS is verified, and a failure says so."""
    assert reason(await deliver_one(make(url=tls_receiver.url))) is Reason.TLS
    assert tls_receiver.requests == []


async def test_a_configured_authority_is_trusted(
    tls_receiver: Receiver, make: Make, certificate: tuple[Path, Path]
) -> None:
    """With `ca_file` a private authority works."""
    report = await deliver_one(make(url=tls_receiver.url, ca_file=certificate[0]))
    assert report.settled == 1


async def test_a_certificate_for_another_name_is_refused(
    tls_receiver: Receiver, make: Make, certificate: tuple[Path, Path]
) -> None:
    """The name in the certificate is checked too."""
    url = tls_receiver.url.replace("127.0.0.1", "localhost")
    assert reason(await deliver_one(make(url=url, ca_file=certificate[0]))) is Reason.TLS


@pytest.mark.parametrize("content", [None, "not a certificate"])
async def test_an_unusable_ca_file_is_a_configuration_error(
    make: Make, tmp_path: Path, content: str | None
) -> None:
    """A missing or broken file is named, with the remedy."""
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigError, match=r"ca\.pem .* \(name a readable file"):
        await make(ca_file=path).open()
