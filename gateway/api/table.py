"""The table of operations: every family that the API has."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.api import commands, picture_views, views
from gateway.api.operations import Row
from gateway.api.runtime import ApiRuntime
from gateway.api.waiting import Waiting


def operations(runtime: ApiRuntime, waiting: Waiting) -> Sequence[Row]:
    """All rows."""
    return (
        *views.operations(runtime),
        *picture_views.operations(runtime),
        *commands.operations(runtime, waiting),
    )
