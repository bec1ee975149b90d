"""Whatever a command holds and whatever the platform answers, it ends in a verdict."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from connectors.genesys_web_services.capabilities import CAPABILITIES
from connectors.genesys_web_services.commands import build, is_unknown, outcome_of
from connectors.genesys_web_services.mapping.offers import MAX_OFFERS, Offers
from gateway.commands import Status, Verb
from gateway.errors import CommandRefused, CommandUncertain
from tests.connectors.genesys_web_services.operations import (
    OPERATIONS,
    Operation,
    command,
    made_of,
    situation,
)

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.floats(allow_nan=False),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=8,
)
ARGUMENTS = sorted({argument.name for line in CAPABILITIES for argument in line.arguments})
VERBS = sorted({line.verb for line in CAPABILITIES})
ENVELOPE = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(
        ("statusCode", "status", "statusMessage", "failed", "succeeded", "replyInteractionId"), JSON
    ),
)


@given(
    verb=st.sampled_from(VERBS),
    arguments=st.dictionaries(st.sampled_from(ARGUMENTS), JSON, max_size=5),
    name=st.text(max_size=20),
)
def test_a_command_is_a_request_below_the_root_or_refused(
    verb: Verb, arguments: dict[str, Any], name: str
) -> None:
    try:
        made = build(command(verb, call=name, interaction=name, **arguments), situation())
    except CommandRefused as refusal:
        named = str(refusal).startswith(("arguments.", "target."))
        assert named
        return
    for path in (made.path, *(each.path for each in made.others)):
        assert path.startswith("/api/v2/")
        assert not {"..", ".", "?"} & set(path.split("/"))
        assert path.isascii()
    msgspec.json.encode(made.body)


@given(
    operation=st.sampled_from(OPERATIONS),
    status=st.sampled_from([200, 204, 302, 400, 401, 403, 404, 405, 500, 503]),
    body=st.binary(max_size=40) | ENVELOPE.map(msgspec.json.encode) | JSON.map(msgspec.json.encode),
)
def test_an_answer_of_any_shape_is_an_outcome_or_uncertain(
    operation: Operation, status: int, body: bytes
) -> None:
    made = made_of(operation)
    try:
        outcome = outcome_of(made, status, body)
    except CommandUncertain:
        return
    assert outcome.status in {Status.ACCEPTED, Status.REFUSED, Status.PARTIAL}
    assert outcome.status is Status.ACCEPTED or (outcome.reason and outcome.message)
    if outcome.status is not Status.REFUSED:
        assert not is_unknown(status, body)


@given(st.lists(JSON, max_size=5))
def test_offers_of_any_shape_are_bounded(items: list[Any]) -> None:
    offers = Offers()
    for item in items:
        offers.take({"call": item, "interaction": item, "calls": item, "devices": [item]})
    for number in range(MAX_OFFERS + 5):
        offers.take({"call": {"id": str(number), "capabilities": ["Hold", 1, None]}})

    assert offers.of("0").capabilities == frozenset()
    assert offers.of(str(MAX_OFFERS)).capabilities == {"Hold"}
