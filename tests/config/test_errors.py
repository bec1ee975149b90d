"""Broken configurations, each with the message that it must give: the table is `broken.yaml`."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from config import InvalidConfiguration, load
from tests.config.plugins import GOOD, Plugins

SECRETS = ("correct-horse", "battery-staple")


class Broken(NamedTuple):
    """What is replaced by what in the good file, the variables, and what must be among the findings."""

    name: str
    replace: str
    by: str
    message: str
    environment: dict[str, str] | None = None


TABLE = [
    Broken(**case)
    for case in yaml.safe_load(Path(__file__).with_name("broken.yaml").read_text(encoding="utf-8"))
]


def broken(tmp_path: Path, case: Broken) -> InvalidConfiguration:
    """Load the broken file and give the error back."""
    text = GOOD.replace(case.replace, case.by)
    assert text != GOOD or case.environment, "the case changes nothing"
    path = tmp_path / "tieline.yaml"
    path.write_text(text)
    with pytest.raises(InvalidConfiguration) as caught:
        load(path, case.environment or {}, registry=Plugins())
    return caught.value


@pytest.mark.parametrize("case", TABLE, ids=lambda case: case.name)
def test_a_broken_configuration_says_where_what_was_found_and_what_is_expected(
    tmp_path: Path, case: Broken
) -> None:
    """The message names the key, what is there and what should be."""
    error = broken(tmp_path, case)
    assert any(case.message in str(finding) for finding in error.findings), str(error)


@pytest.mark.parametrize("case", TABLE, ids=lambda case: case.name)
def test_no_message_repeats_a_secret(tmp_path: Path, case: Broken) -> None:
    """Whatever is wrong, the passwords of the file are not in the message."""
    text = str(broken(tmp_path, case))
    assert not any(secret in text for secret in SECRETS)


def test_all_errors_are_reported_at_once(tmp_path: Path) -> None:
    """One load finds errors of the gateway, of connectors, of sinks, of references and of variables."""
    text = (
        GOOD.replace("port: 8080", "port: x")
        .replace("base_url", "base_ur")
        .replace("correct-horse", "{env: NO_SUCH}")
        .replace("tieline.call.*", "call")
        .replace("path: events", "batch: 0\n    path: events")
    )
    path = tmp_path / "tieline.yaml"
    path.write_text(text)
    with pytest.raises(InvalidConfiguration) as caught:
        load(path, {"TIELINE_SINKS__NONE__PATH": "x"}, registry=Plugins())
    places = [finding.path for finding in caught.value.findings if finding.severity == "error"]
    assert set(places) == {
        (),
        ("gateway", "api", "port"),
        ("connectors", 0, "base_ur"),
        ("connectors", 0, "base_url"),
        ("connectors", 0, "accounts", 0, "password", "env"),
        ("sinks", 0, "events", 0),
        ("sinks", 0, "batch"),
    }
    assert "7 errors in the configuration" in str(caught.value)


def test_findings_by_the_thousand_keep_their_own_words(tmp_path: Path) -> None:
    """Each message belongs to its key, also when a text holds a null character."""
    accounts = "".join(f"      - {{username: u{i}, pasword: secret-{i}}}\n" for i in range(1000))
    text = GOOD.replace("correct-horse", '{file: "no\\0where"}').replace(
        "      - {username: ben, password: battery-staple}\n", accounts
    )
    path = tmp_path / "tieline.yaml"
    path.write_text(text)
    with pytest.raises(InvalidConfiguration) as caught:
        load(path, {}, registry=Plugins())
    by_path = {finding.path: finding for finding in caught.value.findings}
    assert len(by_path) == 2001
    first = ("connectors", 0, "accounts", 0, "password", "file")
    assert by_path[first].found == "no readable file nowhere (not a path)"
    last = ("connectors", 0, "accounts", 1000)
    assert by_path[(*last, "pasword")].hint == "did you mean password?"
    assert by_path[(*last, "password")].found == "nothing"


def test_a_variable_that_nests_too_deeply_is_one_clear_error(tmp_path: Path) -> None:
    """JSON that the parser takes may still be too deep to walk."""
    path = tmp_path / "tieline.yaml"
    path.write_text(GOOD)
    variables = {"TIELINE_GATEWAY__LOG": "[" * 900 + "]" * 900}
    with pytest.raises(InvalidConfiguration, match=r"gateway\.log: found a list|nested too deeply"):
        load(path, variables, registry=Plugins())


def test_a_missing_file_is_one_clear_error(tmp_path: Path) -> None:
    """The error names the file and the reason."""
    with pytest.raises(InvalidConfiguration, match=r"no\.yaml: error: found no readable file"):
        load(tmp_path / "no.yaml", {}, registry=Plugins())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "gateway: found nothing"),
        (b"- a\n", "found a list, expected a mapping with gateway, connectors and sinks"),
        (b"text", "found text, expected a mapping"),
        (b"\xff\xfe\xff", "found a byte that is no UTF-8 at offset 0"),
        (
            b"a:\n  b: " + b"[" * 5000,
            "tieline.yaml:2:53: error: found values in more than 50 levels",
        ),
        (b"a: 1\n---\nb: 1\n", "or a second document"),
    ],
)
def test_a_file_that_is_no_mapping_is_one_clear_error(
    tmp_path: Path, content: bytes, message: str
) -> None:
    """An empty file, a list, text, other encodings and several documents are told apart."""
    path = tmp_path / "tieline.yaml"
    path.write_bytes(content)
    with pytest.raises(InvalidConfiguration) as caught:
        load(path, {}, registry=Plugins())
    assert message in str(caught.value)


@pytest.mark.parametrize("pattern", ["[*a{0}, *a{0}]", "[*a{0}]"], ids=["wide", "deep"])
def test_aliases_inside_aliases_are_refused_before_they_are_followed(
    tmp_path: Path, pattern: str
) -> None:
    """A hundred short lines would make more values than there is memory, or more levels than can be followed."""
    lines = ["a0: &a0 [x]", *(f"a{n}: &a{n} {pattern.format(n - 1)}" for n in range(1, 100))]
    path = tmp_path / "tieline.yaml"
    path.write_text("\n".join(lines))
    with pytest.raises(InvalidConfiguration, match="more than 50 levels, or more than 250,000"):
        load(path, {}, registry=Plugins())
