"""The simulated Authentication API."""

from __future__ import annotations

import base64
import json

import msgspec
import pytest

from connectors.genesys_engage_cloud.simulator import Fault, FaultKind, Simulator
from tests.support.engage_desk import QUIET, basic, client, oauth
from tests.support.raw_bayeux import RawBayeux

AUTH = "/auth/v3"
REDIRECT = "http://127.0.0.1/back"


def jwt(subject: str) -> str:
    claims = base64.urlsafe_b64encode(json.dumps({"sub": subject}).encode()).decode().rstrip("=")
    return f"e30.{claims}.unsigned"


@pytest.mark.parametrize(
    "form",
    [
        {"grant_type": "password", "username": "acme\\agent0001", "password": "secret"},
        {"grant_type": "password", "username": "acme%5Cagent0001", "password": "secret"},
        {"grant_type": "password", "username": "agent0001", "password": "secret", "scope": "*"},
        {
            "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "assertion": jwt("agent0001"),
        },
    ],
)
async def test_a_user_has_a_token_that_can_be_refreshed_once(
    simulator: Simulator, form: dict[str, str]
) -> None:
    status, first = await oauth(simulator, **form)
    assert (status, first["token_type"], first["expires_in"]) == (200, "bearer", 1800)
    assert "status" not in first
    again = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    status, second = await oauth(simulator, **again)
    assert status == 200
    assert second["access_token"] != first["access_token"]
    assert (await oauth(simulator, **again))[0] == 400


async def test_a_client_has_a_token_without_refresh(simulator: Simulator) -> None:
    status, body = await oauth(simulator, grant_type="client_credentials", scope="*")
    assert (status, "refresh_token" in body) == (200, False)


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "password", "username": "agent0001", "password": "wrong"}, "invalid_grant"),
        (
            {"grant_type": "password", "username": "other\\agent0001", "password": "secret"},
            "invalid_grant",
        ),
        ({"grant_type": "authorization_code", "code": "made-up"}, "invalid_grant"),
        ({"grant_type": "implicit"}, "unsupported_grant_type"),
        ({"grant_type": "client_credentials", "scope": "admin"}, "invalid_scope"),
    ],
)
async def test_what_is_no_grant_is_an_oauth_error(
    simulator: Simulator, form: dict[str, str], error: str
) -> None:
    status, body = await oauth(simulator, **form)
    assert (status, body["error"]) == (400, error)


async def test_a_wrong_client_secret_is_unauthorized(simulator: Simulator) -> None:
    async with RawBayeux("", username="sim-client", password="wrong") as http:
        http.headers["x-api-key"] = "sim-key"
        status, body, _ = await http.request(
            "POST",
            f"{simulator.url}{AUTH}/oauth/token",
            data={"grant_type": "client_credentials"},
        )
    assert (status, json.loads(body)["error"]) == (401, "invalid_client")


@pytest.mark.parametrize("key", [None, "another"])
async def test_without_the_api_key_nothing_is_answered(
    simulator: Simulator, key: str | None
) -> None:
    async with RawBayeux("") as http:
        http.headers |= {"x-api-key": key} if key else {}
        status, _, _ = await http.request("GET", f"{simulator.url}{AUTH}/ping")
    assert status == 403


@pytest.mark.parametrize("settings", [msgspec.structs.replace(QUIET, api_key="")])
async def test_an_empty_api_key_is_not_asked_for(simulator: Simulator) -> None:
    async with RawBayeux("") as http:
        http.headers["Authorization"] = basic(simulator)
        status, _, _ = await http.request(
            "POST",
            f"{simulator.url}{AUTH}/oauth/token",
            data={"grant_type": "client_credentials"},
        )
    assert status == 200


async def code_for(simulator: Simulator) -> str:
    """An authorization code, as a signed-in browser gets it."""
    async with RawBayeux("") as browser:
        browser.headers["x-api-key"] = "sim-key"
        status, _, _ = await browser.request(
            "POST",
            f"{simulator.url}{AUTH}/sign-in",
            data={"tenant": "acme", "username": "agent0001", "password": "secret"},
            allow_redirects=False,
        )
        assert (status, "GENESYS_SESSION" in browser.cookies) == (302, True)
        query = f"client_id=sim-client&redirect_uri={REDIRECT}&response_type=code"
        status, _, headers = await browser.request(
            "GET", f"{simulator.url}{AUTH}/oauth/authorize?{query}", allow_redirects=False
        )
    target, _, code = headers["Location"].partition("?code=")
    assert (status, target) == (302, REDIRECT)
    return code


