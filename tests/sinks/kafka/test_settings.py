"""Settings that cannot work are refused with words; secrets stay inside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from gateway.errors import ConfigError
from sinks.kafka.producer import connection_options
from sinks.kafka.settings import KafkaSettings

SERVERS = ["broker-1.example.com:9092"]


def test_servers_may_be_one_text_with_commas() -> None:
    """As in every other Kafka tool, and in environment variables."""
    settings = KafkaSettings.model_validate({"bootstrap_servers": "a:1, [::1]:2"})
    assert settings.bootstrap_servers == ["a:1", "[::1]:2"]


@pytest.mark.parametrize(
    ("changes", "where", "said"),
    [
        ({"bootstrap_servers": []}, "bootstrap_servers", "at least 1"),
        ({"bootstrap_servers": ["broker"]}, "bootstrap_servers", "host:port"),
        ({"bootstrap_servers": ["broker:0"]}, "bootstrap_servers", "host:port"),
        ({"bootstrap_servers": [":9092"]}, "bootstrap_servers", "host:port"),
        ({"topic": "tieline.{verb}"}, "topic", "{noun}"),
        ({"compression": "gzip"}, "compression", "zstd"),
        ({"instance": "a b"}, "instance", "pattern"),
        ({"tls": {"key_file": "key.pem"}}, "tls", "need a cert_file"),
        ({"sasl": {"username": "u"}}, "password", "required"),
        ({"sasl": {"username": "u", "password": "p", "mechanism": "GSSAPI"}}, "mechanism", "PLAIN"),
        ({"create_topics": {"partitions": 0}}, "partitions", "greater"),
        ({"linger_ms": 5}, "linger_ms", "not permitted"),
    ],
)
def test_what_cannot_work_is_refused(changes: dict[str, Any], where: str, said: str) -> None:
    """The message names the key and what is expected."""
    with pytest.raises(ValidationError) as caught:
        KafkaSettings.model_validate({"bootstrap_servers": SERVERS} | changes)
    error = caught.value.errors()[0]
    assert where in ".".join(map(str, error["loc"]))
    assert said in error["msg"]


def test_printing_settings_shows_no_password() -> None:
    """Neither of the login nor of the key."""
    settings = KafkaSettings.model_validate(
        {
            "bootstrap_servers": SERVERS,
            "sasl": {"username": "u", "password": "hunter2"},
            "tls": {"cert_file": "c.pem", "key_password": "hunter2"},
        }
    )
    assert "hunter2" not in repr(settings) + str(settings.model_dump())


@pytest.mark.parametrize(
    ("blocks", "protocol"),
    [
        ({}, "PLAINTEXT"),
        ({"tls": {}}, "SSL"),
        ({"sasl": {"username": "u", "password": "p"}}, "SASL_PLAINTEXT"),
        ({"sasl": {"username": "u", "password": "p"}, "tls": {}}, "SASL_SSL"),
    ],
)
def test_blocks_choose_the_security_protocol(blocks: dict[str, Any], protocol: str) -> None:
    """There is no second switch that could contradict them."""
    settings = KafkaSettings.model_validate({"bootstrap_servers": SERVERS} | blocks)
    options = connection_options(settings)
    assert options["security_protocol"] == protocol
    assert (options["ssl_context"] is not None) == ("tls" in blocks)


def test_a_missing_certificate_file_is_a_configuration_error(tmp_path: Path) -> None:
    """It is told as such, not as a broken connection."""
    settings = KafkaSettings.model_validate(
        {"bootstrap_servers": SERVERS, "tls": {"ca_file": tmp_path / "absent.pem"}}
    )
    with pytest.raises(ConfigError, match=r"tls\.ca_file"):
        connection_options(settings)
