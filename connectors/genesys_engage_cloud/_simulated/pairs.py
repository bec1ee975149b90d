"""Lists of {key, type, value}, as which the Workspace API writes mappings."""

from __future__ import annotations

from typing import Any

from connectors.genesys_engage_cloud._simulated.model import Pairs

Data = dict[str, Any]


def key_values(pairs: Pairs) -> list[Data]:
    """The list of {key, type, value} that stands for a mapping; nested mappings become nested lists."""
    return [_key_value(key, value) for key, value in pairs.items()]


def _key_value(key: str, value: object) -> Data:
    if isinstance(value, dict):
        return {"key": key, "type": "kvlist", "value": key_values(value)}
    return {"key": key, "type": "int" if isinstance(value, int) else "str", "value": value}


def pairs_of(listed: object) -> Pairs:
    """The mapping for such a list; an object is taken as it is. Raises ValueError."""
    if isinstance(listed, dict):
        return dict(listed)
    if not isinstance(listed, list):
        raise ValueError("userData is neither a list nor an object")  # noqa: TRY004 - it is a value on the wire
    pairs: Pairs = {}
    for one in listed:
        if not isinstance(one, dict) or not isinstance(one.get("key"), str):
            raise ValueError("userData holds something that is no pair")  # noqa: TRY004 - as above
        value = one.get("value")
        pairs[one["key"]] = pairs_of(value) if one.get("type") == "kvlist" else value
    return pairs
