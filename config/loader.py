"""From a file and the environment to a checked configuration, or to everything that is wrong with it.

Precedence, highest first: an environment variable, the file, the default. A secret may be a reference to a file or to a
variable wherever it stands. The models of plug-ins come through `SettingsLookup`, so nothing here knows a platform.
"""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Protocol

from pydantic import BaseModel

from config import environment as variables
from config.document import Document, read
from config.references import Resolver
from config.report import (
    Finding,
    InvalidConfiguration,
    KeyPath,
    describe,
    dotted,
    kind_of,
    scrub,
)
from config.settings import (
    Config,
    ConnectorBlock,
    ConnectorConfig,
    Settings,
    SinkBlock,
    SinkConfig,
)
from config.shape import nearest
from config.validation import Model, validate
from gateway.api.addresses import is_loopback
from gateway.errors import ConfigError
from gateway.events import CATALOGUE
from gateway.tracing import settings as tracing


class SettingsLookup(Protocol):
    """Finds the settings model of a plug-in. Raises ConfigError if there is no such plug-in or it cannot be loaded."""

    def connector_settings(self, platform: str) -> type[BaseModel]:
        """The model of a platform."""
        ...

    def sink_settings(self, kind: str) -> type[BaseModel]:
        """The model of a kind of sink."""
        ...


def load(
    path: Path, environment: Mapping[str, str] | None = None, *, registry: SettingsLookup
) -> Config:
    """Read, layer, resolve and check. Without `environment`, that of the process.

    Raises InvalidConfiguration with every finding, errors and warnings; none of them repeats a secret.
    """
    variables_of_now = os.environ if environment is None else environment
    try:
        return _Loading(read(path), variables_of_now, registry).run()
    except RecursionError:
        raise InvalidConfiguration(
            [
                Finding(
                    path=(),
                    found="lists or mappings nested too deeply",
                    expected="a few levels",
                    origin=path.name,
                )
            ]
        ) from None


def load_again(
    config: Config, environment: Mapping[str, str] | None = None, *, registry: SettingsLookup
) -> Config:
    """The same text once more, with what its references and paths lead to now; the file itself is not read.

    Raises InvalidConfiguration as `load` does.
    """
    if config.document is None:
        return load(config.path, environment, registry=registry)
    variables_of_now = os.environ if environment is None else environment
    return _Loading(config.document, variables_of_now, registry).run()


