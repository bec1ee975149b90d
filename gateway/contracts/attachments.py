"""Files that were uploaded to the gateway for a command to send on, as a connector sees them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

FILE_NAME = re.compile(r'[^"/\\\x00-\x1f\x7f]{1,255}')
"""What may be the name of an attachment: no folders, and nothing that could end the name in a form."""
MEDIA_TYPE = re.compile(r"[\w!#$&^.+-]{1,127}/[\w!#$&^.+-]{1,127}", re.ASCII)
"""What may be its type: type and subtype, without parameters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAttachment:
    """A file that is kept until `expires`.

    Attributes:
        id: what a command names it by; nobody can guess it.
        name: as the receiver shall see it.
        media_type: what kind of content it is.
        size_bytes: its length.
        path: where the content is. It is read in pieces, never as a whole, and never changed.
        expires: when the gateway removes it.
    """

    id: str
    name: str
    media_type: str
    size_bytes: int
    path: Path
    expires: datetime


class AttachmentStore(Protocol):
    """The uploads that are kept. Asked by a connector while it executes a command."""

    def find(self, attachment_id: str) -> StoredAttachment | None:
        """An upload by its id; none if it is not known, discarded or too old. No I/O."""
        ...
