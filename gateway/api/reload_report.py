"""What came of taking a changed configuration over."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec


class BlockChanges(msgspec.Struct, frozen=True, kw_only=True):
    """Names of blocks that came, went, or were built anew."""

    added: Sequence[str] = ()
    removed: Sequence[str] = ()
    changed: Sequence[str] = ()


class ReloadFailure(msgspec.Struct, frozen=True, kw_only=True):
    """A block that could not be built although the file is right; what was there before runs on if there was one.

    Attributes:
        block: `connector/<name>` or `sink/<name>`.
    """

    block: str
    message: str
    hint: str = ""


class ReloadReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a reload found and did.

    Attributes:
        taken_over: changed keys of `gateway` that are in force now.
        need_restart: changed keys of `gateway` that a running gateway cannot take over.
        failed: blocks that could not be built.
        warnings: about the file.
    """

    connectors: BlockChanges
    sinks: BlockChanges
    taken_over: Sequence[str] = ()
    need_restart: Sequence[str] = ()
    failed: Sequence[ReloadFailure] = ()
    warnings: Sequence[str] = ()
