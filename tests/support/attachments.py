"""Files as if they had been uploaded to the gateway."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from gateway.contracts import StoredAttachment


class Uploads:
    """The store of attachments, with what tests put into it."""

    def __init__(self) -> None:
        self._kept: dict[str, StoredAttachment] = {}

    def find(self, attachment_id: str) -> StoredAttachment | None:
        """An upload by its id."""
        return self._kept.get(attachment_id)

    def keep(
        self,
        path: Path,
        *,
        name: str = "report.pdf",
        media_type: str = "application/pdf",
        upload: str = "u1",
    ) -> None:
        """Have the file at `path` under the id `upload`."""
        self._kept[upload] = StoredAttachment(
            id=upload,
            name=name,
            media_type=media_type,
            size_bytes=path.stat().st_size,
            path=path,
            expires=datetime.max.replace(tzinfo=UTC),
        )
