"""The table of operations: what every row must say."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from gateway.api import scopes
from gateway.api.operations import ANY_SCOPE, Row
from gateway.api.requests import fields_of
from tests.support.fake_runtime import all_rows

OPEN = {"health", "readiness"}


ROWS = all_rows()


def test_ids_and_places_are_unique() -> None:
    """Clients are generated from ids; a second row in one place would never be reached."""
    assert max(Counter(row.id for row in ROWS).values()) == 1
    assert max(Counter((row.method, row.path) for row in ROWS).values()) == 1


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_what_changes_something_is_audited_and_needs_more_than_reading(row: Row) -> None:
    """And what only reads is no act, and does not ask for more than reading."""
    if row.method == "GET":
        assert row.audits is None
        assert (row.scope is None) == (row.id in OPEN)
    else:
        assert row.audits is not None
        assert row.scope not in {None, scopes.READ}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_a_row_s_scope_exists_and_its_parts_fit_together(row: Row) -> None:
    """Names in the path, in headers and in the audit are fields of the parameters."""
    assert row.scope in {None, ANY_SCOPE, *scopes.SCOPES}
    fields = fields_of(row.parameters)
    in_path = set(re.findall(r"{(\w+)}", row.path))
    assert in_path | row.headers.keys() <= fields.keys()
    assert all(fields[name].required for name in in_path)
    if row.audits is not None:
        assert set(re.findall(r"{(\w+)}", row.audits.object)) <= in_path
    assert min(row.responses) < 300
