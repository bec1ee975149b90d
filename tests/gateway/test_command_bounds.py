"""What the router does when as many commands are under way, or remembered, as it has room for."""

from __future__ import annotations

import pytest

from gateway.commands import Status
from gateway.errors import CommandRefused, Reason
from tests.support.journals import memory_journal
from tests.support.routing import ACCEPTED, routing, submit, verdict
from tests.support.scripted import ScriptedConnector, call_event
from tests.support.waiting import until


async def test_beyond_the_commands_under_way_further_ones_are_refused_until_one_has_its_verdict() -> (
    None
):
    connector, journal = ScriptedConnector(), memory_journal()
    connector.answers = [ACCEPTED] * 4
    async with routing(connector, journal, most_in_flight=3) as router:
        records = [await submit(router) for _ in range(3)]
        with pytest.raises(CommandRefused) as caught:
            await submit(router)
        assert caught.value.reason is Reason.RATE_LIMITED
        await until(lambda: len(connector.commands) == 3)
        await journal.append("main/a1", [call_event(1, verb="held")], b"r")
        for record in records:
            assert (await verdict(router, record)).status is Status.DONE
        await submit(router)


async def test_beyond_the_settled_commands_that_are_remembered_the_oldest_are_forgotten() -> None:
    connector, journal = ScriptedConnector(), memory_journal()
    connector.answers = [ACCEPTED] * 5
    async with routing(connector, journal, most_kept=3) as router:
        records = []
        for number in range(5):
            records.append(await submit(router))
            await until(lambda number=number: len(connector.commands) == number + 1)
            await journal.append("main/a1", [call_event(number, verb="held")], b"r")
            await verdict(router, records[-1])
        await router._log.forget_old()  # what it does once a minute
        known = [router.get(record.command.id) is not None for record in records]
    assert known == [False, False, True, True, True]
