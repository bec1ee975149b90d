"""Settings that cannot work are refused with the key and what would work."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from connectors._template.settings import ExamplePbxSettings


@pytest.mark.parametrize(
    ("address", "remedy"),
    [
        ("pbx.example.com", "an address such as"),
        ("ftp://pbx.example.com", "an address such as"),
        ("https://user@pbx.example.com", "without user name"),
        ("https://pbx.example.com/v1", "without /v1"),
    ],
)
def test_an_address_that_cannot_work_is_refused(address: str, remedy: str) -> None:
    with pytest.raises(ValidationError, match=remedy) as refused:
        ExamplePbxSettings.model_validate({"base_url": address, "api_key": "k"})
    assert refused.value.errors()[0]["loc"] == ("base_url",)


def test_a_slash_at_the_end_of_an_address_does_not_matter() -> None:
    model = ExamplePbxSettings.model_validate({"base_url": "http://pbx:8080/", "api_key": "k"})
    assert model.base_url == "http://pbx:8080"
