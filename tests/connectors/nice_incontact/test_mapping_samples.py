"""Recorded answers of polls lead to the events that were looked at once and kept.

`UPDATE_GOLDEN=1 pytest …` writes the kept ones anew; the difference is then reviewed like code.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import msgspec
import pytest

from gateway.events import encode
from tests.connectors.nice_incontact.builders import Session

HERE = Path(__file__).parent
NAMES = sorted(path.stem for path in (HERE / "fixtures").glob("*.json"))


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_leads_to_its_golden_events(name: str) -> None:
    session = Session()
    answers = json.loads((HERE / "fixtures" / f"{name}.json").read_text(encoding="utf-8"))
    found = [
        msgspec.json.decode(encode(event))
        for answer in answers
        for event in session.push(*answer["events"])
    ]
    path = HERE / "golden" / f"{name}.json"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

    assert found
    assert found == json.loads(path.read_text(encoding="utf-8"))
