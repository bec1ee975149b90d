"""What a simulated Genesys Web Services server can be told before it starts."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from connectors._simulation.faults import Fault

Natural = Annotated[int, msgspec.Meta(ge=0)]
Positive = Annotated[int, msgspec.Meta(ge=1)]


class SimulatorSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A scenario. Its defaults are a small contact centre where ten things happen a second.

    Decode one with `msgspec.convert(mapping, SimulatorSettings)`; a wrong value raises `msgspec.ValidationError`
    that names it.
    """

    seed: int = 1
    """Two simulators with one seed and the same requests live the same lives."""
    agents: Positive = 10
    """Accounts `agent0001`, `agent0002`, ..."""
    password: str = "secret"  # noqa: S105 - the password of accounts that do not exist
    events_per_second: Annotated[float, msgspec.Meta(ge=0)] = 10.0
    """Messages a second, over all agents whose life has begun. 0: only commands and /sim/emit make messages."""
    lives_begin: Literal["subscribed", "at_once"] = "subscribed"
    """Whether an agent's life waits for the first subscription to its feed."""
    media: tuple[Literal["voice", "chat", "email"], ...] = ("voice", "chat", "email")
    """What comes in by itself."""
    logouts: bool = True
    """Whether agents log out by themselves now and then; an agent who is out refuses commands."""
    command_grace_seconds: Annotated[float, msgspec.Meta(ge=0)] = 5.0
    """How long an agent's life leaves the calls alone after a command on them."""
    command_delay_ms: Annotated[float, msgspec.Meta(ge=0)] = 20.0
    """At most so long after a command's reply comes its message; one in five comes before the reply."""
    dial_answer_seconds: Annotated[float, msgspec.Meta(ge=0)] = 0.5
    """After how long a dialled party answers."""
    ack: bool = False
    """Whether the CometD acknowledge extension is offered."""
    timeout_ms: Positive = 30_000
    interval_ms: Natural = 0
    max_interval_ms: Positive = 10_000
    max_queue: Positive = 100_000
    http_session_seconds: Annotated[float, msgspec.Meta(gt=0)] = 1800.0
    """The HTTP session ends after so long without a request (Jetty's default)."""
    csrf: bool = False
    """Whether every request that is not a GET needs the token."""
    csrf_header: str = "X-CSRF-TOKEN"
    """The name of the header to send it in, as told in X-CSRF-HEADER."""
    csrf_on_notifications: bool = False
    """Whether CometD requests need it too."""
    unavailable_channels: tuple[str, ...] = ()
    """Channels that StartContactCenterSession cannot start: partial success."""
    spelling: Literal["documented", "capabilities"] = "documented"
    """Whether operations that have two names go by the documented one or by the word among the capabilities."""
    destinations: Literal["any", "text", "object"] = "any"
    """In which form numbers to dial are taken."""
    echo_references: bool = False
    """Messages that a command causes carry the command's `referenceId` instead of the oracle's."""
    max_attachment_bytes: Positive = 10 * 1024 * 1024
    """Longer attachments are refused."""
    supervisors: Natural = 0
    """So many of the first accounts are supervisors: they may read everything and listen to /v2/users."""
    single_session: bool = False
    """Whether signing in anew ends the user's other HTTP sessions."""
    refused_topics: tuple[str, ...] = ()
    """Topics that nobody may subscribe to, as on an older server."""
    workbin_path: Literal["root", "me", "both"] = "root"
    """Where workbins are watched: below /workbins as servers of 8.5.2 do, or below /me/workbins as documented."""
    statistics_period_ms: Positive = 10_000
    """How often statistics change."""
    faults: tuple[Fault, ...] = ()
    published_limit: Positive = 1_000_000
    """How many messages the oracle remembers."""

    def username(self, index: int) -> str:
        """The account of agent number `index`, from 0."""
        return f"agent{index + 1:04d}"
