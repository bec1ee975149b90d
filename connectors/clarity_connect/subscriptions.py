"""Requests that create, update and delete subscriptions, and what their answers say. Pure.

The answer to a subscription is not documented, and yet it is updated and deleted by an id: any JSON that may
hold one is read. Source: Clarity Connect Web API Version 2, "Subscription", "Batch Request".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

import msgspec

from connectors._wire.json_values import UNREADABLE
from connectors.clarity_connect.settings import Subscription

CHUNK = 150
"""Most ids in one request: servers of this kind take a query of 2048 characters."""
_DIGEST = "2 "
"""The version of what is kept of a subscription."""
_PATHS = {"none": "", "aggregate": "/aggregateBy", "group": "/groupBy"}
MAX_BATCH = 50
PORTION = 400
"""Most entities of which the platform is made to tell at once: its buffer holds about 1000 messages a connection."""


class Posting(NamedTuple):
    """One request about a subscription.

    Attributes:
        query: what follows the address, also of a later request that changes the subscription.
        ids: the agents or queues that it names one by one.
        entities: how many the platform will tell of at once, as far as is known.
    """

    name: str
    method: str
    path: str
    body: dict[str, Any]
    query: str = ""
    ids: tuple[str, ...] = ()
    entities: int = 1


def everyone_of(subscription: Subscription) -> str | None:
    """`agents` or `queues` if the subscription names nobody and means all of them."""
    if subscription.to == "alerts" or subscription.names_entities:
        return None
    return subscription.to


def creations(
    subscriptions: Sequence[Subscription],
    connection_id: str,
    everyone: Mapping[str, Sequence[str]],
) -> list[Posting]:
    """The requests that create subscriptions; one without anybody to watch makes none."""
    found: list[Posting] = []
    for one in subscriptions:
        kind = everyone_of(one)
        if kind is None:
            found += creations_for(one, connection_id, _named(one))
        elif everyone.get(kind):
            found += creations_for(one, connection_id, everyone[kind])
    return found


def creations_for(
    subscription: Subscription, connection_id: str, ids: Sequence[str]
) -> list[Posting]:
    """The requests that create one subscription, to these agents or queues and to the groups that it names."""
    root = f"v2/subscriptions/{subscription.to}{_PATHS[subscription.sum_by]}"
    body = _body(subscription, connection_id)
    return [
        Posting(
            subscription.name,
            "POST",
            f"{root}{_text(query)}",
            body,
            _text(query),
            part,
            _entities(subscription, part),
        )
        for query, part in _queries(subscription, ids)
    ]


def update(
    subscription: Subscription, subscription_id: str, connection_id: str, query: str
) -> Posting:
    """The request that lets an existing subscription be to what `query` says; the platform tells all of that again."""
    path = f"v2/subscriptions/{quote(subscription_id, safe='')}{query}"
    body = _body(subscription, connection_id)
    several = subscription.sum_by == "none"
    return Posting(subscription.name, "POST", path, body, query, entities=CHUNK if several else 1)


def repetition(
    name: str,
    subscription: Subscription | None,
    subscription_id: str,
    connection_id: str,
    query: str,
) -> Posting:
    """The request that asks for an existing subscription by updating it to what it is.

    Without the subscription, when the settings have it no more, the properties are left out.
    """
    if subscription is not None:
        return update(subscription, subscription_id, connection_id, query)
    path = f"v2/subscriptions/{quote(subscription_id, safe='')}{query}"
    return Posting(name, "POST", path, {"connectionId": connection_id}, query)


def deletion(name: str, subscription_id: str, connection_id: str) -> Posting:
    """The request that ends a subscription."""
    path = f"v2/subscriptions/{quote(subscription_id, safe='')}"
    return Posting(name, "DELETE", path, {"connectionId": connection_id})


def batch(postings: Sequence[Posting]) -> list[dict[str, Any]]:
    """The body of one batch request that holds others."""
    return [
        {"method": one.method, "relativeUrl": f"../{one.path}", "body": one.body}
        for one in postings
    ]


def batch_of_questions(paths: Sequence[str]) -> list[dict[str, Any]]:
    """The body of one batch request that only asks."""
    return [{"method": "GET", "relativeUrl": f"../{path}"} for path in paths]


def batch_answers(body: Any, count: int) -> list[tuple[int, Any]] | None:
    """Status and body of each answer in a batch's; none if it is no answer to so many."""
    if not isinstance(body, list) or len(body) != count:
        return None
    answers = []
    for item in body:
        code = item.get("code") if isinstance(item, dict) else None
        if not isinstance(code, int):
            return None
        answers.append((code, item.get("body")))
    return answers


