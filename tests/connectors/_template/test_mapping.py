"""Changes lead to the events that were looked at once and kept.

`UPDATE_GOLDEN=1 pytest ...` writes the kept ones anew; the difference is then reviewed like code.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from connectors._template.mapping import read_changes, read_place
from gateway.events import encode
from tests.connectors._template.reading import beginning, told

HERE = Path(__file__).parent
NAMES = sorted(path.stem for path in (HERE / "fixtures").glob("*.json"))


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_leads_to_its_golden_events(name: str) -> None:
    body = json.loads((HERE / "fixtures" / f"{name}.json").read_text(encoding="utf-8"))
    found = [msgspec.json.decode(encode(event)) for event in told(body, beginning())]
    path = HERE / "golden" / f"{name}.json"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

    assert found == json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("body", [None, 17, [], {}, {"log": "a"}, {"log": "a", "first": True}])
def test_an_answer_that_is_none_is_not_read(body: Any) -> None:
    assert read_changes(body) is None
    assert read_place(body) is None
