"""Settings that both generations have, word for word: use a type here as that of a field with the default beside it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Protocol

from pydantic import BaseModel, ConfigDict, Field

ACKNOWLEDGE = True
REQUEST_TIMEOUT_SECONDS = 10.0
MAX_REPLY_BYTES = 4 * 1024 * 1024
MAX_ATTACHMENT_BYTES = 10 * 1024 * 1024
MAX_BUFFERED_MESSAGES = 10_000

AccountsFile = Annotated[
    Path | None,
    Field(
        description="YAML or JSON file with a list of further accounts, with the keys of `accounts`."
    ),
]
Acknowledge = Annotated[
    bool,
    Field(
        description="Use the acknowledge extension if the server offers it: a crash then loses nothing."
    ),
]
KeepPayload = Annotated[
    bool, Field(description="Put the whole vendor message into each event's native part.")
]
RequestTimeoutSeconds = Annotated[
    float, Field(gt=0, le=300, description="Longest time for one REST request.")
]
MaxReplyBytes = Annotated[
    int,
    Field(ge=65_536, le=256 * 1024 * 1024, description="Largest reply that is read, in bytes."),
]
MaxAttachmentBytes = Annotated[
    int,
    Field(
        ge=1,
        le=1024 * 1024 * 1024,
        description="Largest attachment that a command may add, in bytes.",
    ),
]
MaxBufferedMessages = Annotated[
    int,
    Field(
        ge=100,
        le=1_000_000,
        description="Most messages of one feed that wait for the journal; then polling pauses.",
    ),
]


class Block(BaseModel):
    """A part of the settings: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Named(Protocol):
    """An account, as far as accounts must differ."""

    @property
    def username(self) -> str:
        """On the platform."""
        ...

    @property
    def name(self) -> str:
        """In events and commands."""
        ...


def check_distinct(accounts: Iterable[Named]) -> None:
    """No two have the same user name, or the same name in events. Raises ValueError."""
    users: set[str] = set()
    names: set[str] = set()
    for account in accounts:
        for value, seen in ((account.username, users), (account.name, names)):
            if value in seen:
                raise ValueError(f"expected accounts that differ; {value!r} occurs twice")
            seen.add(value)
