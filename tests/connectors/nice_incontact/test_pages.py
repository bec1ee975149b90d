"""Answers with rows of both generations, read in one way."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.nice_incontact.pages import read_page

OLDER_ROWS = {"agentStates": [{"AgentId": 1, "lastPollTime": "2026-01-01T00:00:01Z"},
                              {"AgentId": 2, "lastPollTime": "2026-01-01T00:00:02Z"}]}  # fmt: skip
OLDER_WRAPPED = {"resultSet": {"businessUnitId": 7, "lastPollTime": "L",
                               "activeContacts": [{"contactId": 1}]}}  # fmt: skip
NEWER = {"totalRecords": 3, "lastPollTime": "L", "activeContacts": [{"contactId": 1}],
         "_links": {"self": "a", "next": "https://x.test/2"}}  # fmt: skip


@pytest.mark.parametrize(
    ("body", "names", "rows", "cursor", "following"),
    [
        (OLDER_ROWS, ("agentStates",), [1, 2], "2026-01-01T00:00:02Z", None),
        (OLDER_WRAPPED, ("activeContacts",), [1], "L", None),
        (NEWER, ("other", "ActiveContacts"), [1], "L", "https://x.test/2"),
        (NEWER | {"_links": {"next": {"href": "https://x.test/3"}}}, ("activeContacts",), [1], "L",
         "https://x.test/3"),
        (NEWER | {"_links": {"next": ""}}, ("activeContacts",), [1], "L", None),
        ([{"contactId": 1}, "no row"], (), [1], None, None),
        (None, ("activeContacts",), [], None, None),
        ({"activeContacts": None}, ("activeContacts",), [], None, None),
        ("text", (), [], None, None),
    ],
)  # fmt: skip
def test_rows_cursor_and_next_page_are_found_wherever_they_stand(
    body: Any, names: tuple[str, ...], rows: list[int], cursor: str | None, following: str | None
) -> None:
    page = read_page(body, *names)

    assert [row.get("agentid") or row.get("contactid") for row in page.rows] == rows
    assert (page.last_poll_time, page.next_url) == (cursor, following)


def test_what_stands_beside_the_rows_is_kept() -> None:
    assert read_page(OLDER_WRAPPED, "activeContacts").facts["businessunitid"] == 7
    assert read_page(NEWER, "activeContacts").total == 3
