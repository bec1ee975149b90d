"""What a configuration may say, and what it is told when it is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.genesys_engage_cloud.settings import GenesysEngageCloudSettings

CODE = {"authorization_code": "c", "redirect_uri": "https://example.com"}


def settings(**changes: Any) -> GenesysEngageCloudSettings:
    base: dict[str, Any] = {
        "base_url": "https://gapi.example.com/",
        "api_key": "k",
        "client": {"id": "app", "secret": "s"},
        "accounts": [{"username": "acme\\kristi", "password": "p"}],
    }
    return GenesysEngageCloudSettings.model_validate({**base, **changes})


def account(**fields: Any) -> dict[str, Any]:
    return {"accounts": [{"username": "acme\\kristi", **fields}]}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"base_url": "ftp://x"}, "an address such as"),
        ({"base_url": "https://u:p@x"}, "without user name and password"),
        ({"base_url": "https://x/workspace/v3"}, "without /v3 at its end"),
        ({"accounts": []}, "at least one account, or statistics, or provisioning"),
        (account(), "exactly one of password"),
        (account(password="p", refresh_token="r"), "exactly one of password"),
        (account(authorization_code="c"), "together"),
        (account(password="p", redirect_uri="u"), "together"),
        ({"accounts": [{"username": "a/b", "password": "p"}]}, "without /"),
        (
            {"accounts": [{"username": f"{tenant}\\a", "password": "p"} for tenant in "xy"]},
            "'a' occurs twice",
        ),
        ({"channels": ["/v2/me"]}, "channels that begin with /workspace/v3/"),
        ({"provisioning": {}}, "something to watch or to read"),
        ({"provisioning": {"read": ["../x"]}}, "names of operations"),
        ({"provisioning": {"watch": ["users"], "account": "x"}}, "an account that exists"),
        ({"colour": "red"}, "Extra inputs"),
    ],
)
def test_a_wrong_setting_is_named(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        settings(**changes)


@pytest.mark.parametrize(
    ("fields", "grant"),
    [
        ({"password": "p"}, "password"),
        ({"refresh_token": "r"}, "refresh_token"),
        (CODE, "authorization_code"),
    ],
)
def test_an_account_has_one_grant(fields: dict[str, Any], grant: str) -> None:
    assert settings(**account(**fields)).credentials_of("acme\\kristi").grant == grant


def test_without_an_account_the_client_asks_by_itself() -> None:
    assert settings().credentials_of(None).grant == "client_credentials"


def test_an_agent_goes_by_the_user_name_less_the_tenant_unless_named() -> None:
    assert settings().all_accounts[0].name == "kristi"
    assert settings(**account(password="p", agent="1042")).all_accounts[0].name == "1042"


def test_statistics_alone_are_enough() -> None:
    watched = {"objects": [{"type": "Agent", "ids": ["a"], "statistics": ["X"]}]}

    assert settings(accounts=[], statistics=watched).all_accounts == ()


def test_accounts_may_stand_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "accounts.yaml"
    path.write_text("- {username: 'acme\\sipp', password: p}\n", encoding="utf-8")

    names = [each.name for each in settings(accounts_file=str(path)).all_accounts]

    assert names == ["kristi", "sipp"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "in YAML or JSON"),
        ("a: b", "with a list of accounts"),
        ("- {username: x}", "number 1"),
        ("- {username: x, password: [hidden-word]}", "number 1, password"),
    ],
)
def test_a_wrong_accounts_file_is_told_without_its_content(
    tmp_path: Path, content: str, said: str
) -> None:
    path = tmp_path / "accounts.yaml"
    path.write_text(content, encoding="utf-8")

    with pytest.raises(ValidationError, match=said) as caught:
        settings(accounts_file=str(path))

    assert "hidden-word" not in str(caught.value)


def test_secrets_do_not_show_themselves() -> None:
    shown = repr(settings(**account(password="open-sesame"), api_key="abracadabra"))

    assert "open-sesame" not in shown
    assert "abracadabra" not in shown
