"""What differs between two configurations: which blocks to swap, and what only a restart can change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from config.settings import Config, GatewaySettings

SWAPPED = frozenset(
    {
        "gateway.api.tls.cert",
        "gateway.api.tls.key",
        "gateway.api.tokens",
        "gateway.journal.encryption_keys",
        "gateway.log.format",
        "gateway.log.level",
    }
)
"""Keys of `gateway` that a running gateway takes over; every other one is read at its start only."""


@dataclass(frozen=True, slots=True)
class BlockNames:
    """Names of blocks of one list, in the order of the newer configuration; those removed in the order of the older."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)


@dataclass(frozen=True, slots=True)
class Changes:
    """The difference.

    Attributes:
        connectors: blocks of connectors.
        sinks: blocks of sinks.
        swapped: changed keys of `gateway` that can be taken over.
        need_restart: changed keys of `gateway` that cannot.
    """

    connectors: BlockNames = BlockNames()
    sinks: BlockNames = BlockNames()
    swapped: tuple[str, ...] = ()
    need_restart: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.connectors or self.sinks or self.swapped or self.need_restart)


def changes(old: Config, new: Config) -> Changes:
    """Compare two configurations by what they mean.

    The same secret from another place is no difference, another content of the same file is.
    """
    keys = dict.fromkeys(_differing("gateway", old.gateway, new.gateway))
    keys |= dict.fromkeys(
        key for key, content in new.contents.items() if old.contents.get(key, content) != content
    )
    return Changes(
        connectors=_blocks(old.connectors, new.connectors),
        sinks=_blocks(old.sinks, new.sinks),
        swapped=tuple(key for key in keys if key in SWAPPED),
        need_restart=tuple(key for key in keys if key not in SWAPPED),
    )


def with_swapped(old: GatewaySettings, new: GatewaySettings) -> GatewaySettings:
    """The older settings with the newer values of `SWAPPED`: what is in force after they were taken over."""
    in_force = old
    for key in SWAPPED:
        _, *path = key.split(".")
        in_force = _with(in_force, new, path)
    return in_force


def _with(old: Any, new: Any, path: Sequence[str]) -> Any:
    """A model with the value that another one has at a path, if both have a place for it."""
    if not path:
        return new
    if type(old) is not type(new) or not isinstance(old, BaseModel):
        return old
    name, *rest = path
    return old.model_copy(update={name: _with(getattr(old, name), getattr(new, name), rest)})


def _blocks(old: Iterable[Any], new: Iterable[Any]) -> BlockNames:
    before: Mapping[str, Any] = {block.name: block for block in old}
    after: Mapping[str, Any] = {block.name: block for block in new}
    return BlockNames(
        added=tuple(name for name in after if name not in before),
        removed=tuple(name for name in before if name not in after),
        changed=tuple(
            name for name, block in after.items() if name in before and before[name] != block
        ),
    )


def _differing(path: str, old: Any, new: Any) -> Iterable[str]:
    """Keys whose values differ, as deep as both sides are of the same model."""
    if old == new:
        return
    fields = getattr(type(old), "model_fields", None)
    if fields is None or type(old) is not type(new) or path in SWAPPED:
        yield path
        return
    for name in fields:
        yield from _differing(f"{path}.{name}", getattr(old, name), getattr(new, name))
