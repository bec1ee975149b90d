"""The served document against what a whole gateway does: what it allows is taken, what it forbids is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from secrets import token_hex

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import negative_data_rejection, positive_data_acceptance

from gateway.api.operations import Row
from gateway.api.requests import fields_of
from gateway.api.tokens import hash_of, new_token
from tests.support.fake_runtime import all_rows
from tests.support.gateway_thread import gateway_thread

pytestmark = pytest.mark.timeout(120)

TOKEN = new_token()
BEARER = {"Authorization": f"Bearer {TOKEN}"}
ENDLESS = {"stream_events"}
UNPRINTABLE = {"upload_attachment"}
"""Takes no file names that cannot be shown, which no pattern of JSON Schema can say."""
TRIES = 15
TRIED = [row for row in all_rows() if row.id not in ENDLESS]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A gateway with one caller who may do all."""
    api = {
        "tokens": [{"name": "tester", "hash": hash_of(TOKEN), "scopes": ["admin"]}],
        "acts_per_second": 10_000,
        "max_wait_seconds": 0.05,
    }
    with gateway_thread(tmp_path_factory.mktemp("api"), api=api) as url:
        yield url


@pytest.fixture(scope="module")
def document(url: str) -> schemathesis.schemas.BaseSchema:
    """The document as it is served."""
    return schemathesis.openapi.from_url(f"{url}/openapi.json", headers=BEARER)


def trying(test: Callable[[], None]) -> Callable[[], None]:
    """So many tries, the same ones in every run."""
    return settings(
        max_examples=TRIES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )(test)


@pytest.mark.parametrize("row", TRIED, ids=lambda row: row.id)
def test_what_the_document_allows_is_taken(
    document: schemathesis.schemas.BaseSchema, row: Row
) -> None:
    """No 5xx, no status that is not described, no answer that its schema forbids, no refusal of good data."""

    @trying
    @given(case=document[row.path][row.method].as_strategy())
    def hold(case: Case) -> None:
        case.query.pop("cursor", None)  # only the server can make one
        if "Idempotency-Key" in case.headers:
            case.headers["Idempotency-Key"] = token_hex()  # one key is for one command
        excluded = [positive_data_acceptance] if row.id in UNPRINTABLE else []
        case.call_and_validate(headers=BEARER, timeout=60, excluded_checks=excluded)

    hold()


@pytest.mark.parametrize(
    "row", [row for row in TRIED if fields_of(row.parameters) or row.body], ids=lambda row: row.id
)
def test_what_the_document_forbids_is_refused(
    document: schemathesis.schemas.BaseSchema, row: Row
) -> None:
    """Bodies that break their schema get 422; whatever else is wrong, no 5xx and nothing that is not described."""
    operation = document[row.path][row.method]
    # In a query a number is text too, so only bodies can break their schema for certain.
    excluded = [] if row.body is not None else [negative_data_rejection]

    @trying
    @given(case=operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))
    def hold(case: Case) -> None:
        case.call_and_validate(headers=BEARER, timeout=60, excluded_checks=excluded)

    hold()
