"""What each polling feed reads: the question, and what its answer tells. No I/O but by the client it is given."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

import msgspec

from connectors._wire.telling import Telling
from connectors.nice_incontact.client import Api
from connectors.nice_incontact.pages import Page
from gateway.errors import NotReady, Reason
from gateway.events.common import Native

UPDATED_SINCE = "updatedSince"
MAX_ROWS = 10_000
"""The most rows in one answer of the platform."""
MAX_TOTAL = 1_000_000


class Listing(Protocol):
    """One of the platform's lists. Asking changes nothing; telling changes what is remembered."""

    @property
    def name(self) -> str:
        """Names the feed: the key of its block in the settings."""
        ...

    @property
    def misses(self) -> bool:
        """Whether what came and went while nobody asked is missing afterwards."""
        ...

    def restore(self, kept: Any) -> None:
        """Remember what `keep` returned, or nothing if that is None. Raises msgspec.ValidationError."""
        ...

    def keep(self) -> Any:
        """What the next process must remember, as msgspec can encode it."""
        ...

    async def ask(self, api: Api, now: datetime) -> Page:
        """One answer. Raises as `Api.page`."""
        ...

    def tell(self, page: Page, telling: Telling, *, fresh: bool) -> None:
        """Tell what the answer has. `fresh`: nothing was told before."""
        ...


async def ask_since(
    api: Api,
    path: str,
    *names: str,
    cursor: str | None,
    query: Mapping[str, str | int] | None = None,
) -> Page:
    """The rows that changed since the cursor; all of them if there is none, or if the platform does not take it.

    Source: NICE inContact RealTime API: `lastPollTime` of an answer is the next request's `updatedSince`.
    """
    given: dict[str, str | int] = dict(query or {})
    if cursor is None:
        return await ask_all(api, path, *names, query=given)
    try:
        return await ask_all(api, path, *names, query={UPDATED_SINCE: cursor, **given})
    except NotReady as error:
        if error.reason is not Reason.CLIENT_ERROR:
            raise
        return await ask_all(api, path, *names, query=given)


async def ask_all(
    api: Api, path: str, *names: str, query: Mapping[str, str | int] | None = None
) -> Page:
    """All rows, however many answers they come in. Raises as `Api.page`.

    The client follows links to further pages. Where there are none, an answer that is as long as the
    longest that the platform gives is followed by a question for what is behind it.
    """
    first = page = await api.page(path, *names, query=query)
    rows = list(first.rows)
    while page.rows and len(page.rows) % MAX_ROWS == 0 and len(rows) < MAX_TOTAL:
        if first.total is not None and len(rows) >= first.total:
            break
        page = await api.page(path, *names, query={**(query or {}), "skip": len(rows)})
        rows += page.rows
    return msgspec.structs.replace(
        first, rows=rows, whole=first.whole and page.whole and len(rows) < MAX_TOTAL
    )


def following(page: Page, before: str | None) -> str | None:
    """The cursor after an answer: an empty one moves nothing, and after rows without one all are asked for again."""
    if page.last_poll_time is not None:
        return page.last_poll_time
    return None if page.rows else before


def native(
    path: str, row: Mapping[str, Any], *, state: str = "", reason: str = "", **ids: str | None
) -> Native:
    """The platform's words about a row."""
    reference = row.get("referenceid")
    return Native(
        type=path,
        state=state,
        reason=reason,
        ids={name: value for name, value in ids.items() if value},
        reference=reference if isinstance(reference, str) else None,
    )
