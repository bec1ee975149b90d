"""The simulated recorder is as tolerant and as silent as the vendor's documents say."""

from __future__ import annotations

from typing import Any

import aiohttp
import msgspec
import pytest

from connectors._simulation.faults import Fault, FaultKind
from connectors._simulation.server import UnknownFault
from connectors.incontact_wfo.simulator import Simulator, SimulatorSettings
from tests.connectors.incontact_wfo.harness import emit, simulated

ANNA = {"AgentIdentifier": "Id", "Value": "1"}


async def ask(
    simulator: Simulator, method: str, path: str, body: Any = None, **more: Any
) -> tuple[int, Any]:
    async with (
        aiohttp.ClientSession() as http,
        http.request(
            method,
            f"{simulator.url}{path}",
            data=None if body is None else msgspec.json.encode(body),
            **more,
        ) as answer,
    ):
        content = await answer.read()
        return answer.status, msgspec.json.decode(content) if content else None


async def test_reading_is_get_and_commands_are_post() -> None:
    async with simulated(on_call=(1,), agents=2) as recorder:
        status, agents = await ask(recorder, "GET", "/api/Agent/GetAll")
        assert (status, [one["AgentId"] for one in agents]) == (200, [1, 2])
        assert (await ask(recorder, "POST", "/api/Record/StartForAgent", ANNA))[0] == 200
        assert (await ask(recorder, "GET", "/api/Record/StartForAgent", ANNA))[0] == 404
        assert (await ask(recorder, "PUT", "/api/Record/StartForAgent", ANNA))[0] == 404


@pytest.mark.parametrize("path", ["/api/Record/StartForAgent", "/API//record/STARTFORAGENT"])
async def test_parameters_are_taken_from_the_address_and_from_the_body(path: str) -> None:
    async with simulated(on_call=(1, 2)) as recorder:
        assert (await ask(recorder, "POST", f"{path}?agentIdentifier=id&value=2"))[0] == 200
        headers = {"Content-Type": "text/plain"}
        assert (await ask(recorder, "POST", path, ANNA, headers=headers))[0] == 200
        status, agent = await ask(recorder, "GET", "/api/agent?AGENTIDENTIFIER=Phone&Value=4678")
        assert (status, agent["AgentId"]) == (200, 1)
        assert agent["ActiveCall"]["Recordings"][0]["RecordingState"] == "Recording"


async def test_404_has_three_meanings() -> None:
    async with simulated(on_call=(1,)) as recorder:
        for path, body in (
            ("Record/StartForAgent", {"AgentIdentifier": "Id"}),
            ("Record/StartForAgent", {}),
            ("Record/UpdateForAgent", ANNA),
            ("Record/StartForAgent", ANNA | {"Value": "99"}),
            ("Record/StartForAgent", ANNA | {"AgentIdentifier": "Name"}),
            ("Record/StartForAgent", ANNA | {"Value": "2"}),
            ("Record/StopForAgent", ANNA),
            ("Blackout/StartForAgent", ANNA),
        ):
            assert (await ask(recorder, "POST", f"/api/{path}", body))[0] == 404, (path, body)


async def test_credentials_are_asked_for_if_there_are_any() -> None:
    async with simulated(username="tieline", password="right") as recorder:
        for password, status in ((None, 401), ("wrong", 401), ("right", 200)):
            headers = {}
            if password:
                headers["Authorization"] = aiohttp.encode_basic_auth("tieline", password)
            assert (await ask(recorder, "GET", "/api/Agent/GetAll", headers=headers))[0] == status


async def test_a_change_that_no_answer_showed_is_lost() -> None:
    """One that an answer showed is owed."""
    async with simulated() as recorder:
        await ask(recorder, "GET", "/api/Agent/GetAll")
        (begin,) = await emit(recorder, "begin")
        (hold,) = await emit(recorder, "hold")
        await ask(recorder, "GET", "/api/Agent/GetAll")
        (retrieve,) = await emit(recorder, "retrieve")
        (again,) = await emit(recorder, "hold")
        await ask(recorder, "GET", "/api/Agent/GetAll")
        fates = {one.id: one.resumable for one in recorder.ledger.since(0, 10)}

    assert fates == {begin: False, hold: True, retrieve: False, again: False}


async def test_local_times_are_those_of_its_zone() -> None:
    async with simulated(on_call=(1,), time_zone="Asia/Tokyo") as recorder:
        _, agent = await ask(recorder, "GET", "/api/Agent?agentIdentifier=Id&value=1")
        call = recorder.world.agents[1].active
    assert call is not None
    hours = int(agent["ActiveCall"]["Metadata"]["starttime"][11:13]) - call.began.hour
    assert hours % 24 == 9


def test_a_fault_that_it_does_not_know_is_refused_before_it_starts() -> None:
    with pytest.raises(UnknownFault):
        Simulator(SimulatorSettings(faults=(Fault(kind=FaultKind.SERVER_RESTART),)))
