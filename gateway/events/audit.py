"""Data of the events that tell who did what to the gateway or through it."""

from __future__ import annotations

from typing import Annotated, Any

from gateway.events.common import Name, Number
from gateway.events.envelope import Data, Sensitivity


class AuditData(Data, frozen=True, kw_only=True):
    """Somebody sent a command or did an administrative act, or tried to.

    Attributes:
        act: what was done, `<object>.<verb>`: `command.send`, `sink.pause` …
        object: what it was done to, `<kind>/<id>`.
        requester: the name of the token, or the subject of a signed one; `local` where no credentials are configured.
        origin: the network address that it came from; behind a proxy, the proxy's.
        outcome: `done`, `refused` or `failed`; of a command its verdict.
        reason: why not: the end of a problem's type, or the reason of a verdict.
        connector: whom it concerns, if it is about one connector.
        details: the act's own parameters; long values are left out.
    """

    act: str
    object: str
    requester: Name
    outcome: str
    origin: Number | None = None
    reason: str | None = None
    connector: str | None = None
    details: Annotated[dict[str, Any], Sensitivity.DATA] | None = None
