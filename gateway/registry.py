"""From names in the configuration to plug-ins. Only what is configured is imported.

A platform is a sub-package of `connectors` that exports `PLATFORM`, a sink one of `sinks` that exports `SINK`; names
that begin with an underscore are building blocks, not plug-ins. Other distributions add theirs by entry points of the
groups `tieline.connectors` and `tieline.sinks`, each a name and the package that exports it; they cannot take a name
that is here already. So a broken dependency of one platform stops no other, and the core never names one.

Source: Python Packaging User Guide, "Entry points specification".
"""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import pkgutil
from importlib.metadata import entry_points
from types import ModuleType
from typing import TYPE_CHECKING

from gateway.contracts import PlatformDescriptor, SinkDescriptor
from gateway.errors import ConfigError

if TYPE_CHECKING:
    import pydantic


class Registry:
    """Finds plug-ins below two packages."""

    def __init__(self, connectors: str = "connectors", sinks: str = "sinks") -> None:
        self._connectors = connectors
        self._sinks = sinks

    def platforms(self) -> tuple[str, ...]:
        """Names of the platforms that exist. Imports none of them."""
        return tuple(_plugins(self._connectors))

    def kinds(self) -> tuple[str, ...]:
        """Names of the kinds of sink that exist. Imports none of them."""
        return tuple(_plugins(self._sinks))

    def package_of(self, platform: str) -> str:
        """The package of a platform, which has its files. Imports nothing. Raises ConfigError: no such platform."""
        return _package(_plugins(self._connectors), platform, "platform")

    def platform(self, name: str) -> PlatformDescriptor:
        """A platform's descriptor. Raises ConfigError: no such platform, or it cannot be imported."""
        package = self.package_of(name)
        descriptor = getattr(_load(package, f"the platform {name}"), "PLATFORM", None)
        if not isinstance(descriptor, PlatformDescriptor) or descriptor.name != name:
            raise ConfigError(f"{package} exports no PLATFORM named {name}")
        return descriptor

    def sink(self, name: str) -> SinkDescriptor:
        """A kind of sink's descriptor. Raises ConfigError: no such kind, or it cannot be imported."""
        package = _package(_plugins(self._sinks), name, "kind of sink")
        descriptor = getattr(_load(package, f"the kind of sink {name}"), "SINK", None)
        if not isinstance(descriptor, SinkDescriptor) or descriptor.name != name:
            raise ConfigError(f"{package} exports no SINK named {name}")
        return descriptor

    def connector_settings(self, platform: str) -> type[pydantic.BaseModel]:
        """The settings model of a platform. Raises ConfigError, as `platform` does."""
        return self.platform(platform).settings

    def sink_settings(self, kind: str) -> type[pydantic.BaseModel]:
        """The settings model of a kind of sink. Raises ConfigError, as `sink` does."""
        return self.sink(kind).settings

    def load_simulator(self, platform: str) -> ModuleType:
        """The simulator of a platform, for the commands `simulate` and `demo` only.

        Raises ConfigError: no such platform, it has none, or it cannot be imported.
        """
        package = self.package_of(platform)
        _load(package, f"the platform {platform}")
        name = f"{package}.simulator"
        if importlib.util.find_spec(name) is None:
            raise ConfigError(f"the platform {platform} has no simulator")
        return _load(name, f"the simulator of {platform}")


def _plugins(package: str) -> dict[str, str]:
    """Names, sorted, and the packages that export them: those of other distributions and those of `package`."""
    found = {point.name: point.module for point in entry_points(group=f"tieline.{package}")}
    for module in pkgutil.iter_modules(importlib.import_module(package).__path__):
        if module.ispkg and not module.name.startswith("_"):
            found[module.name] = f"{package}.{module.name}"
    return dict(sorted(found.items()))


def _package(plugins: dict[str, str], name: str, kind: str) -> str:
    if name in plugins:
        return plugins[name]
    known = tuple(plugins)
    near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.6)
    raise ConfigError(
        f"there is no {kind} {name!r}, there are: {', '.join(known) or 'none'}",
        hint=f"did you mean {near[0]}?" if near else "",
    )


def _load(module: str, what: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        missing = error.name or "a module"
        raise ConfigError(
            f"{what} cannot be imported: {missing} is missing or incomplete",
            hint="install the distribution with its dependencies",
        ) from error
