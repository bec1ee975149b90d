"""The bounds on the architecture page are those of the code."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.settings import ConnectorBlock, GatewaySettings
from connectors._wire.bayeux.http import Limits
from connectors._wire.signalr.values import Limits as SignalRLimits
from connectors.genesys_web_services.simulator import SimulatorSettings
from connectors.incontact_wfo.feed import MAX_WAITING
from gateway.api.settings import ApiSettings
from gateway.api.streaming.tail import StreamPolicy
from gateway.attachments import AttachmentSettings
from gateway.command_router import CommandPolicy
from gateway.feed_runner import SupervisorPolicy
from gateway.journal import JournalSettings
from gateway.picture_data import PictureLimits
from sinks.file import SINK as FILE
from sinks.kafka import SINK as KAFKA
from sinks.kafka.settings import KafkaSettings
from sinks.prometheus import SINK as PROMETHEUS
from sinks.webhook import SINK as WEBHOOK
from sinks.webhook.settings import WebhookSettings
from tests.repo.checkout import rows

PAGE = Path("gateway/README.md")
HEADING = "## Every buffer, its bound, and what happens when it is full"
STREAM = StreamPolicy()
MIB = 1 << 20
JOURNAL = JournalSettings()
BAYEUX = Limits()
SIGNALR = SignalRLimits()
PICTURE = PictureLimits()
SIMULATOR = SimulatorSettings()
SUPERVISOR = SupervisorPolicy()
ATTACHMENTS = AttachmentSettings()
SINKS = [sink.traits for sink in (FILE, KAFKA, PROMETHEUS, WEBHOOK)]


def default(model: type[object], name: str) -> int:
    return int(getattr(model, "model_fields")[name].default)  # noqa: B009 - any pydantic model


BOUNDS = {
    "one CometD reply": [f"{BAYEUX.max_reply_bytes // MIB} MiB"],
    "received, not yet journalled": [
        f"{BAYEUX.max_buffered_messages:,} messages",
        f"{BAYEUX.max_buffered_bytes // MIB} MiB",
    ],
    "one SignalR frame": [f"{SIGNALR.max_frame_bytes // MIB} MiB"],
    "heard and not yet journalled, per SignalR connection": [
        f"{SIGNALR.max_buffered_messages:,} messages",
        f"{SIGNALR.max_buffered_bytes // MIB} MiB",
    ],
    "calls of SignalR hub methods": [f"{SIGNALR.max_calls}"],
    "what came of commands to an inContact WFO recorder": [f"{MAX_WAITING:,} events"],
    "hand-over to the journal's writer": [
        f"{JOURNAL.queue_events:,} events",
        f"{JOURNAL.queue_bytes // MIB} MiB",
    ],
    "one transaction": [f"{JOURNAL.group_events:,} events", f"{JOURNAL.group_bytes // MIB} MiB"],
    "newest events in memory": [
        f"{JOURNAL.cache_events:,} events",
        f"{JOURNAL.cache_bytes // MIB} MiB",
    ],
    "the journal's file": [
        f"{JOURNAL.max_bytes >> 30} GiB",
        f"{JOURNAL.min_free_bytes // MIB} MiB",
    ],
    "one batch to a sink": [
        f"at most {max(traits.batch_events for traits in SINKS):,} events",
        f"{max(traits.batch_bytes for traits in SINKS) // MIB} MiB",
    ],
    "events held back by their partition keys": [
        f"{default(WebhookSettings, 'max_held_events'):,} events",
        f"{WEBHOOK.traits.holds.most_bytes // MIB} MiB",
    ],
    "requests of a webhook": [
        f"`concurrency`, {default(WebhookSettings, 'concurrency')}",
        f"a batch of {WEBHOOK.traits.batch_events}",
    ],
    "records on their way to Kafka": [
        f"{default(KafkaSettings, 'max_batch_bytes') // 1024} KiB",
    ],
    "live picture": [
        f"{PICTURE.agents:,} agents",
        f"{PICTURE.calls:,} calls",
        f"{PICTURE.interactions:,} interactions",
        f"{PICTURE.queues:,} queues with {PICTURE.values_per_queue} values",
    ],
    "attempts to connect": [
        f"{SUPERVISOR.starts_at_once} at a time",
        f"{default(GatewaySettings, 'starts_per_second')} a second",
    ],
    "commands to one connector": [
        f"`commands_per_second`, {default(ConnectorBlock, 'commands_per_second')}",
    ],
    "commands and acts of one caller": [
        f"`acts_per_second`, {default(ApiSettings, 'acts_per_second')}",
        f"{default(ApiSettings, 'acts_at_once')} at once",
    ],
    "commands under way": [f"{CommandPolicy().most_in_flight:,}"],
    "settled commands remembered": [f"{CommandPolicy().keep_seconds / 3600:g} hours"],
    "newest events for readers": [
        f"{STREAM.held_events:,} events",
        f"{STREAM.held_bytes // MIB} MiB",
        f"{STREAM.shared_bytes // MIB} MiB of what readers share",
    ],
    "one reader of the event stream": [
        f"{STREAM.round_bytes // 1024} KiB",
        f"{STREAM.pending_bytes // 1024} KiB",
    ],
    "readers of the event stream": [f"{STREAM.readers:,}"],
    "one request to the API": [
        f"{default(ApiSettings, 'max_body_bytes') // 1024} KiB",
        f"{default(ApiSettings, 'body_timeout_seconds')} s",
    ],
    "uploaded attachments": [
        f"{ATTACHMENTS.max_bytes // MIB} MiB each",
        f"{ATTACHMENTS.max_total_bytes // MIB} MiB",
        f"{ATTACHMENTS.max_count} in all",
        f"{ATTACHMENTS.min_free_bytes // MIB} MiB of the disk",
    ],
    "a simulator's oracle": [f"{SIMULATOR.published_limit:,} messages"],
    "a simulator's queue": [f"{SIMULATOR.max_queue:,} messages"],
}


def row_of(buffer: str) -> list[str]:
    (found,) = [cells for cells in rows(PAGE, HEADING) if cells[0].startswith(buffer)]
    return found


@pytest.mark.parametrize("buffer", BOUNDS)
def test_a_bound_on_the_page_is_the_default_of_the_code(buffer: str) -> None:
    """Somebody who sizes a machine by the page is not misled."""
    _, bound, answer = row_of(buffer)
    assert [figure for figure in BOUNDS[buffer] if figure not in bound] == []
    assert answer, "and when it is full?"


def test_every_row_of_the_page_is_checked() -> None:
    """A new row gets its line here."""
    assert len(rows(PAGE, HEADING)) == len(BOUNDS)
