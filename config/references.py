"""Secrets that stand elsewhere, and paths relative to the configuration file.

A reference is `{file: PATH}`, `{env: NAME}` or `{credential: NAME}`, which is a file in the directory that the service
manager names in CREDENTIALS_DIRECTORY (systemd.exec(5), Credentials).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from config.files import Signature, digest, signature
from config.report import Finding, KeyPath, looks_secret
from config.shape import child, is_path, is_secret

MAX_SECRET_BYTES = 64 << 10
_SOURCES = frozenset({"file", "env", "credential"})
_CREDENTIALS = "CREDENTIALS_DIRECTORY"


@dataclass(slots=True)
class Resolver:
    """Resolves one configuration.

    Attributes:
        directory: where relative paths begin.
        environment: variables that secrets may stand in.
        findings: what could not be resolved.
        secrets: those it met, so that reports can leave them out.
        literal_secrets: where secrets stand in the file itself.
        files: those that references and paths name, as they were before they were read.
        contents: digest of each file that a path names, by the path's key: what reads it reads it later.
    """

    directory: Path
    environment: Mapping[str, str]
    findings: list[Finding] = field(default_factory=list)
    secrets: set[str] = field(default_factory=set)
    literal_secrets: list[KeyPath] = field(default_factory=list)
    files: dict[Path, Signature] = field(default_factory=dict)
    contents: dict[KeyPath, str] = field(default_factory=dict)

    def resolve(self, value: Any, annotation: Any, path: KeyPath) -> Any:
        """The value with its references read and its paths made absolute."""
        if is_secret(annotation):
            if isinstance(value, dict):
                return self._read(value, path)
            self._remember(value, path)
            return value
        if isinstance(value, str):
            if looks_secret(path):
                self._remember(value, path)
            if is_path(annotation) and value:
                return str(self._named(self.directory / value, path))
            return value
        if isinstance(value, dict):
            return {
                key: self.resolve(item, child(annotation, key), (*path, key))
                for key, item in value.items()
            }
        if isinstance(value, list):
            return [
                self.resolve(item, child(annotation, index), (*path, index))
                for index, item in enumerate(value)
            ]
        return value

    def _named(self, file_path: Path, path: KeyPath) -> Path:
        before = signature(file_path)
        if content := digest(file_path):
            self.files[file_path] = before
            self.contents[path] = content
        return file_path

    def _remember(self, value: Any, path: KeyPath) -> None:
        if isinstance(value, (str, int, float)) and not isinstance(value, bool) and value != "":
            self.secrets.add(str(value))
            self.literal_secrets.append(path)

    def _read(self, reference: dict[Any, Any], path: KeyPath) -> Any:
        """The secret that a reference names; the reference itself, with a finding, if there is none."""
        if len(reference) != 1 or not _SOURCES.issuperset(reference):
            self._report(path, "a mapping", "text, {file: PATH}, {env: NAME} or {credential: NAME}")
            return _Unresolved()
        ((source, name),) = reference.items()
        if not isinstance(name, str) or not name:
            self._report((*path, source), "no name", "the path of a file or a name")
            return _Unresolved()
        match source:
            case "file":
                secret = self._from_file(self.directory / name, name, (*path, source))
            case "env":
                secret = self._from_env(name, (*path, source))
            case _:
                secret = self._from_credential(name, (*path, source))
        if secret is None:
            return _Unresolved()
        self.secrets.add(secret)
        return secret

    def _from_credential(self, name: str, here: KeyPath) -> str | None:
        directory = self.environment.get(_CREDENTIALS)
        if not directory:
            self._report(
                here,
                f"no {_CREDENTIALS}",
                "a start by a service manager that hands over credentials",
            )
            return None
        if Path(name).name != name:
            self._report(here, f"a path {name}", "the name of a credential")
            return None
        return self._from_file(Path(directory, name), name, here)

    def _from_env(self, name: str, here: KeyPath) -> str | None:
        if secret := self.environment.get(name):
            return secret
        state = "empty" if name in self.environment else "not set"
        self._report(here, f"the variable {name} {state}", "a variable with the secret")
        return None

    def _from_file(self, file_path: Path, name: str, here: KeyPath) -> str | None:
        expected = f"a UTF-8 file of at most {MAX_SECRET_BYTES >> 10} KiB with the secret"
        self.files[file_path] = signature(file_path)
        try:
            with file_path.open("rb") as file:
                content = file.read(MAX_SECRET_BYTES + 1)
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else "not a path"
            self._report(here, f"no readable file {name} ({why})", expected)
            return None
        try:
            secret = content.decode().removesuffix("\n").removesuffix("\r")
        except UnicodeDecodeError:
            self._report(here, f"a file {name} that is not UTF-8", expected)
            return None
        if not secret or len(content) > MAX_SECRET_BYTES:
            self._report(here, f"{'a too large' if secret else 'an empty'} file {name}", expected)
            return None
        return secret

    def _report(self, path: KeyPath, found: str, expected: str) -> None:
        self.findings.append(Finding(path=path, found=found, expected=expected))


class _Unresolved:
    """Stands where a reference failed, which has been reported: validation's complaint about it is left out."""


def is_unresolved(value: object) -> bool:
    """Whether a value stands for a reference that could not be read."""
    return isinstance(value, _Unresolved)
