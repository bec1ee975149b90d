"""Messages as the vendor's clients and simulator have them lead to the events that were looked at once and kept.

`UPDATE_GOLDEN=1 pytest …` writes the kept ones anew; the difference is then reviewed like code.
"""

from __future__ import annotations

import json
import os
from typing import Any

import msgspec
import pytest

from connectors.genesys_engage_cloud.mapping import vocabulary
from gateway.events import CATALOGUE, encode
from tests.connectors.genesys_engage_cloud.builders import GOLDEN, fixture, mapped, names


@pytest.mark.parametrize("name", names())
def test_messages_lead_to_their_golden_events(name: str) -> None:
    events = mapped(fixture(name))

    found: list[dict[str, Any]] = [msgspec.json.decode(encode(event)) for event in events]
    for event in found:
        msgspec.convert(event["data"], CATALOGUE[event["type"]].data)
    path = GOLDEN / f"{name}.json"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    assert found == json.loads(path.read_text(encoding="utf-8"))


def test_every_type_of_message_that_is_mapped_has_a_sample() -> None:
    seen = {data.get("messageType") for name in names() for _, data in fixture(name)}

    assert vocabulary() <= seen


@pytest.mark.parametrize("name", names())
def test_the_same_messages_read_twice_have_the_same_ids_and_no_two_share_one(name: str) -> None:
    ids = [event.id for event in mapped(fixture(name))]

    assert ids == [event.id for event in mapped(fixture(name))]
    assert len(set(ids)) == len(ids)
