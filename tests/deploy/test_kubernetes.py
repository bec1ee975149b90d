"""The chart, judged by Helm and by the schemas of Kubernetes; the plain manifests are what it renders."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from config import load
from gateway.registry import Registry
from tests.support.judges import DEPLOY, INSTALLED, from_go, judge

pytestmark = pytest.mark.peers

CHART = DEPLOY / "helm" / "tieline"
EXAMPLE = DEPLOY / "helm" / "values-example.yaml"
RENDERED = DEPLOY / "kubernetes" / "tieline.yaml"
KUBERNETES = "1.31"


def render(*arguments: str) -> subprocess.CompletedProcess[str]:
    """`helm template` with the given arguments."""
    command = [
        from_go("helm"),
        "template",
        "tieline",
        str(CHART),
        "--kube-version",
        f"{KUBERNETES}.0",
    ]
    return subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)


def rendered() -> dict[str, dict[str, Any]]:
    """The committed manifests by kind."""
    documents = yaml.safe_load_all(RENDERED.read_text(encoding="utf-8"))
    return {document["kind"]: document for document in documents}


def test_helm_finds_no_fault_with_the_chart() -> None:
    from_go("helm")
    judge("helm", "lint", "--strict", str(CHART), "-f", str(EXAMPLE))


def test_the_plain_manifests_are_what_the_chart_renders() -> None:
    """Run `make manifests` after changing the chart or the rules."""
    done = render("-f", str(EXAMPLE))
    assert done.returncode == 0, done.stderr
    assert RENDERED.read_text(encoding="utf-8") == done.stdout


def test_a_release_without_tokens_is_refused_with_the_remedy() -> None:
    done = render()
    assert done.returncode != 0
    assert "config.gateway.api.tokens" in done.stderr
    assert "tieline token" in done.stderr


def test_every_manifest_satisfies_the_schema_of_its_kind() -> None:
    said = judge("kubernetes-validate", "--strict", "-k", KUBERNETES, str(RENDERED))
    passed = said.count("passed for resource")
    # The two kinds of the Prometheus operator are not of Kubernetes itself.
    assert passed == len(rendered()) - 2, said


def conformity(manifests: str) -> subprocess.CompletedProcess[str]:
    """What kubeconform says of manifests, beside the two kinds of the Prometheus operator."""
    location = (
        f"{INSTALLED / 'schemas'}/{{{{ .NormalizedKubernetesVersion }}}}{{{{ .StrictSuffix }}}}"
        "/{{ .ResourceKind }}{{ .KindSuffix }}.json"
    )
    return subprocess.run(
        [
            from_go("kubeconform"), "-strict", "-summary", "-kubernetes-version", f"{KUBERNETES}.0",
            "-skip", "ServiceMonitor,PrometheusRule", "-schema-location", location, "-",
        ],
        input=manifests,
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip


def test_kubeconform_finds_every_manifest_valid_and_a_misspelt_key_not() -> None:
    """A second judge, strict about keys that no schema has."""
    manifests = RENDERED.read_text(encoding="utf-8")
    good = conformity(manifests)
    assert good.returncode == 0, good.stdout + good.stderr
    assert f"Valid: {len(rendered()) - 2}, Invalid: 0, Errors: 0, Skipped: 2" in good.stdout
    bad = conformity(manifests.replace("  replicas: 1\n", "  replicaz: 1\n"))
    assert bad.returncode != 0
    assert "'replicaz' not allowed" in bad.stdout


def test_the_pods_configuration_is_one_that_the_gateway_takes(tmp_path: Path) -> None:
    """Secrets are where the chart mounts them."""
    configuration = yaml.safe_load(rendered()["ConfigMap"]["data"]["tieline.yaml"])
    secret = tmp_path / "gws-a"
    secret.write_text("a secret")
    text = yaml.safe_dump(configuration).replace("/etc/tieline/secrets", str(tmp_path))
    path = tmp_path / "tieline.yaml"
    path.write_text(text.replace("/var/lib/tieline", str(tmp_path / "data")))
    config = load(path, registry=Registry())
    assert config.gateway.api.host == "0.0.0.0"
    grace = rendered()["StatefulSet"]["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
    assert grace == config.gateway.shutdown_seconds + 15
