"""The vendor's own sample messages lead to the events that were looked at once and kept.

`UPDATE_GOLDEN=1 pytest …` writes the kept ones anew; the difference is then reviewed like code.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from connectors.genesys_web_services.mapping import Mapper, Origin
from gateway.events import Event, encode
from tests.connectors.genesys_web_services import samples

RECEIVED = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
ORIGIN = Origin(feed="gws/agent1", source="/tieline/gws/genesys_web_services", agent="agent1")


def mapped(mapper: Mapper, names: list[str]) -> list[Event]:
    events: list[Event] = []
    for ordinal, (topic, data) in enumerate(
        (message for name in names for message in samples.messages(name)), start=1
    ):
        events += mapper.map(topic, data, session="c1", ordinal=ordinal, received=RECEIVED)
    return events


def compare_with_golden(name: str, events: list[Event]) -> None:
    found: list[dict[str, Any]] = [msgspec.json.decode(encode(event)) for event in events]
    path = samples.GOLDEN / f"{name}.json"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    assert found == json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", samples.names())
def test_a_sample_leads_to_its_golden_events(name: str) -> None:
    events = mapped(Mapper(ORIGIN), [name])

    assert events
    compare_with_golden(name, events)


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        (
            "sequence_recording",
            ["recording_start", "recording_pause", "recording_resume", "recording_stop"],
        ),
        ("sequence_email", ["email_invited", "email_accepted"]),
        ("sequence_chat", ["chat_accepted", "chat_notifications"]),
    ],
)
def test_samples_that_belong_together_lead_to_their_golden_events(
    name: str, parts: list[str]
) -> None:
    compare_with_golden(name, mapped(Mapper(ORIGIN), parts))
