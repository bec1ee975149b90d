"""The simulated platform's tokens, tolerance of paths and parameters, errors and settings."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import msgspec
import pytest

from connectors.nice_incontact.simulator import Fault, FaultKind, Simulator, SimulatorSettings
from tests.support.nice_desk import Desk, ask_token, desk, key, sign_in

QUIET = SimulatorSettings(agents=3, events_per_second=0)
PASSWORD = {
    "grant_type": "password",
    "username": "gateway@example.com",
    "password": "secret",
    "scope": "",
}


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator(QUIET) as running:
        yield running


@pytest.fixture
async def gateway(simulator: Simulator) -> AsyncIterator[Desk]:
    async with desk(simulator.url) as signed_in:
        yield signed_in


async def test_a_password_gets_a_token_with_all_that_comes_with_it(simulator: Simulator) -> None:
    status, answer = await ask_token(simulator.url, PASSWORD)
    assert (status, answer["token_type"], answer["expires_in"]) == (200, "bearer", 3600)
    assert answer["resource_server_base_uri"] == f"{simulator.url}/inContactAPI/"
    assert answer["refresh_token_server_uri"].endswith("/InContactAuthorizationServer/Token")
    assert (answer["agent_id"], answer["team_id"], answer["bus_no"]) == (1000, 1, 4711)
    assert {"AgentApi", "RealTimeApi"} <= set(answer["scope"].split())


@pytest.mark.parametrize(
    "wrong",
    [
        {"authorization": key("Other@Example")},
        {"authorization": key(unit="4712")},
        {"body": PASSWORD | {"password": "wrong"}},
        {"body": PASSWORD | {"username": "nobody"}},
    ],
)
async def test_wrong_credentials_are_not_authorized_for_the_user(
    simulator: Simulator, wrong: dict[str, Any]
) -> None:
    body = wrong.pop("body", PASSWORD)
    status, answer = await ask_token(simulator.url, body, **wrong)
    assert status == 401
    assert "not authorized for user" in answer["error_description"]


async def test_a_form_is_no_request_for_a_token(simulator: Simulator) -> None:
    """The Central service reads JSON, whatever OAuth2 says."""
    url = f"{simulator.url}/InContactAuthorizationServer/Token"
    async with (
        aiohttp.ClientSession() as http,
        http.post(url, data=PASSWORD, headers={"Authorization": key()}) as reply,
    ):
        assert reply.status == 400


async def test_a_refresh_token_renews_and_lives_from_the_first_grant_on() -> None:
    settings = msgspec.structs.replace(QUIET, refresh_seconds=0.05)
    async with Simulator(settings) as running:
        first = (await ask_token(running.url, PASSWORD))[1]
        again = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
        while True:
            status, answer = await ask_token(running.url, again)
            if status != 200:
                break
            again["refresh_token"] = answer["refresh_token"]
        assert (status, answer["error"]) == (400, "invalid_grant")


async def test_a_client_grant_has_no_user_and_no_refresh_token(simulator: Simulator) -> None:
    body = {"grant_type": "client_credentials", "scope": "PatronApi"}
    status, answer = await ask_token(simulator.url, body, authorization=key(unit="12345"))
    assert (status, answer["scope"]) == (200, "PatronApi")
    assert (answer["agent_id"], answer["refresh_token"]) == (None, None)
    async with aiohttp.ClientSession() as http:
        client = Desk(simulator.url, answer["access_token"], http)
        assert (await client.post("agent-sessions/join", {"asAgentId": "1001"}))[0] == 403
        assert (await client.get("agents/states"))[0] == 403


async def test_the_implicit_grant_comes_back_in_the_address(simulator: Simulator) -> None:
    query = {
        "state": "s",
        "response_type": "token",
        "client_id": "Tieline@Example",
        "redirect_uri": "http://127.0.0.1/back",
        "scope": "AgentApi",
    }
    url = f"{simulator.url}/InContactAuthorizationServer/Authenticate"
    async with (
        aiohttp.ClientSession() as http,
        http.get(url, params=query, allow_redirects=False) as reply,
    ):
        told = parse_qs(urlsplit(reply.headers["Location"]).query)
    assert (told["state"], told["expires_in"]) == (["s"], ["5184000"])
    async with aiohttp.ClientSession() as http:
        user = Desk(simulator.url, told["access_token"][0], http)
        assert (await user.post("agent-sessions/join", {"asAgentId": "1001"}))[0] == 202
        assert (await user.get("agents/states"))[0] == 403


async def test_an_access_key_gets_a_token_and_its_refresh_has_other_names(
    simulator: Simulator,
) -> None:
    body = {"accessKeyId": "key-1000", "accessKeySecret": "secret"}
    async with aiohttp.ClientSession() as http:
        url = f"{simulator.url}/authentication/v1/token/access-key"
        async with http.post(url, json=body) as reply:
            answer = await reply.json()
        assert answer["id_token"] == answer["access_token"]
        async with http.post(
            f"{simulator.url}/public/user/refresh", json={"token": answer["refresh_token"]}
        ) as reply:
            renewed = await reply.json()
        assert {"token", "refreshToken", "tokenExpirationTimeSec"} <= renewed.keys()
        async with http.post(url, json=body | {"accessKeySecret": "wrong"}) as reply:
            assert reply.status == 401


async def test_openid_connect_is_found_and_gives_a_token(simulator: Simulator) -> None:
    async with aiohttp.ClientSession() as http:
        async with http.get(f"{simulator.url}/.well-known/openid-configuration") as reply:
            endpoint = (await reply.json())["token_endpoint"]
        form = {"grant_type": "password", "username": "key-1000", "password": "secret"}
        login = {"Authorization": key("sim-client", "sim-secret")}
        async with http.post(endpoint, data=form, headers=login) as reply:
            token = (await reply.json())["access_token"]
        query = {"tenantId": simulator.settings.tenant}
        async with http.get(
            f"{simulator.url}/.well-known/cxone-configuration", params=query
        ) as reply:
            assert (await reply.json())["api_endpoint"] == simulator.url
        assert (await Desk(simulator.url, token, http).get("agents/states"))[0] == 200


async def test_a_token_says_whose_it_is(simulator: Simulator) -> None:
    url = f"{simulator.url}/incontactauthorizationserver/token/whoami"
    token = await sign_in(simulator.url, "agent0002@example.com")
    async with aiohttp.ClientSession() as http, http.post(url, json={"token": token}) as reply:
        answer = await reply.json()
    assert (answer["agent_id"], answer["bus_no"]) == (1002, 4711)


@pytest.mark.parametrize(
    "path",
    [
        "inContactAPI/services/v23.0/agents/states",
        "incontactapi//services/V4.0/Agents/STATES",
        "InContactAPI/services/v23/agents/states/",
    ],
)
async def test_paths_are_taken_in_any_case_and_with_doubled_slashes(
    gateway: Desk, path: str
) -> None:
    headers = {"Authorization": f"BEARER {gateway.token}"}
    async with gateway.http.get(f"{gateway.url}/{path}", headers=headers) as reply:
        assert reply.status == 200


async def test_parameters_stand_in_the_query_or_in_a_body_of_any_content_type(
    gateway: Desk,
) -> None:
    headers = {"Authorization": f"bearer {gateway.token}"}
    url = f"{gateway.url}/inContactAPI/services/v12.0/agent-sessions/join"
    async with gateway.http.post(f"{url}?ASAGENTID=1001", headers=headers) as reply:
        assert reply.status == 202
    headers["Content-Type"] = "text/plain;charset=UTF-8"
    async with gateway.http.post(url, data='{"asAgentId": "1001"}', headers=headers) as reply:
        assert reply.status == 202


@pytest.mark.parametrize("form", ["status", "json"])
async def test_an_error_explains_itself_in_the_status_or_in_a_body(form: str) -> None:
    settings = msgspec.convert({"events_per_second": 0, "error_form": form}, SimulatorSettings)
    async with Simulator(settings) as running, desk(running.url) as somebody:
        status, answer = await somebody.post("agent-sessions/zzz/state", {"state": "Available"})
        assert status == 404
        if form == "json":
            assert answer["error_description"] == "Invalid agent session"
        else:
            assert (somebody.reason, answer) == ("Invalid agent session", None)


async def test_an_expired_token_gets_a_401(simulator: Simulator, gateway: Desk) -> None:
    simulator.tokens.expire_all()
    assert (await gateway.get("agents/states"))[0] == 401


async def test_too_many_requests_get_a_429_that_says_how_long(
    simulator: Simulator, gateway: Desk
) -> None:
    simulator.commit(Fault(FaultKind.RATE_LIMITED, delay_ms=2000))
    url = f"{gateway.url}/inContactAPI/services/v23.0/agents/states"
    headers = {"Authorization": f"bearer {gateway.token}"}
    async with gateway.http.get(url, headers=headers) as reply:
        assert (reply.status, reply.headers["Retry-After"]) == (429, "2")
    assert (await gateway.get("agents/states"))[0] == 200


@pytest.mark.parametrize("wrong", [{"agents": 0}, {"skills": 5}, {"nonsense": 1}])
def test_a_wrong_setting_is_named(wrong: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(wrong, SimulatorSettings)


async def test_an_unknown_fault_is_refused(gateway: Desk) -> None:
    async with gateway.http.post(f"{gateway.url}/sim/faults", json={"kind": "silence"}) as reply:
        assert reply.status == 400
