"""The rhythm of polls: when the next one is due, and what happens to one that fails."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from connectors._wire.polling import Poller, Rhythm
from gateway.errors import AuthRejected, ConnectionFailed, NotConnected, NotReady, Reason
from tests.support.clock import LeapingClock


class Server:
    """Answers polls with what the test put in, else with the number of the poll."""

    def __init__(self, clock: LeapingClock) -> None:
        self.clock = clock
        self.asked_at: list[float] = []
        self.errors: list[ConnectionFailed] = []
        self.takes_seconds = 0.0

    async def ask(self) -> int:
        """Remember when, then answer or fail."""
        self.asked_at.append(self.clock.monotonic())
        self.clock.advance(self.takes_seconds)
        if self.errors:
            raise self.errors.pop(0)
        return len(self.asked_at)


def least(low: float, _high: float) -> float:
    return low


def most(_low: float, high: float) -> float:
    return high


def polling(
    uniform: Callable[[float, float], float] = least, **rhythm: float
) -> tuple[Poller, Server]:
    clock = LeapingClock()
    chosen = Rhythm(**{"interval_seconds": 10.0, **rhythm})  # type: ignore[arg-type]  # the test's keywords
    return Poller(chosen, clock=clock, peer="server:1", uniform=uniform), Server(clock)


async def test_the_first_poll_is_due_at_once_and_the_others_an_interval_apart() -> None:
    poller, server = polling()

    assert [await poller.poll(server.ask) for _ in range(3)] == [1, 2, 3]
    assert server.asked_at == [0.0, 10.0, 20.0]


async def test_jitter_makes_a_poll_come_sooner_and_never_later() -> None:
    poller, server = polling(most, jitter=0.2)

    for _ in range(3):
        await poller.poll(server.ask)

    assert server.asked_at == [0.0, 8.0, 16.0]


async def test_a_poll_that_takes_longer_than_the_interval_is_followed_at_once() -> None:
    poller, server = polling()
    server.takes_seconds = 25.0

    for _ in range(2):
        await poller.poll(server.ask)

    assert server.asked_at == [0.0, 25.0]


async def test_a_poll_without_an_answer_in_time_is_not_connected() -> None:
    poller, _ = polling(deadline_seconds=0.01)

    async def ask() -> None:
        await asyncio.Event().wait()

    with pytest.raises(NotConnected, match="server:1 did not answer") as caught:
        await poller.poll(ask)
    assert caught.value.reason is Reason.TIMEOUT


async def test_a_server_that_asks_for_a_pause_gets_it_and_the_feed_goes_on() -> None:
    poller, server = polling()
    server.errors = [
        NotReady("slow down", reason=Reason.RATE_LIMITED, retry_after_seconds=60.0),
        NotReady("slow down", reason=Reason.RATE_LIMITED),
    ]

    assert await poller.poll(server.ask) == 3
    assert server.asked_at == [
        0.0,
        60.0,
        100.0,
    ]  # the second time it said no time: 10 s doubled twice
    assert poller.put_off == 2


async def test_a_pause_is_bounded() -> None:
    poller, server = polling(max_put_off_seconds=30.0)
    server.errors = [NotReady("x", reason=Reason.RATE_LIMITED, retry_after_seconds=90_000.0)]

    await poller.poll(server.ask)

    assert server.asked_at == [0.0, 30.0]


async def test_a_server_that_puts_off_again_and_again_is_lost() -> None:
    poller, server = polling(most_put_offs=2)
    server.errors = [NotReady("x", reason=Reason.RATE_LIMITED, retry_after_seconds=7.0)] * 3

    with pytest.raises(NotConnected) as caught:
        await poller.poll(server.ask)
    assert caught.value.retry_after_seconds == 7.0


@pytest.mark.parametrize(
    ("raised", "expected"),
    [(NotReady("away", reason=Reason.REFUSED), NotConnected), (AuthRejected("no"), AuthRejected)],
)
async def test_any_other_failure_is_the_supervisors(
    raised: ConnectionFailed, expected: type[ConnectionFailed]
) -> None:
    poller, server = polling()
    server.errors = [raised]

    with pytest.raises(expected) as caught:
        await poller.poll(server.ask)
    assert caught.value.reason is raised.reason
    assert len(server.asked_at) == 1


async def test_a_cancelled_poll_is_asked_again_at_once() -> None:
    poller, server = polling()
    stuck = asyncio.Event()

    async def ask() -> None:
        server.asked_at.append(server.clock.monotonic())
        await stuck.wait()

    task = asyncio.create_task(poller.poll(ask), name="poll")
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task})
    await poller.poll(server.ask)

    assert server.asked_at == [0.0, 0.0]


async def test_cancelled_while_it_waits_it_does_not_wait_from_the_beginning() -> None:
    poller, server = polling()
    await poller.poll(server.ask)
    server.clock.advance(6.0)

    assert poller.due_in_seconds == 4.0


async def test_after_a_restart_a_poll_is_due_at_once() -> None:
    poller, server = polling()
    await poller.poll(server.ask)
    poller.restart()

    await poller.poll(server.ask)
    assert server.asked_at == [0.0, 0.0]
