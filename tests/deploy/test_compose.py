"""What `docker compose` starts has a right configuration; without a container engine that is what can be tried here."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import yaml

from config import load
from gateway.registry import Registry
from tests.support.judges import DEPLOY, ROOT


def read(name: str) -> Any:
    """A YAML file of the folder."""
    return yaml.safe_load((DEPLOY / name).read_text(encoding="utf-8"))


def test_the_gateway_takes_its_configuration(tmp_path: Path) -> None:
    """With the data directory that the image sets; the broker of one node can hold the topics that it makes.

    It warns of an API without TLS only, which here is reached within the network of the containers.
    """
    directory = re.search(r"TIELINE_GATEWAY__DATA_DIR=(\S+)", (ROOT / "Dockerfile").read_text())
    assert directory is not None
    path = tmp_path / "tieline.yaml"
    path.write_text((DEPLOY / "compose/tieline.yaml").read_text(encoding="utf-8"))
    path.chmod(0o600)
    config = load(path, {"TIELINE_GATEWAY__DATA_DIR": directory[1]}, registry=Registry())
    assert [warning.path for warning in config.warnings] == [("gateway", "api", "tls")]
    lake = next(sink for sink in config.sinks if sink.name == "lake")
    assert lake.settings.create_topics.replication_factor == 1


def test_prometheus_has_the_token_that_the_gateway_knows() -> None:
    """In clear on the one side, as its hash on the other."""
    (job,) = read("compose/prometheus.yaml")["scrape_configs"]
    token = job["authorization"]["credentials"]
    (known,) = read("compose/tieline.yaml")["gateway"]["api"]["tokens"]
    assert known["hash"] == f"sha256:{hashlib.sha256(token.encode()).hexdigest()}"


def test_every_file_that_is_mounted_exists_and_no_port_is_open_beyond_loopback() -> None:
    services = read("compose.yaml")["services"]
    for service in services.values():
        for volume in service.get("volumes", []):
            source = volume.split(":", 1)[0]
            assert not source.startswith(".") or (DEPLOY / source).exists(), source
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
