"""Masking for sinks that must not see everything. Pure.

The structs of the events say what each of their fields gives away (`gateway.events.Sensitivity`). From that follows,
once for each event type, which places of its data a sink may not see. Their values are replaced in the shape of the
field, so that a masked event still fits its schema; everything else stays byte for byte: ids, states, times, counts,
and the keys of attached data. An event that has nothing to mask is not decoded.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cache
from types import UnionType
from typing import Annotated, Any, NamedTuple, Protocol, Union, get_args, get_origin

import msgspec
from msgspec import Raw

from gateway.events import CATALOGUE, DamagedEvent, Sensitivity, StoredEvent

MASK = "[masked]"

GROUPS: Mapping[str, Collection[Sensitivity]] = {
    "personal": (Sensitivity.NUMBERS, Sensitivity.NAMES),
    "content": (Sensitivity.TEXTS, Sensitivity.DATA),
}
"""Words for several classifications at once."""

_NULL = b"null"
_members = msgspec.json.Decoder(dict[str, Raw])
_items = msgspec.json.Decoder(list[Raw])


class Masker:
    """Masks the events of one sink, which is denied some classifications. Denied none, it hands events through."""

    def __init__(self, denied: Collection[str]) -> None:
        """`denied` are values of `Sensitivity` and names of `GROUPS`; raises ValueError for any other word."""
        self._plans = _plans(
            frozenset(
                level for word in denied for level in GROUPS.get(word, ()) or (Sensitivity(word),)
            )
        )

    def __call__(self, event: StoredEvent) -> StoredEvent:
        """The event as the sink may see it; the same one if nothing is masked.

        Of a type that this version does not know all data is masked: nobody can say what is in it.
        """
        if not self._plans:
            return event
        plan = self._plans.get(event.type)
        if plan is None:
            return event if event.type in CATALOGUE else _replaced(event, _values)
        for needle in plan.needles:
            if needle in event.body:
                return _replaced(event, plan.data)
        return event


class _Mask(Protocol):
    """Makes what the sink may see of one encoded value."""

    def __call__(self, value: Raw, /) -> Any: ...


class _TypePlan(NamedTuple):
    """What is masked in events of one type.

    `needles` are the sensitive keys as they stand in a body, quotes and colon with them. Quotes within a text are
    escaped there, so no text looks like one; a body without any has nothing to mask.
    """

    needles: tuple[bytes, ...]
    data: _Mask


def _whole(_value: Raw, /) -> Any:
    """One value, whatever it is."""
    return MASK


def _values(value: Raw, /) -> Any:
    """The values of an object; its keys stay."""
    return dict.fromkeys(_members.decode(value), MASK)


class _Each(NamedTuple):
    """Each item of a list."""

    mask: _Mask

    def __call__(self, value: Raw, /) -> Any:
        return [_safely(self.mask, item) for item in _items.decode(value)]


class _Fields(NamedTuple):
    """Some members of an object; the others stay as they are."""

    masks: Mapping[str, _Mask]

    def __call__(self, value: Raw, /) -> Any:
        fields: dict[str, Any] = _members.decode(value)
        for name, mask in self.masks.items():
            if name in fields:
                fields[name] = _safely(mask, fields[name])
        return fields


def _safely(mask: _Mask, value: Raw) -> Any:
    """What does not have the shape that this version gives it is masked whole."""
    if bytes(value) == _NULL:
        return value
    try:
        return mask(value)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return MASK


def _replaced(event: StoredEvent, mask: _Mask) -> StoredEvent:
    if isinstance(event, DamagedEvent):
        return event  # it has no data
    body: dict[str, Any] = _members.decode(event.body)
    body["data"] = _safely(mask, body["data"])
    return StoredEvent(
        position=event.position,
        sequence=event.sequence,
        type=event.type,
        source=event.source,
        body=msgspec.json.encode(body),
    )


@cache
def _plans(denied: frozenset[Sensitivity]) -> Mapping[str, _TypePlan]:
    """What is masked in events of each type; types that have nothing of it are left out."""
    plans = {data: _plan(data, denied) for data in {entry.data for entry in CATALOGUE.values()}}
    return {
        name: _TypePlan(tuple(dict.fromkeys(_needles(plan))), plan)
        for name, entry in CATALOGUE.items()
        if (plan := plans[entry.data]) is not None
    }


def _plan(kind: Any, denied: frozenset[Sensitivity]) -> _Mask | None:
    """How a value of this type is masked; None: it has nothing that is denied."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        inner, *notes = arguments
        return _blank(inner) if not denied.isdisjoint(notes) else _plan(inner, denied)
    if origin in {Union, UnionType}:
        alternatives = (_plan(one, denied) for one in arguments)
        return next((plan for plan in alternatives if plan is not None), None)
    if origin is list:
        item = _plan(arguments[0], denied)
        return _Each(item) if item is not None else None
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        plans = {
            field.encode_name: _plan(field.type, denied) for field in msgspec.structs.fields(kind)
        }
        masks = {name: plan for name, plan in plans.items() if plan is not None}
        return _Fields(masks) if masks else None
    return None


def _blank(kind: Any) -> _Mask:
    """The mask in the shape of a type."""
    origin = get_origin(kind)
    if origin is dict:
        return _values
    if origin is list:
        return _Each(_blank(get_args(kind)[0]))
    return _whole


def _needles(plan: _Mask) -> Iterator[bytes]:
    """The keys of the innermost fields that a plan masks, quoted as in a body."""
    if isinstance(plan, _Each):
        yield from _needles(plan.mask)
    elif isinstance(plan, _Fields):
        for name, mask in plan.masks.items():
            deeper = dict.fromkeys(_needles(mask))
            yield from deeper or (f'"{name}":'.encode(),)
