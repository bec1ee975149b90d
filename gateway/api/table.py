"""The table of operations: every family that the API has."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.api import (
    attachments,
    commands,
    connector_acts,
    dead_letter_views,
    directory_views,
    documentation,
    event_stream,
    picture_views,
    reload,
    sink_views,
    views,
)
from gateway.api.event_stream import EventStreams
from gateway.api.operations import Row
from gateway.api.runtime import ApiRuntime
from gateway.api.settings import ApiSettings
from gateway.api.waiting import Waiting


def operations(
    runtime: ApiRuntime, settings: ApiSettings, waiting: Waiting, streams: EventStreams
) -> Sequence[Row]:
    """All rows, those that describe them included."""
    rows: list[Row] = []
    described = documentation.Documentation(runtime, settings, lambda: rows)
    rows += (
        *views.operations(runtime),
        *connector_acts.operations(runtime),
        *sink_views.operations(runtime),
        *reload.operations(runtime),
        *dead_letter_views.operations(runtime),
        *picture_views.operations(runtime),
        *directory_views.operations(runtime),
        *event_stream.operations(streams),
        *commands.operations(runtime, waiting),
        *attachments.operations(runtime, silence_seconds=settings.body_timeout_seconds),
        *documentation.operations(described),
    )
    return rows
