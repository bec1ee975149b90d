"""Files that a configuration draws on beside itself: secrets, certificates, accounts; and whether they changed."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Mapping
from pathlib import Path

Signature = tuple[int, int, int, int] | None
"""Device, inode, size and time of modification of what a path leads to, links followed; None if it leads nowhere."""

Files = Mapping[Path, Signature]
"""Files and what they were when they were read."""


def signature(path: Path) -> Signature:
    """What a path leads to now."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def digest(path: Path) -> str:
    """What tells a file's content from another; empty if it is no file or cannot be read."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return ""
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError):
        return ""
