"""Bodies with the members that the vendor documents lead to the events that were looked at once and kept.

`UPDATE_GOLDEN=1 pytest …` writes the kept ones anew; the difference is then reviewed like code.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import msgspec
import pytest

from gateway.events import encode
from tests.connectors.incontact_wfo.builders import Site

HERE = Path(__file__).parent
NAMES = sorted(path.stem for path in (HERE / "fixtures").glob("*.json"))


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_leads_to_its_golden_events(name: str) -> None:
    site = Site()
    site.look([])
    body = json.loads((HERE / "fixtures" / f"{name}.json").read_text(encoding="utf-8"))
    found = [msgspec.json.decode(encode(event)) for event in site.look(body)]
    path = HERE / "golden" / f"{name}.json"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

    assert found
    assert found == json.loads(path.read_text(encoding="utf-8"))
