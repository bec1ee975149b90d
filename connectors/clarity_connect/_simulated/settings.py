"""What a simulated Clarity Connect server can be told before it starts."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from connectors._simulation.faults import Fault

Positive = Annotated[int, msgspec.Meta(ge=1)]
Seconds = Annotated[float, msgspec.Meta(gt=0)]


class SimulatorSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A scenario. Its defaults are a small contact centre where ten things happen a second.

    Decode one with `msgspec.convert(mapping, SimulatorSettings)`; a wrong value raises `msgspec.ValidationError`
    that names it.
    """

    seed: int = 1
    """Two simulators with one seed and the same requests live the same lives."""
    agents: Positive = 10
    """Logins `agent0001`, `agent0002`, ... with the ids 101, 102, ..."""
    queues: Positive = 4
    """Ids 1, 2, ..."""
    domain: str = "CONTOSO"
    account: str = "gateway"
    """The Windows login of a supervisor who sees everybody and takes no sessions; agent id 1. Agents see themselves."""
    password: str = "secret"  # noqa: S105 - the password of accounts that do not exist
    """Of every login."""
    client_ids: tuple[str, ...] = ("0224c392-3845-4ac0-b1a0-d63706181ba7",)
    """Applications that may ask for tokens."""
    token_seconds: Seconds = 300.0
    signing_schemes: tuple[Literal["Negotiate", "NTLM"], ...] = ("Negotiate", "NTLM")
    """What the token host offers."""
    token_parameter: str = ""
    """A query parameter in which SignalR requests may carry the token, besides the Authorization header."""
    events_per_second: Annotated[float, msgspec.Meta(ge=0)] = 10.0
    """Messages a second, over all subscriptions. 0: only commands and /sim/emit make messages."""
    lives_begin: Literal["subscribed", "at_once"] = "subscribed"
    """Whether lives wait for the first subscription."""
    media: tuple[Literal["audio", "instantMessage", "message"], ...] = (
        "audio",
        "instantMessage",
        "message",
    )
    """What comes in by itself."""
    logouts: bool = True
    """Whether agents log out by themselves now and then."""
    command_grace_seconds: Annotated[float, msgspec.Meta(ge=0)] = 5.0
    """How long an agent's life leaves the agent alone after a command."""
    alert_threshold: Positive = 3
    """So many sessions waiting in a queue raise its alert."""
    hub: str = "metricsHub"
    partial_changes: bool = False
    """Whether a changed session or status is sent with only the properties that changed."""
    subscription_answer: Literal["object", "string", "none"] = "object"
    """The body of a successful subscription; the documentation does not tell it."""
    challenge_always: bool = True
    """Whether a 401 for lack of permission carries the challenge too, as if the token were at fault."""
    transports: tuple[Literal["webSockets", "serverSentEvents", "longPolling"], ...] = (
        "webSockets",
        "serverSentEvents",
        "longPolling",
    )
    """The SignalR transports that the administrator left enabled."""
    keep_alive_seconds: Seconds = 10.0
    disconnect_timeout_seconds: Seconds = 30.0
    connection_timeout_seconds: Seconds = 110.0
    disconnect_grace_seconds: Annotated[float, msgspec.Meta(ge=0)] = 5.0
    buffer_size: Positive = 1000
    """Messages kept per SignalR topic."""
    faults: tuple[Fault, ...] = ()
    published_limit: Positive = 1_000_000
    """How many messages the oracle remembers."""

    def username(self, index: int) -> str:
        """The login of agent number `index`, from 0."""
        return f"agent{index + 1:04d}"
