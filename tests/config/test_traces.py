"""Settings of traces: what is wrong with them is said at `gateway.traces`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from config import InvalidConfiguration, load
from config.settings import Config
from tests.config.plugins import GOOD, Plugins

ENDPOINT = "http://127.0.0.1:4318/v1/traces"


def loaded(tmp_path: Path, **traces: Any) -> Config:
    values = yaml.safe_load(GOOD)
    values["gateway"]["traces"] = {"endpoint": ENDPOINT, **traces}
    path = tmp_path / "tieline.yaml"
    path.write_text(yaml.safe_dump(values))
    return load(path, {"OTLP": "Bearer correct-horse"}, registry=Plugins())


def wrong(tmp_path: Path, **traces: Any) -> str:
    with pytest.raises(InvalidConfiguration) as caught:
        loaded(tmp_path, **traces)
    (finding,) = [item for item in caught.value.findings if item.severity == "error"]
    return str(finding)


def test_a_header_may_be_a_secret_from_elsewhere(tmp_path: Path) -> None:
    """Like every secret, and the receiver is named without its path."""
    traces = loaded(tmp_path, headers={"Authorization": {"env": "OTLP"}}).gateway.traces
    assert traces is not None
    assert traces.headers["Authorization"].get_secret_value() == "Bearer correct-horse"
    assert "correct-horse" not in repr(traces)
    assert traces.peer == "http://127.0.0.1:4318"


@pytest.mark.parametrize(
    ("traces", "message"),
    [
        ({"endpoint": "collector:4318"}, "traces.endpoint: found"),
        ({"endpoint": "http://collector:4318"}, "http://collector:4318/v1/traces"),
        ({"endpoint": "http://collector:99999/v1/traces"}, "traces.endpoint: found"),
        ({"endpoint": "http://a:b@collector/v1/traces"}, "put credentials into `headers`"),
        ({"endpoint": "http://collector/v1/traces?token=correct-horse"}, "into `headers`"),
        ({"endpoint": "grpc://collector:4317/v1/traces"}, "http:// or https://"),
        ({"headers": {"a b": "c"}}, "'a b' is not a name of a header"),
        ({"headers": {"Content-Type": "text/plain"}}, "Content-Type is set by the exporter"),
        ({"headers": {"Authorization": "correct\nhorse"}}, "that a header cannot"),
        ({"sample_ratio": 1.5}, "a number of at most 1"),
        ({"queue_spans": 0}, "a number of at least 1"),
        ({"ratio": 0.5}, "traces.ratio: found an unknown key"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, traces: dict[str, Any], message: str) -> None:
    """With the remedy, and without what may be a secret."""
    text = wrong(tmp_path, **traces)
    assert message in text
    assert "correct-horse" not in text


def test_without_the_packages_the_remedy_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`check-config` says it on the machine that would run the gateway, before it is started."""
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    text = wrong(tmp_path)
    assert "gateway.traces: found settings for packages that are not installed" in text
    assert "pip install 'tieline[otel]'" in text
