"""The state machine, fact by fact: no sockets, and time is a number."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors._wire.bayeux.messages import Message, read_reply
from connectors._wire.bayeux.session import BayeuxSession
from connectors._wire.bayeux.steps import Failure, Kind, Send, Stop, Wait
from connectors._wire.bayeux.values import Arrival, BayeuxResume
from gateway.errors import AuthRejected, NotConnected, NotReady, ProtocolViolation, Reason

START = 1_000_000.0
ADVICE = {"reconnect": "retry", "timeout": 30_000, "interval": 0, "maxInterval": 10_000}
LOST = Failure(NotReady("closed", reason=Reason.RESET))


class Driver:
    """Plays the server to a session, by hand."""

    def __init__(self, session: BayeuxSession) -> None:
        self.session = session
        self.now = START
        self.arrivals: list[Arrival] = []

    def step(self) -> Send:
        """The next request, after whatever wait."""
        step = self.session.next_step(self.now)
        if isinstance(step, Wait):
            self.now = step.until
            step = self.session.next_step(self.now)
        assert isinstance(step, Send)
        return step

    def sent(self, send: Send) -> list[dict[str, Any]]:
        """The messages of a request."""
        messages: list[dict[str, Any]] = json.loads(send.payload)
        return messages

    def answer(
        self, send: Send, *messages: Any, accept: bool = True, after: float = 0.0
    ) -> Arrival | None:
        """Hand the session an answer."""
        self.now += after
        replies = read_reply(json.dumps(list(messages)).encode())
        arrival = self.session.received(send, replies, self.now, accept=accept)
        if arrival is not None:
            self.arrivals.append(arrival)
        return arrival

    def reply(self, send: Send, **fields: Any) -> dict[str, Any]:
        """A successful reply to the first message of a request."""
        first = self.sent(send)[0]
        reply = {"channel": first["channel"], "id": first["id"], "successful": True, **fields}
        if ack := fields.pop("ack", None):
            reply.pop("ack")
            reply["ext"] = {"ack": ack}
        return reply

    def handshake(self, client_id: str = "c1", **fields: Any) -> Send:
        """Answer a handshake."""
        send = self.step()
        assert send.kind is Kind.HANDSHAKE
        self.answer(send, self.reply(send, clientId=client_id, advice=ADVICE, **fields))
        return send

    def subscribe(self) -> Send:
        """Answer the subscriptions with success."""
        send = self.step()
        assert send.kind is Kind.SUBSCRIBE
        self.answer(
            send,
            *(
                {
                    "channel": m["channel"],
                    "id": m["id"],
                    "successful": True,
                    "subscription": m["subscription"],
                }
                for m in self.sent(send)
            ),
        )
        return send

    def connect(self, *events: Any, after: float = 0.0, **fields: Any) -> Arrival | None:
        """Answer a connect."""
        send = self.step()
        assert send.kind is Kind.CONNECT
        return self.answer(send, *events, self.reply(send, **fields), after=after)

    def open(self, **fields: Any) -> None:
        """Go through all until connected."""
        self.handshake(**fields)
        if self.session.next_step(self.now).kind is Kind.SUBSCRIBE:  # type: ignore[union-attr] # asserted by the next line
            self.subscribe()
        self.connect()
        assert self.session.connected


def event(number: int, channel: str = "/v2/me") -> dict[str, Any]:
    return {"channel": channel, "data": number}


def opened(**fields: Any) -> Driver:
    driver = Driver(BayeuxSession(["/v2/me", "/v2/me/calls"]))
    driver.open(**fields)
    return driver


def restored(resume: BayeuxResume, *channels: str) -> Driver:
    encoded = msgspec.json.encode(resume)
    again = msgspec.json.decode(encoded, type=BayeuxResume)
    return Driver(BayeuxSession(channels or ("/v2/me", "/v2/me/calls"), resume=again))


def test_a_session_is_opened_in_four_requests() -> None:
    """Handshake alone without clientId, all subscriptions in one request, a connect not held, then a held one."""
    driver = Driver(BayeuxSession(["/v2/me", "/v2/me/calls"]))
    (shake,) = driver.sent(driver.handshake())
    assert "clientId" not in shake
    assert (shake["version"], shake["supportedConnectionTypes"]) == ("1.0", ["long-polling"])
    assert shake["ext"] == {"ack": True}
    subscriptions = driver.sent(driver.subscribe())
    assert [m["subscription"] for m in subscriptions] == ["/v2/me", "/v2/me/calls"]
    assert {m["clientId"] for m in subscriptions} == {"c1"}
    first = driver.step()
    assert driver.sent(first)[0]["advice"] == {"timeout": 0}
    assert driver.sent(first)[0]["connectionType"] == "long-polling"
    assert first.deadline_seconds == 10
    driver.answer(first, driver.reply(first))
    second = driver.step()
    assert "advice" not in driver.sent(second)[0]
    assert second.deadline_seconds == 40


def test_a_new_session_announces_itself_once_without_events() -> None:
    driver = opened()
    assert [(a.events, a.mark.client_id, a.gap) for a in driver.arrivals] == [([], "c1", None)]
    assert driver.arrivals[0].resume.subscriptions == ("/v2/me", "/v2/me/calls")
    assert driver.connect(after=30) is None


def test_events_are_taken_before_and_after_the_reply_and_from_channels_never_asked_for() -> None:
    driver = opened()
    send = driver.step()
    arrival = driver.answer(send, event(1), driver.reply(send), event(2, "/other"))
    assert arrival is not None
    assert arrival.events == [("/v2/me", 1, 1), ("/other", 2, 2)]


def test_events_ride_on_any_reply() -> None:
    driver = Driver(BayeuxSession(["/a"]))
    driver.handshake()
    send = driver.step()
    arrival = driver.answer(send, event(7), driver.reply(send, subscription="/a"))
    assert arrival is not None
    assert arrival.events == [("/v2/me", 7, 1)]


def test_a_missing_subscription_reply_counts_as_taken_until_a_later_refusal() -> None:
    driver = Driver(BayeuxSession(["/a", "/b"]))
    driver.handshake()
    send = driver.step()
    first, second = driver.sent(send)
    driver.answer(send, {"channel": "/meta/subscribe", "id": first["id"], "successful": True})
    assert driver.session.subscribed == {"/a", "/b"}
    refusal = {
        "channel": "/meta/subscribe",
        "id": second["id"],
        "successful": False,
        "error": "403::no",
    }
    arrival = driver.connect(refusal)
    assert arrival is not None
    assert [(r.channel, r.error) for r in arrival.refused] == [("/b", "403::no")]
    assert driver.session.subscribed == {"/a"}


def test_the_interval_is_a_floor_in_milliseconds() -> None:
    driver = opened()
    driver.connect(advice={"interval": 500})
    assert driver.session.next_step(driver.now) == Wait(driver.now + 0.5)


def test_several_clients_of_a_browser_pause_once_each_time_they_are_told() -> None:
    driver = opened()
    driver.connect(advice={"multiple-clients": True, "interval": 2_000})
    assert driver.session.next_step(driver.now) == Wait(driver.now + 2)
    driver.connect(after=30)
    assert isinstance(driver.session.next_step(driver.now), Send)


@pytest.mark.parametrize("advice", [{"reconnect": "none"}, {"interval": -1}])
def test_a_server_that_wants_no_more_connects_gets_none(advice: dict[str, Any]) -> None:
    driver = opened()
    arrival = driver.connect(event(1), advice=advice)
    assert arrival is not None
    step = driver.session.next_step(driver.now + 1_000)
    assert isinstance(step, Stop)
    assert isinstance(step.error, NotConnected)


@pytest.mark.parametrize("error", ["402::session_unknown", "402::Unknown client", "402"])
def test_402_means_a_new_session_with_all_subscriptions_and_one_gap(error: str) -> None:
    driver = opened()
    driver.connect(event(1), after=5)
    seen_at = driver.now
    driver.connect(successful=False, error=error, after=20)
    assert driver.session.client_id == ""
    driver.handshake(client_id="c2")
    assert len(driver.sent(driver.subscribe())) == 2
    arrival = driver.connect(event(2))
    assert arrival is not None
    assert arrival.gap is not None
    assert (arrival.gap.reason, arrival.gap.suspected) == (Reason.SESSION_LOST, False)
    assert (arrival.gap.since, arrival.gap.until) == (seen_at, driver.now)
    assert (arrival.mark.client_id, arrival.events) == ("c2", [("/v2/me", 2, 1)])
    following = driver.connect(event(3))
    assert following is not None
    assert following.gap is None


def test_402_on_a_subscription_is_a_lost_session() -> None:
    driver = Driver(BayeuxSession(["/a"]))
    driver.handshake()
    send = driver.step()
    driver.answer(send, driver.reply(send, successful=False, error="402::session_unknown"))
    assert driver.step().kind is Kind.HANDSHAKE


def test_advice_to_handshake_on_a_failed_connect_makes_a_new_session() -> None:
    driver = opened()
    driver.connect(successful=False, error="408::slow", advice={"reconnect": "handshake"})
    assert driver.step().kind is Kind.HANDSHAKE


def test_a_session_lost_again_and_again_is_asked_for_at_most_once_a_second() -> None:
    driver = opened()
    handshakes = []
    for number in range(6):
        driver.connect(successful=False, error="402::x")
        driver.handshake(client_id=f"n{number}")
        handshakes.append(driver.now)
        driver.subscribe()
    assert all(after - before >= 1 for before, after in pairwise(handshakes))


def test_a_session_that_only_its_first_connect_reaches_is_made_at_most_once_a_second() -> None:
    driver = opened()
    handshakes = []
    for number in range(6):
        driver.connect(successful=False, error="402::x")
        driver.handshake(client_id=f"n{number}")
        handshakes.append(driver.now)
        driver.subscribe()
        driver.connect()
    assert all(after - before >= 1 for before, after in pairwise(handshakes))


def test_a_failed_resubscription_is_reported_and_tried_again_in_the_next_session() -> None:
    driver = opened()
    driver.connect(successful=False, error="402::x")
    driver.handshake(client_id="c2")
    send = driver.step()
    refusals = [
        {
            "channel": m["channel"],
            "id": m["id"],
            "successful": False,
            "error": "403::subscribe_failed",
        }
        for m in driver.sent(send)
    ]
    arrival = driver.answer(send, *refusals)
    assert arrival is not None
    assert [r.channel for r in arrival.refused] == ["/v2/me", "/v2/me/calls"]
    driver.connect()
    driver.connect(successful=False, error="402::x")
    driver.handshake(client_id="c3")
    assert len(driver.sent(driver.step())) == 2


def test_failures_without_advice_are_retried_ever_more_slowly_up_to_a_minute() -> None:
    driver = opened()
    driver.session.advice = driver.session.advice.merged({"timeout": 10_000_000})
    waits = []
    for _ in range(70):
        driver.session.failed(driver.step(), LOST, driver.now)
        step = driver.session.next_step(driver.now)
        assert isinstance(step, Wait)
        waits.append(step.until - driver.now)
    assert waits[:3] == [1, 2, 3]
    assert waits[-1] == 60


def test_a_connection_the_server_had_just_closed_is_retried_at_once_but_once() -> None:
    driver = opened()
    stale = LOST._replace(stale=True, maybe_taken=False)
    driver.session.failed(driver.step(), stale, driver.now)
    again = driver.session.next_step(driver.now)
    assert isinstance(again, Send)
    driver.session.failed(again, stale, driver.now)
    assert isinstance(driver.session.next_step(driver.now), Wait)


def test_failing_longer_than_the_server_remembers_ends_in_a_handshake() -> None:
    driver = opened()
    while not driver.session.expired(driver.now):
        send = driver.step()
        assert send.kind is Kind.CONNECT
        driver.session.failed(send, LOST, driver.now)
    assert driver.now > START + 40
    assert driver.step().kind is Kind.HANDSHAKE


def test_retry_after_is_honoured() -> None:
    driver = opened()
    busy = NotReady("busy", reason=Reason.RATE_LIMITED, retry_after_seconds=7)
    driver.session.failed(driver.step(), Failure(busy, maybe_taken=False), driver.now)
    assert driver.session.next_step(driver.now) == Wait(driver.now + 7)


def test_a_broken_connect_without_acknowledgement_is_a_suspected_gap() -> None:
    driver = opened()
    seen_at = driver.now
    driver.now += 3
    driver.session.failed(driver.step(), LOST, driver.now)
    arrival = driver.connect(event(1))
    assert arrival is not None
    assert arrival.gap is not None
    assert (arrival.gap.suspected, arrival.gap.since, arrival.gap.reason) == (
        True,
        seen_at,
        Reason.RESET,
    )


@pytest.mark.parametrize(
    ("ack", "failure"),
    [(True, LOST), (False, Failure(NotReady("refused", reason=Reason.REFUSED), maybe_taken=False))],
)
def test_a_failure_that_can_have_lost_nothing_is_no_gap(ack: bool, failure: Failure) -> None:  # noqa: FBT001 - a table's column
    driver = opened(**({"ack": True} if ack else {}))
    driver.session.failed(driver.step(), failure, driver.now)
    arrival = driver.connect(event(1), **({"ack": 3} if ack else {}))
    assert arrival is not None
    assert arrival.gap is None


def test_an_answer_without_the_reply_it_should_hold_keeps_its_events_and_is_retried_slowly() -> (
    None
):
    driver = opened()
    arrival = driver.answer(
        driver.step(), event(1), {"channel": "/meta/connect", "id": "999", "successful": True}
    )
    assert arrival is not None
    assert arrival.events == [("/v2/me", 1, 1)]
    assert driver.session.next_step(driver.now) == Wait(driver.now + 1)


def test_a_server_that_never_holds_a_connect_is_not_polled_in_a_loop() -> None:
    driver = opened()
    for _ in range(20):
        driver.connect()
    assert driver.now >= START + 10


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"error": "403::handshake_denied", "advice": {"reconnect": "none"}}, AuthRejected),
        ({"error": "401::who", "advice": {"reconnect": "handshake"}}, AuthRejected),
        ({"error": "500::x", "advice": {"reconnect": "none"}}, NotReady),
    ],
)
def test_a_refused_handshake_is_final_when_it_says_so(
    fields: dict[str, Any], error: type[Exception]
) -> None:
    driver = Driver(BayeuxSession([]))
    send = driver.step()
    driver.answer(send, driver.reply(send, successful=False, **fields))
    step = driver.session.next_step(driver.now)
    assert isinstance(step, Stop)
    assert type(step.error) is error


def test_a_server_without_long_polling_cannot_be_used() -> None:
    driver = Driver(BayeuxSession([]))
    send = driver.step()
    driver.answer(send, driver.reply(send, clientId="c", supportedConnectionTypes=["websocket"]))
    step = driver.session.next_step(driver.now)
    assert isinstance(step, Stop)
    assert isinstance(step.error, ProtocolViolation)
    assert step.error.reason is Reason.UNSUPPORTED


@pytest.mark.parametrize("echo", [True, {"enabled": True, "batch": 0}])
def test_acknowledgement_is_used_when_echoed_and_advances_only_when_stored(echo: Any) -> None:
    driver = Driver(BayeuxSession([]))
    send = driver.step()
    driver.answer(send, driver.reply(send, clientId="c1", ext={"ack": echo}))
    driver.connect(ack=1)
    driver.connect(event(1), event(2), ack=2)
    stale = driver.step()
    assert driver.sent(stale)[0]["ext"] == {"ack": 1}
    again = driver.answer(stale, event(1), event(2), event(3), driver.reply(stale, ack=3))
    assert again is not None
    assert again.events == [("/v2/me", 3, 3)]
    driver.session.stored(again.mark)
    assert driver.sent(driver.step())[0]["ext"] == {"ack": 3}


@pytest.mark.parametrize("echo", [None, False, {"enabled": False}, "true", 1])
def test_acknowledgement_is_not_used_without_an_echo(echo: Any) -> None:
    driver = Driver(BayeuxSession([]))
    send = driver.step()
    driver.answer(send, driver.reply(send, clientId="c1", ext={"ack": echo}))
    assert "ext" not in driver.sent(driver.step())[0]


def test_events_that_were_not_accepted_come_again_with_the_same_numbers() -> None:
    driver = opened(ack=True)
    send = driver.step()
    assert driver.answer(send, event(1), driver.reply(send, ack=2), accept=False) is None
    arrival = driver.connect(event(1), event(2), ack=3)
    assert arrival is not None
    assert arrival.events == [("/v2/me", 1, 1), ("/v2/me", 2, 2)]


def test_a_server_that_does_not_send_again_has_no_event_skipped() -> None:
    driver = opened(ack=True)
    driver.connect(event(1), ack=2)
    arrival = driver.connect(event(2), ack=3)
    assert arrival is not None
    assert arrival.events == [("/v2/me", 2, 2)]


def test_events_beside_the_acknowledged_ones_have_a_count_of_their_own() -> None:
    driver = Driver(BayeuxSession(["/a"]))
    driver.handshake(ack=True)
    send = driver.step()
    beside = driver.answer(send, event(9), driver.reply(send, subscription="/a"))
    assert beside is not None
    assert beside.events == [("/v2/me", 9, -1)]
    arrival = driver.connect(event(1), ack=1)
    assert arrival is not None
    assert arrival.events == [("/v2/me", 1, 1)]


def test_a_restored_session_connects_first_and_does_not_handshake() -> None:
    driver = opened(ack=True)
    arrival = driver.connect(event(1), ack=4)
    assert arrival is not None
    again = restored(arrival.resume)
    send = again.step()
    (message,) = again.sent(send)
    assert message["channel"] == "/meta/connect"
    assert (message["clientId"], message["advice"], message["ext"]) == (
        "c1",
        {"timeout": 0},
        {"ack": 4},
    )
    assert int(message["id"]) > driver.session.resume_state().message_id
    result = again.answer(send, event(2), again.reply(send, ack=5))
    assert result is not None
    assert (result.events, result.gap) == ([("/v2/me", 2, 2)], None)
    assert again.session.connected


def test_a_restored_session_asks_for_the_channels_that_changed() -> None:
    again = restored(opened().session.resume_state(clean=True), "/v2/me", "/new")
    again.connect()
    changes = [(m["channel"], m["subscription"]) for m in again.sent(again.subscribe())]
    assert changes == [("/meta/subscribe", "/new"), ("/meta/unsubscribe", "/v2/me/calls")]
    again.connect()
    assert again.session.subscribed == {"/v2/me", "/new"}


@pytest.mark.parametrize(
    ("ack", "clean", "suspected"),
    [(False, False, True), (False, True, False), (True, False, False), (True, True, False)],
)
def test_a_gap_is_suspected_after_a_crash_without_acknowledgement(
    ack: bool,  # noqa: FBT001 - a table's column
    clean: bool,  # noqa: FBT001 - a table's column
    suspected: bool,  # noqa: FBT001 - a table's column
) -> None:
    driver = opened(**({"ack": True} if ack else {}))
    again = restored(driver.session.resume_state(clean=clean))
    arrival = again.connect(**({"ack": 5} if ack else {}))
    assert arrival is not None
    assert (arrival.gap is not None) is suspected
    if arrival.gap is not None:
        assert arrival.gap.suspected


@pytest.mark.parametrize("clean", [True, False])
def test_a_session_gone_at_restore_is_one_gap(clean: bool) -> None:  # noqa: FBT001 - a table's column
    driver = opened()
    again = restored(driver.session.resume_state(clean=clean))
    again.connect(successful=False, error="402::session_unknown")
    again.handshake(client_id="c2")
    again.subscribe()
    again.connect()
    again.connect(event(1), after=1)
    gaps = [a.gap for a in again.arrivals if a.gap]
    assert [(g.reason, g.suspected) for g in gaps] == [(Reason.SESSION_LOST, False)]


def test_a_reply_that_can_never_be_read_gives_the_session_up_after_three_times() -> None:
    driver = opened(ack=True)
    poison = Failure(NotReady("long", reason=Reason.TOO_LARGE), poisonous=True)
    for _ in range(3):
        driver.session.failed(driver.step(), poison, driver.now)
    assert driver.step().kind is Kind.HANDSHAKE


def test_a_reply_too_large_without_acknowledgement_is_a_certain_gap_in_the_same_session() -> None:
    driver = opened()
    poison = Failure(NotReady("long", reason=Reason.TOO_LARGE), poisonous=True)
    driver.session.failed(driver.step(), poison, driver.now)
    arrival = driver.connect(event(1))
    assert arrival is not None
    assert arrival.gap is not None
    assert (arrival.gap.reason, arrival.gap.suspected) == (Reason.TOO_LARGE, False)
    assert arrival.mark.client_id == "c1"


def test_a_reply_of_a_lost_session_changes_nothing() -> None:
    driver = opened()
    held = driver.step()
    driver.connect(successful=False, error="402::x")
    assert driver.answer(held, event(1), driver.reply(held)) is None
    assert driver.step().kind is Kind.HANDSHAKE


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=5)
    | st.sampled_from(["402::x", "none", "c9"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["ack", "reconnect", "interval", "timeout", "x"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)
REPLIES = st.lists(
    st.fixed_dictionaries(
        {
            "channel": ANYTHING
            | st.sampled_from(["/meta/handshake", "/meta/connect", "/meta/subscribe", "/v2/me"])
        },
        optional=dict.fromkeys(
            ("id", "data", "successful", "error", "advice", "ext", "clientId", "subscription"),
            ANYTHING,
        ),
    ),
    max_size=4,
)


@settings(deadline=None)
@given(st.lists(st.one_of(st.none(), REPLIES), max_size=12))
def test_whatever_a_server_answers_the_session_goes_on_or_stops_and_loses_no_event(
    script: list[Any],
) -> None:
    """Each answer is arbitrary messages with the ids left to chance; every event in it must be handed out."""
    driver = Driver(BayeuxSession(["/v2/me"]))
    for replies in script:
        step = driver.session.next_step(driver.now)
        if isinstance(step, Stop):
            return
        if isinstance(step, Wait):
            assert step.until > driver.now
            driver.now = step.until
            continue
        if replies is None:
            driver.session.failed(step, LOST, driver.now)
            continue
        messages = [msgspec.convert(reply, Message) for reply in replies]
        events = [m.data for m in messages if m.is_event and m.data is not msgspec.UNSET]
        arrival = driver.session.received(step, messages, driver.now)
        taken = [item.data for item in arrival.events] if arrival else []
        unchanged = driver.session.client_id and driver.session.client_id == step.client_id
        if unchanged and not driver.session.ack_enabled:
            assert [d for d in taken if d is not None] == [d for d in events if d is not None]