class _Loading:
    """One load: what is known so far, and what was found."""

    def __init__(
        self, document: Document, environment: Mapping[str, str], lookup: SettingsLookup
    ) -> None:
        self._document = document
        self._environment = environment
        self._lookup = lookup
        self._findings: list[Finding] = []
        self._origins: dict[KeyPath, str] = {}
        self._resolver = Resolver(document.path.absolute().parent, environment, self._findings)

    def run(self) -> Config:
        values = self._root()
        self._origins, misplaced = variables.overlay(values, self._environment)
        self._findings += misplaced
        blocks = {section: self._blocks(values, section) for section in ("connectors", "sinks")}
        root = {key: value for key, value in values.items() if key not in blocks}
        settings, wrong = validate(Settings, self._resolver.resolve(root, Settings, ()))
        self._findings += wrong
        connectors = [self._connector(index, block) for index, block in blocks["connectors"]]
        known = {
            block["name"] for _, block in blocks["connectors"] if isinstance(block.get("name"), str)
        }
        sinks = [self._sink(index, block, known) for index, block in blocks["sinks"]]
        for section, named in blocks.items():
            self._unique(section, named)
        if settings is not None:
            self._doubts(settings)
        if not any(finding.severity == "error" for finding in self._findings):
            self._quiet(connectors, sinks)
        found = [replace(item, origin=self._origin(item)) for item in self._findings]
        if settings is None or any(finding.severity == "error" for finding in found):
            raise InvalidConfiguration(found, self._resolver.secrets)
        return Config(
            path=self._document.path,
            gateway=settings.gateway,
            connectors=tuple(item for item in connectors if item is not None),
            sinks=tuple(item for item in sinks if item is not None),
            warnings=tuple(
                replace(item, found=scrub(item.found, self._resolver.secrets)) for item in found
            ),
            contents=self._contents(("gateway",), from_part=0),
            document=self._document,
            files=self._resolver.files,
        )

    def _contents(self, path: KeyPath, *, from_part: int) -> dict[str, str]:
        """Digests of files that keys below a path name, by what of the key follows so many parts."""
        return {
            dotted(key[from_part:]): content
            for key, content in self._resolver.contents.items()
            if key[: len(path)] == path
        }

    def _error(self, path: KeyPath, found: str, expected: str, hint: str = "") -> None:
        self._findings.append(Finding(path=path, found=found, expected=expected, hint=hint))

    def _warn(self, path: KeyPath, found: str, expected: str, hint: str = "") -> None:
        self._findings.append(
            Finding(path=path, found=found, expected=expected, hint=hint, severity="warning")
        )

    def _origin(self, finding: Finding) -> str:
        return finding.origin or self._variable(finding.path) or self._document.origin(finding.path)

    def _variable(self, path: KeyPath) -> str:
        """The variable that a value came from, empty if it came from the file."""
        places = (path[:length] for length in range(len(path), 0, -1))
        return next((self._origins[place] for place in places if place in self._origins), "")

    def _root(self) -> dict[str, Any]:
        values = self._with_text_keys(self._document.values, ())
        if isinstance(values, dict):
            return values
        self._error((), kind_of(values), "a mapping with gateway, connectors and sinks")
        raise InvalidConfiguration(
            [replace(item, origin=self._origin(item)) for item in self._findings]
        )

    def _with_text_keys(self, value: Any, path: KeyPath) -> Any:
        if isinstance(value, list):
            return [self._with_text_keys(item, (*path, i)) for i, item in enumerate(value)]
        if not isinstance(value, dict):
            return value
        result: dict[str, Any] = {}
        for key, item in value.items():
            if not isinstance(key, str):
                self._error(path, f"a key that is {kind_of(key)}", "a key that is text", "quote it")
            result[str(key)] = self._with_text_keys(item, (*path, str(key)))
        return result

    def _blocks(self, values: dict[str, Any], section: str) -> list[tuple[int, dict[str, Any]]]:
        blocks = values.get(section)
        if blocks is None:
            return []
        if not isinstance(blocks, list):
            self._error((section,), kind_of(blocks), "a list of blocks, each beginning with `- `")
            return []
        for index, block in enumerate(blocks):
            if not isinstance(block, dict):
                self._error((section, index), kind_of(block), "a mapping")
        return [(index, block) for index, block in enumerate(blocks) if isinstance(block, dict)]

    def _connector(self, index: int, block: dict[str, Any]) -> ConnectorConfig | None:
        path: KeyPath = ("connectors", index)
        common = self._common(ConnectorBlock, block, path)
        settings = self._own(ConnectorBlock, block, path, "platform")
        if common is None or settings is None:
            return None
        return ConnectorConfig(
            name=common.name,
            platform=common.platform,
            settings=settings,
            rhythm_seconds=common.rhythm_seconds,
            commands_per_second=common.commands_per_second,
            contents=self._contents(path, from_part=len(path)),
        )

    def _sink(
        self, index: int, block: dict[str, Any], connectors: Iterable[str]
    ) -> SinkConfig | None:
        path: KeyPath = ("sinks", index)
        common = self._common(SinkBlock, block, path)
        settings = self._own(SinkBlock, block, path, "kind")
        self._globs(block.get("events"), path)
        self._sources(block.get("connectors"), path, set(connectors))
        if common is None or settings is None:
            return None
        return SinkConfig(
            name=common.name,
            kind=common.kind,
            events=tuple(common.events),
            connectors=tuple(common.connectors or ()),
            mask=tuple(common.mask),
            settings=settings,
            contents=self._contents(path, from_part=len(path)),
        )

    def _common(self, model: type[Model], block: dict[str, Any], path: KeyPath) -> Model | None:
        values = {key: item for key, item in block.items() if key in model.model_fields}
        common, wrong = validate(model, values, path)
        self._findings += wrong
        return common

    def _own(
        self, common: type[BaseModel], block: dict[str, Any], path: KeyPath, key: str
    ) -> BaseModel | None:
        """The plug-in's part of a block, checked by the plug-in's model."""
        plugin = block.get(key)
        if not isinstance(plugin, str):
            return None
        find = self._lookup.connector_settings if key == "platform" else self._lookup.sink_settings
        try:
            model = find(plugin)
        except ConfigError as error:
            self._error((*path, key), describe(plugin), f"a {key} that can be used", str(error))
            return None
        rest = {name: item for name, item in block.items() if name not in common.model_fields}
        values = self._resolver.resolve(rest, model, path)
        settings, wrong = validate(model, values, path, beside=common.model_fields)
        self._findings += wrong
        return settings

    def _unique(self, section: str, blocks: list[tuple[int, dict[str, Any]]]) -> None:
        counts = Counter(str(block["name"]) for _, block in blocks if "name" in block)
        first: dict[str, int] = {}
        for index, block in blocks:
            name = str(block.get("name"))
            if counts[name] > 1 and name in first:
                self._error(
                    (section, index, "name"),
                    f"{describe(name)} again, first at {section}[{first[name]}]",
                    "a name of its own",
                )
            first.setdefault(name, index)

    def _globs(self, globs: Any, path: KeyPath) -> None:
        for index, glob in _texts(globs):
            if not any(fnmatchcase(name, glob) for name in CATALOGUE):
                self._error(
                    (*path, "events", index),
                    f"{describe(glob)}, which matches no event type",
                    "a glob of event types such as tieline.call.*",
                    _nearest_type(glob),
                )

    def _sources(self, names: Any, path: KeyPath, connectors: set[str]) -> None:
        for index, name in _texts(names):
            if name not in connectors:
                self._error(
                    (*path, "connectors", index),
                    describe(name),
                    "the name of a connector in this file",
                    nearest(name, connectors),
                )

    def _doubts(self, settings: Settings) -> None:
        gateway = settings.gateway
        if gateway.data_dir.exists() and not gateway.data_dir.is_dir():
            self._error(("gateway", "data_dir"), "a file", "a directory, or nothing yet")
        if not is_loopback(gateway.api.host) and gateway.api.tls is None:
            self._warn(
                ("gateway", "api", "tls"),
                "nothing although the API is reachable from elsewhere",
                "a certificate, or a proxy in front that has one",
                "tokens travel readable otherwise",
            )
        if gateway.traces is not None and not tracing.installed():
            self._error(
                ("gateway", "traces"),
                "settings for packages that are not installed",
                "OpenTelemetry, or no traces",
                tracing.REMEDY,
            )
        in_file = [path for path in self._resolver.literal_secrets if not self._variable(path)]
        if in_file and self._readable_by_all():
            self._warn(
                in_file[0],
                "a secret in a file that every user can read",
                "{file: PATH} or {env: NAME}, or a file with mode 0600",
            )

    def _readable_by_all(self) -> bool:
        try:
            return bool(self._document.path.stat().st_mode & stat.S_IROTH)
        except OSError:
            # It was read before, and is gone.
            return False

    def _quiet(
        self, connectors: list[ConnectorConfig | None], sinks: list[SinkConfig | None]
    ) -> None:
        if not connectors:
            self._warn(("connectors",), "no connector", "at least one", "nothing will be received")
        if not sinks:
            self._warn(("sinks",), "no sink", "at least one", "events stay in the journal")
            return
        for index, connector in enumerate(connectors):
            takers = [
                sink
                for sink in sinks
                if sink is not None
                and connector is not None
                and (not sink.connectors or connector.name in sink.connectors)
            ]
            if not takers:
                self._warn(
                    ("connectors", index), "no sink that takes its events", "at least one sink"
                )


def _texts(items: Any) -> list[tuple[int, str]]:
    """The texts of a raw list with their places; whatever else is there is reported by the model."""
    if not isinstance(items, list):
        return []
    return [(index, item) for index, item in enumerate(items) if isinstance(item, str)]


def _nearest_type(glob: str) -> str:
    families = sorted({".".join(name.split(".")[:2]) + ".*" for name in CATALOGUE})
    return nearest(glob, [*families, *CATALOGUE]) if "." in glob else "types begin with tieline."
