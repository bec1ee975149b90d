from __future__ import annotations

import base64

import pytest
from pydantic import ValidationError

from sinks.webhook.settings import WebhookSettings
from tests.sinks.webhook.receiver import OLD_SECRET, SECRET

URL = "https://crm.example.com/hook"


def short(count: int) -> str:
    return "whsec_" + base64.b64encode(b"x" * count).decode()


@pytest.mark.parametrize(
    ("block", "said"),
    [
        ({"secret": SECRET}, "Field required"),
        ({"url": URL}, "set either `secret` or `unsigned: true`"),
        ({"url": URL, "secret": SECRET, "unsigned": True}, "set either"),
        ({"url": URL, "unsigned": True, "previous_secrets": [SECRET]}, "needs `secret`"),
        ({"url": URL, "secret": "hunter2"}, "must begin with whsec_"),
        ({"url": URL, "secret": "whsec_not-base-64"}, "must be base64"),
        ({"url": URL, "secret": short(23)}, "24 to 64 bytes, but holds 23"),
        ({"url": URL, "secret": short(65)}, "24 to 64 bytes, but holds 65"),
        ({"url": "ftp://crm.example.com", "secret": SECRET}, "http:// or https://"),
        ({"url": "crm.example.com/hook", "secret": SECRET}, "http:// or https://"),
        ({"url": "https://", "secret": SECRET}, "http"),
        ({"url": "https://u:hunter2@crm.example.com", "secret": SECRET}, "user name or password"),
        ({"url": URL, "secret": SECRET, "headers": {"Host": "a"}}, "is set by the sink"),
        ({"url": URL, "secret": SECRET, "headers": {"Webhook-Id": "a"}}, "is set by the sink"),
        ({"url": URL, "secret": SECRET, "headers": {"A b": "a"}}, "not a name of a header"),
        ({"url": URL, "secret": SECRET, "headers": {"A": "hunter2\r\nB: c"}}, "characters"),
        ({"url": URL, "secret": SECRET, "allow_networks": ["10.0.0.1/8"]}, "allow_networks"),
        ({"url": URL, "secret": SECRET, "retries": 3}, "retries"),
    ],
)
def test_a_wrong_setting_is_refused_with_a_clear_message(
    block: dict[str, object], said: str
) -> None:
    """Each mistake is named; no secret is."""
    with pytest.raises(ValidationError) as caught:
        WebhookSettings.model_validate(block)
    errors = caught.value.errors(include_url=False, include_context=False, include_input=False)
    assert said in str(errors)
    assert "hunter2" not in str(errors)


def test_settings_print_neither_secrets_nor_the_path() -> None:
    """What could be logged by accident holds nothing secret."""
    settings = WebhookSettings.model_validate(
        {
            "url": URL + "/token?key=token",
            "secret": SECRET,
            "previous_secrets": [OLD_SECRET],
            "headers": {"Authorization": "Bearer token"},
        }
    )
    assert "token" not in repr(settings)
    assert SECRET not in repr(settings)
    assert OLD_SECRET not in repr(settings)
    assert settings.peer == "https://crm.example.com"
