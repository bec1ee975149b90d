"""From settings to a tracer; the tracing library is loaded here, and only if somebody wants traces."""

from __future__ import annotations

import os
from collections.abc import Callable

from gateway.clock import Clock
from gateway.errors import ConfigError
from gateway.tracing.settings import REMEDY, TracesSettings, installed
from gateway.tracing.tracer import Tracing


def open_tracing(
    settings: TracesSettings,
    *,
    instance: str,
    version: str,
    clock: Clock,
    tell: Callable[[bool], None],
) -> Tracing:
    """Begin to trace; nothing is sent before there are spans.

    Args:
        settings: where to and how much.
        instance: name of this gateway.
        version: of this gateway.
        clock: the time.
        tell: called when exports begin to fail (False) and when they succeed again (True), from any thread.

    Raises ConfigError: the packages are not installed or turned off, or there are no such certificates.
    """
    if not installed():
        raise ConfigError("gateway.traces: OpenTelemetry is not installed", hint=REMEDY)
    if settings.ca_file is not None and not settings.ca_file.is_file():
        raise ConfigError(
            f"gateway.traces.ca_file: there is no file {settings.ca_file}",
            hint="name a readable file with certificates in PEM form",
        )
    if os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        raise ConfigError(
            "gateway.traces: the variable OTEL_SDK_DISABLED turns OpenTelemetry off",
            hint="remove the variable, or gateway.traces",
        )
    from gateway.tracing.sdk import SdkRecorder

    recorder = SdkRecorder(settings, instance=instance, version=version, tell=tell)
    return Tracing(recorder, sample_ratio=settings.sample_ratio, clock=clock)
