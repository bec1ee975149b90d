"""What a simulated NICE inContact platform can be told before it starts."""

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
    """Agent ids 1001, 1002, ...; user names `agent0001@example.com`, ..."""
    skills: Annotated[int, msgspec.Meta(ge=1, le=4)] = 4
    """Skill ids 501, 502, ..."""
    password: str = "secret"  # noqa: S105 - the password of users who do not exist
    """Of every user, and the secret of every access key (`key-1001`, ...)."""
    application: str = "Tieline@Example"
    """The registered application, as name and vendor."""
    business_unit: Positive = 4711
    application_id: Positive = 12345
    """What stands in for the business unit in the key of a client grant."""
    client_id: str = "sim-client"
    client_secret: str = "sim-secret"  # noqa: S105 - the secret of a client that does not exist
    """Of the OpenID Connect client."""
    tenant: str = "11ec1b3a-sim-tenant"
    token_seconds: MoreThanZero = 3600.0
    """How long an access token lives."""
    refresh_seconds: MoreThanZero = 7200.0
    """How long a refresh token lives, counted from the first grant."""
    error_form: Literal["status", "json"] = "status"
    """Whether an error's text stands in the reason phrase and the header icStatusDescription, or in a body too."""
    generation: Literal["by_version", "g1", "g2"] = "by_version"
    """The shape of polled lists; `by_version`: the older one up to v23."""
    report_names: Literal["pascal", "camel"] = "pascal"
    """Whether the older reports are written as the method reference has it, or as programs that read them expect."""
    page_rows: Positive = 10_000
    """The most rows in one reply of a polled list."""
    events_per_second: NotNegative = 10.0
    """Events a second, over all agents whose life has begun. 0: only commands and /sim/emit make events."""
    lives_begin: Literal["joined", "at_once"] = "joined"
    """Whether an agent's life waits for the first poll of its session."""
    media: tuple[Literal["voice", "chat", "workitem", "voicemail"], ...] = (
        "voice",
        "chat",
        "workitem",
        "voicemail",
    )
    """What comes in by itself."""
    logouts: bool = True
    """Whether agents log out by themselves now and then; a moment later they log in again, in a new session."""
    sessions_open: bool = True
    """Whether every agent is logged in at the own desk from the start."""
    command_grace_seconds: NotNegative = 5.0
    """How long an agent's life leaves the agent alone after a command."""
    dial_answer_seconds: NotNegative = 0.3
    """After how long phones and called parties answer."""
    acw_seconds: NotNegative = 30.0
    """How long after-contact work may take; 0: there is none."""
    refusal_seconds: MoreThanZero = 45.0
    """How long a contact waits to be accepted."""
    max_calls: Positive = 3
    """How many calls an agent may have."""
    idle_client_seconds: MoreThanZero = 300.0
    """A client that does not poll for so long is forgotten."""
    linger_seconds: NotNegative = 2.0
    """How long the last events of an ended session can still be fetched."""
    max_queue: Positive = 100_000
    """Events kept for one client; one that has more to fetch gets a refresh set instead."""
    faults: tuple[Fault, ...] = ()
    published_limit: Positive = 1_000_000
    """How many events the oracle remembers."""

    def username(self, index: int) -> str:
        """The user name of agent number `index`, from 0."""
        return f"agent{index + 1:04d}@example.com"
