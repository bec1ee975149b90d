"""What a token may do: a closed list of scopes."""

from __future__ import annotations

from gateway.commands import Verb

READ = "read"
ADMIN = "admin"
COMMAND_PREFIX = "command:"

SCOPES: tuple[str, ...] = (
    READ,
    *(f"{COMMAND_PREFIX}{family}" for family in dict.fromkeys(verb.family for verb in Verb)),
    ADMIN,
)
"""`read` sees everything, `command:<family>` sends commands of that family, `admin` may do all."""


def command_scope(verb: Verb) -> str:
    """The scope that a command needs."""
    return f"{COMMAND_PREFIX}{verb.family}"


def allows(granted: frozenset[str], needed: str) -> bool:
    """Whether the granted scopes cover what is needed."""
    return needed in granted or ADMIN in granted
