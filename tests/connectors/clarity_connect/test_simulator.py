"""The simulated server's sign-in, tokens, access rules and settings."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator

import aiohttp
import msgspec
import pytest

from connectors.clarity_connect.simulator import Fault, FaultKind, Simulator, SimulatorSettings
from tests.support.clarity_desk import QUIET, Desk, desk, sign_in
from tests.support.raw_signalr import RawSignalR


@pytest.fixture
def settings() -> SimulatorSettings:
    return QUIET


@pytest.fixture
async def simulator(settings: SimulatorSettings) -> AsyncIterator[Simulator]:
    async with Simulator(settings) as running:
        yield running


@pytest.fixture
async def supervisor(simulator: Simulator) -> AsyncIterator[Desk]:
    async with desk(simulator) as sat_down:
        yield sat_down


async def test_without_a_token_the_answer_tells_where_to_get_one(simulator: Simulator) -> None:
    """The header has the form that the documentation shows, which no parser of challenges knows."""
    for path in ("api/info", "api/v2/profile", "signalr/negotiate", "api/v2/nothing"):
        url = f"{simulator.url}/webapi/{path}"
        async with aiohttp.ClientSession() as http, http.get(url) as response:
            assert response.status == 401
            assert response.headers["WWW-Authenticate"] == (
                f'{simulator.url}/webauth/token,grant_type="urn:connect.auth:windows"'
            )


@pytest.mark.parametrize("scheme", ["NTLM", "Negotiate"])
@pytest.mark.parametrize("user", ["CONTOSO\\gateway", "gateway", "GATEWAY@CONTOSO"])
async def test_a_windows_login_gets_a_token_of_five_minutes(
    simulator: Simulator, scheme: str, user: str
) -> None:
    status, answer = await sign_in(simulator.url, user, scheme=scheme)
    assert status == 200
    assert answer["token_type"] == "bearer"
    assert answer["expires_in"] == 299
    payload = answer["access_token"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    assert claims["connect_agent_id"] == "1"
    assert claims["exp"] - claims["nbf"] == 300


@pytest.mark.parametrize(
    ("user", "password"), [("CONTOSO\\gateway", "wrong"), ("CONTOSO\\nobody", "secret")]
)
@pytest.mark.parametrize("scheme", ["NTLM", "Negotiate"])
async def test_wrong_credentials_get_a_401(
    simulator: Simulator, scheme: str, user: str, password: str
) -> None:
    status, _ = await sign_in(simulator.url, user, password, scheme=scheme)
    assert status == 401


async def test_an_unknown_application_gets_the_documented_400(simulator: Simulator) -> None:
    status, answer = await sign_in(simulator.url, client_id="somebody-else")
    assert status == 400
    assert answer == {
        "error": "invalid_clientId",
        "error_description": "client_id is not valid",
    }


async def test_another_grant_type_is_refused(simulator: Simulator) -> None:
    status, answer = await sign_in(simulator.url, grant_type="password")
    assert (status, answer["error"]) == (400, "unsupported_grant_type")


async def test_a_handshake_is_of_one_connection(simulator: Simulator) -> None:
    """Who opens another connection for the third leg is a stranger."""
    status, _ = await sign_in(simulator.url, scheme="NTLM", connections=2)
    assert status == 401


async def test_only_the_schemes_of_the_site_are_offered() -> None:
    async with Simulator(msgspec.structs.replace(QUIET, signing_schemes=("NTLM",))) as running:
        url = f"{running.url}/webauth/token"
        async with aiohttp.ClientSession() as http, http.post(url) as response:
            assert response.headers.getall("WWW-Authenticate") == ["NTLM"]
        assert (await sign_in(running.url, scheme="NTLM"))[0] == 200


async def test_the_token_says_who_one_is(simulator: Simulator) -> None:
    async with desk(simulator, "agent0002") as agent:
        status, profile = await agent.get("v2/profile")
    assert (status, profile["id"], profile["name"]) == (200, 102, "Agent 2")


@pytest.mark.parametrize("spoil", ["x", ".", "e30.e30.e30"])
async def test_a_spoilt_token_is_refused(supervisor: Desk, spoil: str) -> None:
    supervisor.token = spoil if "e30" in spoil else supervisor.token[:-3] + spoil
    assert (await supervisor.get("v2/profile"))[0] == 401


async def test_a_token_dies_after_its_time() -> None:
    async with (
        Simulator(msgspec.structs.replace(QUIET, token_seconds=0.001)) as running,
        desk(running) as late,
    ):
        assert (await late.get("v2/profile"))[0] == 401


async def test_tokens_can_die_before_their_time(simulator: Simulator, supervisor: Desk) -> None:
    simulator.commit(Fault(FaultKind.TOKEN_EXPIRY))
    async with asyncio.timeout(5):
        while (await supervisor.get("v2/profile"))[0] != 401:
            continue
    async with desk(simulator) as fresh:
        assert (await fresh.get("v2/profile"))[0] == 200


@pytest.mark.parametrize("route", ["start", "poll", "send", "reconnect", "abort", "ping"])
async def test_a_good_token_can_be_refused_on_one_route(
    simulator: Simulator, supervisor: Desk, route: str
) -> None:
    simulator.commit(Fault(FaultKind.UNAUTHORIZED, service=route))
    url = f"{simulator.url}/webapi/signalr"
    async with RawSignalR(url, "longPolling", headers=supervisor.headers) as client:
        await client.negotiate()
        assert (await client.request("GET", "connect"))[0] == 200
        assert (await client.request("POST", route))[0] == 401
        assert (await client.request("GET", "ping"))[0] == 200


async def test_agents_see_themselves_and_nobody_else(simulator: Simulator) -> None:
    async with desk(simulator, "agent0001") as agent:
        assert (await agent.get("v2/agentStatus/101?currentOnly=true"))[0] == 200
        assert (await agent.get("v2/agentStatus/102?currentOnly=true"))[0] == 401
        assert (await agent.get("v2/metrics/agents?agentIds=101,102"))[0] == 401
        _, structure = await agent.get("v2/profile/mbu")
    assert [one["id"] for one in structure["agents"]] == [101]


async def test_a_supervisor_can_lose_every_permission(
    simulator: Simulator, supervisor: Desk
) -> None:
    simulator.commit(Fault(FaultKind.FORBIDDEN, for_seconds=60))
    assert (await supervisor.get("v2/agentStatus/101?currentOnly=true"))[0] == 401
    assert (await supervisor.get("v2/profile"))[0] == 200
    simulator.pardon()
    assert (await supervisor.get("v2/agentStatus/101?currentOnly=true"))[0] == 200


@pytest.mark.parametrize("always", [True, False])
async def test_a_401_for_lack_of_permission_may_look_like_one_for_the_token(
    *, always: bool
) -> None:
    chosen = msgspec.structs.replace(QUIET, challenge_always=always)
    async with Simulator(chosen) as running, desk(running, "agent0001") as agent:
        url = f"{running.url}/webapi/api/v2/metrics/agents/102"
        async with agent.http.get(url, headers=agent.headers) as response:
            assert response.status == 401
            assert ("WWW-Authenticate" in response.headers) is always


async def test_a_disabled_transport_is_neither_listed_nor_let_in(
    simulator: Simulator, supervisor: Desk
) -> None:
    simulator.commit(Fault(FaultKind.TRANSPORT_DISABLED, for_seconds=60, service="webSockets"))
    _, info = await supervisor.get("info")
    assert info["signalRTransports"] == ["serverSentEvents", "longPolling"]
    url = f"{simulator.url}/webapi/signalr"
    async with RawSignalR(url, headers=supervisor.headers) as client:
        assert (await client.negotiate())["TryWebSockets"] is False
        assert (await client.request("GET", "connect"))[0] == 400


async def test_a_token_in_the_query_is_enough_where_the_site_says_so() -> None:
    chosen = msgspec.structs.replace(QUIET, token_parameter="access_token")
    async with Simulator(chosen) as running, desk(running) as somebody:
        url = f"{running.url}/webapi/signalr/negotiate?access_token={somebody.token}"
        async with aiohttp.ClientSession() as http, http.get(url) as response:
            assert response.status == 200


@pytest.mark.parametrize(
    "wrong", [{"agents": 0}, {"transports": ["smoke"]}, {"nonsense": 1}, {"token_seconds": 0}]
)
def test_a_wrong_setting_is_named(wrong: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(wrong, SimulatorSettings)


async def test_an_unknown_fault_is_refused(simulator: Simulator, supervisor: Desk) -> None:
    async with supervisor.http.post(
        f"{simulator.url}/sim/faults", json={"kind": "service_unavailable"}
    ) as response:
        assert response.status == 400
