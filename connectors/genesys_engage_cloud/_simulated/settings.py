"""What a simulated Engage Cloud can be told before it starts."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from connectors._simulation.faults import Fault

Natural = Annotated[int, msgspec.Meta(ge=0)]
Positive = Annotated[int, msgspec.Meta(ge=1)]
NotNegative = Annotated[float, msgspec.Meta(ge=0)]
MoreThanZero = Annotated[float, msgspec.Meta(gt=0)]


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
    tenant: str = "acme"
    """The account may be written `acme\\agent0001`."""
    api_key: str = "sim-key"
    """What x-api-key must be; not asked for when empty."""
    client_id: str = "sim-client"
    client_secret: str = "sim-secret"  # noqa: S105 - the secret of a client that does not exist
    token_seconds: MoreThanZero = 1800.0
    """How long an access token lives."""
    events_per_second: NotNegative = 10.0
    """Messages a second, over all agents whose life has begun. 0: only commands and /sim/emit make messages."""
    lives_begin: Literal["subscribed", "at_once"] = "subscribed"
    """Whether an agent's life waits for the first subscription to its feed."""
    media: tuple[Literal["voice", "chat", "email", "workitem", "outboundpreview"], ...] = (
        "voice",
        "chat",
        "email",
        "workitem",
        "outboundpreview",
    )
    """What comes in by itself."""
    logouts: bool = True
    """Whether agents log out by themselves now and then; an agent who is out refuses commands."""
    initialization_seconds: NotNegative = 0.0
    """How long a workspace takes to be complete; 0: it is when the session begins."""
    initialization_fails: bool = False
    """Whether it ends as Failed."""
    silent_seconds: NotNegative = 0.0
    """How long after its beginning a session denies to tell how its agent stands, as the vendor's simulator does."""
    one_session_per_agent: bool = False
    """Whether a second initialize-workspace ends the agent's first session."""
    auto_complete_calls: bool = True
    """Whether a released call is complete; else it waits for `complete`."""
    command_grace_seconds: NotNegative = 5.0
    """How long an agent's life leaves the calls alone after a command on them."""
    command_delay_ms: NotNegative = 20.0
    """At most so long after a command's reply comes its message; one in five comes before the reply."""
    dial_answer_seconds: NotNegative = 0.5
    """After how long a dialled party answers."""
    statistics_seconds: MoreThanZero = 1.0
    """How often a statistics subscription has new values."""
    statistics_form: Literal["bare", "wrapped", "mixed"] = "mixed"
    """Whether an update stands in the message's data, or in one more `data` there."""
    provisioning_data: Literal["string", "map"] = "string"
    """Whether the result of an asynchronous operation is JSON in a string, or an object."""
    object_change_seconds: MoreThanZero = 2.0
    """How often a watched object changes by itself while lives go on."""
    ack: bool = False
    """Whether the CometD acknowledge extension is offered."""
    timeout_ms: Positive = 30_000
    interval_ms: Natural = 0
    max_interval_ms: Positive = 10_000
    max_queue: Positive = 100_000
    http_session_seconds: MoreThanZero = 1800.0
    """A session ends after so long without a request."""
    faults: tuple[Fault, ...] = ()
    max_attachment_bytes: Positive = 10 * 1024 * 1024
    published_limit: Positive = 1_000_000
    """How many messages the oracle remembers."""

    def username(self, index: int) -> str:
        """The account of agent number `index`, from 0."""
        return f"agent{index + 1:04d}"
