"""An address that cannot work is refused with what was expected; one that can is taken without its last slash."""

from __future__ import annotations

import pytest

from connectors._wire.addresses import server_address

EXAMPLE = "https://pbx.example.com"


@pytest.mark.parametrize(
    ("value", "taken"),
    [
        ("https://pbx.example.com", "https://pbx.example.com"),
        ("http://10.0.0.7:8090/site/", "http://10.0.0.7:8090/site"),
        ("https://[::1]:65535", "https://[::1]:65535"),
        ("https://pbx.example.com/v20", "https://pbx.example.com/v20"),
    ],
)
def test_an_address_that_can_work_is_taken(value: str, taken: str) -> None:
    assert server_address(value, example=EXAMPLE, requests_add="/v2") == taken


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("pbx.example.com", EXAMPLE),
        ("ftp://pbx.example.com", EXAMPLE),
        ("https://", EXAMPLE),
        ("https://:8090", EXAMPLE),
        ("https://[::1", EXAMPLE),
        ("https://pbx.example.com:0", EXAMPLE),
        ("https://pbx.example.com:65536", EXAMPLE),
        ("https://pbx.example.com:web", EXAMPLE),
        ("https://ann@pbx.example.com", "without user name"),
        ("https://pbx.example.com?x=1", "without query"),
        ("https://pbx.example.com#x", "without query and fragment"),
        ("https://pbx.example.com/api/V2/", "without /v2 at its end"),
    ],
)
def test_an_address_that_cannot_work_is_refused(value: str, expected: str) -> None:
    with pytest.raises(ValueError, match="expected an address") as refused:
        server_address(value, example=EXAMPLE, requests_add="/v2")
    assert expected in str(refused.value)
