"""Settings of traces, and whether the packages for them are there."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from gateway.contracts import check_headers

EXTRA = "otel"
REMEDY = f"install the extra: pip install 'tieline[{EXTRA}]'"

_OWN_HEADERS = frozenset({"content-type", "content-length", "content-encoding", "host"})


class TracesSettings(BaseModel):
    """Where spans are sent, and of which share of events."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    endpoint: Annotated[
        str,
        Field(
            description="receiver of OTLP over HTTP (protobuf) for traces, the whole URL: usually it ends with "
            "`/v1/traces`",
        ),
    ]
    headers: Annotated[
        dict[str, SecretStr],
        Field(description="headers added to every request, such as Authorization"),
    ] = {}
    sample_ratio: Annotated[
        float,
        Field(
            ge=0,
            le=1,
            description="share of the deliveries of feeds and of commands that are traced; commands whose request "
            "has a `traceparent` follow it instead",
        ),
    ] = 0.01
    timeout_seconds: Annotated[
        float, Field(gt=0, le=60, description="time to send one batch, with its repetitions")
    ] = 10.0
    queue_spans: Annotated[
        int,
        Field(
            ge=1, le=100_000, description="spans that wait to be sent; beyond it they are dropped"
        ),
    ] = 2048
    ca_file: Annotated[
        Path | None,
        Field(description="certificates (PEM) of the authority to trust instead of the usual ones"),
    ] = None

    @field_validator("endpoint")
    @classmethod
    def _check_endpoint(cls, endpoint: str) -> str:
        parts = urlsplit(endpoint)
        try:
            in_range = parts.port != 0
        except ValueError:
            in_range = False
        if parts.scheme not in {"http", "https"} or not parts.hostname or not in_range:
            raise ValueError("expected a URL that begins with http:// or https:// and names a host")
        if parts.username is not None or parts.query or parts.fragment:
            raise ValueError(
                "a user name, a query or a fragment, expected a URL without them: put credentials into `headers`"
            )
        if parts.path in {"", "/"}:
            raise ValueError(f"no path, expected the whole URL: {endpoint.rstrip('/')}/v1/traces")
        return endpoint

    @field_validator("headers")
    @classmethod
    def _check_headers(cls, headers: dict[str, SecretStr]) -> dict[str, SecretStr]:
        check_headers(headers, own=_OWN_HEADERS.__contains__, owner="the exporter")
        return headers

    @property
    def peer(self) -> str:
        """The receiver for messages: its path is left out, it may hold a token."""
        parts = urlsplit(self.endpoint)
        return f"{parts.scheme}://{parts.netloc}"


def installed() -> bool:
    """Whether the packages of the extra are there; none of them is imported to find out."""
    return find_spec("opentelemetry") is not None and all(
        find_spec(name) is not None
        for name in ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")
    )
