"""Answers with rows, of both generations of the API: one reader for all of them. Pure.

The older generation wraps rows in `resultSet`, in some methods only, and writes the polling cursor
into each row; the newer one has rows, cursor and links at the top. Keys differ in case between
methods and versions.
Source: NICE inContact method reference of services v23.0, RealTime and Reporting; the vendor's
current OpenAPI documents for the newer generation.
"""

from __future__ import annotations

from typing import Any

import msgspec

from connectors._wire.json_values import fields, number, objects, text

_WRAPPER = "resultset"
_CURSOR = "lastpolltime"


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """One answer with rows.

    Attributes:
        rows: the rows, their keys in lower case.
        last_poll_time: the cursor to send as `updatedSince`, as the platform wrote it.
        next_url: where the next page is; none at the end.
        total: how many rows there are over all pages, if told.
        facts: what stands beside the rows, keys in lower case.
        whole: the answer was empty, or had such a list with nothing but rows in it.
    """

    rows: list[dict[str, Any]]
    last_poll_time: str | None = None
    next_url: str | None = None
    total: int | None = None
    facts: dict[str, Any] = msgspec.field(default_factory=dict)
    whole: bool = True


def read_page(body: Any, *names: str) -> Page:
    """What an answer holds; no rows for anything that is none.

    Args:
        body: the decoded answer, None for an empty one.
        names: under which the rows may stand, the first that is a list counts; a bare list is taken too.
    """
    if isinstance(body, list):
        rows = objects(body)
        return Page(rows=rows, last_poll_time=_newest(rows), whole=len(rows) == len(body))
    top = fields(body)
    inner = fields(top.get(_WRAPPER))
    facts = {**top, **inner}
    listed: list[Any] | None = next(
        (facts[low] for name in names if isinstance(facts.get(low := name.lower()), list)), None
    )
    rows = objects(listed)
    links = fields(top.get("_links")) or fields(inner.get("_links"))
    following = links.get("next")
    total = number(facts.get("totalrecords"))
    return Page(
        rows=rows,
        last_poll_time=text(facts.get(_CURSOR)) or _newest(rows),
        next_url=_url(following),
        total=None if total is None else int(total),
        facts={key: value for key, value in facts.items() if listed is None or value is not listed},
        whole=body is None or (listed is not None and len(rows) == len(listed)),
    )


def _url(link: Any) -> str | None:
    """A link is a text, or an object with the text in `href`."""
    found = link if isinstance(link, str) else fields(link).get("href")
    return found.strip() or None if isinstance(found, str) else None


def _newest(rows: list[dict[str, Any]]) -> str | None:
    """The cursor in the rows: they are of one poll, so the last of them, as ISO 8601 orders it, is the newest."""
    return max((stamp for row in rows if (stamp := text(row.get(_CURSOR)))), default=None)
