"""Reading values of unknown shape: both generations of the platform need the same readers."""

from connectors._genesys.values import (
    clean,
    difference,
    fingerprint,
    first,
    folded,
    identifier,
    kept,
    last_segment,
    mapping,
    milliseconds,
    moment,
    objects,
    seconds,
    switch,
    text,
)

__all__ = [
    "clean",
    "difference",
    "fingerprint",
    "first",
    "folded",
    "identifier",
    "kept",
    "last_segment",
    "mapping",
    "milliseconds",
    "moment",
    "objects",
    "seconds",
    "switch",
    "text",
]