async def test_a_code_buys_one_token(simulator: Simulator) -> None:
    form = {
        "grant_type": "authorization_code",
        "code": await code_for(simulator),
        "redirect_uri": REDIRECT,
        "client_id": "sim-client",
    }
    assert (await oauth(simulator, **form))[0] == 200
    assert (await oauth(simulator, **form))[0] == 400


async def test_a_code_begins_a_workspace_without_a_token(simulator: Simulator) -> None:
    code = await code_for(simulator)
    async with RawBayeux("") as http:
        http.headers["x-api-key"] = "sim-key"
        url = f"{simulator.url}/workspace/v3/initialize-workspace"
        query = f"?code={code}&redirect_uri={REDIRECT}"
        status, body, _ = await http.request("POST", url + query)
    assert (status, json.loads(body)["status"]["code"]) == (200, 1)


async def test_authorize_without_a_session_leads_to_the_sign_in_page(simulator: Simulator) -> None:
    async with RawBayeux("") as browser:
        query = f"client_id=sim-client&redirect_uri={REDIRECT}&response_type=code"
        url = f"{simulator.url}{AUTH}/oauth/authorize?{query}"
        status, _, headers = await browser.request("GET", url, allow_redirects=False)
        assert (status, "code=" in headers["Location"]) == (302, False)
        browser.headers["Authorization"] = "Basic " + base64.b64encode(b"agent0001:secret").decode()
        status, _, headers = await browser.request("GET", url, allow_redirects=False)
    assert (status, "code=" in headers["Location"]) == (302, True)


async def test_who_am_i_in_every_form(simulator: Simulator) -> None:
    async with client(simulator, AUTH) as desk:
        assert (await desk.rest("GET", "userinfo"))["loginName"] == "agent0001"
        assert (await desk.rest("GET", "openid/userinfo"))["user_name"] == "agent0001"
        url = f"{simulator.url}{AUTH}/jwt-userinfo"
        _, _, headers = await desk.bayeux.request("GET", url)
        claims = headers["X-GWS-User"].split(".")[1]
        assert b"agent0001" in base64.urlsafe_b64decode(claims + "==")
        assert (await desk.status("GET", "ping"))[0] == 200
        desk.bayeux.headers["Authorization"] = desk.bayeux.headers["Authorization"].lower()[:7]
        assert (await desk.status("GET", "ping"))[0] == 403


async def test_the_bearer_scheme_is_read_in_either_case(simulator: Simulator) -> None:
    async with client(simulator, AUTH) as desk:
        token = desk.bayeux.headers["Authorization"].partition(" ")[2]
        desk.bayeux.headers["Authorization"] = f"bearer {token}"
        assert (await desk.status("GET", "ping"))[0] == 200


async def test_a_changed_password_is_the_one_to_use(simulator: Simulator) -> None:
    async with client(simulator, AUTH) as desk:
        reply = await desk.post("change-password", oldPassword="secret", newPassword="better")
        assert reply["status"]["code"] == 0
        status, _ = await desk.status("POST", "change-password", {"data": {"oldPassword": "x"}})
        assert status == 403
    form = {"grant_type": "password", "username": "agent0001"}
    assert (await oauth(simulator, **form, password="secret"))[0] == 400
    assert (await oauth(simulator, **form, password="better"))[0] == 200


@pytest.mark.parametrize(("everywhere", "status"), [("true", 403), ("false", 200)])
async def test_sign_out_ends_the_token_or_all(
    simulator: Simulator, everywhere: str, status: int
) -> None:
    async with client(simulator, AUTH) as desk, client(simulator, AUTH) as other:
        reply = await desk.rest("POST", f"sign-out?global={everywhere}")
        assert reply["status"]["code"] == 0
        assert (await desk.status("GET", "ping"))[0] == 403
        assert (await other.status("GET", "ping"))[0] == status


@pytest.mark.parametrize("settings", [msgspec.structs.replace(QUIET, token_seconds=1e-6)])
async def test_a_token_dies_of_age(simulator: Simulator) -> None:
    async with client(simulator, "/statistics/v3") as desk:
        status, body = await desk.status("GET", "statistic-values/Calls?objectId=a&objectType=b")
    assert (status, json.loads(body)["status"]["code"]) == (401, 401)


async def test_tokens_die_on_demand_and_sessions_live_on(simulator: Simulator) -> None:
    async with client(simulator, "/workspace/v3") as desk:
        await desk.rest("POST", "initialize-workspace")
        simulator.strike(Fault(FaultKind.TOKEN_EXPIRY, agent="agent0001"))
        assert (await desk.status("POST", "initialize-workspace"))[0] == 401
        assert (await desk.rest("GET", "auth-keep-alive"))["status"]["code"] == 0
