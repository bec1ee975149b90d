"""What is kept of a session's feed with its events."""

from __future__ import annotations

import msgspec

from connectors._wire.json_values import UNREADABLE
from connectors.nice_incontact.mapping import AgentPicture


class FeedResume(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The place in the session and the agent's picture. A secret: a session's name lets its holder act in it.

    Attributes:
        start: the name that joining or starting answered, with which the current states can be asked for.
        cursor: the newest name, from which the next poll goes on; empty without a session.
        repeats: how many answers with events had the same newest name, which the platform does not document.
        seen_at: when the platform last answered a poll, in seconds since the epoch.
        clean: nothing was under way when this was written, and no later poll took anything.
        owed: the key of a gap after which the current states were read, if they are not in the picture.
        left: a session was ended; another one is not started until somebody asks for it.
    """

    picture: AgentPicture
    version: int = 1
    start: str = ""
    cursor: str = ""
    repeats: int = 0
    seen_at: float = 0.0
    clean: bool = False
    owed: str = ""
    left: bool = False


encode_resume = msgspec.json.Encoder().encode
_decoder = msgspec.json.Decoder(FeedResume)


def decode_resume(resume: bytes) -> FeedResume | None:
    """What was kept; None if it cannot be read."""
    try:
        return _decoder.decode(resume)
    except UNREADABLE:
        return None
