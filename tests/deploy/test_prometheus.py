"""The rules and dashboards, judged by promtool and by a real Prometheus that scrapes real gateways."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.support.judges import DEPLOY, judge
from tests.support.prometheus import RULES

RUN_BOOK = (DEPLOY / "README.md").read_text(encoding="utf-8")
GROUPS = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
ALERTS = [rule for group in GROUPS for rule in group["rules"] if "alert" in rule]
CASES = yaml.safe_load((RULES.parent / "rules_test.yaml").read_text(encoding="utf-8"))["tests"]


def expressions() -> Iterator[str]:
    """Every expression of the rules and of the dashboards."""
    for group in GROUPS:
        yield from (rule["expr"] for rule in group["rules"])
    for path in sorted((DEPLOY / "grafana").glob("*.json")):
        for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]:
            yield from (target["expr"] for target in panel.get("targets", []))


@pytest.mark.peers
@pytest.mark.parametrize(("what", "file"), [("check", "rules.yaml"), ("test", "rules_test.yaml")])
def test_promtool_accepts_the_rules_and_their_scripted_faults(what: str, file: str) -> None:
    judge("promtool", what, "rules", str(RULES.parent / file))


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_an_alert_fires_in_a_test_and_has_its_entry_in_the_run_book(rule: dict[str, Any]) -> None:
    name = rule["alert"]
    fired = [
        expected
        for case in CASES
        for check in case.get("alert_rule_test", ())
        if check["alertname"] == name
        for expected in check["exp_alerts"]
    ]
    assert fired, f"{name} fires in no case of rules_test.yaml"
    assert rule["annotations"]["runbook"] == f"deploy/README.md#{name.lower()}"
    entry = re.search(rf"^### {name}\n\n\*(page|ticket)\.\*", RUN_BOOK, re.MULTILINE)
    assert entry, f"{name} has no entry in the run book"
    assert entry[1] == rule["labels"]["severity"]


def test_rules_and_dashboards_use_metrics_that_exist() -> None:
    """A metric that was renamed would leave an alert that never fires."""
    known = set(re.findall(r"`((?:tieline|process)_\w+)`", RUN_BOOK))
    recorded = {rule["record"] for group in GROUPS for rule in group["rules"] if "record" in rule}
    used = {
        re.sub(r"_bucket$", "", name)
        for expression in expressions()
        for name in re.findall(r"(?<![\w:])(?:tieline|process)_\w+", expression)
    }
    assert used
    assert used <= known
    for expression in expressions():
        assert set(re.findall(r"\w+:\w+:\w+", expression)) <= recorded
