"""Whatever the file and the environment hold, loading gives a configuration or findings, never another error."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from config import InvalidConfiguration, load
from config.report import Finding
from tests.config.plugins import GOOD, Plugins

SECRET = "a-secret-that-nobody-may-see"
KEYS = [
    "name", "platform", "kind", "events", "connectors", "mask", "base_url", "accounts", "username", "password",
    "secrets", "path", "file", "env", "host", "port", "tokens", "tls", "api", "journal", "log", "level", "data_dir",
]  # fmt: skip
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.dates()
    | st.text(max_size=20)
    | st.sampled_from(["test_platform", "test_sink", "*", "127.0.0.1", "0.0.0.0", "/", ".", "\x00"])
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(KEYS) | st.integers() | st.text(max_size=5), inner)
    ),
    max_leaves=20,
)
BLOCKS = st.lists(
    st.dictionaries(st.sampled_from(KEYS), VALUES)
    | st.fixed_dictionaries(
        {"name": st.sampled_from(["a", "b"]), "platform": st.just("test_platform")},
        optional=dict.fromkeys(KEYS[5:], VALUES),
    )
    | st.fixed_dictionaries(
        {"name": st.sampled_from(["a", "b"]), "kind": st.just("test_sink")},
        optional=dict.fromkeys(KEYS[3:], VALUES),
    ),
    max_size=3,
)
DOCUMENTS = VALUES | st.fixed_dictionaries(
    {},
    optional={
        "gateway": VALUES | st.dictionaries(st.sampled_from(KEYS), VALUES),
        "connectors": BLOCKS | VALUES,
        "sinks": BLOCKS | VALUES,
    },
)
VARIABLES = st.dictionaries(
    st.lists(
        st.sampled_from(["GATEWAY", "CONNECTORS", "SINKS", "A", "B", "0", "1", "API", "PORT", "", "ACCOUNTS", "²"]),
        min_size=1,
        max_size=5,
    ).map(lambda parts: "TIELINE_" + "__".join(parts)),
    st.text(max_size=10) | st.sampled_from(["[]", "{}", "[1]", '{"a": 1}', "[" * 5000]),
    max_size=3,
)  # fmt: skip


def findings(content: bytes, variables: dict[str, str] | None = None) -> tuple[Finding, ...]:
    """Load; the findings if it was refused."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tieline.yaml"
        path.write_bytes(content)
        try:
            load(path, variables or {}, registry=Plugins())
        except InvalidConfiguration as error:
            return error.findings
    return ()


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(document=DOCUMENTS, variables=VARIABLES)
def test_any_document_loads_or_gives_findings(document: Any, variables: dict[str, str]) -> None:
    """Wrong types at any place are findings."""
    findings(yaml.safe_dump(document).encode(), variables)


@settings(deadline=None, max_examples=80)
@given(
    content=st.binary(max_size=200)
    | st.text(alphabet="-:[]{}&*!|>'\"%@#, \n\tab0", max_size=60).map(str.encode)
)
def test_any_bytes_load_or_give_findings(content: bytes) -> None:
    """So is what is not YAML."""
    findings(content)


@settings(deadline=None, max_examples=80)
@given(
    place=st.integers(min_value=0, max_value=len(GOOD)),
    length=st.integers(min_value=0, max_value=5),
    noise=st.text(alphabet="-:[]{}&*!|>'\"%@#, \n\tab0", max_size=4),
)
def test_a_damaged_file_does_not_show_its_secrets(place: int, length: int, noise: str) -> None:
    """Wherever it is damaged, unless the damage is in or beside the secret itself."""
    good = GOOD.replace("correct-horse", SECRET)
    start = good.index(SECRET)
    assume(not start - 12 <= place <= start + len(SECRET) + 1)
    damaged = good[:place] + noise + good[place + length :]
    assert not any(SECRET in str(finding) for finding in findings(damaged.encode()))
