"""The root of the configuration. Blocks of connectors and sinks stay raw until a plug-in's model is known."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from config.document import Document
from config.files import Files
from config.report import Finding
from gateway.api.settings import ApiSettings
from gateway.attachments import AttachmentSettings
from gateway.journal.settings import JournalSettings
from gateway.tracing import TracesSettings

_NAME = re.compile(r"[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?")


def _check_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(
            "expected at most 63 lower-case letters, digits, `.`, `_` and `-`, the ends letters or digits"
        )
    return name


Name = Annotated[str, AfterValidator(_check_name)]
"""A name that is part of event sources, file names and metrics."""


class LogSettings(BaseModel):
    """What is logged, and how."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    level: Annotated[
        Literal["debug", "info", "warning", "error"],
        Field(description="least level that is written"),
    ] = "info"
    format: Annotated[
        Literal["json", "console"],
        Field(description="`json`: one object a line; `console`: for people"),
    ] = "json"


class LivenessSettings(BaseModel):
    """When a connected feed that gives nothing is noticed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    learn: Annotated[
        bool,
        Field(
            description="expect of each feed what it did in the same hour of earlier weeks, where "
            "`rhythm_seconds` of its connector says nothing"
        ),
    ] = True
    check_seconds: Annotated[
        float, Field(ge=0.1, le=60, description="how often all feeds are looked at")
    ] = 5.0


class GatewaySettings(BaseModel):
    """The gateway itself."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[
        Name,
        Field(description="this instance, as logs and the metric `tieline_info` name it"),
    ] = "tieline"
    data_dir: Annotated[
        Path, Field(description="directory of the journal; made if missing; one process at a time")
    ]
    api: Annotated[ApiSettings, Field(description="the control API")] = ApiSettings()
    journal: Annotated[JournalSettings, Field(description="the durable log")] = JournalSettings()
    attachments: Annotated[
        AttachmentSettings, Field(description="files that are uploaded for commands")
    ] = AttachmentSettings()
    liveness: Annotated[
        LivenessSettings, Field(description="feeds that are connected and fall quiet")
    ] = LivenessSettings()
    log: Annotated[LogSettings, Field(description="logging")] = LogSettings()
    traces: Annotated[
        TracesSettings | None,
        Field(description="OpenTelemetry traces, with the extra `otel`; none: nothing is traced"),
    ] = None
    shutdown_seconds: Annotated[
        float,
        Field(
            gt=0, le=600, description="time to drain and stop after SIGTERM; then it ends anyway"
        ),
    ] = 25.0
    connect_timeout_seconds: Annotated[
        float, Field(gt=0, le=600, description="time one feed has to connect before it is retried")
    ] = 30.0
    starts_per_second: Annotated[
        float, Field(gt=0, le=10_000, description="feeds that may start to connect in one second")
    ] = 100.0
    secret_check_seconds: Annotated[
        float,
        Field(
            ge=0.1,
            le=3600,
            description="how often files with secrets, certificates and accounts are looked at; one that changed is"
            " taken over when it has stood still for a second",
        ),
    ] = 5.0
    command_deadline_seconds: Annotated[
        float,
        Field(
            gt=0, le=600, description="time a command has to be decided if the request names none"
        ),
    ] = 15.0


class ConnectorBlock(BaseModel):
    """What every connector's block has; all else belongs to the platform."""

    model_config = ConfigDict(extra="allow", frozen=True)

    name: Annotated[Name, Field(description="part of `source` in every event: never change it")]
    platform: Annotated[str, Field(description="the platform, a folder under `connectors/`")]
    commands_per_second: Annotated[
        float,
        Field(
            gt=0,
            le=10_000,
            description="commands that it is sent in the long run, four times as many at once;"
            " more are refused with 429",
        ),
    ] = 50.0
    rhythm_seconds: Annotated[
        dict[str, Annotated[float, Field(ge=0)]],
        Field(
            description="glob of feed names to the time within which such a feed gives something; of several that fit "
            "the longest counts, 0: it may be silent for ever; without one it is learned"
        ),
    ] = {}


class SinkBlock(BaseModel):
    """What every sink's block has; all else belongs to the kind of sink."""

    model_config = ConfigDict(extra="allow", frozen=True)

    name: Annotated[Name, Field(description="the sink's position in the journal hangs on it")]
    kind: Annotated[str, Field(description="the kind of sink, a folder under `sinks/`")]
    events: Annotated[
        list[str],
        Field(min_length=1, description="globs of event types, e.g. `tieline.call.*`"),
    ] = ["*"]
    connectors: Annotated[
        list[str] | None,
        Field(min_length=1, description="names of connectors whose events it takes; none: all"),
    ] = None
    mask: Annotated[
        list[Literal["numbers", "names", "texts", "data", "personal", "content"]],
        Field(
            description="what is masked before delivery; `personal` is `numbers` and `names`, `content` is `texts` and "
            "`data`; `[]`: nothing, message bodies leave as they are"
        ),
    ] = ["texts"]


class Settings(BaseSettings):
    """The whole file."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, env_prefix="TIELINE_", env_nested_delimiter="__"
    )

    gateway: Annotated[GatewaySettings, Field(description="the gateway itself")]
    connectors: Annotated[
        list[ConnectorBlock], Field(description="platform instances to listen to")
    ] = []
    sinks: Annotated[list[SinkBlock], Field(description="receivers of events")] = []

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the library's signature
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the library's signature
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the library's signature
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the library's signature
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take only what the loader has layered.

        The library's own sources cannot address one block of a list, and end at the first value they cannot decode.
        """
        return (init_settings,)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorConfig:
    """One connector: its name, its platform, and the platform's own settings, checked.

    `rhythm_seconds` maps globs of feed names to the time within which such a feed gives something; `contents` digests
    of the files that its settings name, by key.
    """

    name: str
    platform: str
    settings: Any
    rhythm_seconds: Mapping[str, float] = field(default_factory=dict)
    commands_per_second: float = 50.0
    contents: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkConfig:
    """One sink: which events it takes, and the kind's own settings, checked.

    Attributes:
        events: globs of event types.
        connectors: names of connectors; empty means all, also those to come.
        mask: what is masked, in the words of `gateway.masking`.
        contents: digests of the files that its settings name, by key.
    """

    name: str
    kind: str
    events: tuple[str, ...]
    connectors: tuple[str, ...]
    mask: tuple[str, ...]
    settings: Any
    contents: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """A configuration without errors, and what is worth a warning all the same.

    Attributes:
        contents: digests of the files that keys of `gateway` name, by key.
        document: what it was made of, to be resolved anew when a file has changed that it draws on.
        files: those files, as they were when they were read.
    """

    path: Path
    gateway: GatewaySettings
    connectors: tuple[ConnectorConfig, ...]
    sinks: tuple[SinkConfig, ...]
    warnings: tuple[Finding, ...] = ()
    contents: Mapping[str, str] = field(default_factory=dict)
    document: Document | None = field(default=None, repr=False, compare=False)
    files: Files = field(default_factory=dict, repr=False, compare=False)
