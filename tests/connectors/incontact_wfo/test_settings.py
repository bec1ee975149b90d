"""Settings that cannot work are refused with the key and the remedy."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from connectors.incontact_wfo.settings import IncontactWfoSettings

RECORDER = "https://recorder.example.com:8443"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"base_url": "recorder.example.com"}, "https://recorder.example.com"),
        ({"base_url": "ftp://recorder"}, "https://recorder.example.com"),
        ({"base_url": "http://u:p@recorder"}, "their own keys"),
        ({"base_url": "http://recorder/api/"}, "without /api"),
        ({"base_url": "http://recorder?x=1"}, "without query"),
        ({"time_zone": "Denver/America"}, "America/Denver"),
        ({"time_zone": "../etc/passwd"}, "America/Denver"),
        ({"username": "tieline"}, "username and password together"),
        ({"base_url": "http://recorder", "ca_file": "ca.pem"}, "without https"),
        ({"agents": [{"value": "1"}, {"value": 1}]}, "agents that differ"),
        ({"agents": [{"identifier": "Name", "value": "1"}]}, "CrmUsername"),
        ({"call_states": {"OnCall": "talking"}}, "connected"),
        ({"interval": 1}, "Extra inputs"),
    ],
)
def test_a_mistake_is_named(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as refused:
        IncontactWfoSettings.model_validate({"base_url": RECORDER, **settings})

    assert said in str(refused.value)


def test_scheme_port_and_credentials_are_free() -> None:
    settings = IncontactWfoSettings.model_validate(
        {"base_url": "http://10.0.0.7:8080/wfo/", "username": "tieline", "password": "hidden-one"}
    )

    assert settings.base_url == "http://10.0.0.7:8080/wfo"
    assert "hidden-one" not in repr(settings)
