"""Tokens, had in every way, renewed in time, and never a loop."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import msgspec
import pytest
from pydantic import SecretStr

from connectors._simulation.faults import Fault, FaultKind
from connectors.nice_incontact import grants
from connectors.nice_incontact.settings import SignIn
from connectors.nice_incontact.signin import Tokens
from connectors.nice_incontact.simulator import Simulator
from gateway.errors import AuthRejected, ConfigError, NotReady, ProtocolViolation, Reason
from tests.connectors.nice_incontact.harness import sign_in, simulated
from tests.support.clock import LeapingClock


def tokens_of(http: aiohttp.ClientSession, clock: LeapingClock, **fields: Any) -> Tokens:
    return Tokens(
        http,
        SignIn.model_validate(fields),
        clock,
        ahead_seconds=300,
        timeout_seconds=10,
        max_reply_bytes=100_000,
    )


def ways(simulator: Simulator) -> dict[str, dict[str, Any]]:
    """Each method with what the simulated platform knows."""
    url = simulator.url
    key = {"access_key_id": "key-1001", "access_key_secret": "secret"}
    found = {"tenant_id": simulator.settings.tenant, "discovery_url": url}
    client = {"client_id": "sim-client", "client_secret": "sim-secret"}
    central = f"{url}/InContactAuthorizationServer/Token"
    application = {"application": "Tieline@Example", "application_id": "12345"}
    return {
        "password": sign_in(url),
        "client": {"method": "client", "url": central, **application},
        "access_key": {"method": "access_key", "url": url, **key, **found},
        "oidc": {"method": "oidc", **key, **client, **found},
    }


async def is_taken(http: aiohttp.ClientSession, tokens: Tokens, token: str) -> bool:
    """Whether the platform takes the token at the address that came with it."""
    async with http.get(
        f"{tokens.base_url}/services/v23.0/server-time",
        headers={"Authorization": f"bearer {token}"},
    ) as answer:
        return answer.status != 401


def test_the_key_is_that_of_the_vendors_example() -> None:
    key = grants.authorization_key("SuperWidget@WidgetsInc.com", "123456")

    assert key == "U3VwZXJXaWRnZXRAV2lkZ2V0c0luYy5jb206MTIzNDU2"


def test_the_legacy_service_is_asked_in_json_with_the_key_in_the_header() -> None:
    request = grants.first_request(SignIn.model_validate(sign_in("https://x.test")))

    assert request.url == "https://x.test/InContactAuthorizationServer/Token"
    assert request.headers["Authorization"].startswith("basic ")
    assert msgspec.json.decode(request.body) == {
        "grant_type": "password",
        "username": "agent0001@example.com",
        "password": "secret",
        "scope": "",
    }
    assert "secret" not in repr(request).removesuffix("secrets hidden)")


def test_a_client_has_the_application_id_in_its_key_and_one_scope() -> None:
    client = SignIn(method="client", application="A@V", application_id="77")
    request = grants.first_request(client)

    assert request.headers["Authorization"] == f"basic {grants.authorization_key('A@V', '77')}"
    assert msgspec.json.decode(request.body)["scope"] == "PatronApi"
    assert request.url == "https://api.incontact.com/InContactAuthorizationServer/Token"


@pytest.mark.parametrize("method", ["password", "client", "access_key", "oidc"])
async def test_a_token_is_had_renewed_and_taken(method: str) -> None:
    clock = LeapingClock()
    async with simulated() as simulator, aiohttp.ClientSession() as http:
        tokens = tokens_of(http, clock, **ways(simulator)[method])
        first = await tokens.current()
        assert await tokens.current() == first
        clock.advance(3600 - 301)
        assert await tokens.current() == first
        clock.advance(2)
        second = await tokens.current()

        assert second != first
        assert await is_taken(http, tokens, second)
        assert tokens.fetched == 2


async def test_a_refresh_token_that_is_used_up_is_followed_by_the_credentials() -> None:
    clock = LeapingClock()
    async with simulated(refresh_seconds=1e-9) as simulator, aiohttp.ClientSession() as http:
        tokens = tokens_of(http, clock, **sign_in(simulator.url))
        first = await tokens.current()
        second = await tokens.renew(first)

        assert second != first
        assert await is_taken(http, tokens, second)


async def test_callers_at_the_same_time_share_one_renewal() -> None:
    async with simulated() as simulator, aiohttp.ClientSession() as http:
        tokens = tokens_of(http, LeapingClock(), **sign_in(simulator.url))
        first = await tokens.current()
        renewed = await asyncio.gather(*(tokens.renew(first) for _ in range(20)))

        assert len(set(renewed)) == 1
        assert tokens.fetched == 2


async def test_a_token_of_the_implicit_grant_is_used_until_it_is_refused() -> None:
    async with aiohttp.ClientSession() as http:
        tokens = tokens_of(
            http,
            LeapingClock(),
            method="implicit",
            token=SecretStr("given-token"),
            api_url="https://api-c7.incontact.com/inContactAPI/",
        )

        assert await tokens.current() == "given-token"
        assert tokens.base_url == "https://api-c7.incontact.com/inContactAPI"
        with pytest.raises(AuthRejected) as refused:
            await tokens.renew("given-token")
    assert "sign_in.token" in refused.value.hint


async def test_a_busy_service_is_told_from_a_refusal() -> None:
    async with simulated() as simulator, aiohttp.ClientSession() as http:
        clock = LeapingClock()
        tokens = tokens_of(http, clock, **sign_in(simulator.url))
        simulator.commit(Fault(kind=FaultKind.SERVER_ERROR, status=503, times=1))
        for _ in range(2):
            with pytest.raises(NotReady):
                await tokens.current()
        assert tokens.attempts == 1
        clock.advance(1.1)

        assert await tokens.current()


@pytest.mark.parametrize("field", ["username", "password", "application", "business_unit"])
async def test_whatever_is_wrong_the_legacy_service_says_the_same_and_the_remedy_names_all(
    field: str,
) -> None:
    wrong = {"username": "x", "password": "x", "application": "A@B", "business_unit": "1"}[field]
    async with simulated() as simulator, aiohttp.ClientSession() as http:
        tokens = tokens_of(http, LeapingClock(), **sign_in(simulator.url, **{field: wrong}))
        with pytest.raises(ConfigError) as refused:
            await tokens.current()

    assert field in refused.value.hint


async def test_a_wrong_access_key_is_refused_with_a_hint() -> None:
    async with simulated() as simulator, aiohttp.ClientSession() as http:
        chosen = ways(simulator)["access_key"] | {"access_key_secret": "wrong"}
        with pytest.raises(AuthRejected) as refused:
            await tokens_of(http, LeapingClock(), **chosen).current()

    assert refused.value.reason is Reason.AUTH
    assert "sign_in" in refused.value.hint


async def test_refused_credentials_are_not_tried_again_by_every_feed() -> None:
    """Thousands of feeds share one user; the platform would lock it."""
    clock = LeapingClock()
    async with simulated() as simulator, aiohttp.ClientSession() as http:
        chosen = ways(simulator)["access_key"] | {"access_key_secret": "wrong"}
        tokens = tokens_of(http, clock, **chosen)
        answers = await asyncio.gather(
            *(tokens.current() for _ in range(50)), return_exceptions=True
        )
        with pytest.raises(AuthRejected) as again:
            await tokens.current()
        asked = tokens.attempts
        clock.advance(16)
        with pytest.raises(AuthRejected):
            await tokens.current()

    assert all(isinstance(one, AuthRejected) for one in answers)
    assert again.value.hint
    assert (asked, tokens.attempts) == (1, 2)


async def test_a_tenant_that_is_not_known_is_said_so() -> None:
    async with simulated() as simulator, aiohttp.ClientSession() as http:
        chosen = ways(simulator)["access_key"] | {"tenant_id": "nobody"}
        with pytest.raises((ProtocolViolation, NotReady)):
            await tokens_of(http, LeapingClock(), **chosen).current()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"access_token": "t", "expires_in": "60"}, ("t", 60.0)),
        ({"token": "t", "tokenExpirationTimeSec": 60}, ("t", 60.0)),
        ({"access_token": "t"}, ("t", 3600.0)),
        ({"access_token": "t", "expires_in": -1}, ("t", 3600.0)),
        ({"access_token": "t\n"}, None),
        ({"access_token": ""}, None),
        ([], None),
        (None, None),
    ],
)
def test_a_token_is_read_from_either_kind_of_answer(
    body: Any, expected: tuple[str, float] | None
) -> None:
    grant = grants.read_grant(body)

    assert (grant and (grant.access, grant.life_seconds)) == expected


def test_the_address_of_the_api_has_its_path_added_where_it_lacks_one() -> None:
    assert grants.api_of("https://api-na1.test") == "https://api-na1.test/inContactAPI"
    assert (
        grants.api_of("https://api-na1.test/InContactAPI/") == "https://api-na1.test/InContactAPI"
    )
