"""A lookup with one platform and one sink made for these tests: the loader must know no real plug-in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, SecretStr

from gateway.errors import ConfigError

TOKEN_HASH = "sha256:" + "0" * 64


class Account(BaseModel):
    """Who logs in."""

    model_config = ConfigDict(extra="forbid")

    username: str
    password: SecretStr


class PlatformSettings(BaseModel):
    """Settings of a platform, with every kind of field that real ones have."""

    model_config = ConfigDict(extra="forbid")

    base_url: HttpUrl
    accounts: Annotated[list[Account], Field(min_length=1)]
    timeout_seconds: Annotated[float, Field(gt=0)] = 10.0
    mode: Literal["observe", "control"] = "observe"
    headers: dict[str, str] = {}
    ca_file: Path | None = None


class SinkSettings(BaseModel):
    """Settings of a sink."""

    model_config = ConfigDict(extra="forbid")

    path: Path
    written: Annotated[Path, Field(json_schema_extra={"relative_to": "data_dir"})] = Path("w")
    secrets: list[SecretStr] = []
    batch: Annotated[int, Field(ge=1, le=1000)] = 100


class Plugins:
    """The lookup."""

    def connector_settings(self, platform: str) -> type[BaseModel]:
        """The model of the platform `test_platform`."""
        if platform != "test_platform":
            raise ConfigError(f"there is no platform {platform!r}, there are: test_platform")
        return PlatformSettings

    def sink_settings(self, kind: str) -> type[BaseModel]:
        """The model of the sink `test_sink`."""
        if kind != "test_sink":
            raise ConfigError(
                f"there is no kind of sink {kind!r}, there are: test_sink",
                hint="did you mean test_sink?",
            )
        return SinkSettings


GOOD = """\
gateway:
  data_dir: data
  api: {host: 127.0.0.1, port: 8080}
connectors:
  - name: gws-main
    platform: test_platform
    base_url: http://127.0.0.1:8090
    accounts:
      - {username: anna, password: correct-horse}
      - {username: ben, password: battery-staple}
sinks:
  - name: log
    kind: test_sink
    path: events.jsonl
    events: ["tieline.call.*"]
"""
