"""Plug-ins found by name, in packages made for each test."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.errors import ConfigError
from gateway.registry import Registry

PLATFORM = """
from pydantic import BaseModel
from gateway.contracts import Guarantee, PlatformDescriptor

class Settings(BaseModel):
    base_url: str

PLATFORM = PlatformDescriptor(name={name!r}, settings=Settings, guarantee=Guarantee.POLLED, capabilities=(),
                              events={{}}, version="1", build=lambda settings, context: None)
"""
SINK = """
from pydantic import BaseModel
from gateway.contracts import SinkDescriptor, SinkTraits

class Settings(BaseModel):
    path: str

SINK = SinkDescriptor(name="file", settings=Settings, traits=SinkTraits(), build=lambda settings, context: None)
"""


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    """Two packages on the path: good, misnamed, empty and broken platforms, and one sink."""
    files = {
        "platforms_of_test/__init__.py": "",
        "platforms_of_test/module_only.py": "",
        "platforms_of_test/_wire/__init__.py": "raise RuntimeError('no plug-in')",
        "platforms_of_test/good/__init__.py": PLATFORM.format(name="good"),
        "platforms_of_test/good/simulator.py": "STARTED = True",
        "platforms_of_test/misnamed/__init__.py": PLATFORM.format(name="good"),
        "platforms_of_test/empty/__init__.py": "",
        "platforms_of_test/broken/__init__.py": "import a_dependency_that_is_missing",
        "sinks_of_test/__init__.py": "",
        "sinks_of_test/file/__init__.py": SINK,
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    yield Registry("platforms_of_test", "sinks_of_test")
    for name in [name for name in sys.modules if name.split(".")[0].endswith("_of_test")]:
        del sys.modules[name]


def test_plugins_are_packages_without_an_underscore(registry: Registry) -> None:
    """Modules and building blocks are no plug-ins, and listing imports none of them."""
    assert registry.platforms() == ("broken", "empty", "good", "misnamed")
    assert registry.kinds() == ("file",)
    assert "platforms_of_test.good" not in sys.modules


def test_a_name_gives_its_descriptor_and_imports_no_other(registry: Registry) -> None:
    """The broken platform does not stop the good one."""
    assert registry.platform("good").name == "good"
    assert "base_url" in registry.connector_settings("good").model_fields
    assert registry.sink("file").name == "file"
    assert "path" in registry.sink_settings("file").model_fields
    assert "platforms_of_test.empty" not in sys.modules


def test_an_unknown_name_lists_what_exists_and_the_nearest(registry: Registry) -> None:
    """Also for a name that is not a module name at all."""
    with pytest.raises(
        ConfigError,
        match=r"no platform 'goood', there are: broken, empty, good, misnamed \(did you mean good\?\)",
    ):
        registry.platform("goood")
    with pytest.raises(ConfigError, match=r"no kind of sink '../x', there are: file$"):
        registry.sink("../x")
    with pytest.raises(ConfigError, match="no platform '_wire'"):
        registry.platform("_wire")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("broken", "the platform broken cannot be imported: a_dependency_that_is_missing"),
        ("empty", "exports no PLATFORM named empty"),
        ("misnamed", "exports no PLATFORM named misnamed"),
    ],
)
def test_a_plugin_that_does_not_work_says_why(registry: Registry, name: str, message: str) -> None:
    """A missing dependency and a missing or wrong export are told apart."""
    with pytest.raises(ConfigError, match=message):
        registry.platform(name)


def test_the_simulator_is_loaded_only_when_asked_for(registry: Registry) -> None:
    """A platform does not bring its simulator with it."""
    registry.platform("good")
    assert "platforms_of_test.good.simulator" not in sys.modules
    assert registry.load_simulator("good").STARTED
    with pytest.raises(ConfigError, match="the platform empty has no simulator"):
        registry.load_simulator("empty")
    with pytest.raises(ConfigError, match="no platform 'nope'"):
        registry.load_simulator("nope")


def test_another_distribution_adds_a_platform_by_an_entry_point(
    registry: Registry, tmp_path: Path
) -> None:
    """With its simulator, and without taking a name that is here already; listing imports it not."""
    declared = "[tieline.platforms_of_test]\nacme = acme_of_test\ngood = acme_of_test\n"
    for name, text in {
        "acme-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: acme\nVersion: 1\n",
        "acme-1.dist-info/entry_points.txt": declared,
        "acme_of_test/__init__.py": PLATFORM.format(name="acme"),
        "acme_of_test/simulator.py": "STARTED = True",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    importlib.invalidate_caches()
    assert registry.platforms() == ("acme", "broken", "empty", "good", "misnamed")
    assert "acme_of_test" not in sys.modules
    assert registry.platform("acme").name == "acme"
    assert registry.package_of("good") == "platforms_of_test.good"
    assert registry.load_simulator("acme").STARTED