def id_in(body: Any) -> str | None:
    """The subscription's id in an answer, if there is one."""
    if isinstance(body, dict):
        for name in ("subscriptionId", "subscriptionID", "SubscriptionId", "id", "Id"):
            if (found := id_in(body.get(name))) is not None:
                return found
        return None
    if isinstance(body, bool):
        return None
    if isinstance(body, int):
        return str(body)
    return body[:200] if isinstance(body, str) and body else None


def digest(subscription: Subscription) -> str:
    """The subscription's content, to notice that the settings changed, or what is kept of it."""
    return _DIGEST + msgspec.json.encode(subscription.model_dump(mode="json")).decode()


def is_of_kind(digest: str, subscription: Subscription) -> bool:
    """Whether a subscription of that content can become this one by an update: to the same, summed up the same way."""
    try:
        before = msgspec.json.decode(digest.removeprefix(_DIGEST))
    except UNREADABLE:
        return False
    return isinstance(before, dict) and (before.get("to"), before.get("sum_by")) == (
        subscription.to,
        subscription.sum_by,
    )


def _named(subscription: Subscription) -> list[str]:
    return [*map(str, subscription.agent_ids or subscription.queue_ids)]


def _queries(
    subscription: Subscription, ids: Sequence[str]
) -> Iterator[tuple[dict[str, str], tuple[str, ...]]]:
    """Each query, and the ids that it names one by one."""
    if subscription.to == "alerts":
        yield {}, ()
        return
    common: dict[str, str] = {}
    if subscription.modalities:
        common["modalities"] = ",".join(subscription.modalities)
    if subscription.include_breakdowns:
        common["includeBreakdowns"] = "true"
    if subscription.include_status_history:
        common["includeStatusHistory"] = "true"
    own = f"{subscription.to.removesuffix('s')}Ids"
    others = {
        name: ",".join(map(str, values))
        for name, values in (
            ("teamIds", subscription.team_ids),
            ("groupIds", subscription.group_ids),
            ("businessUnitIds", subscription.business_unit_ids),
        )
        if values
    }
    if subscription.sum_by != "none" or not ids:
        named = {own: ",".join(ids)} if ids else {}
        yield {**named, **others, **common}, tuple(ids)
        return
    if others:
        yield {**others, **common}, ()
    for start in range(0, len(ids), CHUNK):
        part = tuple(ids[start : start + CHUNK])
        yield {own: ",".join(part), **common}, part


def portions(postings: Sequence[Posting]) -> list[list[Posting]]:
    """The requests in portions: none makes the platform tell of more than `PORTION` entities or is too long a batch."""
    found: list[list[Posting]] = []
    entities = 0
    for posting in postings:
        entities += posting.entities
        if not found or entities > PORTION or len(found[-1]) >= MAX_BATCH:
            found.append([])
            entities = posting.entities
        found[-1].append(posting)
    return found


def _entities(subscription: Subscription, ids: Sequence[str]) -> int:
    """A sum is one; of teams, groups and units nobody knows here how many are in them, so they count as a chunk."""
    if subscription.sum_by != "none" or subscription.to == "alerts":
        return 1
    return len(ids) or CHUNK


def _text(query: Mapping[str, str]) -> str:
    return f"?{urlencode(query, safe=',')}" if query else ""


def _body(subscription: Subscription, connection_id: str) -> dict[str, Any]:
    body: dict[str, Any] = {"connectionId": connection_id}
    if subscription.metric_properties:
        body["metricProperties"] = list(subscription.metric_properties)
    if subscription.session_properties:
        # The documentation's samples and its dictionary disagree on the name.
        body["sessionProperties"] = list(subscription.session_properties)
        body["sessionPropertyType"] = list(subscription.session_properties)
    if subscription.status_properties:
        body["statusProperties"] = list(subscription.status_properties)
    return body
