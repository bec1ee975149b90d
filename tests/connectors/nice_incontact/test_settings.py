"""Settings: what is wrong is said by name, and what cannot work is refused before anything is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.nice_incontact.settings import NiceIncontactSettings

PASSWORD = {
    "method": "password",
    "application": "App@Vendor",
    "business_unit": "123456",
    "username": "ann@example.com",
    "password": "hidden-secret",
}
KEY = {"method": "access_key", "access_key_id": "k", "access_key_secret": "hidden-secret"}


def settings(**fields: Any) -> NiceIncontactSettings:
    given = {"sign_in": PASSWORD, "agents": [{"agent_id": 1001}], **fields}
    return NiceIncontactSettings.model_validate(given)


WRONG = [
    ({"sign_in": {"method": "password"}}, "application, business_unit, username, password for the method password"),
    ({"sign_in": {**PASSWORD, "token": "t"}}, "no token with the method password"),
    ({"sign_in": {**PASSWORD, "application": "App"}}, "sign_in.application"),
    ({"sign_in": {**PASSWORD, "url": "ftp://x"}}, "an address such as"),
    ({"sign_in": {**PASSWORD, "url": "https://a:b@x"}}, "without user name and password"),
    ({"sign_in": KEY | {"tenant_id": "t"}}, "area or url"),
    ({"sign_in": KEY | {"area": "na1"}}, "tenant_id or api_url"),
    ({"sign_in": {"method": "implicit", "token": "t"}}, "api_url for the method implicit"),
    ({"sign_in": {"method": "client", "application": "A@V", "application_id": "1"}},
     "client tokens serve no user's calls"),
    ({"agents": []}, "there is nothing to hear"),
    ({"agents": [{"agent_id": "Ann"}]}, "agents.0.agent_id"),
    ({"agents": [{"agent_id": 1}, {"agent_id": 1}]}, "'1' occurs twice"),
    ({"agents": [{"agent_id": 1, "username": "x"}]}, "username and password together"),
    ({"agents": [{"agent_id": 1, "access_key_id": "x", "access_key_secret": "y"}]}, "no access_key_id for agent 1"),
    ({"sessions": {"mode": "start"}}, "station_id or station_phone_number for agent 1001"),
    ({"sessions": {"poll_timeout_seconds": 61}}, "sessions.poll_timeout_seconds"),
    ({"sessions": {"inactivity_timeout_seconds": 10}}, "30 to 300"),
    ({"api_version": "23"}, "a version such as v23.0"),
    ({"versions": {"/contacts": "v27.0"}}, "beginnings of paths"),
    ({"surprise": 1}, "surprise"),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "why"), WRONG, ids=[why for _, why in WRONG])
def test_what_is_wrong_is_said_by_name(fields: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError) as refused:
        settings(**fields)

    text = " ".join(
        f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in refused.value.errors()
    )
    assert why in text
    assert "hidden-secret" not in text


def test_polls_need_no_agents_and_a_client_token_is_enough() -> None:
    client = {"method": "client", "application": "A@V", "application_id": "1"}

    assert not settings(sign_in=client, agents=[], polls={"agent_states": {}}).all_agents


def test_agents_may_stand_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "agents.yaml"
    file.write_text(
        "- {agent_id: 1002, username: bob, password: hidden-secret}\n", encoding="utf-8"
    )

    chosen = settings(agents_file=file)

    assert [agent.agent_id for agent in chosen.all_agents] == ["1001", "1002"]
    own = chosen.sign_in_of(chosen.all_agents[1])
    assert (own.username, own.application) == ("bob", "App@Vendor")
    assert chosen.sign_in_of(chosen.all_agents[0]) is chosen.sign_in


def test_a_wrong_agents_file_names_the_number_and_repeats_nothing(tmp_path: Path) -> None:
    file = tmp_path / "agents.yaml"
    file.write_text("- {agent_id: hidden-secret}\n", encoding="utf-8")

    with pytest.raises(ValidationError) as refused:
        settings(agents_file=file)

    message = refused.value.errors()[0]["msg"]
    assert "sound agents in the file; number 1, agent_id" in message
    assert "hidden-secret" not in message


def test_the_longest_beginning_of_a_path_decides_the_version() -> None:
    chosen = settings(versions={"contacts": "v25.0", "contacts/completed": "v27.0"})

    assert chosen.version_of("Contacts/completed") == "v27.0"
    assert chosen.version_of("contacts/active") == "v25.0"
    assert chosen.version_of("agent-sessions") == "v23.0"


def test_secrets_are_not_printed() -> None:
    assert "hidden-secret" not in repr(settings())
