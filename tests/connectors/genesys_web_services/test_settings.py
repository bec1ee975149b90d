from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.genesys_web_services.settings import GenesysWebServicesSettings

BASE = {"base_url": "http://127.0.0.1:8090"}
ACCOUNT = {"username": "a", "password": "very-secret"}


def settings(**fields: Any) -> GenesysWebServicesSettings:
    return GenesysWebServicesSettings.model_validate({**BASE, "accounts": [ACCOUNT], **fields})


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"base_url": "gws.example.com"}, "an address such as"),
        ({"base_url": "http://u:p@gws.example.com"}, "without user name and password"),
        ({"base_url": "http://gws.example.com/api/v2"}, "without /api/v2"),
        ({"accounts": []}, "at least one account"),
        ({"accounts": [ACCOUNT, ACCOUNT]}, "occurs twice"),
        ({"accounts": [ACCOUNT, {**ACCOUNT, "username": "b", "agent": "a"}]}, "occurs twice"),
        ({"accounts": [{**ACCOUNT, "username": "a:b"}]}, "without : and /"),
        ({"topics": ["me"]}, "topics that begin with /"),
        ({"topics": ["/meta/connect"]}, "not below /meta"),
        ({"observe": True}, "Extra inputs"),
        ({"accounts_file": "/does/not/exist"}, "No such file"),
    ],
)
def test_what_cannot_work_is_refused_without_a_secret(
    fields: dict[str, Any], expected: str
) -> None:
    with pytest.raises(ValidationError, match=expected) as caught:
        settings(**fields)

    messages = [error["msg"] for error in caught.value.errors(include_input=False)]
    assert "very-secret" not in str(messages)


@pytest.mark.parametrize(
    "text",
    [
        "- {username: b, password: p}\n- {username: c, password: p, agent: '7'}\n",
        '[{"username": "b", "password": "p"}, {"username": "c", "password": "p", "agent": "7"}]',
    ],
)
def test_accounts_come_from_a_file_in_yaml_or_json(tmp_path: Path, text: str) -> None:
    path = tmp_path / "accounts"
    path.write_text(text)

    found = settings(accounts_file=path).all_accounts

    assert [account.name for account in found] == ["a", "b", "7"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("username: b", "with a list of accounts"),
        ("[{", "in YAML or JSON"),
        ("- {username: b}\n", "number 1, password"),
        ("- {username: b, password: very-secret, extra: 1}\n", "number 1, extra"),
        ("- very-secret\n", "number 1, account"),
    ],
)
def test_a_broken_accounts_file_is_refused_without_its_content(
    tmp_path: Path, text: str, expected: str
) -> None:
    path = tmp_path / "accounts"
    path.write_text(text)

    with pytest.raises(ValidationError, match=expected) as caught:
        settings(accounts_file=path)

    messages = [error["msg"] for error in caught.value.errors(include_input=False)]
    assert "very-secret" not in str(messages)


def test_passwords_are_hidden_when_settings_are_shown() -> None:
    assert "very-secret" not in repr(settings())


QUEUE = {"kind": "queue", "id": "9001"}


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ({"statistics": {"objects": []}}, "at least 1 item"),
        ({"statistics": {"objects": [QUEUE, QUEUE]}}, "'9001' occurs twice"),
        ({"statistics": {"objects": [{**QUEUE, "kind": "team"}]}}, "'queue', 'skill' or 'agent'"),
        ({"statistics": {"objects": [QUEUE], "interval_seconds": 0.1}}, "greater than or equal"),
        ({"statistics": {"objects": [{**QUEUE, "interval": 1}]}}, "Extra inputs"),
        ({"directory": {"dictionaries": ["people"]}}, "Input should be"),
        ({"directory": {"max_entries": 0}}, "greater than or equal"),
        ({"site_topics": ["/meta/connect"]}, "not below /meta"),
        ({"accounts": [{"username": "a", "password": "b", "topics": ["users"]}]}, "begin with /"),
        ({"site_account": {"username": "a:b", "password": "c"}}, "without : and /"),
    ],
)
def test_what_cannot_be_polled_read_or_heard_is_refused(
    block: dict[str, Any], expected: str
) -> None:
    with pytest.raises(ValidationError, match=re.escape(expected)):
        settings(**block)


def test_the_site_is_read_by_the_first_account_unless_another_is_named() -> None:
    other = {"username": "admin", "password": "very-secret"}

    assert settings().reads_site == settings().all_accounts[0]
    assert settings(site_account=other).reads_site.username == "admin"
    assert "very-secret" not in repr(settings(site_account=other))
