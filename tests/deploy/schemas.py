"""Writes the schemas of Kubernetes that kubernetes-validate brings as kubeconform reads them, one folder a version.

They refer to each other by addresses on a server; kubeconform must find them beside each other.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import kubernetes_validate

VERSIONS = ("v1.31.0",)
SERVER = "/api/_definitions.json#"


def main(target: Path) -> None:
    """Write them below the target."""
    source = Path(kubernetes_validate.__file__).parent / "kubernetes-json-schema"
    for version in VERSIONS:
        folder = target / f"{version}-strict"
        folder.mkdir(parents=True, exist_ok=True)
        for path in (source / f"{version}-local-strict").glob("*.json"):
            schema = json.loads(path.read_text(encoding="utf-8"))
            schema.pop("$id", None)
            text = json.dumps(schema).replace(f'"{SERVER}', '"_definitions.json#')
            (folder / path.name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
