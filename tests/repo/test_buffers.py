"""The bounds on the architecture page are those of the code."""

from __future__ import annotations

import re
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
from gateway.directory import DirectoryPolicy
from gateway.feed_runner import SupervisorPolicy
from gateway.journal import JournalSettings
from gateway.picture_data import PictureLimits
from gateway.tracing import TracesSettings
from gateway.tracing.tracer import MOST_SPANS_OF_A_BATCH
from sinks.file import SINK as FILE
from sinks.kafka import SINK as KAFKA
from sinks.kafka.settings import KafkaSettings
from sinks.prometheus import SINK as PROMETHEUS
from sinks.webhook import SINK as WEBHOOK
from sinks.webhook.settings import WebhookSettings
from tests.repo.checkout import rows, text

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
    "a list of the directory": [f"{DirectoryPolicy().entries:,} entries"],
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
    "spans that wait to be exported": [
        f"`queue_spans`, {default(TracesSettings, 'queue_spans'):,}",
        f"{MOST_SPANS_OF_A_BATCH} of one batch",
    ],
    "a simulator's oracle": [f"{SIMULATOR.published_limit:,} messages"],
    "a simulator's queue": [f"{SIMULATOR.max_queue:,} messages"],
}


FILLED = {
    "one CometD reply": "connectors/_wire/test_long_polling.py::an_answer_too_large_is_a_gap",
    "received, not yet journalled": "connectors/_wire/test_long_polling.py::a_full_buffer_pauses_polling",
    "one SignalR frame": "connectors/_wire/signalr/test_interruptions.py::a_frame_that_stays_damaged",
    "heard and not yet journalled, per SignalR connection": (
        "connectors/_wire/signalr/test_client.py::a_full_buffer_pauses_reading"
    ),
    "calls of SignalR hub methods": (
        "connectors/_wire/signalr/test_client.py::beyond_those_that_may_wait_is_refused"
    ),
    "what came of commands to an inContact WFO recorder": (
        "connectors/incontact_wfo/test_connector.py::waits_for_the_journal"
    ),
    "hand-over to the journal's writer": "gateway/journal/test_faults.py::a_full_queue_makes_appends_wait",
    "one transaction": "gateway/journal/test_faults.py::an_append_larger_than_the_queue_passes",
    "newest events in memory": "gateway/journal/test_contract.py::SqliteJournalWithoutCache",
    "the journal's file": "contract/journal_suite.py::is_full_rather_than_dropping",
    "one batch to a sink": "gateway/test_dispatcher.py::batches_are_cut_by_bytes",
    "events held back by their partition keys": "gateway/delivery/test_holding.py::there_is_no_room",
    "requests of a webhook": "sinks/webhook/test_sink.py::keys_go_at_the_same_time_up_to_the_limit",
    "records on their way to Kafka": "sinks/kafka/test_outages.py::costs_no_more_than_the_deadline",
    "live picture": "gateway/test_picture.py::the_picture_is_bounded",
    "attempts to connect": "gateway/test_start_gate.py::no_more_attempts_than_allowed",
    "commands to one connector": "gateway/test_command_turns.py::so_many_commands_and_no_more",
    "commands and acts of one caller": "gateway/api/test_limits.py::one_caller_s_flood_is_refused",
    "commands under way": "gateway/test_command_bounds.py::beyond_the_commands_under_way",
    "settled commands remembered": "gateway/test_command_bounds.py::beyond_the_settled_commands",
    "newest events for readers": "gateway/api/test_event_stream.py::late_reader_reads_the_journal_itself",
    "one reader of the event stream": "gateway/api/test_event_stream.py::waits_in_memory_for_a_stalled_reader",
    "a list of the directory": "gateway/test_directory.py::a_list_is_bounded",
    "readers of the event stream": "gateway/api/test_event_stream.py::too_many_readers",
    "one request to the API": "gateway/api/test_commands.py::a_body_without_its_length_is_bounded",
    "uploaded attachments": "gateway/api/test_attachments.py::a_full_spool_says_when_to_come_again",
    "spans that wait to be exported": "gateway/tracing/test_sdk.py::what_does_not_fit_is_left_out",
    "a simulator's oracle": "connectors/_simulation/test_ledger.py::the_oldest_messages_are_forgotten",
    "a simulator's queue": "connectors/_simulation/test_bayeux_server.py::a_full_queue_ends_the_session",
}
"""Which test fills a buffer and looks at the answer: file, and a part of the test's name."""


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
    assert set(FILLED) == set(BOUNDS), "a buffer that no test fills"


@pytest.mark.parametrize("buffer", FILLED)
def test_a_bound_is_tried_by_a_test_that_fills_it(buffer: str) -> None:
    """The answer on the page is one that somebody has seen."""
    file, _, name = FILLED[buffer].partition("::")
    source = text(Path("tests") / file)
    assert re.search(rf"(def|class) \w*{name}", source), FILLED[buffer]
