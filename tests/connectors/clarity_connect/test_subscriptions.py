"""Subscriptions as requests."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from connectors.clarity_connect import subscriptions
from connectors.clarity_connect.settings import Subscription
from connectors.clarity_connect.subscriptions import Posting

EVERYONE = {"agents": ["5", "7"], "queues": ["1"]}


def made(**fields: Any) -> Subscription:
    return Subscription(name="x", **fields)


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"to": "agents", "agent_ids": (5, 7), "modalities": ("audio",), "include_status_history": True},
         "agents?agentIds=5,7&modalities=audio&includeStatusHistory=true"),
        ({"to": "agents"}, "agents?agentIds=5,7"),
        ({"to": "agents", "team_ids": (2,), "include_breakdowns": True},
         "agents?teamIds=2&includeBreakdowns=true"),
        ({"to": "agents", "sum_by": "aggregate", "agent_ids": (5,)}, "agents/aggregateBy?agentIds=5"),
        ({"to": "agents", "sum_by": "group", "group_ids": (5, 7), "team_ids": (2,)},
         "agents/groupBy?teamIds=2&groupIds=5,7"),
        ({"to": "queues", "queue_ids": (1, 2)}, "queues?queueIds=1,2"),
        ({"to": "queues", "sum_by": "aggregate", "modalities": ("audio",)},
         "queues/aggregateBy?queueIds=1&modalities=audio"),
        ({"to": "queues", "sum_by": "group", "business_unit_ids": (1,)},
         "queues/groupBy?businessUnitIds=1"),
        ({"to": "alerts"}, "alerts"),
    ],
)  # fmt: skip
def test_each_kind_is_created_at_its_address(fields: dict[str, Any], path: str) -> None:
    (posting,) = subscriptions.creations([made(**fields)], "id-1", EVERYONE)

    assert (posting.method, posting.path) == ("POST", f"v2/subscriptions/{path}")


def test_the_body_names_the_connection_and_the_properties() -> None:
    one = made(to="agents", metric_properties=("AnsweredCount",), session_properties=("queueId",),
               status_properties=("agentStatus",))  # fmt: skip

    (posting,) = subscriptions.creations([one], "id-1", EVERYONE)
    (alerts,) = subscriptions.creations([made(to="alerts")], "id-1", EVERYONE)

    assert posting.body == {
        "connectionId": "id-1",
        "metricProperties": ["AnsweredCount"],
        "sessionProperties": ["queueId"],
        "sessionPropertyType": ["queueId"],
        "statusProperties": ["agentStatus"],
    }
    assert alerts.body == {"connectionId": "id-1"}


def test_many_agents_are_asked_for_in_pieces_that_fit() -> None:
    everyone = {"agents": [str(number) for number in range(400)]}

    postings = subscriptions.creations([made(to="agents")], "id-1", everyone)

    assert len(postings) == 3
    assert all(len(posting.path) < 1500 for posting in postings)


def test_a_large_site_is_subscribed_to_in_portions() -> None:
    """The platform tells of everybody at once, and keeps about a thousand messages for a connection."""
    everyone = {"agents": [str(number) for number in range(2_000)], "queues": ["1", "2"]}
    wanted = [made(to="agents"), Subscription(name="y", to="queues")]

    portions = subscriptions.portions(subscriptions.creations(wanted, "id-1", everyone))

    assert sum(posting.entities for portion in portions for posting in portion) == 2_002
    assert max(sum(posting.entities for posting in portion) for portion in portions) <= 400
    assert len(portions) == 7


def test_a_portion_is_no_longer_than_a_batch() -> None:
    wanted = [Subscription(name=str(number), to="alerts") for number in range(120)]

    portions = subscriptions.portions(subscriptions.creations(wanted, "id-1", EVERYONE))

    assert [len(portion) for portion in portions] == [50, 50, 20]


def test_nobody_makes_no_request() -> None:
    assert subscriptions.creations([made(to="queues")], "id-1", {}) == []


def test_an_update_names_the_id() -> None:
    posting = subscriptions.update(made(to="queues"), "a/b", "id-1", "?queueIds=1")

    assert posting.path == "v2/subscriptions/a%2Fb?queueIds=1"
    assert posting.body == {"connectionId": "id-1"}


def test_a_deletion_has_a_body() -> None:
    assert subscriptions.deletion("x", "abc", "id-1") == Posting(
        "x", "DELETE", "v2/subscriptions/abc", {"connectionId": "id-1"}
    )


def test_a_batch_holds_the_requests_and_its_answers_are_told_apart() -> None:
    postings = subscriptions.creations([made(to="alerts")], "id-1", EVERYONE)

    assert subscriptions.batch(postings) == [
        {
            "method": "POST",
            "relativeUrl": "../v2/subscriptions/alerts",
            "body": {"connectionId": "id-1"},
        }
    ]
    answers = [{"code": 500, "body": {"message": "no"}}, {"code": 200, "body": "abc"}]
    assert subscriptions.batch_answers(answers, 2) == [(500, {"message": "no"}), (200, "abc")]
    assert subscriptions.batch_answers(answers, 1) is None
    assert subscriptions.batch_answers([{"code": "x"}], 1) is None


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("abc", "abc"), ({"subscriptionId": "abc"}, "abc"), ({"id": 7}, "7"), (7, "7"), (None, None),
        ({}, None), (True, None), ([], None),
    ],
)  # fmt: skip
def test_the_id_is_found_in_any_answer(body: Any, found: str | None) -> None:
    assert subscriptions.id_in(body) == found


@pytest.mark.parametrize(
    "fields",
    [
        {"to": "alerts", "agent_ids": (1,)},
        {"to": "queues", "include_status_history": True},
        {"to": "agents", "sum_by": "group"},
    ],
)
def test_what_the_platform_does_not_offer_is_no_setting(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        made(**fields)
