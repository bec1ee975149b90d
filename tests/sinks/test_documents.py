"""READMEs are complete, for every kind of sink."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest
import yaml

import sinks
from gateway.contracts import SinkDescriptor

SECTIONS = ("## Settings", "## Delivery", "## Troubleshooting")
ROOT = Path(sinks.__file__).parent
KINDS = sorted(path.parent.name for path in ROOT.glob("*/README.md"))


def descriptor(kind: str) -> SinkDescriptor:
    found = importlib.import_module(f"sinks.{kind}").SINK
    assert isinstance(found, SinkDescriptor)
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_the_descriptor_has_the_name_of_its_folder(kind: str) -> None:
    """The registry finds a sink by its folder."""
    assert descriptor(kind).name == kind


@pytest.mark.parametrize("kind", KINDS)
def test_the_readme_shows_the_sample(kind: str) -> None:
    """What a reader copies from the README is what was checked to load."""
    sample = yaml.safe_load((ROOT / kind / "sample.yaml").read_text())
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / kind / "README.md").read_text(), re.DOTALL)
    assert sample in [yaml.safe_load(block) for block in blocks]


@pytest.mark.parametrize("kind", KINDS)
def test_every_setting_is_described(kind: str) -> None:
    """Each field says what it is for, in the model and in the README's table."""
    readme = (ROOT / kind / "README.md").read_text()
    for name, field in descriptor(kind).settings.model_fields.items():
        assert field.description, f"{kind}.{name} has no description"
        assert f"| `{name}` |" in readme, f"{kind}/README.md does not list {name}"


@pytest.mark.parametrize("kind", KINDS)
def test_the_readme_has_its_sections(kind: str) -> None:
    """What an operator looks for is there."""
    readme = (ROOT / kind / "README.md").read_text()
    assert [section for section in SECTIONS if section not in readme] == []
