"""The example and every plug-in's sample load, with the plug-ins that exist."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

import config
from config import load
from gateway.registry import Registry

ROOT = Path(config.__file__).parent.parent
SAMPLES = sorted([*ROOT.glob("connectors/[!_]*/sample.yaml"), *ROOT.glob("sinks/*/sample.yaml")])


def test_every_plugin_has_a_sample() -> None:
    """A platform or sink without one cannot be copied from."""
    registry = Registry()
    named = {path.parent.name for path in SAMPLES}
    assert named == {*registry.platforms(), *registry.kinds()}


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.parent.name)
def test_a_sample_is_a_block_that_loads(sample: Path, tmp_path: Path) -> None:
    """Put into a file as it stands, it has no error."""
    block: dict[str, Any] = _without_files(yaml.safe_load(sample.read_text(encoding="utf-8")))
    section = sample.parent.parent.name
    path = tmp_path / "tieline.yaml"
    path.write_text(yaml.safe_dump({"gateway": {"data_dir": "data"}, section: [block]}))
    [loaded] = getattr(load(path, SECRETS, registry=Registry()), section)
    assert loaded.name == block["name"]


def test_the_example_loads_without_a_warning(tmp_path: Path) -> None:
    """As it stands, with the variables that it names."""
    path = tmp_path / "example.yaml"
    path.write_text((ROOT / "config" / "example.yaml").read_text(encoding="utf-8"))
    path.chmod(0o600)
    assert load(path, SECRETS, registry=Registry()).warnings == ()


def _without_files(value: Any) -> Any:
    """References to files, which are not here, as references to variables of the same name."""
    if isinstance(value, list):
        return [_without_files(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"file"}:
        return {"env": value["file"]}
    return {key: _without_files(item) for key, item in value.items()}


class _Secrets(dict[str, str]):
    """A variable for every name that a sample refers to."""

    def get(self, name: str, default: Any = None) -> Any:  # noqa: ARG002 - a mapping's signature
        return "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="


SECRETS = _Secrets()
